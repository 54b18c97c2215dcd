package box

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

// node is a machine of the box: a simulated systemd and, while it runs, a fleetd.
type node struct {
	Machine
	box     *Box
	systemd *sim.Systemd

	mu      sync.Mutex
	daemon  *daemon // nil: stopped
	cut     bool
	version string // of the fleetd that is started next
}

// Stop says how a machine stops.
type Stop string

// The ways to stop a machine.
const (
	Kill     Stop = "kill"     // power loss: fleetd and all units are gone, nobody is told
	Crash    Stop = "fleetd"   // fleetd dies, its units run on
	Graceful Stop = "graceful" // fleetd gets SIGTERM: it unloads its units and leaves the cluster
)

// How long a fleetd may take to end. One that is cut off looks for its heart for a third of the TTL
// before it listens.
const (
	closePatience = 3 * time.Second
	stopPatience  = 15 * time.Second
)

// State of a machine.
const (
	Running = "running"
	Stopped = "stopped"
	Cut     = "cut" // it runs but reaches nobody
)

// MachineStatus is a machine and how it is.
type MachineStatus struct {
	Machine
	State string       `json:"state"`
	Units []sim.Status `json:"units"`
}

// Machines lists the machines with what their systemd has.
func (b *Box) Machines() []MachineStatus {
	var out []MachineStatus
	for _, n := range b.all() {
		out = append(out, MachineStatus{Machine: n.Machine, State: n.state(), Units: b.world.Units(n.Name, "")})
	}
	return out
}

// StopMachine stops a machine.
func (b *Box) StopMachine(name string, how Stop) error {
	n, err := b.node(name)
	if err != nil {
		return err
	}
	if how != Kill && how != Crash && how != Graceful {
		return fmt.Errorf("cannot stop a machine by %q: want %q, %q or %q", how, Kill, Crash, Graceful)
	}
	n.stop(how, stopPatience)
	return nil
}

// StartMachine starts a stopped machine; one that was killed waits in vain to register until its old
// registration has expired, as fleetd does. It does not wait for that. With a version the machine
// says from now on that its fleetd is of that one.
func (b *Box) StartMachine(name, version string) error {
	n, err := b.node(name)
	if err != nil {
		return err
	}
	if version != "" {
		n.mu.Lock()
		n.version = version
		n.mu.Unlock()
	}
	return n.boot()
}

// TwinMachine starts a second machine with the id of another, as one is that was cloned with its
// machine-id(5). It registers once the other's registration is not there: after both have met that
// way, each overwrites the other's.
func (b *Box) TwinMachine(name, address string) error {
	n, err := b.node(name)
	if err != nil {
		return err
	}
	m := n.Machine
	m.Name, m.Address = n.Name+"-twin", cmp.Or(address, n.Address)
	if _, err := b.node(m.Name); err == nil {
		return fmt.Errorf("machine %s has a twin already", name)
	}
	twin := &node{Machine: m, box: b, systemd: b.world.Add(m.Name, m.ID, nil), version: fleetVersion}
	b.mu.Lock()
	b.nodes = append(b.nodes, twin)
	b.mu.Unlock()
	return twin.boot()
}

// CutMachine takes a machine off the network, or brings it back.
func (b *Box) CutMachine(name string, cut bool) error {
	n, err := b.node(name)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.daemon == nil {
		return fmt.Errorf("machine %s is stopped", n.Name)
	}
	n.cut = cut
	n.daemon.wires.set(cut)
	return nil
}

func (n *node) state() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.daemon == nil:
		return Stopped
	case n.cut:
		return Cut
	}
	return Running
}

// boot starts the machine unless it runs.
func (n *node) boot() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.daemon != nil {
		return nil
	}
	n.systemd.PowerOn()
	d, err := newDaemon(n.Machine, n.version, n.systemd, n.box.store, n.box.timing, n.box.changes)
	if err != nil {
		return err
	}
	n.daemon, n.cut = d, false
	go d.run()
	return nil
}

func (n *node) stop(how Stop, patience time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.daemon != nil && how == Graceful {
		n.daemon.shutdown(patience)
	}
	if how == Kill {
		n.systemd.PowerOff()
	}
	if n.daemon != nil && how != Graceful {
		n.daemon.crash(patience)
	}
	n.daemon = nil
}
