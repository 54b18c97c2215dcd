package main

import (
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
)

func (p *program) diff() *cli.Command {
	g := newChange()
	return &cli.Command{
		Name:      "diff",
		Usage:     "show how a stack file and the cluster differ, option by option",
		ArgsUsage: "FILE",
		Description: `Shows each unit that differs, each directive of it with the values that the
cluster has (-) and that the file wants (+), and what the change does to the unit.
Long command lines are cut to the words that differ. Nothing is written.

examples:
  stackc diff k8s.toml
  stackc diff k8s.toml --set master=10.0.0.1 --output json

exit codes: 0 no difference; 2 there are differences; 1 error; 6 unreachable`,
		Flags: g.flags(),
		Action: func(ctx *cli.Context) error {
			return p.compare(ctx, g, func(_ *fleet.Conn, s surveyed) error {
				if err := p.showDiff(g, s); err != nil {
					return err
				}
				return exitWith(codeOfPlan(s.plan))
			})
		},
	}
}

// differences is the JSON form of a diff: the units of the plan that differ.
type differences struct {
	Stack    string           `json:"stack"`
	Units    []fleet.UnitPlan `json:"units"`
	Findings []diag.Finding   `json:"findings"`
}

func (p *program) showDiff(g *change, s surveyed) error {
	if !g.form.isJSON() {
		return p.printf("%s", view.Diff(s.plan, p.textWidth()))
	}
	d := differences{Stack: s.plan.Stack, Units: []fleet.UnitPlan{}, Findings: diag.Findings(s.findings)}
	for _, u := range s.plan.Units {
		if u.Action != fleet.None {
			if u.Action != fleet.Create {
				u.Content = nil // the options that differ tell enough
			}
			d.Units = append(d.Units, u)
		}
	}
	return p.json(d)
}
