package main

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// tellLifts lists on stderr what an idiomatic import has changed, and what it has not.
func (p *program) tellLifts(r importer.Result) {
	for _, l := range r.Lifts {
		p.remark("%s: %s: lifted: %s%s", fileLine(l.Place), l.Unit, l.Message, effect(l))
	}
	for _, l := range r.Left {
		p.remark("%s: %s: left: %s", fileLine(l.Place), l.Unit, l.Message)
	}
}

// fileLine is the place of an option: what stands before it on the line is of no interest.
func fileLine(s source.Span) string {
	return fmt.Sprintf("%s:%d", s.File().Name(), s.Position().Line)
}

// effect says in few words what a lift changes in the unit.
func effect(l importer.Lift) string {
	var parts []string
	if n := len(l.Removed); n > 0 {
		parts = append(parts, "without "+names(l.Removed))
	}
	if n := len(l.Added); n > 0 {
		parts = append(parts, "with "+names(l.Added))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (now " + strings.Join(parts, ", ") + ")"
}

// names names options, those with a short value in full.
func names(options []units.Option) string {
	list := make([]string, len(options))
	for i, o := range options {
		if list[i] = o.Name + "=" + o.Value; len(list[i]) > 50 || strings.Contains(list[i], "\n") {
			list[i] = o.Name + "="
		}
	}
	return strings.Join(list, " ")
}

// importResult is what import tells in JSON.
type importResult struct {
	File     string         `json:"file,omitempty"`
	Stack    string         `json:"stack"`
	Units    []units.Name   `json:"units"`
	Verbatim int            `json:"verbatim"`
	Hosts    int            `json:"hosts"`
	Text     string         `json:"text,omitempty"`
	Lifted   []liftedOption `json:"lifted,omitempty"`
	Left     []liftedOption `json:"left,omitempty"`
	Findings []diag.Finding `json:"findings"`
}

// liftedOption is one thing that was changed, or left.
type liftedOption struct {
	Unit    units.Name         `json:"unit"`
	File    string             `json:"file"`
	Line    int                `json:"line"`
	Word    string             `json:"word,omitempty"`
	Message string             `json:"message"`
	Removed []fleet.PlanOption `json:"removed,omitempty"`
	Added   []fleet.PlanOption `json:"added,omitempty"`
}

func importReport(file, stack string, r importer.Result) importResult {
	report := importResult{File: file, Stack: stack, Units: r.Units, Verbatim: r.Verbatim, Hosts: r.Hosts, Findings: diag.Findings(r.Findings)}
	if file == "" {
		report.Text = r.Text
	}
	if report.Units == nil {
		report.Units = []units.Name{}
	}
	for _, l := range r.Lifts {
		report.Lifted = append(report.Lifted, liftedOption{
			Unit: l.Unit, File: l.Place.File().Name(), Line: l.Place.Position().Line, Word: l.Word, Message: l.Message,
			Removed: optionLines(l.Removed), Added: optionLines(l.Added),
		})
	}
	for _, l := range r.Left {
		report.Left = append(report.Left, liftedOption{Unit: l.Unit, File: l.Place.File().Name(), Line: l.Place.Position().Line, Message: l.Message})
	}
	return report
}

func optionLines(options []units.Option) (list []fleet.PlanOption) {
	for _, o := range options {
		list = append(list, fleet.PlanOption(o))
	}
	return list
}
