package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/graph"
)

// Fate is what a plan does to one unit, in a word.
type Fate string

// The fates.
const (
	// Untouched runs on, or stays as it is.
	Untouched Fate = "untouched"
	// Restarts is stopped and started on the machines that have it.
	Restarts Fate = "restarts"
	// Moves is stopped on one machine and started on another.
	Moves Fate = "moves"
	// Starts comes up where it did not run.
	Starts Fate = "starts"
	// Stops goes down and is not started again.
	Stops Fate = "stops"
	// Loads comes to a machine, or stays there, and is not started.
	Loads Fate = "loads"
	// Stored is known to fleet, on no machine.
	Stored Fate = "stored"
	// Unplaced is to be on a machine, and none can have it.
	Unplaced Fate = "unplaceable"
	// Dies goes down with a neighbour and cannot start without it.
	Dies Fate = "dies"
	// Orphaned is not in the stack any more and is left as it is.
	Orphaned Fate = "orphaned"
)

// Effect is what a plan does to one unit, machine by machine. A machine is in at
// most one of the lists; those where the unit runs through are in none. A unit that is
// to be loaded only counts as one that does not run: where systemd starts it with
// another all the same, a warning of the plan says so.
type Effect struct {
	Fate Fate `json:"fate"`
	// Restarts are the machines that stop and start the unit, Starts those on which
	// it comes to run, Stops those on which it runs now and will not.
	Restarts []string `json:"restarts,omitempty"`
	Starts   []string `json:"starts,omitempty"`
	Stops    []string `json:"stops,omitempty"`
	// Sure is false where fleet has a choice: the machines are a prediction.
	Sure bool `json:"sure"`
	// AtOnce says that fleet restarts it on several machines within a fraction of a
	// second, so that for a while none has it.
	AtOnce bool `json:"at_once,omitempty"`
	// Why is the reason of a move or of there being no machine.
	Why string `json:"why,omitempty"`
}

// Touched reports whether the unit is stopped or started anywhere.
func (e Effect) Touched() bool { return len(e.Restarts)+len(e.Starts)+len(e.Stops) > 0 }

// Down reports whether machines that run the unit stop it, if only for a while.
func (e Effect) Down() bool { return len(e.Restarts)+len(e.Stops) > 0 }

// Effect tells what the plan does to a unit of its own.
func (p *Plan) Effect(u UnitPlan) Effect {
	e := Effect{Fate: Untouched, Sure: u.Placement.Sure || u.Placement.Idle && !u.Placement.Imagined}
	var before, after []string
	if u.From == units.Launched {
		before = u.Placement.Now
	}
	if u.To == units.Launched {
		after = u.Placement.Then
	}
	switch {
	case u.Action == Orphan:
		e.Fate, e.Sure = Orphaned, true
		return e
	case len(u.Loses) > 0:
		e.Fate, e.Stops = Dies, before
		return e
	case !u.Action.Writes() && !u.Follows && len(before) > 0 && len(after) > 0 && !u.Placement.Global:
		e.Sure = true
		return e
	}
	stays := both(before, after)
	if u.Action == Replace || u.Action == Restart {
		e.Restarts = stays
	}
	e.Starts, e.Stops = apartFrom(after, before), apartFrom(before, after)
	e.AtOnce = u.Placement.Global && len(e.Restarts) > 1 && !p.oneByOne(u.Unit)
	e.Fate = fateOf(u, e)
	if e.Fate == Moves || e.Fate == Unplaced {
		e.Why = whyNot(u)
	}
	return e
}

func fateOf(u UnitPlan, e Effect) Fate {
	switch {
	case u.To != "" && u.To != units.Inactive && u.Placement.Unplaceable():
		return Unplaced
	case len(e.Restarts) > 0:
		return Restarts
	case len(e.Starts) > 0 && len(e.Stops) > 0:
		return Moves
	case len(e.Starts) > 0:
		return Starts
	case len(e.Stops) > 0:
		return Stops
	case !u.Action.Writes() || u.Action == Delete:
		return Untouched
	case u.To == units.Loaded:
		return Loads
	case u.To == units.Inactive:
		return Stored
	}
	return Untouched
}

// whyNot is why the machine that a unit is on cannot have it any more, or, for one
// that was nowhere, why the first machine cannot.
func whyNot(u UnitPlan) string {
	for _, r := range u.Placement.Refused {
		if len(u.Placement.Now) == 0 || slices.Contains(u.Placement.Now, r.Machine) {
			return r.Reason
		}
	}
	return ""
}

func both(a, b []string) []string {
	var list []string
	for _, id := range a {
		if slices.Contains(b, id) {
			list = append(list, id)
		}
	}
	return list
}

func apartFrom(a, b []string) []string {
	if list := without(a, b); len(list) > 0 {
		return list
	}
	return nil
}

// Meanwhile is what a plan brings about while it is carried out.
type Meanwhile struct {
	// Order lists the units that come up, in the order that waiters and After= give.
	Order [][]units.Name `json:"order,omitempty"`
	// Down are the units that some machine stops, for a while or for good.
	Down []units.Name `json:"down,omitempty"`
	// Holding are the waiters that have something to wait for.
	Holding []Holding `json:"holding,omitempty"`
	// Without are units that run on while what they lean on is down.
	Without []Without `json:"without,omitempty"`
}

// Holding is a unit that does not start before another is ready.
type Holding struct {
	Unit    units.Name `json:"unit"`
	For     units.Name `json:"for"`
	Subject string     `json:"subject"`
	Probe   string     `json:"probe,omitempty"`
}

// Without is a unit that runs on without another.
type Without struct {
	Unit units.Name `json:"unit"`
	// Of are the units that it waited for, or is ordered after, and that are down.
	Of []units.Name `json:"of"`
}

// Meanwhile tells what is down, who waits for whom, and in which order units come
// up while the plan is carried out.
func (p *Plan) Meanwhile() Meanwhile {
	var m Meanwhile
	effects := make(map[units.Name]Effect, len(p.Units))
	rises := map[units.Name]bool{}
	for _, u := range p.Units {
		e := p.Effect(u)
		effects[u.Unit] = e
		rises[u.Unit] = len(e.Restarts)+len(e.Starts) > 0
		if e.Down() {
			m.Down = append(m.Down, u.Unit)
		}
	}
	var g graph.Graph[units.Name]
	for _, u := range p.Units {
		leans := u.leansOn()
		if rises[u.Unit] {
			g.Add(u.Unit)
			for _, w := range u.Waits {
				if w.Unit != u.Unit && rises[w.Unit] {
					m.Holding = append(m.Holding, Holding{Unit: u.Unit, For: w.Unit, Subject: w.Subject, Probe: w.Probe})
				}
			}
			for _, other := range leans {
				if rises[other] {
					g.Edge(other, u.Unit)
				}
			}
			continue
		}
		if u.To != units.Launched || effects[u.Unit].Touched() {
			continue
		}
		var of []units.Name
		for _, other := range leans {
			if effects[other].Down() {
				of = append(of, other)
			}
		}
		if len(of) > 0 {
			m.Without = append(m.Without, Without{Unit: u.Unit, Of: of})
		}
	}
	m.Order = g.Waves()
	return m
}

// leansOn lists the units that start before u: those it waits for, and those
// systemd orders before it.
func (u UnitPlan) leansOn() []units.Name {
	var list []units.Name
	add := func(name units.Name) {
		if name != "" && name != u.Unit && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, w := range u.Waits {
		add(w.Unit)
	}
	for _, e := range units.Edges(u.Unit, u.options()) {
		if e.Relation == units.After {
			add(e.Target)
		}
	}
	return list
}
