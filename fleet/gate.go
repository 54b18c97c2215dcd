package fleet

import (
	"context"
	"time"

	"github.com/stackc/stackc/units"
)

// reconciled is how long after a request every agent has acted on it: agents look
// every 5 seconds and at each event (fleet v1.0.0 agent/reconcile.go). It counts
// for units of which fleet does not tell what their agents have launched.
const reconciled = 7 * time.Second

// gate waits until a wave may begin. It is false when it never will, because a
// unit that it waits for has failed or time is over; the units say so.
func (r *run) gate(ctx context.Context, w Wave) (bool, error) {
	switch w.When {
	case WhenUp:
		return r.gateUp(ctx, w.Hold)
	case WhenLoaded:
		return r.gateLoaded(ctx, w)
	case WhenHealthy:
		return r.gateHealthy(ctx, w)
	}
	return true, nil
}

// gateUp waits until the units are up, and no longer once one has failed.
func (r *run) gateUp(ctx context.Context, hold []units.Name) (bool, error) {
	began := time.Now()
	for {
		looked := time.Now()
		if err := r.poll(ctx); err != nil {
			return false, err
		}
		switch {
		case r.failed():
			return false, nil
		case r.finished(hold):
			return true, nil
		case r.overdue():
			r.giveUp()
			return false, nil
		}
		if err := sleep(ctx, nextPause(began, looked)); err != nil {
			return false, err
		}
	}
}

func (r *run) finished(names []units.Name) bool {
	for _, name := range names {
		if r.byName[name].result == NotReached {
			return false
		}
	}
	return true
}

// gateLoaded waits until the units of the wave's Hold are loaded.
func (r *run) gateLoaded(ctx context.Context, w Wave) (bool, error) {
	began := time.Now()
	for {
		looked := time.Now()
		s, err := r.observe(ctx)
		if err != nil {
			return false, err
		}
		open, err := r.allLoaded(ctx, s, w.Hold)
		if err != nil || open || r.failed() {
			return open, err
		}
		if r.overdue() {
			r.giveUp()
			return false, nil
		}
		r.progress(time.Now())
		if err := sleep(ctx, nextPause(began, looked)); err != nil {
			return false, err
		}
	}
}

// allLoaded looks at all units of a gate, so that what has failed is told
// together.
func (r *run) allLoaded(ctx context.Context, s *Snapshot, hold []units.Name) (bool, error) {
	now := time.Now()
	open := true
	for _, name := range hold {
		t := r.byName[name]
		result, reason := t.read(s, now, r.options.Patience, r.before(t))
		for _, change := range t.changes(t.waitingFor(r.isUp), r.before(t)) {
			r.tell(change)
		}
		if result == HasFailed && (t.plan.Held == "" || t.verdict == units.Unloadable) {
			r.finish(t, result, reason)
		}
		loaded, err := r.loaded(ctx, t, now)
		if err != nil {
			return false, err
		}
		open = open && loaded
	}
	return open, nil
}

// loaded reports whether a unit is on its machine with its new content and, if it
// was put to "loaded", whether its agent has acted on that: to one that has not, what is
// launched then is no news.
func (r *run) loaded(ctx context.Context, t *track, now time.Time) (bool, error) {
	if !t.sight.seen() || len(t.sight.missing) > 0 || t.sight.verdict == units.Unloadable {
		return false, nil
	}
	replaced := t.plan.Action == Replace
	if t.plan.Held == "" || t.plan.Action == Create || replaced && t.where.Global {
		return true, nil // the row with the new content came after the request
	}
	if !replaced && t.running() && now.Sub(t.at) < oldRowFor {
		return false, nil // or what runs now would be taken for what is started next
	}
	if t.silent && now.Sub(t.at) < reconciled {
		return false, nil
	}
	if t.where.Global {
		return now.Sub(t.at) >= reconciled, nil
	}
	live, err := r.client.Unit(ctx, t.unit)
	return err == nil && live.Current == units.Loaded, err
}
