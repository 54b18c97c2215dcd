package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Relay is a balancer of the simplest kind, so that several machines have one address: what connects to the address is connected to the first of the backends that
// takes it, and closed when none does. It knows of bytes alone. fleetlab runs itself for it, as a unit of a machine; it ends when ctx does.
func Relay(ctx context.Context, address string, backends []string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		client, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		go relay(ctx, client, backends)
	}
}

func relay(ctx context.Context, client net.Conn, backends []string) {
	defer client.Close()
	server, err := firstOf(ctx, backends)
	if err != nil {
		return // the client sees the end of its connection, and that is all a relay can say
	}
	defer server.Close()
	stop := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer stop()
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		// An error of one side is the end of what it says; the other is told so.
		_, _ = io.Copy(to, from)
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
	}
	both.Go(func() { pass(server, client) })
	both.Go(func() { pass(client, server) })
	both.Wait()
}

// firstOf connects to all of the addresses at once and returns the connection that is there first.
func firstOf(ctx context.Context, addresses []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	type dialed struct {
		conn net.Conn
		err  error
	}
	all := make(chan dialed, len(addresses))
	for _, address := range addresses {
		go func() {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			all <- dialed{conn, err}
		}()
	}
	var errs []error
	for i := range addresses {
		d := <-all
		if d.err == nil {
			go func() { // those that come later are not needed
				for range addresses[i+1:] {
					if late := <-all; late.err == nil {
						late.conn.Close()
					}
				}
			}()
			return d.conn, nil
		}
		errs = append(errs, d.err)
	}
	return nil, errors.Join(errs...)
}
