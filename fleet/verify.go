package fleet

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/stackc/stackc/units"
)

// Verify compares the cluster with what the plan was made from: the machines, and
// content and desired state of each unit. The error names everything that has
// moved; KindOf it is Stale.
func Verify(ctx context.Context, c Client, p *Plan) error {
	now, err := Take(ctx, c, p.names())
	if err != nil {
		return err
	}
	var moved []error
	moved = append(moved, movedMachines(p, now)...)
	for _, u := range p.Units {
		if err := movedUnit(u, now); err != nil {
			moved = append(moved, err)
		}
	}
	if len(moved) == 0 && now.Digest(p.names()) != p.Base {
		moved = append(moved, fail("apply", "", Stale, "the plan does not rest on what it says"))
	}
	return errors.Join(moved...)
}

// movedMachines compares the machines, on which the predicted places rest.
func movedMachines(p *Plan, now *Snapshot) []error {
	var moved []error
	for _, m := range p.Machines {
		is, alive := now.Machine(m.ID)
		switch {
		case !alive:
			moved = append(moved, fail("apply", "", Stale, "the plan is out of date: machine %s is gone", p.machineName(m.ID)))
		case !maps.Equal(is.Metadata, m.Metadata):
			moved = append(moved, fail("apply", "", Stale, "the plan is out of date: machine %s has other metadata", p.machineName(m.ID)))
		}
	}
	before := Snapshot{Machines: p.Machines}
	for _, m := range now.Machines {
		if _, known := before.Machine(m.ID); !known {
			moved = append(moved, fail("apply", "", Stale, "the plan is out of date: machine %s has joined", (&Plan{Machines: now.Machines}).machineName(m.ID)))
		}
	}
	return moved
}

// movedUnit compares one unit, nil when it is as the plan found it.
func movedUnit(u UnitPlan, now *Snapshot) error {
	live, exists := now.Unit(u.Unit)
	switch {
	case exists && u.OldHash == "":
		return fail("apply", u.Unit, Stale, "the plan is out of date: it creates the unit, and somebody has")
	case !exists && u.OldHash != "":
		return fail("apply", u.Unit, Stale, "the plan is out of date: somebody has removed the unit")
	case live.Hash != u.OldHash:
		return fail("apply", u.Unit, Stale, "the plan is out of date: the unit was %s and is %s", units.ShortHash(u.OldHash), units.ShortHash(live.Hash))
	case live.Desired != u.From:
		return fail("apply", u.Unit, Stale, "the plan is out of date: the unit's desired state was %s and is %s", u.From, live.Desired)
	case u.Action == Restart && strings.HasPrefix(u.Reason, foundDead):
		if deadReason(now, live, units.Unit{Name: u.Unit, Options: u.options(), Desired: u.To}) == "" {
			return fail("apply", u.Unit, Stale, "the plan is out of date: it restarts the unit because %s, and that has changed", u.Reason)
		}
	}
	return nil
}
