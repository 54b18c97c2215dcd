package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

func (p *program) status() *cli.Command {
	in, form := newInput(), newFormat()
	return &cli.Command{
		Name:      "status",
		Usage:     "say how the units of a stack stand",
		ArgsUsage: "FILE|STACK",
		Description: `Shows for each unit and machine the state that is wanted, what fleet was asked for
and believes, what systemd says, and whether the content is what the file says.
States that machines have left behind which are gone are not believed. An argument
that ends in .toml, or "-", is a stack file; anything else is the name of a stack,
and then there is nothing to compare contents with.

examples:
  stackc status k8s.toml
  stackc status k8s --output json

exit codes: 0 every unit is as wanted; 3 some are not; 1 error; 6 unreachable`,
		Flags: append(in.flags(), form.flag()),
		Action: func(ctx *cli.Context) error {
			about, err := p.stackArgument(ctx, in, form)
			if err != nil {
				return err
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				return p.showStatus(ctx.Context, conn, form, about)
			})
		},
	}
}

// subject is the stack that a command is about.
type subject struct {
	stack    string
	set      *units.Set // nil when only the name was given
	findings diag.List
}

// stackArgument takes a FILE or the name of a STACK.
func (p *program) stackArgument(ctx *cli.Context, in *input, form *format) (subject, error) {
	arg, err := oneFile(ctx, "FILE or STACK")
	if err != nil {
		return subject{}, err
	}
	if arg != "-" && !strings.HasSuffix(arg, ".toml") {
		return subject{stack: arg}, nil
	}
	set, findings, err := in.load(p.console, arg, form)
	if err != nil {
		return subject{}, err
	}
	return subject{stack: set.Stack, set: set, findings: findings}, nil
}

// statusReport is the JSON form of a status.
type statusReport struct {
	Stack    string          `json:"stack"`
	Right    bool            `json:"right"`
	Units    []view.Standing `json:"units"`
	Findings []diag.Finding  `json:"findings"`
}

func (p *program) showStatus(ctx context.Context, conn *fleet.Conn, form *format, about subject) error {
	snapshot, err := fleet.TakeAll(ctx, conn, nil)
	if err != nil {
		return err
	}
	if about.set == nil && len(snapshot.Owned(about.stack)) == 0 {
		return misuse("", "no unit in the cluster belongs to stack %q%s", about.stack, cmp.Or(didYouMean(about.stack, snapshot.Owners(), ""), otherStacks(snapshot)))
	}
	list := standings(snapshot, about.stack, about.set)
	right := !slices.ContainsFunc(list, func(s view.Standing) bool { return !s.Right })
	if form.isJSON() {
		err = p.json(statusReport{Stack: about.stack, Right: right, Units: list, Findings: diag.Findings(about.findings)})
	} else {
		err = p.printf("%s", view.Status(snapshot.Machines, list, p.textWidth()))
	}
	if err == nil && !right {
		err = exitWith(exitFailed)
	}
	return err
}

// standings compares each unit with what is wanted: what the set says or, without
// one, what the cluster itself was asked for.
func standings(s *fleet.Snapshot, stack string, set *units.Set) []view.Standing {
	wanted := set
	if wanted == nil {
		wanted = liveSet(s, stack)
	}
	changes, _ := fleet.Diff(s, wanted, fleet.DiffOptions{Adopt: true})
	plan := fleet.NewPlan(s, wanted, changes, fleet.Place(s, wanted, changes))
	var list []view.Standing
	for _, u := range plan.Units {
		list = append(list, standing(s, u, set != nil)...)
	}
	slices.SortStableFunc(list, func(a, b view.Standing) int { return cmp.Compare(a.Unit, b.Unit) })
	return list
}

// liveSet is what the cluster holds of a stack, as if a file said just that.
func liveSet(s *fleet.Snapshot, stack string) *units.Set {
	var list []units.Unit
	for _, u := range s.Owned(stack) {
		list = append(list, units.Unit{Name: u.Name, Options: u.Options, Desired: u.Desired})
	}
	return units.NewSet(stack, list)
}

// standing gives a line for each machine that reports the unit, or one line when
// none does.
func standing(s *fleet.Snapshot, u fleet.UnitPlan, compared bool) []view.Standing {
	live, exists := s.Unit(u.Unit)
	one := view.Standing{
		Unit: u.Unit, Desired: live.Desired, Current: live.Current, Hash: live.Hash,
		Global: u.Placement.Global, Machine: live.Machine, Right: u.Settled,
	}
	if one.Global {
		one.Current = "" // fleet's list says "inactive", wherever it runs
	}
	if compared {
		one.Wanted, one.Content = u.To, contentWord(u, exists)
	}
	rows := s.StatesOf(u.Unit)
	if len(rows) == 0 {
		return []view.Standing{one}
	}
	var list []view.Standing
	for _, row := range rows {
		one.Systemd, one.Machine = row.String(), row.Machine
		list = append(list, one)
	}
	return list
}

func contentWord(u fleet.UnitPlan, exists bool) string {
	switch {
	case u.Action == fleet.Orphan:
		return "orphan"
	case !exists:
		return "missing"
	case u.OldHash != u.NewHash:
		return "differs"
	}
	return "same"
}
