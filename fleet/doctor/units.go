package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// machines says what a look could not tell without fleet.
func (e *examination) machines() {
	for _, c := range []Condition{RunsTwice, Unloadable, Unplaced, DeadUnit} {
		if s := e.facts.last(); s == nil {
			e.unknown(c, e.facts.NoFleet)
		} else {
			e.saw(c, fmt.Sprintf("%s on %s", number(len(s.Units), "unit"), number(len(s.Machines), "machine")))
		}
	}
}

// units finds what every look has shown.
func (e *examination) units() {
	s := e.facts.last()
	if s == nil {
		return
	}
	by := map[symptom][]sight{}
	for _, one := range lasting(e.facts.Looks, min(Steady, len(e.facts.Looks))) {
		by[one.what] = append(by[one.what], one)
	}
	e.unloadable(s, by[refuses], by[silent])
	e.dead(s, by[lies])
	e.unplaced(s, by[homeless])
	e.twice(s, by[doubled])
}

// unloadable tells of units that end the pass of an agent, and of machines that report
// nothing of units without a culprit in sight.
func (e *examination) unloadable(s *fleet.Snapshot, refused, silent []sight) {
	waiting := map[string][]string{} // by machine, the units that it says nothing of
	for _, one := range silent {
		waiting[one.machine] = append(waiting[one.machine], string(one.unit))
	}
	for _, group := range grouped(refused) {
		u, _ := s.Unit(group[0].unit)
		e.find(Finding{Condition: Unloadable, Subject: string(u.Name), Evidence: refusal(s, u, group, waiting),
			Consequence: "the pass of its machine's agent ends at it, each time: units that come after it are not loaded, started, changed or stopped",
			Repair:      []string{"stackc unload " + shellWord(string(u.Name))}})
	}
	for _, one := range refused {
		delete(waiting, one.machine) // explained
	}
	for _, m := range s.Machines {
		names := waiting[m.ID]
		if len(names) == 0 {
			continue
		}
		e.find(Finding{Condition: Unloadable, Subject: machineName(s, m.ID),
			Evidence:    fmt.Sprintf("fleet has put %s there, and the machine says nothing of %s", number(len(names), "unit"), list(names)),
			Consequence: "most likely the first of them cannot be loaded, which ends each pass of the agent before the others; or fleetd hangs there",
			Repair:      []string{"stackc unload " + shellWord(names[0]), ssh(m.IP, "journalctl --no-pager -n 50 -u fleet")}})
	}
}

// refusal is the evidence that machines cannot load a unit: its fault, what each of them
// says of it, and the units that it keeps waiting there.
func refusal(s *fleet.Snapshot, u fleet.Unit, group []sight, waiting map[string][]string) string {
	evidence := fault(u)
	for _, one := range group {
		for _, row := range s.StatesOf(u.Name) {
			if row.Machine == one.machine {
				evidence = join(evidence, fmt.Sprintf("%s says %s", machineName(s, one.machine), row))
			}
		}
		others := slices.DeleteFunc(slices.Clone(waiting[one.machine]), func(n string) bool { return n == string(u.Name) })
		if len(others) > 0 {
			evidence = join(evidence, fmt.Sprintf("%s says nothing of %s", machineName(s, one.machine), list(others)))
		}
	}
	return evidence
}

// join adds to evidence.
func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// grouped puts sights of one unit together; they come sorted.
func grouped(list []sight) [][]sight {
	var groups [][]sight
	for i, one := range list {
		if i == 0 || list[i-1].unit != one.unit {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], one)
	}
	return groups
}

// explainable is for how many dead units the cause is looked for: each takes a look at
// the whole cluster.
const explainable = 20

// dead tells of units that fleet calls launched and that do not run.
func (e *examination) dead(s *fleet.Snapshot, list []sight) {
	for i, group := range grouped(list) {
		name := group[0].unit
		f := Finding{Condition: DeadUnit, Subject: string(name), Repair: []string{"stackc restart " + shellWord(string(name))},
			Consequence: "fleet calls it launched and never starts it again; a second start is no news to it"}
		for _, one := range group {
			for _, row := range s.StatesOf(name) {
				if row.Machine == one.machine {
					f.Evidence = join(f.Evidence, fmt.Sprintf("%s on %s", row, machineName(s, row.Machine)))
				}
			}
		}
		if i < explainable {
			d := fleet.Why(s, name, nil)
			f.Evidence = strings.Join(append([]string{f.Evidence}, d.Causes...), "; ")
			f.Repair = d.Next
		}
		e.find(f)
	}
}

// unplaced tells of units that are on no machine.
func (e *examination) unplaced(s *fleet.Snapshot, list []sight) {
	var names []units.Name
	for _, one := range list {
		names = append(names, one.unit)
	}
	places := placements(s, names)
	for _, one := range list {
		p := places[one.unit]
		f := Finding{Condition: Unplaced, Subject: string(one.unit), Evidence: refusals(s, p),
			Consequence: "it does not run, and fleet tells nobody",
			Repair:      []string{"stackc unload " + shellWord(string(one.unit))}}
		if leader := e.leaderOf(s, one.unit); leader != "" {
			f.Repair = []string{"stackc start " + shellWord(leader)}
		}
		if len(p.Then) > 0 {
			f.Evidence = fmt.Sprintf("fleet has put it nowhere, although %s could have it", machineName(s, p.Then[0]))
			f.Consequence = "nothing is placed and no unit of a machine that dies is started elsewhere, until some machine leads again"
			f.Repair = []string{e.engineCommand(s)}
		}
		e.find(f)
	}
}

// refusals tells machine by machine why none can have a unit, reasons that are the same
// together.
func refusals(s *fleet.Snapshot, p fleet.Placement) string {
	if len(s.Machines) == 0 {
		return "the cluster has no machines"
	}
	var reasons []string
	machines := map[string][]string{}
	for _, r := range p.Refused {
		if machines[r.Reason] == nil {
			reasons = append(reasons, r.Reason)
		}
		machines[r.Reason] = append(machines[r.Reason], machineName(s, r.Machine))
	}
	words := make([]string, len(reasons))
	for i, reason := range reasons {
		words[i] = list(machines[reason]) + ": " + reason
	}
	return "no machine can have it: " + strings.Join(words, "; ")
}

// leaderOf is a unit that this one is to share a machine with and that is on none
// because it is inactive, "" for none.
func (e *examination) leaderOf(s *fleet.Snapshot, name units.Name) string {
	u, _ := s.Unit(name)
	where, _ := units.ParsePlacement(u.Name, u.Options)
	for _, leader := range where.MachineOf {
		if other, exists := s.Unit(units.Name(leader)); exists && other.Desired == units.Inactive {
			return leader
		}
	}
	return ""
}

// engineCommand restarts the fleetd that should place units.
func (e *examination) engineCommand(s *fleet.Snapshot) string {
	id := s.Machines[0].ID
	if r := e.facts.Registry; r != nil && r.Engine != "" {
		id = r.Engine
	}
	m, _ := s.Machine(id)
	return ssh(m.IP, "journalctl --no-pager -n 50 -u fleet")
}

// twice tells of units that run on several machines.
func (e *examination) twice(s *fleet.Snapshot, list []sight) {
	for _, one := range list {
		u, _ := s.Unit(one.unit)
		f := Finding{Condition: RunsTwice, Subject: string(one.unit),
			Consequence: "two of it work on the same data, address or name; the agent of the wrong machine should stop it and does not"}
		for _, row := range s.StatesOf(one.unit) {
			if row.Active == "inactive" || row.Active == "failed" {
				continue
			}
			f.Evidence = join(f.Evidence, fmt.Sprintf("%s on %s", row, machineName(s, row.Machine)))
			if row.Machine != u.Machine {
				m, _ := s.Machine(row.Machine)
				f.Repair = append(f.Repair, ssh(m.IP, "sudo systemctl stop "+shellWord(string(one.unit))))
			}
		}
		if u.Machine != "" {
			f.Evidence = join(f.Evidence, "fleet has it on "+machineName(s, u.Machine))
		}
		e.find(f)
	}
}
