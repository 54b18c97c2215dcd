package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
)

func (p *program) why() *cli.Command {
	in, form := newInput(), newFormat()
	return &cli.Command{
		Name:      "why",
		Usage:     "say why a unit is as it is, and what to do about it",
		ArgsUsage: "[FILE] UNIT...",
		Description: `Tells of a unit how it is and why: what fleet was asked for and believes, what systemd
says, which machines could have it by fleet's own rules and why the others cannot, the
units that it needs or waits for, and the commands that tell more. With its FILE the
waiter is named that it sits in. UNIT is as for stackc restart.

examples:
  stackc why kube-proxy
  stackc why k8s.toml kube-kubelet.service --output json

exit codes: 0 the unit is as wanted; 3 it is not; 1 error; 6 unreachable`,
		Flags: append(in.flags(), form.flag()),
		Action: func(ctx *cli.Context) error {
			about, words, err := p.unitArguments(ctx, in, form)
			if err != nil {
				return err
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				return p.showWhy(ctx.Context, conn, form, about, words, p.sameStack(ctx))
			})
		},
	}
}

// whyReport is the JSON form of what why tells.
type whyReport struct {
	Units    []fleet.Diagnosis `json:"units"`
	Findings []diag.Finding    `json:"findings"`
}

func (p *program) showWhy(ctx context.Context, conn *fleet.Conn, form *format, about subject, words []string, file string) error {
	snapshot, err := fleet.TakeAll(ctx, conn, nil)
	if err != nil {
		return err
	}
	snapshot = p.owned(ctx, conn, snapshot, about.stack)
	names, err := about.find(snapshot, words)
	if err != nil {
		return err
	}
	report := whyReport{Findings: diag.Findings(about.findings)}
	for _, name := range names {
		d := fleet.Why(snapshot, name, about.set)
		if about.set != nil {
			d.Next = filled(d.Next, file)
		}
		report.Units = append(report.Units, d)
	}
	if err := p.writeWhy(form, snapshot.Machines, report); err != nil {
		return err
	}
	if slices.ContainsFunc(report.Units, func(d fleet.Diagnosis) bool { return !d.Good }) {
		return exitWith(exitFailed)
	}
	return nil
}

// filled puts what a command was given for FILE into commands that need it.
func filled(commands []string, file string) []string {
	var out []string
	for _, c := range commands {
		if without, ok := strings.CutSuffix(c, " "+fleet.FileWord); ok {
			c = without + " " + file
		}
		out = append(out, c)
	}
	return out
}

func (p *program) writeWhy(form *format, machines []fleet.Machine, report whyReport) error {
	if form.isJSON() {
		return p.json(report)
	}
	for i, d := range report.Units {
		gap := ""
		if i > 0 {
			gap = "\n"
		}
		if err := p.printf("%s%s", gap, view.Why(machines, d, p.textWidth())); err != nil {
			return err
		}
	}
	return nil
}
