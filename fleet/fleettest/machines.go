package fleettest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coreos/fleet/agent"
	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"
	"github.com/coreos/fleet/unit"

	"github.com/stackc/stackc/units"
)

// Behaviour tells the state of a started unit as "active/sub", or "load/active/sub".
type Behaviour func(View) string

// View is what a Behaviour can see.
type View struct {
	Machine string
	// Since is how long ago the unit was started.
	Since time.Duration
	// Up tells whether another unit is active somewhere.
	Up func(units.Name) bool
}

// Phase is one of the states that a unit goes through.
type Phase struct {
	// For is how long it lasts; 0 is for ever.
	For   time.Duration
	State string
}

// Phases makes a Behaviour of states that follow each other.
func Phases(phases ...Phase) Behaviour {
	return func(v View) string {
		for _, p := range phases {
			if p.For == 0 || v.Since < p.For {
				return p.State
			}
			v.Since -= p.For
		}
		return "inactive/dead"
	}
}

// WaitsFor makes a Behaviour that sits in start-pre until another unit is up.
func WaitsFor(name units.Name) Behaviour {
	return func(v View) string {
		if v.Up(name) {
			return "active/running"
		}
		return "activating/start-pre"
	}
}

// host is a machine with its agent and systemd.
type host struct {
	state  machine.MachineState
	dead   bool
	units  map[string]*loaded
	hidden map[string]time.Time
	// stalled is until when its agent does nothing.
	stalled time.Time
}

// loaded is a unit that is on a machine.
type loaded struct {
	job.Unit
	hash string
	// launched is what the agent believes, running what systemd does.
	launched, running bool
	// failed is what is left of an earlier start.
	failed  bool
	started time.Time
}

func newHost(m Machine) *host {
	return &host{state: machineState(m), units: map[string]*loaded{}, hidden: map[string]time.Time{}}
}

func (c *Cluster) host(id string) *host {
	for _, h := range c.machines {
		if h.state.ID == id && !h.dead {
			return h
		}
	}
	return nil
}

// catchUp runs the passes that are due. After a long time without requests a few
// are as good as all.
func (c *Cluster) catchUp() {
	now := time.Now()
	if late := now.Add(-20 * Pass); c.next.Before(late) {
		c.next = late
	}
	for ; !c.next.After(now); c.next = c.next.Add(Pass) {
		c.pass(c.next)
	}
}

// pass lets the scheduler and then the agents act once, and reports whether the
// scheduler had anything to do.
func (c *Cluster) pass(now time.Time) bool {
	moved := c.schedule()
	for _, h := range c.live() {
		if now.After(h.stalled) {
			h.reconcile(c.desired(h), c.dropped, now)
		}
	}
	if c.watch != nil {
		c.watch(c.running())
	}
	return moved
}

// running lists what runs on each machine.
func (c *Cluster) running() map[string][]units.Name {
	all := map[string][]units.Name{}
	for _, h := range c.live() {
		for _, name := range slices.Sorted(maps.Keys(h.units)) {
			if h.units[name].running {
				all[h.state.ID] = append(all[h.state.ID], units.Name(name))
			}
		}
	}
	return all
}

// desired is what a machine's agent makes of the schedule (agent/reconcile.go,
// desiredAgentState).
func (c *Cluster) desired(h *host) map[string]*job.Unit {
	as := agent.NewAgentState(&h.state)
	for _, name := range slices.Sorted(maps.Keys(c.units)) {
		r := c.units[name]
		switch clash, _ := as.HasConflict(r.Name, r.Conflicts()); {
		case clash:
		case r.global && machine.HasMetadata(&h.state, r.RequiredTargetMetadata()), !r.global && r.machine == h.state.ID:
			as.Units[name] = &r.Unit
		}
	}
	return as.Units
}

// schedule is one pass of fleet's engine (engine/reconciler.go), written down
// naively: after each move everything is worked out again.
func (c *Cluster) schedule() (moved bool) {
	agents := c.agents()
	move := func(r *record, id string) {
		r.machine, moved = id, true
		agents = c.agents()
	}
	for _, name := range slices.Sorted(maps.Keys(c.units)) {
		r := c.units[name]
		if r.machine == "" {
			continue
		}
		as := agents[r.machine]
		if r.global || as == nil || r.TargetState == job.JobStateInactive || !able(as, r) {
			move(r, "")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.units)) {
		r := c.units[name]
		if r.machine != "" || r.TargetState == job.JobStateInactive || r.global {
			continue
		}
		ids := slices.Sorted(maps.Keys(agents))
		slices.SortStableFunc(ids, func(a, b string) int { return len(agents[a].Units) - len(agents[b].Units) })
		for _, id := range ids {
			if able(agents[id], r) {
				move(r, id)
				break
			}
		}
	}
	return moved
}

func able(as *agent.AgentState, r *record) bool {
	action, _ := as.AbleToRun(&job.Job{Name: r.Name, Unit: r.Unit.Unit, TargetState: r.TargetState, TargetMachineID: r.machine})
	return action != job.JobActionUnschedule
}

// agents is what each machine has by the present schedule (engine/state.go).
func (c *Cluster) agents() map[string]*agent.AgentState {
	agents := map[string]*agent.AgentState{}
	for _, h := range c.live() {
		agents[h.state.ID] = agent.NewAgentState(&h.state)
	}
	for _, r := range c.units {
		if as := agents[r.machine]; as != nil && !r.global && r.TargetState != job.JobStateInactive {
			as.Units[r.Name] = &r.Unit
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.units)) {
		r := c.units[name]
		if !r.global {
			continue
		}
		for _, as := range agents {
			clash, _ := as.HasConflict(r.Name, r.Conflicts())
			if machine.HasMetadata(as.MState, r.RequiredTargetMetadata()) && !clash {
				as.Units[r.Name] = &r.Unit
			}
		}
	}
	return agents
}

// reconcile is one pass of an agent (agent/reconcile.go): unload, load, stop,
// start, in this order, where dropped are units whose start comes to nothing.
func (h *host) reconcile(wanted map[string]*job.Unit, dropped []string, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(h.units)) {
		want := wanted[name]
		if want == nil || want.TargetState == job.JobStateInactive || want.Unit.Hash().String() != h.units[name].hash {
			h.stop(name)
			delete(h.units, name)
		}
	}
	var starting []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		want := wanted[name]
		if want.TargetState == job.JobStateInactive {
			continue
		}
		if h.units[name] == nil {
			h.units[name] = &loaded{Unit: *want, hash: want.Unit.Hash().String()}
		}
		u := h.units[name]
		switch {
		case want.TargetState == job.JobStateLoaded && u.launched:
			h.stop(name)
			u.launched = false
		case want.TargetState == job.JobStateLaunched && !u.launched:
			u.launched = true
			starting = append(starting, name)
		}
	}
	for _, name := range starting {
		if !slices.Contains(dropped, name) {
			h.start(name, now)
		}
	}
}

// stop stops a unit and, as systemd does, those that must not be without it.
func (h *host) stop(name string) {
	if u := h.units[name]; u == nil || !u.running {
		return
	}
	h.units[name].running = false
	for other, u := range h.units {
		for _, edge := range units.Edges(units.Name(other), optionsOf(u.Unit)) {
			if u.running && edge.Relation.Stops() && string(edge.Target) == name {
				h.stop(other)
			}
		}
	}
}

// start starts a unit, unless something that it needs is not loaded here, with what it
// pulls in, and stops what must not run beside it.
func (h *host) start(name string, now time.Time) {
	u := h.units[name]
	if u.running {
		return
	}
	edges := units.Edges(units.Name(name), optionsOf(u.Unit))
	for _, edge := range edges {
		needs := edge.Relation.Needs() || edge.Relation == units.Triggers
		if needs && h.units[string(edge.Target)] == nil {
			return
		}
	}
	u.running, u.failed, u.started = true, false, now
	for _, edge := range edges {
		if other := string(edge.Target); edge.Relation.Pulls() && h.units[other] != nil {
			h.start(other, now)
		}
	}
	for other, o := range h.units {
		if o.running && (excludes(edges, other) || excludes(units.Edges(units.Name(other), optionsOf(o.Unit)), name)) {
			h.stop(other)
		}
	}
}

// excludes reports whether one of a unit's edges says that the other must not run
// beside it. systemd asks that of either (systemd.unit(5), Conflicts=).
func excludes(edges []units.Edge, other string) bool {
	return slices.ContainsFunc(edges, func(e units.Edge) bool { return e.Relation == units.Conflicts && string(e.Target) == other })
}

// row is what the machine publishes of a unit.
func (h *host) row(c *Cluster, u *loaded, now time.Time) *unit.UnitState {
	state := h.stateOf(c, u, now)
	if strings.Count(state, "/") == 1 {
		state = "loaded/" + state
	}
	words := strings.Split(state, "/")
	return &unit.UnitState{UnitName: u.Name, MachineID: h.state.ID, UnitHash: u.hash,
		LoadState: words[0], ActiveState: words[1], SubState: words[2]}
}

func (h *host) stateOf(c *Cluster, u *loaded, now time.Time) string {
	switch {
	case c.broken[u.Name]:
		return "bad-setting/inactive/dead"
	case u.failed:
		return "failed/failed"
	case !u.running:
		return "inactive/dead"
	}
	if b, ok := c.behave[units.Name(u.Name)]; ok {
		return b(View{Machine: h.state.ID, Since: now.Sub(u.started), Up: func(name units.Name) bool { return c.up(name, now) }})
	}
	return usual(units.UpRule(units.Name(u.Name), optionsOf(u.Unit)))
}

// up reports whether the unit is active on some machine.
func (c *Cluster) up(name units.Name, now time.Time) bool {
	for _, h := range c.live() {
		if u := h.units[string(name)]; u != nil && strings.HasPrefix(h.stateOf(c, u, now), "active/") {
			return true
		}
	}
	return false
}

// usual is the state of a unit of some type that has started well.
func usual(r units.Readiness) string {
	switch {
	case r.EndsInactive():
		return "inactive/dead"
	case r.Service == "oneshot":
		return "active/exited"
	case r.Type == units.TypeTimer || r.Type == units.TypePath:
		return "active/waiting"
	case r.Type == units.TypeSocket:
		return "active/listening"
	case r.Type == units.TypeMount:
		return "active/mounted"
	}
	return "active/running"
}

func optionsOf(u job.Unit) []units.Option {
	list := make([]units.Option, len(u.Unit.Options))
	for i, o := range u.Unit.Options {
		list[i] = units.Option{Section: o.Section, Name: o.Name, Value: o.Value}
	}
	return list
}
