package diag

import (
	"regexp"
	"strings"
)

// Since leaves out what was found before: a finding is known when old has one of
// the same code about the same thing. Places do not count, since a change moves
// what stands below it, and neither do numbers. Of several alike as many are known
// as old has. It also returns how many are left out.
func (l List) Since(old List) (fresh List, known int) {
	counts := map[string]int{}
	for _, d := range old {
		counts[d.identity()]++
	}
	for _, d := range l {
		if id := d.identity(); counts[id] > 0 {
			counts[id]--
			known++
			continue
		}
		fresh = append(fresh, d)
	}
	return fresh, known
}

// number is what may change of a finding that stays the same: indices, counts.
var number = regexp.MustCompile(`[0-9]+`)

// identity is what a finding is known by.
func (d Diagnostic) identity() string {
	about := d.Path
	if about == "" && !d.Span.IsZero() {
		about = strings.TrimSpace(d.Span.File().Line(d.Span.Position().Line))
	}
	return string(d.Code) + "\n" + number.ReplaceAllString(about+"\n"+d.Message, "0")
}
