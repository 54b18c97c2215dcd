package fleet

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// TestFollowTurns: a unit has the latest turn of all that take it down, through however
// many others, and in whatever order the plan has them. One with a turn of its own keeps
// that, and hands on no other.
func TestFollowTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Plan{}
		own, stops := map[units.Name]bool{}, map[units.Name][]units.Name{}
		turns := map[units.Name]int{}
		n := rapid.IntRange(1, 8).Draw(t, "units")
		names := make([]units.Name, n)
		for i := range names {
			names[i] = units.Name(fmt.Sprintf("u%d.service", i))
		}
		for _, name := range rapid.Permutation(names).Draw(t, "order") {
			var items []string
			for range rapid.IntRange(0, 2).Draw(t, "edges") {
				relation := rapid.SampledFrom([]units.Relation{units.BindsTo, units.Requires, units.PartOf, units.After, units.Wants}).Draw(t, "relation")
				other := rapid.SampledFrom(names).Draw(t, "other")
				items = append(items, fmt.Sprintf("[Unit] %s=%s", relation, other))
				if relation.Stops() {
					stops[name] = append(stops[name], other)
				}
			}
			if rapid.IntRange(0, 2).Draw(t, "own") == 0 {
				own[name], turns[name] = true, rapid.IntRange(0, 4).Draw(t, "turn")
			}
			p.Units = append(p.Units, UnitPlan{Change: Change{Unit: name}, Content: planOptions(options(items...))})
		}
		given := maps.Clone(turns)
		p.followTurns(turns, func(name units.Name) bool { return own[name] })
		for _, name := range names {
			if want := latest(name, given, own, stops, map[units.Name]bool{}); turns[name] != want {
				t.Errorf("%s has the turn %d, want %d; of their own %v, stopped by %v", name, turns[name], want, given, stops)
			}
		}
	})
}

// latest walks to all that take a unit down, and stops at those with turns of their own.
func latest(name units.Name, given map[units.Name]int, own map[units.Name]bool, stops map[units.Name][]units.Name, seen map[units.Name]bool) int {
	if own[name] {
		return given[name]
	}
	seen[name] = true
	turn := 0
	for _, other := range stops[name] {
		if !seen[other] {
			turn = max(turn, latest(other, given, own, stops, seen))
		}
	}
	return turn
}
