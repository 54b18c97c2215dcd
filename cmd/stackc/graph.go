package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/lanes"
	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// drawing is what graph was asked to do.
type drawing struct {
	in        *input
	form      choice
	focus     paths
	placement bool
	machines  string
}

func (p *program) graph() *cli.Command {
	o := &drawing{in: newInput(), form: newChoice("text", "text", "svg", "html", "dot", "mermaid")}
	return &cli.Command{
		Name:      "graph",
		Usage:     "draw who starts after whom, and where",
		ArgsUsage: "SOURCE",
		Description: `Draws the units of SOURCE, which is a stack file, a folder of unit files, one of
these in a git revision (git:REV:PATH), or the word cluster: a lane for each role or
machine, a column for each wave in which units start, a line for each relation.
Instances of one unit are one box.

examples:
  stackc graph k8s.toml
  stackc graph k8s.toml --format svg > k8s.svg
  stackc graph k8s.toml --focus kube-proxy --format mermaid

exit codes: 0 done; 1 error; 6 the cluster cannot be reached`,
		Flags: append(o.in.flags(),
			&cli.GenericFlag{Name: "format", Value: &o.form, Usage: "print `FORM`: text, svg, html, dot or mermaid"},
			&cli.GenericFlag{Name: "focus", Value: &o.focus, Usage: "draw `UNIT` alone, with all that it leads to and comes from (repeatable)"},
			&cli.BoolFlag{Name: "placement", Destination: &o.placement, DisableDefaultText: true, Usage: "draw a lane for each machine, as fleet would place the units now"},
			&cli.StringFlag{Name: "machines", Destination: &o.machines, Usage: "foresee places on the machines in `FILE`, which stackc machines --output json wrote"},
		),
		Action: func(ctx *cli.Context) error {
			word, err := oneFile(ctx, "SOURCE")
			if err != nil {
				return err
			}
			if word == clusterWord && o.machines != "" {
				return misuse("draw a file, or leave --machines out", "--machines says which machines there are, and the cluster knows")
			}
			return p.drawGraph(ctx, o, word)
		},
	}
}

func (p *program) drawGraph(ctx *cli.Context, o *drawing, word string) error {
	if word == clusterWord || o.placement && o.machines == "" {
		return p.withCluster(ctx, func(conn *fleet.Conn) error { return p.drawCluster(ctx.Context, conn, o, word) })
	}
	s, err := p.drawnSide(ctx.Context, o, word)
	if err != nil {
		return err
	}
	options := lanes.Options{Title: titleOf(s)}
	if o.placement || o.machines != "" {
		machines, err := readMachines(o.machines)
		if err != nil {
			return err
		}
		plan, _ := fleet.PlanBetween(machines, units.NewSet(s.Set.Stack, nil), s.Set, fleet.DiffOptions{})
		options.Lane = machineLanes(plan)
	}
	return p.drawSide(o, s, options)
}

// drawCluster draws what the cluster has, or a file as fleet would place it there.
func (p *program) drawCluster(ctx context.Context, conn *fleet.Conn, o *drawing, word string) error {
	if word != clusterWord {
		s, err := p.drawnSide(ctx, o, word)
		if err != nil {
			return err
		}
		survey, err := survey(ctx, conn, s.Set, fleet.DiffOptions{Adopt: true})
		if err != nil {
			return err
		}
		return p.drawSide(o, s, lanes.Options{Title: titleOf(s), Lane: machineLanes(survey.plan)})
	}
	snapshot, err := fleet.TakeAll(ctx, conn, nil)
	if err != nil {
		return err
	}
	var names []units.Name
	for _, u := range snapshot.Units {
		names = append(names, u.Name)
	}
	s := clusterSide(snapshot, "", names)
	options := lanes.Options{Title: titleOf(s)}
	if o.placement {
		changes, _ := fleet.Diff(snapshot, s.Set, fleet.DiffOptions{Adopt: true})
		options.Lane = machineLanes(fleet.NewPlan(snapshot, s.Set, changes, fleet.Place(snapshot, s.Set, changes)))
	}
	return p.drawSide(o, s, options)
}

func titleOf(s side) string {
	if s.Set.Stack == "" {
		return s.Source.Name
	}
	return "stack " + s.Set.Stack
}

// drawnSide reads what is to be drawn.
func (p *program) drawnSide(ctx context.Context, o *drawing, word string) (side, error) {
	s, err := p.readSide(ctx, o.in, word, false)
	if err != nil {
		return side{}, err
	}
	o.in.show(p.console, s.findings)
	if s.findings.HasErrors() {
		return side{}, exitWith(exitError)
	}
	return s, nil
}

// machineLanes gives the machines on which a plan has a unit in the end.
func machineLanes(plan *fleet.Plan) func(units.Name) []string {
	r := review.Report{Machines: plan.Machines}
	return func(name units.Name) []string {
		u, _ := plan.Unit(name)
		var list []string
		for _, id := range u.Placement.Then {
			list = append(list, r.MachineName(id))
		}
		return list
	}
}

func (p *program) drawSide(o *drawing, s side, options lanes.Options) error {
	for _, word := range o.focus.given {
		name, err := unitOf(s.Set, word)
		if err != nil {
			return err
		}
		options.Focus = append(options.Focus, name)
	}
	g := lanes.New(s.Set, options)
	switch o.form.value {
	case "svg":
		return p.write(lanes.SVG(g, "graph"))
	case "html":
		return p.write(review.GraphPage(g))
	case "dot":
		return p.write(lanes.DOT(g))
	case "mermaid":
		return p.write(lanes.Mermaid(g))
	}
	return p.printf("%s", view.Graph(g, p.textWidth()))
}

// unitOf finds the unit that a word means: a full name, one without its suffix, or
// that of a unit of which there are instances.
func unitOf(set *units.Set, word string) (units.Name, error) {
	name := units.Name(units.Complete(word))
	var known []string
	for _, u := range set.Units {
		template, _ := u.Name.Template()
		if u.Name == name || u.Group == word || template == name || strings.TrimSuffix(string(template), "@.service") == word {
			return u.Name, nil
		}
		known = append(known, string(u.Name), strings.TrimSuffix(string(u.Name), ".service"))
	}
	slices.Sort(known)
	return "", misuse("", "there is no unit %q to draw%s", word, didYouMean(word, known, ""))
}
