package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
)

// fleet changes a global unit on all machines at once. To change it on one after
// the other, its new content runs under another name first: for each machine a
// stand-in is started that is bound to the machine and that systemd lets run only
// without the unit itself (Conflicts=). Once all machines have one, the unit gets its
// new content without being started. Then each machine gives the place back: a unit
// that needs the unit itself starts it there, which stops the stand-in.

// standIn is the name of the unit that runs in place of a global one on a machine,
// giveBack that of the one that starts it again.
func standIn(name units.Name, machine string) units.Name { return besides(name, "on", machine) }

func giveBack(name units.Name, machine string) units.Name { return besides(name, "back", machine) }

func besides(name units.Name, what, machine string) units.Name {
	return units.Name(name.Base() + "." + what + "-" + short(machine) + "." + string(name.Type()))
}

// standInOptions are the content of a stand-in: that of the unit, on one machine.
// After= lets the unit stop before the stand-in starts, and the other way round.
func standInOptions(stack string, name units.Name, machine string, content []units.Option) []units.Option {
	beside := []units.Option{{Section: "Unit", Name: "Conflicts", Value: string(name)}, {Section: "Unit", Name: "After", Value: string(name)}}
	return meanwhile(stack, name, machine, append(beside, content...))
}

// giveBackOptions are the content of the unit that starts another on its machine,
// and that is up as long as that is.
func giveBackOptions(stack string, name units.Name, machine string) []units.Option {
	return meanwhile(stack, name, machine, []units.Option{
		{Section: "Unit", Name: "BindsTo", Value: string(name)}, {Section: "Unit", Name: "After", Value: string(name)},
		{Section: "Service", Name: "Type", Value: "oneshot"}, {Section: "Service", Name: "RemainAfterExit", Value: "yes"},
		{Section: "Service", Name: "ExecStart", Value: "/bin/sh -c :"},
	})
}

// meanwhile puts content on a machine for as long as a rollout lasts. Options of one
// section stand together, as fleet keeps them.
func meanwhile(stack string, name units.Name, machine string, content []units.Option) []units.Option {
	var sections []string
	for _, o := range content {
		if o.Section != units.FleetSection && o.Section != units.MarkSection && !slices.Contains(sections, o.Section) {
			sections = append(sections, o.Section)
		}
	}
	var list []units.Option
	for _, section := range sections {
		for _, o := range content {
			if o.Section == section {
				list = append(list, o)
			}
		}
	}
	return append(list, units.Option{Section: units.FleetSection, Name: "MachineID", Value: machine},
		units.Option{Section: units.MarkSection, Name: units.MarkStack, Value: stack},
		units.Option{Section: units.MarkSection, Name: units.MarkExtra, Value: string(name)})
}

// machineRollout is a global unit that changes machine by machine.
type machineRollout struct {
	unit     units.Name
	machines []string
	// changes says that the unit has its old content: otherwise the places are only
	// given back.
	changes bool
	rollout Rollout
}

// planMachine finds how a global unit changes machine by machine. left are the units
// that an earlier run has left.
func (r *roller) planMachine(g group, left []units.Name) {
	s, u := r.snapshot, r.entry(g.units[0].Name)
	m := machineRollout{unit: u.Unit, changes: u.Action == Replace && u.To == units.Launched && (u.From == units.Launched || len(left) > 0)}
	if m.changes {
		m.machines = both(u.Placement.Now, u.Placement.Then)
	}
	for _, name := range left {
		live, _ := s.Unit(name)
		id, _ := units.Last(live.Options, units.FleetSection, "MachineID")
		if _, alive := s.Machine(id); alive && !slices.Contains(m.machines, id) {
			m.machines = append(m.machines, id)
		}
	}
	if len(left) == 0 && len(m.machines) < 2 {
		return // fleet does not change it on several
	}
	slices.Sort(m.machines)
	// First those where neither runs: that costs nothing, and until it does no other
	// machine may be touched.
	slices.SortStableFunc(m.machines, func(a, b string) int { return falseFirst(s.servedOn(*u, a), s.servedOn(*u, b)) })
	if u.Action == Restart { // it is down where a stand-in is up
		u.Action, u.Reason = None, ""
	}
	m.rollout = Rollout{Group: string(u.Unit), Machines: m.machines, HealthyFor: g.update.HealthyFor, RollBack: g.update.OnFailure == units.RollBackOnFailure}
	m.rollout.Units = append(m.rollout.Units, u.Unit)
	m.rollout.Extra = left
	r.machines = append(r.machines, m)
}

// servedOn reports whether a global unit or its stand-in is up on a machine.
func (s *Snapshot) servedOn(u UnitPlan, machine string) bool {
	on := func(row UnitState) bool { return row.Machine == machine && newTarget(u).standing(row) }
	return slices.ContainsFunc(s.StatesOf(u.Unit), on) || slices.ContainsFunc(s.StatesOf(standIn(u.Unit, machine)), on)
}

// addStandIns puts the units into the plan that change global ones machine by
// machine, and takes the requests for these out of the waves that there are: theirs
// are the last ones.
func (r *roller) addStandIns() {
	s, p := r.snapshot, r.Plan
	for i := range r.machines {
		m := &r.machines[i]
		target := p.entry(m.unit)
		content, waits := target.options(), target.Waits
		for _, id := range m.machines {
			if m.changes {
				p.addMeanwhile(s, m, standIn(m.unit, id), id, standInOptions(p.Stack, m.unit, id, content), waits)
				m.rollout.Batches = append(m.rollout.Batches, []units.Name{standIn(m.unit, id)})
			}
		}
		for _, id := range m.machines {
			p.addMeanwhile(s, m, giveBack(m.unit, id), id, p.startsAgain(s, *m, id), nil)
		}
		m.rollout.Units = append(m.rollout.Units, m.rollout.Extra...)
		p.Rollouts = append(p.Rollouts, m.rollout)
	}
	sortUnits(p.Units)
}

// startsAgain is the content of the unit that gives the place on a machine back. One
// that an earlier run has left has stopped with the unit, and fleet starts it only
// with other content.
func (p *Plan) startsAgain(s *Snapshot, m machineRollout, machine string) []units.Option {
	content := giveBackOptions(p.Stack, m.unit, machine)
	if live, _ := s.Unit(giveBack(m.unit, machine)); m.changes && live.Hash == units.Hash(content) {
		content = append(content, units.Option{Section: units.MarkSection, Name: "Again", Value: "yes"})
	}
	return content
}

// addMeanwhile adds one unit that is there while a global one changes.
func (p *Plan) addMeanwhile(s *Snapshot, m *machineRollout, name units.Name, machine string, content []units.Option, waits []PlanWait) {
	u := UnitPlan{Temporary: true, Content: planOptions(content), Waits: waits, Placement: Placement{Unit: name, Then: []string{machine}, Sure: true}}
	u.Change = Change{Unit: name, Action: Create, To: units.Launched, NewHash: units.Hash(content)}
	if live, exists := s.Unit(name); exists {
		u.From, u.OldHash, u.Action = live.Desired, live.Hash, None
		u.Placement.Now = []string{machine}
		switch {
		case u.OldHash != u.NewHash:
			u.Action = Replace
		case u.From != u.To:
			u.Action = SetState
		}
	}
	if !slices.Contains(m.rollout.Extra, name) {
		m.rollout.Extra = append(m.rollout.Extra, name)
	}
	if entry := p.entry(name); entry != nil {
		*entry = u
		return
	}
	p.Units = append(p.Units, u)
}

// rollMachines appends the waves of global units that change machine by machine.
func (r *roller) rollMachines() {
	p := r.Plan
	for _, m := range r.machines {
		for i := range p.Waves {
			own := func(step Step) bool { return slices.Contains(m.rollout.Units, step.Unit) }
			p.Waves[i].Steps = slices.DeleteFunc(p.Waves[i].Steps, own)
		}
		p.Waves = slices.DeleteFunc(p.Waves, func(w Wave) bool { return len(w.Steps) == 0 })
		p.Waves = append(p.Waves, p.machineWaves(m)...)
	}
}

// machineWaves are the waves of one global unit.
func (p *Plan) machineWaves(m machineRollout) []Wave {
	var waves []Wave
	gate := Wave{When: WhenHealthy}
	add := func(name units.Name, step Step) {
		w := gate
		w.Steps = []Step{step}
		waves = append(waves, w)
		gate = Wave{When: WhenHealthy, Hold: []units.Name{name}}
	}
	run := func(name units.Name) {
		if step, writes := firstStep(*p.entry(name)); writes {
			add(name, step)
		}
	}
	target := *p.entry(m.unit)
	if m.changes {
		for _, id := range m.machines {
			run(standIn(m.unit, id))
		}
		add(m.unit, Step{Unit: m.unit, Do: PutUnit, State: units.Loaded})
		gate.When = WhenLoaded
	}
	for _, id := range m.machines {
		run(giveBack(m.unit, id))
	}
	if m.changes || target.Action == SetState {
		add(m.unit, Step{Unit: m.unit, Do: PutState, State: units.Launched})
	}
	for _, name := range m.rollout.Extra {
		gate.Steps = append(gate.Steps, Step{Unit: name, Do: DeleteUnit})
	}
	return append(waves, gate)
}

// oneByOne reports whether the unit is a global one that changes machine by machine.
func (p *Plan) oneByOne(name units.Name) bool {
	return slices.ContainsFunc(p.Rollouts, func(r Rollout) bool { return len(r.Machines) > 0 && r.Group == string(name) })
}
