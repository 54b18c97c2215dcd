package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

func testApp() *cli.App {
	return newApp(&program{console: newConsole(process{getenv: func(string) string { return "" }}), cluster: newConnection()})
}

func TestArrange(t *testing.T) {
	tests := []struct{ name, args, want string }{
		{"nothing to do", "check a.toml", "check -- a.toml"},
		{"flag behind the file", "submit a.toml --yes", "submit --yes -- a.toml"},
		{"flag with a value behind the file", "submit a.toml --timeout 5m b", "submit --timeout 5m -- a.toml b"},
		{"value in the same word", "submit a.toml --timeout=5m b", "submit --timeout=5m -- a.toml b"},
		{"a value that looks like a flag", "check --set --yes a", "check --set --yes -- a"},
		{"global flag behind the command", "machines --endpoint e", "--endpoint e machines --"},
		{"global flags on both sides", "--endpoint e plan a --verbose", "--endpoint e --verbose plan -- a"},
		{"order is kept", "check --set a=1 f --set b=2 --params c", "check --set a=1 --set b=2 --params c -- f"},
		{"standard input", "check - --strict", "check --strict -- -"},
		{"end of flags", "check --strict -- --set", "check --strict -- --set"},
		{"end of flags before the command", "-- check a", "check -- a"},
		{"one dash", "compile -o d a", "compile -o d -- a"},
		{"help on the program", "--help", "--help"},
		{"help on a command", "submit a.toml --help", "submit --help"},
		{"help as a command", "help submit", "submit --help"},
		{"help before anything", "--help submit", "submit --help"},
		{"version", "--version", "version --"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arrange(testApp(), strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Fields(tt.want), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// FuzzArrange holds two laws: nothing of the command line gets lost or made up, and
// what is arranged stays as it is when it is arranged again.
func FuzzArrange(f *testing.F) {
	f.Add("submit a.toml --yes --endpoint x -- --set")
	f.Add("check --set a=1 - --color=never b")
	f.Add("-- --")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Fields(line)
		got, err := arrange(testApp(), args)
		if err != nil {
			return
		}
		again, err := arrange(testApp(), got)
		if err != nil || !slices.Equal(got, again) {
			t.Fatalf("%q gives %q, and that %q (%v)", args, got, again, err)
		}
		if slices.Contains(got, "--help") || slices.Contains(args, "--version") || slices.Contains(args, "-version") {
			return
		}
		for _, arg := range args {
			if arg != "--" && count(args, arg) != count(got, arg) {
				t.Fatalf("%q gives %q: %q is there %d times", args, got, arg, count(got, arg))
			}
		}
	})
}

func count(list []string, word string) int {
	n := 0
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

// TestNames holds that no flag has two meanings: a global flag and one of a command
// would otherwise depend on where they stand.
func TestNames(t *testing.T) {
	app := testApp()
	global := flagNames(app.Flags)
	for _, c := range app.Commands {
		for _, name := range flagNames(c.Flags) {
			if slices.Contains(global, name) {
				t.Errorf("%s --%s is a global flag too", c.Name, name)
			}
		}
	}
}
