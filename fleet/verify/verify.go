// Package verify holds a cluster against the list of what must hold there (package
// units/expect). It is pure: [Questions] says what is to be asked over the network,
// somebody asks, and [Judge] makes results of the answers.
package verify

import (
	"slices"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Holds Outcome = "ok"
	Fails Outcome = "failed"
	// Unasked could not be asked from where we are; Seen says why.
	Unasked Outcome = "not asked"
)

// Result is what became of one check, or of its part on one machine.
type Result struct {
	Kind expect.Kind `json:"kind"`
	// Name is the machine, role, unit, host entry or declared check that it is about.
	Name string `json:"name,omitempty"`
	// On is the machine that was asked, by its name in the inventory or by its ID and
	// address, "" for a check about no machine in particular.
	On     string  `json:"on,omitempty"`
	Result Outcome `json:"result"`
	// Expected and Seen are in words.
	Expected string `json:"expected"`
	Seen     string `json:"seen"`
	// Help says what to do about a check that fails.
	Help string `json:"help,omitempty"`
}

// Cluster is what was seen of a cluster.
type Cluster struct {
	Snapshot *fleet.Snapshot
	// Here are the addresses of the machine from which questions are asked: what is
	// there can be asked on its loopback address too.
	Here []string
	// Answers are by question, see [Questions].
	Answers map[string]Answer
}

// Answer is what came of a question.
type Answer struct {
	// Status is that of HTTP, 0 for a connection alone.
	Status int
	Body   []byte
	// Err says why there was no answer, "" when there was one.
	Err string
}

// Questions lists what is to be asked, without doubles: URLs of http and https, which
// are to be got, and tcp://host:port, which must take a connection.
func Questions(list []expect.Check, set *units.Set, c Cluster) []string {
	e := newEye(list, set, c)
	e.look(list)
	slices.Sort(e.asked)
	return slices.Compact(e.asked)
}

// Judge tells for each check whether it holds, in the order of the list; one that
// is asked on several machines gives a result for each.
func Judge(list []expect.Check, set *units.Set, c Cluster) []Result {
	e := newEye(list, set, c)
	e.look(list)
	return e.results
}

// Failed reports whether one of the results is a failure.
func Failed(results []Result) bool {
	return slices.ContainsFunc(results, func(r Result) bool { return r.Result == Fails })
}

// eye goes through the checks. It does the same for Questions and Judge, so that
// what is asked is what is looked at.
type eye struct {
	Cluster
	set     *units.Set
	known   inventory
	plan    map[units.Name]fleet.UnitPlan
	asked   []string
	results []Result
}

func newEye(list []expect.Check, set *units.Set, c Cluster) *eye {
	e := &eye{Cluster: c, set: set, known: match(list, c.Snapshot.Machines), plan: map[units.Name]fleet.UnitPlan{}}
	changes, _ := fleet.Diff(c.Snapshot, set, fleet.DiffOptions{Adopt: true})
	for _, u := range fleet.NewPlan(c.Snapshot, set, changes, fleet.Place(c.Snapshot, set, changes)).Units {
		e.plan[u.Unit] = u
	}
	return e
}

func (e *eye) look(list []expect.Check) {
	for _, c := range list {
		switch c.Kind {
		case expect.Machine:
			e.machine(c)
		case expect.Machines:
			e.machines(c)
		case expect.Role:
			e.role(c)
		case expect.Networks:
			e.networks(c)
		case expect.Unit:
			e.unit(c)
		case expect.Ready:
			e.ready(c)
		case expect.Etcd:
			e.etcd(c)
		case expect.Declared:
			e.declared(c)
		}
	}
}

// answer returns what came of a question.
func (e *eye) answer(question string) Answer {
	e.asked = append(e.asked, question)
	a, ok := e.Answers[question]
	if !ok {
		a.Err = "was not asked"
	}
	return a
}

func (e *eye) tell(c expect.Check, r Result) {
	r.Kind = c.Kind
	if r.Name == "" {
		r.Name = c.Name
	}
	switch {
	case r.Result != Fails:
		r.Help = ""
	case c.Help != "":
		r.Help = c.Help
	}
	e.results = append(e.results, r)
}

// verdict is Holds or Fails.
func verdict(holds bool) Outcome {
	if holds {
		return Holds
	}
	return Fails
}
