package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/fleet/verify"
)

// Verified writes a line for each check, below one that fails what to do, and at the
// end how many there are. Where the table does not fit into width columns each check has
// lines of its own for what was expected and seen; 0 is any width.
func Verified(results []verify.Result, width int) string {
	rows := [][]string{head("RESULT", "CHECK", "EXPECTED", "SEEN")}
	for _, r := range results {
		rows = append(rows, []string{outcomeWord(r.Result), clean(checkName(r)), clean(r.Expected), clean(r.Seen)})
	}
	table := columns("", rows, 0)
	if width > 0 && widest(table) > width {
		return stacked(results, width) + verifyTally(results)
	}
	lines := slices.Collect(strings.Lines(table))
	var b strings.Builder
	b.WriteString(lines[0])
	for i, r := range results {
		b.WriteString(lines[i+1])
		if r.Help != "" {
			b.WriteString("  " + strong("help:") + " " + clean(r.Help) + "\n")
		}
	}
	return b.String() + verifyTally(results)
}

// stacked is the narrow form.
func stacked(results []verify.Result, width int) string {
	var b strings.Builder
	for _, r := range results {
		b.WriteString(outcomeWord(r.Result) + " " + clean(checkName(r)) + "\n")
		rows := [][]string{{"expected", clean(r.Expected)}, {"seen", clean(r.Seen)}}
		if r.Help != "" {
			rows = append(rows, []string{strong("help"), clean(r.Help)})
		}
		b.WriteString(columns("  ", rows, width))
	}
	return b.String()
}

// checkName says what a check is about.
func checkName(r verify.Result) string {
	name := string(r.Kind)
	if r.Name != "" {
		name += " " + r.Name
	}
	if r.On != "" && r.On != r.Name {
		name += " on " + r.On
	}
	return name
}

func outcomeWord(o verify.Outcome) string {
	switch o {
	case verify.Holds:
		return good(string(o))
	case verify.Fails:
		return bad(string(o))
	}
	return wary(string(o))
}

func verifyTally(results []verify.Result) string {
	by := map[verify.Outcome]int{}
	for _, r := range results {
		by[r.Result]++
	}
	text := fmt.Sprintf("%d of %s", by[verify.Holds], count(len(results), "check"))
	text += " ok"
	if n := by[verify.Fails]; n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	if n := by[verify.Unasked]; n > 0 {
		text += fmt.Sprintf(", %d not asked", n)
	}
	return text + "\n"
}
