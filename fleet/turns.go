package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
)

// inTurns puts the requests into waves of which each has the units of one turn. The
// first wave of a turn but that of turn 0 waits for what gate gives.
func (p *Plan) inTurns(turns map[units.Name]int, last int, gate func(turn int) Wave) {
	var waves []Wave
	for turn := range last + 1 {
		begun := false
		for _, w := range p.Waves {
			w.Steps = slices.DeleteFunc(slices.Clone(w.Steps), func(step Step) bool { return turns[step.Unit] != turn })
			w.Hold = slices.DeleteFunc(slices.Clone(w.Hold), func(n units.Name) bool { return turns[n] != turn && !p.settledFirst(n, turns) })
			if len(w.Steps) == 0 {
				continue
			}
			if turn > 0 && !begun && w.When == AtOnce {
				g := gate(turn)
				w.When, w.Hold, w.AskAfter = g.When, g.Hold, g.AskAfter
			}
			begun = true
			waves = append(waves, w)
		}
	}
	p.Waves = waves
}

// settledFirst reports whether a unit is written in turn 0 and not held back, so
// that a later turn may ask that it is loaded.
func (p *Plan) settledFirst(name units.Name, turns map[units.Name]int) bool {
	u, ok := p.Unit(name)
	return ok && turns[name] == 0 && u.Held == ""
}

// followTurns gives a unit that goes down with others the turn of the last of them, be
// it directly or with what goes down in between. own reports whether a unit has a turn
// of its own.
func (p *Plan) followTurns(turns map[units.Name]int, own func(units.Name) bool) {
	for again := true; again; {
		again = false
		for _, u := range p.Units {
			if own(u.Unit) {
				continue
			}
			for _, edge := range units.Edges(u.Unit, u.options()) {
				if edge.Relation.Stops() && turns[u.Unit] < turns[edge.Target] {
					turns[u.Unit], again = turns[edge.Target], true
				}
			}
		}
	}
}

// taking are the units that are written in a turn.
func (p *Plan) taking(turns map[units.Name]int, turn int) []units.Name {
	var names []units.Name
	for _, u := range p.Units {
		if u.Action.Writes() && turns[u.Unit] == turn {
			names = append(names, u.Unit)
		}
	}
	return names
}

// rollOut spreads the requests over the turns of the plan's rollouts.
func (r *roller) rollOut() {
	if len(r.groups) == 0 {
		return
	}
	turns, own, last := map[units.Name]int{}, map[units.Name]bool{}, 0
	for _, o := range r.groups {
		for _, name := range o.Extra {
			own[name] = true
			turns[name] = 1
		}
		for i, batch := range o.Batches {
			for _, name := range batch {
				own[name] = true
				turns[name] = o.first + i
			}
		}
		last = max(last, o.last)
	}
	r.followTurns(turns, func(n units.Name) bool { return own[n] })
	r.inTurns(turns, last, func(turn int) Wave { return r.healthyGate(turns, turn) })
	r.removeExtras()
}

// healthyGate is what a turn waits for: what was written in the turn before, or for
// the first one, what was written of the same groups.
func (r *roller) healthyGate(turns map[units.Name]int, turn int) Wave {
	w := Wave{When: WhenHealthy}
	for _, name := range r.taking(turns, turn-1) {
		if turn > 1 || r.rolled(name) {
			w.Hold = append(w.Hold, name)
		}
	}
	changes := func(o rolling) bool { return o.first == turn }
	if turn == 1 && len(w.Hold) == 0 && !slices.ContainsFunc(r.groups, changes) {
		return Wave{When: AtOnce} // what runs meanwhile alone
	}
	for _, o := range r.groups {
		if o.ask == turn {
			w.AskAfter = append(w.AskAfter, o.Group)
		}
	}
	return w
}

// rolled reports whether the unit is an instance of a group that is rolled out.
func (r *roller) rolled(name units.Name) bool {
	return slices.ContainsFunc(r.groups, func(o rolling) bool { return slices.Contains(o.Units, name) })
}

// removeExtras ends the plan with the removal of what runs only meanwhile, once
// all changed units are healthy.
func (r *roller) removeExtras() {
	w := Wave{When: WhenHealthy}
	for _, o := range r.groups {
		for _, name := range o.Extra {
			if u := r.entry(name); u != nil && u.Temporary {
				w.Steps = append(w.Steps, Step{Unit: name, Do: DeleteUnit})
			}
		}
		if len(o.Extra) == 0 {
			continue
		}
		for _, name := range o.Units {
			if u := r.entry(name); u != nil && u.Action.Writes() && !slices.Contains(o.Extra, name) {
				w.Hold = append(w.Hold, name)
			}
		}
	}
	if len(w.Steps) > 0 {
		r.Waves = append(r.Waves, w)
	}
}
