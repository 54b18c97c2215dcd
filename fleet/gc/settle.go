package gc

import (
	"context"
	"time"
)

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
	if n == len(c.entries) {
		if err := c.lower(ctx); err != nil {
			return err
		}
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
