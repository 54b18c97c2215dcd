package compiler

import (
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
)

// Library is one library of a stack, however often it is used.
type Library struct {
	// Source names it for the lock file: "std:NAME", or a path seen from the folder
	// of the stack file.
	Source string
	// Stack is the name of its stack. What the library says of itself is in
	// Declared, nil when it says nothing.
	Stack    string
	Declared *stack.Declared
	// File is what was read: the source itself, or a vendored copy.
	File *source.File
}

// Name returns the library's name.
func (l Library) Name() string {
	if l.Declared != nil && l.Declared.Name != "" {
		return l.Declared.Name
	}
	return l.Stack
}

// Version returns the library's version, "" when it does not say one.
func (l Library) Version() string {
	if l.Declared == nil {
		return ""
	}
	return l.Declared.Version.Value
}

// Libraries loads the stack file of that path and returns the libraries that it
// uses, in the order in which they come in. The findings are those that keep one
// from being read; what else is wrong with the stack is left out.
func Libraries(path string, o Options) ([]Library, *stack.Stack, diag.List) {
	s, findings := stack.Load(o.input(path))
	var kept diag.List
	for _, d := range findings.Canonical() {
		if unreadable(diag.List{d}) {
			kept.Add(d)
		}
	}
	if s == nil {
		return nil, nil, kept
	}
	var list []Library
	for _, u := range s.Used {
		if !slices.ContainsFunc(list, func(l Library) bool { return l.Source == u.Use.Source }) {
			list = append(list, Library{Source: u.Use.Source, Stack: u.Stack, Declared: u.Use.Declared, File: u.Use.File})
		}
	}
	return list, s, kept
}
