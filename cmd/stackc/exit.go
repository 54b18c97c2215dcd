package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/state"
	"github.com/stackc/stackc/fleet/tunnel"
	"github.com/stackc/stackc/units/pattern"
)

// The exit codes. They are part of the interface: scripts act on them.
const (
	exitDone        = 0
	exitError       = 1
	exitChanges     = 2
	exitFailed      = 3
	exitUnplaceable = 4
	exitStale       = 5
	exitUnreachable = 6
	// exitInterrupted is what shells report of a program that Ctrl-C ended.
	exitInterrupted = 130
)

// failure is an error that knows its exit code.
type failure struct {
	code int
	// err is what to tell; nil when everything has been said already.
	err error
	// help is what to do about it, or "".
	help string
	// kind is a word for programs, one of those below or a fleet.Kind.
	kind string
}

// The kinds of errors that are not about a request; fleet.Kind has the others.
const (
	kindError       = "error"
	kindMisused     = string(fleet.Misused)
	kindRefused     = "refused"
	kindUnplaceable = "unplaceable"
	kindInterrupted = "interrupted"
)

// errorReport is the JSON form of an error.
type errorReport struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Help    string `json:"help,omitempty"`
}

// report gives that form, nil when there is nothing to tell.
func (f *failure) report() *errorReport {
	if f.err == nil {
		return nil
	}
	return &errorReport{Kind: cmp.Or(f.kind, kindError), Message: f.err.Error(), Help: f.help}
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// exitWith ends the command with that code and says nothing more.
func exitWith(code int) error {
	if code == exitDone {
		return nil
	}
	return &failure{code: code}
}

// flagFault is what package flag says of a value that a flag does not take.
var flagFault = pattern.New(`(?s)^invalid (boolean )?value "(.*)" for (?:flag )?-(\S+): (.*)$`)

// badValue writes an error of package flag as this program writes flags.
func badValue(err error) error {
	m := flagFault().FindStringSubmatch(err.Error())
	switch {
	case m == nil:
		return misuse("", "%w", err)
	case m[1] != "":
		return misuse("", "--%s takes no value, and %q is given", m[3], m[2])
	}
	why := m[4]
	if why == "parse error" || why == "value out of range" { // of a flag that takes a number
		why = "write a whole number"
	}
	return misuse("", "--%s cannot be %q: %s", m[3], m[2], why)
}

// misuse is an error in how the command was called.
func misuse(help, format string, args ...any) error {
	return &failure{code: exitError, err: fmt.Errorf(format, args...), help: help, kind: kindMisused}
}

// judge gives any error its exit code and its help.
func judge(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var ssh *tunnel.Error
	f = &failure{code: exitError, err: err, kind: string(fleet.KindOf(err))}
	switch {
	case fleet.KindOf(err) == fleet.Canceled, errors.Is(err, context.Canceled):
		f.code, f.err, f.kind = exitInterrupted, errors.New("interrupted"), kindInterrupted
	case state.KindOf(err) != "":
		f.ofState(err)
	case fleet.KindOf(err) == fleet.Lost:
		f.code, f.kind = exitStale, string(fleet.Lost)
	case fleet.KindOf(err) == fleet.Stale:
		f.code = exitStale
		f.help = "the cluster has changed meanwhile; plan again"
	case fleet.IsDown(err):
		f.code, f.help = exitUnreachable, whereFleetIs(err)
	case errors.As(err, &ssh):
		f.code, f.kind, f.help = exitUnreachable, string(fleet.Unreachable), whereFleetIs(err)
	}
	return f
}

// ofState judges what became of lock or history.
func (f *failure) ofState(err error) {
	f.kind = string(state.KindOf(err))
	var e *state.Error
	switch state.KindOf(err) {
	case state.Held:
		f.code = exitStale
		f.help = "wait for it; the lock of a run that was killed ends by itself within 30 seconds"
		if errors.As(err, &e) && e.Lock.Stack != "" {
			f.help = fmt.Sprintf("wait for it; if that run is dead, stackc lock steal %s takes the lock away", e.Lock.Stack)
		}
	case state.Lost:
		f.code, f.help = exitStale, "somebody else changes the stack by now; stackc lock show tells who"
	case state.Unreachable:
		f.code, f.help = exitUnreachable, etcdHelp+"; --no-state goes on without lock and history"
	}
}

// report tells the error, if there is anything to tell, and returns the exit code.
// When JSON was asked for it is JSON too.
func report(c *console, err error) int {
	if err == nil {
		return exitDone
	}
	f := judge(err)
	switch {
	case f.err == nil:
	case wantsJSON(c.args):
		if err := c.json(failed{f.report()}); err != nil {
			c.fault(err.Error(), "")
		}
	default:
		c.fault(f.err.Error(), f.help)
	}
	return f.code
}

// failed is what stands in place of the data when there is none.
type failed struct {
	Error *errorReport `json:"error"`
}

// wantsJSON reports whether arguments ask for JSON. It reads them as they came,
// since what is wrong may be among them.
func wantsJSON(args []string) bool {
	for i, arg := range args {
		name, value, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !inline && i+1 < len(args) {
			value = args[i+1]
		}
		switch {
		case arg == "--":
			return false
		case strings.HasPrefix(arg, "-") && name == "output" && value == "json":
			return true
		}
	}
	return false
}
