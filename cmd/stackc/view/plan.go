package view

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// Plan writes what would be done to each unit and what comes of it, and in which
// steps. Units that stay as they are are only counted. Lines are at most width
// columns long, or as long as they are when width is 0.
func Plan(p *fleet.Plan, width int) string {
	var b strings.Builder
	b.WriteString(Headline(p) + "\n")
	var rows [][]string
	for _, u := range p.Units {
		rows = append(rows, planRows(p, u)...)
	}
	if len(rows) > 0 {
		b.WriteString("\n" + columns("  ", rows, width))
	}
	b.WriteString(refusals(p, width))
	b.WriteString(rollouts(p, width))
	b.WriteString(waves(p, width))
	if len(p.Warnings) > 0 {
		b.WriteString("\n")
	}
	for _, w := range p.Warnings {
		b.WriteString(Warning(w, width))
	}
	return b.String()
}

// Headline counts what a plan does, in one line.
func Headline(p *fleet.Plan) string {
	var parts []string
	for _, c := range []struct {
		action fleet.Action
		words  string
	}{
		{fleet.Create, "to create"}, {fleet.Replace, "to replace"}, {fleet.SetState, "to change state"},
		{fleet.Restart, "to restart"}, {fleet.Delete, "to remove"}, {fleet.Adopt, "to adopt"},
		{fleet.Orphan, "not in the stack any more"}, {fleet.None, "unchanged"},
	} {
		if n := p.Count(c.action); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.words))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no units"}
	}
	whose := "stack " + clean(p.Stack)
	if p.Stack == "" {
		whose = "units of no stack"
	}
	return fmt.Sprintf("%s on %s: %s", strong(whose), count(len(p.Machines), "machine"), strings.Join(parts, ", "))
}

// AsWanted counts the units of a plan that leaves all of them as they are.
func AsWanted(p *fleet.Plan) string {
	if n := p.Count(fleet.None); n != 1 {
		return fmt.Sprintf("%d units are as the stack says", n)
	}
	return "1 unit is as the stack says"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// planRows gives the lines of one unit: a mark, the name, what happens.
func planRows(p *fleet.Plan, u fleet.UnitPlan) [][]string {
	if u.Action == fleet.None && !u.Placement.Unplaceable() {
		return nil
	}
	said := u.Consequences
	if len(said) == 0 {
		said = []string{string(u.Action)}
	}
	rows := [][]string{{mark(u) + " " + strong(clean(string(u.Unit))), clean(said[0])}}
	for _, text := range said[1:] {
		rows = append(rows, []string{"", clean(text)})
	}
	return rows
}

// mark is the sign of an action, as diffs have it.
func mark(u fleet.UnitPlan) string {
	if u.Placement.Unplaceable() && u.Action != fleet.Delete && u.Action != fleet.Orphan {
		return bad("!")
	}
	switch u.Action {
	case fleet.Create:
		return good("+")
	case fleet.Replace, fleet.SetState, fleet.Restart:
		return wary("~")
	case fleet.Delete:
		return gone("-")
	case fleet.Adopt:
		return busy("=")
	case fleet.Orphan:
		return faint("?")
	}
	return " "
}

// refusals tells of each unit that no machine can run why, machine by machine.
func refusals(p *fleet.Plan, width int) string {
	var b strings.Builder
	for _, u := range p.Unplaceable() {
		fmt.Fprintf(&b, "\nno machine can run %s:\n", strong(clean(string(u.Unit))))
		var rows [][]string
		for _, r := range u.Placement.Refused {
			rows = append(rows, []string{machineName(p.Machines, r.Machine) + ":", clean(r.Reason)})
		}
		if len(rows) == 0 {
			rows = [][]string{{"there are no machines"}}
		}
		b.WriteString(columns("  ", rows, width))
	}
	return b.String()
}

// waves writes the order of the requests, if there is more than one step of them.
func waves(p *fleet.Plan, width int) string {
	if len(p.Waves) < 2 {
		return ""
	}
	var rows [][]string
	for i, w := range p.Waves {
		rows = append(rows, []string{fmt.Sprintf("%d.", i+1), clean(waveText(w))})
	}
	return "\nin this order:\n" + columns("  ", rows, width)
}

func waveText(w fleet.Wave) string {
	var names []string
	for _, s := range w.Steps {
		names = append(names, string(s.Unit))
	}
	text := stepVerb(w) + " " + shortList(names, 4)
	switch w.When {
	case fleet.WhenLoaded:
		text += ", once loaded"
	case fleet.WhenUp:
		text += ", once those before are up"
	case fleet.WhenHealthy:
		text += ", once " + healthyText(w)
	}
	return text
}

// stepVerb names what the steps of a wave do, if they all do the same.
func stepVerb(w fleet.Wave) string {
	verb := ""
	for _, s := range w.Steps {
		switch v := verbOf(s); {
		case verb == "":
			verb = v
		case verb != v:
			return "change"
		}
	}
	return verb
}

func verbOf(s fleet.Step) string {
	switch {
	case s.Do == fleet.PutUnit:
		return "send"
	case s.Do == fleet.DeleteUnit:
		return "remove"
	case s.State == units.Launched:
		return "launch"
	case s.State == units.Loaded:
		return "load"
	}
	return "unload"
}

// shortList names the first n and counts the rest.
func shortList(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
