package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coreos/fleet/pkg"
	"github.com/coreos/fleet/unit"
)

// Systemd is the simulated systemd of one machine. It implements fleet's unit.UnitManager.
type Systemd struct {
	world     *World
	name, id  string
	hostUnits []string
	off       bool
	units     map[string]*simUnit
}

var _ unit.UnitManager = (*Systemd)(nil)

// errOff is what a machine without power answers; only a fleet that is being stopped can ask.
var errOff = errors.New("machine is off")

// PowerOn lets the machine answer again after PowerOff; it has no units then.
func (s *Systemd) PowerOn() {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.off = false
}

// PowerOff takes all units from the machine at once. Unit files are gone too: fleet keeps them
// below /run.
func (s *Systemd) PowerOff() {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.powerOff()
}

func (s *Systemd) powerOff() {
	for _, u := range s.units {
		u.generation++ // timers that still run find nothing
		if u.def != nil {
			s.record(u, PoweredOff, "")
		}
	}
	s.off = true
	s.units = map[string]*simUnit{}
}

// Load takes a unit file as fleet 1.0 hands it over: written, linked and, with an [Install]
// section, enabled. An error ends the agent's pass.
func (s *Systemd) Load(name string, file unit.UnitFile) error {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return errOff
	}
	if err := s.loadable(name, file); err != nil {
		s.world.record(s, name, LoadRefused, file.Hash().String(), "%v", err)
		return err
	}
	u := s.lookup(name)
	if u == nil {
		u = &simUnit{name: name, active: inactive, sub: "dead"}
		s.units[name] = u
	}
	u.def = define(name, file)
	s.record(u, Loaded, "%s", u.def.problem)
	return nil
}

func (s *Systemd) loadable(name string, file unit.UnitFile) error {
	if err := checkName(name); err != nil {
		return err
	}
	if msg := s.world.ruleFor(s, name).LoadError; msg != "" {
		return errors.New(msg)
	}
	return sections(file.Contents).checkInstall(name)
}

// Unload removes a unit file and forgets the failure and the start limit of the unit.
func (s *Systemd) Unload(name string) error {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return errOff
	}
	u := s.units[name]
	if u == nil {
		return nil
	}
	s.record(u, Unloaded, "")
	u.def, u.starts = nil, nil
	if u.active == failed {
		u.set(inactive, "dead")
	}
	s.forget(u)
	return nil
}

// forget drops a unit that nothing keeps: no file, not running, not the host's.
func (s *Systemd) forget(u *simUnit) {
	if u.def == nil && u.active == inactive && !u.host {
		delete(s.units, u.name)
	}
}

// ReloadUnitFiles does nothing: files take effect when they are loaded.
func (s *Systemd) ReloadUnitFiles() error {
	return nil
}

// TriggerStart queues the start of a unit and of what it requires and wants, as StartUnit of
// systemd's D-Bus interface does in mode replace.
func (s *Systemd) TriggerStart(name string) error {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return errOff
	}
	jobs, err := s.transaction(name, map[string]bool{})
	if err != nil {
		s.world.record(s, name, Refused, s.hash(name), "%v", err)
		return err
	}
	for _, u := range s.needed(name, jobs) {
		u.queued = true
		for _, other := range s.conflicting(u) {
			s.stop(other)
		}
	}
	s.world.pump()
	return nil
}

// TriggerStop stops a unit and what depends on it, as StopUnit does in mode replace.
func (s *Systemd) TriggerStop(name string) error {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return errOff
	}
	if err := checkName(name); err != nil {
		return err
	}
	u := s.lookup(name)
	if u == nil {
		return fmt.Errorf("Unit %s not loaded.", name)
	}
	s.stop(u)
	s.world.pump()
	return nil
}

// Units lists the unit files fleet put here. fleet only looks for the types it knows
// (systemd/manager.go, lsUnitsDir), so that it never unloads a target or a slice.
func (s *Systemd) Units() ([]string, error) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return nil, errOff
	}
	out := []string{}
	for _, u := range s.sorted() {
		if u.def != nil && unit.RecognizedUnitType(u.name) {
			out = append(out, u.name)
		}
	}
	return out, nil
}

// GetUnitStates answers for every name in filter, as ListUnitsByNames of systemd 230 and later does.
func (s *Systemd) GetUnitStates(filter pkg.Set) (map[string]*unit.UnitState, error) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return nil, errOff
	}
	out := map[string]*unit.UnitState{}
	for _, name := range filter.Values() {
		out[name] = s.state(name)
	}
	return out, nil
}

// GetUnitState answers for one unit.
func (s *Systemd) GetUnitState(name string) (*unit.UnitState, error) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if s.off {
		return nil, errOff
	}
	return s.state(name), nil
}

func (s *Systemd) state(name string) *unit.UnitState {
	u := s.lookup(name)
	if u == nil {
		return &unit.UnitState{LoadState: "not-found", ActiveState: inactive, SubState: "dead"}
	}
	return &unit.UnitState{LoadState: u.load(), ActiveState: u.active, SubState: u.sub, UnitHash: u.hash()}
}

// lookup finds a unit by name; a host unit comes to be when it is first asked for.
func (s *Systemd) lookup(name string) *simUnit {
	u := s.units[name]
	if u == nil && !s.off && hostUnit(s.hostUnits, name) {
		u = &simUnit{name: name, host: true, active: active, sub: upState(kindOf(name))}
		s.units[name] = u
	}
	return u
}

func (s *Systemd) hash(name string) string {
	if u := s.units[name]; u != nil {
		return u.hash()
	}
	return ""
}

// is reports whether the machine answers to a name or id; every machine answers to "".
func (s *Systemd) is(wanted string) bool {
	return wanted == "" || wanted == s.name || wanted == s.id
}

func (s *Systemd) sorted() []*simUnit {
	return slices.SortedFunc(maps.Values(s.units), func(a, b *simUnit) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
}

func (s *Systemd) record(u *simUnit, event Event, format string, args ...any) {
	s.world.record(s, u.name, event, u.hash(), format, args...)
}

// after calls f in d unless the unit has gone on to another state by then.
func (s *Systemd) after(d time.Duration, u *simUnit, f func()) {
	generation := u.generation
	time.AfterFunc(d, func() {
		s.world.mu.Lock()
		defer s.world.mu.Unlock()
		if u.generation == generation && s.units[u.name] == u {
			f()
			s.world.pump()
		}
	})
}
