package check

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// ready asks a node as its followers do. A port of which no more is said must take a
// connection.
func (l *lister) ready(n *topology.Node) {
	for _, target := range l.targets(n) {
		unit := target.unit
		if n.Host != nil {
			unit = n.Host.Unit
		}
		ask := l.askOf(n, target)
		if r := n.Ready(); r != nil && (r.Kind == stack.ReadyHTTP || r.Kind == stack.ReadyHTTPS) {
			ask.Scheme = string(r.Kind)
			ask = at(ask, emit.ReadyText(l.t, n, target.instance, r.Target))
		}
		if ask.Port > 0 || ask.URL != "" {
			l.add(expect.Check{Kind: expect.Ready, Name: target.name, Unit: unit, Ask: ask})
		}
	}
}

// shared asks at the one address of several machines, where that is none of theirs: it
// is a balancer's, or follows the unit, and what is elsewhere knows no other.
func (l *lister) shared(n *topology.Node) {
	r := n.Ready()
	if n.Unit == nil || n.Unit.Counted() || r == nil || r.Kind != stack.ReadyHTTP && r.Kind != stack.ReadyHTTPS {
		return
	}
	for _, other := range l.t.Nodes() {
		if e := other.Waits(n); e == nil || e.Local {
			continue
		}
		a := l.t.AddressOf(other, n)
		machines := l.t.Stack.MachinesOf(a.Role)
		if a.Role == "" || len(machines) < 2 || slices.ContainsFunc(machines, func(m *stack.Machine) bool { return m.Called(a.Host) }) {
			continue
		}
		for _, target := range l.targets(n) {
			ask := expect.Ask{Scheme: string(r.Kind), Port: n.Port().Value, Where: expect.Where{Hosts: []string{a.Host}}}
			if ask = at(ask, emit.ReadyText(l.t, n, target.instance, r.Target)); ask.URL == "" && !ask.Loopback && ask.Port > 0 {
				l.add(expect.Check{Kind: expect.Ready, Name: target.name, Unit: target.unit, Ask: ask})
			}
		}
		return
	}
}

// target is one unit of a node, or the host entry.
type target struct {
	name     string
	unit     units.Name // "" for a host entry
	instance string
}

// targets are the units of a node that are to run.
func (l *lister) targets(n *topology.Node) []target {
	switch {
	case n.Made != nil || n.Host != nil && n.Host.StandIn:
		return nil
	case n.Host != nil:
		return []target{{name: n.Key}}
	case n.Unit.State != units.Launched:
		return nil
	case !n.Unit.Counted():
		return []target{{name: n.Key, unit: n.Name()}}
	}
	var list []target
	for i := range n.Unit.Count.Value {
		number := strconv.Itoa(i + 1)
		list = append(list, target{name: n.Key + "@" + number, unit: n.Name().Of(number), instance: number})
	}
	return list
}

// askOf is a connection to the port of a node on each of its machines.
func (l *lister) askOf(n *topology.Node, of target) expect.Ask {
	ask := expect.Ask{Scheme: "tcp", Port: n.Port().Value, Beside: l.beside(n)}
	ask.Where = expect.Where{Unit: of.unit, Metadata: n.Metadata()}
	if n.Host != nil {
		for _, a := range n.Host.Addresses {
			ask.Where.Hosts = append(ask.Where.Hosts, a.Expand(nil))
		}
		return ask
	}
	switch listen := n.Unit.Listen.Literal(); {
	case stack.Loopback(listen):
		ask.Loopback = true
	case listen != "" && !unspecified(listen):
		ask.Where.Hosts = []string{listen}
	}
	return ask
}

// beside reports whether a host entry is followed on its own machine only.
func (l *lister) beside(n *topology.Node) bool {
	if n.Host == nil || len(n.Host.Addresses) > 0 {
		return false
	}
	followed := false
	for _, other := range l.t.Nodes() {
		e := other.Waits(n)
		if e != nil && !e.Local {
			return false
		}
		followed = followed || e != nil
	}
	return followed
}

// at completes a question with a path, or with a URL. One of the own host is asked
// on the machine itself.
func at(ask expect.Ask, target string) expect.Ask {
	if !strings.Contains(target, "://") {
		ask.Path = target
		return ask
	}
	u, err := url.Parse(target)
	if err != nil || !stack.Loopback(u.Hostname()) {
		ask.URL = target
		return ask
	}
	ask.Scheme, ask.Path, ask.Loopback, ask.Where.Hosts = u.Scheme, u.RequestURI(), true, nil
	ask.Port, _ = strconv.Atoi(u.Port())
	if ask.Port == 0 {
		ask.Port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	return ask
}

// literal is an address that is known before the stack runs, "" for another one.
func unspecified(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsUnspecified()
}

// etcdKey is the node that holds keys: the host entry or unit called etcd.
const etcdKey = "etcd"

// askEtcd is how etcd is asked. ok is false when the stack does not say where it is.
func (l *lister) askEtcd() (ask expect.Ask, ok bool) {
	n := l.t.Node(etcdKey)
	if n == nil || n.Port().Value == 0 {
		return expect.Ask{}, false
	}
	for _, of := range l.targets(n) {
		ask = l.askOf(n, of)
		ask.Scheme = emit.Scheme(n)
		return ask, true
	}
	return expect.Ask{}, false
}

func (l *lister) etcd() {
	if ask, ok := l.askEtcd(); ok {
		l.add(expect.Check{Kind: expect.Etcd, Name: etcdKey, Ask: ask})
	}
}
