package fleet

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// Steer says what is to become of units whose content stays as it is.
type Steer string

// What can become of them.
const (
	// Start launches units, and brings up those that failed or were left dead.
	Start Steer = "start"
	// Stop stops units and leaves them loaded, so that they keep their machines.
	Stop Steer = "stop"
	// Unload takes units off their machines.
	Unload Steer = "unload"
	// Again restarts units that run, one instance of a kind after the other or as their
	// update says, and starts those that do not.
	Again Steer = "restart"
)

// state is the desired state that it asks for.
func (how Steer) state() units.State {
	switch how {
	case Stop:
		return units.Loaded
	case Unload:
		return units.Inactive
	}
	return units.Launched
}

// PlanSteer makes the plan for that. The names are units of the snapshot that belong
// to the stack, or to nobody if stack is "". known may tell what units wait for, and how
// they are rolled out, which a restart keeps to. Other units of the stack are in the plan
// only if they go down with those and have to be restarted, or if they count as instances
// of what is restarted.
func PlanSteer(s *Snapshot, stack string, names []units.Name, how Steer, known *units.Set) *Plan {
	set := units.NewSet(stack, steered(s, stack, names, how, known))
	var changes []Change
	for _, want := range set.Units {
		live, _ := s.Unit(want.Name)
		change := Change{Unit: want.Name, Action: None, From: live.Desired, To: want.Desired, OldHash: live.Hash, NewHash: live.Hash}
		if slices.Contains(names, want.Name) {
			change = steerChange(s, live, want, how, change)
		}
		changes = append(changes, change)
	}
	p := NewPlan(s, set, changes, Place(s, set, changes))
	var groups []restarting
	if how == Again {
		groups = p.restartings(s, set)
	}
	p.Units = slices.DeleteFunc(p.Units, func(u UnitPlan) bool {
		counts := slices.ContainsFunc(groups, func(r restarting) bool { return slices.Contains(r.Units, u.Unit) })
		return !slices.Contains(names, u.Unit) && !u.Action.Writes() && !counts
	})
	if how == Again {
		p.roll(s, groups, names)
	}
	for i := range p.Units {
		if u := &p.Units[i]; p.Beside(*u) && u.Placement.Unplaceable() {
			u.Placement.Idle = true // where it is to go is not this plan's matter
		}
	}
	p.Base = s.Digest(p.names())
	return p
}

// steered are the units of the stack as they are to be.
func steered(s *Snapshot, stack string, names []units.Name, how Steer, known *units.Set) []units.Unit {
	var list []units.Unit
	for _, live := range s.Units {
		chosen := slices.Contains(names, live.Name)
		if !chosen && (stack == "" || s.OwnerOf(live) != stack) {
			continue
		}
		want := units.Unit{Name: live.Name, Options: live.Options, Desired: live.Desired}
		if known != nil {
			told, _ := known.Lookup(live.Name)
			want.Waits, want.Group = told.Waits, told.Group
			if how == Again {
				want.Update = told.Update
			}
		}
		if chosen {
			want.Desired = how.state()
		}
		list = append(list, want)
	}
	return list
}

func steerChange(s *Snapshot, live Unit, want units.Unit, how Steer, change Change) Change {
	switch {
	case change.From != change.To:
		change.Action = SetState
	case how == Start:
		if change.Reason = deadReason(s, live, want); change.Reason != "" {
			change.Action = Restart
		}
	case how == Again:
		change.Action, change.Reason = Restart, "as asked"
	}
	return change
}

// roll puts the requests into waves of which each has one instance of every kind, or as
// many as its update says, and each waits until those before are up, or healthy.
func (p *Plan) roll(s *Snapshot, groups []restarting, names []units.Name) {
	leads := func(n units.Name) bool { return slices.Contains(names, n) && (len(groups) == 0 || !p.follows(n)) }
	turns := p.turns(p.batchRestarts(s, groups, leads), leads)
	last := 0
	for _, turn := range turns {
		last = max(last, turn)
	}
	p.settleBatches(groups, turns, last)
	p.inTurns(turns, last, func(turn int) Wave { return p.restartGate(groups, turns, turn) })
}

// turns counts instances of one template that have no turn yet. A unit that goes down
// with others has the turn of the last of them.
func (p *Plan) turns(turns map[units.Name]int, leads func(units.Name) bool) map[units.Name]int {
	seen := map[string]int{}
	for _, u := range p.Units {
		kind, _, counted := strings.Cut(string(u.Unit), "@")
		if _, batched := turns[u.Unit]; counted && !batched && leads(u.Unit) {
			turns[u.Unit] = seen[kind]
			seen[kind]++
		}
	}
	p.followTurns(turns, leads)
	return turns
}
