package view

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/fleet/doctor"
)

// Doctor writes what is wrong with a cluster: of each finding what was seen, what comes
// of it and what mends it; then what was looked at. Lines are at most width columns long
// where that can be, or of any length when it is 0.
func Doctor(r doctor.Report, width int) string {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(bad(clean(string(f.Condition))) + ": " + strong(clean(f.Subject)) + "\n")
		rows := [][]string{{faint("seen"), clean(f.Evidence)}, {faint("means"), clean(f.Consequence)}}
		for i, command := range f.Repair {
			label := ""
			if i == 0 {
				label = faint("repair")
			}
			rows = append(rows, []string{label, clean(command)})
		}
		b.WriteString(columns("  ", rows, width) + "\n")
	}
	rows := [][]string{head("CONDITION", "STATE", "LOOKED AT")}
	for _, c := range r.Checks {
		rows = append(rows, []string{string(c.Condition), stateWord(c.State), clean(c.Saw)})
	}
	b.WriteString(columns("", rows, width))
	b.WriteString("\n" + doctorTally(r) + "\n")
	return b.String()
}

func stateWord(s doctor.State) string {
	switch s {
	case doctor.Fine:
		return good(string(s))
	case doctor.Found:
		return bad(string(s))
	}
	return wary(string(s))
}

func doctorTally(r doctor.Report) string {
	unknown := len(r.Unknown())
	switch n := len(r.Findings); {
	case r.Healthy:
		return "nothing is wrong"
	case n == 0:
		return fmt.Sprintf("nothing is found; %d of %d conditions could not be looked at", unknown, len(r.Checks))
	case unknown > 0:
		return fmt.Sprintf("%d found; %d of %d conditions could not be looked at", n, unknown, len(r.Checks))
	default:
		return fmt.Sprintf("%d found", n)
	}
}
