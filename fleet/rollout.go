package fleet

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/units"
)

// PlanUpdate is how a change of a unit is rolled out, as [units.Update] has it.
type PlanUpdate struct {
	MaxUnavailable int `json:"max_unavailable"`
	MaxExtra       int `json:"max_extra,omitempty"`
	// HealthyFor is in milliseconds.
	HealthyFor int                `json:"healthy_for,omitempty"`
	OnFailure  units.AfterFailure `json:"on_failure,omitempty"`
	First      int                `json:"first,omitempty"`
	OneMachine bool               `json:"one_machine,omitempty"`
}

// Rollout is how the plan changes the instances of one group, or one unit: in
// batches, each in a wave of its own.
type Rollout struct {
	// Group is the unit of the stack file that gave the instances, or the name of
	// the one unit.
	Group string `json:"group"`
	// Units are all that count as instances, changed or not, and Extra.
	Units []units.Name `json:"units"`
	// Extra are those that run only while the rollout lasts.
	Extra []units.Name `json:"extra,omitempty"`
	// Healthy is how many must stay healthy, all the time.
	Healthy int `json:"healthy"`
	// Batches are the units that change, in the order in which they do.
	Batches [][]units.Name `json:"batches,omitempty"`
	// Machines are those on which a global unit changes one after the other; the
	// batches are then its stand-ins.
	Machines []string `json:"machines,omitempty"`
	// HealthyFor is for how many milliseconds a changed unit must be active before
	// the next batch.
	HealthyFor int `json:"healthy_for,omitempty"`
	// First is how many units this plan changes before somebody is asked, 0 where
	// nobody is.
	First    int  `json:"first,omitempty"`
	RollBack bool `json:"roll_back,omitempty"`
	// Restarts says that the units restart as they are.
	Restarts bool `json:"restarts,omitempty"`
}

// rolling is a rollout on its way into a plan: its first and last batch by their
// turns, and the turn before which somebody is asked, 0 for none.
type rolling struct {
	Rollout
	first, last, ask int
}

// roller puts the rollouts into a plan: first the units that run only meanwhile, and
// when the requests are known, the waves.
type roller struct {
	*Plan
	snapshot *Snapshot
	set      *units.Set
	groups   []rolling
	machines []machineRollout
}

// group is the instances that one update is about.
type group struct {
	name   string
	update units.Update
	units  []units.Unit
}

// groups are the units of a set that say how they are rolled out, by name.
func groups(set *units.Set) []group {
	byName := map[string]*group{}
	for _, u := range set.Units {
		if u.Update == nil {
			continue
		}
		name := cmp.Or(u.Group, string(u.Name))
		if byName[name] == nil {
			byName[name] = &group{name: name, update: *u.Update}
		}
		byName[name].units = append(byName[name].units, u)
	}
	var list []group
	for _, g := range byName {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b group) int { return cmp.Compare(a.name, b.name) })
	return list
}

// newRoller finds what is to change bit by bit, and adds to the plan the units that
// run only meanwhile. Nothing is known of a rollout without machines.
func newRoller(s *Snapshot, set *units.Set, p *Plan) *roller {
	r := &roller{Plan: p, snapshot: s, set: set}
	if s.NoMachines {
		return r
	}
	for _, g := range groups(set) {
		left := p.leftovers(s, g.name)
		if g.update.OneMachine {
			r.planMachine(g, left)
		} else {
			r.planGroup(g, left)
		}
	}
	sortUnits(p.Units)
	return r
}

// planGroup finds how the instances of a group change. left are the units that an
// earlier run has left.
func (r *roller) planGroup(g group, left []units.Name) {
	members := r.members(r.snapshot, g)
	if len(members)+len(left) == 0 {
		return
	}
	o := rolling{Rollout: Rollout{Group: g.name, HealthyFor: g.update.HealthyFor, First: g.update.First, RollBack: g.update.OnFailure == units.RollBackOnFailure}}
	for _, u := range g.units {
		o.Units = append(o.Units, u.Name)
	}
	o.Healthy = max(0, len(o.Units)-g.update.MaxUnavailable)
	if len(g.units) == 1 && g.units[0].Group == "" {
		o.Healthy = 0 // there is one, and it goes down
	}
	o.Extra = left
	if len(members) > 0 {
		spares := r.addSpares(r.snapshot, r.set, g.name)
		o.Extra = slices.Compact(slices.Sorted(slices.Values(slices.Concat(left, spares))))
	}
	o.Units = append(o.Units, o.Extra...)
	o.batch(members, max(1, g.update.MaxUnavailable+len(o.Extra)), r.changed(g))
	r.groups = append(r.groups, o)
	r.Rollouts = append(r.Rollouts, o.Rollout)
}

func sortUnits(list []UnitPlan) {
	slices.SortFunc(list, func(a, b UnitPlan) int { return cmp.Compare(a.Unit, b.Unit) })
}

// members are the units of a group that run and get other content: first those
// that are down, which costs nothing, then by their numbers.
func (p *Plan) members(s *Snapshot, g group) []units.Name {
	var names []units.Name
	down := map[units.Name]bool{}
	for _, want := range g.units {
		u := p.entry(want.Name)
		if u == nil || u.Action != Replace || u.From != units.Launched || u.To != units.Launched {
			continue
		}
		live, _ := s.Unit(u.Unit)
		u.Old = planOptions(live.Options)
		names = append(names, u.Unit)
		down[u.Unit] = !slices.ContainsFunc(s.StatesOf(u.Unit), newTarget(*u).standing)
	}
	slices.SortStableFunc(names, func(a, b units.Name) int {
		return cmp.Or(falseFirst(!down[a], !down[b]), cmp.Compare(numberOf(a), numberOf(b)))
	})
	return names
}

// falseFirst orders what is not before what is.
func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// numberOf is the number of an instance, 0 for a unit that has none.
func numberOf(name units.Name) int {
	_, rest, _ := strings.Cut(string(name), "@")
	n, _ := strconv.Atoi(strings.TrimSuffix(rest, "."+string(name.Type())))
	return n
}

// changed counts the units of a group that have their new content already.
func (p *Plan) changed(g group) int {
	n := 0
	for _, want := range g.units {
		if u := p.entry(want.Name); u != nil && u.OldHash == u.NewHash {
			n++
		}
	}
	return n
}

// batch puts the members into batches of at most size, so that a batch ends where
// somebody is to be asked.
func (r *rolling) batch(members []units.Name, size, changed int) {
	first := min(max(0, r.First-changed), len(members))
	for chunk := range slices.Chunk(members[:first], size) {
		r.Batches = append(r.Batches, chunk)
	}
	asked := len(r.Batches)
	for chunk := range slices.Chunk(members[first:], size) {
		r.Batches = append(r.Batches, chunk)
	}
	r.first = 1
	if len(members) > 0 && len(r.Extra) > 0 {
		r.first = 2
	}
	r.last = r.first + len(r.Batches) - 1
	if first == 0 || asked == len(r.Batches) {
		r.First = 0 // they have been looked at, or there are no others
		return
	}
	r.First, r.ask = first, r.first+asked
}

// planOptions gives options in the form of a plan.
func planOptions(options []units.Option) []PlanOption {
	list := make([]PlanOption, len(options))
	for i, o := range options {
		list[i] = PlanOption(o)
	}
	return list
}

// changes are those of the plan's units so far, in their order.
func (p *Plan) changes() []Change {
	list := make([]Change, len(p.Units))
	for i, u := range p.Units {
		list[i] = u.Change
	}
	return list
}

// entry is what the plan says of a unit, to be changed; nil for one it does not have.
func (p *Plan) entry(name units.Name) *UnitPlan {
	for i := range p.Units {
		if p.Units[i].Unit == name {
			return &p.Units[i]
		}
	}
	return nil
}

// standing reports whether a row says that the unit is up, with whatever content.
func (t target) standing(row UnitState) bool {
	verdict := t.judge(row)
	return verdict == units.Up || verdict == units.Ended
}
