package fleet

import (
	"time"

	"github.com/stackc/stackc/units"
)

// Result is how it ended for one unit.
type Result string

// The results.
const (
	// IsUp means that the unit is as it should be: active, or a oneshot that is done.
	IsUp Result = "up"
	// IsSet means that a unit that is not to run has the state it should have.
	IsSet Result = "set"
	// IsGone means that the unit was removed.
	IsGone Result = "removed"
	// HasFailed means that waiting longer would not help.
	HasFailed Result = "failed"
	// TimedOut means that the time for waiting was over.
	TimedOut Result = "timeout"
	// NoMachine means that no machine can have the unit.
	NoMachine Result = "unplaceable"
	// NotReached means that the run ended before anything was known of the unit.
	NotReached Result = "unknown"
)

// Bad reports whether the result is not what was asked for.
func (r Result) Bad() bool { return r == HasFailed || r == TimedOut || r == NoMachine }

// UnitOutcome is how it ended for one unit.
type UnitOutcome struct {
	Unit   units.Name `json:"unit"`
	Result Result     `json:"result"`
	// Machines are the IDs of the machines that have it.
	Machines []string `json:"machines,omitempty"`
	// Last are the rows last seen.
	Last []UnitState `json:"last,omitempty"`
	// Reason says what is wrong, in words.
	Reason string `json:"reason,omitempty"`
}

// Outcome tells what an Apply has done and found.
type Outcome struct {
	// Done are the requests that succeeded, in the order in which they ended;
	// Left those that were not sent or failed.
	Done []Step `json:"done,omitempty"`
	Left []Step `json:"left,omitempty"`
	// Units are in the order of names.
	Units   []UnitOutcome `json:"units"`
	Elapsed time.Duration `json:"elapsed"`
	// Paused says that the run has ended before a wave on purpose, nil that it has not.
	Paused *Paused `json:"paused,omitempty"`
	// Back is how it went to take back what was changed, nil when that was not asked
	// for or needed. What Units says is from before that.
	Back *Back `json:"back,omitempty"`
}

// Paused says where a run was ended on purpose.
type Paused struct {
	// After of Of waves have been sent.
	After int `json:"after"`
	Of    int `json:"of"`
	// Groups are those whose first units somebody is to look at; empty when the run
	// was to end here anyway.
	Groups []string `json:"groups,omitempty"`
}

// Bad returns the units for which it ended badly.
func (o Outcome) Bad() []UnitOutcome {
	var bad []UnitOutcome
	for _, u := range o.Units {
		if u.Result.Bad() {
			bad = append(bad, u)
		}
	}
	return bad
}

// Has reports whether some unit ended with the result.
func (o Outcome) Has(r Result) bool {
	for _, u := range o.Units {
		if u.Result == r {
			return true
		}
	}
	return false
}
