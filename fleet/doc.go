// Package fleet brings a fleet cluster to a set of units: it reads the cluster
// once, compares, makes a plan and carries out exactly that plan.
//
// The stages are values, and each arrow is one function:
//
//	Dial     Config            -> *Conn, a Client
//	Take     Client            -> *Snapshot
//	Diff     Snapshot, Set     -> []Change, []Refusal
//	Place    Snapshot, changes -> []Placement
//	NewPlan  all of these      -> *Plan, plain data
//	Apply    Client, Plan      -> Outcome, with events on the way
//
// Diff, Place and NewPlan are pure. A plan that is only shown and a plan that is
// carried out are the same value; Apply decides nothing that the plan does not say.
//
// The package talks to fleet's HTTP API and knows the ways in which fleet v1.0.0
// differs from what its API promises; each such fact is told where it is used.
package fleet
