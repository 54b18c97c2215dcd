package fleet

import (
	"github.com/stackc/stackc/units"
)

// PlanVersion is the version of the plan's JSON form.
const PlanVersion = 2

// Plan is everything that Apply will do and wait for, as plain data. It holds the
// contents it sends, so that a saved plan needs neither the stack file nor the
// snapshot it was made from.
type Plan struct {
	Version int    `json:"version"`
	Stack   string `json:"stack"`
	// Base is the Snapshot.Digest of the units named here. Apply can compare it
	// with the cluster before the first write.
	Base string `json:"base"`
	// Machines are those that were alive.
	Machines []Machine `json:"machines"`
	// Units are all units of the set and the orphans, in the order of names.
	Units []UnitPlan `json:"units"`
	// Waves are the requests, in order. The steps of one wave are sent together.
	Waves []Wave `json:"waves,omitempty"`
	// Rollouts are the groups of units that change bit by bit.
	Rollouts []Rollout `json:"rollouts,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
}

// UnitPlan is what a plan says of one unit.
type UnitPlan struct {
	Change
	// Group is the unit of the stack file it was made from, if that made several.
	Group string `json:"group,omitempty"`
	// Content is the unit as it will be; empty for one that is removed.
	Content []PlanOption `json:"content,omitempty"`
	// Waits is what the unit's own waiters hold out for, in order.
	Waits     []PlanWait `json:"waits,omitempty"`
	Placement Placement  `json:"placement"`
	// Held says why the unit is loaded before it is launched, or "".
	Held string `json:"held,omitempty"`
	// Loses are units that it cannot run without and that the plan takes away.
	Loses []units.Name `json:"loses,omitempty"`
	// Consequences are sentences about what the action does.
	Consequences []string `json:"consequences,omitempty"`
	// Settled says that the snapshot shows the unit as it should be on every
	// machine, so that there is nothing to wait for if nothing is written.
	Settled bool `json:"settled,omitempty"`
	// Follows says that the plan does not write the unit, and that fleet moves it
	// because of what the plan does to another.
	Follows bool `json:"follows,omitempty"`
	// Leftover says that machines still report a unit of this name and content
	// that fleet no longer has: it is being stopped, and starts anew.
	Leftover bool `json:"leftover,omitempty"`
	// Update says how a change is rolled out, nil for all at once.
	Update *PlanUpdate `json:"update,omitempty"`
	// Old is the content that a unit of a rollout has before.
	Old []PlanOption `json:"old,omitempty"`
	// Temporary says that the unit is there while a rollout lasts only: the last
	// wave removes it, whatever Action says of the waves before.
	Temporary bool `json:"temporary,omitempty"`
}

// PlanOption is one line of a unit file.
type PlanOption struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Value   string `json:"value"`
}

// PlanWait is one waiter of a unit.
type PlanWait struct {
	Unit    units.Name `json:"unit,omitempty"`
	Subject string     `json:"subject"`
	Probe   string     `json:"probe,omitempty"`
}

// Verb is the kind of a request that writes.
type Verb string

// The verbs.
const (
	// PutUnit sends content and desired state in one request.
	PutUnit Verb = "put"
	// PutState sends the desired state alone.
	PutState Verb = "state"
	// DeleteUnit removes the unit.
	DeleteUnit Verb = "delete"
)

// Step is one request that writes.
type Step struct {
	Unit units.Name `json:"unit"`
	Do   Verb       `json:"do"`
	// State is the desired state that a put or state request asks for.
	State units.State `json:"state,omitempty"`
}

// Gate is what must hold before the steps of a wave are sent, besides that all
// steps of the waves before it have succeeded.
type Gate string

// The gates.
const (
	// AtOnce asks for nothing more.
	AtOnce Gate = "at-once"
	// WhenLoaded asks that the units of the wave's Hold are loaded on a machine
	// with their new content, and those that were put to "loaded" not running.
	WhenLoaded Gate = "when-loaded"
	// WhenUp asks that the units of the wave's Hold are as they should be, after the
	// waves before it: for what is done to one instance after the other.
	WhenUp Gate = "when-up"
	// WhenHealthy asks that the units of the wave's Hold have been up without a break
	// for as long as their rollouts say, and that each rollout keeps as many healthy
	// units as it must while those of the wave are down.
	WhenHealthy Gate = "when-healthy"
)

// Wave is a group of steps that are sent together.
type Wave struct {
	When Gate `json:"when"`
	// Hold lists the units that the gate is about.
	Hold []units.Name `json:"hold,omitempty"`
	// AskAfter names the groups whose first units have been changed in the waves
	// before: somebody is to look at them before this wave is sent.
	AskAfter []string `json:"ask_after,omitempty"`
	Steps    []Step   `json:"steps"`
}

// Warning is a remark on a plan that does not stop it.
type Warning struct {
	Unit units.Name `json:"unit,omitempty"`
	Text string     `json:"text"`
}

// Empty reports whether the plan writes nothing.
func (p *Plan) Empty() bool { return len(p.Waves) == 0 }

// Unplaceable returns the units that are to run and that no machine can have.
// Such a plan is not worth applying: they would wait for ever.
func (p *Plan) Unplaceable() []UnitPlan {
	var none []UnitPlan
	for _, u := range p.Units {
		if u.Placement.Unplaceable() {
			none = append(none, u)
		}
	}
	return none
}

// Unit returns what the plan says of a unit.
func (p *Plan) Unit(name units.Name) (UnitPlan, bool) {
	for _, u := range p.Units {
		if u.Unit == name {
			return u, true
		}
	}
	return UnitPlan{}, false
}

// Count returns how many units have the action.
func (p *Plan) Count(action Action) int {
	n := 0
	for _, u := range p.Units {
		if u.Action == action {
			n++
		}
	}
	return n
}
