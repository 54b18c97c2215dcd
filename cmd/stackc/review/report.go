// Package review tells what a change is and what it will do: it puts the
// differences between two sets of units (package compare), what a plan makes of
// them (package fleet) and where in the files they come from into one Report, and
// writes that as Markdown, as HTML, and as a patch.
package review

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

// Version is the version of the report's JSON form.
const Version = 1

// Report is everything that is to be said about a change. Its JSON form is
// described by docs/diff.schema.json.
type Report struct {
	Version int    `json:"version"`
	Stack   string `json:"stack"`
	Old     Source `json:"old"`
	New     Source `json:"new"`
	// Machines are those the plan was made for; none when nothing is known of them.
	Machines []fleet.Machine `json:"machines"`
	Summary  Summary         `json:"summary"`
	// Units are those that differ and those that something happens to, by name.
	Units     []Unit          `json:"units"`
	Meanwhile fleet.Meanwhile `json:"meanwhile"`
	// Waves are the requests of a submit, in order.
	Waves    []fleet.Wave    `json:"waves"`
	Warnings []fleet.Warning `json:"warnings"`
	Findings []diag.Finding  `json:"findings"`
}

// Source says what one side of the comparison is.
type Source struct {
	// Kind is "stack", "units" (a folder), "cluster", "revision" or "plan".
	Kind string `json:"kind"`
	// Name is how a person names it: a path, "git:main:k8s.toml".
	Name string `json:"name"`
}

// Summary counts the units of the new side and those that go.
type Summary struct {
	Units     int `json:"units"`
	Added     int `json:"added"`
	Removed   int `json:"removed"`
	Changed   int `json:"changed"`
	Rewritten int `json:"rewritten"`
	Renamed   int `json:"renamed"`
	// Fates counts what happens to the units, by fleet.Fate.
	Fates map[fleet.Fate]int `json:"fates"`
}

// Unit is what is said about one unit.
type Unit struct {
	Unit units.Name `json:"unit"`
	// Was is the name that a renamed unit had.
	Was    units.Name   `json:"was,omitempty"`
	Change compare.Kind `json:"change"`
	// Action is what submit does.
	Action fleet.Action `json:"action"`
	// From and To are the desired states.
	From units.State `json:"from,omitempty"`
	To   units.State `json:"to,omitempty"`
	// Effect tells what happens, machine by machine.
	Effect fleet.Effect `json:"effect"`
	// Consequences are sentences about that, the most important first.
	Consequences []string `json:"consequences"`
	// Now and Then are the machines that have the unit before and after.
	Now  []string `json:"now,omitempty"`
	Then []string `json:"then,omitempty"`
	// Refused tells of a unit that no machine can run why, machine by machine.
	Refused    []fleet.MachineRefusal `json:"refused,omitempty"`
	Directives []Directive            `json:"directives,omitempty"`
	// Place is where the unit is declared, on the new side if it is there.
	Place *Place `json:"place,omitempty"`
}

// Directive is one directive of a unit that differs.
type Directive struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	// Compared is how its values count: value, list, set, commands or variables.
	Compared compare.How `json:"compared"`
	Edits    []Edit      `json:"edits"`
	// Before and After are lines around it that do not differ, as many as asked for.
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
}

// Edit is one difference within a directive. Secrets are masked.
type Edit struct {
	Op  compare.Op `json:"op"`
	Old string     `json:"old,omitempty"`
	New string     `json:"new,omitempty"`
	// OldStep and NewStep say what a command of the compiler does.
	OldStep string `json:"old_step,omitempty"`
	NewStep string `json:"new_step,omitempty"`
	// Args are the parts of a command that differ.
	Args []Arg `json:"args,omitempty"`
	// Masked says that a secret was taken out; of two that look alike the secret differs.
	Masked bool `json:"masked,omitempty"`
	// OldPlace and NewPlace are where the files say it.
	OldPlace *Place `json:"old_place,omitempty"`
	NewPlace *Place `json:"new_place,omitempty"`
}

// Arg is one part of a command that differs: Old is missing for one that came, New
// for one that went.
type Arg struct {
	Name string  `json:"name,omitempty"`
	Old  *string `json:"old,omitempty"`
	New  *string `json:"new,omitempty"`
	// Moved says that it is the same and stands at another place of the command.
	Moved bool `json:"moved,omitempty"`
}

// String writes the part as "--port: 8080 -> 8081", "+ --verbose", "- x".
func (a Arg) String() string {
	join := func(sign, value string) string {
		switch {
		case a.Name == "":
			return sign + value
		case value == "":
			return sign + a.Name
		}
		return sign + a.Name + ": " + value
	}
	switch {
	case a.Old == nil:
		return join("+ ", shown(*a.New, a.Name == ""))
	case a.New == nil:
		return join("- ", shown(*a.Old, a.Name == ""))
	case a.Moved:
		return join("", *a.New) + " at another place"
	case *a.Old == *a.New:
		return fmt.Sprintf("%s: %s -> another", a.Name, *a.Old)
	case a.Name == "":
		return fmt.Sprintf("%s -> %s", shown(*a.Old, true), shown(*a.New, true))
	}
	return fmt.Sprintf("%s: %s -> %s", a.Name, shown(*a.Old, true), shown(*a.New, true))
}

// shown writes an empty value so that it is seen.
func shown(s string, visibly bool) string {
	if s == "" && visibly {
		return "(empty)"
	}
	return s
}

// Place is where something stands in a file.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Via names the libraries that brought the file into the stack, the nearest first.
	Via []string `json:"via,omitempty"`
}

// String gives "file:line:column", or the flag that a value was given by.
func (p Place) String() string {
	if strings.HasPrefix(p.File, "--") || p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Empty reports whether there is nothing to tell: no unit differs and nothing
// happens to any.
func (r *Report) Empty() bool { return len(r.Units) == 0 }

// Headline counts in one line what differs and what happens.
func (r *Report) Headline() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	s := r.Summary
	add(s.Added, "added")
	add(s.Removed, "removed")
	add(s.Renamed, "renamed")
	add(s.Changed, "changed")
	add(s.Rewritten, "rewritten")
	if len(parts) == 0 {
		parts = []string{"no unit differs"}
	}
	text := strings.Join(parts, ", ")
	parts = nil
	for _, f := range []struct {
		fate     fleet.Fate
		one, all string
	}{
		{fleet.Restarts, "restarts", "restart"}, {fleet.Moves, "moves", "move"}, {fleet.Starts, "starts", "start"},
		{fleet.Stops, "stops", "stop"}, {fleet.Dies, "dies", "die"}, {fleet.Loads, "is loaded", "are loaded"},
		{fleet.Stored, "is stored", "are stored"}, {fleet.Unplaced, "fits nowhere", "fit nowhere"},
		{fleet.Orphaned, "is left over", "are left over"}, {fleet.Untouched, "is untouched", "are untouched"},
	} {
		n := s.Fates[f.fate]
		what := f.all
		if n == 1 {
			what = f.one
		}
		add(n, what)
	}
	if len(parts) > 0 {
		text += "; " + strings.Join(parts, ", ")
	}
	return text
}

// MachineName writes a machine as fleetctl does, its short ID and its address.
func (r *Report) MachineName(id string) string {
	switch id {
	case fleet.Anywhere:
		return "its machine"
	case fleet.Elsewhere:
		return "another machine"
	}
	for _, m := range r.Machines {
		if m.ID == id && m.IP != "" {
			return m.Short() + "/" + m.IP
		}
	}
	return fleet.Machine{ID: id}.Short()
}
