package emit

import (
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// ReadyText returns a text of a node's readiness as it reads on the node's own
// machine. instance is that of a counted unit, "" for any other. What is wrong with
// the text is reported where a follower waits for the node.
func ReadyText(t *topology.Topology, n *topology.Node, instance string, text stack.Text) string {
	aside := &emitter{t: t, origins: Origins{}, addresses: map[string]units.Address{}}
	w := &writer{emitter: aside, node: n, instance: instance, name: nameOf(n, instance), place: n.Path()}
	return w.of(n, text)
}

// Scheme is how a node is spoken to: "https" when its readiness is asked so, "http" otherwise.
func Scheme(n *topology.Node) string { return schemeOf(n) }
