package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

// comparing is what diff was asked to do.
type comparing struct {
	in           *input
	form         choice
	old, new     sideWords
	prune, adopt bool
	git          string
	revision     int
	machines     string
	raw          bool
	showSecrets  bool
	context      int
	driver       bool
	textconv     bool
}

func (p *program) diff() *cli.Command {
	o := &comparing{in: newInput(), form: newChoice("text", "text", "json", "markdown", "html")}
	return &cli.Command{
		Name:      "diff",
		Usage:     "show how two stacks differ, option by option, and what the change will do",
		ArgsUsage: "[OLD] NEW",
		Description: `OLD and NEW are each a stack file, a folder of unit files, a saved plan, one of
these in a git revision (git:REV:PATH), or the word cluster. OLD is the cluster when
it is left out; without the cluster nothing is asked of it. Order counts where it
means something and quoting does not, long commands are told argument by argument,
and waiters by what they wait for. Below each unit stands what the change does to
it. Secrets are masked. Nothing is written.

examples:
  stackc diff k8s.toml
  stackc diff k8s.toml k8s.toml --new-set mirror=http://10.0.0.9
  stackc diff k8s.toml k8s.toml --new-overlay prod.toml --output markdown
  stackc diff units/ units/ --raw
  stackc diff k8s --revision 3

exit codes: 0 no difference; 2 there are differences; 1 error; 6 unreachable`,
		Flags: append(append(append(o.in.flags(), o.old.flags("old")...), o.new.flags("new")...),
			&cli.GenericFlag{Name: "output", Value: &o.form, Usage: "print `FORM`: text, json, markdown or html"},
			&cli.StringFlag{Name: "git", Destination: &o.git, Usage: "take NEW as it was in the git revision `REV` for OLD"},
			&cli.IntFlag{Name: "revision", Destination: &o.revision, DefaultText: "none", Usage: "take revision `N` of the history for NEW, which may be a STACK then"},
			&cli.StringFlag{Name: "machines", Destination: &o.machines, Usage: "foresee places on the machines in `FILE`, which stackc machines --output json wrote"},
			&cli.BoolFlag{Name: "raw", Destination: &o.raw, DisableDefaultText: true, Usage: "print the difference of the unit files as patch(1) takes it"},
			&cli.IntFlag{Name: "context", Destination: &o.context, Value: -1, DefaultText: "0, with --raw 3", Usage: "show `N` lines around what differs"},
			&cli.BoolFlag{Name: "show-secrets", Destination: &o.showSecrets, DisableDefaultText: true, Usage: "do not mask secrets"},
			&cli.BoolFlag{Name: "prune", Destination: &o.prune, DisableDefaultText: true, Usage: "remove units of the stack that the file does not have any more"},
			&cli.BoolFlag{Name: "adopt", Destination: &o.adopt, DisableDefaultText: true, Usage: "take over units of the same names that belong to others"},
			&cli.BoolFlag{Name: "git-driver", Destination: &o.driver, DisableDefaultText: true, Usage: "be git's external diff: takes the arguments that git gives"},
			&cli.BoolFlag{Name: "textconv", Destination: &o.textconv, DisableDefaultText: true, Usage: "be git's textconv: print the compiled units of one FILE, or the FILE"},
		),
		Action: func(ctx *cli.Context) error { return p.runDiff(ctx, o) },
	}
}

func (p *program) runDiff(ctx *cli.Context, o *comparing) error {
	switch {
	case o.driver:
		return p.gitDriver(ctx, o)
	case o.textconv:
		return p.gitTextconv(ctx, o)
	case ctx.IsSet("context") && o.context < 0:
		return misuse("", "--context %d: a number of lines is 0 or more", o.context)
	case ctx.IsSet("revision"):
		return p.diffRevision(ctx, o)
	}
	before, after, err := o.sides(ctx)
	if err != nil {
		return err
	}
	if flag := cmp.Or(onCluster(before, &o.old), onCluster(after, &o.new)); flag != "" {
		return misuse("name OLD and NEW, or leave "+flag+" out", "%s says how a file is compiled, and that side is the cluster", flag)
	}
	if before == clusterWord || after == clusterWord {
		if o.machines != "" {
			return misuse("name two files, or leave --machines out", "--machines says which machines there are, and the cluster knows")
		}
		return p.withCluster(ctx, func(conn *fleet.Conn) error { return p.diffCluster(ctx.Context, conn, o, before, after) })
	}
	old, new, err := p.bothSides(ctx.Context, o, before, after)
	if err != nil {
		return err
	}
	plan, err := o.planBetween(old, new)
	if err != nil {
		return err
	}
	return p.showReport(o, old, new, plan)
}

// onCluster is the flag that would say how the cluster is compiled, or "".
func onCluster(word string, w *sideWords) string {
	if word != clusterWord {
		return ""
	}
	return w.given()
}

// sides are the words for the old and the new side.
func (o *comparing) sides(ctx *cli.Context) (old, new string, err error) {
	const help = "stackc diff --help shows an example"
	args := ctx.Args().Slice()
	switch {
	case len(args) < 1 || len(args) > 2:
		return "", "", wrongArguments(ctx, "NEW, or OLD and NEW", args)
	case o.git != "" && len(args) == 2:
		return "", "", misuse(help, "--git says what OLD is, and OLD is given too")
	case o.git != "" && args[0] == "-":
		return "", "", misuse(help, "--git takes the same file from a revision, and standard input has no name")
	case o.git != "" && args[0] == clusterWord:
		return "", "", misuse(help, "--git is about files, not about the cluster")
	case o.git != "":
		return "git:" + o.git + ":" + args[0], args[0], nil
	case len(args) == 1 && args[0] == clusterWord:
		return "", "", misuse(help, "the cluster can be compared with something else only")
	case len(args) == 1:
		return clusterWord, args[0], nil
	case args[0] == clusterWord && args[1] == clusterWord:
		return "", "", misuse(help, "the cluster can be compared with something else only")
	}
	return args[0], args[1], nil
}

// bothSides reads two sides that need no cluster.
func (p *program) bothSides(ctx context.Context, o *comparing, before, after string) (old, new side, err error) {
	if old, err = p.oneSide(ctx, o, before, &o.old, o.git != ""); err != nil {
		return old, new, err
	}
	if new, err = p.oneSide(ctx, o, after, &o.new, false); err != nil {
		return old, new, err
	}
	old.statesOf(new.Set)
	new.statesOf(old.Set)
	return old, new, nil
}

// oneSide reads a side and shows what was found in it; an error among that ends
// the command.
func (p *program) oneSide(ctx context.Context, o *comparing, word string, w *sideWords, missing bool) (side, error) {
	s, err := p.readSide(ctx, o.in.with(w), word, missing)
	if err != nil {
		return side{}, err
	}
	if s.findings.HasErrors() {
		if o.form.value == "json" {
			if err := p.json(fileResult{File: word, Findings: diag.Findings(s.findings)}); err != nil {
				return side{}, err
			}
		} else {
			o.in.show(p.console, s.findings)
		}
		return side{}, exitWith(exitError)
	}
	if w == &o.new && o.form.value == "text" {
		o.in.show(p.console, s.findings)
	}
	return s, nil
}

// planBetween plans a change of which no cluster knows.
func (o *comparing) planBetween(old, new side) (*fleet.Plan, error) {
	machines, err := readMachines(o.machines)
	if err != nil {
		return nil, err
	}
	set := units.NewSet(new.Set.Stack, new.Set.Units, new.Set.Addresses...)
	if set.Stack == "" {
		set.Stack = old.Set.Stack
	}
	plan, refusals := fleet.PlanBetween(machines, old.Set, set, fleet.DiffOptions{Prune: o.prune})
	if len(refusals) > 0 {
		return nil, refused(refusals)
	}
	return plan, nil
}

// readMachines reads what `stackc machines --output json` wrote, nothing of "".
func readMachines(path string) ([]fleet.Machine, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var list []fleet.Machine
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s is not what stackc machines --output json writes: %w", path, err)
	}
	return list, nil
}

// diffCluster compares with the cluster, on either side.
func (p *program) diffCluster(ctx context.Context, conn *fleet.Conn, o *comparing, before, after string) error {
	if before != clusterWord {
		old, err := p.oneSide(ctx, o, before, &o.old, false)
		if err != nil {
			return err
		}
		return p.diffToCluster(ctx, conn, o, old)
	}
	new, err := p.oneSide(ctx, o, after, &o.new, false)
	if err != nil {
		return err
	}
	options := fleet.DiffOptions{Prune: o.prune, Adopt: o.adopt || new.Source.Kind == "units"}
	snapshot, err := fleet.TakeAll(ctx, conn, new.Set.Names())
	if err != nil {
		return err
	}
	new.statesOf(units.NewSet(new.Set.Stack, liveUnits(snapshot)))
	s, err := surveyOn(p.owned(ctx, conn, snapshot, new.Set.Stack), new.Set, options)
	if err != nil {
		return err
	}
	old := clusterSide(s.snapshot, new.Set.Stack, new.Set.Names())
	return p.showReport(o, old, new, s.plan)
}

// diffToCluster tells what the cluster has other than a file says.
func (p *program) diffToCluster(ctx context.Context, conn *fleet.Conn, o *comparing, old side) error {
	snapshot, err := fleet.TakeAll(ctx, conn, old.Set.Names())
	if err != nil {
		return err
	}
	new := clusterSide(p.owned(ctx, conn, snapshot, old.Set.Stack), old.Set.Stack, old.Set.Names())
	old.statesOf(new.Set)
	plan, refusals := fleet.PlanBetween(snapshot.Machines, old.Set, new.Set, fleet.DiffOptions{Prune: o.prune && len(new.Set.Units) > 0})
	if len(refusals) > 0 {
		return refused(refusals)
	}
	return p.showReport(o, old, new, plan)
}

// liveUnits are all units that the cluster has.
func liveUnits(s *fleet.Snapshot) []units.Unit {
	list := make([]units.Unit, len(s.Units))
	for i, u := range s.Units {
		list[i] = units.Unit{Name: u.Name, Options: u.Options, Desired: u.Desired}
	}
	return list
}

// clusterSide is what the cluster has of a stack: the units with its mark, and
// those of the names given.
func clusterSide(s *fleet.Snapshot, stack string, names []units.Name) side {
	var list []units.Unit
	wanted := map[units.Name]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	for _, u := range s.Units {
		if wanted[u.Name] || stack != "" && s.OwnerOf(u) == stack {
			list = append(list, units.Unit{Name: u.Name, Options: u.Options, Desired: u.Desired})
		}
	}
	c := side{cluster: true}
	c.Source = review.Source{Kind: clusterWord, Name: clusterWord}
	c.Set = compare.WithWaits(units.NewSet(stack, list))
	return c
}

// showReport writes the comparison in the form that was asked for.
func (p *program) showReport(o *comparing, old, new side, plan *fleet.Plan) error {
	if o.raw {
		return p.showPatch(o, old, new)
	}
	report := review.Build(old.Side, new.Side, plan, new.findings, review.Options{Context: max(o.context, 0), ShowSecrets: o.showSecrets})
	if err := p.writeReport(o, report, old, new); err != nil {
		return err
	}
	if report.Empty() {
		return nil
	}
	return exitWith(exitChanges)
}

func (p *program) writeReport(o *comparing, report *review.Report, old, new side) error {
	switch o.form.value {
	case "json":
		return p.json(report)
	case "markdown":
		return p.write(review.Markdown(report))
	case "html":
		return p.write(review.HTML(report, old.Set, new.Set))
	}
	return p.printf("%s", view.Report(report, p.textWidth()))
}

// write writes text past the console, which would take for colours what looks like
// them.
func (p *program) write(text string) error {
	_, err := fmt.Fprint(p.out, text)
	return err
}

func (p *program) showPatch(o *comparing, old, new side) error {
	if names := review.SecretUnits(old.Set, new.Set); len(names) > 0 && !o.showSecrets {
		list := make([]string, len(names))
		for i, n := range names {
			list[i] = string(n)
		}
		return misuse("--show-secrets prints them; without --raw they are masked", "the patch would hold the secrets in %s", strings.Join(list, ", "))
	}
	lines := o.context
	if lines < 0 {
		lines = 3
	}
	patch := review.Patch(old.Set, new.Set, lines)
	if patch == "" {
		return nil
	}
	if err := p.write(patch); err != nil {
		return err
	}
	return exitWith(exitChanges)
}
