package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
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
	keep        int
	pauseAfter  int
	// goOn writes the command that goes on from where a run was paused, nil for a run
	// that asks nobody on its way.
	goOn func(fleet.Outcome) string
}

func newCarrying() *carrying { return &carrying{timeout: duration{10 * time.Minute}, keep: 20} }

func (o *carrying) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Destination: &o.yes, DisableDefaultText: true, Usage: "do not ask before something is stopped or removed"},
		&cli.GenericFlag{Name: "timeout", Value: &o.timeout, Usage: "wait at most `TIME` for the units"},
		&cli.BoolFlag{Name: "no-wait", Destination: &o.noWait, DisableDefaultText: true, Usage: "return once the units are sent"},
	}
}

func (o *carrying) keepFlag() cli.Flag {
	return &cli.IntFlag{Name: "keep", Destination: &o.keep, Value: o.keep, Usage: "keep the newest `N` revisions of the history"}
}

func (o *carrying) pauseFlag() cli.Flag {
	return &cli.IntFlag{Name: "pause-after", Destination: &o.pauseAfter, DefaultText: "never", Usage: "stop after step `N` of the plan; the next submit goes on"}
}

func (p *program) submit() *cli.Command {
	g, o := newChange(), newCarrying()
	return &cli.Command{
		Name:      "submit",
		Usage:     "bring the cluster to what a stack file says, and wait until it is there",
		ArgsUsage: "FILE|PLAN",
		Description: `Shows the plan, carries it out, and waits until every unit is up: patiently while
a unit waits for another, and no longer once one has failed. On a terminal it asks
before it stops or removes anything that runs. Units that the file does not have
any more are only named, unless --prune is given. Interrupted at any point, the
next submit goes on from there.

Units whose update says so change bit by bit. After the first of them it asks, if
update.first is said; where nobody can be asked and --yes is not given it ends there,
and the next submit goes on.

An argument that ends in .json is a plan that plan -o has written: exactly that is
carried out, or nothing if the cluster has moved since.

While it works it holds the stack's lock in etcd, and it records there what it
submits; stackc history and stackc rollback know it.

examples:
  stackc submit k8s.toml
  stackc submit k8s.toml --prune --yes --timeout 20m
  stackc submit k8s.toml --pause-after 1
  stackc submit k8s-plan.json

exit codes: 0 done, or nothing to do; 1 error; 2 paused, more is to be done; 3 a unit
failed or timed out; 4 a unit cannot be placed, nothing is sent; 5 the plan is stale,
or somebody else changes the stack; 6 unreachable; 130 interrupted`,
		Flags: append(append(g.flags(), o.flags()...), o.keepFlag(), o.pauseFlag()),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE or PLAN")
			if err != nil {
				return err
			}
			if o.pauseAfter < 0 {
				return misuse("the plan numbers its steps from 1", "--pause-after %d is no step", o.pauseAfter)
			}
			goOn := p.goOnCommand(ctx)
			o.goOn = func(fleet.Outcome) string { return goOn }
			if isPlanFile(path) {
				return p.submitPlan(ctx, g, o, path)
			}
			return p.submitFile(ctx, g, o, path)
		},
	}
}

func (p *program) submitFile(ctx *cli.Context, g *change, o *carrying, path string) error {
	set, findings, err := g.in.load(p.console, path, g.form)
	if err != nil {
		return err
	}
	return p.withStack(ctx, set.Stack, "submit", o, func(conn *fleet.Conn, session *session) error {
		s, err := surveyLocked(ctx.Context, conn, session, set, g.options())
		if err != nil {
			return err
		}
		p.tellOfRegistry(ctx.Context, conn, session.store, s.snapshot)
		s.findings, s.source, s.doing = findings, g.in.origin(path), "submit"
		return p.carry(ctx.Context, conn, g.form, o, session, s)
	})
}

// submitPlan carries out a plan that was saved. It says what has moved before it
// asks anybody anything.
func (p *program) submitPlan(ctx *cli.Context, g *change, o *carrying, path string) error {
	if err := undecided(ctx); err != nil {
		return err
	}
	saved, err := readPlan(path)
	if err != nil {
		return err
	}
	p.cluster.endpoint = cmp.Or(p.cluster.endpoint, saved.Endpoint)
	return p.withStack(ctx, saved.Plan.Stack, "submit", o, func(conn *fleet.Conn, session *session) error {
		if err := session.want(ctx.Context, saved.Plan.Set().Names()); err != nil {
			return err
		}
		if err := errors.Join(fleet.Verify(ctx.Context, conn, saved.Plan), session.taken(saved.Plan)); err != nil {
			return err
		}
		return p.carry(ctx.Context, conn, g.form, o, session, savedPlan(path, saved))
	})
}

// withStack connects, takes the lock of a stack for as long as do takes, and gives
// it back.
func (p *program) withStack(ctx *cli.Context, stack, doing string, o *carrying, do func(*fleet.Conn, *session) error) error {
	if o.keep < 1 {
		return misuse("", "--keep %d leaves no history; 1 is the least", o.keep)
	}
	return p.withCluster(ctx, func(conn *fleet.Conn) error {
		session, err := p.begin(ctx.Context, conn, stack, doing, o.keep)
		if err != nil {
			return err
		}
		defer session.end(ctx.Context)
		return do(conn, session)
	})
}

// carriedOut is the JSON form of a run.
type carriedOut struct {
	Plan     *fleet.Plan    `json:"plan"`
	Outcome  *fleet.Outcome `json:"outcome,omitempty"`
	Requests fleet.Counts   `json:"requests"`
	// Revision is the number under which the history has it, 0 for none.
	Revision int            `json:"revision,omitempty"`
	Findings []diag.Finding `json:"findings"`
	// GoOn is the command that goes on from where the run was paused.
	GoOn string `json:"go_on,omitempty"`
	// Error tells why the run did not come to its end.
	Error *errorReport `json:"error,omitempty"`
}

// carry shows the plan of s, carries it out, and tells how it ended.
func (p *program) carry(ctx context.Context, conn *fleet.Conn, form *format, o *carrying, session *session, s surveyed) error {
	if !form.isJSON() && !uneventful(s.plan) {
		if err := p.printf("%s", view.Plan(s.plan, p.textWidth())); err != nil {
			return err
		}
	}
	if n := len(s.plan.Unplaceable()); n > 0 {
		return p.ended(conn, form, o, session, s, nil, &failure{
			code: exitUnplaceable, kind: kindUnplaceable,
			err: fmt.Errorf("no machine can run %d of the units, and nothing is sent", n),
		})
	}
	asked, err := p.confirm(ctx, o, s.plan)
	if err != nil {
		return err
	}
	if err := session.open(ctx, s); err != nil {
		return err
	}
	show := p.newProgress(s.plan, form)
	end := context.AfterFunc(ctx, func() { show.note("interrupted: finishing the requests under way; once more leaves at once") })
	defer end()
	outcome, err := fleet.Apply(ctx, conn, s.plan, fleet.ApplyOptions{
		Verify: asked || s.verify || s.saved != "", NoWait: o.noWait, Timeout: o.timeout.value, Guard: session.guard, Reserve: session.reserve,
		PauseAfter: o.pauseAfter, Confirm: p.confirmFirst(o, s.plan, show),
	}, show.tell)
	show.close()
	session.close(ctx, s, o.noWait, outcome, err)
	if !form.isJSON() {
		if e := p.showOutcome(o, s, outcome, err); e != nil {
			return e
		}
	}
	return p.ended(conn, form, o, session, s, &outcome, stopped(err, outcome, s.saved))
}

// confirmFirst asks a person who has seen the first changed units of a rollout. Where
// nobody can answer, the run ends there.
func (p *program) confirmFirst(o *carrying, plan *fleet.Plan, show progress) func(context.Context, []string) (bool, error) {
	if o.goOn == nil || o.yes {
		return nil
	}
	return func(ctx context.Context, groups []string) (bool, error) {
		if !p.interactive() {
			return false, nil
		}
		show.close()
		defer show.again()
		if err := p.printf("\n%s", view.FirstUnits(plan, groups)); err != nil {
			return false, err
		}
		err := p.ask(ctx, "")
		if ctx.Err() != nil {
			return false, err
		}
		return err == nil, nil
	}
}

// ended gives the exit code of a run, after its JSON where that was asked for. The
// failure is why it did not come to its end, or nil.
func (p *program) ended(conn *fleet.Conn, form *format, o *carrying, session *session, s surveyed, outcome *fleet.Outcome, f *failure) error {
	if f == nil {
		f = &failure{code: codeOf(*outcome)}
	}
	if form.isJSON() {
		goOn := ""
		if outcome != nil && outcome.Paused != nil && s.saved == "" {
			goOn = o.goOn(*outcome)
		}
		data := carriedOut{GoOn: goOn, Plan: s.plan, Outcome: outcome, Requests: conn.Counts(), Revision: session.revision(), Findings: diag.Findings(s.findings), Error: f.report()}
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

// confirm asks a person before something that runs is stopped, and tells whether it
// has asked. Where nobody can answer it does not: there the caller has decided.
func (p *program) confirm(ctx context.Context, o *carrying, plan *fleet.Plan) (asked bool, err error) {
	if o.yes || !p.interactive() || !disturbs(plan) {
		return false, nil
	}
	return true, p.ask(ctx, "nothing is sent")
}

// interactive reports whether somebody is there to be asked.
func (c *console) interactive() bool { return c.inTerminal && c.outTerminal }

// ask wants a yes; anything else is an error, and so is the end of ctx.
func (c *console) ask(ctx context.Context, otherwise string) error {
	if err := c.printf("\ngo on? [y/N] "); err != nil {
		return err
	}
	type line struct {
		text string
		err  error
	}
	answered := make(chan line, 1)
	go func() { // a read cannot be ended; the program does not outlast it
		text, err := bufio.NewReader(c.in).ReadString('\n')
		answered <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		c.printf("\n") // what follows does not stand behind the question
		return context.Cause(ctx)
	case l := <-answered:
		if l.err != nil && l.text == "" {
			c.printf("\n")
			return misuse("", "no answer; %s", otherwise)
		}
		if a := strings.ToLower(strings.TrimSpace(l.text)); a != "y" && a != "yes" {
			return misuse("", "not confirmed; %s", otherwise)
		}
		return nil
	}
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
func (p *program) showOutcome(o *carrying, s surveyed, outcome fleet.Outcome, err error) error {
	plan := s.plan
	if plan.Count(fleet.Adopt) > 0 && settled(plan) && err == nil && len(outcome.Bad()) == 0 {
		return p.printf("\nnothing is sent: what is taken over is as the stack says\n")
	}
	if settled(plan) && err == nil && len(outcome.Bad()) == 0 {
		return p.printf("nothing to do: %s\n", view.AsWanted(plan))
	}
	if o.noWait && err == nil && outcome.Paused == nil && len(outcome.Bad()) == 0 {
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
	if err := p.printf("\n%s%s\n%s", view.Tally(outcome), tail, view.PartWay(plan, outcome, p.textWidth())); err != nil || outcome.Paused == nil {
		return err
	}
	then := "to go on: " + o.goOn(outcome)
	if s.saved != "" {
		then = "the plan is used up: plan again, and it goes on from there"
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
// Of a saved plan nothing can be done twice: the cluster is no longer as it was.
func stopped(err error, outcome fleet.Outcome, saved string) *failure {
	if err == nil {
		return nil
	}
	f := *judge(err)
	if n := len(outcome.Done); n > 0 || f.code == exitInterrupted {
		then := "the same command goes on from there"
		switch {
		case saved != "" && n > 0:
			then = "the plan is used up: plan again, and it goes on from there"
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
