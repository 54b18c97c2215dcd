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

var rolloutRounds = flag.Int("rollouts", 1, "rounds of TestRolloutInvariant, of 8 rollouts each")

// rolloutStacks are rolled out at once in each round.
const rolloutStacks = 8

// TestRolloutInvariant rolls out random changes of random groups on fleet in a box,
// while instances crash, new ones do not come up, runs are cut off, machines are lost
// and fleetd is restarted on others, and then looks at everything that the machines did, in the order in which
// they did it: at no moment have there been fewer instances up than there must be,
// but for those that the test itself has taken down, and none was taken down while
// such a one was away for so long that it could be seen.
func TestRolloutInvariant(t *testing.T) {
	t.Parallel() // most of the time it waits
	b := startTruthBox(t)
	seen := map[string]int{}
	for round := range *rolloutRounds {
		r := rand.New(rand.NewPCG(uint64(round), 17))
		var list []*rolled
		for i := range rolloutStacks {
			list = append(list, newRolled(r, fmt.Sprintf("r%dx%d", round, i)))
		}
		if round%2 == 0 {
			list = append(list, &rolled{name: fmt.Sprintf("r%dglobal", round), count: len(b.machines), global: true, restart: "400ms", r: rand.New(rand.NewPCG(uint64(round), 3)), log: map[string]int{}})
		}
		down := newLosses(r, round)
		var up, running sync.WaitGroup
		up.Add(len(list))
		for _, s := range list {
			running.Go(func() { s.run(t, b, &up) })
		}
		for _, o := range down {
			running.Go(func() {
				up.Wait() // what has never been up anywhere is not missed there
				o.happen(t, b)
			})
			seen[o.what]++
		}
		running.Wait()
		b.call(t, http.MethodDelete, "/rules", "")
		for _, s := range list {
			s.finish(t, b)
			s.check(t, b, down)
			s.addTo(seen)
		}
	}
	wantSeen(t, seen, "ended well", "failed", "went back", "cut off", "crashed", "grew", "stops", "machines lost", "agents restarted")
	t.Logf("%d rollouts: %v", *rolloutRounds*rolloutStacks, seen)
}

// TestRolloutKeepsEnough has the last of three instances crash as soon as the first one
// is changed. It is away for so much longer than the first must be healthy that the run
// sees it: the second one must not be taken down before it is up again.
func TestRolloutKeepsEnough(t *testing.T) {
	t.Parallel() // most of the time it waits
	b := startTruthBox(t)
	s := &rolled{name: "keep", count: 3, restart: "6s", log: map[string]int{}, update: units.Update{MaxUnavailable: 1, HealthyFor: 2000, OnFailure: units.StopOnFailure}}
	if !s.bringUp(t, b) {
		return
	}
	found, err := survey(t.Context(), b.conn, s.version(1), fleet.DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := fleet.Apply(t.Context(), b.conn, found.plan, fleet.ApplyOptions{Timeout: time.Minute, PauseAfter: 2}, func(e fleet.Event) {
		if done, ok := e.(fleet.StepDone); ok && done.Step.Unit == "keep@1.service" {
			b.call(t, http.MethodPost, "/units/exit?unit=keep@3.service", "")
		}
	})
	if err != nil || len(out.Bad()) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
	var list []event
	b.get(t, fmt.Sprintf("/journal?unit=keep*&after=%d", s.since), &list)
	back := slices.IndexFunc(list, func(e event) bool { return e.Unit == "keep@3.service" && e.Event == "up" })
	next := slices.IndexFunc(list, func(e event) bool { return e.Unit == "keep@2.service" && e.Event == "stop" })
	if back < 0 || next < back {
		t.Errorf("keep@2 goes down at %d, and keep@3 is up again at %d of %+v", next, back, list)
	}
}

// run brings the group up, tells so, and changes it some times, each with some trouble.
func (s *rolled) run(t *testing.T, b *truthBox, up *sync.WaitGroup) {
	came := s.bringUp(t, b)
	up.Done()
	if !came {
		return
	}
	s.slow(t, b)
	for n := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var trouble sync.WaitGroup
		switch s.r.IntN(5) {
		case 0:
			s.cutOff(&trouble, cancel)
		case 1:
			s.failOne(t, b)
		case 2, 3:
			if !s.global {
				s.crash(t, b, &trouble)
			}
		}
		out := s.apply(t, ctx, b, s.version(n+1), quick)
		trouble.Wait()
		cancel()
		if out == nil {
			continue
		}
		if out.Back != nil {
			s.log["went back"]++
		}
		s.ended(*out)
	}
}

// finish brings the group to its last version without trouble.
func (s *rolled) finish(t *testing.T, b *truthBox) {
	want := s.version(9)
	for range 3 {
		if out := s.apply(t, t.Context(), b, want, patient); out != nil && len(out.Bad()) == 0 {
			break
		}
	}
	found, err := survey(t.Context(), b.conn, want, fleet.DiffOptions{})
	if err != nil {
		t.Error(err)
	} else if !found.plan.Empty() {
		t.Errorf("%s: there is still something to do: %+v", s.name, found.plan.Waves)
	}
}

// loss is a machine, or its fleetd alone, that the test takes away, and when.
type loss struct {
	what     string
	machine  string
	how      string        // as the control API stops it
	wait     time.Duration // from when all are up until it is taken away
	lasts    time.Duration
	from, to time.Time
}

// losses are those of one round, each of another machine.
type losses []*loss

// newLosses draws them: the power of a machine, in two of three rounds, and fleetd of
// another, which dies in one round and is told to end in the next.
func newLosses(r *rand.Rand, round int) losses {
	machines := r.Perm(4)
	agent := &loss{what: "agents restarted", machine: fmt.Sprintf("m%d", machines[1]+1), how: "fleetd", wait: 6 * time.Second, lasts: time.Second}
	if round%2 == 1 {
		agent.how = "graceful"
	}
	list := losses{agent}
	if round%3 != 2 {
		list = append(list, &loss{what: "machines lost", machine: fmt.Sprintf("m%d", machines[0]+1), how: "kill", wait: time.Second, lasts: 3 * time.Second})
	}
	return list
}

// happen takes it away and brings it back.
func (o *loss) happen(t *testing.T, b *truthBox) {
	time.Sleep(o.wait)
	o.from = time.Now()
	b.call(t, http.MethodPost, "/machines/"+o.machine+"/stop?how="+o.how, "")
	time.Sleep(o.lasts)
	b.call(t, http.MethodPost, "/machines/"+o.machine+"/start", "")
	o.to = time.Now()
}

// lost reports whether what happens on a machine at a moment comes from a loss: it
// is away, or fleet puts right on it what has moved meanwhile.
func (list losses) lost(machine string, at time.Time) bool {
	return slices.ContainsFunc(list, func(o *loss) bool {
		return machine == o.machine && !at.Before(o.from) && at.Before(o.to.Add(20*time.Second))
	})
}
