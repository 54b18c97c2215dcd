package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// silent is an address that takes no connection and refuses none, as behind a
// firewall: what it could take is taken.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
}

// echo answers what it is told.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// wantEcho talks through a connection.
func wantEcho(t *testing.T, conn net.Conn) {
	t.Helper()
	word := make([]byte, 4)
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, word); err != nil || string(word) != "ping" {
		t.Fatalf("got %q, %v", word, err)
	}
}

// TestDeadline dials what never answers: the dial ends, and those who talk through
// the same connection go on.
func TestDeadline(t *testing.T) {
	s := start(t)
	tunnel, nobody := open(t, s, nil), silent(t)
	conn, err := tunnel.DialContext(t.Context(), "tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	before, err := tunnel.link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, with := range []func() (context.Context, context.CancelFunc){
		func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 50*time.Millisecond)
		},
		func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := with()
		_, err := tunnel.DialContext(ctx, "tcp", nobody)
		cancel()
		if e := new(Error); !errors.As(err, &e) || e.Kind != Unreachable || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
			t.Errorf("error %v, want that of %v", err, ctx.Err())
		}
		wantEcho(t, conn)
		if now, err := tunnel.link(t.Context()); now != before || err != nil {
			t.Errorf("the next dial has another connection, %v", err)
		}
	}
}

// valve passes connections on to an address until it is shut: what is under way then
// gets no further, and nobody is told.
type valve struct {
	net.Listener
	mu   sync.Mutex
	shut chan struct{}
}

func newValve(t *testing.T, to string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{Listener: l, shut: make(chan struct{})}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			shut := v.now()
			go pass(near, far, shut)
			go pass(far, near, shut)
		}
	}()
	return v
}

func (v *valve) now() chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.shut
}

// close shuts the valve for all connections that there are.
func (v *valve) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.shut)
	v.shut = make(chan struct{})
}

func pass(to, from net.Conn, shut chan struct{}) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-shut: // swallowed
		default:
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}

// TestDeadConnection loses the way to the server without a word: the dial that runs
// out of time has the server asked, and without an answer the next one connects anew.
func TestDeadConnection(t *testing.T) {
	s := start(t)
	way := newValve(t, net.JoinHostPort(s.Host, s.Port))
	tunnel := open(t, s, func(c *Config) {
		c.Host, c.Trusting, c.Timeout = s.User+"@"+way.Addr().String(), true, time.Second
	})
	there := echo(t)
	conn, err := tunnel.DialContext(t.Context(), "tcp", there)
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, conn)
	conn.Close()
	dead, err := tunnel.link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	way.close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := tunnel.DialContext(ctx, "tcp", there); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the deadline", err)
	}
	<-dead.ended
	conn, err = tunnel.DialContext(t.Context(), "tcp", there)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantEcho(t, conn)
}
