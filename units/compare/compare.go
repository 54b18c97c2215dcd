// Package compare says how two units, or two sets of them, differ in what they
// mean to systemd and fleet: order counts where it means something and not where
// it does not, and neither quoting nor folding counts at all. It knows nothing of
// clusters or files; what a difference does is for package fleet to say.
package compare

import (
	"cmp"
	"slices"

	"github.com/stackc/stackc/units"
)

// Kind is what became of a unit between two sets.
type Kind string

// The kinds.
const (
	// Same is a unit whose content and desired state are equal.
	Same Kind = "same"
	// Added and Removed are units of one set only.
	Added   Kind = "added"
	Removed Kind = "removed"
	// Changed is a unit that means something else, or is to be in another state.
	Changed Kind = "changed"
	// Rewritten is a unit with another text of the same meaning. fleet takes it for
	// another unit all the same.
	Rewritten Kind = "rewritten"
	// Renamed is a unit that went under one name and came under another, with much
	// the same content. fleet knows no renaming: one is removed and one is created.
	Renamed Kind = "renamed"
)

// Unit is how one unit differs.
type Unit struct {
	Kind Kind
	// Name is the unit's name, the new one of a renamed unit.
	Name units.Name
	// Old and New are the unit on both sides; nil where it is not.
	Old, New *units.Unit
	// Directives are the differences in meaning, in the order of the new unit and
	// then of the old one. An added or removed unit has all of its lines here.
	Directives []Directive
}

// How is the way in which the values of a directive are compared.
type How string

// The ways.
const (
	// AsValue is one value: the last assignment counts, an empty one is the default.
	AsValue How = "value"
	// AsList is values in an order that means something, after the last reset.
	AsList How = "list"
	// AsSet is words in any order.
	AsSet How = "set"
	// AsCommands is command lines in the order in which they run.
	AsCommands How = "commands"
	// AsVariables is assignments, of which the last for each name counts.
	AsVariables How = "variables"
)

// Directive is one directive whose meaning differs.
type Directive struct {
	Section, Name string
	How           How
	Edits         []Edit
}

// Op is the kind of an Edit.
type Op string

// The operations.
const (
	Add    Op = "add"
	Remove Op = "remove"
	Change Op = "change"
	// Move is a value that stands at another place of the order.
	Move Op = "move"
)

// Edit is one difference within a directive.
type Edit struct {
	Op Op
	// Old and New are the values, folded into one line: a word of a set, an
	// assignment of a variable, or the whole value.
	Old, New string
	// OldAt and NewAt are the lines of the units that say so, as indices of their
	// options, -1 where there is none.
	OldAt, NewAt int
	// OldStep and NewStep name commands of the compiler by what they do.
	OldStep, NewStep *Step
	// Args are the parts of a changed command or step that differ; none when it
	// is another command altogether.
	Args []Arg
}

// Arg is one part of a command that differs.
type Arg struct {
	// Name is what a person calls it: "--port", "sha256"; "" for an argument
	// without a name.
	Name string
	// Old and New are its values. Gone and Fresh say that it is on one side only;
	// one on both sides with equal values stands at another place.
	Old, New    string
	Gone, Fresh bool
}

// Sets compares two sets: one Unit for each name of either, in the order of names.
// Same units are left out.
func Sets(old, new *units.Set) []Unit {
	var list []Unit
	var removed, added []units.Unit
	for _, u := range old.Units {
		if _, stays := new.Lookup(u.Name); !stays {
			removed = append(removed, u)
		}
	}
	for _, want := range new.Units {
		was, had := old.Lookup(want.Name)
		if !had {
			added = append(added, want)
			continue
		}
		if u := Units(was, want); u.Kind != Same {
			list = append(list, u)
		}
	}
	pairs := renames(removed, added)
	for _, p := range pairs {
		u := Units(p.old, p.new)
		u.Kind = Renamed
		list = append(list, u)
	}
	for _, u := range removed {
		if !slices.ContainsFunc(pairs, func(p pair) bool { return p.old.Name == u.Name }) {
			list = append(list, One(Removed, u))
		}
	}
	for _, u := range added {
		if !slices.ContainsFunc(pairs, func(p pair) bool { return p.new.Name == u.Name }) {
			list = append(list, One(Added, u))
		}
	}
	slices.SortFunc(list, func(a, b Unit) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Units compares two versions of a unit.
func Units(old, new units.Unit) Unit {
	u := Unit{Kind: Same, Name: new.Name, Old: &old, New: &new}
	if units.Equal(old.Options, new.Options) {
		if old.Desired != new.Desired {
			u.Kind = Changed
		}
		return u
	}
	u.Directives = directives(old, new)
	switch {
	case len(u.Directives) > 0 || old.Desired != new.Desired:
		u.Kind = Changed
	default:
		u.Kind = Rewritten
	}
	return u
}

// One describes a unit that is on one side only, line by line; kind is Added or
// Removed.
func One(kind Kind, u units.Unit) Unit {
	one := Unit{Kind: kind, Name: u.Name}
	empty := units.Unit{Name: u.Name}
	if kind == Removed {
		one.Old = &u
		one.Directives = directives(u, empty)
		return one
	}
	one.New = &u
	one.Directives = directives(empty, u)
	return one
}

// key is a directive of a section.
type key struct{ section, name string }

// line is one assignment and the index of its option.
type line struct {
	value string
	at    int
}

// linesOf gathers the assignments of a unit by directive, and the directives in
// their order.
func linesOf(options []units.Option) (map[key][]line, []key) {
	byKey := make(map[key][]line, len(options))
	var order []key
	for i, o := range options {
		k := key{o.Section, o.Name}
		if byKey[k] == nil {
			order = append(order, k)
		}
		byKey[k] = append(byKey[k], line{unfold(o.Value), i})
	}
	return byKey, order
}

func directives(old, new units.Unit) []Directive {
	was, before := linesOf(old.Options)
	is, after := linesOf(new.Options)
	var list []Directive
	seen := make(map[key]bool, len(after))
	for _, k := range slices.Concat(after, before) {
		if seen[k] {
			continue
		}
		seen[k] = true
		if slices.EqualFunc(was[k], is[k], func(a, b line) bool { return a.value == b.value }) {
			continue
		}
		c := comparison{oldName: old.Name, newName: new.Name, key: k, old: was[k], new: is[k]}
		if d := c.directive(); len(d.Edits) > 0 {
			list = append(list, d)
		}
	}
	return list
}

// Sections lists the sections that the differences are in, in their order.
func (u Unit) Sections() []string {
	var list []string
	for _, d := range u.Directives {
		if !slices.Contains(list, d.Section) {
			list = append(list, d.Section)
		}
	}
	return list
}

// OnlyIn reports whether all that differs lies in these sections.
func (u Unit) OnlyIn(sections ...string) bool {
	return len(u.Directives) > 0 && !slices.ContainsFunc(u.Directives, func(d Directive) bool { return !slices.Contains(sections, d.Section) })
}

// OnlyOrder reports whether all that differs says in which order units start: it
// has no effect on a unit that runs.
func (u Unit) OnlyOrder() bool {
	return len(u.Directives) > 0 && !slices.ContainsFunc(u.Directives, func(d Directive) bool {
		return d.Section != "Unit" || d.Name != "After" && d.Name != "Before"
	})
}
