package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/stackc/stackc/fleet"
)

func TestJudge(t *testing.T) {
	kind := func(k fleet.Kind) error {
		return fmt.Errorf("wrapped: %w", &fleet.Error{Op: "list", Kind: k, Err: errors.New("because")})
	}
	tests := []struct {
		name string
		err  error
		code int
	}{
		{"any error", errors.New("x"), exitError},
		{"refused by fleet", kind(fleet.Rejected), exitError},
		{"wrong endpoint", kind(fleet.Misused), exitError},
		{"nobody answers", kind(fleet.Unreachable), exitUnreachable},
		{"no answer in time", kind(fleet.Timeout), exitUnreachable},
		{"fleet without etcd", kind(fleet.Server), exitUnreachable},
		{"not fleet", kind(fleet.Garbled), exitUnreachable},
		{"stale", kind(fleet.Stale), exitStale},
		{"interrupted", kind(fleet.Canceled), exitInterrupted},
		{"interrupted between requests", context.Canceled, exitInterrupted},
		{"said already", exitWith(exitChanges), exitChanges},
		{"wrapped", fmt.Errorf("x: %w", misuse("", "y")), exitError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(tt.err).code; got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
		})
	}
	if err := exitWith(exitDone); err != nil {
		t.Errorf("done is no error, got %v", err)
	}
}

func TestCodeOf(t *testing.T) {
	tests := []struct {
		name    string
		results []fleet.Result
		code    int
	}{
		{"nothing", nil, exitDone},
		{"all well", []fleet.Result{fleet.IsUp, fleet.IsSet, fleet.IsGone}, exitDone},
		{"one failed", []fleet.Result{fleet.IsUp, fleet.HasFailed}, exitFailed},
		{"one too late", []fleet.Result{fleet.TimedOut}, exitFailed},
		{"one homeless", []fleet.Result{fleet.IsUp, fleet.NoMachine}, exitUnplaceable},
		{"failed before homeless", []fleet.Result{fleet.NoMachine, fleet.HasFailed}, exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o fleet.Outcome
			for _, r := range tt.results {
				o.Units = append(o.Units, fleet.UnitOutcome{Result: r})
			}
			if got := codeOf(o); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
		})
	}
}

func TestWantsJSON(t *testing.T) {
	tests := []struct {
		args string
		want bool
	}{
		{"plan a --output json", true},
		{"--output json plan a", true},
		{"plan a -output=json", true},
		{"plan --pruen a --output=json b", true},
		{"plan a", false},
		{"plan a --output text", false},
		{"plan a --output", false},
		{"plan output json", false},
		{"plan a --findings json", false},
		{"plan -- --output json", false},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			if got := wantsJSON(strings.Fields(tt.args)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWhereFleetIs(t *testing.T) {
	down := func(k fleet.Kind, cause error) error { return &fleet.Error{Op: "list units", Kind: k, Err: cause} }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no socket", down(fleet.Unreachable, fs.ErrNotExist), "is fleet running there?"},
		{"socket of root", down(fleet.Unreachable, &fs.PathError{Op: "dial", Err: syscall.EACCES}), "the socket belongs to root"},
		{"another server", down(fleet.Garbled, errors.New("x")), "something else answers there"},
		{"no etcd", down(fleet.Server, errors.New("x")), "fleet answers, but cannot work"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(tt.err).help; !strings.HasPrefix(got, tt.want) {
				t.Errorf("help %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBadValue(t *testing.T) {
	tests := []struct{ err, want string }{
		{`invalid value "level" for flag -set: write NAME=VALUE`, `--set cannot be "level": write NAME=VALUE`},
		{`invalid boolean value "x" for -yes: parse error`, `--yes takes no value, and "x" is given`},
		{"something else", "something else"},
	}
	for _, tt := range tests {
		if got := badValue(errors.New(tt.err)).Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
