package fleet

import (
	"slices"
	"strconv"

	"github.com/stackc/stackc/units"
)

// leftovers are the units that an earlier rollout of a group has left.
func (p *Plan) leftovers(s *Snapshot, group string) []units.Name {
	var names []units.Name
	for i := range p.Units {
		u := &p.Units[i]
		live, _ := s.Unit(u.Unit)
		if u.Action == Delete && extraOf(live.Options) == group {
			u.Temporary, u.Old = true, planOptions(live.Options)
			names = append(names, u.Unit)
		}
	}
	return names
}

// extraOf is the group for whose rollout alone a unit is there, "" for none.
func extraOf(options []units.Option) string {
	group, _ := units.Last(options, units.MarkSection, units.MarkExtra)
	return group
}

// addSpares puts the further instances of a group into the plan and returns their
// names. Where they go is foreseen like that of any unit.
func (p *Plan) addSpares(s *Snapshot, set *units.Set, group string) []units.Name {
	spares := set.SparesOf(group)
	if len(spares) == 0 {
		return nil
	}
	changes := p.changes()
	for _, spare := range spares {
		changes = append(changes, Change{Unit: spare.Name, Action: Create, To: spare.Desired})
	}
	all := units.NewSet(set.Stack, slices.Concat(set.Units, spares))
	placements := Place(s, all, changes)[len(p.Units):]
	var names []units.Name
	for i, spare := range spares {
		names = append(names, spare.Name)
		p.addSpare(s, all, spare, placements[i])
	}
	return names
}

func (p *Plan) addSpare(s *Snapshot, all *units.Set, spare units.Unit, where Placement) {
	change := Change{Unit: spare.Name, Action: Create, To: spare.Desired, NewHash: spare.Hash()}
	live, exists := s.Unit(spare.Name)
	entry := p.entry(spare.Name)
	switch {
	case exists && (entry == nil || !entry.Temporary):
		where.Then, where.Refused = nil, p.everywhere("a unit of that name is there, "+p.whose(s, live)+", and a further instance cannot have it")
		if entry != nil {
			entry.Placement = where
			return
		}
	case exists:
		change.From, change.OldHash, change.Action = live.Desired, live.Hash, None
		switch {
		case change.OldHash != change.NewHash:
			change.Action = Replace
		case change.From != change.To:
			change.Action = SetState
		}
	}
	u := unitPlan(s, all, change, where)
	u.Temporary = true
	if entry != nil {
		*entry = u
		return
	}
	p.Units = append(p.Units, u)
}

// whose tells to whom a unit belongs that is in the way.
func (p *Plan) whose(s *Snapshot, live Unit) string {
	switch owner := s.OwnerOf(live); owner {
	case p.Stack:
		return "which the stack does not have any more (--prune removes it)"
	case "":
		return "which belongs to no stack"
	default:
		return "which belongs to stack " + strconv.Quote(owner)
	}
}

// everywhere is one refusal for every machine.
func (p *Plan) everywhere(reason string) []MachineRefusal {
	var list []MachineRefusal
	for _, m := range p.Machines {
		list = append(list, MachineRefusal{Machine: m.ID, Reason: reason})
	}
	return list
}
