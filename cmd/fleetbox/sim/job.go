package sim

import (
	"fmt"
	"slices"
	"time"
)

// transaction collects the units that have to be started for name: itself, what it requires, and
// what it wants as far as that can be had (systemd's transaction.c).
func (s *Systemd) transaction(name string, seen map[string]bool) ([]*simUnit, error) {
	if seen[name] {
		return nil, nil
	}
	seen[name] = true
	u := s.lookup(name)
	if err := startable(name, u); err != nil || u.def == nil {
		return nil, err
	}
	var jobs []*simUnit
	for _, dep := range slices.Concat(u.def.requires, u.def.bindsTo) {
		more, err := s.transaction(dep, seen)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, more...)
	}
	for _, dep := range u.def.requisite {
		if err := startable(dep, s.lookup(dep)); err != nil {
			return nil, err
		}
	}
	for _, dep := range u.def.wants {
		if more, err := s.transaction(dep, seen); err == nil {
			jobs = append(jobs, more...)
		}
	}
	if u.down() || u.active == deactivating {
		jobs = append(jobs, u)
	}
	return jobs, nil
}

// needed drops the jobs that hang on none but units which run already: systemd drops the start of
// those, and then what nobody needs any more (transaction.c, transaction_drop_redundant and
// transaction_collect_garbage).
func (s *Systemd) needed(name string, jobs []*simUnit) []*simUnit {
	reached := map[string]bool{}
	var reach func(u *simUnit)
	reach = func(u *simUnit) {
		if u == nil || u.def == nil || reached[u.name] || u.name != name && !slices.Contains(jobs, u) {
			return
		}
		reached[u.name] = true
		for _, dep := range slices.Concat(u.def.requires, u.def.bindsTo, u.def.wants) {
			reach(s.lookup(dep))
		}
	}
	reach(s.lookup(name))
	return slices.DeleteFunc(jobs, func(u *simUnit) bool { return !reached[u.name] })
}

// startable says why systemd refuses a start job.
func startable(name string, u *simUnit) error {
	switch {
	case u == nil || u.load() == "not-found":
		return fmt.Errorf("Unit %s not found.", name)
	case u.load() == "bad-setting":
		return fmt.Errorf("Unit %s has a bad unit file setting.", name)
	}
	return nil
}

// conflicting lists the other units of the machine that cannot run beside u.
func (s *Systemd) conflicting(u *simUnit) []*simUnit {
	var out []*simUnit
	for _, other := range s.sorted() {
		mutual := other.def != nil && slices.Contains(other.def.conflicts, u.name)
		if other != u && (slices.Contains(u.def.conflicts, other.name) || mutual) {
			out = append(out, other)
		}
	}
	return out
}

// advance runs the unit's job or ends its waiting if it is time, and says whether it did.
func (s *Systemd) advance(u *simUnit) bool {
	switch {
	case u.queued && s.turn(u):
		s.begin(u)
	case u.wait != nil && s.waited(u):
		phase := u.wait.phase
		u.wait = nil
		u.generation++ // ends the start timeout
		s.proceed(u, phase)
	default:
		return false
	}
	return true
}

// turn reports whether a queued unit may start: it has stopped, and nothing it is ordered after has
// a start job.
func (s *Systemd) turn(u *simUnit) bool {
	if u.active == deactivating {
		return false
	}
	for _, other := range s.units {
		if other != u && (other.queued || other.starting) && ordered(other, u) {
			return false
		}
	}
	return true
}

// ordered reports whether first comes before then.
func ordered(first, then *simUnit) bool {
	return then.def != nil && slices.Contains(then.def.after, first.name) ||
		first.def != nil && slices.Contains(first.def.before, then.name)
}

func (s *Systemd) waited(u *simUnit) bool {
	w := u.wait
	if w.over {
		return true
	}
	return !w.hold && !time.Now().Before(w.until) && len(s.world.missing(w.units)) == 0
}

// begin starts a unit.
func (s *Systemd) begin(u *simUnit) {
	u.queued = false
	if u.def == nil || !u.down() && u.sub != "auto-restart" {
		return
	}
	if missing := s.requisiteDown(u); missing != "" {
		s.record(u, Dropped, "dependency: %s is not active", missing)
		s.failJobs(u)
		return
	}
	u.started++
	u.starting = true
	u.rule = s.world.ruleFor(s, u.name)
	s.record(u, Started, "")
	if !u.withinLimit(time.Now()) {
		s.end(u, failed, failed, Failed, "start request repeated too quickly")
		return
	}
	if u.def.kind == "service" {
		s.enter(u, phaseStartPre)
		return
	}
	s.startPlain(u)
}

func (s *Systemd) requisiteDown(u *simUnit) string {
	for _, name := range u.def.requisite {
		if other := s.lookup(name); other == nil || other.active != active {
			return name
		}
	}
	return ""
}

// withinLimit counts a start and reports whether StartLimitBurst= allows it.
func (u *simUnit) withinLimit(now time.Time) bool {
	window := u.def.startWindow
	if window == 0 || u.def.startLimit <= 0 {
		return true
	}
	u.starts = slices.DeleteFunc(u.starts, func(t time.Time) bool { return now.Sub(t) >= window })
	u.starts = append(u.starts, now)
	return len(u.starts) <= u.def.startLimit
}

// startPlain starts a unit that is no service: such a unit is up at once or not at all.
func (s *Systemd) startPlain(u *simUnit) {
	if s.mustFail(u) {
		s.end(u, failed, failed, Failed, "rule %d", u.rule.ID)
		return
	}
	if u.def.kind == "device" {
		s.end(u, inactive, "dead", Done, "no such device")
		return
	}
	if u.def.trigger != "" && startable(u.def.trigger, s.lookup(u.def.trigger)) != nil {
		s.end(u, inactive, "dead", Dropped, "unit to trigger not loaded: %s", u.def.trigger)
		s.failJobs(u)
		return
	}
	s.end(u, active, upState(u.def.kind), Up, "")
}

// mustFail reports whether the rule makes this start fail, and counts it.
func (s *Systemd) mustFail(u *simUnit) bool {
	key := failure{rule: u.rule.ID, machine: s.name, unit: u.name}
	if !u.rule.Fail || u.rule.Times > 0 && s.world.failures[key] >= u.rule.Times {
		return false
	}
	s.world.failures[key]++
	return true
}

// end ends a start job, or a running unit, in a state; what hangs on the unit follows.
func (s *Systemd) end(u *simUnit, activeState, sub string, event Event, format string, args ...any) {
	u.set(activeState, sub)
	u.starting = false
	s.record(u, event, format, args...)
	if u.active == failed {
		s.failJobs(u)
	}
	if u.down() {
		s.unbind(u)
		s.forget(u)
	}
}

// failJobs drops the start jobs that required u to start.
func (s *Systemd) failJobs(u *simUnit) {
	for _, other := range s.sorted() {
		if other.queued && other.def != nil &&
			(slices.Contains(other.def.requires, u.name) || slices.Contains(other.def.bindsTo, u.name)) {
			other.queued = false
			s.record(other, Dropped, "dependency: %s did not start", u.name)
			s.failJobs(other)
		}
	}
}

// unbind stops what BindsTo= ties to a unit that went down by itself.
func (s *Systemd) unbind(u *simUnit) {
	for _, other := range s.sorted() {
		if other.def != nil && !other.down() && slices.Contains(other.def.bindsTo, u.name) {
			s.stop(other)
		}
	}
}

// stop stops a unit and everything that is stopped together with it.
func (s *Systemd) stop(u *simUnit) {
	u.queued = false
	if !u.down() && u.active != deactivating {
		s.stopNow(u)
	}
	for _, other := range s.sorted() {
		if other != u && (other.queued || !other.down() && other.active != deactivating) && other.needs(u.name) {
			s.stop(other)
		}
	}
}

func (s *Systemd) stopNow(u *simUnit) {
	u.starting = false
	s.record(u, Stopping, "")
	if delay := time.Duration(u.rule.StopDelay); delay > 0 {
		u.set(deactivating, "stop-sigterm")
		s.after(delay, u, func() { s.end(u, inactive, "dead", Stopped, "") })
		return
	}
	s.end(u, inactive, "dead", Stopped, "")
}
