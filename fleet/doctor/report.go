package doctor

import (
	"cmp"
	"slices"
)

// Condition is a word for something that can be wrong with a cluster.
type Condition string

// The conditions, in the order in which they are told.
const (
	// NoLeader is an etcd that cannot write.
	NoLeader Condition = "no-leader"
	// SameID is several machines with one machine-id(5).
	SameID Condition = "same-id"
	// RunsTwice is a unit that is not global and runs on two machines.
	RunsTwice Condition = "runs-twice"
	// Unloadable is a unit at which the pass of its machine's agent ends.
	Unloadable Condition = "unloadable"
	// Unplaced is a unit that is to be on a machine and is on none.
	Unplaced Condition = "unplaced"
	// DeadUnit is a unit that fleet calls launched and that does not run.
	DeadUnit Condition = "dead-unit"
	// NoContent is a unit whose content is not in fleet's registry.
	NoContent Condition = "no-content"
	// DeadContents are contents in fleet's registry that no unit has.
	DeadContents Condition = "dead-contents"
	// MixedVersions is a cluster whose machines run several versions of fleet.
	MixedVersions Condition = "mixed-versions"
	// ClockSkew is a clock that differs from that of this machine.
	ClockSkew Condition = "clock-skew"
)

// Conditions lists all that are looked for.
func Conditions() []Condition {
	return []Condition{NoLeader, SameID, RunsTwice, Unloadable, Unplaced, DeadUnit, NoContent, DeadContents, MixedVersions, ClockSkew}
}

// State is how it stands with a condition.
type State string

// The states.
const (
	Fine    State = "fine"
	Found   State = "found"
	Unknown State = "unknown"
)

// Finding is one thing that is wrong.
type Finding struct {
	Condition Condition `json:"condition"`
	// Subject is the unit, the machine or the endpoint that it is about.
	Subject string `json:"subject"`
	// Evidence is what was seen, Consequence what comes of it.
	Evidence    string `json:"evidence"`
	Consequence string `json:"consequence"`
	// Repair are the commands that mend it, in their order.
	Repair []string `json:"repair"`
}

// Check is what was looked at for a condition.
type Check struct {
	Condition Condition `json:"condition"`
	State     State     `json:"state"`
	// Saw is what was looked at, or why nothing could be.
	Saw string `json:"saw"`
}

// Report is what is wrong with a cluster, and what was looked at.
type Report struct {
	// Healthy says that nothing was found and everything could be looked at.
	Healthy  bool      `json:"healthy"`
	Findings []Finding `json:"findings"`
	// Checks has each condition once.
	Checks []Check `json:"checks"`
}

// Unknown lists the conditions that could not be looked at.
func (r Report) Unknown() []Check {
	return slices.DeleteFunc(slices.Clone(r.Checks), func(c Check) bool { return c.State != Unknown })
}

// Examine says what is wrong by what is known.
func Examine(f Facts) Report {
	e := &examination{facts: f, report: Report{Findings: []Finding{}}}
	e.registry()
	e.machines()
	e.units()
	e.clocks()
	order := Conditions()
	at := func(c Condition) int { return slices.Index(order, c) }
	slices.SortStableFunc(e.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(at(a.Condition), at(b.Condition)), cmp.Compare(a.Subject, b.Subject))
	})
	slices.SortStableFunc(e.report.Checks, func(a, b Check) int { return cmp.Compare(at(a.Condition), at(b.Condition)) })
	for i, c := range e.report.Checks {
		if slices.ContainsFunc(e.report.Findings, func(f Finding) bool { return f.Condition == c.Condition }) {
			e.report.Checks[i].State = Found
		}
	}
	e.report.Healthy = !slices.ContainsFunc(e.report.Checks, func(c Check) bool { return c.State != Fine })
	return e.report
}

// examination is a report in the making.
type examination struct {
	facts  Facts
	report Report
}

func (e *examination) saw(c Condition, text string) {
	e.report.Checks = append(e.report.Checks, Check{Condition: c, State: Fine, Saw: text})
}

func (e *examination) unknown(c Condition, reason string) {
	e.report.Checks = append(e.report.Checks, Check{Condition: c, State: Unknown, Saw: reason})
}

func (e *examination) find(f Finding) { e.report.Findings = append(e.report.Findings, f) }
