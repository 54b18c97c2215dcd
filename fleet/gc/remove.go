package gc

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

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

// removeBatch removes a batch: the journal is written, others are told, what they are
// about to write and the jobs are read again, the contents are removed all at once, the
// jobs are read again.
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
	own := sign{ID: c.lease.Holder().ID, Prefix: c.prefix, Batch: true}
	if err := c.raise(ctx, own); err != nil {
		return err
	}
	err = c.removeList(ctx, list)
	e.done = time.Now()
	if err != nil {
		return err // of a removal nobody knows whether it is still to come: the sign stays
	}
	own.Batch = false
	if err := c.raise(ctx, own); err != nil {
		return err
	}
	if _, err := c.follower.sync(ctx); err != nil {
		return err
	}
	return c.dropSettled(ctx)
}

// removeList removes contents if they still may be. What runs of stackc are about to
// write is read before the jobs: who has withdrawn it by then has written its jobs.
// Between the look at the jobs and the removals nothing else is done.
func (c *collector) removeList(ctx context.Context, list []content) error {
	for {
		if err := c.lease.Err(); err != nil {
			return err
		}
		reserved, err := c.store.Reserved(ctx)
		if err != nil {
			return err
		}
		if _, err := c.follower.sync(ctx); err != nil {
			return err
		}
		allowed, wait, err := c.follower.may(list, reserved, c.o.Observe)
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

// removeNow removes contents all at once: etcd writes what comes together to its disk
// together. Once begun it is not interrupted, since what becomes of a request that nobody
// waits for is known to nobody; but it ends before others may take the run for dead.
func (c *collector) removeNow(ctx context.Context, list []content) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), c.lease.Until())
	defer cancel()
	var group errgroup.Group
	gone := make([]bool, len(list))
	for i, one := range list {
		group.Go(func() error {
			if !c.follower.unused(one) { // since the look at the jobs
				return c.follower.settle(ctx, one, false)
			}
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
