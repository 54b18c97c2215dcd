package topology

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/graph"
)

// step is a reason why one node must come before another.
type step struct {
	pos  stack.Pos
	text string
}

// cycles reports every ring of nodes that wait for each other: over after and
// the waiters it gives, raw After= and Before=, and machine_of.
func (b *builder) cycles() {
	g := &graph.Graph[string]{}
	steps := map[[2]string]step{}
	link := func(from, to string, s step) {
		if _, known := steps[[2]string{from, to}]; !known {
			steps[[2]string{from, to}] = s
			g.Edge(from, to)
		}
	}
	for _, n := range b.t.order {
		g.Add(n.Key)
		for _, e := range n.Edges {
			link(n.Key, e.To.Key, step{e.Word.Pos, fmt.Sprintf("%q starts after %q", n.Key, e.To.Key)})
		}
		for i, l := range n.Leaders {
			link(n.Key, l.Key, step{n.LeaderWords[i].Pos, fmt.Sprintf("%q goes to the machine of %q", n.Key, l.Key)})
		}
		b.rawOrder(n, link)
	}
	for _, ring := range g.Cycles() {
		b.reportCycle(ring, steps)
	}
}

// rawOrder links the raw After= and Before= of a unit.
func (b *builder) rawOrder(n *Node, link func(from, to string, s step)) {
	if n.Unit == nil {
		return
	}
	for _, name := range []string{"After", "Before"} {
		d := n.Unit.Directive("Unit", name)
		if d == nil {
			continue
		}
		for _, v := range d.Values {
			for word := range strings.FieldsSeq(v.Source()) {
				other := b.t.ByName(units.Name(word))
				if other == nil {
					continue
				}
				s := step{stack.Pos{Span: v.Find(word), Via: v.Pos.Via}, fmt.Sprintf("%q says %s=%s", n.Key, name, word)}
				if name == "After" {
					link(n.Key, other.Key, s)
				} else {
					link(other.Key, n.Key, s)
				}
			}
		}
	}
}

func (b *builder) reportCycle(ring []string, steps map[[2]string]step) {
	first := steps[[2]string{ring[0], ring[1%len(ring)]}]
	path := "unit." + ring[0]
	if n := b.t.nodes[ring[0]]; n != nil {
		path = n.Path()
	}
	d := stack.Finding(diag.Error, diag.DependencyCycle, first.pos, path, "%s: none of them would ever start", strings.Join(append(ring[:len(ring):len(ring)], ring[0]), " -> "))
	for i := range ring {
		s := steps[[2]string{ring[i], ring[(i+1)%len(ring)]}]
		d = d.WithNote(s.pos.Span, s.text)
	}
	b.add(d.WithHelp("take one of these away"))
}
