package main

import (
	"maps"
	"slices"
	"time"

	"github.com/coreos/fleet/agent"
	"github.com/coreos/fleet/engine"
	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"
	"github.com/coreos/fleet/registry"
	"github.com/coreos/fleet/schema"
	"github.com/coreos/fleet/unit"
)

// The engine counts as settled after so many passes in a row that do nothing: what
// one pass makes of the random order of its maps, the next may see otherwise. It
// gets so many passes for that.
const (
	quietPasses = 2
	allPasses   = 100
)

// cluster is fleet's engine with its registry.
type cluster struct {
	store    *store
	engine   *engine.Engine
	machines []machine.MachineState
}

// store is fleet's own registry in memory, with what that leaves out.
type store struct {
	*registry.FakeRegistry
	*registry.FakeClusterRegistry
	jobs map[string]job.Job
	// writes counts what the engine decides.
	writes int
}

func (s *store) ScheduleUnit(name, machine string) error {
	s.writes++
	return s.FakeRegistry.ScheduleUnit(name, machine)
}

func (s *store) UnscheduleUnit(name, machine string) error {
	s.writes++
	return s.FakeRegistry.ScheduleUnit(name, "")
}

func newCluster(machines []machineSpec, units []unitSpec) *cluster {
	c := &cluster{store: &store{
		FakeRegistry: registry.NewFakeRegistry(), FakeClusterRegistry: registry.NewFakeClusterRegistry(nil, 1), jobs: map[string]job.Job{},
	}}
	for _, m := range machines {
		c.machines = append(c.machines, machine.MachineState{ID: m.ID, Metadata: m.Metadata})
	}
	c.store.SetMachines(c.machines)
	for _, u := range units {
		j := newJob(u)
		j.TargetMachineID = u.Machine
		c.store.jobs[u.Name] = j
	}
	c.store.SetJobs(slices.Collect(maps.Values(c.store.jobs)))
	c.engine = engine.New(c.store, nil, nil, &machine.FakeMachine{}, nil)
	return c
}

func newJob(u unitSpec) job.Job {
	var options []*schema.UnitOption
	for _, o := range u.Options {
		options = append(options, &schema.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value})
	}
	return job.Job{Name: u.Name, Unit: *schema.MapSchemaUnitOptionsToUnitFile(options), TargetState: job.JobState(u.Desired)}
}

// apply does what a PUT or a DELETE does: new options leave a unit scheduled as it is.
func (c *cluster) apply(change change) {
	now, _ := c.store.Schedule()
	if change.Unit == nil {
		_ = c.store.DestroyUnit(change.Delete)
		return
	}
	j := newJob(*change.Unit)
	for _, s := range now {
		if s.Name == j.Name {
			j.TargetMachineID = s.TargetMachineID
		}
	}
	_ = c.store.DestroyUnit(j.Name)
	_ = c.store.CreateUnit(&job.Unit{Name: j.Name, Unit: j.Unit, TargetState: j.TargetState})
	_ = c.store.FakeRegistry.ScheduleUnit(j.Name, j.TargetMachineID)
}

// pass is one of the engine, and reports whether it did anything.
func (c *cluster) pass() bool {
	before := c.store.writes
	engine.NewReconciler().Reconcile(c.engine, make(chan struct{}))
	return c.store.writes != before
}

func (c *cluster) settle() bool {
	quiet := 0
	for range allPasses {
		if quiet++; c.pass() {
			quiet = 0
		}
		if quiet == quietPasses {
			return true
		}
	}
	return false
}

// outcome is what has become of a cluster.
type outcome struct {
	// Settled is whether the engine came to rest.
	Settled bool `json:"settled"`
	// Scheduled is the machine that the engine chose for a unit, Loaded the machines
	// whose agents have it.
	Scheduled map[string]string   `json:"scheduled"`
	Loaded    map[string][]string `json:"loaded"`
	// Refused are the units that are to run and are on no machine, by machine.
	Refused map[string]map[string]refusal `json:"refused"`
}

// refusal is fleet's own reason, and the units there that clash.
type refusal struct {
	Reason  string   `json:"reason"`
	Clashes []string `json:"clashes"`
}

func (c *cluster) outcome(settled bool) outcome {
	o := outcome{Settled: settled, Scheduled: map[string]string{}, Loaded: map[string][]string{}, Refused: map[string]map[string]refusal{}}
	scheduled, _ := c.store.Schedule()
	units, _ := c.store.Units()
	for _, s := range scheduled {
		if s.TargetMachineID != "" {
			o.Scheduled[s.Name] = s.TargetMachineID
		}
	}
	for _, m := range c.machines {
		for _, name := range c.loaded(m) {
			o.Loaded[name] = append(o.Loaded[name], m.ID)
		}
	}
	for _, u := range units {
		if u.IsGlobal() || u.TargetState == job.JobStateInactive || len(o.Loaded[u.Name]) > 0 || o.Scheduled[u.Name] != "" {
			continue
		}
		o.Refused[u.Name] = map[string]refusal{}
		for _, m := range c.machines {
			o.Refused[u.Name][m.ID] = refuse(u, m, units, o)
		}
	}
	return o
}

// loaded lets a machine's agent do its pass, and returns what it has then.
func (c *cluster) loaded(m machine.MachineState) []string {
	manager := unit.NewFakeUnitManager()
	a := agent.New(manager, unit.NewUnitStateGenerator(manager), c.store, &machine.FakeMachine{MachineState: m}, time.Minute)
	agent.NewReconciler(c.store, nil).Reconcile(a)
	names, _ := manager.Units()
	slices.Sort(names)
	return names
}

// refuse asks fleet why a machine cannot have a unit: one with all that the engine
// counts there, and for clashes one with each of these alone.
func refuse(u job.Unit, m machine.MachineState, units []job.Unit, o outcome) refusal {
	all := agent.NewAgentState(&m)
	for _, other := range units {
		if !other.IsGlobal() && o.Scheduled[other.Name] == m.ID && other.TargetState != job.JobStateInactive {
			all.Units[other.Name] = &other
		}
	}
	for _, other := range units { // as clusterState.agents in engine/state.go
		clash, _ := all.HasConflict(other.Name, other.Conflicts())
		if other.IsGlobal() && machine.HasMetadata(&m, other.RequiredTargetMetadata()) && !clash {
			all.Units[other.Name] = &other
		}
	}
	var clashes []string
	for name, other := range all.Units {
		alone := agent.NewAgentState(&m)
		alone.Units[name] = other
		if found, _ := alone.HasConflict(u.Name, u.Conflicts()); found {
			clashes = append(clashes, name)
		}
	}
	slices.Sort(clashes)
	_, reason := all.AbleToRun(&job.Job{Name: u.Name, Unit: u.Unit, TargetState: u.TargetState})
	return refusal{Reason: reason, Clashes: clashes}
}
