package emit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// writer compiles one unit.
type writer struct {
	*emitter
	node     *topology.Node
	unit     *stack.Unit
	instance string
	name     units.Name
	place    string // logical path of the unit

	options []units.Option
	from    []Origin
	waits   []units.Wait
	nowhere map[*topology.Node]bool // whose missing address is reported
}

// verbatim writes a unit as its text says, and nothing else.
func (w *writer) verbatim() {
	for _, l := range w.unit.Verbatim.Lines {
		w.line(l.Section, l.Name, l.Value, w.origin(l.Pos, "", ""))
	}
}

// compiled writes a unit of its tables and words.
func (w *writer) compiled() {
	w.unitSection()
	if w.name.Type() == "service" {
		w.serviceSection()
	} else {
		w.refuseWaiters()
	}
	w.otherSections()
	w.placement()
	w.mark()
}

// estimate is about how many lines the unit will have.
func (w *writer) estimate() int {
	n := 4 + 3*len(w.node.Edges) + len(w.unit.Downloads) + 2*len(w.unit.Env) + len(w.unit.Roles)
	for _, s := range w.unit.Sections {
		for _, d := range s.Directives {
			n += len(d.Values)
		}
	}
	return n
}

// path returns the logical place of a word of the unit.
func (w *writer) path(key string) string {
	if key == "" {
		return w.place
	}
	return w.place + "." + key
}

// origin is where a line comes from that a word of the unit asks for.
func (w *writer) origin(pos stack.Pos, key, rule string) Origin {
	return Origin{Pos: pos, unit: w.place, key: key, Rule: rule}
}

// edgeOrigin is where a line comes from that an entry of after asks for.
func (w *writer) edgeOrigin(e *topology.Edge, i int, rule string) Origin {
	o := w.origin(e.Word.Pos, fmt.Sprintf("after[%d]", i), rule)
	o.Why = &e.Why
	return o
}

// line appends one option.
func (w *writer) line(section, name, value string, o Origin) {
	w.options = append(w.options, units.Option{Section: section, Name: name, Value: value})
	w.from = append(w.from, o)
}

// raw appends the directives of a section as the stack file has them.
func (w *writer) raw(s *stack.Section) {
	if s == nil {
		return
	}
	for _, d := range s.Directives {
		for _, v := range d.Values {
			value := strings.TrimSpace(stack.Fold(w.expandWith(v, s.Name+"."+d.Name, w.addresserIn(s, d, v))))
			w.line(s.Name, d.Name, value, w.origin(v.Pos, "", ""))
		}
	}
}

// unitSection writes [Unit]: what the file says, then Wants and After of local edges.
func (w *writer) unitSection() {
	w.raw(w.unit.Section("Unit"))
	w.madeUnit()
	for i, edge := range w.node.Edges {
		if !edge.Local {
			continue
		}
		o := w.edgeOrigin(edge, i, "ordered by systemd")
		for _, target := range w.targets(edge.To) {
			for _, name := range []string{"Wants", "After"} {
				if !w.says("Unit", name, string(target)) {
					w.line("Unit", name, string(target), o)
				}
			}
		}
	}
}

// targets returns the units at the other end of a local edge: of a unit with the
// same count the instance beside this one, of any other counted unit, all of
// whose instances are then on one machine, every instance.
func (w *writer) targets(to *topology.Node) []units.Name {
	if to.Unit == nil || !to.Unit.Counted() {
		return []units.Name{to.Name()}
	}
	if w.instance != "" && w.unit.Count.Value == to.Unit.Count.Value {
		return []units.Name{nameOf(to, w.instance)}
	}
	names := make([]units.Name, to.Unit.Count.Value)
	for i := range names {
		names[i] = nameOf(to, strconv.Itoa(i+1))
	}
	return names
}

// says reports whether the unit already has that word in a list directive.
func (w *writer) says(section, name, word string) bool {
	for _, o := range w.options {
		if o.Section == section && o.Name == name && slices.Contains(strings.Fields(o.Value), word) {
			return true
		}
	}
	return false
}

// otherSections writes the raw sections behind [Unit] and [Service].
func (w *writer) otherSections() {
	for _, s := range w.unit.Sections {
		switch {
		case s.Name == "Unit" || s.Name == "Service" && w.name.Type() == "service":
		case s.Name == "X-Fleet":
		default:
			w.raw(s)
		}
	}
}

// mark writes the owner. systemd passes over sections that begin with X-, and fleet keeps them.
func (w *writer) mark() {
	if w.t.Stack.Mark {
		w.line("X-Stackc", "Stack", w.t.Stack.Name, w.origin(w.t.Stack.Pos, "stack", "whose unit it is"))
	}
}

func (w *writer) keys() []string {
	keys := make([]string, 0, len(w.t.Nodes()))
	for _, n := range w.t.Nodes() {
		keys = append(keys, n.Key)
	}
	return keys
}
