package fleet

import (
	"cmp"
	"slices"

	"github.com/coreos/fleet/job"

	"github.com/stackc/stackc/units"
)

// Placement is where fleet will run a unit, as far as can be foreseen.
type Placement struct {
	Unit units.Name `json:"unit"`
	// Global says that the unit runs on every machine that matches.
	Global bool `json:"global,omitempty"`
	// Now are the IDs of the machines that have the unit, Then those that will.
	Now  []string `json:"now,omitempty"`
	Then []string `json:"then,omitempty"`
	// Sure says that Then holds in whichever order fleet takes the requests and the
	// units of a pass, which is random. Otherwise Then is a prediction: what comes
	// of the order of names.
	Sure bool `json:"sure,omitempty"`
	// Maybe are all machines that may have the unit in the end, where that is not
	// sure, and MayWait says that another order may leave no machine for it.
	Maybe   []string `json:"maybe,omitempty"`
	MayWait bool     `json:"may_wait,omitempty"`
	// Imagined says that Now is a prediction too: no cluster was asked (PlanBetween).
	Imagined bool `json:"-"`
	// Refused tells machine by machine why it cannot have the unit. For a unit
	// that is placed these are the others.
	Refused []MachineRefusal `json:"refused,omitempty"`
	// Idle says that the unit is not to be on any machine.
	Idle bool `json:"idle,omitempty"`
}

// MachineRefusal is why one machine cannot run a unit.
type MachineRefusal struct {
	Machine string `json:"machine"`
	// Reason reads after a colon: "metadata role=master, needs role=node".
	Reason string `json:"reason"`
}

// Unplaceable reports whether the unit is to run and no machine can have it.
func (p Placement) Unplaceable() bool { return !p.Idle && len(p.Then) == 0 }

// Moves reports whether the unit leaves a machine that it is on.
func (p Placement) Moves() bool {
	return len(p.Then) > 0 && slices.ContainsFunc(p.Now, func(id string) bool { return !slices.Contains(p.Then, id) })
}

// Place foresees where fleet will run the units after the changes, by fleet's own
// rules. It gives one Placement for each Change, in the same order.
func Place(s *Snapshot, set *units.Set, changes []Change) []Placement {
	return place(s, set, changes, s)
}

// place is Place for a cluster of which known says what is sure.
func place(s *Snapshot, set *units.Set, changes []Change, known *Snapshot) []Placement {
	outlook := foresee(newEngine(known.Machines, known.Units), newEngine(known.Machines, changed(known, set, changes)))
	before := newEngine(s.Machines, s.Units)
	before.agents()
	after := newEngine(s.Machines, changed(s, set, changes))
	after.settle()
	after.agents()
	placements := make([]Placement, len(changes))
	for i, change := range changes {
		placements[i] = after.placement(before, outlook, change.Unit)
	}
	return placements
}

// changed is the cluster's units as the changes leave them, before fleet has
// placed anything anew.
func changed(s *Snapshot, set *units.Set, changes []Change) []Unit {
	byName := make(map[units.Name]Unit, len(s.Units)+len(changes))
	for _, u := range s.Units {
		byName[u.Name] = u
	}
	for _, change := range changes {
		if change.Action == Delete {
			delete(byName, change.Unit)
			continue
		}
		u := byName[change.Unit]
		if want, ok := set.Lookup(change.Unit); ok {
			u.Name, u.Desired = want.Name, want.Desired
			if change.Action == Create || change.Action == Replace {
				u.Options = want.Options
			}
		}
		byName[change.Unit] = u
	}
	list := make([]Unit, 0, len(byName))
	for _, u := range byName {
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b Unit) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// placement reads where the settled engine has a unit.
func (e *engine) placement(before *engine, o *outlook, name units.Name) Placement {
	p := Placement{Unit: name, Now: before.machinesOf(name)}
	j := e.find(name)
	if j == nil {
		p.Idle = true
		return p
	}
	p.Global = j.global
	p.Idle = j.TargetState == job.JobStateInactive
	if p.Idle {
		return p
	}
	p.Then = e.machinesOf(name)
	o.tell(&p)
	for _, h := range e.hosts {
		if !slices.Contains(p.Then, h.id()) {
			if reason := e.refusal(h, j); reason != "" {
				p.Refused = append(p.Refused, MachineRefusal{Machine: h.id(), Reason: reason})
			}
		}
	}
	return p
}

// machinesOf lists the machines that run the unit, by ID.
func (e *engine) machinesOf(name units.Name) []string {
	j := e.find(name)
	if j == nil || j.TargetState == job.JobStateInactive {
		return nil
	}
	var ids []string
	for _, h := range e.hosts {
		if h.runs[j.Name] != nil {
			ids = append(ids, h.id())
		}
	}
	return ids
}
