// Package check makes the list of what must hold once a stack runs: what its
// inventory, units, ports and networks say, and the checks that the file itself
// declares. Nothing is asked here; package fleet/verify holds a cluster against the list.
package check

import (
	"fmt"
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// List returns the checks of a stack: machines and networks first, then etcd, units
// and ports, and last what the file declares. set holds its compiled units.
func List(t *topology.Topology, set *units.Set) ([]expect.Check, diag.List) {
	l := &lister{t: t, set: set}
	l.machines()
	l.networks()
	l.etcd()
	l.units()
	for _, n := range t.Nodes() {
		if !datagrams(n) {
			l.ready(n)
			l.shared(n)
		}
		l.further(n)
		l.udp(n)
	}
	for _, c := range t.Stack.Checks {
		l.declared(c)
	}
	return l.list, l.findings
}

type lister struct {
	t        *topology.Topology
	set      *units.Set
	list     []expect.Check
	findings diag.List
}

func (l *lister) add(c expect.Check) { l.list = append(l.list, c) }

// machines asks for those of the inventory and for no others. Without an inventory it
// asks for a machine of each role that units or host entries have: without one nothing
// can be where it belongs.
func (l *lister) machines() {
	for _, m := range l.t.Stack.Machines {
		host := expect.Host{Name: m.Name, ID: m.ID.Value, Metadata: m.Metadata}
		for _, a := range []string{m.Address.Literal(), m.Public.Literal()} {
			if a != "" {
				host.Addresses = append(host.Addresses, a)
			}
		}
		l.add(expect.Check{Kind: expect.Machine, Name: m.Name, Host: host})
	}
	if len(l.t.Stack.Machines) > 0 {
		l.add(expect.Check{Kind: expect.Machines})
		return
	}
	used := map[string]bool{}
	for _, h := range l.t.Stack.Hosts {
		mark(used, h.Roles)
	}
	for _, u := range l.t.Stack.Units {
		mark(used, u.Roles)
	}
	for _, r := range l.t.Stack.Roles {
		if used[r.Name] && !r.Broken {
			l.add(expect.Check{Kind: expect.Role, Name: r.Name, Metadata: r.Metadata})
		}
	}
}

func mark(used map[string]bool, roles []stack.Word) {
	for _, w := range roles {
		used[w.Value] = true
	}
}

// networks asks that the ranges of the stack stay away from each other and from the
// machines. That ranges meet is a finding too, which may be allowed. One that is
// handed on is one, and so is one that is said twice under one name; one for which
// [network] says another is none.
func (l *lister) networks() {
	c := expect.Check{Kind: expect.Networks}
	seen := map[string]bool{}
	for _, p := range l.t.Stack.Networks {
		at, said := fmt.Sprint(p.Value.Span), p.Name+" "+p.Value.Str
		if n := l.t.Stack.Network; seen[at] || seen[said] || n != nil && n.Overrules(p) {
			continue
		}
		seen[at], seen[said] = true, true
		c.Networks = append(c.Networks, expect.Network{Name: p.Name, Range: p.Value.Str, Machines: l.ofMachines(p)})
	}
	if len(c.Networks) > 0 {
		l.add(c)
	}
}

// ofMachines reports whether a range is one of the machines' own.
func (l *lister) ofMachines(p *stack.Param) bool {
	n := l.t.Stack.Network
	return n != nil && slices.Contains(n.Machines, p)
}

func (l *lister) units() {
	for _, u := range l.set.Units {
		l.add(expect.Check{Kind: expect.Unit, Name: string(u.Name), Unit: u.Name})
	}
}
