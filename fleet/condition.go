package fleet

import "github.com/stackc/stackc/units"

// Condition says in a word how a unit is on one machine, or on none: what fleet was
// asked for, what it has done about it, and what systemd makes of it.
type Condition string

// The conditions. What is good depends on what was asked for: up or done for a
// launched unit, loaded for a loaded one, stopped for an inactive one.
const (
	// Runs is active; what that means depends on the unit, see units.UpRule.
	Runs Condition = "up"
	// IsDone is a oneshot that has ended well, as far as can be told.
	IsDone Condition = "done"
	// IsStarting, IsWaiting and IsRetrying are on their way: starting, in a command
	// before the start, between a failure and the next try.
	IsStarting Condition = "starting"
	IsWaiting  Condition = "waiting"
	IsRetrying Condition = "retrying"
	// HasBroken has failed, and fleet never starts it again.
	HasBroken Condition = "failed"
	// IsUnloadable could not be read by systemd.
	IsUnloadable Condition = "unloadable"
	// IsDead was started, says fleet, and does not run.
	IsDead Condition = "dead"
	// IsPending is on a machine that has not started or not even loaded it yet.
	IsPending Condition = "not started"
	// IsUnseen was started, says fleet, and its machine does not report it: rows are
	// missing for some seconds now and then.
	IsUnseen Condition = "not reported"
	// IsLoaded is loaded and, as asked for, not started.
	IsLoaded Condition = "loaded"
	// IsStopped is on no machine, as asked for; IsStopping not yet.
	IsStopped  Condition = "inactive"
	IsStopping Condition = "stopping"
	// RunsUnasked runs although it is to be loaded only: another unit pulled it in.
	RunsUnasked Condition = "running"
	// IsOld runs with a content that was replaced.
	IsOld Condition = "old"
	// IsHomeless is to run, and fleet has found no machine.
	IsHomeless Condition = "unplaced"
	// IsLost is on a machine that is gone, until fleet finds another.
	IsLost Condition = "lost"
	// IsMissing is not in the cluster.
	IsMissing Condition = "missing"
)

// Condition says how the unit is by what one machine reports; the zero row stands for
// no report. Rows of machines that are gone must not be given, see StatesOf.
func (s *Snapshot) Condition(name units.Name, row UnitState) Condition {
	live, exists := s.Unit(name)
	if !exists {
		return IsMissing
	}
	if row == (UnitState{}) {
		return s.unreported(live)
	}
	switch live.Desired {
	case units.Inactive:
		if row.Active == "inactive" || row.Active == "failed" {
			return IsStopped
		}
		return IsStopping
	case units.Loaded:
		return loadedCondition(live, row)
	}
	return launchedCondition(live, row)
}

// unreported is a unit of which no machine says anything.
func (s *Snapshot) unreported(live Unit) Condition {
	_, alive := s.Machine(live.Machine)
	switch {
	case live.Desired == units.Inactive:
		return IsStopped
	case isGlobal(live):
		return IsPending
	case live.Machine == "":
		return IsHomeless
	case !alive:
		return IsLost
	case live.Current == units.Launched:
		return IsUnseen
	}
	return IsPending
}

func loadedCondition(live Unit, row UnitState) Condition {
	switch {
	case judge(live, row) == units.Unloadable:
		return IsUnloadable
	case row.Hash != live.Hash:
		return IsOld
	case row.Active == "deactivating":
		return IsStopping
	case row.Active != "inactive" && row.Active != "failed":
		return RunsUnasked
	}
	return IsLoaded
}

func launchedCondition(live Unit, row UnitState) Condition {
	begun := isGlobal(live) || live.Current == units.Launched
	switch verdict := judge(live, row); {
	case verdict == units.Unloadable:
		return IsUnloadable
	case row.Hash != live.Hash:
		return IsOld
	case row.Active == "deactivating":
		return IsStopping
	case (verdict == units.Down || verdict == units.Ended) && !begun:
		return IsPending
	case verdict == units.Down:
		return IsDead
	default:
		return map[units.Verdict]Condition{
			units.Up: Runs, units.Ended: IsDone, units.Starting: IsStarting, units.Waiting: IsWaiting,
			units.Restarting: IsRetrying, units.Failed: HasBroken,
		}[verdict]
	}
}

func judge(live Unit, row UnitState) units.Verdict {
	return units.UpRule(live.Name, live.Options).Judge(row.Load, row.Active, row.Sub)
}

func isGlobal(u Unit) bool {
	where, _ := units.ParsePlacement(u.Name, u.Options)
	return where.Global
}
