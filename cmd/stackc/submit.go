package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
)

// carrying says how a plan is carried out.
type carrying struct {
	yes, noWait bool
	timeout     duration
}

func newCarrying() *carrying { return &carrying{timeout: duration{10 * time.Minute}} }

func (o *carrying) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Destination: &o.yes, DisableDefaultText: true, Usage: "do not ask before something is stopped or removed"},
		&cli.GenericFlag{Name: "timeout", Value: &o.timeout, Usage: "wait at most `TIME` for the units"},
		&cli.BoolFlag{Name: "no-wait", Destination: &o.noWait, DisableDefaultText: true, Usage: "return once the units are sent"},
	}
}

func (p *program) submit() *cli.Command {
	g, o := newChange(), newCarrying()
	return &cli.Command{
		Name:      "submit",
		Usage:     "bring the cluster to what a stack file says, and wait until it is there",
		ArgsUsage: "FILE",
		Description: `Shows the plan, carries it out, and waits until every unit is up: patiently while
a unit waits for another, and no longer once one has failed. On a terminal it asks
before it stops or removes anything that runs. Units that the file does not have
any more are only named, unless --prune is given. Interrupted at any point, the
next submit goes on from there.

examples:
  stackc submit k8s.toml
  stackc submit k8s.toml --prune --yes --timeout 20m

exit codes: 0 done, or nothing to do; 1 error; 3 a unit failed or timed out;
4 a unit cannot be placed, nothing is sent; 5 stale; 6 unreachable`,
		Flags: append(g.flags(), o.flags()...),
		Action: func(ctx *cli.Context) error {
			return p.compare(ctx, g, func(conn *fleet.Conn, s surveyed) error {
				return p.carry(ctx.Context, conn, g.form, o, s)
			})
		},
	}
}

// carriedOut is the JSON form of a run.
type carriedOut struct {
	Plan     *fleet.Plan    `json:"plan"`
	Outcome  *fleet.Outcome `json:"outcome,omitempty"`
	Requests fleet.Counts   `json:"requests"`
	Findings []diag.Finding `json:"findings"`
	// Error tells why the run did not come to its end.
	Error *errorReport `json:"error,omitempty"`
}

// carry shows the plan of s, carries it out, and tells how it ended.
func (p *program) carry(ctx context.Context, conn *fleet.Conn, form *format, o *carrying, s surveyed) error {
	if !form.isJSON() && !uneventful(s.plan) {
		if err := p.printf("%s", view.Plan(s.plan, p.textWidth())); err != nil {
			return err
		}
	}
	if n := len(s.plan.Unplaceable()); n > 0 {
		return p.ended(conn, form, s, nil, &failure{
			code: exitUnplaceable, kind: kindUnplaceable,
			err: fmt.Errorf("no machine can run %d of the units, and nothing is sent", n),
		})
	}
	if err := p.confirm(o, s.plan); err != nil {
		return err
	}
	show := p.newProgress(s.plan, form)
	end := context.AfterFunc(ctx, func() { show.note("interrupted: finishing the requests under way; once more leaves at once") })
	defer end()
	outcome, err := fleet.Apply(ctx, conn, s.plan, fleet.ApplyOptions{NoWait: o.noWait, Timeout: o.timeout.value}, show.tell)
	show.close()
	if !form.isJSON() {
		if e := p.showOutcome(o, s.plan, outcome, err); e != nil {
			return e
		}
	}
	return p.ended(conn, form, s, &outcome, stopped(err, outcome))
}

// ended gives the exit code of a run, after its JSON where that was asked for. The
// failure is why it did not come to its end, or nil.
func (p *program) ended(conn *fleet.Conn, form *format, s surveyed, outcome *fleet.Outcome, f *failure) error {
	if f == nil {
		f = &failure{code: codeOf(*outcome)}
	}
	if form.isJSON() {
		data := carriedOut{Plan: s.plan, Outcome: outcome, Requests: conn.Counts(), Findings: diag.Findings(s.findings), Error: f.report()}
		if err := p.json(data); err != nil {
			return err
		}
		f = &failure{code: f.code} // the JSON says the rest
	}
	if f.code == exitDone {
		return nil
	}
	return f
}

// confirm asks a person before something that runs is stopped. Where nobody can
// answer it does not ask: there the caller has decided.
func (p *program) confirm(o *carrying, plan *fleet.Plan) error {
	if o.yes || !p.inTerminal || !p.outTerminal || !disturbs(plan) {
		return nil
	}
	if err := p.printf("\ngo on? [y/N] "); err != nil {
		return err
	}
	answer, err := bufio.NewReader(p.in).ReadString('\n')
	if err != nil && answer == "" {
		return misuse("", "no answer; nothing is sent")
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return misuse("", "not confirmed; nothing is sent")
	}
	return nil
}

// disturbs reports whether the plan stops, restarts or removes a unit that is on
// some machine.
func disturbs(plan *fleet.Plan) bool {
	for _, u := range plan.Units {
		if u.Action.Writes() && u.Action != fleet.Create && len(u.Placement.Now) > 0 {
			return true
		}
	}
	return false
}

// showOutcome tells where each unit is, unless nothing was done at all.
func (p *program) showOutcome(o *carrying, plan *fleet.Plan, outcome fleet.Outcome, err error) error {
	if settled(plan) && err == nil && len(outcome.Bad()) == 0 {
		return p.printf("nothing to do: %s\n", view.AsWanted(plan))
	}
	if o.noWait && err == nil {
		return p.printf("\n%d requests are sent; stackc status tells how the units fare\n", len(outcome.Done))
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
	return p.printf("\n%s%s\n", view.Tally(outcome), tail)
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
func stopped(err error, outcome fleet.Outcome) *failure {
	if err == nil {
		return nil
	}
	f := *judge(err)
	if n := len(outcome.Done); n > 0 || f.code == exitInterrupted {
		f.help = fmt.Sprintf("%d of %d requests are done; the same command goes on from there", n, n+len(outcome.Left))
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
	return settled(plan) && plan.Count(fleet.Orphan) == 0 && len(plan.Warnings) == 0
}

// codeOf is the exit code for how the units fare.
func codeOf(outcome fleet.Outcome) int {
	switch {
	case outcome.Has(fleet.HasFailed), outcome.Has(fleet.TimedOut):
		return exitFailed
	case outcome.Has(fleet.NoMachine):
		return exitUnplaceable
	}
	return exitDone
}
