// Package emit writes the units of a stack: systemd's own words as they stand
// in the stack file, and around them the placement, the ordering and the waiters
// that the topology asks for. It remembers for every line where it comes from.
package emit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// Origin says where one line of a compiled unit comes from.
type Origin struct {
	Pos stack.Pos
	// Rule says why the line is there, "" for a line that the stack file has itself.
	Rule string
	// Why gives the reason of an edge's line, nil for other lines.
	Why *topology.Reason

	unit string // logical path of the unit
	key  string // and of what in it gave the line, "" for its own directive
}

// Path returns the logical place that gave the line o belongs to:
// "unit.web.Service.ExecStart", "unit.web.after[0]".
func (o Origin) Path(line units.Option) string {
	if o.key == "" {
		return o.unit + "." + line.Section + "." + line.Name
	}
	return o.unit + "." + o.key
}

// Origins holds, for each unit, one Origin for each of its options, in their order.
type Origins map[units.Name][]Origin

// Units compiles every unit of the stack.
func Units(t *topology.Topology) (*units.Set, Origins, diag.List) {
	e := &emitter{t: t, origins: Origins{}, addresses: map[string]units.Address{}}
	var list, spares []units.Unit
	for _, n := range t.Nodes() {
		if n.Unit != nil && n.Unit.Name != "" && t.ByName(n.Name()) == n {
			list = append(list, e.unit(n)...)
			spares = append(spares, e.spares(n)...)
		}
	}
	return units.NewSet(t.Stack.Name, list, e.sortedAddresses()...).WithSpares(spares), e.origins, e.findings
}

type emitter struct {
	t         *topology.Topology
	origins   Origins
	addresses map[string]units.Address
	findings  diag.List
}

func (e *emitter) add(d ...diag.Diagnostic) { e.findings.Add(d...) }

// unit compiles the one unit of a node, or its instances.
func (e *emitter) unit(n *topology.Node) []units.Unit {
	e.checkUpdate(n)
	if n.Unit.Counted() && n.Unit.Count.Value == 0 {
		e.checkAbsent(n)
	}
	names := instances(n.Unit)
	list := make([]units.Unit, 0, len(names))
	for _, name := range names {
		list = append(list, e.instance(n, name))
	}
	return list
}

// instances are the instances of a unit: "1" and on of a counted one, "" for the
// one unit that any other is.
func instances(u *stack.Unit) []string {
	if !u.Counted() {
		return []string{""}
	}
	list := make([]string, u.Count.Value)
	for i := range list {
		list[i] = strconv.Itoa(i + 1)
	}
	return list
}

// checkAbsent finds what is wrong with a unit that has no instance for now.
func (e *emitter) checkAbsent(n *topology.Node) {
	aside := &emitter{t: e.t, origins: Origins{}, addresses: map[string]units.Address{}}
	aside.instance(n, "1")
	e.add(aside.findings...)
}

// instance compiles one unit; instance is "" for a unit without count.
func (e *emitter) instance(n *topology.Node, instance string) units.Unit {
	w := &writer{emitter: e, node: n, unit: n.Unit, instance: instance, name: nameOf(n, instance), place: n.Path()}
	lines := w.estimate()
	w.options, w.from = make([]units.Option, 0, lines), make([]Origin, 0, lines)
	if n.Unit.Verbatim != nil {
		w.verbatim()
	} else {
		w.compiled()
	}
	e.origins[w.name] = w.from
	u := units.Unit{Name: w.name, Options: w.options, Desired: n.Unit.State, Waits: w.waits, Update: updateOf(n.Unit)}
	if instance != "" {
		u.Group = n.Key
	}
	return u
}

// nameOf returns the name of a node's unit, or of one of its instances.
func nameOf(n *topology.Node, instance string) units.Name {
	if instance == "" {
		return n.Name()
	}
	return n.Name().Of(instance)
}

func (e *emitter) sortedAddresses() []units.Address {
	var list []units.Address
	for _, a := range e.addresses {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b units.Address) int { return strings.Compare(a.Role, b.Role) })
	return list
}
