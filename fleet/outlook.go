package fleet

import (
	"slices"

	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"
)

// outlook is what may become of each unit in whichever order fleet takes things:
// requests arrive one after the other while the engine makes passes, and each pass
// goes through the units in the random order of a map. What it says of a unit is
// never too little; for many units that lean on each other it may be too much.
//
// First it lets everything happen that may, from the present state on, and keeps
// for each machine which units it may have at some time and which it has all the
// time. Then it looks at the state in which the engine has nothing left to do.
type outlook struct {
	hosts     []*host
	prospects []*prospect
	byName    map[string]*prospect
	// most and least are how many units each machine may have, and has all the time.
	most, least []int
}

// prospect is a unit as it is and as it will be. Slices are by machine.
type prospect struct {
	name string
	// versions are the present unit, if it is there, and the one to come, if it
	// stays; one if they are the same. fits tells for each which machines suit it.
	versions []*simJob
	fits     [][]bool
	old, new *simJob
	now      int // the machine that it is scheduled to, or -1
	clashes  []clash
	// wild says that Replaces= is in play, which has the engine push units to where
	// they may not be able to run.
	wild      bool
	may, must []bool
	// ends are the machines that the engine may have it on in the end, firm those that
	// it then has it on; placed says that there is one.
	ends, firm []bool
	placed     bool
	// mayRun and runs are the same of the machines' agents, and waits says that one may
	// leave it out.
	mayRun, runs []bool
	waits        bool
}

// clash is another unit that cannot be on the same machine (Conflicts=).
type clash struct {
	other *prospect
	// every says that all versions of the two clash, last that those to come do.
	every, last bool
}

// foresee works out the outlook. Neither engine may have made a pass.
func foresee(before, after *engine) *outlook {
	o := &outlook{hosts: after.hosts, byName: map[string]*prospect{}}
	o.most, o.least = make([]int, len(o.hosts)), make([]int, len(o.hosts))
	for _, e := range []*engine{before, after} {
		for _, list := range [][]*simJob{e.jobs, e.globals} {
			for _, j := range list {
				o.add(j, e == after)
			}
		}
	}
	for _, p := range o.prospects {
		o.start(p)
	}
	o.findClashes()
	for o.happen() {
	}
	o.settle()
	o.agents()
	return o
}

func (o *outlook) add(j *simJob, isNew bool) {
	p := o.byName[j.Name]
	if p == nil {
		p = &prospect{name: j.Name, now: -1}
		o.prospects = append(o.prospects, p)
		o.byName[j.Name] = p
	}
	switch {
	case !isNew:
		p.old, p.versions = j, append(p.versions, j)
		p.now = slices.IndexFunc(o.hosts, func(h *host) bool { return h.id() == j.TargetMachineID })
	case p.old != nil && p.old.same(j):
		p.new = p.old
	default:
		p.new, p.versions = j, append(p.versions, j)
	}
}

// same reports whether two versions of a unit are one to the engine.
func (j *simJob) same(other *simJob) bool {
	return j.TargetState == other.TargetState && slices.Equal(j.options, other.options)
}

// start puts a unit where it is.
func (o *outlook) start(p *prospect) {
	p.may, p.must = make([]bool, len(o.hosts)), make([]bool, len(o.hosts))
	p.ends, p.firm = make([]bool, len(o.hosts)), make([]bool, len(o.hosts))
	for _, v := range p.versions {
		fits := make([]bool, len(o.hosts))
		for i, h := range o.hosts {
			fits[i] = h.suits(v)
		}
		p.fits = append(p.fits, fits)
	}
	switch {
	case p.old == nil:
	case p.old.global:
		copy(p.may, p.fits[0])
		copy(p.must, p.fits[0])
	case p.now >= 0: // an inactive one may be there until the next pass
		p.may[p.now], p.must[p.now] = true, p.old.active()
	}
}

func (j *simJob) active() bool { return j.TargetState != job.JobStateInactive }

// global reports whether any version of the unit runs on every machine.
func (p *prospect) global() bool {
	return slices.ContainsFunc(p.versions, func(v *simJob) bool { return v.global })
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

func conflict(v, w *simJob) bool {
	_, ours := matching(v.conflicts, w.Name)
	_, theirs := matching(w.conflicts, v.Name)
	return ours || theirs
}

func replaces(p, q *prospect) bool {
	return slices.ContainsFunc(p.versions, func(v *simJob) bool {
		_, matches := matching(v.replaces, q.name)
		return matches
	})
}

// happen adds what may happen next, and reports whether that was anything new.
func (o *outlook) happen() bool {
	for i := range o.hosts {
		o.most[i], o.least[i] = 0, 0
		for _, p := range o.prospects {
			o.most[i] += count(p.may[i])
			o.least[i] += count(p.must[i])
		}
	}
	news := false
	for _, p := range o.prospects {
		loose := p.wild
		for k, v := range p.versions {
			switch {
			case v.global:
				news = o.spread(p, k) || news
			case v.active():
				loose = loose || v == p.new && v != p.old && (p.old == nil || p.old.global || !p.old.active()) || !o.holds(p, k)
				if loose {
					news = o.place(p, k) || news
				}
			}
		}
		news = o.loosen(p, loose) || news
	}
	return news
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
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

// loosen gives up what is not there all the time.
func (o *outlook) loosen(p *prospect, loose bool) bool {
	news := false
	for i := range o.hosts {
		if !p.must[i] {
			continue
		}
		keeps := p.old != nil && p.new != nil && !p.wild && p.old.global == p.new.global
		switch {
		case !keeps:
		case p.new.global:
			keeps = !slices.ContainsFunc(p.clashes, func(c clash) bool { return c.other.may[i] })
			for _, fits := range p.fits {
				keeps = keeps && fits[i]
			}
		default:
			keeps = !loose && p.old.active() && p.new.active()
		}
		if !keeps {
			p.must[i], news = false, true
		}
	}
	return news
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
		if o.able(p, version, i) && (best < 0 || o.before(o.most[i]-count(p.may[i]), i, o.most[best]-count(p.may[best]), best)) {
			best = i
		}
	}
	news := false
	for i := range o.hosts {
		if p.may[i] || !p.wild && !o.possible(p, version, i) {
			continue
		}
		if best >= 0 && !p.wild && o.before(o.most[best]-count(p.may[best]), best, o.least[i]-count(p.must[i]), i) {
			continue
		}
		p.may[i], news = true, true
	}
	return news
}

// before reports whether the engine prefers machine i to machine k, given their loads.
func (o *outlook) before(load, i, other, k int) bool {
	return load < other || load == other && o.hosts[i].id() < o.hosts[k].id()
}

// able reports whether the machine can run the unit at any time.
func (o *outlook) able(p *prospect, version, machine int) bool {
	if !p.fits[version][machine] || slices.ContainsFunc(p.clashes, func(c clash) bool { return c.other.may[machine] }) {
		return false
	}
	for _, peer := range p.versions[version].peers {
		if q := o.byName[peer]; q == nil || q == p || !q.must[machine] {
			return false
		}
	}
	return true
}

// possible reports whether the machine can run the unit at some time.
func (o *outlook) possible(p *prospect, version, machine int) bool {
	if !p.fits[version][machine] || o.barred(p, machine) {
		return false
	}
	for _, peer := range p.versions[version].peers {
		if q := o.byName[peer]; q == nil || q == p || !q.may[machine] {
			return false
		}
	}
	return true
}

// suits looks at what does not change while fleet places units: the machine's ID
// and metadata.
func (h *host) suits(j *simJob) bool {
	return (!j.targeted || j.global || h.all.MState.MatchID(j.target)) && machine.HasMetadata(h.all.MState, j.metadata)
}
