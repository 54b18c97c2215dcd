package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// The changes that TestConsequences makes: so many stacks that have nothing to do
// with each other are changed at once, so many times.
const (
	truthStacks = 25
	truthRounds = 20
)

// TestConsequences makes 500 random changes on fleet in a box, and compares what
// diff said of each with what the machines did: which units were stopped and
// started where, and which were left alone.
func TestConsequences(t *testing.T) {
	t.Parallel() // most of the time it waits
	b := startTruthBox(t)
	r := rand.New(rand.NewPCG(7, 11))
	var now []small
	for i := range truthStacks {
		now = append(now, newSmall(r, i))
	}
	right, kinds, sure, unsure := 0, map[fleet.Fate]int{}, 0, 0
	for round := range truthRounds + 1 {
		next := now
		if round > 0 {
			next = nil
			for _, s := range now {
				next = append(next, s.changed(r))
			}
		}
		report, plan, kept := b.said(t, now, next, round)
		now = kept
		before, seq := b.running(t), b.lastEvent(t)
		outcome, err := fleet.Apply(t.Context(), b.conn, plan, fleet.ApplyOptions{Timeout: 5 * time.Minute}, nil)
		if err != nil || len(outcome.Bad()) > 0 {
			t.Fatalf("round %d: %v %+v", round, err, outcome.Bad())
		}
		if round == 0 {
			b.settle(t, plan, before)
			continue
		}
		after := b.settle(t, plan, before)
		down := b.stopped(t, seq)
		wrong := map[string][]string{}
		for _, u := range plan.Units {
			e := plan.Effect(u)
			kinds[e.Fate]++
			if e.Sure {
				sure++
			} else {
				unsure++
			}
			stack, _, _ := strings.Cut(string(u.Unit), "-")
			if fault := b.differs(u, e, before, after, down); fault != "" {
				wrong[stack] = append(wrong[stack], fmt.Sprintf("%s: %s", u.Unit, fault))
			}
		}
		for _, u := range report.Units {
			if p, _ := plan.Unit(u.Unit); u.Effect.Fate != plan.Effect(p).Fate {
				t.Errorf("the report says %s of %s, the plan %s", u.Effect.Fate, u.Unit, plan.Effect(p).Fate)
			}
		}
		for _, faults := range wrong {
			t.Errorf("round %d: %s", round, strings.Join(faults, "\n\t"))
		}
		right += truthStacks - len(wrong)
	}
	if right != truthStacks*truthRounds {
		t.Errorf("%d of %d changes did what was said", right, truthStacks*truthRounds)
	}
	for _, f := range []fleet.Fate{fleet.Untouched, fleet.Restarts, fleet.Moves, fleet.Starts, fleet.Stops, fleet.Loads, fleet.Stored} {
		if kinds[f] == 0 {
			t.Errorf("none of the changes %s", f)
		}
	}
	if sure == 0 || unsure == 0 {
		t.Errorf("%d units for sure, %d predicted", sure, unsure)
	}
	t.Logf("%d changes, units by what was said: %v; %d for sure, %d predicted", right, kinds, sure, unsure)
}

// small is a stack of up to four units under one prefix.
type small struct {
	prefix string
	units  map[string]smallUnit
}

// smallUnit is a unit by what may change of it.
type smallUnit struct {
	place    string // a role, "any", "global", "global b", or the letter of the unit that it follows
	version  int
	relation string // to the unit that it follows
	after    bool
	state    units.State
	reversed bool
}

var smallPlaces = []string{"a", "b", "c", "any", "global", "global b"}

func newSmall(r *rand.Rand, i int) small {
	s := small{prefix: fmt.Sprintf("s%02d", i), units: map[string]smallUnit{}}
	for _, letter := range []string{"w", "x", "y", "z"}[:2+r.IntN(3)] {
		s.units[letter] = s.draw(r, letter)
	}
	return s
}

// draw makes a unit. Those behind "w" may follow it.
func (s small) draw(r *rand.Rand, letter string) smallUnit {
	u := smallUnit{place: smallPlaces[r.IntN(len(smallPlaces))], after: r.IntN(3) == 0, state: units.Launched}
	if leader, ok := s.units["w"]; ok && letter != "w" && len(leader.place) == 1 && r.IntN(2) == 0 {
		u.place = "w"
		u.relation = []string{"", "Requires", "BindsTo", "PartOf", "Wants"}[r.IntN(5)]
	}
	switch r.IntN(12) {
	case 0:
		u.state = units.Loaded
	case 1:
		u.state = units.Inactive
	}
	return u
}

// changed makes the next version of a stack.
func (s small) changed(r *rand.Rand) small {
	next := small{prefix: s.prefix, units: maps.Clone(s.units)}
	letters := slices.Sorted(maps.Keys(s.units))
	for _, letter := range letters {
		u := next.units[letter]
		switch r.IntN(14) {
		case 0, 1:
			u.version++
		case 2:
			if u.place != "w" && letter != "w" {
				u.place = smallPlaces[r.IntN(len(smallPlaces))]
			}
		case 3:
			if len(u.place) == 1 && u.place != "w" {
				u.place = []string{"a", "b", "c"}[r.IntN(3)]
			}
		case 4:
			u.state = []units.State{units.Launched, units.Loaded, units.Inactive}[r.IntN(3)]
		case 5:
			u.after = !u.after
		case 6:
			u.reversed = !u.reversed
		case 7:
			if len(next.units) > 1 && letter != "w" {
				delete(next.units, letter)
				continue
			}
		case 8:
			u.state = units.Launched
		}
		next.units[letter] = u
	}
	if len(next.units) < 4 && r.IntN(4) == 0 {
		for _, letter := range []string{"x", "y", "z"} {
			if _, had := next.units[letter]; !had {
				next.units[letter] = next.draw(r, letter)
				break
			}
		}
	}
	return next
}

// compiled gives the units of a stack.
func (s small) compiled() []units.Unit {
	var list []units.Unit
	leader := s.prefix + "-w.service"
	for _, letter := range slices.Sorted(maps.Keys(s.units)) {
		u := s.units[letter]
		options := []units.Option{
			{Section: "Service", Name: "ExecStart", Value: "/bin/" + letter}, {Section: "Service", Name: "Restart", Value: "always"},
			{Section: "Service", Name: "Environment", Value: fmt.Sprintf("VERSION=%d", u.version)},
		}
		if u.reversed {
			slices.Reverse(options)
		}
		// A unit that pulls in one that is only to be loaded starts it behind fleet's
		// back; what comes of it depends on which of them the machine takes first.
		if u.relation != "" && s.units["w"].state == units.Launched {
			options = append(options, units.Option{Section: "Unit", Name: u.relation, Value: leader})
		}
		if u.after && letter != "w" {
			options = append(options, units.Option{Section: "Unit", Name: "After", Value: leader})
		}
		switch u.place {
		case "w":
			options = append(options, units.Option{Section: "X-Fleet", Name: "MachineOf", Value: leader})
		case "global", "global b":
			options = append(options, units.Option{Section: "X-Fleet", Name: "Global", Value: "true"})
		}
		if role := u.place[len(u.place)-1:]; u.place != "w" && u.place != "global" && u.place != "any" {
			options = append(options, units.Option{Section: "X-Fleet", Name: "MachineMetadata", Value: "role=" + role})
		}
		list = append(list, units.Unit{Name: units.Name(s.prefix + "-" + letter + ".service"), Options: options, Desired: u.state})
	}
	return list
}

// truthSet puts the stacks together, with a unit that every machine starts last:
// when that is up, all machines have seen the change.
func truthSet(stacks []small, round int) *units.Set {
	list := []units.Unit{{Name: "zz-last.service", Desired: units.Launched, Options: []units.Option{
		{Section: "Service", Name: "ExecStart", Value: "/bin/last"}, {Section: "Service", Name: "Environment", Value: fmt.Sprintf("ROUND=%d", round)},
		{Section: "X-Fleet", Name: "Global", Value: "true"},
	}}}
	for _, s := range stacks {
		list = append(list, s.compiled()...)
	}
	for i := range list {
		list[i].Options = append(list[i].Options, units.Option{Section: "X-Stackc", Name: "Stack", Value: "truth"})
	}
	return units.NewSet("truth", list)
}

// said is what diff says of a change. A stack whose change would leave a unit
// without a place, or without a unit that it needs, is left as it was: submit would
// not do it.
func (b *truthBox) said(t *testing.T, now, next []small, round int) (*review.Report, *fleet.Plan, []small) {
	t.Helper()
	for {
		set := truthSet(next, round)
		s, err := survey(t.Context(), b.conn, set, fleet.DiffOptions{Prune: true})
		if err != nil {
			t.Fatal(err)
		}
		bad := map[string]bool{}
		for _, u := range s.plan.Units {
			stack, _, _ := strings.Cut(string(u.Unit), "-")
			bad[stack] = bad[stack] || u.Placement.Unplaceable() || len(u.Loses) > 0
		}
		again := false
		kept := slices.Clone(next)
		for i := range kept {
			if !bad[kept[i].prefix] {
				continue
			}
			again = true
			kept[i] = now[i]
			if round == 0 {
				kept[i] = small{prefix: kept[i].prefix, units: map[string]smallUnit{"w": {place: "a", state: units.Launched}}}
			}
		}
		if !again {
			old := clusterSide(s.snapshot, "truth", set.Names())
			report := review.Build(old.Side, review.Side{Set: set}, s.plan, nil, review.Options{})
			return report, s.plan, next
		}
		next = kept
	}
}

// spot is a unit on a machine.
type spot struct{ unit, machine string }

// differs compares what was said of a unit with what happened, "" when it is so.
func (b *truthBox) differs(u fleet.UnitPlan, e fleet.Effect, before, after, down map[spot]bool) string {
	var restarts, starts, stops []string
	for _, m := range b.machines {
		at := spot{string(u.Unit), m}
		switch {
		case before[at] && after[at] && down[at]:
			restarts = append(restarts, m)
		case !before[at] && after[at]:
			starts = append(starts, m)
		case before[at] && !after[at]:
			stops = append(stops, m)
		}
	}
	for _, c := range []struct {
		what      string
		said, was []string
	}{{"restarts", e.Restarts, restarts}, {"starts", e.Starts, starts}, {"stops", e.Stops, stops}} {
		if e.Sure && !slices.Equal(slices.Sorted(slices.Values(c.said)), slices.Sorted(slices.Values(c.was))) {
			return fmt.Sprintf("%s on %v, said %v (%+v)", c.what, c.was, c.said, e)
		}
	}
	// Where fleet had a choice, it is on machines that were named, and on as many as was
	// said.
	for _, m := range starts {
		if maybe := u.Placement.Maybe; !e.Sure && len(maybe) > 0 && !slices.Contains(maybe, m) {
			return fmt.Sprintf("starts on %v, said one of %v", starts, maybe)
		}
	}
	if gain := len(e.Starts) - len(e.Stops); !e.Sure && gain != len(starts)-len(stops) {
		return fmt.Sprintf("starts on %v and stops on %v, said %+v", starts, stops, e)
	}
	return ""
}

// settle waits until as many machines run each unit as was said, and returns what
// runs; after a while it returns that as it is.
func (b *truthBox) settle(t *testing.T, plan *fleet.Plan, before map[spot]bool) map[spot]bool {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		after := b.running(t)
		settled := true
		for _, u := range plan.Units {
			e := plan.Effect(u)
			was, is := 0, 0
			for _, m := range b.machines {
				if before[spot{string(u.Unit), m}] {
					was++
				}
				if after[spot{string(u.Unit), m}] {
					is++
				}
			}
			settled = settled && is == was+len(e.Starts)-len(e.Stops)
		}
		if settled || time.Now().After(deadline) {
			return after
		}
	}
}
