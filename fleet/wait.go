package fleet

import (
	"context"
	"slices"
	"time"

	"github.com/stackc/stackc/units"
)

// The time between two looks at the cluster. Agents publish about once a second,
// and the first rows come 1.5 to 4 seconds after a request: in the first seconds
// it pays to look more often, unless looking itself takes long.
const (
	pause      = time.Second
	quickPause = 250 * time.Millisecond
	quickFor   = 10 * time.Second
)

// machinesEvery is after how many looks the machines are listed again.
const machinesEvery = 5

// wait follows the units until each is as it should be or one is found that never
// will be.
func (r *run) wait(ctx context.Context) error {
	for _, t := range r.tracks {
		r.finishUnwatched(t)
	}
	began := time.Now()
	for r.pending() > 0 {
		looked := time.Now()
		if err := r.poll(ctx); err != nil {
			return err
		}
		if r.pending() == 0 || r.failed() {
			break
		}
		if r.overdue() {
			r.giveUp()
			break
		}
		if err := sleep(ctx, r.nextLook(began, looked)); err != nil {
			return err
		}
	}
	return nil
}

// nextLook is how long to wait until looking can tell something new.
func (r *run) nextLook(began, looked time.Time) time.Duration {
	if left := time.Until(r.lastProof()); left > 0 {
		return min(pause, left)
	}
	return nextPause(began, looked)
}

// nextPause is how long to leave the server alone after a look.
func nextPause(began, looked time.Time) time.Duration {
	if time.Since(began) >= quickFor {
		return pause
	}
	return min(pause, max(quickPause, 4*time.Since(looked)))
}

// lastProof is when the last of the units that are waited for has been up for long
// enough, the zero time while one lacks more than that: until then no look can end
// the wait.
func (r *run) lastProof() time.Time {
	var last time.Time
	for _, t := range r.tracks {
		if t.result != NotReached {
			continue
		}
		at := t.proof()
		if at.IsZero() {
			return at
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// finishUnwatched settles units that nothing is to be seen of.
func (r *run) finishUnwatched(t *track) {
	switch {
	case t.plan.Action == Orphan, t.idle() && len(t.plan.Placement.Now) == 0:
		r.finish(t, IsSet, "")
	case t.plan.Settled && r.plan.Empty():
		r.finish(t, t.good(), "")
	}
}

func (r *run) pending() int {
	n := 0
	for _, t := range r.tracks {
		if t.result == NotReached {
			n++
		}
	}
	return n
}

func (r *run) failed() bool {
	bad := func(t *track) bool { return t.result.Bad() }
	return slices.ContainsFunc(r.tracks, bad) || slices.ContainsFunc(r.beside, bad)
}

func (r *run) overdue() bool { return !r.deadline.IsZero() && !time.Now().Before(r.deadline) }

// giveUp ends the wait for all that are not there yet.
func (r *run) giveUp() {
	for _, t := range r.tracks {
		if t.result == NotReached {
			r.finish(t, TimedOut, r.missing(t))
		}
	}
}

func (r *run) isUp(name units.Name) bool {
	t, ok := r.byName[name]
	return ok && t.sight.seen() && (t.verdict == units.Up || t.verdict == units.Ended)
}

// before returns a unit that systemd starts before t and that is neither up nor
// at its end, "" when there is none.
func (r *run) before(t *track) units.Name {
	for _, name := range t.after {
		first, ok := r.byName[name]
		if ok && first.desired == units.Launched && first.result == NotReached && !r.isUp(name) && !first.passed(t) {
			return name
		}
	}
	return ""
}

// passed reports whether a unit that systemd starts before t is up on t's machine, and t
// has never been: then that is not what t waits for.
func (t *track) passed(next *track) bool {
	return !next.alive && slices.ContainsFunc(next.sight.rows, func(row UnitState) bool { return t.standsOn(row.Machine) })
}

// poll looks at the cluster once, settles what can be settled and tells of it.
func (r *run) poll(ctx context.Context) error {
	s, err := r.observe(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	type ending struct {
		result Result
		reason string
	}
	endings := make([]ending, len(r.tracks))
	for i, t := range r.tracks {
		if t.idle() || t.ahead() || t.staged {
			t.sight = t.look(s)
		} else if t.plan.Action != Delete && t.plan.Action != Orphan {
			endings[i].result, endings[i].reason = t.read(s, now, r.options.Patience, r.before(t))
		}
		t.upSince = since(t.upSince, t.upNow(), now)
		t.fall(now)
	}
	for _, t := range r.beside {
		fallen := t.fallen
		t.sight = t.look(s)
		if t.fall(now); t.halted {
			t.fallen, t.fell = since(fallen, true, now), "stopped"
		}
	}
	for i, t := range r.tracks {
		for _, change := range t.changes(t.waitingFor(r.isUp), r.before(t)) {
			r.tell(change)
		}
		if t.lost() {
			t.result = NotReached
		}
		if e := endings[i]; e.result != "" && e.result != NotReached {
			r.finish(t, e.result, e.reason)
		}
	}
	r.homeless(s)
	if err := r.removed(ctx); err != nil {
		return err
	}
	if err := r.stopped(ctx, now); err != nil {
		return err
	}
	if err := r.hint(ctx, now); err != nil {
		return err
	}
	r.progress(now)
	return nil
}

// observe reads the states, and the machines now and then: rows of machines that
// are gone say "active" for some seconds, and fleet needs 20 to miss a machine.
func (r *run) observe(ctx context.Context) (*Snapshot, error) {
	if err := r.guard(""); err != nil {
		return nil, err
	}
	if r.polls%machinesEvery == 0 {
		machines, err := r.client.Machines(ctx)
		if err != nil {
			return nil, err
		}
		r.missMachines(machines)
		r.machines = machines
	}
	r.polls++
	states, err := r.client.States(ctx)
	if err != nil {
		return nil, err
	}
	return NewSnapshot(r.machines, nil, states), nil
}

// homeless ends the wait for units that no machine matches any more.
func (r *run) homeless(s *Snapshot) {
	for _, t := range r.tracks {
		if t.result != NotReached || t.desired == "" || t.desired == units.Inactive || t.sight.seen() {
			continue
		}
		if !slices.ContainsFunc(s.Machines, t.suits) {
			r.finish(t, NoMachine, "no machine that is left matches it")
		}
	}
}

// suits reports whether the machine has the ID and metadata that the unit needs.
func (t *track) suits(m Machine) bool {
	id := t.where.MachineID
	return (id == "" || id == m.ID || id == m.Short()) && t.where.Metadata.Matches(m.Metadata)
}

// removed settles deleted units: /units tells that they are gone, their rows of
// state stay for up to a minute or more.
func (r *run) removed(ctx context.Context) error {
	var names []units.Name
	for _, t := range r.tracks {
		if t.plan.Action == Delete && t.result == NotReached {
			names = append(names, t.unit)
		}
	}
	if len(names) == 0 {
		return nil
	}
	list, err := fetch(ctx, r.client, names)
	if err != nil {
		return err
	}
	there := NewSnapshot(nil, list, nil)
	for _, name := range names {
		if _, still := there.Unit(name); !still {
			r.finish(r.byName[name], IsGone, "")
		}
	}
	return nil
}

// ahead reports whether the unit is still to be written, in a later wave.
func (t *track) ahead() bool { return t.plan.Action.Writes() && !t.touched }

// idle reports whether the unit is to be on no machine.
func (t *track) idle() bool { return t.plan.Action != Delete && t.desired == units.Inactive }

// running reports whether some machine still says that the unit does anything.
func (t *track) running() bool {
	return slices.ContainsFunc(t.sight.rows, func(row UnitState) bool { return row.Active != "inactive" && row.Active != "failed" })
}

// stopped settles units that are to be on no machine. Fleet forgets the machine of
// such a unit before its agent has stopped it, and the row may stay as it was for
// a minute; so a row that says that it runs is believed for a while only.
func (r *run) stopped(ctx context.Context, now time.Time) error {
	var names []units.Name
	for _, t := range r.tracks {
		if t.idle() && t.result == NotReached {
			names = append(names, t.unit)
		}
	}
	list, err := fetch(ctx, r.client, names)
	if err != nil {
		return err
	}
	there := NewSnapshot(nil, list, nil)
	for _, name := range names {
		t := r.byName[name]
		live, exists := there.Unit(name)
		left := !exists || t.where.Global || live.Machine == ""
		t.left = since(t.left, left, now)
		if left && (!t.running() || now.Sub(t.left) >= oldRowFor) {
			r.finish(t, IsSet, "")
		}
	}
	return nil
}

// progress tells how far the run is.
func (r *run) progress(now time.Time) {
	p := Progress{Elapsed: now.Sub(r.started), Total: len(r.tracks)}
	for _, t := range r.tracks {
		if t.result != NotReached {
			p.Done++
			continue
		}
		p.Waiting = append(p.Waiting, Pending{Unit: t.unit, For: r.missing(t), Since: now.Sub(r.started)})
	}
	r.tell(p)
}

// missing words what a unit is waited for.
func (r *run) missing(t *track) string {
	switch {
	case t.ahead(), t.staged:
		return "comes later"
	case t.plan.Action == Delete:
		return "fleet still has it"
	case t.idle():
		return "is being stopped"
	}
	return t.missingText(r.plan, t.sight, r.isUp, r.before(t))
}
