package graph

// Waves groups the nodes so that each comes in a later wave than all that come
// before it, and in the earliest such wave. Each wave is sorted. Nodes on a cycle,
// and those that come after one, are in no wave: ask [Graph.Cycle] first.
func (g *Graph[K]) Waves() [][]K {
	o := g.ordered()
	waiting := make([]int, len(o.keys))
	for _, next := range o.out {
		for _, j := range next {
			waiting[j]++
		}
	}
	wave := make([]int, len(o.keys))
	ready := make([]int, 0, len(o.keys))
	for i, n := range waiting {
		if n == 0 {
			ready = append(ready, i)
		}
	}
	last := -1
	for head := 0; head < len(ready); head++ {
		i := ready[head]
		last = max(last, wave[i])
		for _, j := range o.out[i] {
			wave[j] = max(wave[j], wave[i]+1)
			if waiting[j]--; waiting[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	return o.group(wave, waiting, last+1)
}

// group collects the nodes that wait for nothing any more by their wave. Going
// through them in the order of their keys leaves each wave sorted.
func (o ordered[K]) group(wave, waiting []int, count int) [][]K {
	if count == 0 {
		return nil
	}
	waves := make([][]K, count)
	for i, k := range o.keys {
		if waiting[i] == 0 {
			waves[wave[i]] = append(waves[wave[i]], k)
		}
	}
	return waves
}
