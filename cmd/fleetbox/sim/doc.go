// Package sim simulates the systemd of every machine in a box, behind the interface fleet's agent
// drives the real one with (fleet v1.0.0 unit.UnitManager).
//
// No process is run. A unit passes through the states systemd.service(5) gives it, in the time a
// Rule says (none without a rule), and ends as the rule says (well, without one). What fleet makes
// of a unit depends on these answers, so they are systemd's own:
//
//   - a file systemd would not link or enable is a load error, which ends the agent's pass;
//   - a file it would refuse is loaded as bad-setting and cannot be started;
//   - Requires=, BindsTo= and Requisite= of a unit the machine does not have refuse the start;
//   - After= and Before= order jobs that are queued together, and nothing else;
//   - stopping a unit stops what Requires=, BindsTo=, Requisite= or PartOf= ties to it.
//
// Not simulated: conditions and assertions (always true), sockets, timers and paths firing,
// resource limits, and everything that concerns the processes themselves.
//
// All machines of a World share one lock: operations take microseconds, and a rule may make a unit
// wait for a unit of another machine.
package sim
