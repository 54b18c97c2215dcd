// Package compiler turns a stack file into units. It runs the stages one after
// the other, each a value made from the one before:
//
//	source.File -> syntax.Table -> stack.Stack -> topology.Topology -> units.Set + emit.Origins
//
// and puts the findings of all of them in one order.
package compiler

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/stackc/stackc/compiler/check"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/lint"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// Options says how a stack is compiled.
type Options struct {
	// Opener gives the stack file and the libraries that it uses by path.
	Opener source.Opener
	// Std gives the libraries that come with the compiler; it may be nil.
	Std stack.Library
	// Settings are parameter values from outside of the file, the last one winning.
	Settings []stack.Setting
	// Overlays are files that are laid over the stack, the last one winning.
	Overlays []string
	// Alone compiles a library without a stack: what it needs is taken to be there,
	// and parameters that must be given have some value.
	Alone bool
	// Unlocked takes the libraries as they are now, whatever the lock file says.
	Unlocked bool
	// Strict makes every warning an error.
	Strict bool
}

// Result is a compiled stack.
type Result struct {
	// Set holds the units; it is nil when there are errors.
	Set *units.Set
	// Origins says for each line of each unit where it comes from.
	Origins emit.Origins
	// Checks is what must hold once the stack runs.
	Checks []expect.Check
	// Topology is how the units stand to each other.
	Topology *topology.Topology
}

// Compile compiles the stack file of that path. The findings are in their one
// order; when an error is among them the Set is nil, so that what is wrong can
// never be sent. A fault of the compiler itself is a finding with code
// "internal", never a panic.
func Compile(path string, o Options) (result *Result, findings diag.List) {
	defer func() {
		if fault := recover(); fault != nil {
			result = &Result{}
			findings = diag.List{internal(path, fault)}
		}
	}()
	result, findings = compile(path, o)
	findings = findings.Canonical()
	if o.Strict {
		findings = findings.Strict()
	}
	if findings.HasErrors() {
		result.Set = nil
	}
	return result, findings
}

func compile(path string, o Options) (*Result, diag.List) {
	s, findings := stack.Load(o.input(path))
	if s == nil || unreadable(findings) {
		return &Result{}, findings
	}
	t, later := topology.Build(s)
	rules := beside(func() diag.List { return lint.Stack(t) })
	set, origins, found := emit.Units(t)
	ofUnits := lint.Units(t, set, origins)
	checks, ofChecks := check.List(t, set)
	later.Add(found...)
	later.Add(ofChecks...)
	later.Add(rules()...)
	later.Add(ofUnits...)
	findings.Add(lint.Verbatim(s, later)...)
	return &Result{Set: set, Origins: origins, Checks: checks, Topology: t}, lint.Allow(s, findings)
}

// beside runs f while the caller goes on, and returns what waits for its result. The
// topology changes no more, so that its rules and what is made of it, which take most
// of the time of a large stack, need not wait for each other. A panic of f comes out
// of the wait, for the recover of [Compile].
func beside[T any](f func() T) (wait func() T) {
	var result T
	var fault any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { fault = recover() }()
		result = f()
	}()
	return func() T {
		<-done
		if fault != nil {
			panic(fault)
		}
		return result
	}
}

func (o Options) input(path string) stack.Input {
	return stack.Input{Path: path, Opener: o.Opener, Std: o.Std, Settings: o.Settings, Overlays: o.Overlays, Alone: o.Alone, Unlocked: o.Unlocked}
}

// unreadable reports whether a text of the stack is missing: then what later
// stages would say follows from that alone.
func unreadable(findings diag.List) bool {
	missing := []diag.Code{diag.Syntax, diag.DuplicateKey, diag.FileNotFound, diag.UnknownLibrary, diag.LibraryCycle, diag.LibraryVersion, diag.LibraryLock}
	return slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return slices.Contains(missing, d.Code) })
}

func internal(path string, fault any) diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Error,
		Code:     diag.Internal,
		Message:  fmt.Sprintf("the compiler failed on %s: %v", path, fault),
		Notes:    []diag.Note{{Message: string(debug.Stack())}},
		Help:     "this is a fault of stackc, not of the stack file; please report it with the file that shows it",
	}
}
