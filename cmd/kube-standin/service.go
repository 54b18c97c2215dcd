package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// need is something that must answer before the program is healthy.
type need struct {
	name string // what the log calls it
	urls []string
	ask  func(context.Context) error // in place of the urls
}

// service is what a long-running program listens on and needs.
type service struct {
	listen []string // host:port, each answers /healthz
	needs  []need
	secure []secureListener
	api    http.Handler // further paths, nil for none
}

// secureListener is a port with TLS, whose gate judges who may ask.
type secureListener struct {
	at   string
	tls  *tls.Config
	gate *gate
}

// service derives listeners and needs from the flags. Defaults are those of the release's own source (cmd/*/app/server.go, pkg/master/ports).
func (p player) service() (service, error) {
	if p.release == "1.11" {
		return p.service111()
	}
	f := p.flags
	switch p.program {
	case "kube-apiserver":
		at := net.JoinHostPort(f.or("insecure_bind_address", f.or("address", "127.0.0.1")), f.or("insecure_port", f.or("port", "8080")))
		return service{listen: []string{at}, needs: []need{etcdNeed(f["etcd_servers"])}, api: newMinions(f["etcd_servers"])}, nil
	case "kube-controller-manager":
		return service{listen: []string{join(f, "address", "127.0.0.1", "port", "10252")}, needs: p.controllerNeeds()}, nil
	case "kube-scheduler":
		return service{listen: []string{join(f, "address", "127.0.0.1", "port", "10251")}, needs: []need{apiNeed(f["master"])}}, nil
	case "kube-proxy":
		return p.proxy()
	case "kubelet":
		return p.kubelet()
	}
	return service{}, unknownProgram(p.program)
}

// controllerNeeds is the apiserver, to which the controller manager adds the minions that its flag lists (pkg/cloudprovider/controller).
func (p player) controllerNeeds() []need {
	api := apiNeed(p.flags["master"])
	if p.flags["machines"] == "" {
		return []need{api}
	}
	add := func(ctx context.Context) error {
		for _, id := range strings.Split(p.flags["machines"], ",") {
			if err := postMinion(ctx, strings.TrimSuffix(api.urls[0], "/healthz"), id); err != nil {
				return err
			}
		}
		return nil
	}
	return []need{api, {name: "the apiserver's list of minions", ask: add}}
}

func (p player) proxy() (service, error) {
	if p.release == "0.7" {
		n, err := sourceNeed(p.flags["master"], p.flags["etcd_servers"])
		return service{needs: n}, err
	}
	n, err := sourceNeed(p.flags["master"], "")
	return service{listen: []string{join(p.flags, "bind_address", "0.0.0.0", "healthz_port", "10249")}, needs: n}, err
}

func (p player) kubelet() (service, error) {
	n, err := sourceNeed(p.flags["api_servers"], p.flags["etcd_servers"])
	if p.release == "0.7" {
		return service{listen: []string{join(p.flags, "address", "127.0.0.1", "port", "10250")}, needs: n}, err
	}
	listen := []string{join(p.flags, "address", "0.0.0.0", "port", "10250"), join(p.flags, "healthz_bind_address", "127.0.0.1", "healthz_port", "10248")}
	return service{listen: listen, needs: n}, err
}

// sourceNeed is where a kubelet or a proxy reads what to run: the apiserver, or etcd where the release still can.
func sourceNeed(api, etcd string) ([]need, error) {
	switch {
	case api != "":
		return []need{apiNeed(api)}, nil
	case etcd != "":
		return []need{etcdNeed(etcd)}, nil
	}
	return nil, errors.New("nothing to read from: neither an apiserver nor etcd was given")
}

func join(f values, host, defaultHost, port, defaultPort string) string {
	return net.JoinHostPort(f.or(host, defaultHost), f.or(port, defaultPort))
}

func apiNeed(list string) need {
	return need{name: "the apiserver", urls: endpoints(list, "/healthz")}
}

func etcdNeed(list string) need { return need{name: "etcd", urls: endpoints(list, "/version")} }

// endpoints reads a comma separated list of addresses, with or without a scheme, as the programs of the time did.
func endpoints(list, path string) []string {
	var urls []string
	for _, item := range strings.Split(list, ",") {
		if item = strings.TrimRight(strings.TrimSpace(item), "/"); item == "" {
			continue
		}
		if !strings.Contains(item, "://") {
			item = "http://" + item
		}
		urls = append(urls, item+path)
	}
	return urls
}

// check says why the need is not met, nil when one of its addresses answers 200.
func (n need) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if n.ask != nil {
		if err := n.ask(ctx); err != nil {
			return fmt.Errorf("%s does not answer: %w", n.name, err)
		}
		return nil
	}
	err := errors.New("no address given")
	for _, url := range n.urls {
		if _, err = get(ctx, http.DefaultClient, url); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s does not answer: %w", n.name, err)
}

// health is the last thing known of the program's own state; a nil error is healthy.
type health struct {
	mu  sync.Mutex
	err error
}

func (h *health) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// set stores the state and says whether it is another one than before.
func (h *health) set(err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := (err == nil) != (h.err == nil)
	h.err = err
	return changed
}

func (h *health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := h.get(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serve listens, keeps the health up to date, and ends when ctx does.
func (p player) serve(ctx context.Context, s service) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	state := &health{err: errors.New("starting")}
	mux := http.NewServeMux()
	mux.Handle("/healthz", state)
	if s.api != nil {
		mux.Handle("/", s.api)
	}
	failed := make(chan error, len(s.listen)+len(s.secure))
	for _, at := range s.listen {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return err
		}
		defer l.Close()
		p.logf("listens on %s", l.Addr())
		server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
		defer server.Close()
		go func() { failed <- server.Serve(l) }()
	}
	for _, x := range s.secure {
		l, err := tls.Listen("tcp", x.at, x.tls)
		if err != nil {
			return err
		}
		defer l.Close()
		p.logf("listens with TLS on %s", l.Addr())
		x.gate.next = mux
		server := &http.Server{Handler: x.gate, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		defer server.Close()
		go func() { failed <- server.Serve(l) }()
	}
	go p.watch(ctx, s.needs, state)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// watch asks the needs again and again, and logs one line per change of health.
func (p player) watch(ctx context.Context, needs []need, state *health) {
	if !sleep(ctx, p.delay) {
		return
	}
	said := ""
	for {
		err := firstUnmet(ctx, needs)
		changed := state.set(err)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && changed:
			p.logf("healthy")
			said = ""
		case err != nil && said != err.Error():
			p.logf("not healthy: %v", err)
			said = err.Error()
		}
		if !sleep(ctx, 300*time.Millisecond) {
			return
		}
	}
}

func firstUnmet(ctx context.Context, needs []need) error {
	for _, n := range needs {
		if err := n.check(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sleep waits and says whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
