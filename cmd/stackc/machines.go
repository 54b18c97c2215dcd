package main

import (
	"cmp"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
)

func (p *program) machines() *cli.Command {
	form := newFormat()
	return &cli.Command{
		Name:      "machines",
		Usage:     "list the machines of the cluster",
		ArgsUsage: " ",
		Description: `Lists each machine that is alive with its ID, address and metadata.

example:
  stackc machines --endpoint http://10.0.0.1:49153

exit codes: 0 done; 6 the cluster cannot be reached`,
		Flags: []cli.Flag{form.flag()},
		Action: func(ctx *cli.Context) error {
			if err := noArguments(ctx); err != nil {
				return err
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				machines, err := conn.Machines(ctx.Context)
				if err != nil {
					return err
				}
				slices.SortFunc(machines, func(a, b fleet.Machine) int { return cmp.Compare(a.ID, b.ID) })
				if form.isJSON() {
					return p.json(append([]fleet.Machine{}, machines...))
				}
				return p.printf("%s", view.Machines(machines))
			})
		},
	}
}
