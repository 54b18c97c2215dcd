// Package tunnel reaches what listens on another machine, a Unix socket above all,
// through an SSH server there. It connects as OpenSSH's client would: by
// ~/.ssh/config, with the keys of the agent and of files, and only to hosts whose keys
// are known.
package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// DefaultTimeout bounds the making of an SSH connection, as fleetctl's --ssh-timeout.
const DefaultTimeout = 10 * time.Second

// DefaultUser logs in where nothing else is said: the user of CoreOS.
const DefaultUser = "core"

// Config says where to go and who we are.
type Config struct {
	// Host is [USER@]HOST[:PORT], where HOST may be an alias of ~/.ssh/config.
	Host string
	// User logs in when Host names none; "" is what ~/.ssh/config says, else DefaultUser.
	User string
	// Home is the folder that has .ssh in it.
	Home string
	// Agent is the socket of an SSH agent (SSH_AUTH_SOCK), or "".
	Agent string
	// KnownHosts are the files of known host keys; with none those of OpenSSH and of
	// fleetctl are read.
	KnownHosts []string
	// Trusting takes any host key (--strict-host-key-checking=false).
	Trusting bool
	// Timeout bounds the making of a connection to each host. 0 means DefaultTimeout.
	Timeout time.Duration
}

// Tunnel is a way to another machine. It connects when it is first used, and again
// after the connection was lost. It may be used from several goroutines.
type Tunnel struct {
	route []hop // the last one is the goal, the others are jump hosts

	turn chan struct{} // holds one token: whoever has it may connect
	mu   sync.Mutex
	now  *link // nil when there is no connection
}

// New reads what is needed to connect, and connects nowhere.
func New(config Config) (*Tunnel, error) {
	route, err := routeTo(config)
	if err != nil {
		return nil, err
	}
	t := &Tunnel{route: route, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t, nil
}

// Host is where the tunnel ends, as user@host:port.
func (t *Tunnel) Host() string { return t.route[len(t.route)-1].String() }

// Connect makes the connection if there is none, to see early whether it can be made.
func (t *Tunnel) Connect(ctx context.Context) error {
	_, err := t.link(ctx)
	return err
}

// DialContext connects to a "tcp" address or a "unix" socket as seen from the host.
func (t *Tunnel) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	l, err := t.link(ctx)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		return t.socket(ctx, l, address)
	}
	conn, err := l.client.DialContext(ctx, network, address)
	if err != nil {
		return nil, t.refused(l, address, err)
	}
	return conn, nil
}

// socket connects to a Unix socket. An SSH server before 6.7, or one that is told not
// to, forwards to none, which it does not tell from a socket that is not there;
// fleetctl on that machine can, and says what is wrong if it cannot.
func (t *Tunnel) socket(ctx context.Context, l *link, path string) (net.Conn, error) {
	if !l.indirect.Load() {
		conn, err := l.client.DialContext(ctx, "unix", path)
		if err == nil {
			return conn, nil
		}
		var refusal *ssh.OpenChannelError
		if !errors.As(err, &refusal) {
			return nil, t.refused(l, path, err)
		}
	}
	conn, err := l.command(ctx, "fleetctl fd-forward "+quoted(path), func(err error) error {
		return t.fault(NoServer, &addressError{path, fmt.Errorf("the SSH server cannot connect to it, and %w", err)})
	})
	if err != nil {
		return nil, t.refused(l, path, err)
	}
	return conn, nil
}

// refused tells a server that will not from a connection that is of no use any more. A
// dial that ran out of time tells neither: a firewall there may pass over it, and
// others may be talking through the same connection. So the server is asked.
func (t *Tunnel) refused(l *link, address string, err error) error {
	var refusal *ssh.OpenChannelError
	switch {
	case errors.As(err, &refusal) && refusal.Reason == ssh.ConnectionFailed:
		return t.fault(NoServer, &addressError{address, errors.New("the SSH server cannot connect to it: " + refusal.Message)})
	case errors.As(err, &refusal):
		return t.fault(Forbidden, &addressError{address, err})
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		t.doubt(l)
	default:
		t.drop(l)
	}
	return t.fault(Unreachable, err)
}

// Close ends the connection.
func (t *Tunnel) Close() error {
	t.mu.Lock()
	l := t.now
	t.mu.Unlock()
	if l != nil {
		t.drop(l)
	}
	return nil
}

func (t *Tunnel) fault(kind Kind, err error) error {
	return &Error{Kind: kind, Host: t.Host(), Err: err}
}

// link gives the connection, and makes it if there is none.
func (t *Tunnel) link(ctx context.Context) (*link, error) {
	select {
	case <-t.turn:
		defer func() { t.turn <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t.mu.Lock()
	l := t.now
	t.mu.Unlock()
	if l != nil && l.alive() {
		return l, nil
	}
	if l != nil {
		t.drop(l)
	}
	l, err := connect(ctx, t.route)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.now = l
	t.mu.Unlock()
	return l, nil
}

// doubt drops a connection over which the server does not answer within the time that
// it has for making one. Every server answers this request, if with a refusal (RFC
// 4254, 4); OpenSSH's client asks the same for ServerAliveInterval.
func (t *Tunnel) doubt(l *link) {
	if !l.doubted.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer l.doubted.Store(false)
		defer time.AfterFunc(t.route[len(t.route)-1].timeout, func() { t.drop(l) }).Stop()
		if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			t.drop(l)
		}
	}()
}

// drop closes a connection that is of no use any more.
func (t *Tunnel) drop(l *link) {
	t.mu.Lock()
	if t.now == l {
		t.now = nil
	}
	t.mu.Unlock()
	l.close()
}
