package box

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
)

// wires tracks connections, to tear them all.
type wires struct {
	mu    sync.Mutex
	down  bool
	conns map[*wire]struct{}
}

// wire is a tracked connection.
type wire struct {
	net.Conn
	of *wires
}

var errCut = errors.New("network is cut")

// add tracks a connection, or closes it if the wires are cut.
func (w *wires) add(c net.Conn) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		c.Close()
		return nil, errCut
	}
	if w.conns == nil {
		w.conns = map[*wire]struct{}{}
	}
	wired := &wire{Conn: c, of: w}
	w.conns[wired] = struct{}{}
	return wired, nil
}

// set cuts the wires, ending every connection, or lets new ones through again.
func (w *wires) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	if !down {
		return
	}
	for c := range w.conns {
		c.Conn.Close()
	}
	w.conns = nil
}

// Close ends the connection and its tracking.
func (c *wire) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// transport is an HTTP transport over the wires.
func (w *wires) transport() *http.Transport {
	dialer := &net.Dialer{}
	return &http.Transport{
		MaxIdleConnsPerHost: 16,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return w.add(c)
		},
	}
}

// gate is a listener over wires.
type gate struct {
	net.Listener
	*wires
}

// Accept returns the next connection; while the wires are cut, connections are closed unseen.
func (g gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if wired, err := g.add(c); err == nil {
			return wired, nil
		}
	}
}

// Listen opens a TCP address (HOST:PORT, port 0 for any) or, with a slash in it, a unix socket. A
// socket file that nobody listens on any more is replaced.
func Listen(address string) (net.Listener, error) {
	if !strings.Contains(address, "/") {
		return net.Listen("tcp", address)
	}
	const longest = 107 // sun_path of unix(7), less the NUL
	if len(address) > longest {
		return nil, fmt.Errorf("socket path has %d characters, more than the %d that unix(7) allows: %s", len(address), longest, address)
	}
	if c, err := net.Dial("unix", address); err == nil {
		c.Close()
		return nil, fmt.Errorf("socket is in use: %s", address)
	}
	if info, err := os.Stat(address); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(address); err != nil {
			return nil, err
		}
	}
	return net.Listen("unix", address)
}

// URL is the endpoint of a listener as fleetctl and stackc take it.
func URL(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}
