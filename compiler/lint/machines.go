package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// machineless are nodes that no machine of the inventory can have, for one reason
// in the same words.
type machineless struct {
	what  string     // "role \"node\"", "metadata disk=ssd"
	role  string     // the one role that no machine has, "" for another reason
	word  stack.Word // of the first of them
	path  string
	nodes []*topology.Node
}

// machineless reports the units and host entries that no machine of the inventory
// can have: fleet leaves a unit whose metadata no machine has without a machine for
// ever, and says so nowhere (fleet v1.0.0 engine/scheduler.go Decide: it tries again at every pass). Without an
// inventory nobody knows what machines there are. Those of one role are one fault;
// one that allows it is asked by itself, so that its allowance is about it alone.
func (c *checker) machineless() {
	if len(c.t.Stack.Machines) == 0 {
		return
	}
	var list []*machineless
	for _, n := range c.t.Nodes() {
		m := c.whyMachineless(n)
		if m == nil {
			continue
		}
		same := func(o *machineless) bool { return o.what == m.what && !permits(o.nodes[0]) }
		if i := slices.IndexFunc(list, same); i >= 0 && !permits(n) {
			list[i].nodes = append(list[i].nodes, n)
			continue
		}
		list = append(list, m)
	}
	for _, m := range list {
		d := stack.Finding(diag.Warning, diag.NoMachine, m.word.Pos, m.path, "no machine of the inventory has %s: %s", m.what, m.fate())
		if m.role == "" {
			c.add(d.WithHelp("give a machine what is asked for, or ask for something else; allow it when other machines join the cluster"))
			continue
		}
		d = d.WithNote(c.t.Stack.Role(m.role).Pos.Span, "the role")
		c.add(stack.Suggest(d, m.role, c.rolesOfMachines(), fmt.Sprintf("give it to a machine: [machine.NAME] role = %q; allow it when other machines join the cluster", m.role)))
	}
}

// permits reports whether a node has an allowance of its own.
func permits(n *topology.Node) bool {
	own := []*stack.Allowance{}
	if n.Unit != nil {
		own = n.Unit.Allow
	} else if n.Host != nil {
		own = n.Host.Allow
	}
	return slices.ContainsFunc(own, func(a *stack.Allowance) bool { return a.Code == string(diag.NoMachine) })
}

// whyMachineless says why no machine can have a node, nil when one can, or when it
// is to be on none, or goes where another goes.
func (c *checker) whyMachineless(n *topology.Node) *machineless {
	words := []stack.Word{}
	m := &machineless{nodes: []*topology.Node{n}}
	switch {
	case n.Made != nil || n.External() || len(n.Leaders) > 0:
		return nil
	case n.Unit == nil:
		words = n.Host.Roles
	case n.Unit.State == units.Inactive:
		return nil
	default:
		words = n.Unit.Roles
	}
	if slices.ContainsFunc(c.t.Stack.Machines, func(x *stack.Machine) bool { return c.mayHave(x, n, words) }) {
		return nil
	}
	var names []string
	for _, w := range words {
		if r := c.t.Stack.Role(w.Value); r == nil || r.Broken {
			return nil // said already
		}
		names = append(names, strconv.Quote(w.Value))
	}
	of := func(x *stack.Machine) bool {
		return slices.ContainsFunc(words, func(w stack.Word) bool { return x.Has(w.Value) || x.Matches(c.t.Stack.Role(w.Value).Metadata) })
	}
	switch {
	case len(words) > 0 && !slices.ContainsFunc(c.t.Stack.Machines, of):
		m.what, m.word, m.path = "role "+strings.Join(names, " or "), words[0], n.Path()+".role"
		if len(words) == 1 {
			m.role = words[0].Value
		}
	case n.Unit == nil:
		return nil
	case len(n.Unit.Metadata) > 0:
		m.what, m.word, m.path = "the metadata "+conditions(n.Metadata()), n.Unit.Metadata[0], n.Path()+".metadata"
	case n.MachineID() != "":
		m.what, m.word, m.path = fmt.Sprintf("the id %q", n.MachineID()), n.Unit.MachineID, n.Path()+".machine_id"
		if len(words) > 0 {
			m.what += " and the role " + strings.Join(names, " or ")
		}
	default:
		return nil
	}
	return m
}

// mayHave reports whether fleet may put a node on a machine. One whose own roles
// are at fault, which is said of it, may have anything.
func (c *checker) mayHave(m *stack.Machine, n *topology.Node, words []stack.Word) bool {
	if slices.ContainsFunc(m.Roles, func(w stack.Word) bool { r := c.t.Stack.Role(w.Value); return r == nil || r.Broken }) {
		return true
	}
	if differentMachines(m.ID.Value, n.MachineID()) {
		return false
	}
	asked := n.Unit != nil && len(n.Unit.Metadata) > 0
	return m.Matches(n.Metadata()) || !asked && slices.ContainsFunc(words, func(w stack.Word) bool { return m.Has(w.Value) })
}

// conditions are what metadata asks for, in words.
func conditions(m units.Metadata) string {
	var list []string
	for _, k := range m.Keys() {
		list = append(list, k+"="+strings.Join(m[k], "|"))
	}
	return strings.Join(list, " and ")
}

// rolesOfMachines are the roles that machines have, which a role that none has may
// have been meant to be.
func (c *checker) rolesOfMachines() []string {
	var list []string
	for _, r := range c.t.Stack.Roles {
		if len(c.t.Stack.MachinesOf(r.Name)) > 0 {
			list = append(list, r.Name)
		}
	}
	return list
}

// fate says what becomes of units and host entries without a machine.
func (m *machineless) fate() string {
	var placed, hosts []string
	for _, n := range m.nodes {
		if n.Unit != nil {
			placed = append(placed, strconv.Quote(n.Key))
		} else {
			hosts = append(hosts, strconv.Quote(n.Key))
		}
	}
	var says []string
	if len(placed) > 0 {
		says = append(says, "fleet never places "+enumerate(placed))
	}
	if len(hosts) > 0 {
		says = append(says, "no host has "+enumerate(hosts))
	}
	return strings.Join(says, ", and ")
}

// enumerate joins words as a person would.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
