package fleet

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/stackc/stackc/units"
)

// Snapshot is the cluster at one moment. It does not change once made, and its
// lists are in the order of names and IDs.
type Snapshot struct {
	Machines []Machine
	// Units are all units of the cluster, or when Partial only those asked for.
	Units  []Unit
	States []UnitState
	// Partial says that the units were fetched by name. Orphans and the load of
	// machines cannot be told from such a snapshot.
	Partial bool
	// claims are what was recorded of who owns units; see WithClaims.
	claims map[units.Name]Claim
	// NoMachines says that the snapshot is imagined and nothing is known of machines.
	NoMachines bool
}

// NewSnapshot makes a Snapshot of lists in any order. A unit that occurs twice,
// as it does when one is created between two pages of a list, counts once.
func NewSnapshot(machines []Machine, list []Unit, states []UnitState) *Snapshot {
	s := &Snapshot{Machines: slices.Clone(machines), Units: slices.Clone(list), States: slices.Clone(states)}
	slices.SortFunc(s.Machines, func(a, b Machine) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(s.Units, func(a, b Unit) int { return cmp.Compare(a.Name, b.Name) })
	s.Units = slices.CompactFunc(s.Units, func(a, b Unit) bool { return a.Name == b.Name })
	slices.SortStableFunc(s.States, compareStates)
	return s
}

// WithStates returns the snapshot with newer states.
func (s *Snapshot) WithStates(states []UnitState) *Snapshot {
	more := *s
	more.States = slices.Clone(states)
	slices.SortStableFunc(more.States, compareStates)
	return &more
}

func compareStates(a, b UnitState) int {
	return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Machine, b.Machine))
}

// Unit returns the unit of that name.
func (s *Snapshot) Unit(name units.Name) (Unit, bool) {
	i, ok := slices.BinarySearchFunc(s.Units, name, func(u Unit, n units.Name) int { return cmp.Compare(u.Name, n) })
	if !ok {
		return Unit{}, false
	}
	return s.Units[i], true
}

// Machine returns the machine of that ID.
func (s *Snapshot) Machine(id string) (Machine, bool) {
	i, ok := slices.BinarySearchFunc(s.Machines, id, func(m Machine, id string) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return Machine{}, false
	}
	return s.Machines[i], true
}

// StatesOf returns the rows of one unit, by machine. Rows of machines that are
// gone are left out: they go on saying "active" for some seconds.
func (s *Snapshot) StatesOf(name units.Name) []UnitState {
	start, _ := slices.BinarySearchFunc(s.States, name, func(r UnitState, n units.Name) int { return cmp.Compare(r.Unit, n) })
	var rows []UnitState
	for _, row := range s.States[start:] {
		if row.Unit != name {
			break
		}
		if _, alive := s.Machine(row.Machine); alive {
			rows = append(rows, row)
		}
	}
	return rows
}

// Digest identifies the contents and desired states of the named units: what a
// plan rests on. Neither places nor what systemd reports is part of it, since
// those change by themselves.
func (s *Snapshot) Digest(names []units.Name) string {
	h := sha256.New()
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	for _, name := range slices.Compact(sorted) {
		u, _ := s.Unit(name)
		fmt.Fprintf(h, "%q %s %s\n", name, u.Hash, u.Desired)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
