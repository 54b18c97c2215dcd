// Package fleettest is a fleet cluster in memory, for tests: fleet's own HTTP API
// over a registry of its own, a scheduler that asks fleet's own agent code, and
// machines whose systemd is a table of what each unit does over time.
//
// Nothing happens by itself: each request first brings the cluster up to the
// present moment, step by step. That makes it exact under testing/synctest, where
// the moments are the test's.
package fleettest

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/fleet/api"
	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"

	"github.com/stackc/stackc/units"
)

// Machine is a member of a Cluster.
type Machine struct {
	ID       string
	IP       string
	Metadata map[string]string
}

// Pass is the time between two passes of the scheduler and the agents.
const Pass = 500 * time.Millisecond

// tokenLimit is how many entries a page has, fleet's default.
const tokenLimit = 100

// Cluster is a fleet cluster. Its methods may be used from several goroutines.
type Cluster struct {
	mu       sync.Mutex
	api      http.Handler
	machines []*host
	units    map[string]*record
	behave   map[units.Name]Behaviour
	faults   []func(Request) *Fault
	requests []Request
	next     time.Time
	deaf     bool
	eager    bool
	dropped  []string
	watch    func(running map[string][]units.Name)
	broken   map[string]bool
	silent   map[string]bool
	server   *http.Server
	listener *listener
}

// record is a unit as the registry holds it.
type record struct {
	job.Unit
	machine string
	global  bool
}

func newRecord(u job.Unit) *record { return &record{Unit: u, global: u.IsGlobal()} }

// New makes a cluster of these machines. It is closed with Close.
func New(machines ...Machine) *Cluster {
	c := &Cluster{units: map[string]*record{}, behave: map[units.Name]Behaviour{}, broken: map[string]bool{}, silent: map[string]bool{}, next: time.Now().Add(Pass)}
	for _, m := range machines {
		c.machines = append(c.machines, newHost(m))
	}
	c.sortMachines()
	c.api = api.NewServeMux(&store{c: c}, tokenLimit)
	return c
}

// Machines makes n machines n1, n2, … with the addresses 10.0.0.1, 10.0.0.2, …;
// the first has the metadata role=master, the others role=node.
func Machines(n int) []Machine {
	list := make([]Machine, n)
	for i := range list {
		role := "node"
		if i == 0 {
			role = "master"
		}
		list[i] = Machine{ID: "n" + string(rune('1'+i)), IP: "10.0.0." + string(rune('1'+i)), Metadata: map[string]string{"role": role}}
	}
	return list
}

func (c *Cluster) sortMachines() {
	slices.SortFunc(c.machines, func(a, b *host) int { return cmp.Compare(a.state.ID, b.state.ID) })
}

// Eager lets all agents look between the two writes that fleet makes of one request,
// the new content and then the desired state (fleet v1.0.0 registry/job.go CreateUnit).
func (c *Cluster) Eager() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eager = true
}

// Drop makes systemd on all machines drop the job that starts a unit, as it does when
// a unit that must not run beside it is started in the same moment.
func (c *Cluster) Drop(name units.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped = append(c.dropped, string(name))
}

// Watch has f told after each pass of the agents which units run on each machine.
func (c *Cluster) Watch(f func(running map[string][]units.Name)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = f
}

// Deaf makes the cluster behave as fleet before 0.13 did: options sent for a unit
// that exists are ignored without a word.
func (c *Cluster) Deaf() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf = true
}

// Behave says what a unit does once it is started. With nil it is up at once, in
// the way of its type.
func (c *Cluster) Behave(name units.Name, b Behaviour) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b == nil {
		delete(c.behave, name)
		return
	}
	c.behave[name] = b
}

// StayFailed lets a unit that has failed be called failed until it is started
// anew, also while it is stopped: that is what systemd does.
func (c *Cluster) StayFailed(name units.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.machines {
		if u := h.units[string(name)]; u != nil {
			u.running, u.failed = false, true
		}
	}
}

// Silent lets the agents be late to say that they have launched the unit, so that
// fleet takes it for loaded.
func (c *Cluster) Silent(name units.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent[string(name)] = true
}

// Unloadable makes systemd on all machines refuse to load a unit.
func (c *Cluster) Unloadable(name units.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken[string(name)] = true
}

// AddMachine lets a machine join.
func (c *Cluster) AddMachine(m Machine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	c.machines = append(c.machines, newHost(m))
	c.sortMachines()
}

// KillMachine makes a machine vanish from the list of machines. Its rows of state
// stay, as they do for some seconds after a machine has died.
func (c *Cluster) KillMachine(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	for _, h := range c.machines {
		if h.state.ID == id {
			h.dead = true
		}
	}
}

// Hide makes the rows of a unit vanish from the states for a while, though it runs.
func (c *Cluster) Hide(name units.Name, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.machines {
		h.hidden[string(name)] = time.Now().Add(d)
	}
}

// Stall lets the agent of a machine do nothing for a while, as one that is slow or is
// being started again. What runs there runs on, and the rows stay.
func (c *Cluster) Stall(id string, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.host(id).stalled = time.Now().Add(d)
}

// Submit puts a unit into the cluster without a request. A unit of that name keeps
// its machine.
func (c *Cluster) Submit(u units.Unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := newRecord(jobUnit(u))
	if old := c.units[string(u.Name)]; old != nil {
		r.machine = old.machine
	}
	c.units[string(u.Name)] = r
}

// Overwrite is Submit for rules of Fail, which run while the cluster is locked.
func (c *Cluster) Overwrite(u units.Unit) {
	c.units[string(u.Name)].Unit = jobUnit(u)
}

// Remove takes a unit out of the cluster without a request.
func (c *Cluster) Remove(name units.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Delete(name)
}

// Placed is a unit of the cluster and the machine that it is scheduled to.
type Placed struct {
	units.Unit
	Machine string
}

// Units returns all units, in the order of names.
func (c *Cluster) Units() []Placed {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Placed
	for name, r := range c.units {
		u := units.Unit{Name: units.Name(name), Options: optionsOf(r.Unit), Desired: units.State(r.TargetState)}
		list = append(list, Placed{Unit: u, Machine: r.machine})
	}
	slices.SortFunc(list, func(a, b Placed) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Settle lets the scheduler and the agents act until nothing is left to do.
func (c *Cluster) Settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range len(c.units) + 10 {
		if !c.pass(time.Now()) {
			return
		}
	}
}

// MachinesOf returns the IDs of the machines that have the unit.
func (c *Cluster) MachinesOf(name units.Name) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	var ids []string
	for _, h := range c.live() {
		if h.units[string(name)] != nil {
			ids = append(ids, h.state.ID)
		}
	}
	return ids
}

// Names returns the names of all units, in order.
func (c *Cluster) Names() []units.Name {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []units.Name
	for name := range c.units {
		names = append(names, units.Name(name))
	}
	slices.Sort(names)
	return names
}

func (c *Cluster) live() []*host {
	return slices.DeleteFunc(slices.Clone(c.machines), func(h *host) bool { return h.dead })
}

// Dial connects to the cluster's API through memory. The address does not matter.
func (c *Cluster) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		c.listener = newListener()
		c.server = &http.Server{Handler: c}
		go c.server.Serve(c.listener)
	}
	return c.listener.dial(ctx)
}

// Close ends the server that Dial began.
func (c *Cluster) Close() {
	c.mu.Lock()
	server := c.server
	c.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

func machineState(m Machine) machine.MachineState {
	return machine.MachineState{ID: m.ID, PublicIP: m.IP, Metadata: m.Metadata}
}

// Delete removes a unit without a request. It is for rules of Fail, which run while
// the cluster is locked.
func (c *Cluster) Delete(name units.Name) { delete(c.units, string(name)) }
