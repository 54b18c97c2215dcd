package fleet

import "slices"

// happen adds what may happen next, and reports whether that was anything new.
func (o *outlook) happen() bool {
	o.weigh()
	news := false
	for _, p := range o.prospects {
		loose := p.wild
		for k, v := range p.versions {
			switch {
			case v.global:
				news = o.spread(p, k) || news
			case v.active():
				loose = loose || p.arrives(v) || !o.holds(p, k)
				if loose {
					news = o.place(p, k) || news
				}
			}
		}
		news = o.loosen(p, loose) || news
	}
	return news
}

// weigh counts what each machine may have and has all the time.
func (o *outlook) weigh() {
	for i := range o.hosts {
		o.most[i], o.least[i] = 0, 0
		for _, p := range o.prospects {
			o.most[i] += count(p.may[i])
			o.least[i] += count(p.must[i])
		}
	}
}

// arrives reports whether a version is one that the engine must find a machine for,
// because the unit as it was had none of its choosing.
func (p *prospect) arrives(v *simJob) bool {
	return v == p.new && v != p.old && (p.old == nil || p.old.global || !p.old.active())
}

// holds reports whether a version of a unit surely stays on the machine that has it.
// A global unit never drives another away: the engine counts those last.
func (o *outlook) holds(p *prospect, version int) bool {
	if p.now < 0 || !p.fits[version][p.now] {
		return false
	}
	for _, c := range p.clashes {
		if c.other.may[p.now] && slices.ContainsFunc(c.other.versions, func(v *simJob) bool { return !v.global }) {
			return false
		}
	}
	for _, peer := range p.versions[version].peers {
		if q := o.byName[peer]; q != p && (q == nil || !q.must[p.now]) {
			return false
		}
	}
	return true
}

// loosen gives up what is not there all the time. loose says that the engine may look
// for another machine.
func (o *outlook) loosen(p *prospect, loose bool) bool {
	news := false
	for i, must := range p.must {
		if must && !o.keeps(p, loose, i) {
			p.must[i], news = false, true
		}
	}
	return news
}

// keeps reports whether a machine surely has the unit from beginning to end.
func (o *outlook) keeps(p *prospect, loose bool, machine int) bool {
	switch {
	case p.old == nil || p.new == nil || p.wild || p.old.global != p.new.global:
		return false
	case p.new.global:
		return !slices.ContainsFunc(p.fits, func(fits []bool) bool { return !fits[machine] }) &&
			!slices.ContainsFunc(p.clashes, func(c clash) bool { return c.other.may[machine] })
	}
	return !loose && p.old.active() && p.new.active()
}

// spread lets a global unit come to the machines that match. One global unit bars
// another from none: which of them the engine counts is left to chance.
func (o *outlook) spread(p *prospect, version int) bool {
	news := false
	for i, fits := range p.fits[version] {
		if fits && !p.may[i] && !slices.ContainsFunc(p.clashes, func(c clash) bool { return c.every && c.other.must[i] && !c.other.global() }) {
			p.may[i], news = true, true
		}
	}
	return news
}

// barred reports whether another unit keeps p off a machine all the time.
func (o *outlook) barred(p *prospect, machine int) bool {
	return slices.ContainsFunc(p.clashes, func(c clash) bool { return c.every && c.other.must[machine] })
}

// place lets the engine choose a machine: the one with the fewest units, then the
// lowest ID, among those that can run it.
func (o *outlook) place(p *prospect, version int) bool {
	best := -1
	for i := range o.hosts {
		if o.able(p, version, i) && (best < 0 || o.before(o.atMost(p, i), i, o.atMost(p, best), best)) {
			best = i
		}
	}
	news := false
	for i := range o.hosts {
		switch {
		case p.may[i], !p.wild && !o.possible(p, version, i):
		case best >= 0 && !p.wild && o.before(o.atMost(p, best), best, o.least[i]-count(p.must[i]), i):
			// With all that may come to best, and only what is surely here, best is still preferred.
		default:
			p.may[i], news = true, true
		}
	}
	return news
}

// atMost is how many units besides p a machine may have.
func (o *outlook) atMost(p *prospect, machine int) int {
	return o.most[machine] - count(p.may[machine])
}

// before reports whether the engine prefers machine i to machine k, given their loads.
func (o *outlook) before(load, i, other, k int) bool {
	return load < other || load == other && o.hosts[i].id() < o.hosts[k].id()
}

// able reports whether the machine can run the unit at any time.
func (o *outlook) able(p *prospect, version, machine int) bool {
	return p.fits[version][machine] &&
		!slices.ContainsFunc(p.clashes, func(c clash) bool { return c.other.may[machine] }) &&
		o.besides(p, p.versions[version], func(q *prospect) bool { return q.must[machine] })
}

// possible reports whether the machine can run the unit at some time.
func (o *outlook) possible(p *prospect, version, machine int) bool {
	return p.fits[version][machine] && !o.barred(p, machine) &&
		o.besides(p, p.versions[version], func(q *prospect) bool { return q.may[machine] })
}

// besides reports whether every unit is there that a version of p is to share a machine
// with (MachineOf=). A unit that names itself is never there first, and so nowhere.
func (o *outlook) besides(p *prospect, version *simJob, there func(*prospect) bool) bool {
	for _, peer := range version.peers {
		if q := o.byName[peer]; q == nil || q == p || !there(q) {
			return false
		}
	}
	return true
}
