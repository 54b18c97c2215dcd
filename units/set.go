package units

import (
	"cmp"
	"slices"
)

// Set is what a compile gives and a cluster is brought to: the units of one
// stack, in the order of their names. A Set does not change once made.
type Set struct {
	Stack     string
	Units     []Unit
	Addresses []Address
	// Spares are further instances of groups, which are not wanted and which a
	// rollout may run while it lasts (Update.MaxExtra); those of a group in order.
	Spares []Unit
}

// WithSpares returns the set with these spares.
func (s *Set) WithSpares(spares []Unit) *Set {
	more := *s
	more.Spares = spares
	return &more
}

// SparesOf returns the spares of a group.
func (s *Set) SparesOf(group string) []Unit {
	var list []Unit
	for _, u := range s.Spares {
		if u.Group == group {
			list = append(list, u)
		}
	}
	return list
}

// NewSet makes the Set of a stack. It sorts its own copy of units by name.
func NewSet(stack string, units []Unit, addresses ...Address) *Set {
	sorted := slices.Clone(units)
	slices.SortStableFunc(sorted, func(a, b Unit) int { return cmp.Compare(a.Name, b.Name) })
	return &Set{Stack: stack, Units: sorted, Addresses: addresses}
}

// Lookup returns the unit of that name.
func (s *Set) Lookup(name Name) (Unit, bool) {
	i, ok := slices.BinarySearchFunc(s.Units, name, func(u Unit, n Name) int { return cmp.Compare(u.Name, n) })
	if !ok {
		return Unit{}, false
	}
	return s.Units[i], true
}

// Names returns the names of the units, in order.
func (s *Set) Names() []Name {
	names := make([]Name, len(s.Units))
	for i, u := range s.Units {
		names[i] = u.Name
	}
	return names
}
