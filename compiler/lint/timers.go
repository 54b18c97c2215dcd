package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// firstTimes are the directives by which a timer elapses whatever its unit did
// before; repeats count from when that unit was last active, or ceased to be
// (systemd.timer(5)).
var (
	firstTimes = []string{"OnActiveSec", "OnBootSec", "OnStartupSec", "OnCalendar", "OnClockChange", "OnTimezoneChange"}
	repeats    = []string{"OnUnitActiveSec", "OnUnitInactiveSec"}
)

// firstTime: a timer that counts only from a run of its unit never elapses unless
// something else brings about the first one; systemd passes over such a line as long
// as the unit has not run (systemd v252 src/core/timer.c timer_enter_waiting).
func firstTime(c *checker, n *topology.Node) {
	d := onlyRepeats(n)
	if d == nil || n.Unit.State == units.Inactive || mistyped(n.Unit) {
		return
	}
	target := c.triggeredBy(n)
	if target == nil || c.startsOtherwise(target) {
		return
	}
	f := stack.Finding(diag.Warning, diag.NeverElapses, d.Pos, n.Path()+".Timer."+d.Name,
		"%s= counts from a run of %q, and nothing else starts that: it never elapses", d.Name, target.Key)
	c.add(f.WithNote(target.Pos().Span, fmt.Sprintf("%q is %s only", target.Key, target.Unit.State)).
		WithHelp(`add a first time, such as OnActiveSec = "1min" (after the timer's own start) or OnBootSec`))
}

// onlyRepeats returns the directive of a timer that has nothing but such as count
// from a run of its unit, nil for any other unit.
func onlyRepeats(n *topology.Node) *stack.Directive {
	if n.Unit == nil || n.Unit.Name.Type() != units.TypeTimer {
		return nil
	}
	for _, name := range firstTimes {
		if given(n.Unit.Directive("Timer", name)) {
			return nil
		}
	}
	for _, name := range repeats {
		if d := n.Unit.Directive("Timer", name); given(d) {
			return d
		}
	}
	return nil
}

// given reports whether a directive has a value that is not empty.
func given(d *stack.Directive) bool {
	return d != nil && slices.ContainsFunc(d.Values, func(v stack.Text) bool { return strings.TrimSpace(v.Source()) != "" })
}

// triggeredBy returns the unit of the stack that a timer, path or socket starts, nil when it
// is not the stack's: nobody knows what starts those of the hosts.
func (c *checker) triggeredBy(n *topology.Node) *topology.Node {
	name, _ := impliedTarget(n)
	for _, x := range triggered(n) {
		for word := range strings.FieldsSeq(x.source) {
			name = units.Name(word)
		}
	}
	if other := c.t.ByName(name); other != nil && other.Unit != nil {
		return other
	}
	return nil
}

// startsOtherwise reports whether anything but a timer that counts from its runs may
// start a unit: fleet, its own [Install], the bus, or another unit that names it.
func (c *checker) startsOtherwise(target *topology.Node) bool {
	u := target.Unit
	if u.State == units.Launched || u.Section("Install") != nil || given(u.Directive("Service", "BusName")) {
		return true
	}
	for _, n := range c.t.Nodes() {
		switch {
		case n == target || n.Unit == nil:
		case c.starts(n, target), onlyRepeats(n) == nil && c.triggeredBy(n) == target:
			return true
		}
	}
	return false
}

// starts reports whether a unit says that another is started: by a relation that
// does, by what the compiler makes of after, or in a command.
func (c *checker) starts(n, target *topology.Node) bool {
	if slices.ContainsFunc(n.Edges, func(e *topology.Edge) bool { return e.To == target && e.Local }) {
		return true
	}
	found := false
	eachValue(n, func(section, directive string, v stack.Text) {
		r := units.Relation(directive)
		switch text := v.Source(); {
		case section == "Unit" && (r.Pulls() || r == units.OnFailure || r == units.OnSuccess || directive == "BindTo"),
			section == "Service" && directive == string(units.Sockets):
			found = found || slices.Contains(strings.Fields(text), string(target.Name()))
		case strings.HasPrefix(directive, "Exec"):
			found = found || strings.Contains(text, string(target.Name())) || strings.Contains(text, "systemctl") && strings.Contains(text, target.Name().Base())
		}
	})
	return found
}
