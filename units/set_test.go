package units_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{1,3}\.service`), 0, 12, rapid.ID).Draw(t, "names")
		var list []units.Unit
		for _, n := range names {
			list = append(list, units.Unit{Name: units.Name(n), Group: n})
		}
		before := slices.Clone(list)
		set := units.NewSet("s", list, units.Address{Role: "r"})
		if !slices.IsSorted(set.Names()) || len(set.Units) != len(names) || set.Stack != "s" || len(set.Addresses) != 1 {
			t.Fatalf("set %+v of %q", set, names)
		}
		if !slices.EqualFunc(before, list, func(a, b units.Unit) bool { return a.Name == b.Name }) {
			t.Fatalf("NewSet has sorted the caller's units")
		}
		for _, n := range names {
			if u, ok := set.Lookup(units.Name(n)); !ok || u.Group != n {
				t.Fatalf("Lookup(%q) = %+v, %v", n, u, ok)
			}
		}
		if u, ok := set.Lookup("d.service"); ok {
			t.Fatalf("found %+v", u)
		}
	})
}
