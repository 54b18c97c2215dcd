package fleet

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// drawStack makes units that lean on each other in all ways.
func drawStack(t *rapid.T, label string) *units.Set {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 1, 6, rapid.ID).Draw(t, label)
	var list []units.Unit
	for _, name := range names {
		items := []string{fmt.Sprintf("Nice=%d", rapid.IntRange(0, 1).Draw(t, "nice")), "ExecStart=/bin/" + name}
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			items = append(items, "Type=oneshot")
		}
		var waiters []string
		for range rapid.IntRange(0, 2).Draw(t, "edges") {
			relation := rapid.SampledFrom([]string{"After", "Wants", "Requires", "BindsTo", "PartOf"}).Draw(t, "relation")
			other := rapid.SampledFrom(names).Draw(t, "other")
			items = append(items, "[Unit] "+relation+"="+other+".service")
			if rapid.IntRange(0, 2).Draw(t, "waits") == 0 {
				waiters = append(waiters, other+".service")
			}
		}
		switch rapid.IntRange(0, 5).Draw(t, "place") {
		case 0:
			items = append(items, "[X-Fleet] Global=true")
		case 1:
			items = append(items, "[X-Fleet] MachineMetadata=role=master")
		}
		u := waits(unit(name, items...), waiters...)
		u.Desired = rapid.SampledFrom([]units.State{units.Launched, units.Launched, units.Launched, units.Loaded, units.Inactive}).Draw(t, "state")
		list = append(list, u)
	}
	return set(list...)
}

// drawNext makes a stack out of another: units stay, change, go and come.
func drawNext(t *rapid.T, was *units.Set) *units.Set {
	next := map[units.Name]units.Unit{}
	for _, u := range drawStack(t, "new").Units {
		if _, had := was.Lookup(u.Name); !had && rapid.Bool().Draw(t, "comes") {
			next[u.Name] = u
		}
	}
	for _, u := range was.Units {
		switch rapid.IntRange(0, 5).Draw(t, "fate") {
		case 0:
			continue
		case 1:
			u.Desired = rapid.SampledFrom([]units.State{units.Launched, units.Loaded, units.Inactive}).Draw(t, "state")
		case 2, 3:
			u.Options = append(slices.Clone(u.Options), units.Option{Section: "Service", Name: "Nice", Value: "3"})
		}
		next[u.Name] = u
	}
	return set(slices.Collect(maps.Values(next))...)
}

// TestPlansConverge brings a cluster from one random stack to another. After that
// nothing is left to do, everything runs, and nothing was written that need not be.
func TestPlansConverge(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		first := drawStack(r, "first")
		second := drawNext(r, first)
		synctest.Test(t, func(t *testing.T) {
			c := fleettest.New(fleettest.Machines(1)...)
			defer c.Close()
			conn := dial(t, c, Config{})
			defer conn.Close()
			converge(t, c, conn, first, DiffOptions{})
			converge(t, c, conn, second, DiffOptions{Prune: len(second.Units) > 0})
		})
		if t.Failed() {
			r.FailNow()
		}
	})
}

func converge(t *testing.T, c *fleettest.Cluster, conn *Conn, want *units.Set, o DiffOptions) {
	p := planFor(t, conn, want, o)
	out, err := Apply(t.Context(), conn, p, ApplyOptions{Timeout: time.Hour}, nil)
	if err != nil {
		t.Error(err)
	}
	if bad := out.Bad(); len(bad) > 0 && !needsMissing(want) {
		t.Errorf("ended badly: %+v\n%+v", bad, p.Waves)
	}
	if len(out.Bad()) > 0 {
		return
	}
	s, err := TakeAll(t.Context(), conn, nil)
	if err != nil {
		t.Error(err)
	}
	changes, refusals := Diff(s, want, o)
	for _, change := range changes {
		if change.Action != None && change.Action != Orphan {
			t.Errorf("left after the plan: %+v\n%s", change, planText(p))
		}
	}
	if len(refusals) > 0 || o.Prune && len(changes) != len(want.Units) {
		t.Errorf("%d changes for %d units, %v", len(changes), len(want.Units), refusals)
	}
	if again := planFor(t, conn, want, o); !again.Empty() {
		t.Errorf("second plan: %+v", again.Waves)
	}
	checkWaves(t, p)
}

// planText is a plan in a form that a person can follow.
func planText(p *Plan) string {
	var b strings.Builder
	for _, u := range p.Units {
		fmt.Fprintf(&b, "%s %s %s->%s %v:", u.Unit, u.Action, u.From, u.To, u.Placement.Then)
		for _, e := range units.Edges(u.Unit, u.options()) {
			fmt.Fprintf(&b, " %s=%s", e.Relation, e.Target)
		}
		fmt.Fprintf(&b, " waits %v\n", u.Waits)
	}
	return b.String() + fmt.Sprintf("%+v\n", p.Waves)
}

// needsMissing reports whether some unit needs one that is not to be loaded, or
// must not be without one that is not to run: such a stack cannot come up.
func needsMissing(want *units.Set) bool {
	for _, u := range want.Units {
		for _, e := range units.Edges(u.Name, u.Options) {
			other, ok := want.Lookup(e.Target)
			if u.Desired == units.Launched && e.Relation.Needs() && (!ok || other.Desired == units.Inactive) {
				return true
			}
		}
	}
	return false
}

// checkWaves looks at a plan as an auditor would: each step has a reason, comes
// once, and no unit is launched before what it pulls in can be there.
func checkWaves(t *testing.T, p *Plan) {
	launchedIn := map[units.Name]int{}
	writtenIn := map[units.Name]int{}
	for i, w := range p.Waves {
		for _, s := range w.Steps {
			u, ok := p.Unit(s.Unit)
			if !ok || !u.Action.Writes() {
				t.Errorf("step %+v has no reason", s)
			}
			if _, twice := writtenIn[s.Unit]; twice && u.Held == "" {
				t.Errorf("%s is written twice", s.Unit)
			}
			if _, twice := writtenIn[s.Unit]; !twice {
				writtenIn[s.Unit] = i
			}
			if s.State == units.Launched {
				launchedIn[s.Unit] = i
			}
		}
	}
	for _, u := range p.Units {
		if u.Action.Writes() && u.Action != Delete && u.To == units.Launched {
			checkUnit(t, p, u, launchedIn, writtenIn)
		}
	}
}

func checkUnit(t *testing.T, p *Plan, u UnitPlan, launchedIn, writtenIn map[units.Name]int) {
	launched, ok := launchedIn[u.Unit]
	if !ok {
		t.Errorf("%s is never launched", u.Unit)
		return
	}
	for _, e := range units.Edges(u.Unit, u.options()) {
		other, ok := p.Unit(e.Target)
		if !ok || other.Action != Create || other.To == units.Inactive || !e.Relation.Pulls() || covered(&u, e.Target) || e.Target == u.Unit {
			continue
		}
		w := p.Waves[launched]
		if launched <= writtenIn[e.Target] || w.When != WhenLoaded || !slices.Contains(w.Hold, e.Target) {
			t.Errorf("%s is launched in wave %d, %s, which it %s, is written in %d: %+v", u.Unit, launched, e.Target, e.Relation, writtenIn[e.Target], p.Waves)
		}
	}
}

// TestPlanIsDeterministic shuffles all that comes in.
func TestPlanIsDeterministic(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		was, want := drawStack(r, "was"), drawStack(r, "want")
		var list []Unit
		var states []UnitState
		for _, u := range was.Units {
			list = append(list, on(u, rapid.SampledFrom([]string{"n1", "n2"}).Draw(r, "machine")))
			states = append(states, row(u, "n1", "loaded/active/running"), row(u, "n2", "loaded/failed/failed"))
		}
		make := func() *Plan {
			s := NewSnapshot(threeMachines(), list, states)
			changes, _ := Diff(s, want, DiffOptions{Prune: true})
			return NewPlan(s, want, changes, Place(s, want, changes))
		}
		first := make()
		for range 5 {
			rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			rand.Shuffle(len(states), func(i, j int) { states[i], states[j] = states[j], states[i] })
			if again := make(); !reflect.DeepEqual(first, again) {
				r.Fatalf("the same input gave two plans:\n%+v\n%+v", first, again)
			}
		}
	})
}
