package importer

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// word is one of stackc's words for the placement of a unit.
type word struct {
	name   string
	values []string // none for a flag
}

// placementOrder are the keys of [X-Fleet] in the order in which the compiler
// writes them, with stackc's words for them.
var placementOrder = []struct{ key, word string }{
	{units.KeyGlobal, "global"}, {units.KeyMachineID, "machine_id"}, {units.KeyMachineMetadata, "metadata"},
	{units.KeyMachineOf, "machine_of"}, {units.KeyConflicts, "conflicts"},
}

// placement says the unit's [X-Fleet] in stackc's words. ok is false when these
// would give other lines or another order.
func (u *unit) placement() (words []word, ok bool) {
	last := -1
	for _, o := range u.want {
		if o.Section != units.FleetSection {
			continue
		}
		rank := -1
		for i, p := range placementOrder {
			if p.key == o.Name {
				rank = i
			}
		}
		single := o.Name == units.KeyGlobal || o.Name == units.KeyMachineID
		switch {
		case rank < last || rank < 0 || single && rank == last:
			return nil, false
		case o.Name == units.KeyGlobal && o.Value != "true":
			return nil, false
		case rank > last:
			words = append(words, word{name: placementOrder[rank].word})
		}
		if last = rank; o.Name != units.KeyGlobal {
			w := &words[len(words)-1]
			w.values = append(w.values, o.Value)
		}
	}
	return words, true
}

// bareKey is a name that needs no quotes in TOML, and stands for a directive.
var bareKey = pattern.New(`^[A-Za-z0-9_-]+$`)

// tabular reports whether tables can keep the unit: systemd reads all of the file and
// the same as fleet, every value is one line, and the order is the one in which
// the compiler writes sections and repeated directives. What else may stand in
// the way shows when the stack is compiled.
func (u *unit) tabular() bool {
	if _, faults := units.Parse(u.text); len(faults) > 0 || !units.Equal(u.parsed.Options(), u.want) {
		return false
	}
	options := units.Canonical(u.want)
	for _, o := range options {
		if fault, _ := units.CheckValue(o.Value); fault != 0 || !bareKey().MatchString(o.Name) || !bareKey().MatchString(o.Section) {
			return false
		}
	}
	return u.orderly(options) && together(options)
}

// orderly reports whether the sections stand in the compiler's order: [Unit],
// [Service] in a service, all others but [X-Fleet], and that.
func (u *unit) orderly(options []units.Option) bool {
	rank := func(section string) int {
		switch {
		case section == "Unit":
			return 0
		case section == "Service" && u.name.Type() == units.TypeService:
			return 1
		case section == units.FleetSection:
			return 3
		}
		return 2
	}
	return slices.IsSortedFunc(options, func(a, b units.Option) int { return rank(a.Section) - rank(b.Section) })
}

// together reports whether the values of every repeated directive stand together.
func together(options []units.Option) bool { return apart(options) < 0 }

// apart is the first option that stands apart from the one of its name before it, -1
// when there is none.
func apart(options []units.Option) int {
	seen := map[units.Option]bool{}
	for i, o := range options {
		key := units.Option{Section: o.Section, Name: o.Name}
		if seen[key] && (options[i-1].Name != o.Name || options[i-1].Section != o.Section) {
			return i
		}
		seen[key] = true
	}
	return -1
}

// section is one table of a unit.
type section struct {
	name       string
	comments   []string
	directives []directive
}

// directive is one key of a table, with the comments before each value.
type directive struct {
	name     string
	values   []string
	comments [][]string
}

// layout is a unit as tables.
type layout struct {
	head     []string // comments before everything
	placed   []string // comments of [X-Fleet]
	sections []*section
	tail     []string // comments behind everything
}

// lay sorts the options and comments of the file into tables.
func (u *unit) lay() layout {
	var l layout
	comments := commentsOf(u)
	for n, line := range u.parsed.Lines {
		before := comments.until(line.Line)
		if line.Section == units.FleetSection || u.idiom.gone(n) {
			l.placed = append(l.placed, slices.Concat(before.head, before.section, before.option)...)
			continue
		}
		l.head = append(l.head, before.head...)
		s := l.section(line.Section, &before)
		o := line.Option
		if u.idiom != nil {
			o.Value = u.idiom.valueOf(n, line)
		}
		s.add(o, before.option)
	}
	rest := comments.until(1 << 30)
	l.tail = slices.Concat(rest.head, rest.section, rest.option)
	return l
}

// section returns the table of a section. Comments before a header that repeats
// go to the option behind it.
func (l *layout) section(name string, before *commented) *section {
	for _, s := range l.sections {
		if s.name == name {
			before.option = append(before.section, before.option...)
			return s
		}
	}
	s := &section{name: name, comments: before.section}
	l.sections = append(l.sections, s)
	return s
}

func (s *section) add(o units.Option, comments []string) {
	if n := slices.IndexFunc(s.directives, func(d directive) bool { return d.name == o.Name }); n >= 0 {
		d := &s.directives[n]
		d.values, d.comments = append(d.values, o.Value), append(d.comments, comments)
		return
	}
	s.directives = append(s.directives, directive{name: o.Name, values: []string{o.Value}, comments: [][]string{comments}})
}

// commented are the comments before an option, by what they belong to: the unit,
// the section whose header follows, the option.
type commented struct{ head, section, option []string }

// commentWalk gives out the comments of a file from top to bottom.
type commentWalk struct {
	comments []units.Comment
	headers  []int // lines of section headers
}

func commentsOf(u *unit) *commentWalk {
	w := &commentWalk{comments: u.parsed.Comments}
	for i, line := range strings.Split(plainText(u.file.Text), "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "[") {
			w.headers = append(w.headers, i+1)
		}
	}
	return w
}

// until takes the comments before that line.
func (w *commentWalk) until(line int) commented {
	var c commented
	for len(w.comments) > 0 && w.comments[0].Line < line {
		first := w.comments[0]
		w.comments = w.comments[1:]
		text := comment(first.Text)
		switch {
		case len(w.headers) > 0 && first.Line < w.headers[0]:
			c.head = append(c.head, text)
		case slices.ContainsFunc(w.headers, func(h int) bool { return h > first.Line && h < line }):
			c.section = append(c.section, text)
		default:
			c.option = append(c.option, text)
		}
	}
	return c
}
