package fleet

import (
	"fmt"
	"slices"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/graph"
)

// dependents works out what the changes of a plan do to the units that lean on
// the changed ones.
type dependents struct {
	plan  *Plan
	index map[units.Name]int
	// edges are the relations of each unit of the cluster as it will be.
	edges map[units.Name][]units.Edge
	// leaning are, for a unit, those that its stop takes down, in the order of names.
	leaning map[units.Name][]units.Name
	// others are units of the cluster that the plan does not touch.
	others map[units.Name]Unit
	// owners are the stacks that the others belong to.
	owners map[units.Name]string
	// swapping are units with new content that a machine still runs with the old one:
	// a run that was killed has replaced them, and they go down yet.
	swapping map[units.Name]bool
	// running are units that are up, also those that fleet has as loaded only: another
	// may have pulled them in.
	running map[units.Name]bool
	// falling are those of them that fleet has as loaded and that another stops.
	falling map[units.Name]bool
	// neighbours are, for a unit that is held back, those that must be loaded.
	neighbours map[units.Name][]units.Name
	// unknown says that nothing is known of machines.
	unknown bool
}

func newDependents(s *Snapshot, p *Plan) *dependents {
	d := &dependents{plan: p, index: map[units.Name]int{}, edges: map[units.Name][]units.Edge{},
		leaning: map[units.Name][]units.Name{}, others: map[units.Name]Unit{}, owners: map[units.Name]string{}, neighbours: map[units.Name][]units.Name{},
		swapping: map[units.Name]bool{}, running: map[units.Name]bool{}, falling: map[units.Name]bool{}, unknown: s.NoMachines}
	for i, u := range p.Units {
		d.index[u.Unit] = i
		d.enter(u.Unit, u.options())
		d.running[u.Unit] = slices.ContainsFunc(s.StatesOf(u.Unit), newTarget(u).standing)
		d.swapping[u.Unit] = u.OldHash != "" && slices.ContainsFunc(s.StatesOf(u.Unit), func(row UnitState) bool { return row.Hash != u.OldHash && row.Active != "inactive" })
	}
	for _, live := range s.Units {
		if u := d.unit(live.Name); u == nil || u.Action == Orphan {
			d.enter(live.Name, live.Options)
			d.others[live.Name], d.owners[live.Name] = live, s.OwnerOf(live)
		}
	}
	return d
}

func (d *dependents) enter(name units.Name, options []units.Option) {
	d.edges[name] = units.Edges(name, options)
	for _, edge := range d.edges[name] {
		if list := d.leaning[edge.Target]; edge.Relation.Stops() && edge.Target != name && !slices.Contains(list, name) {
			d.leaning[edge.Target] = append(list, name)
		}
	}
}

// unit returns the plan's entry, or nil for a unit that is not in the plan.
func (d *dependents) unit(name units.Name) *UnitPlan {
	i, ok := d.index[name]
	if !ok {
		return nil
	}
	return &d.plan.Units[i]
}

// goesDown reports whether the plan stops a unit that runs now, be it for good or
// to start it again.
func (d *dependents) goesDown(u *UnitPlan) bool {
	if u.From != units.Launched && !d.running[u.Unit] {
		return false
	}
	switch u.Action {
	case Replace, Restart, Delete:
		return true
	}
	return u.To != units.Launched && u.Action == SetState || len(u.Loses) > 0 || d.swapping[u.Unit] || d.falling[u.Unit]
}

// placed reports whether a unit has been on a machine, if only loaded.
func placed(u *UnitPlan) bool { return u.From == units.Launched || u.From == units.Loaded }

// leaves reports whether a unit is on no machine afterwards.
func leaves(u *UnitPlan) bool { return u.To == "" || u.To == units.Inactive }

// spread finds what goes down with the units that the plan stops, and what goes
// down with that in turn: systemd stops a unit whose neighbour in Requires=,
// BindsTo=, Requisite= or PartOf= stops, nothing starts it again, and fleet goes on
// calling it launched. Such a unit becomes a Restart, unless it lost a neighbour
// that it cannot run without.
func (d *dependents) spread() {
	for again := true; again; {
		again = false
		for i := range d.plan.Units {
			u := &d.plan.Units[i]
			if u.To == units.Launched && (d.restartStopped(u) || d.loseNeeded(u)) || d.fall(u) {
				again = true
			}
		}
	}
}

// fall notes that a unit which runs because another pulled it in is stopped. What pulled
// it in may be stopped with it, and starts it again.
func (d *dependents) fall(u *UnitPlan) bool {
	if u.To == units.Launched || !d.running[u.Unit] || d.goesDown(u) {
		return false
	}
	_, d.falling[u.Unit] = d.stoppedBy(u)
	return d.falling[u.Unit]
}

// restartStopped makes a Restart of a unit that is to run on and is stopped by
// another.
func (d *dependents) restartStopped(u *UnitPlan) bool {
	if u.Action != None && u.Action != Adopt {
		return false
	}
	edge, ok := d.stoppedBy(u)
	if !ok {
		return false
	}
	u.Action, u.Settled = Restart, false
	u.Reason = fmt.Sprintf("it goes down with %s, which it names in %s=", edge.Target, edge.Relation)
	return true
}

// stoppedBy finds a unit on the same machine whose stop takes u with it. One that
// u needs and that does not come back is left out: u cannot be started then.
func (d *dependents) stoppedBy(u *UnitPlan) (units.Edge, bool) {
	for _, edge := range d.edges[u.Unit] {
		if other := d.unit(edge.Target); other != nil && d.takesDown(u, other, edge) {
			return edge, true
		}
	}
	return units.Edge{}, false
}

// takesDown reports whether the stop of other stops u for a while.
func (d *dependents) takesDown(u, other *UnitPlan, edge units.Edge) bool {
	return d.drags(u, other, edge) && !(edge.Relation.Needs() && (leaves(other) || len(other.Loses) > 0))
}

// drags reports whether the stop of other stops u.
func (d *dependents) drags(u, other *UnitPlan, edge units.Edge) bool {
	return other != u && edge.Relation.Stops() && d.goesDown(other) && meet(u, other)
}

// loseNeeded notes the units that u is to run without and cannot.
func (d *dependents) loseNeeded(u *UnitPlan) bool {
	lost := false
	for _, edge := range d.edges[u.Unit] {
		other := d.unit(edge.Target)
		if other == nil || !d.drags(u, other, edge) || d.takesDown(u, other, edge) || slices.Contains(u.Loses, edge.Target) {
			continue
		}
		lost, u.Settled = true, false
		u.Loses = append(u.Loses, edge.Target)
		d.plan.Warnings = append(d.plan.Warnings, Warning{Unit: u.Unit, Text: fmt.Sprintf(
			"%s is to run and names %s in %s=, which does not: it goes down and cannot start", u.Unit, edge.Target, edge.Relation)})
	}
	return lost
}

// meet reports whether two units are, or will be, on one machine.
func meet(a, b *UnitPlan) bool {
	where := slices.Concat(a.Placement.Now, a.Placement.Then)
	return slices.ContainsFunc(slices.Concat(b.Placement.Now, b.Placement.Then), func(id string) bool { return slices.Contains(where, id) })
}

// apart reports whether two units certainly have no machine in common.
func apart(a, b *UnitPlan) bool {
	return a.Placement.Sure && b.Placement.Sure && !meet(a, b)
}

// holdBack decides which units are loaded first and launched later.
func (d *dependents) holdBack() {
	for i := range d.plan.Units {
		u := &d.plan.Units[i]
		if !u.Action.Writes() || u.To != units.Launched {
			continue
		}
		if u.Action == Restart {
			u.Held = "fleet starts it again only after it was loaded"
		}
		for _, edge := range d.edges[u.Unit] {
			if reason := d.holdReason(u, edge); reason != "" {
				u.Held = reason
				if !leaves(d.unit(edge.Target)) {
					d.neighbours[u.Unit] = append(d.neighbours[u.Unit], edge.Target)
				}
			}
		}
	}
}

// holdReason tells why u must wait until the target of an edge is loaded, or "".
// When a unit starts before a neighbour that it pulls in is loaded, Wants= comes
// to nothing, a timer or socket fails, and with Requires= or BindsTo= the unit
// stays dead for ever. A waiter of the unit's own helps against the first only if
// it waits for that neighbour, and against being stopped by it not at all.
func (d *dependents) holdReason(u *UnitPlan, edge units.Edge) string {
	other := d.unit(edge.Target)
	if other == nil || other == u {
		return ""
	}
	if d.takesDown(u, other, edge) {
		return fmt.Sprintf("%s goes down in the same run and would take it along (%s=)", edge.Target, edge.Relation)
	}
	pulls := edge.Relation.Pulls() || edge.Relation.Needs() || edge.Relation == units.Triggers
	if pulls && other.Action == Create && !leaves(other) && !covered(u, edge.Target) && !apart(u, other) {
		return fmt.Sprintf("%s is created in the same run and must be loaded first (%s=)", edge.Target, edge.Relation)
	}
	return ""
}

func covered(u *UnitPlan, target units.Name) bool {
	return slices.ContainsFunc(u.Waits, func(w PlanWait) bool { return w.Unit == target })
}

// removals are the waves of deletions: whoever leans on another goes before it.
func removals(s *Snapshot, p *Plan) []Wave {
	var g graph.Graph[units.Name]
	for _, u := range p.Units {
		if u.Action == Delete && !u.Temporary {
			g.Add(u.Unit)
		}
	}
	for _, name := range g.Nodes() {
		live, _ := s.Unit(name)
		for _, before := range leansOn(live) {
			if g.Has(before) && before != name {
				g.Edge(name, before)
			}
		}
	}
	groups := g.Waves()
	if rest := outside(g.Nodes(), groups); len(rest) > 0 {
		groups = append(groups, rest) // units that lean on each other go together
	}
	var waves []Wave
	for _, group := range groups {
		w := Wave{When: AtOnce}
		for _, name := range group {
			w.Steps = append(w.Steps, Step{Unit: name, Do: DeleteUnit})
		}
		waves = append(waves, w)
	}
	return waves
}

// leansOn lists the units that start before u, or that u cannot be without.
func leansOn(u Unit) []units.Name {
	var names []units.Name
	for _, edge := range units.Edges(u.Name, u.Options) {
		if edge.Relation == units.After || edge.Relation.Pulls() || edge.Relation.Stops() || edge.Relation == units.Triggers {
			names = append(names, edge.Target)
		}
	}
	placement, _ := units.ParsePlacement(u.Name, u.Options)
	for _, name := range placement.MachineOf {
		names = append(names, units.Name(name))
	}
	return names
}

// outside returns those of all that no group has.
func outside(all []units.Name, groups [][]units.Name) []units.Name {
	in := map[units.Name]bool{}
	for _, name := range slices.Concat(groups...) {
		in[name] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(n units.Name) bool { return in[n] })
}
