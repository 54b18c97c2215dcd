package compiler_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/ports"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// on reports whether a machine of a role has all that a unit wants.
func on(r *stack.Role, wants units.Metadata) bool {
	for key, values := range wants {
		if !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(r.Metadata[key], v) }) {
			return false
		}
	}
	return true
}

// used returns who must reach a port of machines of a role by the list.
func used(l *ports.List, role string, port int) (uses []ports.Use) {
	for _, g := range l.WithRole(role) {
		for _, o := range g.Openings {
			if o.Protocol == "tcp" && o.First <= port && port <= o.Last {
				uses = append(uses, o.Uses...)
			}
		}
	}
	return uses
}

// checkPorts holds that the list of a stack without an inventory has
//   - the port of every unit that another waits for which can be on another machine, at
//     every role on whose machines it can be, for every role of those that wait;
//   - every port that stackc verify asks, for operators;
//   - no port for others that is on the loopback address.
//
// It returns how many edges and questions it held.
func checkPorts(t reporter, result *compiler.Result) (edges, questions int) {
	t.Helper()
	s, l := result.Topology.Stack, ports.Of(result.Topology, result.Checks)
	for _, n := range result.Topology.Nodes() {
		for _, e := range n.Edges {
			port := e.To.Port().Value
			if e.Local || port == 0 || e.To.External() || n.External() {
				continue
			}
			for _, there := range s.Roles {
				for _, here := range s.Roles {
					if !on(there, e.To.Metadata()) || !on(here, n.Metadata()) {
						continue
					}
					edges++
					if !slices.ContainsFunc(used(l, there.Name, port), func(u ports.Use) bool {
						return u.Kind == ports.Machines && slices.Contains(u.Group.Roles, here.Name)
					}) {
						t.Errorf("%s on %s waits for %s, and port %d of %s is not open to it", n.Key, here.Name, e.To.Key, port, there.Name)
					}
				}
			}
		}
	}
	for _, c := range result.Checks {
		if c.Kind != expect.Ready || c.Ask.Loopback || c.Ask.Beside || c.Ask.Port == 0 || c.Ask.URL != "" {
			continue
		}
		n := result.Topology.ByName(c.Unit)
		for _, r := range s.Roles {
			if n == nil || n.External() || !on(r, n.Metadata()) {
				continue
			}
			questions++
			if !slices.ContainsFunc(used(l, r.Name, c.Ask.Port), func(u ports.Use) bool { return u.Kind == ports.Operator }) {
				t.Errorf("stackc verify asks %s at port %d of %s, and it is not open to operators", c.Name, c.Ask.Port, r.Name)
			}
		}
	}
	for _, g := range l.Groups {
		for _, o := range g.Openings {
			if o.Open() && o.Loopback || len(o.What) == 0 {
				t.Errorf("%s: port %d: %+v", g.Name, o.First, o)
			}
		}
	}
	return edges, questions
}

// TestPortsOfLibraries holds the laws of ports on the stacks and the libraries that come
// with the compiler, those alone.
func TestPortsOfLibraries(t *testing.T) {
	edges, questions := 0, 0
	hold := func(name string, result *compiler.Result, findings diag.List) {
		t.Helper()
		if result.Set == nil {
			t.Fatalf("%s:\n%s", name, diag.Short(findings))
		}
		e, q := checkPorts(t, result)
		edges, questions = edges+e, questions+q
	}
	for _, path := range exampleStacks(t) {
		result, findings := compiler.Compile(path, compiler.Options{Opener: source.Dir{}, Std: stacks.Library{}})
		if len(result.Topology.Stack.Machines) == 0 {
			hold(path, result, findings)
		}
	}
	for _, name := range (stacks.Library{}).Names() {
		file, err := stacks.Library{}.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		o := compiler.Options{Opener: source.Map{stackFile: file.Text()}, Std: stacks.Library{}, Alone: true}
		if strings.Contains(file.Text(), "\nunverified ") {
			o.Settings = []stack.Setting{{Name: "unverified", Text: "true"}}
		}
		result, findings := compiler.Compile(stackFile, o)
		if len(result.Topology.Stack.Machines) == 0 {
			hold(name, result, findings)
		}
	}
	if edges == 0 || questions == 0 {
		t.Errorf("nothing was held: %d edges, %d questions", edges, questions)
	}
}

// TestPortsOfArchives holds them on every stack of the archives that is without error.
func TestPortsOfArchives(t *testing.T) {
	held := 0
	for _, path := range archives(t, compileDir) {
		c := readCase(t, path)
		result, _ := c.compile()
		switch {
		case result.Set == nil:
		case len(result.Topology.Stack.Machines) > 0:
			if l := ports.Of(result.Topology, result.Checks); len(l.Groups) == 0 {
				t.Errorf("%s: its machines are nowhere", path)
			}
		default:
			held++
			t.Run(filepath.Base(path), func(t *testing.T) { checkPorts(t, result) })
		}
	}
	if held == 0 {
		t.Error("nothing was held")
	}
}

// TestPortsOfDrawnStacks holds them on stacks of units with any placement and edges.
func TestPortsOfDrawnStacks(t *testing.T) {
	edges, questions := 0, 0
	law := func(r *rapid.T) {
		if result, _ := compileTables(drawUnits(r)); result.Set != nil {
			e, q := checkPorts(r, result)
			edges, questions = edges+e, questions+q
		}
	}
	for range 10 { // a hundred draws may well hold none that is without fault
		if rapid.Check(t, law); edges > 0 && questions > 0 || t.Failed() {
			return
		}
	}
	t.Errorf("nothing was held: %d edges, %d questions", edges, questions)
}
