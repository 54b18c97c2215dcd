package gc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
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
	// inFlight is how many removals are sent at once: etcd writes those that come
	// together to its disk together.
	inFlight = 16
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

// readAge reads what earlier runs have noted of time, and notes this one's.
func (c *collector) readAge(ctx context.Context) error {
	before, err := c.fleetRegistry.samples(ctx)
	if err != nil {
		return err
	}
	if c.now, err = c.clock(ctx); err != nil {
		return err
	}
	noted := before.with(c.now)
	if !slices.Equal(noted, before) {
		if err := c.writeSamples(ctx, noted); err != nil {
			return err
		}
	}
	c.samples = append(slices.Clone(noted), c.now)
	return nil
}

// observation is how long the jobs are followed before the first removal.
func (c *collector) observation() time.Duration {
	observe := c.o.Observe
	if c.o.Wait {
		observe = max(observe, c.o.MinAge)
	}
	return observe
}

// old gives the contents that no unit has and that are old enough at a moment, the
// oldest first.
func (c *collector) old(first read, at time.Time) []content {
	horizon := c.samples.horizon(at.Add(-c.o.MinAge))
	var list []content
	youngest := uint64(0)
	for hash, one := range first.contents {
		switch {
		case first.live[hash]:
		case one.index <= horizon:
			list = append(list, one)
		default:
			c.report.Young++
			youngest = max(youngest, one.index)
		}
	}
	if c.report.Young > 0 {
		c.report.ReadyAt = c.samples.ready(youngest, c.o.MinAge)
	}
	slices.SortFunc(list, func(a, b content) int { return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.hash, b.hash)) })
	return list
}

// history gives the contents of the recorded revisions, nothing unless it is to be kept.
func (c *collector) history(ctx context.Context) (map[string]bool, error) {
	kept := map[string]bool{}
	if !c.o.KeepHistory {
		return kept, nil
	}
	stacks, err := c.store.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	for _, stack := range stacks {
		revisions, err := c.store.Revisions(ctx, stack)
		if err != nil {
			return nil, err
		}
		for _, r := range revisions {
			list, err := c.store.Read(ctx, r)
			if err != nil {
				return nil, err
			}
			for _, u := range state.Set(stack, list).Units {
				kept[units.Hash(u.Options)] = true
			}
		}
	}
	return kept, nil
}

// collect follows the jobs and removes what is on the list.
func (c *collector) collect(ctx context.Context, list []content, observe time.Duration) error {
	for _, e := range c.entries {
		c.follower.adopt(e)
	}
	inner, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { c.follower.run(inner) })
	defer following.Wait()
	defer stop()
	err := c.removeAll(ctx, list, observe)
	if err == nil {
		err = c.settled(ctx)
	}
	if err != nil {
		// Whatever the reason is, a unit must not be left without its content.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		if _, again := c.follower.sync(last); again != nil && c.pending() > 0 {
			return errors.Join(err, again)
		}
	}
	return err
}

// removeAll removes what is on the list, batch by batch.
func (c *collector) removeAll(ctx context.Context, list []content, observe time.Duration) error {
	if err := c.watched(ctx, observe); err != nil {
		return err
	}
	// What earlier runs have left must not be mixed with what this one removes.
	if err := c.settled(ctx); err != nil {
		return err
	}
	kept, err := c.history(ctx)
	if err != nil {
		return err
	}
	total, started := len(list), time.Now()
	pace := &pace{every: time.Second / time.Duration(c.o.Rate), next: started}
	for number := 0; len(list) > 0; number++ {
		n := batchSize(list)
		if err := c.removeBatch(ctx, pace, number, list[:n], kept); err != nil {
			return err
		}
		list = list[n:]
		c.tell(Progress{Stage: Removing, Done: total - len(list), Total: total, Left: time.Duration(len(list)) * pace.every})
	}
	return nil
}

// batchSize is how many of a list make a batch.
func batchSize(list []content) int {
	n, bytes := 0, 0
	for n < min(len(list), batchCount) {
		if bytes += len(list[n].value); n > 0 && bytes > batchBytes {
			break
		}
		n++
	}
	return n
}

// removeBatch removes a batch: the journal is written, the jobs are read again, the
// contents are removed all at once, the jobs are read again.
func (c *collector) removeBatch(ctx context.Context, pace *pace, number int, batch []content, kept map[string]bool) error {
	var list []content
	for _, one := range batch {
		switch {
		case kept[one.hash]:
			c.report.Kept++
		case !c.follower.unused(one):
			c.report.Spared++
		default:
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := pace.wait(ctx, len(list)); err != nil {
		return err
	}
	e, err := c.writeEntry(ctx, c.lease.Holder().ID, number, list)
	if err != nil {
		return err
	}
	c.entries = append(c.entries, e)
	err = c.removeList(ctx, list)
	e.done = time.Now()
	if err != nil {
		return err
	}
	if _, err := c.follower.sync(ctx); err != nil {
		return err
	}
	return c.dropSettled(ctx)
}

// removeList removes contents if they still may be. Between the look at the jobs and the
// removals nothing else is done.
func (c *collector) removeList(ctx context.Context, list []content) error {
	for {
		if err := c.lease.Err(); err != nil {
			return err
		}
		if _, err := c.follower.sync(ctx); err != nil {
			return err
		}
		allowed, wait, err := c.follower.may(list, c.o.Observe)
		if err != nil {
			return err
		}
		if wait == 0 {
			c.report.Spared += len(list) - len(allowed)
			return c.removeNow(ctx, allowed)
		}
		if err := c.pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *collector) removeNow(ctx context.Context, list []content) error {
	var group errgroup.Group
	group.SetLimit(inFlight)
	gone := make([]bool, len(list))
	for i, one := range list {
		group.Go(func() error {
			away, err := c.remove(ctx, one)
			gone[i] = away
			// Of a removal that failed nobody knows whether it was done.
			return errors.Join(err, c.follower.settle(ctx, one, away || err != nil))
		})
	}
	err := group.Wait()
	for i, one := range list {
		if gone[i] {
			c.report.Removed++
			c.report.RemovedBytes += int64(len(one.value))
		} else {
			c.report.Spared++
		}
	}
	return err
}

// watched waits until the jobs have been followed for some time without a gap.
func (c *collector) watched(ctx context.Context, observe time.Duration) error {
	for {
		now := c.follower.standing()
		if now.fault != nil {
			return now.fault
		}
		left := observe
		if !now.since.IsZero() {
			if left = observe - time.Since(now.since); left <= 0 {
				return nil
			}
		}
		c.tell(Progress{Stage: Watching, Left: left})
		if err := c.pause(ctx, left); err != nil {
			return err
		}
	}
}

// settled waits until no client can be between its steps with anything that was removed.
func (c *collector) settled(ctx context.Context) error {
	for len(c.entries) > 0 {
		if err := c.lease.Err(); err != nil {
			return err
		}
		left := c.o.left(c.entries[len(c.entries)-1].done)
		if left <= 0 {
			if err := c.dropSettled(ctx); err != nil {
				return err
			}
			continue
		}
		c.tell(Progress{Stage: Settling, Left: left})
		if err := c.pause(ctx, left); err != nil {
			return err
		}
	}
	return nil
}

// dropSettled forgets entries of the journal that are old enough, after a look at the
// jobs that has brought back what they name.
func (c *collector) dropSettled(ctx context.Context) error {
	n := 0
	for n < len(c.entries) && c.o.left(c.entries[n].done) == 0 {
		n++
	}
	if n == 0 {
		return nil
	}
	if _, err := c.follower.sync(ctx); err != nil {
		return err
	}
	for _, e := range c.entries[:n] {
		if err := c.dropEntry(ctx, e); err != nil {
			return err
		}
		c.follower.forget(e)
	}
	c.entries = c.entries[n:]
	return nil
}

// pending counts what the journal has.
func (c *collector) pending() int {
	n := 0
	for _, e := range c.entries {
		n += len(e.values)
	}
	return n
}

// pause waits until the follower has news, or for d but at most a second; for a second
// when d is negative.
func (c *collector) pause(ctx context.Context, d time.Duration) error {
	if d <= 0 || d > time.Second {
		d = time.Second
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	case <-c.follower.changed:
	}
	return nil
}

// pace bounds how often something is done.
type pace struct {
	every time.Duration
	next  time.Time
}

// wait waits until n may be done. Time that was lost elsewhere is not made up for.
func (p *pace) wait(ctx context.Context, n int) error {
	if context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	now := time.Now()
	if d := p.next.Sub(now); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		now = p.next
	}
	p.next = now.Add(time.Duration(n) * p.every)
	return nil
}
