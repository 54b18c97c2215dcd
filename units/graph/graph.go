// Package graph orders things that come before one another: it finds cycles and
// the waves in which the rest can go. All its answers depend on the nodes and
// edges alone, never on the order in which they were added, and are found in time
// linear in their number (besides sorting the nodes).
package graph

import (
	"cmp"
	"slices"
)

// Graph is a directed graph. The zero value is empty and ready for use.
type Graph[K cmp.Ordered] struct {
	index map[K]int
	keys  []K
	out   [][]int
}

// Add puts k into the graph if it is not there yet.
func (g *Graph[K]) Add(k K) { g.id(k) }

// Edge says that from comes before to, and adds both. A repeated edge counts once.
func (g *Graph[K]) Edge(from, to K) {
	a, b := g.id(from), g.id(to)
	g.out[a] = append(g.out[a], b)
}

func (g *Graph[K]) id(k K) int {
	if i, ok := g.index[k]; ok {
		return i
	}
	if g.index == nil {
		g.index = make(map[K]int)
	}
	i := len(g.keys)
	g.index[k] = i
	g.keys = append(g.keys, k)
	g.out = append(g.out, nil)
	return i
}

// Len is the number of nodes.
func (g *Graph[K]) Len() int { return len(g.keys) }

// Has reports whether k is in the graph.
func (g *Graph[K]) Has(k K) bool {
	_, ok := g.index[k]
	return ok
}

// Nodes returns all nodes, sorted.
func (g *Graph[K]) Nodes() []K { return slices.Sorted(slices.Values(g.keys)) }

// Next returns the nodes that k comes directly before, sorted, each once.
func (g *Graph[K]) Next(k K) []K {
	i, ok := g.index[k]
	if !ok {
		return nil
	}
	next := make([]K, 0, len(g.out[i]))
	for _, j := range g.out[i] {
		next = append(next, g.keys[j])
	}
	slices.Sort(next)
	return slices.Compact(next)
}

// Reach returns the nodes that k comes before, directly or not, sorted. k is
// among them only when it is on a cycle.
func (g *Graph[K]) Reach(k K) []K {
	start, ok := g.index[k]
	if !ok {
		return nil
	}
	seen := make([]bool, len(g.keys))
	stack := []int{start}
	var reached []K
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, j := range g.out[i] {
			if !seen[j] {
				seen[j] = true
				reached = append(reached, g.keys[j])
				stack = append(stack, j)
			}
		}
	}
	slices.Sort(reached)
	return reached
}

// ordered is a graph whose nodes are numbered in the order of their keys and
// whose edges are sorted: what makes the answers independent of insertion.
type ordered[K cmp.Ordered] struct {
	keys []K
	out  [][]int
}

func (g *Graph[K]) ordered() ordered[K] {
	o := ordered[K]{keys: g.Nodes(), out: make([][]int, len(g.keys))}
	rank := make([]int, len(g.keys))
	for i, k := range o.keys {
		rank[g.index[k]] = i
	}
	for i, next := range g.out {
		ranked := make([]int, len(next))
		for n, j := range next {
			ranked[n] = rank[j]
		}
		slices.Sort(ranked)
		o.out[rank[i]] = slices.Compact(ranked)
	}
	return o
}
