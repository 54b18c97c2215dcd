package box

import (
	"log"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// front serves a handler on listeners that can be cut.
type front struct {
	server    *http.Server
	listeners []net.Listener
	wires     *wires
	ahead     atomic.Int64 // by how much the Date of answers is before the true one, a time.Duration
}

// serve opens all addresses and serves on them.
func serve(addresses []string, handler http.Handler) (*front, error) {
	f := &front{wires: &wires{}}
	f.server = &http.Server{
		Handler:           f.dated(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(os.Stderr, "fleetbox: ", 0),
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

// dated gives answers the time of a clock that may be wrong.
func (f *front) dated(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ahead := time.Duration(f.ahead.Load()); ahead != 0 {
			w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		}
		handler.ServeHTTP(w, r)
	})
}

// close ends the listeners, their socket files and every connection.
func (f *front) close() {
	for _, l := range f.listeners {
		l.Close()
	}
	f.server.Close()
	f.wires.set(true)
}
