package main

import (
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
)

func (p *program) plan() *cli.Command {
	g := newChange()
	return &cli.Command{
		Name:      "plan",
		Usage:     "say what submit would do, and where fleet would run the units",
		ArgsUsage: "FILE",
		Description: `Compares FILE with the cluster and shows for each unit what would be done, what
comes of it, and the machine that fleet will choose by its own rules. Nothing is
written.

examples:
  stackc plan k8s.toml
  stackc plan k8s.toml --prune --output json

exit codes: 0 nothing to do; 2 there are changes; 1 error; 6 unreachable`,
		Flags: g.flags(),
		Action: func(ctx *cli.Context) error {
			return p.compare(ctx, g, func(_ *fleet.Conn, s surveyed) error {
				if err := p.showPlan(g, s); err != nil {
					return err
				}
				return exitWith(codeOfPlan(s.plan))
			})
		},
	}
}

// planned is the JSON form of a plan.
type planned struct {
	*fleet.Plan
	Findings []diag.Finding `json:"findings"`
}

func (p *program) showPlan(g *change, s surveyed) error {
	if g.form.isJSON() {
		return p.json(planned{s.plan, diag.Findings(s.findings)})
	}
	return p.printf("%s", view.Plan(s.plan, p.textWidth()))
}
