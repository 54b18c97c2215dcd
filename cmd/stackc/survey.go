package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/units"
)

// change is what the commands share that compare a stack file with the cluster.
type change struct {
	in           *input
	form         *format
	prune, adopt bool
}

func newChange() *change { return &change{in: newInput(), form: newFormat()} }

func (g *change) flags() []cli.Flag {
	return append(g.in.flags(), g.form.flag(),
		&cli.BoolFlag{Name: "prune", Destination: &g.prune, DisableDefaultText: true, Usage: "remove units of the stack that the file does not have any more"},
		&cli.BoolFlag{Name: "adopt", Destination: &g.adopt, DisableDefaultText: true, Usage: "take over units of the same names that belong to others"},
	)
}

// surveyed is a stack file compared with the cluster.
type surveyed struct {
	set      *units.Set
	findings diag.List
	snapshot *fleet.Snapshot
	plan     *fleet.Plan
	// source says of what text the units were made, doing by which command.
	source state.Source
	doing  string
	// verify says that the cluster is to be read once more before the first write.
	verify bool
	// saved is the file of a plan that was made before, or "".
	saved string
}

// withCluster connects, calls do, and tells of the requests afterwards if asked.
func (p *program) withCluster(ctx *cli.Context, do func(*fleet.Conn) error) error {
	conn, err := p.cluster.dial(p.console, ctx)
	defer p.cluster.close()
	if err != nil {
		return err
	}
	defer conn.Close()
	err = do(conn)
	p.cluster.account(p.console, conn)
	return err
}

// compare compiles the FILE of a command, and plans what would bring the cluster
// to it. Nothing is written. A file with errors ends it before the first request.
func (p *program) compare(ctx *cli.Context, g *change, do func(*fleet.Conn, surveyed) error) error {
	path, err := oneFile(ctx, "FILE")
	if err != nil {
		return err
	}
	set, findings, err := g.in.load(p.console, path, g.form)
	if err != nil {
		return err
	}
	return p.withCluster(ctx, func(conn *fleet.Conn) error {
		return p.compareSet(ctx.Context, conn, g, set, func(s surveyed) error {
			s.findings, s.source = findings, g.in.origin(path)
			return do(conn, s)
		})
	})
}

// compareSet plans what would bring the cluster to a set.
func (p *program) compareSet(ctx context.Context, conn *fleet.Conn, g *change, set *units.Set, do func(surveyed) error) error {
	snapshot, err := fleet.TakeAll(ctx, conn, set.Names())
	if err != nil {
		return err
	}
	s, err := surveyOn(p.owned(ctx, conn, snapshot, set.Stack), set, g.options())
	if err != nil {
		return err
	}
	return do(s)
}

func (g *change) options() fleet.DiffOptions {
	return fleet.DiffOptions{Prune: g.prune, Adopt: g.adopt}
}

// survey reads the whole cluster, since orphans and the load of the machines
// cannot be told from less, and makes the plan for set. What is recorded of owners
// is not looked at.
func survey(ctx context.Context, client fleet.Client, set *units.Set, options fleet.DiffOptions) (surveyed, error) {
	snapshot, err := fleet.TakeAll(ctx, client, set.Names())
	if err != nil {
		return surveyed{}, err
	}
	return surveyOn(snapshot, set, options)
}

// surveyOn makes the plan for set on a snapshot of the whole cluster.
func surveyOn(snapshot *fleet.Snapshot, set *units.Set, options fleet.DiffOptions) (surveyed, error) {
	changes, refusals := fleet.Diff(snapshot, set, options)
	if len(refusals) > 0 {
		return surveyed{}, refused(refusals)
	}
	plan := fleet.NewPlan(snapshot, set, changes, fleet.Place(snapshot, set, changes))
	return surveyed{set: set, snapshot: snapshot, plan: plan}, nil
}

// surveyLocked reads the cluster while the stack is locked, and makes the plan.
func surveyLocked(ctx context.Context, conn *fleet.Conn, session *session, set *units.Set, options fleet.DiffOptions) (surveyed, error) {
	if err := session.want(ctx, set.Names()); err != nil {
		return surveyed{}, err
	}
	snapshot, err := fleet.TakeAll(ctx, conn, set.Names())
	if err != nil {
		return surveyed{}, err
	}
	return surveyOn(snapshot.WithClaims(claimList(session.claims)), set, options)
}

// refused makes one error of what must not be touched.
func refused(refusals []fleet.Refusal) error {
	errs := make([]error, len(refusals))
	for i, r := range refusals {
		errs[i] = r
	}
	return &failure{code: exitError, err: errors.Join(errs...), kind: kindRefused}
}

// codeOfPlan is how plan and diff end: 2 tells that there is something to do.
func codeOfPlan(plan *fleet.Plan) int {
	if plan.Empty() && plan.Count(fleet.Adopt) == 0 {
		return exitDone
	}
	return exitChanges
}
