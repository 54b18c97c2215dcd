package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

func (p *program) explain() *cli.Command {
	in, form, full := newInput(), newFormat(), false
	return &cli.Command{
		Name:      "explain",
		Usage:     "say of each line of a unit where it comes from, why, and what it does",
		ArgsUsage: "FILE [UNIT]",
		Description: `Shows for each line of the compiled unit its place in the files, with the chain of
"use" that leads there, the rule of the compiler that made it, the parameters that
were put in, and what fleet and systemd do with it. Commands that the compiler
writes are named by what they do. UNIT is a name of the stack file or a full unit
name; without it all units are listed.

examples:
  stackc explain k8s.toml
  stackc explain k8s.toml kube-kubelet --full

exit codes: 0 done; 1 error`,
		Flags: append(in.flags(), form.flag(),
			&cli.BoolFlag{Name: "full", Destination: &full, DisableDefaultText: true, Usage: "show the commands that the compiler writes as they are"},
		),
		Action: func(ctx *cli.Context) error {
			args := ctx.Args().Slice()
			if len(args) < 1 || len(args) > 2 {
				return wrongArguments(ctx, "a FILE and perhaps a UNIT", args)
			}
			result, findings, err := in.loadResult(p.console, args[0], form)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return p.explainAll(form, result, findings)
			}
			return p.explainUnit(form, result, findings, args[1], full)
		},
	}
}

// explained is the JSON form of one unit.
type explained struct {
	Stack string `json:"stack"`
	view.Explanation
	Findings []diag.Finding `json:"findings"`
}

// explainedList is the JSON form of the list of all units.
type explainedList struct {
	Stack    string               `json:"stack"`
	Units    []view.ExplainedUnit `json:"units"`
	Findings []diag.Finding       `json:"findings"`
}

func (p *program) explainAll(form *format, r *compiler.Result, findings diag.List) error {
	list := make([]view.ExplainedUnit, len(r.Set.Units))
	for i, u := range r.Set.Units {
		list[i] = listed(r, u)
	}
	if form.isJSON() {
		return p.json(explainedList{Stack: r.Set.Stack, Units: list, Findings: diag.Findings(findings)})
	}
	return p.printf("%s", view.ExplainList(list, p.textWidth()))
}

func (p *program) explainUnit(form *format, r *compiler.Result, findings diag.List, word string, full bool) error {
	u, err := findUnit(r, word)
	if err != nil {
		return err
	}
	x := explanation(r, u)
	if form.isJSON() {
		return p.json(explained{Stack: r.Set.Stack, Explanation: x, Findings: diag.Findings(findings)})
	}
	return p.printf("%s", view.Explain(x, full, p.textWidth()))
}

// findUnit finds the unit that a word means: a full name, or a key of the stack
// file, which for several instances means the first.
func findUnit(r *compiler.Result, word string) (units.Unit, error) {
	for _, name := range []string{word, units.Complete(word)} {
		if u, ok := r.Set.Lookup(units.Name(name)); ok {
			return u, nil
		}
	}
	known := []string{}
	for _, u := range r.Set.Units {
		node := r.Topology.ByName(u.Name)
		if node.Key == word || string(node.Name()) == word || string(node.Name()) == units.Complete(word) {
			return u, nil
		}
		known = append(known, node.Key, string(u.Name))
	}
	for _, n := range r.Topology.Nodes() {
		if n.Host != nil && (n.Key == word || string(n.Name()) == units.Complete(word)) {
			return units.Unit{}, misuse("explain a unit that waits for it", "%q is there before fleet, and stackc compiles nothing for it", word)
		}
	}
	return units.Unit{}, misuse("without UNIT all units are listed", "stack %s has no unit %q%s", r.Set.Stack, word, didYouMean(word, known, ""))
}

// listed tells of a unit in one line.
func listed(r *compiler.Result, u units.Unit) view.ExplainedUnit {
	node := r.Topology.ByName(u.Name)
	placement, _ := units.ParsePlacement(u.Name, u.Options)
	out := view.ExplainedUnit{
		Unit: u.Name, Key: node.Key, From: placeOf(node.Pos()), RunsOn: runsOn(placement), WaitsFor: []string{}, Lines: len(u.Options),
	}
	for _, e := range node.Edges {
		out.WaitsFor = append(out.WaitsFor, e.To.Key)
	}
	return out
}

// explanation tells of a unit line by line.
func explanation(r *compiler.Result, u units.Unit) view.Explanation {
	node := r.Topology.ByName(u.Name)
	x := view.Explanation{
		Unit: u.Name, Key: node.Key, From: placeOf(node.Pos()), Desired: u.Desired, Hash: u.Hash(),
		Lines: make([]view.ExplainedLine, len(u.Options)),
	}
	for _, other := range r.Set.Units {
		if u.Group != "" && other.Group == u.Group {
			x.Instances = append(x.Instances, other.Name)
		}
	}
	placement, _ := units.ParsePlacement(u.Name, u.Options)
	waits := u.Waits
	for i, o := range u.Options {
		origin := r.Origins[u.Name][i]
		l := explainer{result: r, node: node, origin: origin, option: o}
		l.word = l.wordOf()
		if o.Name == "ExecStartPre" && origin.Rule != "" && len(waits) > 0 { // each has its entry, in the same order
			l.wait, waits = &waits[0], waits[1:]
		}
		x.Lines[i] = l.line(placement)
	}
	return x
}

// explainer tells of one line of a unit.
type explainer struct {
	result *compiler.Result
	node   *topology.Node
	origin emit.Origin
	option units.Option
	word   string      // of the stack file, that asked the compiler for the line
	wait   *units.Wait // nil for what waits for nothing
}

func (e *explainer) line(placement units.Placement) view.ExplainedLine {
	l := view.ExplainedLine{
		Section: e.option.Section, Name: e.option.Name, Value: e.option.Value,
		Path: e.origin.Path(e.option), From: placeOf(e.origin.Pos), Rule: e.origin.Rule, Params: e.params(),
		Effects: effects(lineOf{Option: e.option, placement: placement, word: e.word, wait: e.limit()}),
	}
	if e.wait != nil {
		l.Waits = &view.Wait{Subject: e.wait.Subject, Probe: e.wait.Probe, Unit: e.wait.Unit}
		l.Summary = e.summary()
	}
	if made := e.node.Made; made != nil && e.option.Name == "ExecStart" {
		l.Summary, l.Effects = madeSummary(made), madeEffects(made)
	}
	for _, edge := range e.node.Edges {
		if e.origin.Why == &edge.Why {
			l.SameMachine, l.Reason = &edge.Local, edge.Why.String()
		}
	}
	return l
}

// wordOf returns the word of the unit that made the line, "" for a line that
// stands so in the file.
func (e *explainer) wordOf() string {
	if e.origin.Rule == "" {
		return ""
	}
	rest := strings.TrimPrefix(e.origin.Path(e.option), e.node.Path()+".")
	return strings.FieldsFunc(rest, func(r rune) bool { return r == '.' || r == '[' })[0]
}

// limit is how long the waiters of the unit may take, "" for ever.
func (e *explainer) limit() string {
	if e.node.Unit.Wait == 0 {
		return ""
	}
	d := duration{value: e.node.Unit.Wait}
	return d.String()
}

// summary names a command of the compiler by what it does.
func (e *explainer) summary() string {
	switch e.word {
	case "download":
		return "download " + e.wait.Probe
	case "etcd_put":
		return "put " + e.wait.Probe
	}
	return "wait for " + e.wait.Subject + ": " + e.wait.Probe
}

// madeSummary names the command of a unit that the compiler makes.
func madeSummary(m *topology.Made) string {
	if m.Follows {
		return "follow the address of " + m.For.Key + " in etcd"
	}
	return "announce the address of " + m.For.Key + " in etcd"
}

// madeEffects tells what that command does.
func madeEffects(m *topology.Made) []string {
	if !m.Follows {
		return []string{
			fmt.Sprintf("it asks every 5 s whether %s is up, and while it is puts the machine's address into etcd for 20 s more", m.For.Key),
			"it takes the key away when it is stopped, and leaves one alone that another machine has put there",
		}
	}
	list := []string{"it looks every 3 s, and writes the address to a file that followers on its machine read when they start"}
	if len(m.Readers) > 0 {
		keys := make([]string, len(m.Readers))
		for i, r := range m.Readers {
			keys[i] = r.Key
		}
		list = append(list, "when the address is another one it starts "+strings.Join(keys, " and ")+" again, where they run on its machine")
	}
	return list
}

// parameter finds `${{ name }}` with one dollar before it: two are an escape.
var parameter = pattern.New(`\$?\$\{\{\s*([A-Za-z][A-Za-z0-9_-]*)\s*\}\}`)

// params lists the parameters that the texts behind the line name.
func (e *explainer) params() []view.ParamUse {
	var list []view.ParamUse
	known := paramsOf(e.result.Topology.Stack, e.origin.Pos.Via)
	for _, m := range parameter().FindAllStringSubmatch(e.source(), -1) {
		i := slices.IndexFunc(known, func(p *stack.Param) bool { return p.Name == m[1] })
		again := slices.ContainsFunc(list, func(u view.ParamUse) bool { return u.Name == m[1] })
		if strings.HasPrefix(m[0], "$$") || i < 0 || again || known[i].Value == nil {
			continue
		}
		list = append(list, view.ParamUse{Name: m[1], Value: plain(known[i].Value), From: givenAt(known[i])})
	}
	return list
}

// source is the text of the stack file from which the line was made. A limit of
// the start stands for all that the unit prepares, not for one text.
func (e *explainer) source() string {
	if e.origin.Rule != "" && e.option.Name == "TimeoutStartSec" {
		return ""
	}
	at := e.origin.Pos.Span
	for _, v := range e.node.Unit.Env {
		if v.Pos.Span == at {
			return v.File.Pos.Span.Text()
		}
	}
	for _, p := range e.node.Unit.Puts {
		if p.Pos.Span == at {
			return p.Value.Pos.Span.Text()
		}
	}
	return at.Text()
}

// givenAt is where the value of a parameter was given: the place alone, for it
// stands in the file that uses the library and not in the library.
func givenAt(p *stack.Param) view.Place { return placeOf(stack.Pos{Span: p.From.Span}) }

// paramsOf returns the parameters of the file that came in by use, nil being the
// stack file.
func paramsOf(s *stack.Stack, use *stack.Use) []*stack.Param {
	if use == nil {
		return s.Params
	}
	for _, u := range s.Used {
		if u.Use == use {
			return u.Params
		}
	}
	return nil
}

// placeOf gives a place and the chain of `use` that leads to it.
func placeOf(pos stack.Pos) view.Place {
	file, line, column := partsOf(pos.Span)
	p := view.Place{File: file, Line: line, Column: column}
	for u := pos.Via; u != nil; u = u.Parent {
		file, line, column := partsOf(u.Span)
		p.Via = append(p.Via, view.Using{Library: u.Library, File: file, Line: line, Column: column})
	}
	return p
}

func partsOf(s source.Span) (file string, line, column int) {
	if s.IsZero() {
		return "", 0, 0
	}
	at := s.Position()
	return s.File().Name(), at.Line, at.Column
}
