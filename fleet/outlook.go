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

// prospect is a unit as it is and as it will be. Slices are by machine, in the order of
// outlook.hosts.
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

// foresee works out the outlook. Neither engine may have made a pass.
func foresee(before, after *engine) *outlook {
	o := &outlook{hosts: after.hosts, byName: map[string]*prospect{}}
	o.most, o.least = make([]int, len(o.hosts)), make([]int, len(o.hosts))
	for _, j := range slices.Concat(before.jobs, before.globals) {
		o.addOld(j)
	}
	for _, j := range slices.Concat(after.jobs, after.globals) {
		o.addNew(j)
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

// prospect returns the unit of that name, which it adds when it is not there.
func (o *outlook) prospect(name string) *prospect {
	p := o.byName[name]
	if p == nil {
		p = &prospect{name: name, now: -1}
		o.prospects = append(o.prospects, p)
		o.byName[name] = p
	}
	return p
}

// addOld takes in a unit as the cluster has it.
func (o *outlook) addOld(j *simJob) {
	p := o.prospect(j.Name)
	p.old, p.versions = j, append(p.versions, j)
	p.now = slices.IndexFunc(o.hosts, func(h *host) bool { return h.id() == j.TargetMachineID })
}

// addNew takes in a unit as it is to be, after all that there are.
func (o *outlook) addNew(j *simJob) {
	p := o.prospect(j.Name)
	if p.old != nil && p.old.same(j) {
		p.new = p.old
		return
	}
	p.new, p.versions = j, append(p.versions, j)
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

// active reports whether the engine looks for a machine for the unit.
func (j *simJob) active() bool { return j.TargetState != job.JobStateInactive }

// global reports whether any version of the unit runs on every machine.
func (p *prospect) global() bool {
	return slices.ContainsFunc(p.versions, func(v *simJob) bool { return v.global })
}

// suits looks at what does not change while fleet places units: the machine's ID
// and metadata.
func (h *host) suits(j *simJob) bool {
	return (!j.targeted || j.global || h.all.MState.MatchID(j.target)) && machine.HasMetadata(h.all.MState, j.metadata)
}

// last is where the version fits that is there in the end.
func (p *prospect) last() []bool { return p.fits[len(p.fits)-1] }

// count is a bit as a number.
func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
