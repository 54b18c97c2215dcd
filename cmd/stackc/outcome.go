package main

import (
	"fmt"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
)

// usedUp says how to go on from a saved plan of which something is done: the cluster is
// no longer the one that it was made for.
const usedUp = "the plan is used up: plan again, and it goes on from there"

// showOutcome tells where each unit is, unless there is less to say.
func (p *program) showOutcome(c carriage, outcome fleet.Outcome, err error) error {
	plan := c.plan
	if err == nil && len(outcome.Bad()) == 0 {
		switch {
		case settled(plan) && plan.Count(fleet.Adopt) > 0:
			return p.printf("\nnothing is sent: what is taken over is as the stack says\n")
		case settled(plan):
			return p.printf("nothing to do: %s\n", view.AsWanted(plan))
		case c.how.noWait && outcome.Paused == nil:
			return p.printf("\n%d requests are sent; stackc status tells how the units fare\n", len(outcome.Done))
		}
	}
	if text := view.Outcome(plan.Machines, outcome, p.textWidth()); text != "" {
		if err := p.printf("\n%s", text); err != nil {
			return err
		}
	}
	tail := ""
	if stopsLater(plan, outcome) {
		tail = "; their machines stop the removed units one after the other"
	}
	if err := p.printf("\n%s%s\n%s", view.Tally(outcome), tail, view.PartWay(plan, outcome, p.textWidth())); err != nil {
		return err
	}
	if outcome.Paused == nil {
		return nil
	}
	then := usedUp
	if c.saved == "" {
		then = "to go on: " + c.how.goOn(outcome)
	}
	return p.printf("%s\n%s\n", view.PausedText(plan, *outcome.Paused), then)
}

// stopsLater reports whether units were removed that ran: fleet has forgotten them
// before its agents have stopped them.
func stopsLater(plan *fleet.Plan, outcome fleet.Outcome) bool {
	for _, o := range outcome.Units {
		if u, ok := plan.Unit(o.Unit); ok && o.Result == fleet.IsGone && len(u.Placement.Now) > 0 {
			return true
		}
	}
	return false
}

// stopped tells of a run that did not come to its end how far it came; nil when it did.
// saved is the file of the plan, "" for one that was made for this run.
func stopped(err error, outcome fleet.Outcome, saved string) *failure {
	if err == nil {
		return nil
	}
	f := *judge(err)
	if n := len(outcome.Done); n > 0 || f.code == exitInterrupted {
		then := "the same command goes on from there"
		switch {
		case saved != "" && n > 0:
			then = usedUp
		case f.kind == string(fleet.Lost):
			then = "stackc lock show tells who has it; once that is over the same command goes on from there"
		}
		f.help = fmt.Sprintf("%d of %d requests are done; %s", n, n+len(outcome.Left), then)
	}
	return &f
}

// settled reports whether the plan neither writes nor waits for anything.
func settled(plan *fleet.Plan) bool {
	for _, u := range plan.Units {
		if u.Action != fleet.Orphan && !u.Settled {
			return false
		}
	}
	return plan.Empty()
}

// uneventful reports whether a plan has nothing to show: all is as it should be,
// and there is nothing to remark.
func uneventful(plan *fleet.Plan) bool {
	return settled(plan) && plan.Count(fleet.Orphan)+plan.Count(fleet.Adopt) == 0 && len(plan.Warnings) == 0
}

// codeOf is the exit code for how the units fare.
func codeOf(outcome fleet.Outcome) int {
	switch {
	case outcome.Has(fleet.HasFailed), outcome.Has(fleet.TimedOut):
		return exitFailed
	case outcome.Has(fleet.NoMachine):
		return exitUnplaceable
	case outcome.Paused != nil:
		return exitChanges
	}
	return exitDone
}
