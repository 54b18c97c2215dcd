// Package topology works out how the units of a stack stand to each other: who
// waits for whom, and whether both are certainly on the same machine. systemd
// orders units within one machine only and fleet decides the machine; this is
// where the two are brought together.
package topology

import (
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// Topology is the nodes and edges of one stack. It does not change after [Build].
type Topology struct {
	Stack *stack.Stack
	nodes map[string]*Node
	names map[units.Name]*Node
	order []*Node
	ports map[int][]*Node
}

// Node is a unit of the stack or a unit of the hosts.
type Node struct {
	Key  string
	Unit *stack.Unit // nil for a host unit
	Host *stack.Host // nil for a unit of the stack

	// Edges lead to what this node waits for, in the order of `after`.
	Edges []*Edge
	// Leaders are the nodes of machine_of, LeaderWords the words that name them.
	Leaders     []*Node
	LeaderWords []stack.Word
	// Unresolved says that a word of `after` names nothing, which is reported: what
	// else seems to be missing there may be a consequence.
	Unresolved bool
	// Made says that the compiler made the unit because another announces itself,
	// nil for one of the stack.
	Made *Made

	roles []*stack.Role
	where machines
}

// Edge says that From starts when To is ready.
type Edge struct {
	From, To *Node
	Word     stack.Word
	// Local says that both ends are certainly on the same machine, on every
	// machine that From can be on. Why tells the reason, either way.
	Local bool
	Why   Reason
}

// machines is what is known of where a node can be.
type machines struct {
	metadata units.Metadata
	global   bool
	outside  bool // no machine of the cluster
	id       string
	// partial says that a global unit may be kept off some of its machines.
	partial bool
	// unknown says that the stack file is at fault about the place, which is
	// reported: nothing may be concluded from it.
	unknown bool
}

// Name returns the full name of the node's unit: for a counted unit its template.
func (n *Node) Name() units.Name {
	if n.Unit != nil {
		return n.Unit.Name
	}
	return n.Host.Unit
}

// Pos returns where the node is declared.
func (n *Node) Pos() stack.Pos {
	if n.Unit != nil {
		return n.Unit.Pos
	}
	return n.Host.Pos
}

// Path returns the logical place of the node, "unit.web" or "host.etcd", and
// "unit.web.announce" for one that is made because web announces itself.
func (n *Node) Path() string {
	if n.Made != nil {
		return n.Made.For.Path() + ".announce"
	}
	if n.Unit != nil {
		return "unit." + n.Key
	}
	return "host." + n.Key
}

// Port returns the port that the node listens on.
func (n *Node) Port() stack.Int {
	if n.Unit != nil {
		return n.Unit.Port
	}
	return n.Host.Port
}

// Ready returns how followers learn that the node is up, nil when the stack does not say.
func (n *Node) Ready() *stack.Ready {
	if n.Unit != nil {
		return n.Unit.Ready
	}
	return n.Host.Ready
}

// External reports whether the node is outside of the cluster.
func (n *Node) External() bool { return n.where.outside }

// Metadata returns the constraint on the machines that the node can be on.
func (n *Node) Metadata() units.Metadata { return n.where.metadata }

// MachineID returns the one machine that the node is on, "" when it can be on others.
func (n *Node) MachineID() string { return n.where.id }

// Nodes returns all nodes, hosts first, in the order of the stack.
func (t *Topology) Nodes() []*Node { return t.order }

// Node returns the node under key, nil when there is none.
func (t *Topology) Node(key string) *Node { return t.nodes[key] }

// ByName returns the node that a full unit name belongs to, nil when the stack knows no such unit.
func (t *Topology) ByName(name units.Name) *Node {
	if n := t.names[name]; n != nil {
		return n
	}
	if template, ok := name.Template(); ok {
		if n := t.names[template]; n != nil && n.Unit != nil && n.Unit.Counted() {
			return n
		}
	}
	return nil
}

// Resolve returns the node that the subject of an expression means, a key or a
// full unit name, nil when there is none.
func (t *Topology) Resolve(subject string) *Node {
	if n := t.nodes[subject]; n != nil {
		return n
	}
	return t.ByName(units.Name(units.Complete(subject)))
}

// OnPort returns the nodes that listen on a port.
func (t *Topology) OnPort(port int) []*Node { return t.ports[port] }

// Waits returns the edge by which n waits for to, nil when it does not.
func (n *Node) Waits(to *Node) *Edge {
	for _, e := range n.Edges {
		if e.To == to {
			return e
		}
	}
	return nil
}
