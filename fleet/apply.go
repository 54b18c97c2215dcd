package fleet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stackc/stackc/units"
)

// ApplyOptions says how Apply goes about it. The zero value waits for ever.
type ApplyOptions struct {
	// Verify re-reads the cluster first and returns a Stale error if it is no
	// longer as the plan found it: for plans that were saved.
	Verify bool
	// NoWait returns when the requests are done. Gates between waves are waited
	// for all the same.
	NoWait bool
	// Timeout bounds all waiting together. 0 means no bound.
	Timeout time.Duration
	// Guard is asked before each request that writes, and at each look at the
	// cluster; an error of it ends the run. A lock that is lost is told that way.
	Guard func() error
	// Reserve is told before the first request of a plan which contents its requests
	// write, by their hashes, and again before those of one that goes back; an error
	// of it ends the run. Whoever removes contents from fleet's registry is kept from
	// removing them. It is not called for a plan that writes none.
	Reserve func(ctx context.Context, hashes []string) error
	// Patience bounds how long a unit may be between tries (auto-restart), or dead
	// where it should have started, before it counts as failed. 0 means
	// DefaultPatience.
	Patience time.Duration
	// PauseAfter ends the run after so many waves, once the next could be sent. 0
	// means never.
	PauseAfter int
	// Confirm is asked before a wave with AskAfter; the groups are those that somebody
	// is to look at. False pauses the run. Nil goes on.
	Confirm func(ctx context.Context, groups []string) (bool, error)
}

// DefaultPatience is long enough for a unit that needs some tries until a
// neighbour is there.
const DefaultPatience = time.Minute

// Apply carries out the plan and nothing else, and waits until its units are as
// they should be. It tells on the way what happens, from one goroutine; tell may
// be nil.
//
// When ctx ends, requests that are on their way are finished and no more are sent.
// The error is about requests or the end of ctx, or Stale or Lost; how units fare is
// in the Outcome, which is filled in in either case. A plan with a unit that no
// machine can run is not begun.
func Apply(ctx context.Context, c Client, p *Plan, options ApplyOptions, tell func(Event)) (Outcome, error) {
	if tell == nil {
		tell = func(Event) {}
	}
	if options.Patience == 0 {
		options.Patience = DefaultPatience
	}
	r := newRun(c, p, options, tell)
	err := r.all(ctx)
	o := r.outcome()
	if err == nil {
		o.Back, err = r.goBack(ctx)
		o.Elapsed = time.Since(r.started)
	}
	return o, err
}

// run is one Apply.
type run struct {
	client  Client
	plan    *Plan
	options ApplyOptions
	tell    func(Event)
	started time.Time
	tracks  []*track
	byName  map[units.Name]*track
	// beside are units that are looked at and not waited for; see [Plan.Beside].
	beside []*track
	// deadline is when Timeout is over; zero for never.
	deadline time.Time
	polls    int
	machines []Machine
	done     []Step
	paused   *Paused
}

func newRun(c Client, p *Plan, options ApplyOptions, tell func(Event)) *run {
	r := &run{client: c, plan: p, options: options, tell: tell, started: time.Now(), byName: map[units.Name]*track{}}
	if options.Timeout > 0 {
		r.deadline = r.started.Add(options.Timeout)
	}
	for _, u := range p.Units {
		t := newTrack(u)
		r.byName[u.Unit] = t
		if p.Beside(u) {
			r.beside = append(r.beside, t)
		} else {
			r.tracks = append(r.tracks, t)
		}
	}
	for _, o := range p.Rollouts {
		for _, name := range o.Units {
			t := r.byName[name]
			t.healthyFor = time.Duration(o.HealthyFor) * time.Millisecond
			t.halted = o.Restarts && t.plan.From != units.Launched
		}
		if len(o.Machines) > 0 {
			r.byName[units.Name(o.Group)].staged = true
		}
	}
	return r
}

func (r *run) all(ctx context.Context) error {
	if r.options.Verify {
		if err := Verify(ctx, r.client, r.plan); err != nil {
			return err
		}
	}
	if none := r.plan.Unplaceable(); len(none) > 0 {
		r.unplaceable(none)
		return nil
	}
	if hashes := r.plan.puts(); len(hashes) > 0 && r.options.Reserve != nil {
		if err := r.options.Reserve(ctx, hashes); err != nil {
			return err
		}
	}
	for i, w := range r.plan.Waves {
		r.tell(WaveBegun{Number: i + 1, Of: len(r.plan.Waves), Wave: w})
		if proceed, err := r.gate(ctx, w); err != nil || !proceed {
			return err
		}
		if proceed, err := r.mayGoOn(ctx, i, w); err != nil || !proceed {
			return err
		}
		if err := r.send(ctx, w.Steps); err != nil {
			return err
		}
	}
	if r.options.NoWait {
		return nil
	}
	if err := r.wait(ctx); err != nil || r.failed() {
		return err
	}
	return r.settleRollouts(ctx)
}

// mayGoOn reports whether a wave is to be sent now: not when the run is to pause
// before it, or when somebody was asked and says no.
func (r *run) mayGoOn(ctx context.Context, i int, w Wave) (bool, error) {
	switch {
	case r.options.PauseAfter > 0 && i == r.options.PauseAfter:
		r.paused = &Paused{After: i, Of: len(r.plan.Waves)}
		return false, nil
	case len(w.AskAfter) == 0 || r.options.Confirm == nil:
		return true, nil
	}
	yes, err := r.options.Confirm(ctx, w.AskAfter)
	if err == nil && !yes {
		r.paused = &Paused{After: i, Of: len(r.plan.Waves), Groups: w.AskAfter}
	}
	return yes, err
}

// unplaceable ends a run before its first write.
func (r *run) unplaceable(none []UnitPlan) {
	for _, u := range none {
		reason := "no machine can run it"
		for _, m := range u.Placement.Refused {
			reason += "; " + r.plan.machineName(m.Machine) + ": " + m.Reason
		}
		if len(r.plan.Machines) == 0 {
			reason = "the cluster has no machines"
		}
		r.finish(r.byName[u.Unit], NoMachine, reason)
	}
}

// guard asks whether the run may go on.
func (r *run) guard(unit units.Name) error {
	if r.options.Guard == nil {
		return nil
	}
	if err := r.options.Guard(); err != nil {
		return &Error{Op: "apply", Unit: unit, Kind: Lost, Err: err}
	}
	return nil
}

// finish settles a unit and tells so. A unit that was up may still turn out to
// fail while others are waited for.
func (r *run) finish(t *track, result Result, reason string) {
	if t.result != NotReached && (t.result.Bad() || !result.Bad()) {
		return
	}
	t.result, t.reason = result, reason
	r.tell(UnitDone{Outcome: t.outcome()})
}

func (r *run) outcome() Outcome {
	o := Outcome{Done: r.done, Elapsed: time.Since(r.started), Paused: r.paused}
	done := map[Step]bool{}
	for _, step := range r.done {
		done[step] = true
	}
	for _, w := range r.plan.Waves {
		for _, step := range w.Steps {
			if !done[step] {
				o.Left = append(o.Left, step)
			}
		}
	}
	for _, t := range r.tracks {
		o.Units = append(o.Units, t.outcome())
	}
	for _, t := range r.beside {
		if t.result.Bad() {
			o.Units = append(o.Units, t.outcome())
			slices.SortStableFunc(o.Units, func(a, b UnitOutcome) int { return cmp.Compare(a.Unit, b.Unit) })
		}
	}
	return o
}
