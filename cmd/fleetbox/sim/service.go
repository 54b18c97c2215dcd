package sim

import (
	"fmt"
	"time"
)

// result is how the processes of a service ended.
type result struct {
	code    int
	timeout bool
}

func exitResult(code int) result {
	return result{code: code}
}

func (r result) String() string {
	if r.timeout {
		return "timeout"
	}
	return fmt.Sprintf("exit code %d", r.code)
}

// enter begins a phase of a service's start; a rule may make the unit wait there.
func (s *Systemd) enter(u *simUnit, phase string) {
	if !u.rule.waits(u.def, phase) {
		s.proceed(u, phase)
		return
	}
	r := u.rule
	u.set(activating, phase)
	u.wait = &wait{phase: phase, until: time.Now().Add(time.Duration(r.Delay)), hold: r.Hold, units: r.WaitsFor}
	s.record(u, Waiting, "%s", phase)
	// One Exec line waits here, so one TimeoutStartSec= runs.
	if limit := u.def.service.startTimeout; limit > 0 {
		s.after(limit, u, func() { s.exit(u, result{timeout: true}) })
	}
	if r.Delay > 0 {
		s.after(time.Duration(r.Delay), u, func() {})
	}
}

// proceed goes on after a phase.
func (s *Systemd) proceed(u *simUnit, phase string) {
	if phase == phaseStartPre {
		s.enter(u, phaseStart)
		return
	}
	switch {
	case s.mustFail(u):
		s.exit(u, exitResult(u.rule.exitCode()))
	case u.def.service.typ == "oneshot":
		s.exit(u, result{})
	default:
		s.end(u, active, "running", Up, "")
		s.exitLater(u)
	}
}

func (s *Systemd) exitLater(u *simUnit) {
	if delay := time.Duration(u.rule.ExitAfter); delay > 0 {
		code := u.rule.exitCode()
		s.after(delay, u, func() { s.exit(u, exitResult(code)) })
	}
}

// exit handles the end of a service's processes (systemd.service(5), Restart= and RemainAfterExit=).
func (s *Systemd) exit(u *simUnit, r result) {
	if u.def == nil { // its file was removed while it ran
		s.end(u, inactive, "dead", Done, "%v", r)
		return
	}
	svc := u.def.service
	clean := !r.timeout && (r.code == 0 || svc.ignoreFailure)
	oneshot := svc.typ == "oneshot"
	switch {
	case !(oneshot && clean) && !(clean && svc.remain) && restarts(svc.restart, clean, r.timeout):
		s.restartLater(u, r)
	case !clean:
		s.end(u, failed, failed, Failed, "%v", r)
	case svc.remain:
		s.end(u, active, "exited", Up, "%v", r)
		s.exitLater(u)
	default:
		s.end(u, inactive, "dead", Done, "%v", r)
	}
}

// restarts is the table of Restart= in systemd.service(5).
func restarts(policy string, clean, timeout bool) bool {
	switch policy {
	case "always":
		return true
	case "on-success":
		return clean
	case "on-failure":
		return !clean
	case "on-abnormal":
		return timeout
	}
	return false
}

func (s *Systemd) restartLater(u *simUnit, r result) {
	u.set(activating, "auto-restart")
	u.starting = false
	s.record(u, Restarting, "%v", r)
	s.after(u.def.service.restartDelay, u, func() { u.queued = true })
}
