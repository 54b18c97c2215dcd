package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet/state"
)

// History writes revisions, a line for each. A pending one belongs to a run that
// goes on if that run has the lock; without, it was killed. Where width does not hold that
// line it is without who it was and how many units there were, which history show has.
func History(list []state.Revision, lock *state.Lock, width int) string {
	rows := [][]string{head("REVISION", "BEGAN", "BY", "COMMAND", "UNITS", "CHANGES", "OUTCOME")}
	for _, r := range list {
		rows = append(rows, []string{
			fmt.Sprint(r.Number), moment(r.Began), clean(r.Who + "@" + r.Host), clean(r.Doing), fmt.Sprint(r.Units), changes(r), outcomeWords(r, lock),
		})
	}
	if !fits(rows, 0, width) {
		for i, r := range rows {
			rows[i] = []string{r[0], r[1], r[3], r[5], r[6]}
		}
	}
	return lastBelow("", rows, width)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// changes counts what a revision did: "1 create, 2 replace".
func changes(r state.Revision) string {
	var parts []string
	for _, action := range slices.Sorted(maps.Keys(r.Changes)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.Changes[action], clean(action)))
	}
	return orDash(strings.Join(parts, ", "))
}

func outcomeWords(r state.Revision, lock *state.Lock) string {
	switch r.Outcome {
	case state.Done:
		return good("done")
	case state.Sent:
		return wary("sent")
	case state.Failed, state.Stopped:
		return bad(string(r.Outcome)) + orNone(": ", r.Reason)
	case state.Pending:
		if lock != nil && lock.ID == r.Run {
			return busy("pending")
		}
		return wary("killed")
	}
	return clean(string(r.Outcome))
}

// orNone writes a text behind a separator, and neither when there is none.
func orNone(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + strings.ReplaceAll(clean(text), "\n", "; ")
}

// Revision writes all that is kept of a revision but its units.
func Revision(r state.Revision) string {
	rows := [][]string{
		{"revision", fmt.Sprintf("%d of %s", r.Number, clean(r.Stack))},
		{"by", clean(r.Who + "@" + r.Host)},
		{"command", clean(r.Doing)},
		{"began", moment(r.Began) + " UTC"},
	}
	if !r.Ended.IsZero() {
		rows = append(rows, []string{"ended", moment(r.Ended) + " UTC"})
	}
	rows = append(rows, []string{"outcome", clean(string(r.Outcome)) + orNone(": ", r.Reason)}, []string{"changes", changes(r)}, []string{"units", fmt.Sprintf("%d, %s", r.Units, clean(r.Digest))})
	for _, row := range [][]string{{"file", r.Source.File}, {"source", r.Source.Digest}, {"commit", r.Source.Git}, {"stackc", r.Program}} {
		if row[1] != "" {
			rows = append(rows, []string{row[0], clean(row[1])})
		}
	}
	for i := range rows {
		rows[i][0] = strong(rows[i][0])
	}
	return columns("", rows, 0)
}

// Changing tells who changes a stack while it is looked at.
func Changing(stack string, lock *state.Lock) string {
	return fmt.Sprintf("%s has had the lock of %s since %s UTC: what follows may be half from before its changes", clean(lock.Holder.String()), clean(stack), moment(lock.Since))
}

// Lock tells who has the lock of a stack.
func Lock(stack string, lock *state.Lock) string {
	if lock == nil {
		return fmt.Sprintf("stack %s is not locked\n", clean(stack))
	}
	return fmt.Sprintf("stack %s is locked by %s since %s UTC, refreshed at %s, for %s more unless refreshed\n",
		clean(stack), strong(clean(lock.Holder.String())), moment(lock.Since), lock.Refreshed.UTC().Format(time.TimeOnly), seconds(lock.Left))
}
