package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
)

// Claim says that a unit belongs to a stack although its text does not say so, or
// says something else: it was taken over as it was, or its stack puts no marks on
// its units. It holds as long as the unit has that content.
type Claim struct {
	Unit  units.Name
	Stack string
	Hash  string
}

// WithClaims returns the snapshot with what has been recorded of who owns units.
// Of two claims to one unit the first counts.
func (s *Snapshot) WithClaims(claims []Claim) *Snapshot {
	more := *s
	more.claims = map[units.Name]Claim{}
	for _, c := range claims {
		live, exists := s.Unit(c.Unit)
		if _, taken := more.claims[c.Unit]; exists && live.Hash == c.Hash && !taken {
			more.claims[c.Unit] = c
		}
	}
	return &more
}

// OwnerOf returns the stack that a unit belongs to, or "": by what was recorded
// of it, and otherwise by what its text says.
func (s *Snapshot) OwnerOf(u Unit) string {
	if claim, ok := s.claims[u.Name]; ok {
		return claim.Stack
	}
	return u.Owner()
}

// Owned returns the units that belong to stack.
func (s *Snapshot) Owned(stack string) []Unit {
	var owned []Unit
	for _, u := range s.Units {
		if stack != "" && s.OwnerOf(u) == stack {
			owned = append(owned, u)
		}
	}
	return owned
}

// Owners lists the stacks that have units in the cluster.
func (s *Snapshot) Owners() []string {
	var list []string
	for _, u := range s.Units {
		if owner := s.OwnerOf(u); owner != "" {
			list = append(list, owner)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Claims are those that have to be recorded for the plan's units to be known for
// the stack's: all that stay and whose text does not say so. With going, those
// that the plan removes are among them, as they must be until they are gone.
func (p *Plan) Claims(going bool) []Claim {
	var claims []Claim
	for _, u := range p.Units {
		claim := Claim{Unit: u.Unit, Stack: p.Stack, Hash: u.NewHash}
		needed := ownerOf(u.options()) != p.Stack
		if u.Action == Delete || u.Action == Orphan {
			claim.Hash, needed = u.OldHash, u.Claimed && (going || u.Action == Orphan)
		}
		if needed {
			claims = append(claims, claim)
		}
	}
	return claims
}

// Set gives the units as the plan leaves them, those that are no longer the
// stack's left out.
func (p *Plan) Set() *units.Set {
	var list, spares []units.Unit
	for _, u := range p.Units {
		if u.Action == Delete || u.Action == Orphan {
			continue
		}
		want := units.Unit{Name: u.Unit, Options: u.options(), Desired: u.To, Group: u.Group}
		for _, w := range u.Waits {
			want.Waits = append(want.Waits, units.Wait(w))
		}
		if u.Update != nil {
			update := units.Update(*u.Update)
			want.Update = &update
		}
		if u.Temporary {
			spares = append(spares, want)
			continue
		}
		list = append(list, want)
	}
	return units.NewSet(p.Stack, list).WithSpares(spares)
}
