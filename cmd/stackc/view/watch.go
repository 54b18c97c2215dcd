package view

import (
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet"
)

// Watched writes a status with how long each unit has been as it is.
func Watched(machines []fleet.Machine, list []Standing, now time.Time, width int) string {
	lines := slices.Collect(strings.Lines(Status(machines, list, max(width-10, narrow))))
	rows := [][]string{{"", ""}}
	if len(lines) != len(list)+1 {
		return strings.Join(lines, "") // the narrow table, which has remarks between its lines
	}
	rows[0] = []string{strings.TrimSuffix(lines[0], "\n"), strong("FOR")}
	for i, s := range list {
		age := "-"
		if s.Since != nil {
			age = seconds(now.Sub(*s.Since))
		}
		rows = append(rows, []string{strings.TrimSuffix(lines[i+1], "\n"), age})
	}
	return columns("", rows, 0)
}

// LeftLine tells that a unit is not on a machine any more.
func LeftLine(machines []fleet.Machine, s Standing) string {
	return strong(clean(string(s.Unit))) + " has left " + machineName(machines, s.Machine)
}
