package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
)

// These stand for machines where none are known: the one that a unit is on, and
// another that it moves to.
const (
	Anywhere  = "*"
	Elsewhere = "*>"
)

// Imagine makes the snapshot of a cluster that holds old and has these machines,
// each unit where fleet would put it, and nothing else. With no machines it is a
// cluster of which only the units are known; see [PlanBetween].
func Imagine(machines []Machine, old *units.Set) *Snapshot {
	var list []Unit
	for _, u := range old.Units {
		list = append(list, Unit{Name: u.Name, Options: u.Options, Hash: u.Hash(), Desired: u.Desired, Current: u.Desired})
	}
	s := NewSnapshot(machines, list, nil)
	if len(machines) == 0 {
		s.NoMachines = true
		return s
	}
	e := newEngine(s.Machines, s.Units)
	e.settle()
	for i, u := range s.Units {
		if j := e.find(u.Name); j != nil {
			s.Units[i].Machine = j.TargetMachineID
		}
	}
	return s
}

// PlanBetween makes the plan that would bring a cluster that holds old to new, by
// the same rules as a plan for a real one. Without machines it says what happens
// and not where: [Anywhere] stands for the machine that a unit is on.
func PlanBetween(machines []Machine, old, new *units.Set, options DiffOptions) (*Plan, []Refusal) {
	s := Imagine(machines, old)
	options.Adopt = true
	changes, refusals := Diff(s, new, options)
	if len(refusals) > 0 {
		return nil, refusals
	}
	if !s.NoMachines {
		nowhere := *s // where the units are is a prediction too
		nowhere.Units = slices.Clone(s.Units)
		for i := range nowhere.Units {
			nowhere.Units[i].Machine = ""
		}
		placements := place(s, new, changes, &nowhere)
		choices := chosen(machines, old)
		for i, p := range placements {
			if len(p.Now) > 0 && choices[p.Unit] {
				placements[i].Sure, placements[i].Imagined = false, true
			}
		}
		return NewPlan(s, new, changes, placements), nil
	}
	return NewPlan(s, new, changes, somewhere(old, new, changes)), nil
}

// chosen are the units of which fleet had a choice where to put them: on an imagined
// cluster the machine that such a unit is on is itself a prediction. Who follows
// another (MachineOf=) is where that is.
func chosen(machines []Machine, old *units.Set) map[units.Name]bool {
	changes := make([]Change, len(old.Units))
	leaders := map[units.Name][]string{}
	for i, u := range old.Units {
		changes[i] = Change{Unit: u.Name, Action: Create, To: u.Desired}
		where, _ := units.ParsePlacement(u.Name, u.Options)
		leaders[u.Name] = where.MachineOf
	}
	choices := map[units.Name]bool{}
	for _, p := range Place(NewSnapshot(machines, nil, nil), old, changes) {
		choices[p.Unit] = len(leaders[p.Unit]) == 0 && !p.Sure && !p.Idle && !p.Global
	}
	for again := true; again; {
		again = false
		for name, list := range leaders {
			follows := slices.ContainsFunc(list, func(leader string) bool { return choices[units.Name(leader)] })
			if follows && !choices[name] {
				choices[name], again = true, true
			}
		}
	}
	return choices
}

// somewhere gives each unit a place without knowing any machine.
func somewhere(old, new *units.Set, changes []Change) []Placement {
	moves := departures(old, new)
	list := make([]Placement, len(changes))
	for i, c := range changes {
		p := Placement{Unit: c.Unit, Sure: true}
		if onMachine(c.From) {
			p.Now = []string{Anywhere}
		}
		want, ok := new.Lookup(c.Unit)
		if !ok {
			want, _ = old.Lookup(c.Unit)
		}
		where, _ := units.ParsePlacement(c.Unit, want.Options)
		p.Global = where.Global
		switch {
		case c.Action == Orphan:
			p.Then = p.Now
		case !onMachine(c.To):
			p.Idle = true
		case moves[c.Unit]:
			p.Then = []string{Elsewhere}
		default:
			p.Then = []string{Anywhere}
		}
		list[i] = p
	}
	return list
}

func onMachine(s units.State) bool { return s == units.Launched || s == units.Loaded }

// departures are the units that certainly leave their machine: what they need now
// excludes what they needed, or they follow one that leaves (MachineOf=).
func departures(old, new *units.Set) map[units.Name]bool {
	leave := map[units.Name]bool{}
	places := make(map[units.Name]units.Placement, len(new.Units))
	for _, u := range new.Units {
		was, had := old.Lookup(u.Name)
		if !had || !onMachine(was.Desired) || !onMachine(u.Desired) {
			continue
		}
		before, _ := units.ParsePlacement(u.Name, was.Options)
		after, _ := units.ParsePlacement(u.Name, u.Options)
		places[u.Name] = after
		leave[u.Name] = !after.Global && !before.Global && exclude(before, after)
	}
	for again := true; again; {
		again = false
		for name, p := range places {
			follows := slices.ContainsFunc(p.MachineOf, func(leader string) bool { return leave[units.Name(leader)] })
			if follows && !leave[name] {
				leave[name], again = true, true
			}
		}
	}
	return leave
}

// exclude reports whether no machine satisfies both placements.
func exclude(a, b units.Placement) bool {
	if a.MachineID != "" && b.MachineID != "" && a.MachineID != b.MachineID {
		return true
	}
	for key, values := range a.Metadata {
		other, ok := b.Metadata[key]
		if ok && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(other, v) }) {
			return true
		}
	}
	return false
}

// unknownEffects tells what happens to a unit of which no machine is known.
func (p *Plan) unknownEffects(u *UnitPlan) []string {
	running := u.From == units.Launched
	switch u.Action {
	case Create:
		return []string{arrivalSomewhere(u)}
	case Delete:
		if !running {
			return []string{"is removed"}
		}
		return []string{"stops and is removed"}
	case Restart:
		return []string{"restarts: " + u.Reason}
	case SetState, Replace:
	default:
		return p.effects(u)
	}
	switch {
	case u.To == units.Launched && u.Action == Replace && running:
		return restartSomewhere(u)
	case running && u.To == units.Loaded:
		return []string{"stops and stays loaded"}
	case running:
		return []string{"stops and leaves its machine"}
	}
	return []string{arrivalSomewhere(u)}
}

func arrivalSomewhere(u *UnitPlan) string {
	switch {
	case u.To == units.Inactive:
		return "is stored, on no machine"
	case u.To == units.Loaded:
		return "is loaded, not started"
	case u.Placement.Global:
		return "starts on every machine that fits"
	}
	return "starts"
}

// restartSomewhere tells of a running unit that gets other options.
func restartSomewhere(u *UnitPlan) []string {
	said := []string{"restarts in place"}
	switch {
	case u.Placement.Moves():
		return []string{"moves to another machine" + placementChange(u)}
	case u.Placement.Global:
		said[0] = "restarts in place on all its machines at once"
	case placementChange(u) != "":
		said[0] = "restarts in place, or moves if its machine does not fit any more" + placementChange(u)
	}
	return append(said, despite(u)...)
}

// placementChange tells of [X-Fleet] options that changed, "" for none.
func placementChange(u *UnitPlan) string {
	for _, c := range u.Options {
		if c.Section != units.FleetSection {
			continue
		}
		switch {
		case len(c.Old) == 0:
			return ": needs " + c.Name + "=" + c.New[0]
		case len(c.New) == 0:
			return ": does not need " + c.Name + "=" + c.Old[0] + " any more"
		}
		return ": needs " + c.Name + "=" + c.New[0] + ", needed " + c.Old[0]
	}
	return ""
}
