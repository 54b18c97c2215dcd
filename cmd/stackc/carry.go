package main

import (
	"context"
	"fmt"
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

// carriage is a plan that is to be carried out: what it came from, how that is to be
// done, and whom it is done with. It is made once, and no step of it changes it.
type carriage struct {
	conn    *fleet.Conn
	session *session
	form    *format
	how     *carrying
	surveyed
}

// carry shows a plan, carries it out, and tells how it ended.
func (p *program) carry(ctx context.Context, c carriage) error {
	if !c.form.isJSON() && !uneventful(c.plan) {
		if err := p.printf("%s", view.Plan(c.plan, p.textWidth())); err != nil {
			return err
		}
	}
	if n := len(c.plan.Unplaceable()); n > 0 {
		return p.ended(c, nil, &failure{
			code: exitUnplaceable, kind: kindUnplaceable,
			err: fmt.Errorf("no machine can run %d of the units, and nothing is sent", n),
		})
	}
	asked, err := p.confirm(ctx, c)
	if err != nil {
		return err
	}
	if err := c.session.open(ctx, c.surveyed); err != nil {
		return err
	}
	show := p.newProgress(c.plan, c.form)
	end := context.AfterFunc(ctx, func() { show.note("interrupted: finishing the requests under way; once more leaves at once") })
	defer end()
	outcome, err := fleet.Apply(ctx, c.conn, c.plan, fleet.ApplyOptions{
		// While a person reads the plan the cluster may move.
		Verify: asked || c.verify || c.saved != "", NoWait: c.how.noWait, Timeout: c.how.timeout.value,
		Guard: c.session.guard, Reserve: c.session.reserve,
		PauseAfter: c.how.pauseAfter, Confirm: p.confirmFirst(c, show),
	}, show.tell)
	show.close()
	c.session.close(ctx, c.surveyed, c.how.noWait, outcome, err)
	if !c.form.isJSON() {
		if e := p.showOutcome(c, outcome, err); e != nil {
			return e
		}
	}
	return p.ended(c, &outcome, stopped(err, outcome, c.saved))
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

// ended gives the exit code of a run, after its JSON where that was asked for. The
// outcome is nil if nothing was sent, and f, unless nil, why the run did not come to
// its end.
func (p *program) ended(c carriage, outcome *fleet.Outcome, f *failure) error {
	if f == nil {
		f = &failure{code: codeOf(*outcome)}
	}
	if c.form.isJSON() {
		data := carriedOut{
			Plan: c.plan, Outcome: outcome, Requests: c.conn.Counts(), Revision: c.session.revision(),
			Findings: diag.Findings(c.findings), Error: f.report(),
		}
		if outcome != nil && outcome.Paused != nil && c.saved == "" {
			data.GoOn = c.how.goOn(*outcome)
		}
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
