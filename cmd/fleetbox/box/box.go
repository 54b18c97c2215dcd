package box

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

// Options say what to run.
type Options struct {
	Machines  []Machine
	HostUnits []string // names or globs of units every machine has running before fleet comes
	Listen    []string // addresses of fleet's API: HOST:PORT or the path of a unix socket
	Etcd      string   // HOST:PORT of etcd's client API
	Data      string   // directory for etcd's data; empty: a temporary one, removed at the end
	Timing    Timing
	Rules     []sim.Rule // how units behave, from the first on
}

// Box is a running fleet cluster.
type Box struct {
	world   *sim.World
	store   *etcd
	api     *apiServer
	mu      sync.Mutex // of nodes, after the start
	nodes   []*node
	timing  Timing
	changes *changes
	cancel  context.CancelFunc
	temp    string // directory to remove; "" if it is not ours
}

// startPatience is how long a new machine may take to register, beside the time its registration of an
// earlier life in the same data may last.
const startPatience = 30 * time.Second

// Start runs a box and returns when all its machines are registered and the API answers.
func Start(opts Options) (*Box, error) {
	ctx, cancel := context.WithCancel(context.Background())
	b := &Box{world: sim.NewWorld(), timing: opts.Timing, changes: &changes{}, cancel: cancel}
	if err := b.start(ctx, opts); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Box) start(ctx context.Context, opts Options) error {
	dir, err := b.dataDir(opts.Data)
	if err != nil {
		return err
	}
	if b.store, err = startEtcd(dir, opts.Etcd); err != nil {
		return err
	}
	if b.timing.Fast {
		keys, err := b.store.keys(&wires{})
		if err != nil {
			return err
		}
		go b.changes.watch(ctx, keys)
	}
	for _, r := range opts.Rules {
		if _, err := b.world.AddRule(r); err != nil {
			return err
		}
	}
	for _, m := range opts.Machines {
		n := &node{Machine: m, box: b, systemd: b.world.Add(m.Name, m.ID, opts.HostUnits), version: fleetVersion}
		b.nodes = append(b.nodes, n)
		if err := n.boot(); err != nil {
			return err
		}
	}
	if b.api, err = startAPI(b.store, opts.Listen, b.timing); err != nil {
		return err
	}
	return b.settled(time.Now().Add(startPatience + b.timing.TTL))
}

func (b *Box) dataDir(dir string) (string, error) {
	if dir != "" {
		return dir, os.MkdirAll(dir, 0o700)
	}
	temp, err := os.MkdirTemp(tempDir(), "fleetbox-")
	b.temp = temp
	return temp, err
}

// tempDir is a place in memory if there is one: etcd waits for the disk at every write, so that on a
// busy disk machines would miss their heartbeats.
func tempDir() string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); os.Getenv("TMPDIR") == "" && err == nil && info.IsDir() {
		return memory
	}
	return os.TempDir()
}

func (b *Box) settled(deadline time.Time) error {
	for _, n := range b.nodes {
		select {
		case <-n.daemon.registered:
		case <-time.After(time.Until(deadline)):
			return fmt.Errorf("machine %s did not register", n.Name)
		}
	}
	return nil
}

// Close ends everything at once, as pulling the plug does, and removes what the box made.
func (b *Box) Close() error {
	if b.api != nil {
		b.api.close()
	}
	var ending sync.WaitGroup
	for _, n := range b.all() {
		ending.Go(func() { n.stop(Kill, closePatience) })
	}
	ending.Wait()
	b.cancel()
	b.world.Close()
	if b.store != nil {
		b.store.close()
	}
	if b.temp != "" {
		return os.RemoveAll(b.temp)
	}
	return nil
}

// World is the simulated systemd of the machines.
func (b *Box) World() *sim.World {
	return b.world
}

// FleetURLs are the endpoints of fleet's API, in the order of Options.Listen.
func (b *Box) FleetURLs() []string {
	var out []string
	for _, l := range b.api.front.listeners {
		out = append(out, URL(l))
	}
	return out
}

// EtcdURL is the endpoint of etcd.
func (b *Box) EtcdURL() string {
	return b.store.url()
}

// Requests counts the requests to fleet's API so far and, if reset, begins anew.
func (b *Box) Requests(reset bool) Requests {
	return b.api.counts.take(reset)
}

// AddFault makes fleet's API misbehave and returns the number of the fault.
func (b *Box) AddFault(f Fault) (int, error) {
	return b.api.faults.add(f)
}

// Faults lists the faults, oldest first.
func (b *Box) Faults() []Fault {
	return b.api.faults.all()
}

// RemoveFault removes the fault of that number, or all for 0, and says how many.
func (b *Box) RemoveFault(id int) int {
	return b.api.faults.remove(id)
}

// CutEtcd takes etcd away from everybody, or gives it back.
func (b *Box) CutEtcd(cut bool) {
	b.store.front.wires.set(cut)
}

// CutAPI takes fleet's API away: connections end and new ones are closed at once. Or it gives it back.
func (b *Box) CutAPI(cut bool) {
	b.api.front.wires.set(cut)
}

// SetEtcdClock has the clock of the machine that etcd's answers come from go ahead of the true one;
// SetAPIClock the same with fleet's API. Only the Date header tells of it.
func (b *Box) SetEtcdClock(ahead time.Duration) { b.store.front.ahead.Store(int64(ahead)) }

// SetAPIClock is SetEtcdClock for fleet's API.
func (b *Box) SetAPIClock(ahead time.Duration) { b.api.front.ahead.Store(int64(ahead)) }

// ErrNoMachine is the error for a machine that the box does not have.
var ErrNoMachine = errors.New("no such machine")

func (b *Box) node(name string) (*node, error) {
	nodes := b.all()
	i := slices.IndexFunc(nodes, func(n *node) bool { return n.Name == name || n.ID == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", ErrNoMachine, name)
	}
	return nodes[i], nil
}

func (b *Box) all() []*node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.nodes)
}
