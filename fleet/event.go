package fleet

import (
	"time"

	"github.com/stackc/stackc/units"
)

// Event is something that happened during Apply. All events of one Apply come
// from one goroutine, in order.
type Event interface{ event() }

// WaveBegun says that the requests of a wave are about to be sent.
type WaveBegun struct {
	// Number counts from 1.
	Number, Of int
	Wave       Wave
}

// StepDone says that a request that writes has ended. Err is nil when it succeeded.
type StepDone struct {
	Step Step
	Err  error
}

// UnitChanged says that a unit is seen in another state than before.
type UnitChanged struct {
	Unit units.Name
	// Machine is the ID of the machine that reports it.
	Machine string
	// From and To are load/active/sub; From is "" when the unit was not seen
	// there before, To when its row has gone.
	From, To string
	Verdict  units.Verdict
	// WaitingFor names what the unit's waiter probably holds out for.
	WaitingFor []PlanWait
	// Behind is a unit that systemd starts first and that is not up yet: the unit
	// is queued, which systemd shows as dead.
	Behind units.Name
}

// UnitDone says that no more is expected of a unit.
type UnitDone struct{ Outcome UnitOutcome }

// Progress is told after each look at the cluster.
type Progress struct {
	Elapsed time.Duration
	// Done of Total units need no more waiting.
	Done, Total int
	// Waiting are those that do, in the order of names.
	Waiting []Pending
}

// Pending is a unit that is still waited for.
type Pending struct {
	Unit units.Name
	// For says in words what is missing: "waits for kube-apiserver
	// (http://10.0.0.1:8080/healthz) on 2a3b4c5d".
	For string
	// Since is how long the unit has been waited for.
	Since time.Duration
}

// Warned is a remark about the cluster or a request: a machine that is gone, a unit
// that no machine reports, a server that is old.
type Warned struct{ Warning Warning }

// GoingBack says that what was changed is being taken back, because a unit of it
// has failed. What is told after it is about Plan.
type GoingBack struct {
	Plan  *Plan
	Units []units.Name
}

func (GoingBack) event()   {}
func (WaveBegun) event()   {}
func (StepDone) event()    {}
func (UnitChanged) event() {}
func (UnitDone) event()    {}
func (Progress) event()    {}
func (Warned) event()      {}
