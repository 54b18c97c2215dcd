package tunnel

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// link is one SSH connection with those that it runs through.
type link struct {
	client *ssh.Client
	under  []*ssh.Client // jump hosts, the nearest first
	ended  chan struct{}
	// indirect says that sockets are reached by a program on the host.
	indirect atomic.Bool
	// doubted says that the server is being asked for a sign of life.
	doubted atomic.Bool
}

// connect goes along the route.
func connect(ctx context.Context, route []hop) (*link, error) {
	l := &link{ended: make(chan struct{})}
	dial := (&net.Dialer{}).DialContext
	for _, h := range route {
		client, err := h.connect(ctx, dial)
		if err != nil {
			l.close()
			return nil, err
		}
		if l.client != nil {
			l.under = append(l.under, l.client)
		}
		l.client, dial = client, client.DialContext
	}
	go func() {
		l.client.Wait()
		close(l.ended)
	}()
	return l, nil
}

// alive reports whether the connection has not ended, as far as is known.
func (l *link) alive() bool {
	select {
	case <-l.ended:
		return false
	default:
		return true
	}
}

func (l *link) close() {
	if l.client != nil {
		l.client.Close()
	}
	for i := range l.under {
		l.under[len(l.under)-1-i].Close()
	}
}

// connect makes the connection to one host.
func (h hop) connect(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error)) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	conn, err := dial(ctx, "tcp", h.address())
	if err != nil {
		return nil, &Error{Kind: Unreachable, Host: h.String(), Err: err}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	keys := newKeyring(h)
	defer keys.close()
	config, err := h.config(keys)
	if err != nil {
		conn.Close()
		return nil, &Error{Kind: Unusable, Host: h.String(), Err: err}
	}
	c, channels, requests, err := ssh.NewClientConn(conn, net.JoinHostPort(h.name, h.port), config)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, h.fault(ctx, err, keys)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// config asks for the kinds of host keys that are known: by itself the client would
// ask for another kind first and take the answer for a changed key.
func (h hop) config(keys *keyring) (*ssh.ClientConfig, error) {
	config := &ssh.ClientConfig{
		User:            h.user,
		Auth:            []ssh.AuthMethod{ssh.PublicKeysCallback(keys.signers)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), //nolint: only with --strict-host-key-checking=false
		Timeout:         h.timeout,
	}
	if h.trusting {
		return config, nil
	}
	known, err := knownhosts.NewDB(h.known...)
	if err != nil {
		return nil, err
	}
	config.HostKeyCallback = func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := known.HostKeyCallback()(host, remote, key)
		if err == nil {
			return nil
		}
		return &hostKeyError{key: key, err: err}
	}
	config.HostKeyAlgorithms = known.HostKeyAlgorithms(net.JoinHostPort(h.name, h.port))
	return config, nil
}

// hostKeyError is a host key that was not taken.
type hostKeyError struct {
	key ssh.PublicKey
	err error
}

func (e *hostKeyError) Error() string { return e.err.Error() }
func (e *hostKeyError) Unwrap() error { return e.err }

// fault says what is wrong with a handshake that failed.
func (h hop) fault(ctx context.Context, err error, keys *keyring) error {
	e := &Error{Kind: Unreachable, Host: h.String(), Err: err}
	var refused *hostKeyError
	var known *xknownhosts.KeyError
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &refused):
		e.Kind, e.Key = ChangedKey, refused.key.Type()+" "+ssh.FingerprintSHA256(refused.key)
		if errors.As(err, &known) && len(known.Want) == 0 {
			e.Kind = UnknownKey
		} else if known != nil {
			e.Place = known.Want[0].Filename + ":" + itoa(known.Want[0].Line)
		}
	case errors.As(err, &negotiation) && strings.Contains(err.Error(), "host key"):
		e.Kind = ChangedKey
	case strings.Contains(err.Error(), "unable to authenticate"):
		e.Kind, e.Err = NoKey, errors.New(keys.offered())
	case ctx.Err() != nil:
		e.Err = errors.New("no SSH connection within " + h.timeout.Round(time.Millisecond).String())
	}
	return e
}
