package doctor

import (
	"fmt"
	"time"
)

const (
	// ManyDead is how many dead contents are worth a word whatever they cost. Each costs every
	// pass of every agent, the engine and every list its reading; with 5,000 a list takes ten
	// times as long, and a start of 50 units 1.4 times (docs/performance.md).
	ManyDead = 500
	// SlowList is when a page of fleet's list of units takes long enough that fewer are.
	SlowList = 300 * time.Millisecond
	// someDead is how many fewer: with less something else makes the list slow.
	someDead = 100
)

// WorthRemoving reports whether that many contents that no unit has are worth a gc,
// where a page of fleet's list took that long, 0 when that is not known.
func WorthRemoving(dead int, page time.Duration) bool {
	return dead >= ManyDead || dead >= someDead && page >= SlowList
}

func (e *examination) contents(r *Registry) {
	c := r.Contents
	e.saw(DeadContents, fmt.Sprintf("%s, %d of them in use", number(c.Total, "content"), c.Total-c.Dead))
	if !WorthRemoving(c.Dead, e.facts.Page) {
		return
	}
	f := Finding{Condition: DeadContents, Subject: "registry",
		Evidence:    fmt.Sprintf("%d contents (%s) that no unit has any more lie beside %d that are in use", c.Dead, size(c.DeadBytes), c.Total-c.Dead),
		Consequence: "every list, every pass of every machine and every start reads them all; fleet never removes one",
		Repair:      []string{"stackc gc"}}
	if e.facts.Page >= SlowList {
		f.Evidence += fmt.Sprintf(", and a page of fleet's list takes %s", e.facts.Page.Round(10*time.Millisecond))
	}
	e.find(f)
}

// size writes a number of bytes.
func size(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
