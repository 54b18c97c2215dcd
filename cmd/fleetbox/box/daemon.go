package box

import (
	"sync"
	"time"

	"github.com/coreos/fleet/agent"
	"github.com/coreos/fleet/engine"
	"github.com/coreos/fleet/heart"
	"github.com/coreos/fleet/machine"
	"github.com/coreos/fleet/pkg"
	"github.com/coreos/fleet/pkg/lease"
	"github.com/coreos/fleet/registry"
	"github.com/coreos/fleet/server"
	"github.com/coreos/fleet/unit"
)

// fleetVersion is what the machines say they run, unless they are started as another one.
const fleetVersion = "1.0.0"

// daemon is the fleetd of one machine, from its start to its end. It is put together as
// fleet v1.0.0's server/server.go does it, without the API.
type daemon struct {
	timing     Timing
	wires      *wires
	agent      *agent.Agent
	reconciler *agent.AgentReconciler
	publisher  *agent.UnitStatePublisher
	generator  *unit.UnitStateGenerator
	engine     *engine.Engine
	heart      heart.Heart
	monitor    *server.Monitor
	stream     pkg.EventStream // what the agent follows
	retire     func()          // called at the end

	kill       chan struct{} // closed to end it
	registered chan struct{} // closed when the cluster knows the machine
	done       chan struct{} // closed when it has ended
}

// newDaemon builds a fleetd for a machine. changes is where the events of Timing.Fast come from.
func newDaemon(m Machine, version string, units unit.UnitManager, store *etcd, timing Timing, changes *changes) (*daemon, error) {
	d := &daemon{
		timing: timing, wires: &wires{}, retire: func() {},
		kill: make(chan struct{}), registered: make(chan struct{}), done: make(chan struct{}),
	}
	keys, err := store.keys(d.wires)
	if err != nil {
		return nil, err
	}
	reg := registry.NewEtcdRegistry(keys, registry.DefaultKeyPrefix)
	mach := machine.NewCoreOSMachine(machine.MachineState{
		ID: m.ID, PublicIP: m.Address, Metadata: m.Metadata, Version: version,
	}, units)
	d.stream = registry.NewEtcdEventStream(keys, registry.DefaultKeyPrefix)
	engineStream := d.stream
	if timing.Fast {
		d.stream, engineStream = changes.stream(), changes.stream()
		d.retire = func() { changes.drop(d.stream); changes.drop(engineStream) }
	}
	d.generator = unit.NewUnitStateGenerator(units)
	d.agent = agent.New(units, d.generator, reg, mach, timing.TTL)
	d.reconciler = agent.NewReconciler(reg, d.stream)
	d.publisher = agent.NewUnitStatePublisher(reg, mach, timing.TTL)
	d.engine = engine.New(reg, lease.NewEtcdLeaseManager(keys, registry.DefaultKeyPrefix), engineStream, mach, nil)
	d.heart = heart.New(reg, mach)
	d.monitor = server.NewMonitor(timing.TTL)
	return d, nil
}

// run is the life of the daemon: it registers, works until its heart cannot beat for a while, and
// begins again.
func (d *daemon) run() {
	defer close(d.done)
	defer d.retire()
	beat := d.heart.Register
	for d.register(beat) {
		stop := make(chan struct{})
		working := d.work(stop)
		told, _ := d.monitor.Monitor(d.heart, d.kill)
		close(stop)
		working.Wait()
		if told {
			return
		}
		beat = d.heart.Beat
	}
}

// register makes the machine known, and tries until it succeeds. A machine that comes back before
// its old registration has expired must wait for that.
func (d *daemon) register(beat func(time.Duration) (uint64, error)) bool {
	pause := time.Second
	if d.timing.Fast {
		pause = fastRetry
	}
	for {
		if _, err := beat(d.timing.TTL); err == nil {
			break
		}
		select {
		case <-d.kill:
			return false
		case <-time.After(pause):
		}
		if !d.timing.Fast {
			pause = pkg.ExpBackoff(pause, time.Minute)
		}
	}
	select {
	case <-d.registered:
	default:
		close(d.registered)
	}
	return true
}

// work starts the daemon's loops; they end when stop is closed.
func (d *daemon) work(stop chan struct{}) *sync.WaitGroup {
	beats := make(chan *unit.UnitStateHeartbeat)
	loops := &sync.WaitGroup{}
	loops.Go(func() { d.agent.Heartbeat(stop) })
	loops.Go(func() { d.engine.Run(d.timing.Engine, stop) })
	generated := make(chan struct{}) // closed when no more states are sent
	loops.Go(func() {
		d.publisher.Run(beats, stop)
		drain(beats, generated)
	})
	if d.timing.Fast {
		loops.Go(func() { d.reconcile(stop) })
	} else {
		loops.Go(func() { d.reconciler.Run(d.agent, stop) })
	}
	loops.Go(func() {
		defer close(generated)
		if d.timing.Fast {
			d.generate(beats, stop)
			return
		}
		d.generator.Run(beats, stop)
	})
	return loops
}

// drain receives states until no more are sent, so that the generator does not wait for a publisher
// that has ended, as it can in fleetd.
func drain(beats <-chan *unit.UnitStateHeartbeat, generated <-chan struct{}) {
	for {
		select {
		case <-beats:
		case <-generated:
			return
		}
	}
}

// reconcile is fleet's AgentReconciler.Run with a shorter interval, as far as passes are short.
func (d *daemon) reconcile(stop chan struct{}) {
	next := d.stream.Next(stop)
	for {
		begun := time.Now()
		d.reconciler.Reconcile(d.agent)
		select {
		case <-stop:
			return
		case <-next:
			next = d.stream.Next(stop)
		case <-time.After(max(fastAgent, 4*fastRest*time.Since(begun))):
		}
	}
}

// generate is fleet's UnitStateGenerator.Run with a shorter interval.
func (d *daemon) generate(beats chan<- *unit.UnitStateHeartbeat, stop <-chan struct{}) {
	ticker := time.NewTicker(fastStates)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		states, err := d.generator.Generate()
		if err != nil {
			continue
		}
		for state := range states {
			beats <- state
		}
	}
}

// end stops the daemon and waits for it, at most so long.
func (d *daemon) end(patience time.Duration) {
	close(d.kill)
	select {
	case <-d.done:
	case <-time.After(patience):
	}
}

// crash ends the daemon without a word to the cluster.
func (d *daemon) crash(patience time.Duration) {
	d.wires.set(true)
	d.end(patience)
}

// shutdown ends the daemon as SIGTERM does: it unloads its units and leaves the cluster.
func (d *daemon) shutdown(patience time.Duration) {
	d.end(patience)
	purged := make(chan struct{})
	go func() {
		defer close(purged)
		d.reconciler.Purge(d.agent)
		d.publisher.Purge()
		d.engine.Purge()
		d.heart.Clear()
	}()
	select {
	case <-purged:
	case <-time.After(patience):
	}
	d.wires.set(true)
}
