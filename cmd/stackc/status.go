package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// looking says what of a status is told, and how long.
type looking struct {
	drift, code, watch bool
}

func (l *looking) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "drift", Destination: &l.drift, DisableDefaultText: true, Usage: "tell only what is not as FILE says, and end with 2 then"},
		&cli.BoolFlag{Name: "exit-code", Destination: &l.code, DisableDefaultText: true, Usage: "tell only what is not right, and nothing when all is: for cron"},
		&cli.BoolFlag{Name: "watch", Destination: &l.watch, DisableDefaultText: true, Usage: "go on looking, and tell what changes, until Ctrl-C"},
	}
}

func (p *program) status() *cli.Command {
	in, form, l := newInput(), newFormat(), &looking{}
	return &cli.Command{
		Name:      "status",
		Usage:     "say how the units of a stack stand",
		ArgsUsage: "FILE|STACK",
		Description: `Shows for each unit and machine how it is, the state that is wanted, what fleet was
asked for and believes, what systemd says, and whether the content is what the file
says. States that machines have left behind which are gone are not believed. An
argument that ends in .toml, or "-", is a stack file; anything else is the name of a
stack, and then there is nothing to compare with. stackc why tells more of a unit.

examples:
  stackc status k8s.toml
  stackc status k8s --output json
  stackc status k8s.toml --watch
  stackc status k8s.toml --exit-code

exit codes: 0 every unit is as wanted; 3 some are not; 2 with --drift or --exit-code:
units differ from FILE, and nothing worse; 1 error; 6 unreachable`,
		Flags: append(append(in.flags(), form.flag()), l.flags()...),
		Action: func(ctx *cli.Context) error {
			about, err := p.stackArgument(ctx, in, form)
			if err != nil {
				return err
			}
			if l.drift && about.set == nil {
				return misuse("give the FILE instead of the stack's name", "--drift compares the cluster with a stack file, and none is given")
			}
			return p.withCluster(ctx, func(conn *fleet.Conn) error {
				if l.watch {
					return p.watchStatus(ctx.Context, conn, form, l, about)
				}
				return p.showStatus(ctx.Context, conn, form, l, about)
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
	return p.subject(arg, in, form)
}

// subject takes a FILE, which ends in .toml or is "-", or else the name of a stack.
func (p *program) subject(arg string, in *input, form *format) (subject, error) {
	if !isFile(arg) {
		return subject{stack: arg}, in.ofNoFile(arg)
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

func (p *program) showStatus(ctx context.Context, conn *fleet.Conn, form *format, l *looking, about subject) error {
	snapshot, all, err := p.look(ctx, conn, l, about)
	if err != nil {
		return err
	}
	shown := l.choose(all)
	if form.isJSON() {
		err = p.json(newStatusReport(about, all, shown))
	} else if len(shown) > 0 || !l.quiet() {
		err = p.printf("%s", view.Status(snapshot.Machines, shown, p.textWidth()))
	}
	if err != nil {
		return err
	}
	return exitWith(l.exitOf(all))
}

// Rows of states vanish for some seconds now and then, when a machine comes back for
// example; who is called by a machine must not take that for a failure.
const (
	secondLooks = 5
	lookAgain   = 2 * time.Second
)

// look takes the cluster and compares. With --exit-code it looks again while units
// seem to be down.
func (p *program) look(ctx context.Context, conn *fleet.Conn, l *looking, about subject) (*fleet.Snapshot, []view.Standing, error) {
	for look := 0; ; look++ {
		snapshot, err := fleet.TakeAll(ctx, conn, nil)
		if err != nil {
			return nil, nil, err
		}
		lockOf := about.stack
		if look > 0 || l.quiet() {
			lockOf = "" // it is told already, or only what is not right is to be told
		}
		snapshot = p.owned(ctx, conn, snapshot, lockOf)
		if err := about.known(snapshot); err != nil {
			return nil, nil, err
		}
		all := standings(snapshot, about.stack, about.set)
		if !l.code || look == secondLooks || l.exitOf(all) != exitFailed {
			return snapshot, all, nil
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// known says no to a stack that the cluster does not have.
func (about subject) known(s *fleet.Snapshot) error {
	if about.set != nil || len(s.Owned(about.stack)) > 0 {
		return nil
	}
	return misuse(aboutFiles(about.stack), "no unit in the cluster belongs to stack %q%s", about.stack, cmp.Or(didYouMean(about.stack, s.Owners(), ""), otherStacks(s)))
}

// aboutFiles is the help for a word that was taken for the name of a stack, and may be
// meant for a file.
func aboutFiles(word string) string {
	for _, path := range []string{word, word + ".toml"} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return fmt.Sprintf("a FILE is known by its name, which ends in .toml: %s is there", path)
		}
	}
	return ""
}

func newStatusReport(about subject, all, shown []view.Standing) statusReport {
	return statusReport{Stack: about.stack, Right: allRight(all), Units: append([]view.Standing{}, shown...), Findings: diag.Findings(about.findings)}
}

func allRight(list []view.Standing) bool {
	return !slices.ContainsFunc(list, func(s view.Standing) bool { return !s.Right })
}

// quiet reports whether nothing is to be told when nothing is wrong.
func (l *looking) quiet() bool { return l.drift || l.code }

// choose leaves out what need not be told.
func (l *looking) choose(list []view.Standing) []view.Standing {
	if !l.quiet() {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(s view.Standing) bool {
		return !s.Drift && (l.drift || s.Right)
	})
}

// exitOf is how a status ends. What differs from FILE and what does not run are two
// things, of which the second is worse.
func (l *looking) exitOf(list []view.Standing) int {
	drift := slices.ContainsFunc(list, func(s view.Standing) bool { return s.Drift })
	down := slices.ContainsFunc(list, func(s view.Standing) bool { return !s.Right && !s.Drift })
	switch {
	case l.drift && drift, l.code && drift && !down:
		return exitChanges
	case l.drift || allRight(list):
		return exitDone
	}
	return exitFailed
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
	slices.SortStableFunc(list, func(a, b view.Standing) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Machine, b.Machine))
	})
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
		one.Drift = one.Content != "same" || one.Wanted != one.Desired
	}
	rows := s.StatesOf(u.Unit)
	var list []view.Standing
	for _, row := range rows {
		one.Systemd, one.Machine, one.State = row.String(), row.Machine, s.Condition(u.Unit, row)
		list = append(list, one)
	}
	for _, machine := range silent(u, live, rows) {
		one.Systemd, one.Machine, one.State = "", machine, s.Condition(u.Unit, fleet.UnitState{})
		list = append(list, one)
	}
	return list
}

// silent lists the machines that should report the unit and do not, "" for none in
// particular when nobody reports it.
func silent(u fleet.UnitPlan, live fleet.Unit, rows []fleet.UnitState) []string {
	var list []string
	if u.Placement.Global {
		for _, id := range u.Placement.Now {
			if !slices.ContainsFunc(rows, func(r fleet.UnitState) bool { return r.Machine == id }) {
				list = append(list, id)
			}
		}
	}
	if len(rows)+len(list) == 0 {
		list = []string{live.Machine}
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
