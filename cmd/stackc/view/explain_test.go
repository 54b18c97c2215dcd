package view

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/stackc/stackc/units"
)

// explanation has a line of every kind, with text that tries to move the cursor.
func explanation() Explanation {
	library := []Using{{Library: "lib/web.toml", File: "shop.toml", Line: 2, Column: 17}}
	at := func(line int) Place { return Place{File: "lib/web.toml", Line: line, Column: 9, Via: library} }
	own := Place{File: "shop.toml", Line: 7, Column: 1}
	here, away := true, false
	ordered := func(name, value, effect string) ExplainedLine {
		return ExplainedLine{Section: "Unit", Name: name, Value: value, Path: "unit.web.after[0]", From: at(12), Rule: "ordered by systemd",
			SameMachine: &here, Reason: `"etcd" is on every machine`, Effects: []string{effect}}
	}
	return Explanation{
		Unit: "web@1.service", Key: "web", From: at(10), Desired: units.Launched, Hash: "0123",
		Instances: []units.Name{"web@1.service", "web@2.service", "web@3.service"},
		Lines: []ExplainedLine{
			ordered("Wants", "etcd.service", "systemd starts it too"),
			ordered("After", "etcd.service", "systemd starts it first"),
			{Section: "Service", Name: "ExecStartPre", Value: "/bin/sh -c \"until curl\x1b[2J; do sleep 3; done\"", Summary: "wait for api: http://10.0.0.1:8080/healthz",
				Waits: &Wait{Subject: "api", Probe: "http://10.0.0.1:8080/healthz"}, Path: "unit.web.after[1]", From: at(12), Rule: "waiter",
				SameMachine: &away, Reason: `"api" is only on machines with role=master`, Effects: []string{"it asks every 3 s", "systemd says activating/start-pre"}},
			{Section: "Service", Name: "ExecStart", Value: "/opt/bin/web --port=80 --mirror=http://10.20.30.242/a/long/path --log=/var/log/web/and/further/down.log --verbose", Path: "unit.web.Service.ExecStart", From: own,
				Params: []ParamUse{{Name: "mirror", Value: "http://10.20.30.242", From: Place{File: "--set", Line: 1, Column: 8}}, {Name: "ports", Value: []any{"a", int64(2), true}, From: own}}, Effects: []string{}},
			{Section: "X-Fleet", Name: "Global", Value: "true", Path: "unit.web.global", From: at(11), Rule: "where fleet may place the unit", Effects: []string{"fleet runs it on every machine"}},
		},
	}
}

func TestExplain(t *testing.T) {
	golden(t, "explain.txt", ansi.Strip(Explain(explanation(), false, 0)))
	golden(t, "explain-full.txt", ansi.Strip(Explain(explanation(), true, 0)))
	golden(t, "explain-80.txt", ansi.Strip(Explain(explanation(), false, 80)))
	golden(t, "explain-colour.txt", Explain(explanation(), false, 0))
}

func explainedUnits() []ExplainedUnit {
	return []ExplainedUnit{
		{Unit: "api.service", Key: "api", From: Place{File: "shop.toml", Line: 3, Column: 7}, RunsOn: "one machine where role is master", WaitsFor: []string{}, Lines: 4},
		{Unit: "web@1.service", Key: "web", From: Place{File: "<stacks>/kubernetes/0.15.toml", Line: 100, Column: 7}, RunsOn: "every machine", WaitsFor: []string{"etcd", "api", "kube-controller-manager"}, Lines: 12},
	}
}

func TestExplainList(t *testing.T) {
	golden(t, "explain-list.txt", ansi.Strip(ExplainList(explainedUnits(), 0)))
	golden(t, "explain-list-80.txt", ansi.Strip(ExplainList(explainedUnits(), 80)))
	golden(t, "explain-list-60.txt", ansi.Strip(ExplainList(explainedUnits(), 60)))
	golden(t, "explain-list-40.txt", ansi.Strip(ExplainList(explainedUnits(), 40)))
}

func params() ([]Param, []LibraryParams) {
	flag, file, own := Place{File: "--set", Line: 1, Column: 7}, Place{File: "prod.toml", Line: 2, Column: 9}, Place{File: "shop.toml", Line: 5, Column: 40}
	list := []Param{
		{Name: "mirror", Type: "url", Default: "http://10.20.30.242", Value: "http://10.9.0.2", From: &file, Help: "web server with the binaries"},
		{Name: "level", Type: "int", Default: int64(1), Value: int64(3), From: &flag},
		{Name: "peers", Type: "list", Default: []any{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, Value: []any{"10.0.0.1"}, From: &own, AtDefault: true, Help: "all machines"},
		{Name: "size", Type: "int", Required: true, Help: "number\x1b[2J of workers"},
		{Name: "master", Type: "host", Required: true, Value: "10.0.0.1", From: &flag},
	}
	used := []Using{{Library: "std:flannel", File: "k8s.toml", Line: 4, Column: 9}, {Library: "k8s.toml", File: "shop.toml", Line: 2, Column: 17}}
	return list, []LibraryParams{
		{Library: "std:flannel", Used: used, Params: []Param{
			{Name: "backend", Type: "string", Default: "vxlan", Value: "vxlan", AtDefault: true, Help: "how packets cross"},
			{Name: "pods", Type: "cidr", Required: true, Value: "10.1.0.0/16", From: &own},
		}},
		{Library: "std:etcd", Used: used[1:], Params: []Param{{Name: "port", Type: "int", Default: int64(4001), Value: int64(2379), From: &own}}},
	}
}

func TestParams(t *testing.T) {
	list, libraries := params()
	golden(t, "params.txt", ansi.Strip(Params("shop", list, libraries, 0)))
	golden(t, "params-72.txt", ansi.Strip(Params("shop", list, libraries, 72)))
	golden(t, "params-none.txt", ansi.Strip(Params("none", nil, nil, 0)))
}

// TestExplainFitsTheWidth holds every line to the width, but for single words
// that are longer.
func TestExplainFitsTheWidth(t *testing.T) {
	for width := 80; width <= 120; width++ {
		list, libraries := params()
		for _, text := range []string{Explain(explanation(), true, width), ExplainList(explainedUnits(), width), Params("shop", list, libraries, width)} {
			_, body, blank := strings.Cut(ansi.Strip(text), "\n\n")
			if !blank { // a list has no head of its own
				body = ansi.Strip(text)
			}
			for line := range strings.Lines(body) {
				if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("width %d: %d columns in %q", width, n, line)
				}
			}
		}
	}
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "-"}, {"", `""`}, {`a"b`, `"a\"b"`}, {int64(5), "5"}, {false, "false"}, {[]any{}, "[]"}, {[]any{"x", int64(1)}, `["x", 1]`},
	} {
		if got := literal(c.value); got != c.want {
			t.Errorf("literal(%v) = %s, want %s", c.value, got, c.want)
		}
	}
	if got := short(fmt.Sprint(strings.Repeat("ä", longest+1))); got != strings.Repeat("ä", longest-1)+"…" {
		t.Errorf("short cuts to %q", got)
	}
}
