package main

import (
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
)

func (p *program) plan() *cli.Command {
	g, file := newChange(), ""
	return &cli.Command{
		Name:      "plan",
		Usage:     "say what submit would do, and where fleet would run the units",
		ArgsUsage: "FILE",
		Description: `Compares FILE with the cluster and shows for each unit what would be done, what
comes of it, and the machine that fleet will choose by its own rules, and with which
command it is carried out. Nothing is written to the cluster. With -o the plan is
kept: submit carries out exactly that, and nothing once the cluster has moved.

examples:
  stackc plan k8s.toml
  stackc plan k8s.toml --prune --output json
  stackc plan k8s.toml -o k8s-plan.json

exit codes: 0 nothing to do; 2 there are changes; 1 error; 6 unreachable`,
		Flags: append(g.flags(), &cli.StringFlag{Name: "o", Destination: &file, Usage: "keep the plan in `FILE`, whose name ends in .json"}),
		Action: func(ctx *cli.Context) error {
			if file != "" && !isPlanFile(file) {
				return misuse("submit knows a plan by it", "-o %s: the name of a plan file ends in .json", file)
			}
			return p.compare(ctx, g, func(conn *fleet.Conn, s surveyed) error {
				if file != "" {
					if err := p.savePlan(file, conn, s); err != nil {
						return err
					}
				}
				if err := p.showPlan(g, s, p.submitCommand(ctx, file), file); err != nil {
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
	// Submit is the command that carries it out.
	Submit   string         `json:"submit"`
	Findings []diag.Finding `json:"findings"`
}

func (p *program) showPlan(g *change, s surveyed, command, file string) error {
	if g.form.isJSON() {
		return p.json(planned{s.plan, command, diag.Findings(s.findings)})
	}
	text := view.Plan(s.plan, p.textWidth())
	if file != "" || codeOfPlan(s.plan) == exitChanges && len(s.plan.Unplaceable()) == 0 {
		text += planHint(command, file)
	}
	return p.printf("%s", text)
}
