package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
)

// NewPlan makes the plan for changes, with the placements that Place gave for
// them. It adds what the changes bring with them: neighbours that have to be
// restarted, the order of the requests, and the consequences in words.
func NewPlan(s *Snapshot, set *units.Set, changes []Change, placements []Placement) *Plan {
	p := &Plan{Version: PlanVersion, Stack: set.Stack, Machines: s.Machines}
	for i, change := range changes {
		p.Units = append(p.Units, unitPlan(s, set, change, placements[i]))
	}
	r := newRoller(s, set, p)
	d := newDependents(s, p)
	d.spread()
	d.holdBack()
	r.addStandIns()
	p.Waves = waves(s, p, d)
	r.rollOut()
	r.rollMachines()
	newDependents(s, p).describe()
	p.Warnings = append(p.Warnings, addressWarnings(s, set)...)
	if s.Partial {
		p.Warnings = append(p.Warnings, Warning{Text: "only the units of the stack were read: orphans and the load of machines are not known"})
	}
	p.Base = s.Digest(p.names())
	return p
}

// PlanDestroy makes the plan that removes all units of the stack and leaves
// everybody else's alone. Units go in the reverse of the order in which they start.
func PlanDestroy(s *Snapshot, stack string) *Plan {
	var changes []Change
	for _, live := range s.Owned(stack) {
		changes = append(changes, Change{Unit: live.Name, Action: Delete, From: live.Desired, OldHash: live.Hash, Claimed: live.Owner() != stack})
	}
	set := units.NewSet(stack, nil)
	return NewPlan(s, set, changes, Place(s, set, changes))
}

func unitPlan(s *Snapshot, set *units.Set, change Change, placement Placement) UnitPlan {
	u := UnitPlan{Change: change, Placement: placement}
	want, wanted := set.Lookup(change.Unit)
	if !wanted {
		return u
	}
	content := want.Options
	if live, exists := s.Unit(change.Unit); exists && change.NewHash == live.Hash {
		content = live.Options
	}
	u.Group = want.Group
	if want.Update != nil {
		update := PlanUpdate(*want.Update)
		u.Update = &update
	}
	u.Content = planOptions(content)
	for _, w := range want.Waits {
		u.Waits = append(u.Waits, PlanWait(w))
	}
	u.Settled = !change.Action.Writes() && newTarget(u).settled(s)
	u.Leftover = change.Action == Create && slices.ContainsFunc(s.StatesOf(u.Unit), func(row UnitState) bool { return row.Hash == u.NewHash })
	return u
}

// options gives the content in the form of package units.
func (u UnitPlan) options() []units.Option {
	list := make([]units.Option, len(u.Content))
	for i, o := range u.Content {
		list[i] = units.Option(o)
	}
	return list
}

// puts are the hashes of the contents that the plan's requests write, each once.
func (p *Plan) puts() []string {
	put := map[units.Name]bool{}
	for _, w := range p.Waves {
		for _, step := range w.Steps {
			put[step.Unit] = put[step.Unit] || step.Do == PutUnit
		}
	}
	var list []string
	for _, u := range p.Units {
		if put[u.Unit] {
			list = append(list, units.Hash(u.options()))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// names are the units of the plan.
func (p *Plan) names() []units.Name {
	names := make([]units.Name, len(p.Units))
	for i, u := range p.Units {
		names[i] = u.Unit
	}
	return names
}

// waves puts the requests in order: first all writes, where a unit that is held
// back is only loaded; then removals, those that lean on others first; then, once
// all that it needs is loaded, what was held back.
func waves(s *Snapshot, p *Plan, d *dependents) []Wave {
	var first, held Wave
	first.When, held.When = AtOnce, WhenLoaded
	for _, u := range p.Units {
		step, writes := firstStep(u)
		if !writes {
			continue
		}
		first.Steps = append(first.Steps, step)
		if u.Held != "" {
			held.Steps = append(held.Steps, Step{Unit: u.Unit, Do: PutState, State: units.Launched})
			held.Hold = append(held.Hold, u.Unit)
			held.Hold = append(held.Hold, d.neighbours[u.Unit]...)
		}
	}
	slices.Sort(held.Hold)
	held.Hold = slices.Compact(held.Hold)
	var all []Wave
	for _, w := range slices.Concat([]Wave{first}, removals(s, p), []Wave{held}) {
		if len(w.Steps) > 0 {
			all = append(all, w)
		}
	}
	return all
}

// firstStep is the first request for a unit, false when there is none.
func firstStep(u UnitPlan) (Step, bool) {
	step := Step{Unit: u.Unit, State: u.To}
	if u.Held != "" {
		step.State = units.Loaded
	}
	switch u.Action {
	case Create, Replace:
		step.Do = PutUnit
	case SetState, Restart:
		step.Do = PutState
	default:
		return Step{}, false
	}
	return step, true
}
