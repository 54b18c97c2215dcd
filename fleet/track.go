package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/stackc/stackc/units"
)

// How often readings in a row must agree, and for how long a look may deceive.
const (
	// readings in a row must say the same before it is believed.
	readings = 2
	// published is the time between two publications of an agent (fleet v1.0.0
	// unit/generator.go). Readings that are closer may be one and the same, and the
	// first is taken just after a start: a program that ends after half a second
	// is running in it.
	published = time.Second
	// roughFor is how long a unit must stay up that was seen between tries, and
	// how long a oneshot that was never seen at work must look as if it were done:
	// it looks the same before it has begun.
	roughFor = 5 * time.Second
	// stoppedFor is how long a unit that was seen alive may be dead before it
	// counts as failed.
	stoppedFor = 10 * time.Second
	// oldRowFor is how long the row of a unit that had failed before it was
	// restarted, or that was removed just before, may be the old one.
	oldRowFor = 15 * time.Second
)

// track follows one unit through a run.
type track struct {
	target
	plan   UnitPlan
	result Result
	reason string
	sight  sight
	// touched says that the run has written the unit; at is when it last did.
	touched bool
	at      time.Time
	// verdict was given by the last steady readings in a row, the first at begun.
	verdict units.Verdict
	steady  int
	begun   time.Time
	// alive says that the unit was seen on its way or up with its new content,
	// rough that it was seen between tries or dead after that.
	alive, rough bool
	// fails is since when it has not stayed up between tries, dead since when it
	// has been dead; zero when it is not.
	fails, dead time.Time
	// left is since when fleet has no machine for a unit that is to have none.
	left time.Time
	// watched is when the unit was first looked at.
	watched time.Time
	// told are the states by machine as last told, met whether there were any.
	told map[string]string
	met  bool
	// ghost is what the rows of a removed unit of the same name and content said
	// when they were first seen; they say nothing of the new one.
	ghost string
	// asked is when it was last looked into why no machine reports the unit, hinted
	// whether that was told.
	asked  time.Time
	hinted bool
	// upSince is since when every look has shown the unit up with its new content,
	// healthyFor for how long that must be so before its rollout goes on.
	upSince    time.Time
	healthyFor time.Duration
	// silent says that fleet did not take the unit for launched before it was loaded
	// to be launched again.
	silent bool
	// staged says that a global unit is not to run on all machines yet, since it is
	// changed on one after the other.
	staged bool
	// halted says that a unit that is restarted, or counts beside such, was not launched
	// before: it is down, or will be as soon as its agent has read that.
	halted bool
	// fallen is since when a unit that is still to be written has been down for
	// good, fell what its row says.
	fallen time.Time
	fell   string
}

func newTrack(u UnitPlan) *track {
	return &track{target: newTarget(u), plan: u, result: NotReached, told: map[string]string{}}
}

// written notes that the unit was written: what was seen before no longer counts.
func (t *track) written() {
	t.touched, t.at = true, time.Now()
	t.steady, t.alive, t.rough = 0, false, false
	t.fails, t.dead, t.upSince = time.Time{}, time.Time{}, time.Time{}
}

// read takes in one look at the cluster. It returns a Result other than
// NotReached when enough has been seen, with the reason if it is a bad one.
// first names a unit that systemd starts before this one and that is not up yet, or
// is "": while there is one, dead is what systemd calls a unit that is queued.
func (t *track) read(s *Snapshot, now time.Time, patience time.Duration, first units.Name) (Result, string) {
	t.sight = t.look(s)
	if t.haunted(now) {
		return NotReached, ""
	}
	t.count(now)
	if first != "" {
		t.dead = time.Time{}
	}
	where := ""
	if t.sight.seen() {
		where = fmt.Sprintf(" on %s (%s)", short(t.sight.row.Machine), t.sight.row)
	}
	switch {
	case !t.believed(now):
	case t.verdict == units.Up || t.verdict == units.Ended:
		return t.good(), ""
	case t.verdict == units.Unloadable:
		return HasFailed, "systemd cannot load it" + where
	case t.verdict == units.Failed && !t.oldRow(now):
		return HasFailed, "it has failed" + where
	}
	return t.tooLong(now, patience, where)
}

// haunted reports whether what is seen may still be the unit that was removed
// before this one was created. Its rows change or go when its machine has stopped
// it; where they do not, the machine has not noticed and goes on running it.
func (t *track) haunted(now time.Time) bool {
	if !t.plan.Leftover {
		return false
	}
	rows := ""
	for _, row := range t.sight.rows {
		if row.Hash == t.hash {
			rows += row.Machine + " " + row.String() + "\n"
		}
	}
	if t.ghost == "" {
		t.ghost = rows
	}
	if rows != "" && rows == t.ghost && (!t.touched || now.Sub(t.at) < oldRowFor) {
		return true
	}
	t.plan.Leftover = false
	return false
}

// believed reports whether the verdict has lasted long enough.
func (t *track) believed(now time.Time) bool {
	need := readings
	if fine := t.verdict == units.Up || t.verdict == units.Ended; fine && !t.touched {
		need = 1
	}
	if t.steady < need || len(t.plan.Loses) > 0 && now.Sub(t.watched) < reconciled {
		return false
	}
	switch {
	case t.plan.Follows && now.Sub(t.watched) < reconciled:
		return false
	case t.rough && t.verdict == units.Up, t.touched && !t.alive && t.verdict == units.Ended:
		return now.Sub(t.begun) >= roughFor
	case t.touched && t.desired == units.Launched && t.verdict == units.Up && t.sight.row.Sub == "running":
		return now.Sub(t.begun) >= published
	}
	return true
}

// proof is when a unit that was seen running has been so for long enough, as far as
// looking again can tell; the zero time when it lacks more than that.
func (t *track) proof() time.Time {
	if t.steady == 0 || t.verdict != units.Up || t.sight.row.Sub != "running" || t.rough || t.plan.Follows || len(t.plan.Loses) > 0 {
		return time.Time{}
	}
	return t.begun.Add(published)
}

// lost reports whether a unit that was up is on no machine any more. Then fleet
// moves it, or its row is away for some seconds; it is waited for again.
func (t *track) lost() bool {
	return t.result == IsUp && t.desired == units.Launched && !t.sight.seen()
}

// oldRow reports whether a failed unit that was restarted may not have been
// started yet: stopping it leaves the row as it was.
func (t *track) oldRow(now time.Time) bool {
	return t.plan.Action == Restart && !t.alive && now.Sub(t.at) < oldRowFor
}

// tooLong ends the wait for a unit that makes no progress: fleet will not start
// it again.
func (t *track) tooLong(now time.Time, patience time.Duration, where string) (Result, string) {
	bound := patience
	if t.alive {
		bound = min(patience, stoppedFor)
	}
	switch {
	case !t.fails.IsZero() && now.Sub(t.fails) > patience:
		return HasFailed, fmt.Sprintf("it has failed again and again for %s%s", now.Sub(t.fails).Round(time.Second), where)
	case !t.dead.IsZero() && now.Sub(t.dead) > bound:
		return HasFailed, fmt.Sprintf("it has been dead for %s, and fleet does not start it again%s", now.Sub(t.dead).Round(time.Second), where)
	}
	return NotReached, ""
}

// count keeps the history that one more sight adds to.
func (t *track) count(now time.Time) {
	v := t.sight.verdict
	t.watched = since(t.watched, true, now)
	if !t.sight.seen() || v != t.verdict {
		t.steady = 0
	}
	if t.steady == 0 {
		t.begun = now
	}
	t.verdict = v
	if !t.sight.seen() {
		t.dead = time.Time{}
		return
	}
	t.steady++
	dead := v == units.Down && t.sight.row.Load == "loaded" && t.sight.row.Active == "inactive"
	t.rough = t.rough || v == units.Restarting || dead && t.alive
	t.alive = t.alive || v == units.Starting || v == units.Waiting || v == units.Up
	steadyUp := v == units.Up && now.Sub(t.begun) >= roughFor
	t.fails = since(t.fails, t.rough && !steadyUp, now)
	t.dead = since(t.dead, dead, now)
}

// since keeps the time at which a condition began to hold.
func since(began time.Time, holds bool, now time.Time) time.Time {
	switch {
	case !holds:
		return time.Time{}
	case began.IsZero():
		return now
	}
	return began
}

// good is the result of a unit that is as it should be.
func (t *track) good() Result {
	if t.desired == units.Launched {
		return IsUp
	}
	return IsSet
}

// changes lists what differs from what was last told, by machine. Rows of an older
// content are no news, nor is the state in which a unit is found that was there
// before.
func (t *track) changes(waitingFor []PlanWait, first units.Name) []UnitChanged {
	quiet := t.plan.From != "" && t.plan.OldHash == t.hash && !t.met
	var changes []UnitChanged
	seen := map[string]bool{}
	for _, row := range t.sight.rows {
		text := row.String()
		if row.Hash != t.hash {
			continue
		}
		t.met, seen[row.Machine] = true, true
		if t.told[row.Machine] == text {
			continue
		}
		change := UnitChanged{Unit: t.unit, Machine: row.Machine, From: t.told[row.Machine], To: text, Verdict: t.judge(row)}
		if change.Verdict == units.Waiting {
			change.WaitingFor = waitingFor
		}
		if change.Verdict == units.Down {
			change.Behind = first
		}
		t.told[row.Machine] = text
		if !quiet {
			changes = append(changes, change)
		}
	}
	for machine, text := range t.told {
		if !seen[machine] {
			changes = append(changes, UnitChanged{Unit: t.unit, Machine: machine, From: text, Verdict: units.Down})
			delete(t.told, machine)
		}
	}
	slices.SortFunc(changes, func(a, b UnitChanged) int { return cmp.Compare(a.Machine, b.Machine) })
	return changes
}

func (t *track) outcome() UnitOutcome {
	o := UnitOutcome{Unit: t.unit, Result: t.result, Reason: t.reason, Last: t.sight.rows}
	for _, row := range t.sight.rows {
		if row.Hash == t.hash {
			o.Machines = append(o.Machines, row.Machine)
		}
	}
	return o
}
