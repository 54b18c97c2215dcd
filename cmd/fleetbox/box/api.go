package box

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/fleet/api"
	"github.com/coreos/fleet/heart"
	"github.com/coreos/fleet/registry"
	"github.com/coreos/fleet/server"
)

// pageSize is fleetd's default of token_limit: so many entries fill a page of a list.
const pageSize = 100

// apiServer is fleet's HTTP API, counted, with faults on demand. It is no machine's: it stays when
// machines stop.
type apiServer struct {
	fleet  http.Handler
	dead   http.Handler // fleet's own answer while it cannot reach etcd
	counts *counts
	faults *faults
	lost   atomic.Bool // etcd has been unreachable for too long
	wires  *wires      // to etcd
	front  *front
	kill   chan struct{}
}

func startAPI(store *etcd, addresses []string, timing Timing) (*apiServer, error) {
	a := &apiServer{wires: &wires{}, counts: newCounts(), faults: &faults{}, kill: make(chan struct{})}
	keys, err := store.keys(a.wires)
	if err != nil {
		return nil, err
	}
	reg := registry.NewEtcdRegistry(keys, registry.DefaultKeyPrefix)
	a.fleet = api.NewServeMux(reg, pageSize)
	a.dead = api.NewServer(nil, nil) // never made available
	if a.front, err = serve(addresses, a); err != nil {
		return nil, err
	}
	go a.supervise(pulse{reg: reg}, timing.TTL)
	return a, nil
}

func (a *apiServer) close() {
	close(a.kill)
	a.front.close()
	a.wires.set(true)
}

// supervise watches etcd as a fleetd watches its heart, and refuses requests while it is lost.
func (a *apiServer) supervise(h heart.Heart, ttl time.Duration) {
	for {
		if told, _ := server.NewMonitor(ttl).Monitor(h, a.kill); told {
			return
		}
		a.lost.Store(true)
		for {
			if _, err := h.Beat(ttl); err == nil {
				break
			}
			select {
			case <-a.kill:
				return
			case <-time.After(time.Second):
			}
		}
		a.lost.Store(false)
	}
}

// pulse beats while the registry can be read.
type pulse struct {
	heart.Heart
	reg *registry.EtcdRegistry
}

// Beat reads from the registry.
func (p pulse) Beat(time.Duration) (uint64, error) {
	_, err := p.reg.EngineVersion()
	return 1, err
}

// ServeHTTP counts the request and answers it as fleet or as a fault says.
func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	class := classify(r.Method, r.URL.Path)
	watched := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	defer func() { a.counts.add(class, watched.status, r) }()
	if a.faults.serve(watched, r) {
		return
	}
	handler := a.fleet
	if a.lost.Load() {
		handler = a.dead
	}
	handler.ServeHTTP(watched, r)
}

// classify names a kind of request, as "PUT /units/{name}".
func classify(method, path string) string {
	below := trimPrefix(path)
	if below == path {
		return method + " " + path
	}
	collection, item, _ := strings.Cut(below, "/")
	if item != "" {
		collection += "/{name}"
	}
	return method + " /" + collection
}

// trimPrefix cuts the prefixes that fleet's API answers under.
func trimPrefix(path string) string {
	for _, prefix := range []string{"/fleet/v1/", "/v1-alpha/"} {
		if below, ok := strings.CutPrefix(path, prefix); ok {
			return below
		}
	}
	return path
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers and writes the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter {
	return w.ResponseWriter
}
