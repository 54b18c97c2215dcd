package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
)

// progress shows a run while it goes on.
type progress interface {
	tell(fleet.Event)
	// note shows a remark; it may be called while something is told.
	note(string)
	// close ends the display; nothing is told after it, unless again is called.
	close()
	again()
}

// newProgress chooses the display: a live block on a terminal, lines elsewhere.
// JSON has stdout for itself, so that the lines go to stderr.
func (p *program) newProgress(plan *fleet.Plan, form *format) progress {
	switch {
	case form.isJSON():
		return &lines{console: p.console, w: p.stderr(), plan: plan}
	case p.live():
		b := &planBlock{board: view.NewBoard(plan)}
		b.block = p.newBlock(b.board.Lines)
		b.again()
		return b
	}
	return &lines{console: p.console, w: p.stdout(), plan: plan, gap: "\n"}
}

// heartbeat is how long lines may be silent: some continuous integration ends
// jobs that say nothing for some minutes.
const heartbeat = time.Minute

// lines writes one line with the time for each change.
type lines struct {
	console *console
	w       io.Writer
	plan    *fleet.Plan
	gap     string // what to write before the first line
	last    time.Time
}

func (l *lines) tell(e fleet.Event) {
	text := view.EventLine(l.plan, e)
	now := l.console.now()
	if p, ok := e.(fleet.Progress); ok && !l.last.IsZero() && now.Sub(l.last) >= heartbeat {
		text = view.Heartbeat(p)
	}
	if l.last.IsZero() {
		l.last = now
	}
	if text == "" {
		return
	}
	l.last = now
	fmt.Fprintf(l.w, "%s%s %s\n", l.gap, now.Format(time.TimeOnly), text)
	l.gap = ""
}

func (l *lines) note(text string) { l.console.remark("%s", text) }

func (l *lines) close() {}

func (l *lines) again() {}

// redraw is the time between two pictures of a block: at most ten in a second.
const redraw = 100 * time.Millisecond

// planBlock shows in a block how far a plan is.
type planBlock struct {
	*block
	board *view.Board // only with the block locked
}

func (b *planBlock) tell(e fleet.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if line := b.board.Take(e); line != "" {
		b.keep(line)
	}
}

// block draws a few lines again and again in the same place.
type block struct {
	console *console
	started time.Time
	stop    chan struct{}
	stopped chan struct{}

	mu sync.Mutex
	// picture gives the lines of now, for a terminal of that size; it is called with
	// the block locked.
	picture func(width, height int, elapsed time.Duration) []string
	above   []string // lines to leave above the block, not written yet
	kept    bool     // there has been such a line
	drawn   int      // lines on the screen that belong to the block
	last    string
}

// newBlock returns a block that nobody draws yet: run does.
func (c *console) newBlock(picture func(width, height int, elapsed time.Duration) []string) *block {
	return &block{console: c, started: c.now(), picture: picture, stop: make(chan struct{}), stopped: make(chan struct{})}
}

// keep leaves a line above the block.
func (b *block) keep(line string) {
	if !b.kept {
		b.kept, b.above = true, append(b.above, "")
	}
	b.above = append(b.above, line)
}

// leave puts a line above the block, without a gap before the first.
func (b *block) leave(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.above = append(b.above, line)
}

func (b *block) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(text)
}

func (b *block) run() {
	defer close(b.stopped)
	ticks := time.NewTicker(redraw)
	defer ticks.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-ticks.C:
			b.draw(false)
		}
	}
}

// close takes the block away: what comes after it tells the same as a table.
func (b *block) close() {
	close(b.stop)
	<-b.stopped
	b.draw(true)
}

// again draws the block anew, below what has been written since.
func (b *block) again() {
	b.stop, b.stopped = make(chan struct{}), make(chan struct{})
	b.drawn, b.last = 0, ""
	go b.run()
}

// draw writes the block over its last picture, in one write so that it does not
// flicker, and only when it has changed.
func (b *block) draw(last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	width, height := b.console.frame()
	var lines []string
	if !last {
		lines = append([]string{""}, b.picture(width, height-2, b.console.now().Sub(b.started))...)
	}
	picture := strings.Join(lines, "\n")
	if picture == b.last && len(b.above) == 0 && !last {
		return
	}
	var text strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", b.drawn)
	}
	text.WriteString("\r\x1b[J")
	for _, line := range append(b.above, lines...) {
		text.WriteString(b.console.painted(line) + "\n")
	}
	io.WriteString(b.console.out, text.String())
	b.above, b.drawn, b.last = nil, len(lines), picture
}
