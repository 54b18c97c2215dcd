package ports

import (
	"maps"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// node is where a unit or host entry can be.
type node struct {
	metadata units.Metadata
	machine  string // the beginning of a machine id, "" for any
}

func placeOf(n *topology.Node) node { return node{n.Metadata(), n.MachineID()} }

// newGroup makes one without ports.
func newGroup(name string, fits func(node) bool) *Group {
	return &Group{Name: name, fits: fits, by: map[port]*Opening{}}
}

// group sorts the machines of the stack by what can be on them.
func (b *builder) group() {
	if len(b.s.Machines) > 0 {
		b.inventory()
	} else {
		b.byRole()
	}
	for _, n := range b.t.Nodes() {
		if !n.External() && len(b.on(n)) == 0 { // metadata that no role and no machine has
			b.list.Groups = append(b.list.Groups, b.stray(placeOf(n)))
		}
	}
	b.names()
}

// inventory puts machines together that have the same roles and on which the same
// can be.
func (b *builder) inventory() {
	by := map[string]*Group{}
	for _, m := range b.s.Machines {
		fits := func(p node) bool {
			return m.Matches(p.metadata) && (p.machine == "" || m.ID.Value == "" || strings.HasPrefix(m.ID.Value, p.machine))
		}
		var roles []string
		for _, r := range b.s.Roles {
			if m.Has(r.Name) {
				roles = append(roles, r.Name)
			}
		}
		key := strings.Join(roles, "\n") + "\n"
		for _, n := range b.t.Nodes() {
			if fits(placeOf(n)) {
				key += "\n" + n.Key
			}
		}
		g := by[key]
		if g == nil {
			g = newGroup(strings.Join(roles, ", "), fits)
			g.Roles = roles
			by[key] = g
			b.list.Groups = append(b.list.Groups, g)
		}
		g.Machines = append(g.Machines, m)
	}
}

// byRole makes a group of each role, and one of the machines that have none, when
// something can be there.
func (b *builder) byRole() {
	keys := map[string]bool{}
	for _, r := range b.s.Roles {
		for k := range r.Metadata {
			keys[k] = true
		}
	}
	for _, r := range b.s.Roles {
		g := newGroup(r.Name, func(p node) bool { return alongside(r.Metadata, p.metadata, keys) })
		g.Roles, g.role = []string{r.Name}, r
		b.list.Groups = append(b.list.Groups, g)
	}
	others := newGroup("", func(p node) bool { return alongside(nil, p.metadata, keys) })
	if len(b.s.Roles) == 0 || b.s.Bootstrap == nil && b.livesAt(others) {
		b.list.Groups = append(b.list.Groups, others)
	}
}

// livesAt reports whether something with a port, or a unit, can be on machines of a group.
func (b *builder) livesAt(g *Group) bool {
	return slices.ContainsFunc(b.t.Nodes(), func(n *topology.Node) bool {
		return !n.External() && (n.Unit != nil || n.Port().Given() || len(n.Ports()) > 0) && g.fits(placeOf(n))
	})
}

// alongside reports whether a machine of a role can have what wants metadata: no key
// of the role says otherwise, and none is needed that only another role gives.
func alongside(role, wants units.Metadata, keys map[string]bool) bool {
	for key, values := range wants {
		have, of := role[key]
		switch {
		case of && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(have, v) }):
			return false
		case !of && keys[key]:
			return false
		}
	}
	return true
}

// stray is the group of machines of which the stack says nothing but what a unit wants.
func (b *builder) stray(p node) *Group {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(p.metadata)) {
		pairs = append(pairs, k+"="+strings.Join(p.metadata[k], "|"))
	}
	name := "machines with " + strings.Join(pairs, ", ")
	if len(pairs) == 0 {
		name = "machine " + p.machine
	}
	return newGroup(name, func(other node) bool {
		return other.machine == p.machine && maps.EqualFunc(other.metadata, p.metadata, slices.Equal)
	})
}

// names calls groups of the same roles by their machines, and those without a role
// by what they are.
func (b *builder) names() {
	count := map[string]int{}
	for _, g := range b.list.Groups {
		count[g.Name]++
	}
	for _, g := range b.list.Groups {
		switch {
		case count[g.Name] > 1:
			var machines []string
			for _, m := range g.Machines {
				machines = append(machines, m.Name)
			}
			g.Name = strings.Join(machines, ", ")
		case g.Name == "" && len(b.list.Groups) == 1:
			g.Name = everyMachine
		case g.Name == "":
			g.Name = "other machines"
		}
	}
	b.list.identify()
}

// on returns the groups on whose machines a node can be. Of what is outside of the
// cluster those that have its address.
func (b *builder) on(n *topology.Node) []*Group {
	if n.External() {
		var list []*Group
		for _, a := range n.Host.Addresses {
			list = append(list, b.at(a.Literal())...)
		}
		return list
	}
	p := placeOf(n)
	return b.list.groups(func(g *Group) bool { return g.fits(p) })
}

// at returns the groups of the machines that have an address: those of the inventory,
// else those of a role with that address.
func (b *builder) at(address string) []*Group {
	if address == "" {
		return nil
	}
	has := func(m *stack.Machine) bool {
		return slices.Contains([]string{m.Address.Literal(), m.Public.Literal()}, address)
	}
	list := b.list.groups(func(g *Group) bool { return slices.ContainsFunc(g.Machines, has) })
	if len(list) > 0 {
		return list
	}
	for _, r := range b.s.Roles {
		if r.Address.Literal() == address {
			return b.list.WithRole(r.Name)
		}
	}
	return nil
}

// literal is a text that is known before anything runs, "" for another one.
