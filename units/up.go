package units

// Verdict is what one reading of a unit's state says.
type Verdict int

// The verdicts. Each tells of a single reading; one reading proves nothing, since
// fleet's rows vanish and linger.
const (
	// Down is not running, and nothing says that it will: not loaded yet, stopped
	// or being stopped. A unit that was just submitted passes through it.
	Down Verdict = iota
	// Starting is on its way: ExecStart or the readiness of Type=notify and the like.
	Starting
	// Waiting is held in a command before ExecStart: for a unit with waiters, it
	// waits for somebody.
	Waiting
	// Restarting is between a failure or exit and the next try that Restart= makes.
	Restarting
	// Up is what was asked for.
	Up
	// Ended is inactive where success is inactive too: a oneshot without
	// RemainAfterExit. Done, never started, skipped by a condition and stopped all
	// look alike. It means done once the unit has been seen starting, or when it
	// stays so for several readings after it was asked to start.
	Ended
	// Failed is final for fleet, which never restarts a failed unit.
	Failed
	// Unloadable is a unit that systemd could not read: only another text helps.
	Unloadable
)

// String gives the verdict as one lower-case word.
func (v Verdict) String() string {
	names := [...]string{"down", "starting", "waiting", "restarting", "up", "ended", "failed", "unloadable"}
	if v < 0 || int(v) >= len(names) {
		return "unknown"
	}
	return names[v]
}

// Final reports whether waiting longer cannot change the verdict.
func (v Verdict) Final() bool { return v == Failed || v == Unloadable }

// Readiness is what "up" means for one unit. It follows from its type and, for
// services, from Type= and RemainAfterExit=.
type Readiness struct {
	// Type is the unit's type.
	Type Type
	// Service is the Type= in force of a service, else "".
	Service string
	// Remains is whether a service stays active after its processes ended.
	Remains bool
}

// UpRule tells what "up" means for the unit of that name.
//
//   - A service is up when active. With Type=simple that says only that it was
//     started; with notify, dbus, forking and oneshot its own readiness has come.
//   - A oneshot with RemainAfterExit= is up when active (exited); without it is
//     never seen active, and [Ended] is all that can be known.
//   - A simple service that exits cleanly without Restart= is inactive as well;
//     since it is meant to run, that is [Down].
//   - Timers, paths, sockets and automounts are up when they wait or listen, whatever
//     becomes of what they trigger; mounts when mounted, devices when plugged.
func UpRule(name Name, opts []Option) Readiness {
	r := Readiness{Type: name.Type()}
	if r.Type != TypeService {
		return r
	}
	r.Service = serviceType(opts)
	remain, _ := Last(opts, "Service", "RemainAfterExit")
	r.Remains, _ = ParseBool(remain)
	return r
}

// serviceType is the Type= in force of a service (systemd.service(5)): what is
// said, or what follows from BusName= and the absence of ExecStart=.
func serviceType(opts []Option) string {
	t, said := Last(opts, "Service", "Type")
	_, bus := Last(opts, "Service", "BusName")
	switch {
	case said:
		return t
	case bus:
		return "dbus"
	case len(Values(opts, "Service", "ExecStart")) == 0:
		return "oneshot"
	}
	return "simple"
}

// EndsInactive reports whether the unit, once done, is seen inactive.
func (r Readiness) EndsInactive() bool { return r.Service == "oneshot" && !r.Remains }

// Judge says what one row of fleet's /state means: its systemdLoadState,
// systemdActiveState and systemdSubState. All three empty stand for no row.
func (r Readiness) Judge(load, active, sub string) Verdict {
	switch load {
	case "bad-setting", "error", "not-found", "masked":
		// A unit may be active from before its file went bad; what fleet was asked
		// for is still not there.
		return Unloadable
	}
	switch active {
	case "active", "reloading", "refreshing":
		return Up
	case "failed":
		return Failed
	case "activating":
		return starting(sub)
	case "inactive":
		if r.EndsInactive() {
			return Ended
		}
	}
	return Down
}

// starting tells the ways of being activating apart (systemd's unit-def.c).
func starting(sub string) Verdict {
	switch sub {
	case "start-pre", "condition":
		return Waiting
	case "auto-restart", "auto-restart-queued":
		return Restarting
	}
	return Starting
}
