package box

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/etcd/client"
	"github.com/coreos/etcd/embed"
	"github.com/coreos/etcd/etcdserver/api/v2http"
)

// etcd is an etcd server with one member and without etcd's own listeners.
type etcd struct {
	server *embed.Etcd
	front  *front
}

// startEtcd starts etcd in a directory, with its v2 API on the address.
func startEtcd(dir, address string) (*etcd, error) {
	cfg := embed.NewConfig()
	cfg.Name = "fleetbox"
	cfg.Dir = dir
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.LPUrls, cfg.LCUrls = nil, nil
	cfg.TickMs, cfg.ElectionMs = 50, 250 // alone, it need not wait for others
	cfg.SnapCount = 10_000
	cfg.LogOutput = "default"
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(10 * time.Second):
		server.Close()
		return nil, errors.New("etcd: not ready after 10 s")
	}
	e := &etcd{server: server}
	e.front, err = serve([]string{address}, e.handler())
	if err != nil {
		server.Close()
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return e, nil
}

func (e *etcd) handler() http.Handler {
	return v2http.NewClientHandler(e.server.Server, e.server.Server.Cfg.ReqTimeout())
}

func (e *etcd) url() string {
	return URL(e.front.listeners[0])
}

func (e *etcd) close() {
	e.front.close()
	e.server.Close()
}

// etcdTimeout is longer than fleetd's default of 1 s: a box may share its machine with a busy test.
const etcdTimeout = 5 * time.Second

// keys is an etcd client over wires of its own.
func (e *etcd) keys(w *wires) (client.KeysAPI, error) {
	c, err := client.New(client.Config{
		Endpoints:               []string{e.url()},
		Transport:               w.transport(),
		HeaderTimeoutPerRequest: etcdTimeout,
	})
	if err != nil {
		return nil, err
	}
	return client.NewKeysAPI(c), nil
}
