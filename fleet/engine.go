package fleet

import (
	"cmp"
	"maps"
	"slices"

	"github.com/coreos/fleet/agent"
	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"
	"github.com/coreos/fleet/pkg"
	"github.com/coreos/fleet/schema"

	"github.com/stackc/stackc/units"
)

// engine is fleet's scheduler on a copy of the cluster: the order of its choices
// as in fleet v1.0.0 engine/reconciler.go and scheduler.go, whether a machine can
// run a unit by fleet's own agent.AgentState. Fleet takes the units of one pass
// in the random order of a map; here it is the order of names.
type engine struct {
	hosts   []*host
	jobs    []*simJob
	globals []*simJob
	// choosy is whether any global unit has conflicts: then each move may change
	// which machines have it.
	choosy bool
}

// host is one machine with what is scheduled to it.
type host struct {
	// all has every unit; picky only those that have conflicts or replacements of
	// their own. A unit without any can clash with the latter alone, and asking
	// them is much quicker: fleet parses each unit again for each question.
	all, picky *agent.AgentState
	// runs are the units that the machine's agent keeps loaded, counts those that the
	// engine has there; see agents.
	runs, counts map[string]*simJob
}

// simJob is one unit as fleet's code wants to see it.
type simJob struct {
	job.Job
	unit    *job.Unit
	options []units.Option
	// peers and conflicts are kept, since fleet's code parses the unit again each
	// time it is asked for them.
	peers, conflicts, replaces []string
	// target is the machine that it must be on, if it is targeted, and metadata what
	// the machine must have.
	target        string
	targeted      bool
	metadata      map[string]pkg.Set
	global, picky bool
}

// newEngine sets up the machines and the units with their present places.
func newEngine(machines []Machine, list []Unit) *engine {
	e := &engine{}
	for _, m := range machines {
		state := &machine.MachineState{ID: m.ID, PublicIP: m.IP, Metadata: m.Metadata}
		e.hosts = append(e.hosts, &host{all: agent.NewAgentState(state), picky: agent.NewAgentState(state)})
	}
	for _, u := range list {
		j := newSimJob(u)
		if !j.global {
			e.jobs = append(e.jobs, j)
			continue
		}
		e.globals = append(e.globals, j)
		e.choosy = e.choosy || j.picky
	}
	byName := func(a, b *simJob) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(e.jobs, byName)
	slices.SortFunc(e.globals, byName)
	for _, h := range e.hosts {
		e.refill(h)
	}
	return e
}

func newSimJob(u Unit) *simJob {
	file := schema.MapSchemaUnitOptionsToUnitFile(schemaOptions(u.Options))
	j := &simJob{Job: job.Job{Name: string(u.Name), Unit: *file, TargetState: job.JobState(u.Desired), TargetMachineID: u.Machine}, options: u.Options}
	j.unit = &job.Unit{Name: j.Name, Unit: *file, TargetState: j.TargetState}
	j.peers, j.conflicts, j.replaces = j.Peers(), j.Conflicts(), j.Replaces()
	j.target, j.targeted = j.RequiredTarget()
	j.metadata = j.RequiredTargetMetadata()
	j.global = j.unit.IsGlobal()
	j.picky = len(j.conflicts) > 0 || len(j.replaces) > 0
	return j
}

// settle runs passes until one changes nothing. Only units that replace each
// other never settle; the bound is for them.
func (e *engine) settle() {
	for range 2*len(e.jobs) + 10 {
		if !e.pass() {
			return
		}
	}
}

// pass takes units off machines that cannot have them, then places those that
// have none, and reports whether anything moved.
func (e *engine) pass() bool {
	moved := false
	for _, j := range e.jobs {
		if j.Scheduled() && !e.mayStay(j) {
			e.move(j, nil)
			moved = true
		}
	}
	for _, j := range e.jobs {
		if j.Scheduled() || j.TargetState == job.JobStateInactive {
			continue
		}
		if h := e.choose(j); h != nil {
			e.move(j, h)
			moved = true
		}
	}
	return moved
}

func (e *engine) mayStay(j *simJob) bool {
	h := e.host(j.TargetMachineID)
	return h != nil && j.TargetState != job.JobStateInactive && h.able(j)
}

// choose returns the machine with the fewest units, then the lowest ID, among
// those that can run j, or nil.
func (e *engine) choose(j *simJob) *host {
	var best *host
	for _, h := range e.hosts {
		if (best == nil || h.load() < best.load()) && h.able(j) {
			best = h
		}
	}
	return best
}

// move schedules j to h, or to no machine.
func (e *engine) move(j *simJob, h *host) {
	old := e.host(j.TargetMachineID)
	j.TargetMachineID = ""
	if h != nil {
		j.TargetMachineID = h.id()
	}
	for _, touched := range []*host{old, h} {
		switch {
		case touched == nil:
		case e.choosy || j.picky:
			e.refill(touched)
		case touched == h:
			touched.add(j)
		default:
			touched.remove(j)
		}
	}
}

// refill computes anew what is on a machine: its scheduled units, and then the
// global ones that match it and do not clash.
func (e *engine) refill(h *host) {
	clear(h.all.Units)
	clear(h.picky.Units)
	for _, j := range e.jobs {
		if j.TargetMachineID == h.id() && j.TargetState != job.JobStateInactive {
			h.add(j)
		}
	}
	for _, g := range e.globals {
		if machine.HasMetadata(h.all.MState, g.metadata) && !h.clashes(g) {
			h.add(g)
		}
	}
}

// agents works out what each machine's agent makes of the schedule. It goes
// through the units by name and leaves out what clashes with one before, also a
// unit that was scheduled to it (agent/reconcile.go, desiredAgentState): where a
// unit clashes with a global one, engine and agent may be of two minds.
func (e *engine) agents() {
	everything := slices.Concat(e.jobs, e.globals)
	slices.SortFunc(everything, func(a, b *simJob) int { return cmp.Compare(a.Name, b.Name) })
	for _, h := range e.hosts {
		h.runs, h.counts = make(map[string]*simJob), make(map[string]*simJob)
		view := &host{all: agent.NewAgentState(h.all.MState), picky: agent.NewAgentState(h.all.MState)}
		for _, j := range everything {
			here := j.TargetMachineID == h.id()
			if j.global {
				here = machine.HasMetadata(h.all.MState, j.metadata)
			}
			if h.has(j.Name) {
				h.counts[j.Name] = j
			}
			if here && !view.clashes(j) {
				view.add(j)
				h.runs[j.Name] = j
			}
		}
	}
}

func (e *engine) host(id string) *host {
	for _, h := range e.hosts {
		if h.id() == id && id != "" {
			return h
		}
	}
	return nil
}

// find returns the unit of that name, or nil.
func (e *engine) find(name units.Name) *simJob {
	for _, list := range [][]*simJob{e.jobs, e.globals} {
		i, ok := slices.BinarySearchFunc(list, string(name), func(j *simJob, n string) int { return cmp.Compare(j.Name, n) })
		if ok {
			return list[i]
		}
	}
	return nil
}

func (h *host) id() string { return h.all.MState.ID }

// load is what fleet orders machines by: inactive global units count as well.
func (h *host) load() int { return len(h.all.Units) }

func (h *host) has(name string) bool { return h.all.Units[name] != nil }

func (h *host) add(j *simJob) {
	h.all.Units[j.Name] = j.unit
	if j.picky {
		h.picky.Units[j.Name] = j.unit
	}
}

func (h *host) remove(j *simJob) {
	delete(h.all.Units, j.Name)
	delete(h.picky.Units, j.Name)
}

// able asks fleet whether the machine can run j.
func (h *host) able(j *simJob) bool {
	switch {
	case j.picky:
		return ableToRun(h.all, j)
	case len(h.picky.Units) > 0 && len(j.peers) > 0:
		return ableToRun(h.relevant(j), j)
	case len(h.picky.Units) > 0:
		return ableToRun(h.picky, j)
	}
	// Without conflicts on either side this is all that fleet looks at (fleet v1.0.0
	// agent/state.go, AbleToRun); it would parse the unit anew for each machine.
	return h.suits(j) && !slices.ContainsFunc(j.peers, func(peer string) bool { return !h.has(peer) })
}

// relevant is the part of the machine that counts for a unit that has no conflicts
// of its own: the picky units, and those whose machine it must share.
func (h *host) relevant(j *simJob) *agent.AgentState {
	state := agent.NewAgentState(h.all.MState)
	maps.Copy(state.Units, h.picky.Units)
	for _, peer := range j.peers {
		if u := h.all.Units[peer]; u != nil {
			state.Units[peer] = u
		}
	}
	return state
}

func ableToRun(state *agent.AgentState, j *simJob) bool {
	action, _ := state.AbleToRun(&j.Job)
	return action != job.JobActionUnschedule
}

func (h *host) clashes(j *simJob) bool {
	state := h.picky
	if j.picky {
		state = h.all
	}
	found, _ := state.HasConflict(j.Name, j.conflicts)
	return found
}
