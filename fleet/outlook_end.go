package fleet

import (
	"cmp"
	"slices"
)

// settle looks at the state in which the engine has nothing left to do: no unit is
// where it cannot run, and none waits that some machine could run.
func (o *outlook) settle() {
	for _, p := range o.prospects {
		switch {
		case p.new == nil:
		case p.new.global:
			copy(p.ends, p.last())
		case !p.new.active():
		case p.now >= 0 && p.must[p.now]:
			p.ends[p.now] = true
		default:
			for i := range o.hosts {
				p.ends[i] = p.may[i] && (p.last()[i] || p.wild)
			}
		}
	}
	for again := true; again; {
		again = false
		for _, p := range o.prospects {
			if p.new == nil || p.wild || !p.new.global && !p.new.active() {
				continue
			}
			again = o.narrow(p) || again
			again = o.confirm(p) || again
		}
	}
}

// narrow takes away the machines that cannot have the unit in the end.
func (o *outlook) narrow(p *prospect) bool {
	news := false
	for i := range o.hosts {
		if !p.ends[i] {
			continue
		}
		gone := slices.ContainsFunc(p.clashes, func(c clash) bool { return c.last && c.other.firm[i] && !(p.new.global && c.other.new.global) })
		for _, peer := range p.new.peers {
			q := o.byName[peer]
			gone = gone || !p.new.global && q != p && (q == nil || !q.ends[i])
		}
		if gone {
			p.ends[i], news = false, true
		}
	}
	return news
}

// confirm finds what is sure of the end.
func (o *outlook) confirm(p *prospect) bool {
	news := false
	if p.new.global {
		for i := range o.hosts {
			if p.ends[i] && !p.firm[i] && o.free(p, i) {
				p.firm[i], news = true, true
			}
		}
		return news
	}
	if !p.placed && o.finds(p) {
		p.placed, news = true, true
	}
	if i, one := only(p.ends); one && p.placed && !p.firm[i] {
		p.firm[i], news = true, true
	}
	return news
}

// only returns the one that is set, if it is one.
func only(set []bool) (int, bool) {
	i := slices.Index(set, true)
	return i, i >= 0 && !slices.Contains(set[i+1:], true)
}

// free reports whether nothing that clashes with p can be on the machine in the end.
func (o *outlook) free(p *prospect, machine int) bool {
	return !slices.ContainsFunc(p.clashes, func(c clash) bool { return c.last && c.other.ends[machine] })
}

// finds reports whether the engine has a machine for the unit in the end, whichever
// that is.
func (o *outlook) finds(p *prospect) bool {
	if p.now >= 0 && p.must[p.now] {
		return true
	}
	return o.follows(p) || o.hasRoom(p)
}

// follows reports whether the unit can be wherever the one is that it follows.
func (o *outlook) follows(p *prospect) bool {
	if len(p.new.peers) != 1 {
		return false
	}
	q := o.byName[p.new.peers[0]]
	if q == nil || q == p || !q.placed {
		return false
	}
	fits := p.last()
	for i := range o.hosts {
		if q.ends[i] && (!fits[i] || !o.free(p, i)) {
			return false
		}
	}
	return true
}

// hasRoom reports whether a machine is left that can run the unit, wherever the
// units are that clash with it: each of these takes one machine at most.
func (o *outlook) hasRoom(p *prospect) bool {
	rooms := make([]bool, len(o.hosts))
	left := 0
	for i := range o.hosts {
		if rooms[i] = o.isRoom(p, i); rooms[i] && o.free(p, i) {
			return true
		}
		left += count(rooms[i])
	}
	for _, c := range p.clashes {
		if c.last && overlap(rooms, c.other.ends) {
			left--
		}
	}
	return left > 0
}

// isRoom reports whether the machine can run the unit in the end, but for those that
// clash with it and take one machine only.
func (o *outlook) isRoom(p *prospect, machine int) bool {
	return p.last()[machine] &&
		o.besides(p, p.new, func(q *prospect) bool { return q.firm[machine] }) &&
		!slices.ContainsFunc(p.clashes, func(c clash) bool { return c.last && c.other.new.global && c.other.ends[machine] })
}

// overlap reports whether the two have a machine in common.
func overlap(a, b []bool) bool {
	for i := range a {
		if a[i] && b[i] {
			return true
		}
	}
	return false
}

// agents works out what the machines make of the schedule: an agent goes through the
// units by name and leaves out what clashes with one that it has taken.
func (o *outlook) agents() {
	slices.SortFunc(o.prospects, func(a, b *prospect) int { return cmp.Compare(a.name, b.name) })
	for _, p := range o.prospects {
		p.mayRun, p.runs = make([]bool, len(o.hosts)), make([]bool, len(o.hosts))
		if p.new == nil {
			continue
		}
		for i := range o.hosts {
			o.agent(p, i)
		}
	}
}

// agent works out whether one machine runs the unit. Those before it by name are done.
func (o *outlook) agent(p *prospect, machine int) {
	may, must := p.ends[machine], true
	if p.new.global {
		may = p.last()[machine]
	}
	for _, c := range p.clashes {
		if c.last && c.other.name < p.name {
			may = may && !c.other.runs[machine]
			must = must && !c.other.mayRun[machine]
		}
	}
	p.mayRun[machine] = may
	p.runs[machine] = must && may && (p.new.global || p.firm[machine])
	p.waits = p.waits || p.ends[machine] && !must
}

// tell fills in what is sure of a placement, and what may be where it is not.
func (o *outlook) tell(p *Placement) {
	q := o.byName[string(p.Unit)]
	p.Sure = true
	for i, h := range o.hosts {
		if q.mayRun[i] {
			p.Maybe = append(p.Maybe, h.id())
			p.Sure = p.Sure && q.runs[i]
		}
	}
	if p.Sure {
		p.Maybe = nil
		return
	}
	p.MayWait = !p.Global && (!q.placed || q.waits)
}
