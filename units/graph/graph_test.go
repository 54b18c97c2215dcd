package graph_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units/graph"
)

// of makes a graph of edges written "a>b" and nodes written "a".
func of(parts ...string) *graph.Graph[string] {
	g := &graph.Graph[string]{}
	for _, p := range parts {
		if len(p) == 3 {
			g.Edge(p[:1], p[2:])
		} else {
			g.Add(p)
		}
	}
	return g
}

func TestGraph(t *testing.T) {
	tests := []struct {
		name   string
		in     []string
		waves  [][]string
		cycles [][]string
		cycle  []string
	}{
		{"empty", nil, nil, nil, nil},
		{"one", []string{"a"}, [][]string{{"a"}}, nil, nil},
		{"apart", []string{"b", "a", "c"}, [][]string{{"a", "b", "c"}}, nil, nil},
		{"chain", []string{"c>d", "b>c", "a>b"}, [][]string{{"a"}, {"b"}, {"c"}, {"d"}}, nil, nil},
		{"diamond with a short cut", []string{"a>b", "a>c", "b>d", "c>d", "a>d", "a>b"}, [][]string{{"a"}, {"b", "c"}, {"d"}}, nil, nil},
		{"long way counts", []string{"a>b", "b>c", "a>c", "x>c"}, [][]string{{"a", "x"}, {"b"}, {"c"}}, nil, nil},
		{"loop", []string{"a>a", "b"}, [][]string{{"b"}}, [][]string{{"a"}}, []string{"a"}},
		{"pair", []string{"b>a", "a>b", "c>a", "b>d"}, [][]string{{"c"}}, [][]string{{"a", "b"}}, []string{"a", "b"}},
		{"two cycles in one component", []string{"a>b", "b>c", "c>d", "d>a", "b>a"}, nil, [][]string{{"a", "b"}}, []string{"a", "b"}},
		{"two components", []string{"a>b", "b>c", "c>a", "x>y", "y>x", "c>x"}, nil, [][]string{{"a", "b", "c"}, {"x", "y"}}, []string{"x", "y"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := of(tt.in...)
			if diff := cmp.Diff(tt.waves, g.Waves()); diff != "" {
				t.Errorf("Waves: %s", diff)
			}
			if diff := cmp.Diff(tt.cycles, g.Cycles()); diff != "" {
				t.Errorf("Cycles: %s", diff)
			}
			if diff := cmp.Diff(tt.cycle, g.Cycle()); diff != "" {
				t.Errorf("Cycle: %s", diff)
			}
		})
	}
}

func TestNextAndReach(t *testing.T) {
	g := of("a>c", "a>b", "a>b", "c>d", "d>c", "e")
	tests := []struct{ node, next, reach string }{
		{"a", "[b c]", "[b c d]"}, {"b", "[]", "[]"}, {"c", "[d]", "[c d]"}, {"e", "[]", "[]"}, {"z", "[]", "[]"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(g.Next(tt.node)); got != tt.next {
			t.Errorf("Next(%s) = %s, want %s", tt.node, got, tt.next)
		}
		if got := fmt.Sprint(g.Reach(tt.node)); got != tt.reach {
			t.Errorf("Reach(%s) = %s, want %s", tt.node, got, tt.reach)
		}
	}
	if !g.Has("e") || g.Has("z") || g.Len() != 5 {
		t.Errorf("Has(e) %v, Has(z) %v, Len %d", g.Has("e"), g.Has("z"), g.Len())
	}
}

func genEdges() *rapid.Generator[[][2]int] {
	node := rapid.IntRange(0, 7)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int { return [2]int{node.Draw(t, "from"), node.Draw(t, "to")} }), 0, 14)
}

func build(edges [][2]int) *graph.Graph[int] {
	g := &graph.Graph[int]{}
	for _, e := range edges {
		g.Edge(e[0], e[1])
	}
	return g
}

// on reports whether k is on a cycle, or comes after a node that is.
func on(g *graph.Graph[int], k int) bool {
	return slices.Contains(g.Reach(k), k)
}

func TestWavesRespectEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := genEdges().Draw(t, "edges")
		g := build(edges)
		wave := make(map[int]int)
		for i, nodes := range g.Waves() {
			if len(nodes) == 0 || !slices.IsSorted(nodes) {
				t.Fatalf("wave %d: %v", i, nodes)
			}
			for _, k := range nodes {
				wave[k] = i
			}
		}
		for _, k := range g.Nodes() {
			behind := on(g, k)
			earliest := 0
			for _, e := range edges {
				if e[1] == k {
					behind = behind || on(g, e[0])
				}
			}
			for _, other := range g.Nodes() {
				behind = behind || on(g, other) && slices.Contains(g.Reach(other), k)
			}
			w, placed := wave[k]
			if placed == behind {
				t.Fatalf("node %d: in a wave %v, on or behind a cycle %v", k, placed, behind)
			}
			if !placed {
				continue
			}
			for _, e := range edges {
				if e[1] == k {
					earliest = max(earliest, wave[e[0]]+1)
				}
			}
			if w != earliest {
				t.Fatalf("node %d is in wave %d, could be in %d", k, w, earliest)
			}
		}
	})
}

func TestCyclesAreCycles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := build(genEdges().Draw(t, "edges"))
		covered := make(map[int]bool)
		for _, cycle := range g.Cycles() {
			for i, k := range cycle {
				if next := cycle[(i+1)%len(cycle)]; !slices.Contains(g.Next(k), next) {
					t.Fatalf("%v: no edge from %d to %d", cycle, k, next)
				}
			}
			if slices.Min(cycle) != cycle[0] {
				t.Fatalf("%v does not begin with its smallest node", cycle)
			}
			for _, k := range g.Nodes() {
				if k == cycle[0] || slices.Contains(g.Reach(k), cycle[0]) && slices.Contains(g.Reach(cycle[0]), k) {
					if covered[k] {
						t.Fatalf("two cycles for the component of %d", k)
					}
					covered[k] = true
				}
			}
		}
		for _, k := range g.Nodes() {
			if on(g, k) != covered[k] {
				t.Fatalf("node %d on a cycle: %v, in a component with one: %v", k, on(g, k), covered[k])
			}
		}
		if (g.Cycle() == nil) != (len(covered) == 0) {
			t.Fatalf("Cycle = %v", g.Cycle())
		}
	})
}

func TestOrderOfInsertionDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := genEdges().Draw(t, "edges")
		a, b := build(edges), build(rapid.Permutation(edges).Draw(t, "permuted"))
		if diff := cmp.Diff(a.Cycles(), b.Cycles()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(a.Waves(), b.Waves()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A chain as long as this would overflow a recursive walk's patience, and a ring
// for each pair would be quadratic if each search touched every node.
func TestLarge(t *testing.T) {
	const n = 50_000
	chain, pairs := &graph.Graph[int]{}, &graph.Graph[int]{}
	for i := range n {
		chain.Edge(i, i+1)
		pairs.Edge(2*i, 2*i+1)
		pairs.Edge(2*i+1, 2*i)
	}
	if waves := chain.Waves(); len(waves) != n+1 || chain.Cycle() != nil {
		t.Errorf("chain: %d waves, cycle %v", len(waves), chain.Cycle())
	}
	if cycles := pairs.Cycles(); len(cycles) != n {
		t.Errorf("pairs: %d cycles", len(cycles))
	}
	chain.Edge(n, 0)
	if cycle := chain.Cycle(); len(cycle) != n+1 {
		t.Errorf("ring: %d nodes", len(cycle))
	}
}

func BenchmarkGraph(b *testing.B) {
	const n = 10_000
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("unit-%05d.service", i)
	}
	for b.Loop() {
		var g graph.Graph[string]
		for i := range n {
			for _, step := range [...]int{1, 7, 100} {
				if i+step < n {
					g.Edge(names[i], names[i+step])
				}
			}
		}
		if g.Cycle() != nil || len(g.Waves()) != n {
			b.Fatal("wrong")
		}
	}
}
