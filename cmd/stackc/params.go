package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
)

func (p *program) params() *cli.Command {
	in, form := newInput(), newFormat()
	return &cli.Command{
		Name:      "params",
		Usage:     "list the parameters of a stack file, and where their values come from",
		ArgsUsage: "FILE",
		Description: `Shows for each parameter its type, its default, and the value that it has with
--overlay, --params and --set as they are given here, with the place of that. Below
it stand the parameters of libraries that the file leaves at their defaults, with the
"use" that could give them. A value that is missing is no error here; what else is
wrong with parameters is.

examples:
  stackc params k8s.toml
  stackc params k8s.toml --overlay prod.toml --output json

exit codes: 0 done; 1 error`,
		Flags: append(in.flags(), form.flag()),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE")
			if err != nil {
				return err
			}
			return p.listParams(in, form, path)
		},
	}
}

// paramList is the JSON form of what can be set.
type paramList struct {
	Stack     string               `json:"stack"`
	Params    []view.Param         `json:"params"`
	Libraries []view.LibraryParams `json:"libraries"`
	Findings  []diag.Finding       `json:"findings"`
}

func (p *program) listParams(in *input, form *format, path string) error {
	result, findings := in.compile(p.console, path)
	if result.Topology != nil {
		findings = aboutParams(findings)
	}
	if result.Topology == nil && form.isJSON() {
		if err := p.json(fileReport(path, result, findings)); err != nil {
			return err
		}
		return exitWith(exitError)
	}
	if !form.isJSON() {
		in.show(p.console, findings)
	}
	if result.Topology == nil {
		return exitWith(exitError)
	}
	if err := p.writeParams(form, result.Topology.Stack, findings); err != nil {
		return err
	}
	if findings.HasErrors() {
		return exitWith(exitError)
	}
	return nil
}

func (p *program) writeParams(form *format, s *stack.Stack, findings diag.List) error {
	list, libraries := paramsOfFile(s.Params), []view.LibraryParams{}
	for _, u := range s.Used {
		at := placeOf(stack.Pos{Via: u.Use})
		libraries = append(libraries, view.LibraryParams{Library: u.Use.Library, Used: at.Via, Params: paramsOfFile(u.Params)})
	}
	if form.isJSON() {
		return p.json(paramList{Stack: s.Name, Params: list, Libraries: libraries, Findings: diag.Findings(findings)})
	}
	return p.printf("%s", view.Params(s.Name, list, libraries, p.textWidth()))
}

// aboutParams keeps the findings that concern parameters. That the stack file's
// own have no value yet is none: the list is asked for to learn which these are.
func aboutParams(findings diag.List) diag.List {
	return slices.DeleteFunc(slices.Clone(findings), func(d diag.Diagnostic) bool {
		about := d.Path == "params" || strings.HasPrefix(d.Path, "params.") || strings.HasPrefix(d.Path, "use")
		return !about || d.Code == diag.MissingParameter && len(d.Notes) == 0
	})
}

func paramsOfFile(list []*stack.Param) []view.Param {
	out := make([]view.Param, len(list))
	for i, p := range list {
		out[i] = view.Param{
			Name: p.Name, Type: string(p.Type), Help: p.Help, Required: p.Required(), Declared: placeOf(p.Pos),
			Default: plain(p.Default), Value: plain(p.Value), AtDefault: p.AtDefault(),
		}
		for _, v := range p.Values {
			out[i].Values = append(out[i].Values, plain(v))
		}
		if p.Value != nil {
			from := givenAt(p)
			out[i].From = &from
		}
	}
	return out
}

// plain gives a value as Go and JSON have it, nil for none.
func plain(v *syntax.Value) any {
	if v == nil {
		return nil
	}
	switch v.Kind {
	case syntax.Integer:
		return v.Int
	case syntax.Bool:
		return v.Bool
	case syntax.Array:
		list := make([]any, len(v.Elems))
		for i, e := range v.Elems {
			list[i] = plain(e)
		}
		return list
	}
	return v.Str
}
