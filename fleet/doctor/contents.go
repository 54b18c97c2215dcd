package doctor

import (
	"fmt"
	"path"
	"time"
)

const (
	// ManyDead is how many dead contents are worth a word whatever they cost. Each costs every
	// pass of every agent, the engine and every list its reading; with 5,000 a list takes ten
	// times as long, and a start of 50 units up to 1.4 times (docs/performance.md).
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

// noContent looks for units whose content is not there: fleetd asks for the unit before
// it writes or removes it, and fails (fleet v1.0.0 api/units.go).
func (e *examination) noContent(r *Registry) {
	c := r.Contents
	e.saw(NoContent, number(c.Total, "content"))
	for _, name := range c.Missing {
		f := Finding{Condition: NoContent, Subject: name,
			Evidence:    "etcd has the unit, and not the content that it names",
			Consequence: "fleet answers 500 to whatever is asked of it, to a request that removes it or writes it anew too; lists leave it out, and no machine runs it",
			Repair:      []string{"etcdctl --endpoints " + r.Endpoint + " rm --recursive " + shellWord(path.Join(c.Prefix, "job", name))}}
		if c.Journal {
			f.Repair = []string{"stackc gc"}
		}
		e.find(f)
	}
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
