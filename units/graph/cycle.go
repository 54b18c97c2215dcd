package graph

import (
	"cmp"
	"slices"
)

// Cycle returns one cycle, or nil if there is none: the shortest of those that
// [Graph.Cycles] gives, the first of them when several are as short.
func (g *Graph[K]) Cycle() []K {
	var best []K
	for _, cycle := range g.Cycles() {
		if best == nil || len(cycle) < len(best) {
			best = cycle
		}
	}
	return best
}

// Cycles returns one cycle for every group of nodes that can all reach each
// other (strongly connected component), in the order of their smallest nodes: a
// shortest cycle through the smallest node. Each node comes before the next, the
// last before the first. A node with an edge to itself is a cycle of one.
func (g *Graph[K]) Cycles() [][]K {
	o := g.ordered()
	component, count := o.components()
	first := make([]int, count)
	size := make([]int, count)
	for i := len(o.keys) - 1; i >= 0; i-- {
		first[component[i]] = i
		size[component[i]]++
	}
	slices.Sort(first)
	var cycles [][]K
	before := make([]int, len(o.keys))
	for i := range before {
		before[i] = -1
	}
	for _, i := range first {
		if size[component[i]] > 1 || slices.Contains(o.out[i], i) {
			cycles = append(cycles, o.shortest(i, component, before))
		}
	}
	return cycles
}

// shortest walks the component of start breadth first until it is back at start.
// before is room for the way, -1 for each node of the component.
func (o ordered[K]) shortest(start int, component, before []int) []K {
	queue := []int{start}
	for head := 0; head < len(queue); head++ {
		i := queue[head]
		for _, j := range o.out[i] {
			if j == start {
				return o.way(start, i, before)
			}
			if component[j] == component[start] && before[j] < 0 {
				before[j] = i
				queue = append(queue, j)
			}
		}
	}
	return nil
}

// way reads the path from start to end out of the steps in before.
func (o ordered[K]) way(start, end int, before []int) []K {
	var path []K
	for i := end; i != start; i = before[i] {
		path = append(path, o.keys[i])
	}
	path = append(path, o.keys[start])
	slices.Reverse(path)
	return path
}

// components numbers the strongly connected components by Tarjan's algorithm,
// with a stack of its own, as a chain of units may be long.
func (o ordered[K]) components() (component []int, count int) {
	t := tarjan[K]{ordered: o, component: make([]int, len(o.keys)),
		order: make([]int, len(o.keys)), low: make([]int, len(o.keys))}
	for i := range o.keys {
		if t.order[i] == 0 {
			t.visit(i)
		}
	}
	return t.component, t.count
}

type tarjan[K cmp.Ordered] struct {
	ordered[K]
	// order is when a node was first seen, from 1; low the smallest order that it
	// reaches; component is -1 while the node is open.
	order, low, component []int
	seen, count           int
	open                  []int
	walk                  []step
}

// step is a node on the way and how many of its edges were followed.
type step struct{ node, edge int }

func (t *tarjan[K]) visit(root int) {
	t.enter(root)
	for len(t.walk) > 0 {
		s := &t.walk[len(t.walk)-1]
		i := s.node
		if s.edge == len(t.out[i]) {
			t.leave(i)
			continue
		}
		j := t.out[i][s.edge]
		s.edge++
		switch {
		case t.order[j] == 0:
			t.enter(j)
		case t.component[j] < 0:
			t.low[i] = min(t.low[i], t.order[j])
		}
	}
}

func (t *tarjan[K]) enter(i int) {
	t.seen++
	t.order[i], t.low[i], t.component[i] = t.seen, t.seen, -1
	t.open = append(t.open, i)
	t.walk = append(t.walk, step{node: i})
}

func (t *tarjan[K]) leave(i int) {
	t.walk = t.walk[:len(t.walk)-1]
	if len(t.walk) > 0 {
		parent := t.walk[len(t.walk)-1].node
		t.low[parent] = min(t.low[parent], t.low[i])
	}
	if t.low[i] != t.order[i] {
		return
	}
	for {
		j := t.open[len(t.open)-1]
		t.open = t.open[:len(t.open)-1]
		t.component[j] = t.count
		if j == i {
			break
		}
	}
	t.count++
}
