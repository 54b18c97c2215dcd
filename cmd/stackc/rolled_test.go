package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// rolled is a group of instances, or a global unit, and what is done to it.
type rolled struct {
	name   string
	count  int
	global bool
	update units.Update
	// restart is how long an instance is away that has crashed.
	restart string
	r       *rand.Rand
	since   int // where the journal was when the first change began
	log     map[string]int
}

func newRolled(r *rand.Rand, name string) *rolled {
	s := &rolled{name: name, count: 2 + r.IntN(4), r: rand.New(rand.NewPCG(r.Uint64(), r.Uint64())), log: map[string]int{}}
	s.update = units.Update{MaxUnavailable: 1 + r.IntN(s.count-1), HealthyFor: r.IntN(600), OnFailure: units.StopOnFailure}
	if r.IntN(2) == 0 {
		s.update.MaxExtra, s.update.MaxUnavailable = 1+r.IntN(2), r.IntN(2)
	}
	s.restart = []string{"400ms", "8s", "8s"}[r.IntN(3)]
	if r.IntN(2) == 0 {
		s.update.OnFailure = units.RollBackOnFailure
	}
	return s
}

// version is the set with that content.
func (s *rolled) version(n int) *units.Set {
	content := []units.Option{
		{Section: "Unit", Name: "StartLimitIntervalSec", Value: "0"},
		{Section: "Service", Name: "ExecStart", Value: fmt.Sprintf("/bin/%s %d", s.name, n)},
		{Section: "Service", Name: "Restart", Value: "always"}, {Section: "Service", Name: "RestartSec", Value: s.restart},
	}
	mark := units.Option{Section: units.MarkSection, Name: units.MarkStack, Value: s.name}
	if s.global {
		update := units.Update{OneMachine: true, HealthyFor: 200, OnFailure: units.RollBackOnFailure}
		options := append(content, units.Option{Section: "X-Fleet", Name: "Global", Value: "true"}, mark)
		return units.NewSet(s.name, []units.Unit{{Name: units.Name(s.name + ".service"), Desired: units.Launched, Options: options, Update: &update}})
	}
	var list, spares []units.Unit
	for i := range s.count + s.update.MaxExtra {
		u := units.Unit{Name: units.Name(fmt.Sprintf("%s@%d.service", s.name, i+1)), Desired: units.Launched, Group: s.name, Update: &s.update}
		u.Options = append(slices.Clone(content), mark)
		if i < s.count {
			list = append(list, u)
			continue
		}
		u.Options = append(u.Options, units.Option{Section: units.MarkSection, Name: units.MarkExtra, Value: s.name})
		spares = append(spares, u)
	}
	return units.NewSet(s.name, list).WithSpares(spares)
}

// bringUp brings the group up for the first time, and reports whether it came.
func (s *rolled) bringUp(t *testing.T, b *truthBox) bool {
	out := s.apply(t, t.Context(), b, s.version(0), patient)
	s.since = b.lastEvent(t)
	if out == nil || len(out.Bad()) > 0 {
		t.Errorf("%s did not come up: %+v", s.name, out)
		return false
	}
	return true
}

// slow has the instances take a while from now on to start and to stop.
func (s *rolled) slow(t *testing.T, b *truthBox) {
	b.call(t, http.MethodPost, "/rules", fmt.Sprintf(`{"unit":"%s*","delay":"%dms","stop_delay":"%dms"}`, s.name, s.r.IntN(500), s.r.IntN(200)))
}

// The troubles draw and count before anything runs beside the change that they are to
// meet: s belongs to whoever makes that.

// cutOff ends a run in its midst. Another goes on later.
func (s *rolled) cutOff(trouble *sync.WaitGroup, cancel context.CancelFunc) {
	s.log["cut off"]++
	pause := time.Duration(s.r.IntN(2500)) * time.Millisecond
	trouble.Go(func() { time.Sleep(pause); cancel() })
}

// failOne has an instance not come up the next times.
func (s *rolled) failOne(t *testing.T, b *truthBox) {
	b.call(t, http.MethodPost, "/rules", fmt.Sprintf(`{"unit":"%s@%d.service","fail":true,"times":%d}`, s.name, 1+s.r.IntN(s.count), 1+s.r.IntN(20)))
}

// crash ends the program of a random instance.
func (s *rolled) crash(t *testing.T, b *truthBox, trouble *sync.WaitGroup) {
	s.log["crashed"]++
	pause := time.Duration(200+s.r.IntN(1500)) * time.Millisecond
	path := fmt.Sprintf("/units/exit?unit=%s@%d.service", s.name, 1+s.r.IntN(s.count))
	trouble.Go(func() {
		time.Sleep(pause)
		b.call(t, http.MethodPost, path, "")
	})
}

// How long a unit may be dead that should run: so short in the midst of trouble that
// runs fail by it, and otherwise as long as a busy machine may need.
const quick, patient = 3 * time.Second, 20 * time.Second

// apply plans for a set and carries that out; nil when it was cut off.
func (s *rolled) apply(t *testing.T, ctx context.Context, b *truthBox, set *units.Set, patience time.Duration) *fleet.Outcome {
	found, err := survey(ctx, b.conn, set, fleet.DiffOptions{})
	if err == nil {
		if len(found.plan.Rollouts) > 0 && s.update.MaxExtra > 0 {
			s.log["grew"]++
		}
		var out fleet.Outcome
		if out, err = fleet.Apply(ctx, b.conn, found.plan, fleet.ApplyOptions{Timeout: 45 * time.Second, Patience: patience}, nil); err == nil {
			return &out
		}
	}
	if ctx.Err() == nil {
		t.Errorf("%s: %v", s.name, err)
	}
	return nil
}

// ended counts how a run ended, and reports whether well.
func (s *rolled) ended(out fleet.Outcome) bool {
	switch {
	case len(out.Bad()) > 0 || out.Back != nil:
		s.log["failed"]++
	case len(out.Left) == 0:
		s.log["ended well"]++
		return true
	}
	return false
}

// addTo adds what the group has met to what all have.
func (s *rolled) addTo(seen map[string]int) {
	for what, n := range s.log {
		seen[what] += n
	}
}

// wantSeen holds a test to have met all that it is for.
func wantSeen(t *testing.T, seen map[string]int, all ...string) {
	t.Helper()
	for _, what := range all {
		if seen[what] == 0 {
			t.Errorf("none of the runs had this: %s", what)
		}
	}
}

// noticed is how long a crash may go unseen by a run: the machine tells it, and the
// run looks once a second. A machine is missed after its TTL of 8 s.
const noticed, missed = 5 * time.Second, 15 * time.Second

// away is an instance that is not up: since when, and who has taken it down.
type away struct {
	since time.Time
	ours  bool // the rollout
	lost  bool // with its machine
}

// check goes through all that the machines did to the group.
func (s *rolled) check(t *testing.T, b *truthBox, down losses) {
	var list []struct {
		event
		Time time.Time
	}
	b.get(t, "/journal?unit="+s.name+"*", &list)
	up := map[string]map[string]bool{} // by instance: the machines on which it is up
	gone := map[string]away{}
	for _, e := range list {
		instance := e.Unit
		if s.global {
			if strings.Contains(e.Unit, ".back-") {
				continue
			}
			instance = e.Machine // the unit and its stand-in are one
		}
		if up[instance] == nil {
			up[instance] = map[string]bool{}
		}
		before := len(up[instance]) > 0
		at := e.Unit + " on " + e.Machine
		switch e.Event {
		case "up":
			up[instance][at] = true
			delete(gone, instance)
		case "stop", "stopped", "failed", "done", "auto-restart", "power-off", "unload":
			delete(up[instance], at)
		}
		if !before || len(up[instance]) > 0 || e.Seq <= s.since {
			continue
		}
		lost := down.lost(e.Machine, e.Time)
		gone[instance] = away{since: e.Time, lost: lost, ours: !lost && e.Event == "stop"}
		s.moment(t, e.event, e.Time, up, gone)
	}
}

// moment looks at the group when an instance has just gone down.
func (s *rolled) moment(t *testing.T, e event, at time.Time, up map[string]map[string]bool, gone map[string]away) {
	healthy, theirs, fresh := 0, 0, 0
	for _, machines := range up {
		if len(machines) > 0 {
			healthy++
		}
	}
	for _, a := range gone {
		limit := noticed
		if a.lost {
			limit = missed
		}
		if !a.ours {
			theirs++
			if at.Sub(a.since) < limit || a.lost && s.global { // a machine that is gone is none of the machines
				fresh++
			}
		}
	}
	least := s.count - s.update.MaxUnavailable
	if s.global {
		least = s.count - 1
	}
	if healthy < least-theirs {
		t.Errorf("%s %+v: %d are up when %s goes down, %d must be, %d of them the test has taken down: %v", s.name, s.update, healthy, e.Unit, least, theirs, gone)
	}
	if len(up) > s.count+s.update.MaxExtra {
		t.Errorf("%s %+v: %d instances: %v", s.name, s.update, len(up), up)
	}
	if e.Event != "stop" || gone[e.Unit].lost {
		return
	}
	s.log["stops"]++
	if healthy < least-fresh {
		t.Errorf("%s %+v: %s is taken down at %s, and %d are up, %d must be, %d are away too short to be seen: %v", s.name, s.update, e.Unit, at.Format("05.000"), healthy, least, fresh, gone)
	}
}
