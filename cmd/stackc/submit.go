package main

import (
	"cmp"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/fleet"
)

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

// submitFile compares a stack file with the cluster, under its lock, and carries out
// what that comes to.
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
		return p.carry(ctx.Context, carriage{conn, session, g.form, o, s})
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
		return p.carry(ctx.Context, carriage{conn, session, g.form, o, savedPlan(path, saved)})
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
