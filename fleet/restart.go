package fleet

import (
	"cmp"
	"slices"

	"github.com/stackc/stackc/units"
)

// restarting is a group of which a plan restarts units, and the rollout that makes
// of it.
type restarting struct {
	rolling
	// size is how many of it may go down together.
	size int
}

// restartings finds the groups that say how they are rolled out and of which the plan
// restarts or starts units. A global unit is none: fleet stops it on all its machines
// at once. Neither is a single unit that nothing is to be waited for.
func (p *Plan) restartings(s *Snapshot, set *units.Set) []restarting {
	var list []restarting
	for _, g := range groups(set) {
		r := restarting{size: max(1, g.update.MaxUnavailable)}
		r.Rollout = Rollout{Group: g.name, HealthyFor: g.update.HealthyFor, First: g.update.First, Restarts: true}
		written, away := 0, 0
		for _, want := range g.units {
			r.Units = append(r.Units, want.Name)
			u := p.entry(want.Name)
			switch {
			case u.Action.Writes():
				written++
			case !s.runs(*u):
				away++
			}
		}
		lone := len(g.units) == 1 && g.units[0].Group == ""
		if g.update.OneMachine || written == 0 || lone && r.HealthyFor == 0 {
			continue
		}
		if r.Healthy = len(r.Units) - r.size; lone {
			r.Healthy = 0
		}
		r.size = max(1, r.size-away)
		list = append(list, r)
	}
	return list
}

// runs reports whether some machine says that the unit is up. One that was told to stop
// is not, even if its agent has not read that yet: a run that was cut off leaves such.
func (s *Snapshot) runs(u UnitPlan) bool {
	return u.From == units.Launched && slices.ContainsFunc(s.StatesOf(u.Unit), newTarget(u).standing)
}

// batchRestarts puts the chosen units of the groups into batches, and returns the turns
// of these. leads reports whether a unit has a turn of its own.
func (p *Plan) batchRestarts(s *Snapshot, groups []restarting, leads func(units.Name) bool) map[units.Name]int {
	turns := map[units.Name]int{}
	room := p.roomFor(groups, leads)
	for i := range groups {
		r := &groups[i]
		var members []units.Name
		size := r.size
		for _, name := range r.Units {
			if u := p.entry(name); u.Action.Writes() && leads(name) {
				members = append(members, name)
				size = min(size, room[name])
			}
		}
		standing := func(name units.Name) bool { return s.runs(*p.entry(name)) }
		slices.SortStableFunc(members, func(a, b units.Name) int {
			return cmp.Or(falseFirst(standing(a), standing(b)), cmp.Compare(numberOf(a), numberOf(b)))
		})
		r.batch(members, size, 0)
		for i, batch := range r.Batches {
			for _, name := range batch {
				turns[name] = r.first + i
			}
		}
	}
	return turns
}

// roomFor is, for each unit of the groups, how many units may go down together with it:
// as many as its own group allows, and the groups of all that it takes down.
func (p *Plan) roomFor(groups []restarting, leads func(units.Name) bool) map[units.Name]int {
	room := map[units.Name]int{}
	for _, r := range groups {
		for _, name := range r.Units {
			room[name] = r.size
		}
	}
	for again := true; again; {
		again = false
		for _, u := range p.Units {
			least, limited := room[u.Unit]
			if !limited || !u.Action.Writes() || leads(u.Unit) {
				continue
			}
			for _, edge := range units.Edges(u.Unit, u.options()) {
				if had, known := room[edge.Target]; edge.Relation.Stops() && (!known || least < had) {
					room[edge.Target], again = least, true
				}
			}
		}
	}
	return room
}

// settleBatches writes into the rollouts what goes down when, in the end: also units that
// are taken down by others. Where systemd stops more of them at once than their group
// allows, fewer stay.
func (p *Plan) settleBatches(groups []restarting, turns map[units.Name]int, last int) {
	for _, r := range groups {
		r.Batches = nil
		for turn := range last + 1 {
			var batch []units.Name
			for _, name := range p.taking(turns, turn) {
				if slices.Contains(r.Units, name) {
					batch = append(batch, name)
				}
			}
			if len(batch) > 0 {
				r.Batches = append(r.Batches, batch)
				r.Healthy = max(0, min(r.Healthy, len(r.Units)-len(batch)))
			}
		}
		p.Rollouts = append(p.Rollouts, r.Rollout)
	}
}

// restartGate is what a turn waits for: that all before are up, and where a group is
// restarted in it or was in the turn before, that these are healthy and enough others.
func (p *Plan) restartGate(groups []restarting, turns map[units.Name]int, turn int) Wave {
	w := Wave{When: WhenUp, Hold: p.taking(turns, turn-1)}
	near := slices.Concat(w.Hold, p.taking(turns, turn))
	for _, r := range groups {
		if slices.ContainsFunc(r.Units, func(n units.Name) bool { return slices.Contains(near, n) }) {
			w.When = WhenHealthy
		}
		if r.ask > 0 && r.ask == turn {
			w.AskAfter = append(w.AskAfter, r.Group)
		}
	}
	return w
}

// follows reports whether a unit is stopped along with another that the plan writes, and
// not the other way round as well.
func (p *Plan) follows(name units.Name) bool {
	return slices.ContainsFunc(p.leaders(name), func(other units.Name) bool { return !slices.Contains(p.leaders(other), name) })
}

// leaders are the units that the plan writes and that take the unit down with them.
func (p *Plan) leaders(name units.Name) []units.Name {
	var list []units.Name
	u := p.entry(name)
	for _, edge := range units.Edges(name, u.options()) {
		if other := p.entry(edge.Target); other != nil && other != u && edge.Relation.Stops() && other.Action.Writes() && meet(u, other) {
			list = append(list, edge.Target)
		}
	}
	return list
}

// Beside reports whether the plan has a unit for this only, that it counts as an
// instance of what is restarted: it is not waited for.
func (p *Plan) Beside(u UnitPlan) bool {
	return u.Action == None && slices.ContainsFunc(p.Rollouts, func(r Rollout) bool { return r.Restarts && slices.Contains(r.Units, u.Unit) })
}
