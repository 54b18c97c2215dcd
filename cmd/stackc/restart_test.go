package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

var restartRounds = flag.Int("restarts", 1, "rounds of TestRestartInvariant, of 8 groups each")

// TestRestartInvariant restarts random groups, or some of their instances, on fleet in a
// box, while instances crash, do not come up again, and runs are cut off. Then it goes
// through what the machines did, as TestRolloutInvariant does: no instance was taken down
// while fewer than count - max_unavailable were left.
func TestRestartInvariant(t *testing.T) {
	t.Parallel() // most of the time it waits
	b := startTruthBox(t)
	seen := map[string]int{}
	for round := range *restartRounds {
		r := rand.New(rand.NewPCG(uint64(round), 29))
		var list []*rolled
		for i := range rolloutStacks {
			s := newRolled(r, fmt.Sprintf("a%dx%d", round, i))
			s.update.MaxExtra, s.update.MaxUnavailable = 0, max(1, s.update.MaxUnavailable)
			list = append(list, s)
		}
		var running sync.WaitGroup
		for i, s := range list {
			running.Go(func() { s.runRestarts(t, b, i) })
		}
		running.Wait()
		b.call(t, http.MethodDelete, "/rules", "")
		for _, s := range list {
			s.lastRestart(t, b)
			s.check(t, b, nil)
			s.addTo(seen)
		}
	}
	wantSeen(t, seen, "ended well", "failed", "cut off", "crashed", "stops", "of some", "together")
	t.Logf("%d groups: %v", *restartRounds*rolloutStacks, seen)
}

// runRestarts brings the group up and restarts it some times, each time with some
// trouble; which one begins is given.
func (s *rolled) runRestarts(t *testing.T, b *truthBox, first int) {
	if !s.bringUp(t, b) {
		return
	}
	s.slow(t, b)
	set := s.version(0)
	for n := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		var trouble sync.WaitGroup
		names := set.Names()
		switch (first + n) % 4 {
		case 0:
			s.cutOff(&trouble, cancel)
		case 1:
			s.failOne(t, b)
		case 2:
			s.crash(t, b, &trouble)
		case 3: // some are left alone
			s.log["of some"]++
			names = slices.DeleteFunc(names, func(units.Name) bool { return len(names) > 1 && s.r.IntN(3) == 0 })
		}
		s.restarts(t, ctx, b, set, names, 20*time.Second)
		trouble.Wait()
		cancel()
	}
}

// lastRestart restarts the group without trouble.
func (s *rolled) lastRestart(t *testing.T, b *truthBox) {
	set := s.version(0)
	for range 3 {
		if s.restarts(t, t.Context(), b, set, set.Names(), 2*time.Minute) {
			return
		}
	}
	t.Errorf("%s does not come up any more", s.name)
}

// restarts restarts the units as the command does, and reports whether it ended well.
func (s *rolled) restarts(t *testing.T, ctx context.Context, b *truthBox, set *units.Set, names []units.Name, timeout time.Duration) bool {
	snapshot, err := fleet.TakeAll(ctx, b.conn, nil)
	var out fleet.Outcome
	if err == nil {
		plan := fleet.PlanSteer(snapshot, s.name, names, fleet.Again, set)
		for _, o := range plan.Rollouts {
			for _, batch := range o.Batches {
				if len(batch) > 1 {
					s.log["together"]++
				}
			}
		}
		out, err = fleet.Apply(ctx, b.conn, plan, fleet.ApplyOptions{Timeout: timeout, Patience: 3 * time.Second}, nil)
	}
	if err != nil {
		if ctx.Err() == nil {
			t.Errorf("%s: %v", s.name, err)
		}
		return false
	}
	return s.ended(out)
}
