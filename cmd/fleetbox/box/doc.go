// Package box runs a whole fleet control plane in one process: etcd 3.3 with its v2 API, and for
// each machine fleet v1.0.0's own registry, agent, engine, heartbeat and state publisher on a
// simulated systemd (package sim), with fleet's own HTTP API in front.
//
// Nothing of fleet's work is done here. The parts are put together as fleet's server package does
// it, which cannot be used itself because it insists on a D-Bus connection to a real systemd.
package box
