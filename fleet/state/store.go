package state

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	etcd "go.etcd.io/etcd/client/v2"
)

// Defaults of Config.
const (
	DefaultPrefix  = "/stackc"
	DefaultTimeout = 5 * time.Second
	// DefaultTTL outlasts 20 seconds in which etcd has no leader.
	DefaultTTL = 30 * time.Second
)

// retryFor bounds the tries of one request at an etcd that has answered before: it
// outlasts 20 seconds without a leader, and a lock outlasts it.
const retryFor = 25 * time.Second

// Config says where the store is.
type Config struct {
	// Endpoints are URLs of members of one etcd: http://host:2379. One may bring the
	// user of all: http://me:word@host:2379.
	Endpoints []string
	// TLS is for https endpoints; nil is Go's default.
	TLS *tls.Config
	// Dial replaces the way connections are made, through a tunnel for example.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Prefix is the key under which everything lies, DefaultPrefix when empty.
	Prefix string
	// Timeout bounds each try of a request. 0 means DefaultTimeout.
	Timeout time.Duration
	// TTL is how long a lock outlives a holder that does not refresh it, in whole
	// seconds as etcd counts. 0 means DefaultTTL.
	TTL time.Duration
}

// Store is a connection to etcd. It may be used from several goroutines.
type Store struct {
	keys      etcd.KeysAPI
	transport *http.Transport
	endpoints []string
	prefix    string
	ttl       time.Duration
	timeout   time.Duration
	// met is set once etcd has answered: from then on a request is tried again for
	// a while, since etcd may be without a leader.
	met atomic.Bool
	// asked counts the requests, tries included.
	asked atomic.Int64
}

// Open prepares a connection. Nothing is sent. The error is of Kind Misused.
func Open(c Config) (*Store, error) {
	endpoints, user, err := parse(c.Endpoints)
	if err != nil {
		return nil, err
	}
	s := &Store{endpoints: endpoints, prefix: c.Prefix, ttl: c.TTL, timeout: c.Timeout}
	if s.prefix == "" {
		s.prefix = DefaultPrefix
	}
	if s.ttl == 0 {
		s.ttl = DefaultTTL
	}
	if s.timeout == 0 {
		s.timeout = DefaultTimeout
	}
	s.transport = &http.Transport{
		DialContext:         c.Dial,
		TLSClientConfig:     c.TLS,
		TLSHandshakeTimeout: s.timeout,
		MaxIdleConnsPerHost: 16,
	}
	if c.Dial == nil {
		s.transport.DialContext = (&net.Dialer{Timeout: s.timeout, KeepAlive: 30 * time.Second}).DialContext
	}
	word, _ := user.Password()
	client, err := etcd.New(etcd.Config{Endpoints: endpoints, Transport: s.transport, Username: user.Username(), Password: word})
	if err != nil {
		return nil, &Error{Op: "connect to etcd", Kind: Misused, Err: err}
	}
	s.keys = etcd.NewKeysAPI(client)
	return s, nil
}

// parse takes the user out of endpoints, so that no message tells the password.
func parse(texts []string) (endpoints []string, user *url.Userinfo, err error) {
	for _, text := range texts {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, nil, fail("connect to etcd", Misused, "endpoint %q is not http://host:port or https://host:port", text)
		}
		if u.User != nil {
			user, u.User = u.User, nil
		}
		endpoints = append(endpoints, u.String())
	}
	return endpoints, user, nil
}

// Close drops idle connections.
func (s *Store) Close() { s.transport.CloseIdleConnections() }

// Requests is how many requests were made, each try counted.
func (s *Store) Requests() int { return int(s.asked.Load()) }

// Endpoints returns where the store is.
func (s *Store) Endpoints() []string { return s.endpoints }

// Ping asks whether etcd answers, once. The error is of Kind Unreachable.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.Has(ctx, "/")
	return err
}

// Has reports whether etcd has a key, which is a whole one and not below Prefix.
// It tells whether this is the etcd that somebody else, fleet for one, uses as well.
func (s *Store) Has(ctx context.Context, key string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.asked.Add(1)
	_, err := s.keys.Get(ctx, key, nil)
	err = s.classify(ctx, "ask etcd", err)
	if KindOf(err) == Missing {
		err = nil
		s.met.Store(true)
		return false, nil
	}
	if err == nil {
		s.met.Store(true)
	}
	return err == nil, err
}

// Do makes a request about keys that are not the store's own, those of fleet's
// registry for one, with the tries and the errors of all its requests. It may be made
// several times. An answer of etcd that is no fault has to be taken for one inside of
// request; errors.As finds it there as an etcd.Error.
func (s *Store) Do(ctx context.Context, op string, request func(context.Context, etcd.KeysAPI) (*etcd.Response, error)) (*etcd.Response, error) {
	return s.attempt(ctx, op, func(ctx context.Context) (*etcd.Response, error) { return request(ctx, s.keys) })
}

// Watch gives the changes below a key that come after the one with that index.
func (s *Store) Watch(key string, after uint64) etcd.Watcher {
	return s.keys.Watcher(key, &etcd.WatcherOptions{AfterIndex: after, Recursive: true})
}

// Place gives the key of something that belongs to no stack, below Prefix.
func (s *Store) Place(parts ...string) string {
	return path.Join(append([]string{s.prefix, "v1"}, parts...)...)
}

// key gives the place of something that belongs to a stack.
func (s *Store) key(stack string, parts ...string) (string, error) {
	if stack == "" || strings.HasPrefix(stack, ".") || strings.HasPrefix(stack, "_") || strings.ContainsAny(stack, "~\x00") {
		return "", fail("look up the stack", Misused, "%q cannot be the name of a stack", stack)
	}
	return path.Join(append([]string{s.prefix, "v1", "stacks", flat(stack)}, parts...)...), nil
}

// flat writes the name of a stack, which may have slashes inside, as one part of
// a key; deep reads it back. No name has a tilde.
func flat(stack string) string { return strings.ReplaceAll(stack, "/", "~") }

func deep(part string) string { return strings.ReplaceAll(part, "~", "/") }

// attempt does a request, again and again for a while if etcd has answered
// before and now cannot. Every request made through it may be repeated: what is
// compared and swapped finds out in its answer that an earlier try went through.
func (s *Store) attempt(ctx context.Context, op string, request func(context.Context) (*etcd.Response, error)) (*etcd.Response, error) {
	var last error
	once := func() (*etcd.Response, error) {
		inner, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		s.asked.Add(1)
		answer, err := request(inner)
		err = s.classify(ctx, op, err)
		if KindOf(err) != Unreachable {
			s.met.Store(s.met.Load() || err == nil || KindOf(err) != "")
			if err != nil {
				return answer, backoff.Permanent(err)
			}
			return answer, nil
		}
		if last = err; !s.met.Load() {
			return nil, backoff.Permanent(err)
		}
		return nil, err
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 2*time.Second
	answer, err := backoff.Retry(ctx, once, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(retryFor))
	if errors.Is(err, context.DeadlineExceeded) && last != nil {
		err = last // there is no time for another try
	}
	return answer, err
}

func (s *Store) get(ctx context.Context, op, key string, recursive bool) (*etcd.Response, error) {
	return s.attempt(ctx, op, func(ctx context.Context) (*etcd.Response, error) {
		return s.keys.Get(ctx, key, &etcd.GetOptions{Recursive: recursive, Sort: true, Quorum: true})
	})
}

func (s *Store) set(ctx context.Context, op, key, value string, options etcd.SetOptions) (*etcd.Response, error) {
	return s.attempt(ctx, op, func(ctx context.Context) (*etcd.Response, error) {
		return s.keys.Set(ctx, key, value, &options)
	})
}

func (s *Store) remove(ctx context.Context, op, key string, options etcd.DeleteOptions) error {
	_, err := s.attempt(ctx, op, func(ctx context.Context) (*etcd.Response, error) {
		return s.keys.Delete(ctx, key, &options)
	})
	if KindOf(err) == Missing {
		return nil
	}
	return err
}
