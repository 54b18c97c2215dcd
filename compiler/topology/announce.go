package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// Made is why the compiler made a unit that no file has: another announces itself.
type Made struct {
	// For is the unit that announces itself.
	For *Node
	// Follows tells the two units apart that are made for it: false for the one
	// beside it, which publishes its address, true for the one on the machines of
	// its followers, which learns it.
	Follows bool
	// Readers are the followers that know the address from the moment they start
	// on, and so must be started again when it is another one.
	Readers []*Node
}

// Announces reports whether followers elsewhere learn the node's address from etcd.
func (n *Node) Announces() bool { return n.Unit != nil && n.Unit.Announce != nil }

// cannotAnnounce returns why a unit has no address of its own that could be
// announced, "" when it has.
func (n *Node) cannotAnnounce() string {
	switch {
	case n.Unit.Name.Type() != "service":
		return fmt.Sprintf("a %s has no program that could be asked whether it is up", n.Unit.Name.Type())
	case n.Unit.Global.Set:
		return "a global unit runs on every machine, and has no one address"
	case n.Unit.Counted():
		return "its instances have an address each, and followers could take one of them only"
	}
	return ""
}

// Names of the units that are made for one that announces itself.
const (
	announceSuffix = "-announce"
	followSuffix   = "-follow"
)

// announcements makes the units with which others are announced and followed.
func (b *builder) announcements() {
	for _, n := range slices.Clone(b.t.order) {
		if n.Unit == nil || n.Unit.Announce == nil || n.Unit.Announce.Broken || n.Unit.Name == "" {
			continue
		}
		pos := n.Unit.Announce.Pos
		if why := n.cannotAnnounce(); why != "" {
			b.add(stack.Finding(diag.Error, diag.BadValue, pos, n.Path()+".announce", "%q cannot be announced: %s", n.Key, why).
				WithHelp("leave announce out; an address of the role is for what does not move"))
			continue
		}
		if l := n.listen(); stack.Loopback(l) {
			b.add(stack.Finding(diag.Error, diag.BadValue, pos, n.Path()+".announce", "%q cannot be announced: it listens on %s only", n.Key, l).
				WithNote(n.Unit.Listen.Pos.Span, "said here").WithHelp("let it listen on an address that other machines reach"))
			continue
		}
		b.made(n, announceSuffix, b.announcer(n, pos))
		if followers := b.followers(n); len(followers) > 0 {
			b.made(n, followSuffix, b.watcher(n, followers, pos))
		}
	}
}

// made adds a unit that is made for n, unless something has its name.
func (b *builder) made(n *Node, suffix string, m *Node) {
	m.Key = n.Key + suffix
	m.Unit.Key = m.Key
	m.Unit.Name = units.Name(n.Unit.Name.Base() + suffix + ".service")
	taken := b.t.nodes[m.Key]
	if taken == nil {
		taken = b.t.ByName(m.Unit.Name)
	}
	if taken != nil {
		b.add(stack.Finding(diag.Error, diag.DuplicateUnit, taken.Pos(), taken.Path(), "%q is the name of a unit that announce makes for %q", taken.Key, n.Key).
			WithNote(n.Unit.Announce.Pos.Span, "announced here").WithHelp("rename the unit"))
		return
	}
	b.addNode(m)
	b.leaders(m)
	b.place(m, nil)
	b.edges(m)
}

// announcer is the unit beside n.
func (b *builder) announcer(n *Node, pos stack.Pos) *Node {
	beside := []stack.Word{{Value: n.Key, Pos: pos}}
	u := &stack.Unit{Pos: pos, State: n.Unit.State, MachineOf: beside, After: beside}
	if env := n.Unit.Announce.Env; env != nil {
		u.Env = []stack.EnvVar{*env}
	}
	return &Node{Unit: u, Made: &Made{For: n}}
}

// watcher is the unit on the machines of the followers.
func (b *builder) watcher(n *Node, followers []*Node, pos stack.Pos) *Node {
	u := &stack.Unit{Pos: pos, State: units.Launched, Global: stack.Flag{Set: true, Pos: pos}, Metadata: pairsOf(followers, pos)}
	m := &Made{For: n, Follows: true}
	for _, f := range followers {
		if b.t.reads(f, n) {
			m.Readers = append(m.Readers, f)
		}
	}
	slices.SortFunc(m.Readers, func(a, b *Node) int { return strings.Compare(string(a.Name()), string(b.Name())) })
	return &Node{Unit: u, Made: m}
}

// followers returns the units that wait for n and may be on another machine.
func (b *builder) followers(n *Node) []*Node {
	var list []*Node
	for _, f := range b.t.order {
		if e := f.Waits(n); e != nil && !e.Local && f.Unit != nil {
			list = append(list, f)
		}
	}
	return list
}

// reads reports whether a command of f takes the address of to.
func (t *Topology) reads(f, to *Node) bool {
	return slices.Contains(t.Reads(f), to)
}

// Reads returns the units elsewhere that announce themselves and whose address
// is in a command of n, in the order in which they stand there.
func (t *Topology) Reads(n *Node) []*Node {
	var list []*Node
	s := n.Unit.Section("Service")
	if s == nil {
		return nil
	}
	for _, d := range s.Directives {
		if !strings.HasPrefix(d.Name, "Exec") {
			continue
		}
		for _, v := range d.Values {
			for _, r := range v.Refs() {
				to := t.Resolve(r.Subject)
				if to != nil && !slices.Contains(list, to) && slices.Contains([]string{"host", "address", "url"}, r.Field) && t.AddressOf(n, to).Announced {
					list = append(list, to)
				}
			}
		}
	}
	return list
}

// pairsOf returns the metadata of which every machine of the followers has a
// pair; nil, for every machine, when fleet cannot say that. The order of the
// followers does not count.
func pairsOf(followers []*Node, pos stack.Pos) []stack.Word {
	wide := widest(followers)
	union := clone(wide[0])
	for _, m := range wide[1:] {
		key, ok := differsIn(union, m)
		if !ok {
			return nil
		}
		for _, v := range m[key] {
			if !slices.Contains(union[key], v) {
				union[key] = append(union[key], v)
			}
		}
	}
	var pairs []stack.Word
	for _, key := range slices.Sorted(maps.Keys(union)) {
		for _, value := range slices.Sorted(slices.Values(union[key])) {
			pairs = append(pairs, stack.Word{Value: key + "=" + value, Pos: pos})
		}
	}
	return pairs
}

// widest returns the constraints of nodes without those that another holds.
func widest(nodes []*Node) []units.Metadata {
	var wide []units.Metadata
	for _, n := range nodes {
		m := n.where.metadata
		if slices.ContainsFunc(wide, func(w units.Metadata) bool { return inside(m, w) }) {
			continue
		}
		wide = slices.DeleteFunc(wide, func(w units.Metadata) bool { return inside(w, m) })
		wide = append(wide, m)
	}
	slices.SortFunc(wide, func(a, b units.Metadata) int { return strings.Compare(describe(a), describe(b)) })
	return wide
}

func clone(m units.Metadata) units.Metadata {
	out := units.Metadata{}
	for k, v := range m {
		out[k] = slices.Clone(v)
	}
	return out
}
