package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// Lift is one thing of a unit that the stack says in stackc's words.
type Lift struct {
	Unit units.Name
	// Place is where the unit says it.
	Place source.Span
	// Word is the word that says it now: "role", "after", "download" and so on, or
	// "tables" when only the form is another.
	Word    string
	Message string
	// Removed are the options that the unit has no longer because of it, and Added
	// those that it has now. Both are empty when the unit stays as it is.
	Removed, Added []units.Option
}

// Left is one thing that could be said in stackc's words at first sight, and is not.
type Left struct {
	Unit    units.Name
	Place   source.Span
	Message string

	asItWas bool // all of the unit, which is still written in tables
}

// lift is a Lift on its way: it may still turn out to be impossible.
type lift struct {
	word    string
	message string
	lines   []int   // of unit.parsed, which it takes out, or writes otherwise
	value   *string // how it writes its one line, nil when it takes lines out
	target  string
	wait    *probe
	load    *download
	dead    string // why it is given up, "" while it holds

	removed, added []units.Option
}

// idiom is how a unit is said in stackc's words.
type idiom struct {
	lifts []*lift
	words []word // of its placement, nil when that stays as it is
}

func (d *idiom) alive() (list []*lift) {
	if d == nil {
		return nil
	}
	for _, l := range d.lifts {
		if l.dead == "" {
			list = append(list, l)
		}
	}
	return list
}

// gone reports whether a line is taken out.
func (d *idiom) gone(line int) bool {
	return slices.ContainsFunc(d.alive(), func(l *lift) bool { return l.value == nil && slices.Contains(l.lines, line) })
}

// valueOf is how a line is written.
func (d *idiom) valueOf(n int, l units.Line) string {
	for _, lift := range d.alive() {
		if lift.value != nil && lift.lines[0] == n {
			return *lift.value
		}
	}
	return l.Value
}

// after are the keys that the unit waits for, in their order.
func (d *idiom) after() (keys []string) {
	for _, l := range d.alive() {
		if l.target != "" && !slices.Contains(keys, l.target) {
			keys = append(keys, l.target)
		}
	}
	return keys
}

func (d *idiom) downloads() (list []*lift) {
	return slices.DeleteFunc(d.alive(), func(l *lift) bool { return l.load == nil })
}

// idiomatic finds what all units say in systemd's words and can be said in
// stackc's. It returns how many things there are that may turn out impossible.
func (i *importer) idiomatic() (n int) {
	i.idiomatics = true
	i.addresses, i.ready, i.found = map[string]string{}, map[string]*readiness{}, map[subject][]node{}
	for n, h := range i.hosts { // the entry that keys are put to is called etcd
		if h.name == "etcd2.service" && !slices.ContainsFunc(i.hosts, func(h host) bool { return h.key == "etcd" }) && i.keys["etcd"] == nil {
			i.hosts[n].key = "etcd"
		}
	}
	for _, u := range i.units {
		if line, reason := u.spelled(); reason != "" {
			i.keepText(u, line, reason)
			continue
		}
		u.idiom = &idiom{}
		u.join()
	}
	i.chooseRoles()
	for _, u := range i.units {
		if u.idiom != nil {
			i.liftPlacement(u)
		}
	}
	for _, u := range i.units {
		if u.idiom != nil && u.name.Type() == units.TypeService && !u.resetsPre() {
			i.liftDownloads(u)
			i.liftWaits(u)
		}
	}
	for _, u := range i.units {
		if u.idiom != nil {
			i.liftPairs(u)
			n += len(u.idiom.lifts) + 1
		}
	}
	return n
}

func (i *importer) leave(u *unit, line int, format string, args ...any) {
	i.left = append(i.left, Left{Unit: u.name, Place: u.spanOfLine(line), Message: fmt.Sprintf(format, args...)})
}

// spanOfLine is the place of a line of the file, 0 for the unit as a whole.
func (u *unit) spanOfLine(line int) source.Span { return u.span(line, 1, line, 1) }

// loose is an option with one blank between the words of its value.
func loose(o units.Option) units.Option {
	o.Value = strings.Join(strings.Fields(o.Value), " ")
	return o
}

// join writes continued values on one line, without the blanks of the continuation
// where the words of the command stay the same.
func (u *unit) join() {
	for n, l := range u.parsed.Lines {
		if l.End == l.Line || l.Section == units.FleetSection {
			continue
		}
		value := l.Value
		if tidy := strings.Join(strings.Fields(value), " "); strings.HasPrefix(l.Name, "Exec") && sameWords(tidy, value) {
			value = tidy
		}
		u.idiom.lifts = append(u.idiom.lifts, &lift{
			word: "tables", lines: []int{n}, value: &value,
			message: fmt.Sprintf("the lines of %s= are joined, as systemd joins them", l.Name),
		})
	}
}

func sameWords(a, b string) bool {
	x, errX := units.SplitExec(a)
	y, errY := units.SplitExec(b)
	return errX == nil && errY == nil && slices.EqualFunc(x, y, func(c, d units.Command) bool {
		return c.Prefixes == d.Prefixes && slices.EqualFunc(c.Words, d.Words, func(v, w units.Word) bool { return v.Text == w.Text && v.Quoted == w.Quoted })
	})
}

// resetsPre reports whether an empty ExecStartPre= takes away what stands before it.
func (u *unit) resetsPre() bool {
	return slices.ContainsFunc(u.parsed.Lines, func(l units.Line) bool { return l.Name == "ExecStartPre" && l.Value == "" })
}
