package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// Board is the live picture of an apply: it takes events and gives a block of
// lines, one for each unit that is worked on.
type Board struct {
	machines []fleet.Machine
	names    []units.Name
	rows     map[units.Name]*boardRow
	progress fleet.Progress
}

// boardRow is what is known of one unit.
type boardRow struct {
	sent    bool
	waiting string
	since   time.Duration
	done    *fleet.UnitOutcome
}

// NewBoard makes the picture of a plan of which nothing has been done yet.
func NewBoard(p *fleet.Plan) *Board {
	b := &Board{machines: p.Machines, rows: map[units.Name]*boardRow{}}
	for _, u := range p.Units {
		if u.Action == fleet.Orphan || u.Settled || p.Beside(u) {
			continue
		}
		b.names = append(b.names, u.Unit)
		b.rows[u.Unit] = &boardRow{}
	}
	return b
}

// Take puts an event into the picture. What the block cannot show is returned as
// a line, which should go above it.
func (b *Board) Take(e fleet.Event) string {
	switch e := e.(type) {
	case fleet.StepDone:
		b.row(e.Step.Unit).sent = true
		if e.Err != nil {
			return stepLine(e)
		}
	case fleet.UnitDone:
		b.row(e.Outcome.Unit).done = &e.Outcome
	case fleet.Progress:
		b.progress = e
		for _, w := range e.Waiting {
			row := b.row(w.Unit)
			row.waiting, row.since = w.For, w.Since
		}
	case fleet.GoingBack:
		for _, name := range e.Units {
			*b.row(name) = boardRow{}
		}
		return goingBack(e)
	case fleet.Warned:
		return strings.TrimSuffix(Warning(e.Warning, 0), "\n")
	}
	return ""
}

// row returns the row of a unit, a new one at the end if there is none.
func (b *Board) row(name units.Name) *boardRow {
	if b.rows[name] == nil {
		b.names = append(b.names, name)
		b.rows[name] = &boardRow{}
	}
	return b.rows[name]
}

// Lines writes the picture in at most height lines of at most width columns.
// When there are more units than lines, those that are done give way first.
func (b *Board) Lines(width, height int, elapsed time.Duration) []string {
	shown, hidden := b.choose(max(height-1, 1))
	var rows [][]string
	for _, name := range shown {
		rows = append(rows, b.cells(name))
	}
	var lines []string
	if len(rows) > 0 {
		lines = strings.Split(strings.TrimSuffix(columns("  ", rows, 0), "\n"), "\n")
	}
	lines = append(lines, b.sum(hidden, elapsed))
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], max(width-1, 20), "…")
	}
	return lines
}

// choose picks the units to show: bad ones, then those still waited for, then the
// rest, and gives them in their own order.
func (b *Board) choose(n int) (shown []units.Name, hidden int) {
	if len(b.names) <= n {
		return b.names, 0
	}
	ranked := slices.Clone(b.names)
	slices.SortStableFunc(ranked, func(x, y units.Name) int { return b.rank(x) - b.rank(y) })
	for _, name := range b.names {
		if slices.Contains(ranked[:n], name) {
			shown = append(shown, name)
		}
	}
	return shown, len(b.names) - n
}

func (b *Board) rank(name units.Name) int {
	switch done := b.rows[name].done; {
	case done == nil && b.rows[name].sent:
		return 1
	case done == nil:
		return 2
	case done.Result.Bad():
		return 0
	}
	return 3
}

func (b *Board) cells(name units.Name) []string {
	row := b.rows[name]
	cells := []string{clean(string(name))}
	switch {
	case row.done != nil:
		return append(cells, resultWord(row.done.Result), b.place(row.done))
	case row.waiting != "":
		return append(cells, busy(seconds(row.since)), clean(row.waiting))
	case row.sent:
		return append(cells, busy("sent"))
	}
	return append(cells, faint("-"))
}

// place tells where a unit is, or what is wrong with it.
func (b *Board) place(o *fleet.UnitOutcome) string {
	if o.Reason != "" {
		return clean(o.Reason)
	}
	if len(o.Machines) == 0 {
		return ""
	}
	return "on " + machineNames(b.machines, o.Machines)
}

// sum is the last line of the block.
func (b *Board) sum(hidden int, elapsed time.Duration) string {
	done := 0
	for _, row := range b.rows {
		if row.done != nil {
			done++
		}
	}
	text := fmt.Sprintf("%d of %d units done, %s", done, len(b.names), seconds(elapsed))
	if hidden > 0 {
		text += fmt.Sprintf(" (%d not shown)", hidden)
	}
	return strong(text)
}
