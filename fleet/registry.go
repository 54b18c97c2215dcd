package fleet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	etcd "github.com/coreos/etcd/client"
	"github.com/coreos/fleet/api"
	"github.com/coreos/fleet/registry"
)

// DefaultEtcdEndpoint is where etcd listens on its own machine, by its new port and
// by its old one.
const DefaultEtcdEndpoint = "http://127.0.0.1:2379,http://127.0.0.1:4001"

// DefaultEtcdPrefix is the directory in etcd under which fleet keeps everything.
const DefaultEtcdPrefix = registry.DefaultKeyPrefix

// EtcdConfig says how to work on the registry that fleet keeps in etcd, past fleetd.
type EtcdConfig struct {
	// Prefix is fleet's directory in etcd; empty means DefaultEtcdPrefix.
	Prefix string
}

// registry is the one server of a connection to etcd. It stands for all endpoints,
// between which etcd's client chooses. asked counts the requests.
func (c Config) registry(tlsConfig *tls.Config, timeout time.Duration, asked *atomic.Int64) ([]server, error) {
	text := cmp.Or(c.Endpoint, DefaultEtcdEndpoint)
	urls, user, err := etcdEndpoints(text)
	if err != nil {
		return nil, err
	}
	client, err := etcd.New(etcd.Config{
		Endpoints: urls,
		Transport: cancelable{c.transport(Endpoint{}, tlsConfig)},
		Username:  user.Username(),
		Password:  password(user),
		// One endpoint that hangs must leave time to ask the others.
		HeaderTimeoutPerRequest: timeout / time.Duration(len(urls)),
	})
	if err != nil {
		return nil, err
	}
	handler := &registryTransport{keys: etcd.NewKeysAPI(client), prefix: cmp.Or(c.Etcd.Prefix, DefaultEtcdPrefix), asked: asked}
	return []server{{Endpoint: Endpoint{Text: strings.Join(urls, ",")}, transport: handler}}, nil
}

// etcdEndpoints reads etcd's URLs. One may bring the user of all: http://me:word@host:2379.
func etcdEndpoints(text string) (urls []string, user *url.Userinfo, err error) {
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		u, err := url.Parse(one)
		switch {
		case err != nil:
			return nil, nil, errors.New("an endpoint of etcd is not a URL") // it may hold a password
		case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			return nil, nil, fmt.Errorf("endpoint %q is not one of etcd, write http://host:2379", u.Redacted())
		}
		if u.User != nil {
			user, u.User = u.User, nil
		}
		urls = append(urls, strings.TrimRight(u.String(), "/"))
	}
	return urls, user, nil
}

func password(user *url.Userinfo) string {
	word, _ := user.Password()
	return word
}

// cancelable is what etcd's client asks of a transport; requests end with their
// context.
type cancelable struct{ *http.Transport }

// CancelRequest implements etcd.CancelableTransport.
func (cancelable) CancelRequest(*http.Request) {}

// registryTransport answers requests to fleet's API by fleet's own code, in this
// process, over fleet's own registry client: what fleetd does, without fleetd.
type registryTransport struct {
	keys   etcd.KeysAPI
	prefix string
	asked  *atomic.Int64
}

// wholeList is as many entries as fleet puts on a page at most: pages exist to keep
// answers small, and each costs the reading of everything.
const wholeList = math.MaxUint16

// RoundTrip implements http.RoundTripper. What etcd cannot do is an error, and never
// an answer.
func (t *registryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	keys := &boundKeys{KeysAPI: t.keys, ctx: req.Context(), asked: t.asked}
	reply := &answer{header: http.Header{}, status: http.StatusOK}
	done := make(chan struct{})
	go func() {
		defer close(done)
		api.NewServeMux(registry.NewEtcdRegistry(keys, t.prefix), wholeList).ServeHTTP(reply, req)
	}()
	<-done
	if keys.fault != nil {
		return nil, keys.fault
	}
	return reply.response(req), nil
}

// answer is a http.ResponseWriter in memory.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) response(req *http.Request) *http.Response {
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: req,
	}
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// boundKeys brings the context of a request into the calls of fleet's registry, which
// knows none. The first fault ends the goroutine of the request: the registry takes
// some faults of etcd for keys that are not there, and writes of others on stderr.
type boundKeys struct {
	etcd.KeysAPI
	ctx   context.Context
	asked *atomic.Int64
	fault error
}

// Get implements etcd.KeysAPI.
func (k *boundKeys) Get(_ context.Context, key string, o *etcd.GetOptions) (*etcd.Response, error) {
	return k.checked(k.KeysAPI.Get(k.ctx, key, o))
}

// Set implements etcd.KeysAPI.
func (k *boundKeys) Set(_ context.Context, key, value string, o *etcd.SetOptions) (*etcd.Response, error) {
	return k.checked(k.KeysAPI.Set(k.ctx, key, value, o))
}

// Delete implements etcd.KeysAPI.
func (k *boundKeys) Delete(_ context.Context, key string, o *etcd.DeleteOptions) (*etcd.Response, error) {
	return k.checked(k.KeysAPI.Delete(k.ctx, key, o))
}

// checked passes on what etcd says about keys; at anything else it does not return.
func (k *boundKeys) checked(r *etcd.Response, err error) (*etcd.Response, error) {
	k.asked.Add(1)
	var said etcd.Error
	if err == nil || errors.As(err, &said) && said.Code >= 100 && said.Code < firstServerCode && said.Code != unauthorized {
		return r, err
	}
	k.fault = etcdFault(err, said)
	runtime.Goexit()
	return nil, nil
}

// etcd's codes of errors (errors.md of its v2 API): below 300 are those about keys and
// requests.
const (
	unauthorized    = 110
	firstServerCode = 300
)

// etcdFault words what etcd's client returned.
func etcdFault(err error, said etcd.Error) error {
	var all *etcd.ClusterError
	switch {
	case said.Code == unauthorized:
		return &illError{permanent: true, text: "etcd wants a user: " + said.Message, is: ErrWantsUser}
	case said.Code != 0:
		return &illError{text: "etcd cannot work: " + said.Message}
	case !errors.As(err, &all):
		return err
	}
	for _, one := range all.Errors {
		// etcd's client makes one text of the answers 500 and 503.
		if strings.Contains(one.Error(), "has no leader") || strings.Contains(one.Error(), "returns server error") {
			return &illError{text: strings.TrimPrefix(one.Error(), "client: ")}
		}
	}
	return errors.Join(all.Errors...)
}

// illError is the answer of a server that is there and cannot work.
type illError struct {
	text      string
	permanent bool
	is        error
}

// ErrWantsUser is the answer of an etcd that asks for a user and a password.
var ErrWantsUser = errors.New("etcd wants a user")

// Unwrap returns what it is, for errors that are told apart.
func (e *illError) Unwrap() error { return e.is }

func (e *illError) Error() string { return e.text }

// Permanent says that another try gets the same answer.
func (e *illError) Permanent() bool { return e.permanent }
