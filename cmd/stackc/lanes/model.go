// Package lanes draws the units of a set as a graph: a lane for each place where
// units may run, a column for each wave in which they start, a line for each
// relation. It makes texts of values and has neither files nor a terminal.
package lanes

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
	"github.com/stackc/stackc/units/graph"
)

// Kind is the kind of an Edge.
type Kind string

// The kinds. The first two say that one unit starts before another, and go from
// the one that starts first.
const (
	// Waiter is a unit that asks by itself until the other is ready.
	Waiter Kind = "waiter"
	// Local is an order that systemd keeps, on one machine.
	Local Kind = "local"
	// MachineOf goes from a unit to one that shares its machine.
	MachineOf Kind = "machine_of"
	// Conflict is between units that cannot share a machine.
	Conflict Kind = "conflict"
)

// Node is a unit, the instances of a template, or something outside of the set
// that units wait for.
type Node struct {
	ID string
	// Label is what stands in its box.
	Label string
	Lane  string
	// Wave is the column, from 0.
	Wave int
	// Global says that every machine of the lane has one.
	Global bool
	// Outside says that it is no unit of the set.
	Outside bool
	// Mark is what a change does to it, a class for the drawing; "" for nothing.
	Mark string
	// Note is more about it, shown when it is pointed at.
	Note string
}

// Edge is a relation of two nodes.
type Edge struct {
	From, To string
	Kind     Kind
}

// Graph is what is drawn. Nodes are in the order of lanes, waves and names.
type Graph struct {
	Title string
	Lanes []string
	Nodes []Node
	Edges []Edge
	Waves int
}

// Options say what a Graph shows.
type Options struct {
	Title string
	// Lane gives the lane of a unit instead of what its placement says: the machine
	// that it is on. A unit without one is in the lane "nowhere".
	Lane func(units.Name) []string
	// Mark and Note tell of a unit what a change does to it.
	Mark func(units.Name) (mark, note string)
	// Focus leaves only these units with all that they lead to and come from.
	Focus []units.Name
}

// New makes the graph of a set.
func New(set *units.Set, o Options) *Graph {
	b := &builder{set: compare.WithWaits(set), options: o, nodes: map[string]*Node{}, edges: map[Edge]bool{}}
	for _, u := range b.set.Units {
		b.node(u)
	}
	for _, u := range b.set.Units {
		b.relate(u)
	}
	b.focus()
	return b.graph()
}

type builder struct {
	set     *units.Set
	options Options
	nodes   map[string]*Node
	edges   map[Edge]bool
	// members counts the instances that a node stands for.
	members map[string]int
}

// id is the node of a unit: instances of one template are one, unless lanes are
// machines.
func (b *builder) id(name units.Name) string {
	template, ok := name.Template()
	if instance, _ := name.Instance(); ok && instance != "" && b.options.Lane == nil {
		return string(template)
	}
	return string(name)
}

func (b *builder) node(u units.Unit) {
	id := b.id(u.Name)
	if n := b.nodes[id]; n != nil {
		b.members[id]++
		n.Label = fmt.Sprintf("%s ×%d", id, b.members[id])
		if n.Mark == "" {
			b.mark(n, u.Name)
		}
		return
	}
	if b.members == nil {
		b.members = map[string]int{}
	}
	b.members[id] = 1
	placement, _ := units.ParsePlacement(u.Name, u.Options)
	n := &Node{ID: id, Label: string(u.Name), Lane: b.lane(u.Name, placement), Global: placement.Global}
	b.mark(n, u.Name)
	b.nodes[id] = n
}

func (b *builder) mark(n *Node, name units.Name) {
	if b.options.Mark != nil {
		n.Mark, n.Note = b.options.Mark(name)
	}
}

// anyMachine is the lane of units that say nothing about their machine.
const anyMachine = "any machine"

func (b *builder) lane(name units.Name, p units.Placement) string {
	if b.options.Lane != nil {
		where := b.options.Lane(name)
		switch len(where) {
		case 0:
			return "nowhere"
		case 1:
			return where[0]
		}
		return strings.Join(where, ", ")
	}
	for depth := 0; len(p.MachineOf) > 0 && depth < 20; depth++ {
		leader, ok := b.set.Lookup(units.Name(p.MachineOf[0]))
		if !ok {
			break
		}
		p, _ = units.ParsePlacement(leader.Name, leader.Options)
	}
	switch {
	case p.MachineID != "":
		return "machine " + p.MachineID
	case len(p.Metadata) > 0:
		return p.Metadata.String()
	}
	return anyMachine
}

// relate adds the edges of a unit.
func (b *builder) relate(u units.Unit) {
	me := b.id(u.Name)
	for _, w := range u.Waits {
		switch {
		case w.Unit != "":
			b.edge(string(w.Unit), me, Waiter)
		case !isPlumbing(w):
			for _, of := range b.subject(w.Subject) {
				b.edge(of, me, Waiter)
			}
		}
	}
	for _, e := range units.Edges(u.Name, u.Options) {
		switch {
		case e.Relation == units.After || e.Relation.Pulls() || e.Relation == units.Requisite:
			b.edge(string(e.Target), me, Local)
		case e.Relation == units.Before || e.Relation == units.Triggers:
			b.edge2(me, string(e.Target), Local)
		}
	}
	placement, _ := units.ParsePlacement(u.Name, u.Options)
	for _, leader := range placement.MachineOf {
		b.edge(leader, me, MachineOf)
	}
	for _, pattern := range placement.Conflicts {
		for _, other := range b.set.Units {
			if ok, _ := path.Match(pattern, string(other.Name)); ok && b.id(other.Name) != me {
				pair := []string{me, b.id(other.Name)}
				slices.Sort(pair)
				b.edges[Edge{pair[0], pair[1], Conflict}] = true
			}
		}
	}
}

// subject names what a wait without a unit is for: the instances of a counted unit of the
// set, any of which may answer, or something outside of it.
func (b *builder) subject(name string) []string {
	whole := units.Complete(name)
	var instances []string
	for _, u := range b.set.Units {
		if template, ok := u.Name.Template(); ok && strings.Replace(string(template), "@", "", 1) == whole {
			instances = append(instances, string(u.Name))
		}
	}
	if len(instances) == 0 {
		return []string{name}
	}
	return instances
}

// isPlumbing reports whether a wait is for something that is nobody else's: a
// variable, a download, a key of the unit's own.
func isPlumbing(w units.Wait) bool {
	return w.Subject == "download" || strings.HasPrefix(w.Probe, "etcd key ") && w.Subject == "etcd" || strings.HasPrefix(w.Probe, "file ") && strings.ToUpper(w.Subject) == w.Subject
}

// edge adds an edge from what a unit leans on, which may be outside of the set.
func (b *builder) edge(from, to string, kind Kind) {
	if id := b.id(units.Name(from)); b.nodes[id] != nil {
		from = id
	} else if short := strings.TrimSuffix(from, ".service"); b.nodes[short] != nil && b.nodes[short].Outside {
		from = short
	} else if b.nodes[from] == nil {
		from = short
		b.nodes[from] = &Node{ID: from, Label: from, Lane: outsideLane, Outside: true}
	}
	b.edge2(from, to, kind)
}

// outsideLane is the lane of what is there before fleet, or in another stack.
const outsideLane = "outside of the stack"

// edge2 adds an edge between nodes of the set.
func (b *builder) edge2(from, to string, kind Kind) {
	to = b.id(units.Name(to))
	if b.nodes[to] != nil && from != to {
		b.edges[Edge{from, to, kind}] = true
	}
}

// focus drops what the units asked for neither lead to nor come from.
func (b *builder) focus() {
	if len(b.options.Focus) == 0 {
		return
	}
	var up, down graph.Graph[string]
	keep := map[string]bool{}
	for e := range b.edges {
		if orders(e.Kind) {
			down.Edge(e.From, e.To)
			up.Edge(e.To, e.From)
		}
	}
	for _, name := range b.options.Focus {
		id := b.id(name)
		keep[id] = true
		for _, other := range slices.Concat(up.Reach(id), down.Reach(id)) {
			keep[other] = true
		}
		for e := range b.edges {
			if !orders(e.Kind) && (e.From == id || e.To == id) {
				keep[e.From], keep[e.To] = true, true
			}
		}
		if n := b.nodes[id]; n != nil && n.Mark == "" {
			n.Mark = "focus"
		}
	}
	for id := range b.nodes {
		if !keep[id] {
			delete(b.nodes, id)
		}
	}
	for e := range b.edges {
		if !keep[e.From] || !keep[e.To] {
			delete(b.edges, e)
		}
	}
}

func orders(k Kind) bool { return k == Waiter || k == Local }

// graph puts everything in order, and units in their waves.
func (b *builder) graph() *Graph {
	g := &Graph{Title: b.options.Title}
	var order graph.Graph[string]
	for id := range b.nodes {
		order.Add(id)
	}
	for e := range b.edges {
		if orders(e.Kind) {
			order.Edge(e.From, e.To)
		}
		if e.Kind == Local && b.edges[Edge{e.From, e.To, Waiter}] {
			continue // the waiter says more
		}
		g.Edges = append(g.Edges, e)
	}
	waves := order.Waves()
	placed := map[string]bool{}
	for i, wave := range waves {
		for _, id := range wave {
			b.nodes[id].Wave, placed[id] = i, true
		}
	}
	g.Waves = len(waves)
	for id, n := range b.nodes { // on a cycle, which is an error of the set
		if !placed[id] {
			n.Wave = len(waves)
			g.Waves = len(waves) + 1
		}
	}
	for _, n := range b.nodes {
		g.Nodes = append(g.Nodes, *n)
		if !slices.Contains(g.Lanes, n.Lane) {
			g.Lanes = append(g.Lanes, n.Lane)
		}
	}
	slices.SortFunc(g.Lanes, func(a, b string) int { return cmp.Or(cmp.Compare(laneRank(a), laneRank(b)), cmp.Compare(a, b)) })
	slices.SortFunc(g.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(slices.Index(g.Lanes, a.Lane), slices.Index(g.Lanes, b.Lane)), cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(g.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Kind, b.Kind))
	})
	return g
}

// laneRank puts what is outside first and what says nothing last.
func laneRank(lane string) int {
	switch lane {
	case outsideLane:
		return 0
	case anyMachine, "nowhere":
		return 2
	}
	return 1
}
