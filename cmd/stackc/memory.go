package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/state"
)

// guessTimeout bounds the look for an etcd where nobody has said that there is one.
const guessTimeout = 2 * time.Second

// memory finds the etcd with locks and history. It is nil when there is none and
// none was asked for, with the reason in words, which is "" if that was wished. An
// etcd that was named and does not answer is an error: whoever names one relies on
// the lock. So is the one that fleet's registry is worked on in.
func (g *connection) memory(ctx context.Context, conn *fleet.Conn) (*state.Store, string, error) {
	named := g.etcd
	if named == "" && g.driver.value == driverEtcd {
		named = cmp.Or(g.endpoint, fleet.DefaultEtcdEndpoint)
	}
	switch {
	case g.noState:
		return nil, "", nil
	case named != "":
		store, err := g.openState(strings.Split(named, ","), 0)
		if err != nil {
			return nil, "", err
		}
		if err := store.Ping(ctx); err != nil {
			store.Close()
			return nil, "", err
		}
		return store, "", nil
	}
	endpoints := guessEtcd(conn.Endpoint(), g.way != nil)
	if len(endpoints) == 0 {
		return nil, "where etcd is was not said", nil
	}
	store, err := g.openState(endpoints, guessTimeout)
	if err != nil {
		return nil, "", err
	}
	reason, err := g.belongs(ctx, conn, store)
	if err != nil || reason != "" {
		store.Close()
		return nil, reason, err
	}
	return store, "", nil
}

// openState prepares a connection that goes the same way as that to fleet.
func (g *connection) openState(endpoints []string, timeout time.Duration) (*state.Store, error) {
	for i := range endpoints {
		endpoints[i] = strings.TrimSpace(endpoints[i])
	}
	config, err := g.config()
	if err != nil {
		return nil, err
	}
	tls, err := fleet.ClientTLS(config)
	if err != nil {
		return nil, misuse("", "%w", err)
	}
	c := state.Config{Endpoints: endpoints, TLS: tls, Timeout: timeout, Dial: g.network}
	if g.way != nil {
		c.Dial = g.way.DialContext
	}
	store, err := state.Open(c)
	if err == nil {
		g.stores = append(g.stores, store)
	}
	return store, err
}

// guessEtcd gives the addresses at which CoreOS hosts have etcd: beside fleet. An
// address of the own host may be the end of somebody's tunnel; for it there is no
// guess, unless the tunnel is stackc's own.
func guessEtcd(e fleet.Endpoint, tunnelled bool) []string {
	host := "127.0.0.1"
	if e.Socket == "" {
		host = e.Base.Hostname()
		if host == "" || stack.Loopback(host) && !tunnelled {
			return nil
		}
	}
	var list []string
	for _, port := range []string{"2379", "4001"} {
		u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
		list = append(list, u.String())
	}
	return list
}

// belongs tells why an etcd that was guessed is not to be used, "" when it is the
// one that fleet itself uses: a lock in another would bind nobody.
func (g *connection) belongs(ctx context.Context, conn *fleet.Conn, store *state.Store) (string, error) {
	where := strings.Join(store.Endpoints(), ", ")
	machines, err := conn.Machines(ctx)
	if err != nil {
		return "", err
	}
	if len(machines) == 0 {
		return "without machines it cannot be told which etcd is fleet's", nil
	}
	has, err := store.Has(ctx, path.Join(cmp.Or(g.etcdPrefix, fleet.DefaultEtcdPrefix), "machines", machines[0].ID))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return fmt.Sprintf("no etcd answers at %s", where), nil
	case !has:
		return fmt.Sprintf("the etcd at %s is not that of this fleet", where), nil
	}
	return "", nil
}

// remembered is memory for commands that are about nothing else.
func (p *program) remembered(ctx context.Context, conn *fleet.Conn) (*state.Store, error) {
	if p.cluster.noState {
		return nil, misuse("", "--no-state leaves nothing to look at")
	}
	store, reason, err := p.cluster.memory(ctx, conn)
	if err == nil && store == nil {
		return nil, &failure{code: exitUnreachable, kind: string(state.Unreachable), help: etcdHelp, err: fmt.Errorf("locks and history are in etcd, and %s", reason)}
	}
	return store, err
}

const etcdHelp = "--etcd-endpoint or STACKC_ETCD says where it is"

// owned adds to a snapshot what is recorded of who owns units, and tells when a run holds
// the lock of stack, unless that is "": its units are being changed while they are read. A
// command that only looks does without when etcd is away.
func (p *program) owned(ctx context.Context, conn *fleet.Conn, s *fleet.Snapshot, stack string) *fleet.Snapshot {
	store, _, err := p.cluster.memory(ctx, conn)
	if err == nil && store != nil {
		defer store.Close()
		if stack != "" {
			if lock, err := store.Lock(ctx, stack); err == nil && lock != nil {
				p.remark("note: %s", view.Changing(stack, lock))
			}
		}
		var claims map[string]state.Claims
		if claims, err = store.Claims(ctx); err == nil {
			return s.WithClaims(claimList(claims))
		}
	}
	if err != nil {
		p.remark("note: %v: a unit is known by its text only", err)
	}
	return s
}
