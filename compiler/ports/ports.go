// Package ports tells which ports the machines of a stack must have open, and to
// whom: what listens follows from units, host entries and [bootstrap], who asks from
// the edges between them and from the checks of the stack. [Of] makes the list;
// [List.Rules] writes it for a firewall. Nothing is asked of any machine.
package ports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// List is the ports of all machines of a stack. It does not change after [Of].
type List struct {
	Stack string
	// Groups are the machines, those together that have the same ports.
	Groups []*Group
	// Server is that of [pxe], nil when there is none. It is no machine of the cluster.
	Server *Group
	// Pods is the network of the containers, "" when the stack does not say. What a
	// machine may reach its containers may as well: mostly they appear as their machine.
	Pods string
	// Ranges are the networks that machines' own addresses are from.
	Ranges []string

	roles []*stack.Role
}

// Group is machines that have the same ports: those of the inventory with the same
// roles, or without an inventory those of one role.
type Group struct {
	// Name is that of its roles, "master, node", or tells of machines without any.
	Name string
	// ID is what firewalls call them: a security group, a tag, a file.
	ID string
	// Roles are all that its machines have.
	Roles []string
	// Machines are those of the inventory, none without one.
	Machines []*stack.Machine
	// Openings are the ports on which something listens, in their order.
	Openings []*Opening

	role *stack.Role       // without an inventory
	fits func(node) bool   // whether a unit can be there
	by   map[port]*Opening // of Openings
}

// Opening is a port, or several in a row, on which something listens.
type Opening struct {
	First, Last int
	Protocol    string // "tcp" or "udp"
	// What listens, and what for: "kube-kubelet.service", "ssh".
	What []string
	// Uses are who must reach it from elsewhere. Without any it may stay closed.
	Uses []Use
	// Here are those who use it on its own machine only.
	Here []string
	// Loopback says that all that listens does so on the loopback address.
	Loopback bool
}

// Use is one who must reach a port.
type Use struct {
	Kind Kind
	// Group is where it is, when it is on machines.
	Group *Group
	// Address is where it is outside of the cluster, of kind [Address].
	Address string
	// Who asks: a unit, "stackc verify".
	Who string
	// Alone says that none of its containers asks: etcd, fleet, flannel.
	Alone bool
}

// Kind is where someone is who uses a port.
type Kind int

// The kinds.
const (
	Machines Kind = iota // on machines of the stack
	Operator             // where stackc runs, and whoever logs in
	Address              // at an address outside of the cluster
	Anyone               // everywhere
)

// Open reports whether others must reach the port.
func (o *Opening) Open() bool { return len(o.Uses) > 0 }

// Port is the port as firewalls write it, with sep between the ends of a range.
func (o *Opening) Port(sep string) string {
	if o.First == o.Last {
		return fmt.Sprint(o.First)
	}
	return fmt.Sprintf("%d%s%d", o.First, sep, o.Last)
}

// port tells openings apart.
type port struct {
	first, last int
	protocol    string
}

// Source is where a port is used from, in words.
type Source struct {
	// From is a role, "every machine", "operator", "anyone", or an address.
	From string
	// Who are those that ask from there, sorted.
	Who []string
}

// The words for sources that are no role.
const (
	everyMachine = "every machine"
	operator     = "operator"
	anyone       = "anyone"
)

// Sources says from where a port is used: roles where all their machines do, machines
// by the name of their group otherwise.
func (l *List) Sources(o *Opening) []Source {
	var sources []Source
	add := func(from string, uses func(Use) bool) {
		s := Source{From: from}
		for _, u := range o.Uses {
			if uses(u) && u.Who != "" && !slices.Contains(s.Who, u.Who) {
				s.Who = append(s.Who, u.Who)
			}
		}
		slices.Sort(s.Who)
		sources = append(sources, s)
	}
	var groups []*Group
	var addresses []string
	kinds := map[Kind]bool{}
	for _, u := range o.Uses {
		kinds[u.Kind] = true
		if u.Kind == Machines && !slices.Contains(groups, u.Group) {
			groups = append(groups, u.Group)
		}
		if u.Kind == Address && !slices.Contains(addresses, u.Address) {
			addresses = append(addresses, u.Address)
		}
	}
	for _, cover := range l.cover(groups) {
		add(cover.name, func(u Use) bool { return u.Kind == Machines && slices.Contains(cover.groups, u.Group) })
	}
	for _, a := range addresses {
		add(a, func(u Use) bool { return u.Kind == Address && u.Address == a })
	}
	if kinds[Operator] {
		add(operator, func(u Use) bool { return u.Kind == Operator })
	}
	if kinds[Anyone] {
		add(anyone, func(u Use) bool { return u.Kind == Anyone })
	}
	return sources
}

// covering is a word for some groups.
type covering struct {
	name   string
	groups []*Group
}

// cover says groups in as few words as there are: everything, roles, or one by one.
func (l *List) cover(groups []*Group) []covering {
	if len(groups) == len(l.Groups) && len(groups) > 1 {
		return []covering{{everyMachine, groups}}
	}
	var whole []covering // roles all of whose machines are among the groups
	for _, r := range l.roles {
		of := l.WithRole(r.Name)
		if len(of) > 0 && !slices.ContainsFunc(of, func(g *Group) bool { return !slices.Contains(groups, g) }) {
			whole = append(whole, covering{r.Name, of})
		}
	}
	slices.SortStableFunc(whole, func(a, b covering) int { return len(b.groups) - len(a.groups) })
	var list []covering
	covered := map[*Group]bool{}
	for _, c := range whole {
		if !slices.ContainsFunc(c.groups, func(g *Group) bool { return !covered[g] }) {
			continue
		}
		list = append(list, c)
		for _, g := range c.groups {
			covered[g] = true
		}
	}
	for _, g := range groups {
		if !covered[g] {
			list = append(list, covering{g.Name, []*Group{g}})
		}
	}
	return list
}

// opening returns that of a port, which is made if there is none.
func (g *Group) opening(p port) *Opening {
	if o := g.by[p]; o != nil {
		return o
	}
	o := &Opening{First: p.first, Last: p.last, Protocol: p.protocol, Loopback: true}
	g.by[p] = o
	g.Openings = append(g.Openings, o)
	return o
}

func (g *Group) sort() {
	slices.SortFunc(g.Openings, func(a, b *Opening) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last), strings.Compare(a.Protocol, b.Protocol))
	})
	for _, o := range g.Openings {
		o.Loopback = o.Loopback && !o.Open()
		slices.Sort(o.What)
		slices.Sort(o.Here)
	}
}

// WithMachine returns the groups that hold the machine of that name.
func (l *List) WithMachine(name string) []*Group {
	return l.groups(func(g *Group) bool {
		return slices.ContainsFunc(g.Machines, func(m *stack.Machine) bool { return m.Name == name })
	})
}

// WithRole returns the groups whose machines have the role.
func (l *List) WithRole(role string) []*Group {
	return l.groups(func(g *Group) bool { return slices.Contains(g.Roles, role) })
}

func (l *List) groups(keep func(*Group) bool) []*Group {
	var list []*Group
	for _, g := range l.Groups {
		if keep(g) {
			list = append(list, g)
		}
	}
	return list
}
