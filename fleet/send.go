package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stackc/stackc/units"
)

// grace is how long a request may go on after the run was interrupted.
const grace = 10 * time.Second

// send carries out the steps of a wave, several at once. After the first fault,
// and when ctx ends, no more are begun, and those on their way are waited for.
func (r *run) send(ctx context.Context, steps []Step) error {
	requests, cancel := outlive(ctx, grace)
	defer cancel()
	todo := make(chan Step)
	results := make(chan sent)
	stop := make(chan struct{})
	go feed(ctx, stop, steps, todo)
	var workers sync.WaitGroup
	for range min(inFlight, len(steps)) {
		workers.Go(func() {
			for step := range todo {
				remade, err := r.do(requests, step)
				results <- sent{StepDone{Step: step, Err: err}, remade}
			}
		})
	}
	go func() { workers.Wait(); close(results) }()
	var first error
	for result := range results {
		r.note(result.StepDone)
		if result.remade {
			r.warn(result.Step.Unit, "this fleet ignores new content for a unit that exists, as it did before 0.13: the unit was removed and made anew")
		}
		if result.Err != nil && first == nil {
			first = result.Err
			close(stop)
		}
	}
	if first == nil && ctx.Err() != nil {
		return &Error{Op: "apply", Kind: Canceled, Err: context.Cause(ctx)}
	}
	return first
}

// sent is the end of a step, and whether the unit had to be removed and made anew.
type sent struct {
	StepDone
	remade bool
}

// feed hands out the steps in order until stop is closed or ctx ends.
func feed(ctx context.Context, stop <-chan struct{}, steps []Step, todo chan<- Step) {
	defer close(todo)
	for _, step := range steps {
		select { // of several that are ready select takes any, so the end is asked first
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		select {
		case todo <- step:
		case <-stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// outlive gives a context that ends some time after ctx does, so that a request
// on its way can be finished.
func outlive(ctx context.Context, extra time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(extra, cancel)
	})
	return longer, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel()
	}
}

// note books the end of a step.
func (r *run) note(result StepDone) {
	if result.Err == nil {
		r.done = append(r.done, result.Step)
		t := r.byName[result.Step.Unit]
		t.written()
		r.unstage(result.Step)
		if result.Step.Do == DeleteUnit && t.plan.Temporary {
			t.plan.Action, t.desired, t.result = Delete, "", NotReached
		}
	}
	r.tell(result)
}

// unstage notes that a global unit that changes machine by machine is now to run on
// all: when it is launched, or when what ran meanwhile is removed.
func (r *run) unstage(step Step) {
	for _, o := range r.plan.Rollouts {
		t := r.byName[units.Name(o.Group)]
		if t == nil || !t.staged {
			continue
		}
		launched := step.Unit == t.unit && step.State == units.Launched
		t.staged = !launched && !(step.Do == DeleteUnit && slices.Contains(o.Extra, step.Unit))
	}
}

// do carries out one step.
func (r *run) do(ctx context.Context, step Step) (remade bool, err error) {
	if err := r.guard(step.Unit); err != nil {
		return false, err
	}
	switch step.Do {
	case PutState:
		if err := r.listen(ctx, step); err != nil {
			return false, err
		}
		return false, r.client.SetState(ctx, step.Unit, step.State)
	case DeleteUnit:
		err := r.client.Delete(ctx, step.Unit)
		if IsNotFound(err) {
			return false, nil // removed already, by an earlier try of this request perhaps
		}
		return false, err
	}
	t := r.byName[step.Unit]
	if err := r.hush(ctx, t, step); err != nil {
		return false, err
	}
	options := t.plan.options()
	err = r.client.Put(ctx, step.Unit, options, step.State)
	if err != nil || t.plan.Action != Replace {
		return false, err
	}
	live, err := r.client.Unit(ctx, step.Unit)
	switch {
	case err != nil || live.Hash == t.hash:
		return false, err
	case live.Hash != t.plan.OldHash:
		return false, fail("put", t.unit, Conflict, "somebody else has written the unit meanwhile, its content is %s and not %s",
			units.ShortHash(live.Hash), units.ShortHash(t.hash))
	}
	return true, r.remake(ctx, t, options, step.State)
}

// hush puts a launched unit that is to be loaded first to "loaded" before it gets its new
// content. fleet writes content before the desired state (fleet v1.0.0 registry/job.go
// CreateUnit): an agent that looks between the two, as it does at each write, would start
// the unit too early and stop it again a moment later. Where a stand-in has the place of
// a global unit, that stops the stand-in, and neither is up.
func (r *run) hush(ctx context.Context, t *track, step Step) error {
	if t.plan.Action != Replace || step.State != units.Loaded || t.plan.From != units.Launched {
		return nil
	}
	return r.client.SetState(ctx, t.unit, units.Loaded)
}

// listen notes before a unit is loaded to be launched again whether fleet takes it for
// launched. Agents repeat that of each unit, and one that is late with it is not seen
// to act on the request.
func (r *run) listen(ctx context.Context, step Step) error {
	t := r.byName[step.Unit]
	if t.plan.Action != Restart || step.State != units.Loaded || t.where.Global {
		return nil
	}
	live, err := r.client.Unit(ctx, step.Unit)
	t.silent = err == nil && live.Current != units.Launched
	return err
}

// remake removes a unit and makes it anew, which may move it. fleet before 0.13
// kept the old options of a unit that it had and answered as if all were well.
func (r *run) remake(ctx context.Context, t *track, options []units.Option, desired units.State) error {
	if err := r.client.Delete(ctx, t.unit); err != nil && !IsNotFound(err) {
		return err
	}
	if err := gone(ctx, r.client, t.unit); err != nil {
		return err
	}
	if err := r.client.Put(ctx, t.unit, options, desired); err != nil {
		return err
	}
	live, err := r.client.Unit(ctx, t.unit)
	if err == nil && live.Hash != t.hash {
		return fail("put", t.unit, Rejected, "fleet keeps other content (%s) than was sent (%s)", units.ShortHash(live.Hash), units.ShortHash(t.hash))
	}
	return err
}

// gone waits until fleet does not know the unit any more.
func gone(ctx context.Context, c Client, name units.Name) error {
	for range 60 {
		_, err := c.Unit(ctx, name)
		switch {
		case IsNotFound(err):
			return nil
		case err != nil:
			return err
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return fail("delete", name, Timeout, "fleet still has the unit a minute after it was deleted")
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &Error{Op: "wait", Kind: Canceled, Err: context.Cause(ctx)}
	}
}
