package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/fleet"
)

func (p *program) destroy() *cli.Command {
	in, form, o := newInput(), newFormat(), newCarrying()
	return &cli.Command{
		Name:      "destroy",
		Usage:     "remove all units of a stack from the cluster",
		ArgsUsage: "FILE|STACK",
		Description: `Removes every unit of the stack, in the reverse of the order in which they start,
and no other unit. The stack's are those that carry its mark, and those that it has
taken over. An argument that ends in .toml, or "-", is a
stack file, of which only the name of the stack matters; anything else is the name
itself. On a terminal it asks first.

examples:
  stackc destroy k8s.toml
  stackc destroy k8s --yes

exit codes: 0 done, or nothing to do; 1 error; 3 a unit does not go;
5 somebody else changes the stack; 6 unreachable; 130 interrupted`,
		Flags: append(append(append(in.flags(), form.flag()), o.flags()...), o.keepFlag()),
		Action: func(ctx *cli.Context) error {
			about, err := p.stackArgument(ctx, in, form)
			if err != nil {
				return err
			}
			return p.withStack(ctx, about.stack, "destroy", o, func(conn *fleet.Conn, session *session) error {
				snapshot, err := fleet.TakeAll(ctx.Context, conn, nil)
				if err != nil {
					return err
				}
				snapshot = snapshot.WithClaims(claimList(session.claims))
				plan := fleet.PlanDestroy(snapshot, about.stack)
				if len(plan.Units) == 0 && !form.isJSON() {
					return p.printf("nothing to do: no unit in the cluster belongs to stack %s%s\n", about.stack, otherStacks(snapshot))
				}
				return p.carry(ctx.Context, carriage{conn, session, form, o, surveyed{snapshot: snapshot, plan: plan, findings: about.findings, doing: "destroy"}})
			})
		},
	}
}

// otherStacks tells which stacks the cluster has, for a name that was mistyped.
func otherStacks(s *fleet.Snapshot) string {
	names := s.Owners()
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("; there is %s", orList(names))
}
