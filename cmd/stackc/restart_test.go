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
	conn, err := fleet.Dial(fleet.Config{Endpoint: b.endpoint})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
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
			running.Go(func() { s.runRestarts(t, b, conn, i) })
		}
		running.Wait()
		b.call(t, http.MethodDelete, "/rules", "")
		for _, s := range list {
			s.lastRestart(t, conn)
			s.check(t, b, nil)
			for what, n := range s.log {
				seen[what] += n
			}
		}
	}
	for _, what := range []string{"ended well", "failed", "cut off", "crashed", "stops", "of some", "together"} {
		if seen[what] == 0 {
			t.Errorf("none of the restarts %s", what)
		}
	}
	t.Logf("%d groups: %v", *restartRounds*rolloutStacks, seen)
}

// runRestarts brings the group up and restarts it some times, each time with some
// trouble; which one begins is given.
func (s *rolled) runRestarts(t *testing.T, b *truthBox, conn *fleet.Conn, first int) {
	set := s.version(0)
	if out := s.apply(t, t.Context(), conn, set, patient); out == nil || len(out.Bad()) > 0 {
		t.Errorf("%s did not come up: %+v", s.name, out)
		return
	}
	s.since = b.lastEvent(t)
	rule := fmt.Sprintf(`{"unit":"%s*","delay":"%dms","stop_delay":"%dms"}`, s.name, s.r.IntN(500), s.r.IntN(200))
	b.call(t, http.MethodPost, "/rules", rule)
	for n := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		var trouble sync.WaitGroup
		names := set.Names()
		switch (first + n) % 4 {
		case 0: // the run is cut off
			s.log["cut off"]++
			pause := time.Duration(s.r.IntN(2500)) * time.Millisecond
			trouble.Go(func() { time.Sleep(pause); cancel() })
		case 1: // one does not come up again
			b.call(t, http.MethodPost, "/rules", fmt.Sprintf(`{"unit":"%s@%d.service","fail":true,"times":%d}`, s.name, 1+s.r.IntN(s.count), 1+s.r.IntN(20)))
		case 2: // one that runs crashes
			s.log["crashed"]++
			beside := &rolled{name: s.name, count: s.count, r: rand.New(rand.NewPCG(s.r.Uint64(), 0)), log: map[string]int{}}
			trouble.Go(func() { beside.crash(t, b) })
		case 3: // some are left alone
			s.log["of some"]++
			names = slices.DeleteFunc(names, func(units.Name) bool { return len(names) > 1 && s.r.IntN(3) == 0 })
		}
		s.restarts(t, ctx, conn, set, names, 20*time.Second)
		trouble.Wait()
		cancel()
	}
}

// lastRestart restarts the group without trouble.
func (s *rolled) lastRestart(t *testing.T, conn *fleet.Conn) {
	set := s.version(0)
	for range 3 {
		if s.restarts(t, t.Context(), conn, set, set.Names(), 2*time.Minute) {
			return
		}
	}
	t.Errorf("%s does not come up any more", s.name)
}

// restarts restarts the units as the command does, and reports whether it ended well.
func (s *rolled) restarts(t *testing.T, ctx context.Context, conn *fleet.Conn, set *units.Set, names []units.Name, timeout time.Duration) bool {
	snapshot, err := fleet.TakeAll(ctx, conn, nil)
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
		out, err = fleet.Apply(ctx, conn, plan, fleet.ApplyOptions{Timeout: timeout, Patience: 3 * time.Second}, nil)
	}
	switch {
	case err != nil && ctx.Err() == nil:
		t.Errorf("%s: %v", s.name, err)
	case err != nil:
	case len(out.Bad()) > 0:
		s.log["failed"]++
	case len(out.Left) == 0:
		s.log["ended well"]++
		return true
	}
	return false
}
