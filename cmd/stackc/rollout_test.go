package main

import (
	"context"
	"flag"
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
	conn, err := fleet.Dial(fleet.Config{Endpoint: b.endpoint})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
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
			running.Go(func() { s.run(t, b, conn, &up) })
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
			s.finish(t, b, conn)
			s.check(t, b, down)
			for what, n := range s.log {
				seen[what] += n
			}
		}
	}
	for _, what := range []string{"ended well", "failed", "went back", "cut off", "crashed", "grew", "stops", "machines lost", "agents restarted"} {
		if seen[what] == 0 {
			t.Errorf("none of the rollouts had this: %s", what)
		}
	}
	t.Logf("%d rollouts: %v", *rolloutRounds*rolloutStacks, seen)
}

// TestRolloutKeepsEnough has the last of three instances crash as soon as the first one
// is changed. It is away for so much longer than the first must be healthy that the run
// sees it: the second one must not be taken down before it is up again.
func TestRolloutKeepsEnough(t *testing.T) {
	t.Parallel() // most of the time it waits
	b := startTruthBox(t)
	conn, err := fleet.Dial(fleet.Config{Endpoint: b.endpoint})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := &rolled{name: "keep", count: 3, restart: "6s", log: map[string]int{}, update: units.Update{MaxUnavailable: 1, HealthyFor: 2000, OnFailure: units.StopOnFailure}}
	if out := s.apply(t, t.Context(), conn, s.version(0), patient); out == nil || len(out.Bad()) > 0 {
		t.Fatalf("it did not come up: %+v", out)
	}
	s.since = b.lastEvent(t)
	found, err := survey(t.Context(), conn, s.version(1), fleet.DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := fleet.Apply(t.Context(), conn, found.plan, fleet.ApplyOptions{Timeout: time.Minute, PauseAfter: 2}, func(e fleet.Event) {
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

// run brings the group up, tells so, and changes it some times, each with some trouble.
func (s *rolled) run(t *testing.T, b *truthBox, conn *fleet.Conn, up *sync.WaitGroup) {
	out := s.apply(t, t.Context(), conn, s.version(0), patient)
	s.since = b.lastEvent(t)
	up.Done()
	if out == nil || len(out.Bad()) > 0 {
		t.Errorf("%s did not come up: %+v", s.name, out)
		return
	}
	b.call(t, http.MethodPost, "/rules", fmt.Sprintf(`{"unit":"%s*","delay":"%dms","stop_delay":"%dms"}`, s.name, s.r.IntN(500), s.r.IntN(200)))
	for n := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var trouble sync.WaitGroup
		switch s.r.IntN(5) {
		case 0: // the run is cut off, and another goes on
			s.log["cut off"]++
			pause := time.Duration(s.r.IntN(2500)) * time.Millisecond
			trouble.Go(func() { time.Sleep(pause); cancel() })
		case 1: // a new one does not come up
			b.call(t, http.MethodPost, "/rules", fmt.Sprintf(`{"unit":"%s@%d.service","fail":true,"times":%d}`, s.name, 1+s.r.IntN(s.count), 1+s.r.IntN(20)))
		case 2, 3: // one that runs crashes
			if !s.global {
				trouble.Go(func() { s.crash(t, b) })
			}
		}
		out := s.apply(t, ctx, conn, s.version(n+1), quick)
		trouble.Wait()
		cancel()
		switch {
		case out == nil:
		case out.Back != nil:
			s.log["went back"]++
			fallthrough
		case len(out.Bad()) > 0:
			s.log["failed"]++
		case len(out.Left) == 0:
			s.log["ended well"]++
		}
	}
}

// How long a unit may be dead that should run: so short in the midst of trouble that
// runs fail by it, and otherwise as long as a busy machine may need.
const quick, patient = 3 * time.Second, 20 * time.Second

// apply plans for a set and carries that out; nil when it was cut off.
func (s *rolled) apply(t *testing.T, ctx context.Context, conn *fleet.Conn, set *units.Set, patience time.Duration) *fleet.Outcome {
	found, err := survey(ctx, conn, set, fleet.DiffOptions{})
	if err == nil {
		if len(found.plan.Rollouts) > 0 && s.update.MaxExtra > 0 {
			s.log["grew"]++
		}
		var out fleet.Outcome
		if out, err = fleet.Apply(ctx, conn, found.plan, fleet.ApplyOptions{Timeout: 20 * time.Second, Patience: patience}, nil); err == nil {
			return &out
		}
	}
	if ctx.Err() == nil {
		t.Errorf("%s: %v", s.name, err)
	}
	return nil
}

// crash ends the program of a random instance.
func (s *rolled) crash(t *testing.T, b *truthBox) {
	time.Sleep(time.Duration(200+s.r.IntN(1500)) * time.Millisecond)
	b.call(t, http.MethodPost, fmt.Sprintf("/units/exit?unit=%s@%d.service", s.name, 1+s.r.IntN(s.count)), "")
	s.log["crashed"]++
}

// finish brings the group to its last version without trouble.
func (s *rolled) finish(t *testing.T, b *truthBox, conn *fleet.Conn) {
	want := s.version(9)
	for range 3 {
		if out := s.apply(t, t.Context(), conn, want, patient); out != nil && len(out.Bad()) == 0 {
			break
		}
	}
	found, err := survey(t.Context(), conn, want, fleet.DiffOptions{})
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

// call calls the control API.
func (b *truthBox) call(t *testing.T, method, path, body string) {
	req, err := http.NewRequest(method, b.control+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s", method, path, resp.Status)
	}
}
