package box

import "time"

// Timing says how often fleet's loops run.
type Timing struct {
	Engine time.Duration // pause between two passes of the scheduler
	TTL    time.Duration // how long a machine that is silent counts as alive; it reports twice in that time
	// Fast runs the agents and the publishing of states more often than fleet does, and answers
	// every change of a unit at once instead of a second later.
	Fast bool
}

// FleetTiming is fleetd's own default: a pass every 2 s, agents every 5 s and about 1 s after a
// change, states every second, a machine given up after 30 s.
func FleetTiming() Timing {
	return Timing{Engine: 2 * time.Second, TTL: 30 * time.Second}
}

// FastTiming is for tests: a submitted unit is active after some tenths of a second.
func FastTiming() Timing {
	return Timing{Engine: time.Second, TTL: 5 * time.Second, Fast: true}
}

// Intervals of Timing.Fast.
const (
	fastAgent  = 500 * time.Millisecond
	fastRest   = 3 // after a pass, agents and engine rest this many times as long as it took
	fastStates = 100 * time.Millisecond
	fastSettle = 20 * time.Millisecond // changes this close together are one
	fastRetry  = 250 * time.Millisecond
)
