package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/tunnel"
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
		{"no leader", down(fleet.Server, errors.New("etcd member http://a has no leader")), "etcd answers, but cannot work"},
		{"etcd's port", down(fleet.Garbled, errors.New("http://10.0.0.1:4001: no fleet API there")), "that is a port of etcd"},
		{"etcd wants a user", down(fleet.Server, fleet.ErrWantsUser), "write the user into the endpoint"},
		{"nobody listens", down(fleet.Unreachable, syscall.ECONNREFUSED), "nobody listens there"},
		{"no such host", down(fleet.Unreachable, &net.DNSError{Name: "flet", IsNotFound: true}), "no address is known of flet"},
		{"unknown host key", &tunnel.Error{Kind: tunnel.UnknownKey}, "compare it with what ssh-keygen -lf says"},
		{"changed host key", down(fleet.Unreachable, &tunnel.Error{Kind: tunnel.ChangedKey}), "only if the host was set up anew"},
		{"no key", &tunnel.Error{Kind: tunnel.NoKey}, "load a key into the agent"},
		{"nothing behind the tunnel", down(fleet.Unreachable, &tunnel.Error{Kind: tunnel.NoServer}), "is fleet running on that host"},
		{"forwarding forbidden", &tunnel.Error{Kind: tunnel.Forbidden}, "sshd_config of that host forbids it"},
		{"known_hosts unreadable", &tunnel.Error{Kind: tunnel.Unusable}, "mend that file"},
		{"no SSH server", &tunnel.Error{Kind: tunnel.Unreachable}, "does ssh get there?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if f := judge(tt.err); !strings.HasPrefix(f.help, tt.want) || f.code != exitUnreachable {
				t.Errorf("exit code %d, help %q, want %q", f.code, f.help, tt.want)
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
