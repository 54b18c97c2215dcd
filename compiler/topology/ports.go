package topology

import (
	"fmt"

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
