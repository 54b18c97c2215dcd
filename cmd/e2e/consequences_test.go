package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// effect is what diff says of a unit, machine by machine.
type effect struct {
	Fate                    string
	Restarts, Starts, Stops []string
	Sure                    bool
}

// reviewStack is the stack that TestConsequences changes; each change is a pair of
// texts, the first to be replaced by the second.
const reviewStack = `stack = "review"
allow = ["unused-dependency"]
[roles]
master = { metadata = "role=master", address = "10.20.30.40" }
node   = "role=node"

[unit.db]
role  = "master"
ready = { unit = true }
[unit.db.Service]
ExecStart = "/bin/sleep 100001"
Restart   = "always"

[unit.side]
machine_of = "db"
[unit.side.Unit]
Requires = "db.service"
[unit.side.Service]
ExecStart = "/bin/sleep 100002"
Restart   = "always"

[unit.agent]
role   = "node"
global = true
[unit.agent.Service]
ExecStart = "/bin/sleep 100003"
Restart   = "always"

[unit.lone]
role = "master"
[unit.lone.Service]
ExecStart = "/bin/sleep 100004"
Restart   = "always"
`

// TestConsequences makes ten changes on a real cluster, and compares what diff says
// of each with what systemd has done on each machine.
func TestConsequences(t *testing.T) {
	c := up(t, lab.Config{})
	text := reviewStack
	units := []string{"db.service", "side.service", "agent.service", "lone.service", "more.service", "alone.service"}
	t.Log(c.stackc(t, done, "submit", writeFile(t, "review.toml", text), "--yes"))
	for _, change := range []struct {
		name, old, new string
		fates          string // what the change is chosen for
	}{
		{"a flag", "100004", "100014", "lone restarts"},
		{"a global unit", "100003", "100013", "agent restarts"},
		{"one that takes another along", "100001", "100011", "db restarts, side restarts"},
		{"order alone", "[unit.lone.Service]", "[unit.lone.Unit]\nAfter = \"network.target\"\n[unit.lone.Service]", "lone restarts"},
		{"a move", "[unit.lone]\nrole = \"master\"", "[unit.lone]\nmetadata = [\"role=node\"]", "lone moves"},
		{"a state", "[unit.lone]\n", "[unit.lone]\nstate = \"loaded\"\n", "lone stops"},
		{"and back", "state = \"loaded\"\n", "", "lone starts"},
		{"more machines", "[unit.agent]\nrole   = \"node\"", "[unit.agent]\nrole   = [\"node\", \"master\"]", "agent restarts"},
		{"a new unit, and one that goes", "[unit.side]\nmachine_of = \"db\"\n[unit.side.Unit]\nRequires = \"db.service\"\n[unit.side.Service]", "[unit.more]\nrole = \"master\"\n[unit.more.Service]", "more starts, side stops"},
		{"another name", "[unit.lone]", "[unit.alone]", "alone starts, lone stops"},
	} {
		step(t, change.name, func(t *testing.T) {
			if !strings.Contains(text, change.old) {
				t.Fatalf("there is no %q", change.old)
			}
			text = strings.ReplaceAll(text, change.old, change.new)
			if change.name == "another name" {
				text = strings.ReplaceAll(text, "unit.lone.", "unit.alone.")
			}
			c.doesWhatWasSaid(t, writeFile(t, "review.toml", text), units, change.fates)
		})
	}
}

// doesWhatWasSaid submits a file and compares.
func (c cluster) doesWhatWasSaid(t *testing.T, file string, units []string, fates string) {
	t.Helper()
	var report struct {
		Units []struct {
			Unit, Was string
			Effect    effect
		}
	}
	c.untouched(t, func() {
		t.Log(c.stackc(t, changes, "diff", file, "--prune"))
		c.stackc(t, changes, "diff", file, "--prune", "--output", "json").decode(t, &report)
	})
	before := c.runs(t, units)
	c.stackc(t, done, "submit", file, "--prune", "--yes")
	said := map[string]effect{}
	var told []string
	for _, u := range report.Units {
		said[u.Unit] = u.Effect
		told = append(told, strings.TrimSuffix(u.Unit, ".service")+" "+u.Effect.Fate)
		if u.Was != "" { // it goes, and all its machines with it
			gone := effect{Fate: "stops", Sure: true}
			for p := range before {
				if p.unit == u.Was {
					gone.Stops = append(gone.Stops, c.machineOf(t, p.node))
				}
			}
			said[u.Was] = gone
			told = append(told, strings.TrimSuffix(u.Was, ".service")+" stops")
		}
	}
	slices.Sort(told)
	if got := strings.Join(told, ", "); got != fates {
		t.Errorf("diff says %q, want %q", got, fates)
	}
	eventually(t, "what diff said", func() error {
		after := c.runs(t, units)
		for _, unit := range units {
			var is effect
			for _, n := range c.every() {
				p, id := place{unit, n}, c.machineOf(t, n)
				switch {
				case before[p] == "" && after[p] != "":
					is.Starts = append(is.Starts, id)
				case before[p] != "" && after[p] == "":
					is.Stops = append(is.Stops, id)
				case before[p] != after[p]:
					is.Restarts = append(is.Restarts, id)
				}
			}
			if want := said[unit]; !want.agrees(is) {
				return fmt.Errorf("%s: said %+v, was %+v", unit, want, is)
			}
		}
		return nil
	})
}

// runs tells which start of each unit runs now; a unit that has ended keeps the ID
// of its last start.
func (c cluster) runs(t *testing.T, units []string) map[place]string {
	t.Helper()
	ids := c.invocations(t, units...)
	for p, state := range c.show(t, "ActiveState", units...) {
		if state != "active" {
			delete(ids, p)
		}
	}
	return ids
}

// agrees compares the machines; where fleet had a choice, their number.
func (e effect) agrees(is effect) bool {
	same := func(a, b []string) bool {
		return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) || e.Fate != "" && !e.Sure && len(a) == len(b)
	}
	return same(e.Restarts, is.Restarts) && same(e.Starts, is.Starts) && same(e.Stops, is.Stops)
}

// machineOf returns the machine ID of a node.
func (c cluster) machineOf(t *testing.T, node string) string {
	t.Helper()
	for _, n := range c.Nodes() {
		if n.Name == node {
			return n.MachineID()
		}
	}
	t.Fatalf("there is no node %s", node)
	return ""
}
