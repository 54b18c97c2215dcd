// Command fleetbox is fleet in a box: a whole fleet control plane in one process, to try and to
// test what talks to fleet.
//
// It runs etcd 3.3 with its v2 API and, for each of N machines, fleet v1.0.0's own agent, engine,
// heartbeat and state publisher, with fleet's own HTTP API in front. Only systemd is simulated:
// units are not run, but go through the states that systemd would give them (package sim). Nothing
// of scheduling is done anew.
//
//	fleetbox --machine role=master@10.20.30.40 --machine role=node --machine role=node --socket /tmp/fleet.sock
//	fleetctl --endpoint unix:///tmp/fleet.sock list-machines
//
// When all machines are registered it prints one line of JSON:
//
//	{"fleet":["unix:///tmp/fleet.sock"],"etcd":"http://127.0.0.1:41641","control":"http://127.0.0.1:38229",
//	 "machines":[{"name":"n1","id":"f1ee7001676b8bb84ce7267dd520deca","address":"10.20.30.40","metadata":{"role":"master"}},...],"pid":4711}
//
// With "exec -- COMMAND" it prints nothing but runs the command, with the endpoints in FLEETCTL_ENDPOINT,
// FLEETBOX_ETCD (STACKC_ETCD too, for stackc) and FLEETBOX_CONTROL, and ends with it and with its exit code.
//
// SIGINT and SIGTERM end it; it leaves neither sockets nor files behind. Its log (--verbose) goes to
// standard error.
//
// # Control
//
// The control API is for looking in and for breaking things. It answers JSON; an error is a status
// of 400 or 404 with {"error": "..."}. "fleetbox control ENDPOINT METHOD PATH [BODY]" calls it.
// MACHINE is the name or id of a machine, UNIT a unit name or glob; both can be left out.
//
//	GET    /box                              the ready line
//	GET    /machines                         the machines, their state (running, stopped, cut) and their units
//	POST   /machines/MACHINE/stop?how=HOW    HOW is kill (power loss; the default), fleetd (fleetd dies, units run on)
//	                                         or graceful (fleetd gets SIGTERM: unloads its units, leaves the cluster)
//	POST   /machines/MACHINE/start?version=  and say that fleetd is of that version (1.0.0)
//	POST   /machines/MACHINE/twin?address=   start a second machine with the same id, MACHINE-twin
//	POST   /machines/MACHINE/cut             the machine runs on but reaches nobody
//	POST   /machines/MACHINE/heal
//	GET    /units?machine=MACHINE&unit=UNIT  what the simulated systemds have: states, hash, text of the file, starts
//	POST   /units/release?machine=&unit=     end the waiting of units in start-pre or start
//	POST   /units/exit?machine=&unit=&code=1 end the main process of running services
//	GET    /journal?after=SEQ&machine=&unit= what the systemds did: load, load-error, unload, start, start-error, waiting,
//	                                         up, done, failed, job-failed, auto-restart, stop, stopped, power-off
//	DELETE /journal                          forget what is in it
//	GET    /rules                            how units behave when they are started
//	POST   /rules                            add a rule: {"unit":"kube-*","machine":"n2","delay":"3s"}
//	DELETE /rules, /rules/ID
//	GET    /requests                         requests to fleet's API: total, reads, writes, pages, and by kind
//	DELETE /requests                         the same, and count anew
//	GET    /faults                           how fleet's API misbehaves
//	POST   /faults                           add a fault: {"method":"PUT","path":"/units/*","status":500,"times":2}
//	DELETE /faults, /faults/ID
//	POST   /etcd/cut, /etcd/heal             take etcd away from machines, API and clients; give it back
//	POST   /api/cut, /api/heal               the same with fleet's API
//	POST   /etcd/clock?ahead=90s             have the clock behind etcd's answers go ahead, or with a minus behind
//	POST   /api/clock?ahead=90s              the same with fleet's API
//
// The newest rule that matches a unit decides how it starts; --rule gives rules from the beginning. Its
// fields (see sim.Rule):
//
//	unit, machine    whom it is for
//	delay            time the unit waits before it is up: in start-pre if it has an ExecStartPre=, otherwise in start
//	hold             it waits until /units/release
//	waits_for        it waits until each of these units is active on some machine
//	phase            where it waits instead: "start-pre" or "start"
//	fail, exit_code, times   its process ends at once with that code (1), this many times (always)
//	exit_after       its process ends so long after it is up, with exit_code (0: well)
//	stop_delay       time it takes to stop
//	load_error       systemd refuses to load it, with that message, which ends the pass of its machine's agent
//
// Without a rule a unit is up as soon as it is started: Exec lines are not looked at. TimeoutStartSec=,
// Restart= and the start limit hold as in systemd.
//
// The newest fault that matches a request decides: method and path (a glob below /fleet/v1) say which,
// then delay, and status with message, or drop (the connection ends without an answer), for so many
// times (0: always).
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
