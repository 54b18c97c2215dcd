package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/units"
)

// agrees holds what a unit compiles to against what it was: every difference must
// be that of a lift, and is noted with it. It reports whether that is so.
func (i *importer) agrees(u *unit, compiled units.Unit, result *compiler.Result) bool {
	lifts := u.idiom.alive()
	for _, l := range lifts {
		l.removed, l.added = nil, nil
	}
	removed, added := differences(u.want, compiled.Options)
	for n, o := range u.want {
		if !removed[n] {
			continue
		}
		owner := ownerOfLine(o, u.lineOf(n), lifts)
		if owner == nil {
			return false
		}
		owner.removed = append(owner.removed, o)
	}
	origins := result.Origins[compiled.Name]
	for n, o := range compiled.Options {
		if !added[n] {
			continue
		}
		owner := u.ownerOfPath(o, origins[n].Path(o), lifts)
		if owner == nil {
			return false
		}
		owner.added = append(owner.added, o)
	}
	before, _ := units.ParsePlacement(u.name, u.want)
	now, _ := units.ParsePlacement(u.name, compiled.Options)
	return samePlacement(before, now) && u.noteOrder(without(u.want, removed), without(compiled.Options, added))
}

// asksElsewhere gives up loops that ask their own machine and whose waiter would
// ask another one: the unit that they wait for may be there.
func (i *importer) asksElsewhere(u *unit, compiled units.Unit) (found bool) {
	for _, l := range u.idiom.alive() {
		if l.wait == nil || l.wait.port == 0 || !l.wait.local() {
			continue
		}
		here := slices.ContainsFunc(compiled.Options, func(o units.Option) bool {
			return o.Name == "ExecStartPre" && (strings.Contains(o.Value, fmt.Sprintf("127.0.0.1:%d", l.wait.port)) || strings.Contains(o.Value, fmt.Sprintf("/127.0.0.1/%d", l.wait.port)))
		})
		if !here {
			i.bury(u, l, fmt.Sprintf("%q may be on another machine, and the loop asks this one", l.target))
			found = true
		}
	}
	return found
}

// differences marks the options of a that are not in b, and of b that are not in a.
func differences(a, b []units.Option) (onlyA, onlyB map[int]bool) {
	onlyA, onlyB = map[int]bool{}, map[int]bool{}
	left := map[units.Option]int{}
	for _, o := range b {
		left[o]++
	}
	for n, o := range a {
		if left[o]--; left[o] < 0 {
			onlyA[n] = true
		}
	}
	left = map[units.Option]int{}
	for _, o := range a {
		left[o]++
	}
	for n, o := range b {
		if left[o]--; left[o] < 0 {
			onlyB[n] = true
		}
	}
	return onlyA, onlyB
}

// lineOf is the line of the file, as an index of unit.parsed, that option n of want comes from.
func (u *unit) lineOf(n int) int {
	o, nth := u.want[n], 0
	for _, before := range u.want[:n] {
		if before.Section == o.Section && before.Name == o.Name {
			nth++
		}
	}
	for i, l := range u.parsed.Lines {
		if l.Section == o.Section && l.Name == o.Name {
			if nth--; nth < 0 {
				return i
			}
		}
	}
	return -1
}

// ownerOfLine is the lift that takes a line of the unit out, or writes it otherwise.
func ownerOfLine(o units.Option, line int, lifts []*lift) *lift {
	for _, l := range lifts {
		if slices.Contains(l.lines, line) || o.Section == units.FleetSection && l.word == "placement" {
			return l
		}
	}
	return nil
}

// ownerOfPath is the lift whose words gave a line of the compiled unit.
func (u *unit) ownerOfPath(o units.Option, path string, lifts []*lift) *lift {
	if m := wordIndex().FindStringSubmatch(path); m != nil {
		n, _ := strconv.Atoi(m[2])
		after, loads := u.idiom.after(), u.idiom.downloads()
		for _, l := range lifts {
			if m[1] == "after" && n < len(after) && l.target == after[n] || m[1] == "download" && n < len(loads) && l == loads[n] {
				return l
			}
		}
		return nil
	}
	for _, l := range lifts {
		switch {
		case o.Section == units.FleetSection && l.word == "placement":
			return l
		case l.value != nil && *l.value == o.Value && u.parsed.Lines[l.lines[0]].Name == o.Name:
			return l
		}
	}
	return nil
}

func samePlacement(a, b units.Placement) bool {
	if !slices.Equal(a.Metadata.Keys(), b.Metadata.Keys()) {
		return false
	}
	for _, key := range a.Metadata.Keys() {
		if !sameSet(a.Metadata[key], b.Metadata[key]) {
			return false
		}
	}
	return a.Global == b.Global && a.MachineID == b.MachineID &&
		sameSet(a.MachineOf, b.MachineOf) && sameSet(a.Conflicts, b.Conflicts) && sameSet(a.Replaces, b.Replaces)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// noteOrder lists another order of what stays. The values of one directive must be
// in their order, but for lists of units and [X-Fleet], where order means nothing.
func (u *unit) noteOrder(before, now []units.Option) bool {
	u.idiom.lifts = slices.DeleteFunc(u.idiom.lifts, func(l *lift) bool { return l.word == "order" })
	if slices.Equal(units.Canonical(before), units.Canonical(now)) {
		return true
	}
	sorted := func(list []units.Option) []units.Option {
		list = slices.DeleteFunc(slices.Clone(list), func(o units.Option) bool { return o.Section == units.FleetSection })
		slices.SortStableFunc(list, func(a, b units.Option) int {
			byName := cmp.Or(cmp.Compare(a.Section, b.Section), cmp.Compare(a.Name, b.Name))
			if d, ok := units.LookupDirective(a.Section, a.Name); byName == 0 && ok && d.Kind == units.KindUnits {
				return cmp.Compare(a.Value, b.Value)
			}
			return byName
		})
		return list
	}
	if !slices.Equal(sorted(before), sorted(now)) {
		return false
	}
	u.idiom.lifts = append(u.idiom.lifts, &lift{word: "order", message: "sections and directives stand in another order, the values of each directive as they were"})
	return true
}

func without(options []units.Option, gone map[int]bool) (list []units.Option) {
	for n, o := range options {
		if !gone[n] {
			list = append(list, o)
		}
	}
	return list
}
