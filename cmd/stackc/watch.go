package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// watchPause is the time between two looks: agents publish once a second.
const watchPause = 2 * time.Second

// watch looks at a stack again and again.
type watch struct {
	program *program
	conn    *fleet.Conn
	form    *format
	looking *looking
	about   subject

	// snapshot is the cluster as it was last read, looks how often states alone were
	// since then.
	snapshot *fleet.Snapshot
	looks    int
	list     []view.Standing // as last seen
	seen     map[watchKey]view.Standing
	drawn    int // lines of the table on the terminal
	picture  string
}

// watchKey is what a line of a status is about.
type watchKey struct {
	unit    units.Name
	machine string
}

// watchStatus shows a status until it is interrupted, and ends as the last look would.
// On a terminal the table changes in place; elsewhere each change is a line, and with
// JSON each look that has changed something is one.
func (p *program) watchStatus(ctx context.Context, conn *fleet.Conn, form *format, l *looking, about subject) error {
	w := &watch{program: p, conn: conn, form: form, looking: l, about: about, seen: map[watchKey]view.Standing{}}
	for first := true; ; first = false {
		err := w.look(ctx, first)
		switch {
		case ctx.Err() != nil:
			return exitWith(l.exitOf(w.list))
		case err != nil && (first || !fleet.IsDown(err)):
			return err
		case err != nil:
			p.remark("%s: %v", p.now().Format(time.TimeOnly), err)
		}
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
			return exitWith(l.exitOf(w.list))
		}
	}
}

// look reads the cluster once and tells what has changed.
func (w *watch) look(ctx context.Context, first bool) error {
	snapshot, err := w.take(ctx, first)
	if err != nil {
		return err
	}
	if first {
		if err := w.about.known(snapshot); err != nil {
			return err
		}
	}
	w.snapshot = snapshot
	w.list = standings(snapshot, w.about.stack, w.about.set)
	changed, gone := w.compare()
	switch {
	case w.form.isJSON() && (first || len(changed)+len(gone) > 0):
		return w.encode()
	case w.form.isJSON():
		return nil
	case w.program.live():
		return w.draw()
	}
	return w.write(changed, gone)
}

// wholeEvery is after how many looks at the states the rest is read again: what fleet
// was asked for can change without a unit's state.
const wholeEvery = 15

// take reads all at first, and then the states alone. When those of the stack have
// changed it reads what the stack has as well: units that join the stack are not seen.
func (w *watch) take(ctx context.Context, first bool) (*fleet.Snapshot, error) {
	if first {
		snapshot, err := fleet.TakeAll(ctx, w.conn, nil)
		if err != nil {
			return nil, err
		}
		return w.program.owned(ctx, w.conn, snapshot, ""), nil
	}
	states, err := w.conn.States(ctx)
	if err != nil {
		return nil, err
	}
	next := w.snapshot.WithStates(states)
	if w.looks++; w.looks < wholeEvery && w.alike(next) {
		return next, nil
	}
	w.looks = 0
	snapshot, err := fleet.Take(ctx, w.conn, w.names())
	if err != nil {
		return nil, err
	}
	return w.program.owned(ctx, w.conn, snapshot, ""), nil
}

func (w *watch) names() []units.Name {
	var names []units.Name
	for _, s := range w.list {
		names = append(names, s.Unit)
	}
	return slices.Compact(names)
}

// alike reports whether the units of the stack have the states that they had.
func (w *watch) alike(next *fleet.Snapshot) bool {
	for _, name := range w.names() {
		if !slices.Equal(w.snapshot.StatesOf(name), next.StatesOf(name)) {
			return false
		}
	}
	return true
}

// compare gives each standing the time since when it is so, and returns those that
// have changed and those that are no more.
func (w *watch) compare() (changed, gone []view.Standing) {
	now := w.program.now()
	next := map[watchKey]view.Standing{}
	for i := range w.list {
		s := &w.list[i]
		key := watchKey{s.Unit, s.Machine}
		before, known := w.seen[key]
		s.Since = before.Since
		if !known || before.State != s.State {
			s.Since = &now
		}
		if !known || *s != before {
			changed = append(changed, *s)
		}
		next[key] = *s
	}
	for key, s := range w.seen {
		if _, still := next[key]; !still {
			gone = append(gone, s)
		}
	}
	slices.SortFunc(gone, func(a, b view.Standing) int {
		return strings.Compare(string(a.Unit)+a.Machine, string(b.Unit)+b.Machine)
	})
	w.seen = next
	return changed, gone
}

// encode writes one line of JSON.
func (w *watch) encode() error {
	e := json.NewEncoder(w.program.out)
	e.SetEscapeHTML(false)
	return e.Encode(newStatusReport(w.about, w.list, w.looking.choose(w.list)))
}

// write tells changes as lines with the time.
func (w *watch) write(changed, gone []view.Standing) error {
	now := w.program.now().Format(time.TimeOnly)
	for _, s := range gone {
		// A unit that is elsewhere now is told where it is.
		if s.Machine == "" || slices.ContainsFunc(changed, func(c view.Standing) bool { return c.Unit == s.Unit && c.Machine == "" }) {
			continue
		}
		if err := w.program.printf("%s %s\n", now, view.LeftLine(w.snapshot.Machines, s)); err != nil {
			return err
		}
	}
	for _, s := range changed {
		if err := w.program.printf("%s %s\n", now, view.StandingLine(w.snapshot.Machines, s)); err != nil {
			return err
		}
	}
	return nil
}

// draw writes the table over its last picture, as far as it fits.
func (w *watch) draw() error {
	width, height := w.program.frame()
	table := view.Watched(w.snapshot.Machines, w.looking.choose(w.list), w.program.now(), width)
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	if len(lines) > height-1 {
		lines = append(lines[:height-2], fmt.Sprintf("and %d more lines", len(lines)-height+2))
	}
	picture := strings.Join(lines, "\n")
	if picture == w.picture {
		return nil
	}
	var b strings.Builder
	if w.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", w.drawn)
	}
	b.WriteString("\r\x1b[J" + w.program.painted(picture) + "\n")
	w.drawn, w.picture = len(lines), picture
	_, err := io.WriteString(w.program.out, b.String())
	return err
}
