package units

// Update says how a change of a unit, or of the instances of one group, is rolled
// out. It does not change.
type Update struct {
	// MaxUnavailable is how many instances of the group may be down at a time, as far
	// as the rollout itself takes them down. MaxExtra is how many further ones may run
	// meanwhile; see [Set].Spares.
	MaxUnavailable, MaxExtra int
	// HealthyFor is for how many milliseconds systemd must say without a break that a
	// changed unit is active before the next one follows.
	HealthyFor int
	OnFailure  AfterFailure
	// First is how many instances are changed before somebody is asked, 0 for none.
	First int
	// OneMachine says that a global unit is changed machine by machine.
	OneMachine bool
}

// AfterFailure is what to do when a changed unit fails.
type AfterFailure string

// What can be done then.
const (
	// StopOnFailure leaves everything as it stands.
	StopOnFailure AfterFailure = "stop"
	// RollBackOnFailure brings back the old content of what the run has changed.
	RollBackOnFailure AfterFailure = "rollback"
)

// The marks of a unit in [X-Stackc], which systemd passes over and fleet keeps.
const (
	MarkSection = "X-Stackc"
	// MarkStack is whose the unit is.
	MarkStack = "Stack"
	// MarkExtra is on a unit that is there while a rollout lasts only, with the group
	// or name of the unit that is rolled out.
	MarkExtra = "Extra"
)
