package gc

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/stackc/stackc/fleet/state"
)

// Defaults of Options.
const (
	DefaultMinAge = 10 * time.Minute
	DefaultRate   = 200
	// DefaultObserve is the least time for which the jobs are followed before the first
	// removal. It is longer where reading the registry takes long, by observeReads:
	// who has read the jobs before must have read the contents as well.
	DefaultObserve = 5 * time.Second
	// DefaultSettle outlasts the time between two steps of a client of the registry:
	// fleetd gives up a request to etcd after a second, and an election of etcd's
	// takes a few.
	DefaultSettle = 10 * time.Second
)

// observeReads is how many times as long as it takes to read the registry the jobs are
// followed at least.
const observeReads = 5

// Bounds of a batch. Its journal entry is one value; etcd takes requests of 1.5 MB.
const (
	batchCount = 32
	batchBytes = 192 << 10
)

// lastWords is how long a run that is interrupted may take to look once more.
const lastWords = 10 * time.Second

// Options say what to remove, and how carefully. The zero value looks at all defaults
// but MinAge, for which 0 is an age.
type Options struct {
	// Prefix is fleet's directory in etcd; empty means that of fleet's own default.
	Prefix string
	// MinAge is how old a content must be.
	MinAge time.Duration
	// Wait says to wait until what is there now is that old.
	Wait bool
	// KeepHistory spares what the recorded revisions of stacks have.
	KeepHistory bool
	// DryRun only looks, and writes nothing at all.
	DryRun bool
	// Rate bounds the removals in a second; 0 means DefaultRate.
	Rate int
	// Observe is how long the jobs are followed before the first removal, Settle how
	// long after the last one; 0 means the defaults.
	Observe, Settle time.Duration
	// Holder is who takes the lock.
	Holder state.Holder
	// settled, when given, is asked in place of Settle whether no client is between its
	// steps any more that was so at a moment: tests know that without a clock.
	settled func(since time.Time) bool
}

// left is how long it takes until no client can be between its steps any more that was
// so at a moment; 0 when that is over.
func (o Options) left(since time.Time) time.Duration {
	switch {
	case o.settled == nil:
		return max(0, o.Settle-time.Since(since))
	case o.settled(since):
		return 0
	}
	return time.Millisecond
}

// collector is one run.
type collector struct {
	*fleetRegistry
	o        Options
	tell     func(Progress)
	follower *follower
	lease    *state.Lease
	now      sample
	samples  samples
	entries  []*entry
	report   Report
}

// Run removes contents that no unit has. tell may be nil. The report is valid beside an
// error, too. An error is of the kinds of package state: Held when another run goes on,
// Damaged when the registry cannot be understood, Missing when it is not there. All that
// is done is done for good: the next run goes on from there.
func Run(ctx context.Context, store *state.Store, o Options, tell func(Progress)) (Report, error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	o.Rate = cmp.Or(o.Rate, DefaultRate)
	o.Settle = cmp.Or(o.Settle, DefaultSettle)
	c := &collector{fleetRegistry: newRegistry(store, o.Prefix), o: o, tell: tell}
	c.follower = newFollower(c.fleetRegistry)
	c.report.Prefix, c.report.DryRun = c.prefix, o.DryRun
	err := c.run(ctx)
	c.report.Restored = c.follower.standing().restored
	c.report.Requests = c.requests.Load()
	return c.report, err
}

func (c *collector) run(ctx context.Context) error {
	first, err := c.look(ctx)
	if err != nil {
		return err
	}
	if c.o.Observe == 0 {
		c.o.Observe = max(DefaultObserve, observeReads*first.took)
	}
	if c.o.DryRun {
		return c.foresee(ctx, first)
	}
	if c.lease, err = c.store.AcquireRegistry(ctx, c.o.Holder); err != nil {
		return err
	}
	defer c.lease.Release(ctx)
	if err := c.readAge(ctx); err != nil {
		return err
	}
	if c.entries, err = c.journal(ctx); err != nil {
		return err
	}
	observe := c.observation()
	list := c.old(first, c.now.At.Add(observe))
	if len(list) == 0 && len(c.entries) == 0 {
		return nil
	}
	err = c.collect(ctx, list, observe)
	c.report.Pending = c.pending()
	if err != nil || len(list) == 0 {
		return err
	}
	last, err := c.read(ctx)
	if err != nil {
		return err
	}
	c.report.ListAfter = last.took
	c.report.Left, _ = last.dead()
	return nil
}

// look reads what there is.
func (c *collector) look(ctx context.Context) (read, error) {
	first, err := c.read(ctx)
	if err != nil {
		return read{}, err
	}
	if len(first.contents) == 0 {
		there, err := c.store.Has(ctx, c.prefix)
		if err != nil {
			return read{}, err
		}
		if !there {
			return read{}, &state.Error{Op: "look for fleet's registry", Kind: state.Missing, Err: fmt.Errorf("this etcd has nothing at %s", c.prefix)}
		}
	}
	r := &c.report
	r.ListBefore = first.took
	r.Contents = len(first.contents)
	r.Found, r.FoundBytes = first.dead()
	r.Live, r.Left = r.Contents-r.Found, r.Found
	return first, nil
}

// foresee tells what a run would do, by what earlier ones have noted and by the own
// clock.
func (c *collector) foresee(ctx context.Context, first read) (err error) {
	if c.samples, err = c.fleetRegistry.samples(ctx); err != nil {
		return err
	}
	kept, err := c.history(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	c.old(first, now)
	if c.o.MinAge <= c.o.Observe || c.o.Wait {
		c.report.Young, c.report.ReadyAt = 0, time.Time{}
	}
	for hash := range first.contents {
		if !first.live[hash] && kept[hash] {
			c.report.Kept++
		}
	}
	return nil
}
