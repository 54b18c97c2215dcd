package view

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/fleet"
)

// Outcome writes where each unit is that is left, and what went wrong; "" when
// there is none.
func Outcome(machines []fleet.Machine, o fleet.Outcome, width int) string {
	var rows [][]string
	for _, u := range o.Units {
		if u.Result == fleet.IsGone {
			continue
		}
		rows = append(rows, []string{clean(string(u.Unit)), resultWord(u.Result), orDash(machineNames(machines, u.Machines))})
	}
	if len(rows) == 0 {
		return ""
	}
	rows = append([][]string{head("UNIT", "RESULT", "MACHINE")}, rows...)
	return columns("", rows, width) + troubles(machines, o)
}

// troubles tells of each unit that ended badly the last that was seen of it.
func troubles(machines []fleet.Machine, o fleet.Outcome) string {
	var b strings.Builder
	for _, u := range o.Bad() {
		fmt.Fprintf(&b, "\n%s %s", strong(clean(string(u.Unit))), resultWord(u.Result))
		if u.Reason != "" {
			b.WriteString(": " + clean(u.Reason))
		}
		b.WriteString("\n")
		for _, row := range u.Last {
			fmt.Fprintf(&b, "  last seen %s on %s\n", clean(row.String()), machineName(machines, row.Machine))
		}
	}
	return b.String()
}

// Tally counts how a run ended, in one line: "7 up, 1 failed in 41s".
func Tally(o fleet.Outcome) string {
	var parts []string
	for _, r := range []fleet.Result{fleet.IsUp, fleet.IsSet, fleet.IsGone, fleet.HasFailed, fleet.TimedOut, fleet.NoMachine, fleet.NotReached} {
		n := 0
		for _, u := range o.Units {
			if u.Result == r {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, resultWord(r)))
		}
	}
	return strings.Join(parts, ", ") + " in " + took(o.Elapsed)
}
