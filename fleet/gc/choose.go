package gc

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
)

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
