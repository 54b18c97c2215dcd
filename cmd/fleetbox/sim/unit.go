package sim

import (
	"slices"
	"time"
)

// Active states of systemd that the simulation uses.
const (
	active       = "active"
	inactive     = "inactive"
	activating   = "activating"
	deactivating = "deactivating"
	failed       = "failed"
)

// The phases of a start that a unit can wait in; they are its sub state then.
const (
	phaseStartPre = "start-pre"
	phaseStart    = "start"
)

// simUnit is one unit of one machine.
type simUnit struct {
	name        string
	def         *definition // nil: fleet has no file of it here
	host        bool        // it belongs to the machine, not to fleet
	active, sub string

	queued     bool // a start job waits for its turn
	starting   bool // a start job runs
	generation int  // counts state changes, so that timers of an earlier state do nothing

	rule    Rule // what it obeys since its last start
	wait    *wait
	starts  []time.Time // for the start limit
	started int         // how often since its file was loaded
}

// wait is what a unit in start-pre or start waits for.
type wait struct {
	phase string
	until time.Time
	hold  bool
	units []string
	over  bool
}

// set changes the state and ends what belonged to the one before.
func (u *simUnit) set(activeState, sub string) {
	u.active, u.sub = activeState, sub
	u.wait = nil
	u.generation++
}

func (u *simUnit) load() string {
	switch {
	case u.def == nil && !u.host:
		return "not-found"
	case u.def != nil && u.def.problem != "":
		return "bad-setting"
	}
	return "loaded"
}

func (u *simUnit) hash() string {
	if u.def == nil {
		return ""
	}
	return u.def.hash
}

// down reports whether the unit neither runs nor is on its way.
func (u *simUnit) down() bool {
	return u.active == inactive || u.active == failed
}

// needs reports whether the unit is stopped together with other.
func (u *simUnit) needs(other string) bool {
	return u.def != nil && (slices.Contains(u.def.requires, other) || slices.Contains(u.def.bindsTo, other) ||
		slices.Contains(u.def.requisite, other) || slices.Contains(u.def.partOf, other))
}

func (u *simUnit) status(s *Systemd) Status {
	st := Status{
		Machine: s.name, Unit: u.name, Load: u.load(), Active: u.active, Sub: u.sub, Hash: u.hash(),
		Starts: u.started, Text: u.def.text, Problem: u.def.problem,
	}
	if u.wait != nil {
		st.WaitingFor = s.world.missing(u.wait.units)
	}
	return st
}

// missing lists the units that are active nowhere.
func (w *World) missing(units []string) []string {
	return slices.DeleteFunc(slices.Clone(units), w.activeSomewhere)
}

// upState is the sub state of a unit of that type when it is up.
func upState(kind string) string {
	switch kind {
	case "service":
		return "running"
	case "timer", "path", "automount":
		return "waiting"
	case "socket":
		return "listening"
	case "mount":
		return "mounted"
	case "device":
		return "plugged"
	}
	return active
}
