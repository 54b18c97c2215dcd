package box

import (
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

// front serves a handler on listeners that can be cut.
type front struct {
	server    *http.Server
	listeners []net.Listener
	wires     *wires
}

// serve opens all addresses and serves on them.
func serve(addresses []string, handler http.Handler) (*front, error) {
	f := &front{
		wires: &wires{},
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          log.New(os.Stderr, "fleetbox: ", 0),
		},
	}
	for _, address := range addresses {
		l, err := Listen(address)
		if err != nil {
			f.close()
			return nil, err
		}
		f.listeners = append(f.listeners, l)
	}
	for _, l := range f.listeners {
		go f.server.Serve(gate{Listener: l, wires: f.wires})
	}
	return f, nil
}

// close ends the listeners, their socket files and every connection.
func (f *front) close() {
	for _, l := range f.listeners {
		l.Close()
	}
	f.server.Close()
	f.wires.set(true)
}
