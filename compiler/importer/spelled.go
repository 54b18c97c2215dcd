package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// spelled tells why the unit cannot be written in tables even when the form may
// change: systemd must read the same from the file, from fleet's copy, and from tables.
// line is the line of the file that stands in the way, 0 for none in particular.
func (u *unit) spelled() (line int, reason string) {
	if _, faults := units.Parse(u.text); len(faults) > 0 {
		return u.line(faults[0].Line - 1), "systemd cannot read all of it: " + faults[0].Reason
	}
	lines := canonicalLines(u.parsed.Lines)
	if line, reason := u.misread(lines); reason != "" {
		return line, reason
	}
	for _, l := range lines {
		if fault, reason := units.CheckValue(l.Value); fault != 0 {
			return l.Line, fmt.Sprintf("%s=: %s", l.Name, reason)
		}
		if !bareKey().MatchString(l.Name) || !bareKey().MatchString(l.Section) {
			return l.Line, fmt.Sprintf("%s= of [%s] is no name for a table", l.Name, l.Section)
		}
	}
	return u.unordered(lines)
}

// misread tells where fleet's copy says something else than the file: fleet joins
// lines by rules of its own (see [units.Parse]).
func (u *unit) misread(lines []units.Line) (line int, reason string) {
	here, _ := units.Parse(units.Unit{Options: u.want}.Text())
	held := here.Options()
	copies := [][]units.Option{held}
	if len(held) != len(u.want) { // an option of fleet's has a line end within
		copies = append(copies, u.want)
	}
	for _, list := range copies {
		for n, l := range lines {
			if n >= len(list) || loose(l.Option) != loose(list[n]) {
				return l.Line, fmt.Sprintf("fleet reads %s= otherwise than systemd", l.Name)
			}
		}
	}
	if len(held) != len(lines) || len(held) != len(u.want) {
		return 0, "fleet reads more of it than systemd"
	}
	return 0, ""
}

// unordered tells of a directive whose values stand apart, in a unit in which the
// order between directives counts: a table would bring them together.
func (u *unit) unordered(lines []units.Line) (line int, reason string) {
	counts := func(l units.Line) bool { return l.Section == "Socket" || strings.HasPrefix(l.Name, "Timeout") }
	at := apart(optionsOf(lines))
	if at < 0 || !slices.ContainsFunc(lines, counts) {
		return 0, ""
	}
	return lines[at].Line, fmt.Sprintf("%s= stands apart from the one before it, and the order of its directives counts", lines[at].Name)
}

// canonicalLines are lines in the order of [units.Canonical].
func canonicalLines(lines []units.Line) []units.Line {
	rank := map[string]int{}
	for _, l := range lines {
		if _, known := rank[l.Section]; !known {
			rank[l.Section] = len(rank)
		}
	}
	list := slices.Clone(lines)
	slices.SortStableFunc(list, func(a, b units.Line) int { return rank[a.Section] - rank[b.Section] })
	return list
}

func optionsOf(lines []units.Line) []units.Option { return (&units.File{Lines: lines}).Options() }

// keepText notes that a unit is kept as its text, with the line that is the reason;
// why its words were given up before is no longer of interest.
func (i *importer) keepText(u *unit, line int, reason string) {
	i.left = slices.DeleteFunc(i.left, func(l Left) bool { return l.asItWas && l.Unit == u.name })
	i.leave(u, line, "it is kept as its text: %s", reason)
}

// lineWith is the line of the file on which an option stands, 0 when fleet made it of
// something else.
func (u *unit) lineWith(o units.Option) int {
	for _, l := range u.parsed.Lines {
		if loose(l.Option) == loose(o) {
			return l.Line
		}
	}
	return 0
}

// directivePath and placementPath are the ends of the logical paths of a directive and
// of a word of placement.
var (
	directivePath = pattern.New(`\.([A-Z][A-Za-z-]*)\.([A-Za-z0-9-]+)$`)
	placementPath = pattern.New(`\.(global|machine_id|metadata|machine_of|conflicts)(?:\[\d+\])?$`)
)

// lineOfPath is the line of the file on which what a logical path is about first
// stands, 0 when that is not one directive.
func (u *unit) lineOfPath(path string) int {
	section, name := "", ""
	if m := directivePath().FindStringSubmatch(path); m != nil {
		section, name = m[1], m[2]
	} else if m := placementPath().FindStringSubmatch(path); m != nil {
		for _, p := range placementOrder {
			if p.word == m[1] {
				section, name = units.FleetSection, p.key
			}
		}
	}
	for _, l := range u.parsed.Lines {
		if l.Section == section && l.Name == name {
			return l.Line
		}
	}
	return 0
}
