package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/fleet"
)

func (p *program) rollback() *cli.Command {
	g, o := newChange(), newCarrying()
	return &cli.Command{
		Name:      "rollback",
		Usage:     "bring the cluster back to an earlier revision of a stack",
		ArgsUsage: "FILE|STACK [N]",
		Description: `Makes a plan that brings the cluster to the units of revision N and carries it out
as submit does, with the same question, lock and exit codes; it makes a new
revision. Without N it is the newest revision that ended well and has other units
than the newest of all. Of a FILE only the stack's name matters.

examples:
  stackc rollback k8s
  stackc rollback k8s.toml 3 --prune --yes

exit codes: as of submit; 1 as well when there is no such revision`,
		Flags: append(append(g.flags(), o.flags()...), o.keepFlag()),
		Action: func(ctx *cli.Context) error {
			about, number, err := p.stackAndNumber(ctx, g.in, g.form, ctx.Args().Slice(), false)
			if err != nil {
				return err
			}
			if p.cluster.noState {
				return misuse("", "--no-state leaves no history to go back in")
			}
			return p.withStack(ctx, about.stack, "rollback", o, func(conn *fleet.Conn, session *session) error {
				return p.rollBack(ctx, conn, g, o, session, about.stack, number)
			})
		},
	}
}

func (p *program) rollBack(ctx *cli.Context, conn *fleet.Conn, g *change, o *carrying, session *session, stack string, number int) error {
	if session.store == nil {
		return &failure{code: exitUnreachable, err: fmt.Errorf("there is no history of stack %q to go back in", stack), help: etcdHelp}
	}
	list, err := session.store.Revisions(ctx.Context, stack)
	if err != nil {
		return err
	}
	r, err := pick(stack, list, number)
	if err != nil {
		return err
	}
	set, err := setOf(ctx.Context, session.store, r)
	if err != nil {
		return err
	}
	s, err := surveyLocked(ctx.Context, conn, session, set, g.options())
	if err != nil {
		return err
	}
	s.source, s.doing = r.Source, fmt.Sprintf("rollback to %d", r.Number)
	if !g.form.isJSON() {
		p.remark("back to revision %d of %s, %s by %s", r.Number, stack, r.Began.Format("2006-01-02 15:04:05 UTC"), r.Who)
	}
	return p.carry(ctx.Context, carriage{conn, session, g.form, o, s})
}
