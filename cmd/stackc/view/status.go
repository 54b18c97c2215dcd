package view

import (
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// Standing is how one unit of a stack stands on one machine, or on none.
type Standing struct {
	Unit units.Name `json:"unit"`
	// State says in a word how it is.
	State fleet.Condition `json:"state"`
	// Wanted is the state that the stack asks for; "" when only the cluster was asked.
	Wanted units.State `json:"wanted,omitempty"`
	// Desired and Current are the states that fleet was asked for and believes in.
	// Current is empty for a global unit.
	Desired units.State `json:"desired,omitempty"`
	Current units.State `json:"current,omitempty"`
	Global  bool        `json:"global,omitempty"`
	// Hash is fleet's identity of the content that the cluster has.
	Hash string `json:"hash,omitempty"`
	// Systemd is load/active/sub as the machine reports it, "" when none does.
	Systemd string `json:"systemd,omitempty"`
	Machine string `json:"machine,omitempty"`
	// Content tells how the content compares: "same", "differs", "missing",
	// "orphan", or "" when there is nothing to compare with.
	Content string `json:"content,omitempty"`
	// Drift says that the cluster was not asked for what the stack says.
	Drift bool `json:"drift,omitempty"`
	// Since is when the state was first seen, by who watches; fleet does not tell it.
	Since *time.Time `json:"since,omitempty"`
	// Right says that the unit is as wanted on every machine.
	Right bool `json:"right"`
}

// Status writes a table with a line for each unit and machine. Where it does not
// fit into width columns it is a shorter one; 0 is any width.
func Status(machines []fleet.Machine, list []Standing, width int) string {
	table := columns("", wideStatus(machines, list), 0)
	if width == 0 || widest(table) <= width {
		return table
	}
	return narrowStatus(machines, list)
}

func wideStatus(machines []fleet.Machine, list []Standing) [][]string {
	rows := [][]string{head("UNIT", "STATE", "WANTED", "FLEET", "SYSTEMD", "MACHINE", "CONTENT")}
	for _, s := range list {
		rows = append(rows, []string{
			unitName(s), conditionWord(s.State), orDash(string(s.Wanted)), orDash(fleetState(s)), clean(orDash(s.Systemd)), place(machines, s), orDash(s.Content),
		})
	}
	return rows
}

// narrowStatus has no columns for what is as it should be. What else is to be said
// of a unit stands in a line below it.
func narrowStatus(machines []fleet.Machine, list []Standing) string {
	rows := [][]string{head("UNIT", "STATE", "MACHINE")}
	for _, s := range list {
		rows = append(rows, []string{unitName(s), conditionWord(s.State), place(machines, s)})
	}
	lines := slices.Collect(strings.Lines(columns("", rows, 0)))
	var b strings.Builder
	b.WriteString(lines[0])
	for i, s := range list {
		b.WriteString(lines[i+1])
		if text := remark(s); text != "" {
			b.WriteString("  " + wary(text) + "\n")
		}
	}
	return b.String()
}

// remark tells what the state does not: what systemd says of a unit that is not
// right, how the content compares, and what fleet was asked for and believes if that
// is not to run the unit.
func remark(s Standing) string {
	var parts []string
	if !s.Right && s.Systemd != "" {
		parts = append(parts, clean(s.Systemd))
	}
	if s.Content != "" && s.Content != "same" && s.State != fleet.IsMissing {
		parts = append(parts, s.Content)
	}
	if s.Wanted != "" && s.Desired != "" && s.Wanted != s.Desired {
		parts = append(parts, "wanted "+string(s.Wanted))
	}
	if asked := s.Desired != "" && s.Desired != units.Launched; asked || s.Current != "" && s.Current != s.Desired {
		parts = append(parts, "in fleet "+fleetState(s))
	}
	return strings.Join(parts, ", ")
}

func unitName(s Standing) string {
	name := clean(string(s.Unit))
	if s.Right {
		return name
	}
	return wary(name)
}

func place(machines []fleet.Machine, s Standing) string {
	if s.Machine == "" {
		return "-"
	}
	return machineName(machines, s.Machine)
}

// fleetState writes what fleet was asked for and, if that is something else, what
// it believes.
func fleetState(s Standing) string {
	if s.Global && s.Desired != "" {
		return string(s.Desired) + ", global"
	}
	if s.Current == "" || s.Current == s.Desired {
		return string(s.Desired)
	}
	return string(s.Desired) + ", is " + string(s.Current)
}

// conditionWord writes a state in the colour of what it means.
func conditionWord(c fleet.Condition) string {
	switch c {
	case fleet.Runs, fleet.IsDone, fleet.IsLoaded:
		return good(string(c))
	case fleet.IsStarting, fleet.IsWaiting, fleet.IsRetrying, fleet.IsPending, fleet.IsUnseen, fleet.IsStopping:
		return busy(string(c))
	case fleet.HasBroken, fleet.IsUnloadable, fleet.IsDead, fleet.IsLost, fleet.IsHomeless:
		return bad(string(c))
	case fleet.IsMissing, fleet.IsOld, fleet.RunsUnasked:
		return wary(string(c))
	}
	return string(c)
}

// StandingLine writes one standing as a line for a log.
func StandingLine(machines []fleet.Machine, s Standing) string {
	text := strong(clean(string(s.Unit))) + " " + conditionWord(s.State)
	if s.Machine != "" {
		text += " on " + machineName(machines, s.Machine)
	}
	if said := s.details(); said != "" {
		text += faint(" (" + said + ")")
	}
	return text
}

// details are what stands behind the state.
func (s Standing) details() string {
	var parts []string
	if s.Systemd != "" {
		parts = append(parts, clean(s.Systemd))
	}
	if s.Content != "" && s.Content != "same" {
		parts = append(parts, s.Content)
	}
	if s.Wanted != "" && s.Desired != "" && s.Wanted != s.Desired {
		parts = append(parts, "wanted "+string(s.Wanted)+", in fleet "+fleetState(s))
	}
	return strings.Join(parts, ", ")
}
