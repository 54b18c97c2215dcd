package main

import (
	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units"
)

// format is the --output flag of commands that print data.
type format struct{ choice }

func newFormat() *format { return &format{newChoice("text", "text", "json")} }

func (f *format) flag() cli.Flag {
	return &cli.GenericFlag{Name: "output", Value: &f.choice, Usage: "print `FORM`: text or json"}
}

func (f *format) isJSON() bool { return f.value == "json" }

// fileResult is what a command tells of a stack file in JSON.
type fileResult struct {
	File     string         `json:"file"`
	Stack    string         `json:"stack,omitempty"`
	Units    []units.Name   `json:"units,omitempty"`
	Findings []diag.Finding `json:"findings"`
}

func fileReport(path string, r *compiler.Result, findings diag.List) fileResult {
	report := fileResult{File: path, Findings: diag.Findings(findings)}
	if r.Set != nil {
		report.Stack, report.Units = r.Set.Stack, r.Set.Names()
	}
	return report
}
