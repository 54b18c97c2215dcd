package doctor

import (
	"cmp"
	"slices"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// sight is something about a unit that was seen in one look. machine is "" where none
// in particular is meant.
type sight struct {
	what    symptom
	unit    units.Name
	machine string
}

// symptom is a kind of sight.
type symptom int

const (
	refuses symptom = iota // systemd refuses to load it, or is bound to
	silent                 // its machine says nothing of it
	lies                   // it does not run although fleet has started it
	homeless
	doubled
)

// Steady is in how many looks in a row something must be seen that may be over soon.
const Steady = 5

// Unsettled reports whether the last look shows something about units that may be over
// at the next one: it has not been seen in [Steady] looks.
func Unsettled(looks []*fleet.Snapshot) bool {
	if len(looks) == 0 {
		return false
	}
	return len(sights(looks[len(looks)-1])) > 0 && (len(looks) < Steady || len(lasting(looks, 1)) > len(lasting(looks, Steady)))
}

// lasting are the sights that each of the last n looks has, in the order of units.
func lasting(looks []*fleet.Snapshot, n int) []sight {
	seen := map[sight]int{}
	var list []sight
	for _, look := range looks[len(looks)-n:] {
		for _, one := range sights(look) {
			if seen[one]++; seen[one] == n {
				list = append(list, one)
			}
		}
	}
	slices.SortFunc(list, func(a, b sight) int {
		return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.machine, b.machine))
	})
	return list
}

// sights lists what is suspicious in one look, each once.
func sights(s *fleet.Snapshot) []sight {
	var all []sight
	var missing []sight // of global units
	for _, u := range s.Units {
		if u.Desired == units.Inactive {
			continue
		}
		where, _ := units.ParsePlacement(u.Name, u.Options)
		all = append(all, told(s, u, where)...)
		for _, id := range saysNothing(s, u, where) {
			one := sight{silent, u.Name, id}
			switch {
			case fault(u) != "":
				all = append(all, one, sight{refuses, u.Name, id})
			case where.Global:
				missing = append(missing, one)
			default:
				all = append(all, one)
			}
		}
	}
	return append(all, expected(s, missing)...)
}

// told is what fleet and the machines themselves tell of a unit that should run.
func told(s *fleet.Snapshot, u fleet.Unit, where units.Placement) []sight {
	var list []sight
	running := 0
	for _, row := range s.StatesOf(u.Name) {
		switch s.Condition(u.Name, row) {
		case fleet.IsUnloadable:
			list = append(list, sight{refuses, u.Name, row.Machine})
		case fleet.IsDead, fleet.HasBroken:
			list = append(list, sight{lies, u.Name, row.Machine})
		}
		if row.Active != "inactive" && row.Active != "failed" && row.Active != "" {
			running++
		}
	}
	if where.Global {
		return list
	}
	if u.Machine == "" {
		list = append(list, sight{homeless, u.Name, ""})
	}
	if running > 1 {
		list = append(list, sight{doubled, u.Name, ""})
	}
	return list
}

// saysNothing are the machines of the cluster that have a unit, or match a global one,
// and have no row of state for it.
func saysNothing(s *fleet.Snapshot, u fleet.Unit, where units.Placement) []string {
	should := []string{u.Machine}
	if where.Global {
		should = matching(s, where)
	}
	rows := s.StatesOf(u.Name)
	return slices.DeleteFunc(should, func(id string) bool {
		_, alive := s.Machine(id)
		return !alive || slices.ContainsFunc(rows, func(r fleet.UnitState) bool { return r.Machine == id })
	})
}

// matching are the machines that have the metadata a unit asks for.
func matching(s *fleet.Snapshot, where units.Placement) []string {
	var ids []string
	for _, m := range s.Machines {
		if where.Metadata.Matches(m.Metadata) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// expected keeps of machines that say nothing of a global unit those which have it by
// fleet's rules: others it may conflict with.
func expected(s *fleet.Snapshot, missing []sight) []sight {
	var names []units.Name
	for _, one := range missing {
		names = append(names, one.unit)
	}
	places := placements(s, names)
	return slices.DeleteFunc(missing, func(one sight) bool { return !slices.Contains(places[one.unit].Then, one.machine) })
}

// placements asks fleet's rules where units of the cluster are and could be.
func placements(s *fleet.Snapshot, names []units.Name) map[units.Name]fleet.Placement {
	var changes []fleet.Change
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		u, _ := s.Unit(name)
		changes = append(changes, fleet.Change{Unit: name, Action: fleet.None, From: u.Desired, To: u.Desired})
	}
	places := map[units.Name]fleet.Placement{}
	if len(changes) == 0 {
		return places
	}
	for _, p := range fleet.Place(s, units.NewSet("", nil), changes) {
		places[p.Unit] = p
	}
	return places
}

// fault is why systemd is bound to refuse a unit, "" when it is not.
func fault(u fleet.Unit) string {
	for _, broken := range units.CheckFleet(u.Name, u.Options) {
		if broken.Rule == units.RuleName || broken.Rule == units.RuleEnable {
			return broken.Error()
		}
	}
	return ""
}
