package fleet

import "slices"

// clash is another unit that cannot be on the same machine (Conflicts=).
type clash struct {
	other *prospect
	// every says that all versions of the two clash, last that those to come do.
	every, last bool
}

// findClashes pairs the units that exclude each other. Few units have a word to say
// about that, so that these are held against all.
func (o *outlook) findClashes() {
	picky := map[*prospect]bool{}
	for _, p := range o.prospects {
		picky[p] = slices.ContainsFunc(p.versions, func(v *simJob) bool { return v.picky })
	}
	for _, p := range o.prospects {
		for _, q := range o.prospects {
			if !picky[p] || p == q || picky[q] && p.name > q.name {
				continue
			}
			if replaces(p, q) || replaces(q, p) {
				p.wild, q.wild = true, true
			}
			if some, every := clashing(p, q); some {
				last := p.new != nil && q.new != nil && conflict(p.new, q.new)
				p.clashes = append(p.clashes, clash{q, every, last})
				q.clashes = append(q.clashes, clash{p, every, last})
			}
		}
	}
}

// clashing reports whether some versions of two units exclude each other, and whether
// all do.
func clashing(p, q *prospect) (some, every bool) {
	every = true
	for _, v := range p.versions {
		for _, w := range q.versions {
			clash := conflict(v, w)
			some, every = some || clash, every && clash
		}
	}
	return some, every
}

// conflict reports whether either of two units names the other in Conflicts=.
func conflict(v, w *simJob) bool {
	_, ours := matching(v.conflicts, w.Name)
	_, theirs := matching(w.conflicts, v.Name)
	return ours || theirs
}

// replaces reports whether any version of p takes the place of q.
func replaces(p, q *prospect) bool {
	return slices.ContainsFunc(p.versions, func(v *simJob) bool {
		_, matches := matching(v.replaces, q.name)
		return matches
	})
}
