package fleettest

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"
	"github.com/coreos/fleet/registry"
	"github.com/coreos/fleet/schema"
	"github.com/coreos/fleet/unit"

	"github.com/stackc/stackc/units"
)

// store is the registry that fleet's API works on. The Cluster is locked during
// each of its methods. Those of the embedded interface are never called.
type store struct {
	registry.Registry
	c *Cluster
}

func (s *store) Machines() ([]machine.MachineState, error) {
	var list []machine.MachineState
	for _, h := range s.c.live() {
		list = append(list, h.state)
	}
	return list, nil
}

func (s *store) names() []string { return slices.Sorted(maps.Keys(s.c.units)) }

func (s *store) Units() ([]job.Unit, error) {
	var list []job.Unit
	for _, name := range s.names() {
		list = append(list, s.c.units[name].Unit)
	}
	return list, nil
}

func (s *store) Schedule() ([]job.ScheduledUnit, error) {
	var list []job.ScheduledUnit
	for _, name := range s.names() {
		if !s.c.units[name].global {
			list = append(list, s.scheduled(name))
		}
	}
	return list, nil
}

func (s *store) Unit(name string) (*job.Unit, error) {
	r, ok := s.c.units[name]
	if !ok {
		return nil, nil
	}
	u := r.Unit
	return &u, nil
}

func (s *store) ScheduledUnit(name string) (*job.ScheduledUnit, error) {
	su := s.scheduled(name)
	return &su, nil
}

// scheduled tells the state that fleet believes in, as its registry works it out:
// "launched" as long as the machine says so, else "loaded" where there is a
// machine.
func (s *store) scheduled(name string) job.ScheduledUnit {
	r := s.c.units[name]
	state := job.JobStateInactive
	if r.machine != "" {
		state = job.JobStateLoaded
	}
	if h := s.c.host(r.machine); h != nil && h.units[name] != nil && h.units[name].launched && !s.c.silent[name] {
		state = job.JobStateLaunched
	}
	return job.ScheduledUnit{Name: name, State: &state, TargetMachineID: r.machine}
}

func (s *store) UnitStates() ([]*unit.UnitState, error) {
	now := time.Now()
	var rows []*unit.UnitState
	for _, h := range s.c.machines {
		for name, u := range h.units {
			if now.Before(h.hidden[name]) {
				continue
			}
			rows = append(rows, h.row(s.c, u, now))
		}
	}
	slices.SortFunc(rows, func(a, b *unit.UnitState) int {
		return cmp.Or(cmp.Compare(a.UnitName, b.UnitName), cmp.Compare(a.MachineID, b.MachineID))
	})
	return rows, nil
}

func (s *store) CreateUnit(u *job.Unit) error {
	old, exists := s.c.units[u.Name]
	switch {
	case !exists:
		s.c.units[u.Name] = newRecord(*u)
	case s.c.deaf:
		old.TargetState = u.TargetState
	default:
		was := old.TargetState
		old.Unit, old.global = *u, u.IsGlobal()
		if old.TargetState = was; s.c.eager {
			s.c.pass(time.Now())
		}
		old.TargetState = u.TargetState
	}
	return nil
}

func (s *store) SetUnitTargetState(name string, state job.JobState) error {
	r, ok := s.c.units[name]
	if !ok {
		return errors.New("no such unit")
	}
	if _, err := job.ParseJobState(string(state)); err != nil {
		return err
	}
	r.TargetState = state
	return nil
}

func (s *store) DestroyUnit(name string) error {
	delete(s.c.units, name)
	return nil
}

func jobUnit(u units.Unit) job.Unit {
	options := make([]*schema.UnitOption, len(u.Options))
	for i, o := range u.Options {
		options[i] = &schema.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value}
	}
	return job.Unit{Name: string(u.Name), Unit: *schema.MapSchemaUnitOptionsToUnitFile(options), TargetState: job.JobState(u.Desired)}
}
