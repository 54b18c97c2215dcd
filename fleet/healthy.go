package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stackc/stackc/units"
)

// gateHealthy waits until the units of a wave's Hold have been healthy for long
// enough, and until the wave leaves each rollout as many healthy units as it must
// have. It is false once one has failed or time is over.
func (r *run) gateHealthy(ctx context.Context, w Wave) (bool, error) {
	began := time.Now()
	for {
		looked := time.Now()
		if err := r.poll(ctx); err != nil {
			return false, err
		}
		now := time.Now()
		switch {
		case r.failed():
			return false, nil
		case r.allFit(w.Hold, now) && r.leavesEnough(w, now):
			return true, nil
		case r.allFit(w.Hold, now) && r.fallen(w, now):
			return false, nil
		case r.overdue():
			r.giveUp()
			r.giveUpHealth(w.Hold, now)
			return false, nil
		}
		if err := sleep(ctx, nextPause(began, looked)); err != nil {
			return false, err
		}
	}
}

// giveUpHealth ends the wait for units that are up, and not for long enough.
func (r *run) giveUpHealth(names []units.Name, now time.Time) {
	for _, name := range names {
		if t := r.byName[name]; !t.fit(now) {
			r.finish(t, TimedOut, "it is not healthy for long enough yet")
		}
	}
}

// settleRollouts waits at the end until all that was rolled out is healthy.
func (r *run) settleRollouts(ctx context.Context) error {
	var w Wave
	for _, o := range r.plan.Rollouts {
		for _, name := range o.Units {
			if t := r.byName[name]; t.touched && t.plan.Action != Delete {
				w.Hold = append(w.Hold, name)
			}
		}
	}
	if len(w.Hold) == 0 {
		return nil
	}
	_, err := r.gateHealthy(ctx, w)
	return err
}

func (r *run) allFit(names []units.Name, now time.Time) bool {
	return !slices.ContainsFunc(names, func(n units.Name) bool { return !r.byName[n].fit(now) })
}

// fit reports whether a unit is healthy: one that was written, when it has been up
// without a break for as long as its rollout says, another when it is up with what
// fleet has of it. One with other content is about to be stopped: a run before this one
// has written it, and its machine has not seen that yet.
func (t *track) fit(now time.Time) bool {
	if !t.touched {
		if t.halted {
			return false // whatever its machine still says
		}
		return slices.ContainsFunc(t.sight.rows, func(row UnitState) bool { return t.standing(row) && row.Hash == t.plan.OldHash })
	}
	if u := t.plan.Update; u != nil && u.OneMachine && now.Sub(t.at) < reconciled {
		return false
	}
	return t.result == t.good() && !t.upSince.IsZero() && now.Sub(t.upSince) >= t.healthyFor
}

// upNow reports whether the last look has shown the unit up with its new content.
func (t *track) upNow() bool {
	return t.sight.seen() && (t.sight.verdict == units.Up || t.sight.verdict == units.Ended)
}

// leavesEnough reports whether the steps of a wave leave each rollout as many
// healthy units as it must have, or take none away that is healthy.
func (r *run) leavesEnough(w Wave, now time.Time) bool {
	for _, o := range r.plan.Rollouts {
		if len(o.Machines) > 0 && !r.leavesMachines(o, w, now) {
			return false
		}
		rest, taken := 0, 0
		for _, name := range o.Units {
			t := r.byName[name]
			if !t.fit(now) {
				continue
			}
			if t.takenDownBy(w) || o.Restarts && w.has(name) {
				taken++
			} else {
				rest++
			}
		}
		if taken > 0 && rest < o.Healthy {
			return false
		}
	}
	return true
}

// leavesMachines reports whether the steps of a wave leave a global unit, or its
// stand-in, up on all machines but one, or take it from none.
func (r *run) leavesMachines(o Rollout, w Wave, now time.Time) bool {
	unit := r.byName[units.Name(o.Group)]
	down, taken := 0, 0
	for _, id := range o.Machines {
		if !slices.ContainsFunc(r.machines, func(m Machine) bool { return m.ID == id }) {
			continue
		}
		runs := unit.standsOn(id)
		beside := r.byName[standIn(unit.unit, id)]
		standsIn := beside != nil && beside.standsOn(id)
		takes := func(s Step) bool {
			switch {
			case s.Do == DeleteUnit:
				return s.Unit == standIn(unit.unit, id) && !runs
			case s.Do == PutUnit && s.Unit == unit.unit:
				return runs
			}
			return s.Unit == standIn(unit.unit, id) || s.Unit == giveBack(unit.unit, id) && !runs
		}
		switch {
		case !runs && !standsIn, r.swaps(unit.unit, id, now):
			down++
		case slices.ContainsFunc(w.Steps, takes):
			taken++
		}
	}
	return taken == 0 || down+taken <= 1
}

// swaps reports whether a place may be about to change hands by what a run before this
// one has sent. A stand-in is down for good where the place was given back.
func (r *run) swaps(name units.Name, machine string, now time.Time) bool {
	back := r.byName[giveBack(name, machine)]
	given := back != nil && back.standsOn(machine)
	return !given && r.underWay(standIn(name, machine), now) || r.underWay(giveBack(name, machine), now)
}

// underWay reports whether fleet has a unit of a run before this one that its machine
// has not loaded yet, is starting, or has loaded and may be about to start. One that is
// stopped for good looks like the last, so that this is believed for a while only.
func (r *run) underWay(name units.Name, now time.Time) bool {
	t := r.byName[name]
	if t == nil || t.touched || t.plan.From != units.Launched {
		return false
	}
	return !slices.ContainsFunc(t.sight.rows, func(row UnitState) bool {
		switch {
		case row.Hash != t.plan.OldHash, row.Active == "activating":
			return false
		case row.Active == "inactive":
			return now.Sub(r.started) >= stoppedFor
		}
		return true
	})
}

// standsOn reports whether the last look has shown the unit up on a machine, with
// whatever content.
func (t *track) standsOn(machine string) bool {
	return slices.ContainsFunc(t.sight.rows, func(row UnitState) bool { return row.Machine == machine && t.standing(row) })
}

// takenDownBy reports whether a wave stops the unit.
func (t *track) takenDownBy(w Wave) bool {
	i := slices.IndexFunc(w.Steps, func(s Step) bool { return s.Unit == t.unit })
	return i >= 0 && (w.Steps[i].Do == DeleteUnit || t.plan.Action == Replace)
}

// has reports whether a wave has a request for the unit.
func (w Wave) has(name units.Name) bool {
	return slices.ContainsFunc(w.Steps, func(s Step) bool { return s.Unit == name })
}

// fallen ends a run that is held up by units that went down before they were
// changed: fleet does not start them again, and what comes up next time takes
// them first.
func (r *run) fallen(w Wave, now time.Time) bool {
	for _, o := range r.plan.Rollouts {
		if !slices.ContainsFunc(w.Steps, func(s Step) bool { return slices.Contains(o.Units, s.Unit) }) {
			continue
		}
		for _, name := range o.Units {
			t := r.byName[name]
			if t.touched || t.fallen.IsZero() || now.Sub(t.fallen) < stoppedFor || t.takenDownBy(w) || o.Restarts && w.has(name) {
				continue
			}
			reason := "it is %s with its old content, and without it too few of %s are healthy to go on; the next run changes it first"
			if o.Restarts {
				reason = "it is %s, and without it too few of %s are healthy to go on; stackc start brings it up"
			}
			r.finish(t, HasFailed, fmt.Sprintf(reason, t.fell, o.Group))
		}
	}
	return r.failed()
}

// fall notes since when a unit with its old content has been down for good.
func (t *track) fall(now time.Time) {
	down := len(t.sight.rows) > 0
	for _, row := range t.sight.rows {
		verdict := t.judge(row)
		dead := verdict == units.Down && row.Load == "loaded" && row.Active == "inactive"
		down = down && (verdict.Final() || dead)
		t.fell = row.String()
	}
	t.fallen = since(t.fallen, down, now)
}
