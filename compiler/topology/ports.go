package topology

import (
	"fmt"
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// Ports returns the entries of `ports` of the node.
func (n *Node) Ports() []stack.Listening {
	if n.Unit != nil {
		return n.Unit.Ports
	}
	return n.Host.Ports
}

// Listen returns the address that the node's program binds, "" when the stack does
// not say or it is known on the machine alone.
func (n *Node) Listen() string { return n.listen() }

// Listeners returns the nodes that listen on a TCP port: by `port` first, then by an
// entry of `ports`.
func (t *Topology) Listeners(port int) []*Node {
	list := slices.Clone(t.OnPort(port))
	for _, n := range t.order {
		if pos := n.PortPos(port); !pos.Span.IsZero() && n.Port().Value != port {
			list = append(list, n)
		}
	}
	return list
}

// PortPos returns where a node says that it listens on a TCP port, the zero Pos when it
// does not.
func (n *Node) PortPos(port int) stack.Pos {
	if n.Port().Value == port {
		return n.Port().Pos
	}
	for _, p := range n.Ports() {
		if p.Protocol == "tcp" && p.First <= port && port <= p.Last {
			return p.Pos
		}
	}
	return stack.Pos{}
}

// ports reports words of `from` that name nothing.
func (b *builder) ports(n *Node) {
	for i, p := range n.Ports() {
		for _, w := range p.From {
			if w.Hidden || w.Value == stack.FromOperator || w.Value == stack.FromAnyone || b.find(w.Value) != nil || b.t.Stack.Role(w.Value) != nil {
				continue
			}
			known := b.wordsLike(w.Value)
			for _, r := range b.t.Stack.Roles {
				known = append(known, r.Name)
			}
			d := stack.Finding(diag.Error, diag.UnknownUnit, w.Pos, fmt.Sprintf("%s.ports[%d].from", n.Path(), i), "%q is neither a unit of the stack nor a host entry or role", w.Value)
			b.add(stack.Suggest(d, w.Value, append(known, stack.FromOperator, stack.FromAnyone),
				fmt.Sprintf("for those outside of the stack write %q or %q", stack.FromOperator, stack.FromAnyone)))
		}
	}
}
