package fleet

import (
	"cmp"
	"context"
	"slices"

	"github.com/stackc/stackc/units"
)

// Back is how it went to bring back the old content of what a run has changed.
type Back struct {
	// Units are those that were changed and have their old content again, or were to.
	Units   []units.Name `json:"units"`
	Outcome Outcome      `json:"outcome"`
}

// goBack brings back what the run has changed of rollouts that say so, if one of
// the units that it changed has failed. It is done as it was changed, batch by
// batch, the failed units first. Nil means that there was no need.
func (r *run) goBack(ctx context.Context) (*Back, error) {
	failed := false
	changed := map[units.Name]bool{}
	for _, o := range r.plan.Rollouts {
		if !o.RollBack || len(o.Machines) > 0 && r.byName[units.Name(o.Group)].touched {
			continue // of a global unit that has its new content fleet knows the old one no more
		}
		for _, name := range o.Units {
			if t := r.byName[name]; t.touched {
				changed[name] = true
				failed = failed || t.result.Bad()
			}
		}
	}
	if !failed {
		return nil, nil
	}
	s, err := Take(ctx, r.client, r.plan.names())
	if err != nil {
		return nil, err
	}
	p := planBack(s, r.plan, changed)
	b := &Back{}
	for _, u := range p.Units {
		if u.Action.Writes() && changed[u.Unit] {
			b.Units = append(b.Units, u.Unit)
		}
	}
	r.tell(GoingBack{Plan: p, Units: b.Units})
	options := r.options
	options.Verify, options.PauseAfter, options.Confirm, options.NoWait = false, 0, nil, false
	back := newRun(r.client, p, options, r.tell)
	err = back.all(ctx)
	b.Outcome = back.outcome()
	return b, err
}

// planBack makes the plan that gives the changed units their old content, removes
// those of them that there were not before, and leaves the rest as it is.
func planBack(s *Snapshot, p *Plan, changed map[units.Name]bool) *Plan {
	var list []units.Unit
	var changes []Change
	for _, u := range p.Units {
		live, exists := s.Unit(u.Unit)
		if !exists || u.Action == Orphan || u.Action == Delete && !u.Temporary {
			continue
		}
		change := Change{Unit: u.Unit, Action: None, From: live.Desired, To: live.Desired, OldHash: live.Hash, NewHash: live.Hash}
		if u.Temporary || changed[u.Unit] && u.OldHash == "" {
			change.Action, change.To, change.NewHash = Delete, "", ""
			changes = append(changes, change)
			continue
		}
		want := units.Unit{Name: u.Unit, Options: live.Options, Desired: live.Desired, Group: u.Group, Update: u.backwards()}
		for _, w := range u.Waits {
			want.Waits = append(want.Waits, units.Wait(w))
		}
		if changed[u.Unit] && u.Old != nil && live.Hash == u.NewHash {
			want.Options, want.Desired = u.old(), u.From
			change.To, change.NewHash = want.Desired, u.OldHash
			change.Action = Replace
			change.Options = optionChanges(live.Options, want.Options)
		}
		list = append(list, want)
		changes = append(changes, change)
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Unit, b.Unit) })
	set := units.NewSet(p.Stack, list)
	return NewPlan(s, set, changes, Place(s, set, changes))
}

// backwards is how the change of a unit is taken back: as it was made, without
// asking or going back again.
func (u UnitPlan) backwards() *units.Update {
	if u.Update == nil {
		return nil
	}
	update := units.Update(*u.Update)
	update.MaxExtra, update.First, update.OnFailure = 0, 0, units.StopOnFailure
	return &update
}

// old gives the content that a unit had before.
func (u UnitPlan) old() []units.Option {
	list := make([]units.Option, len(u.Old))
	for i, o := range u.Old {
		list[i] = units.Option(o)
	}
	return list
}
