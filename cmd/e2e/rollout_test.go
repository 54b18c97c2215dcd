package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// rollingStack has three instances that change one after the other, and a global
// unit that changes machine by machine.
const rollingStack = `stack = "rolling"

[unit.web]
count  = 3
update = { max_unavailable = 1, healthy_for = "3s" }
[unit.web.Service]
ExecStart = "/usr/bin/sleep 1000%[1]d"
Restart   = "always"

[unit.agent]
global = true
update = { one_machine_at_a_time = true, healthy_for = "3s" }
[unit.agent.Service]
ExecStart = "/usr/bin/sleep 1000%[1]d"
Restart   = "always"
`

// TestRollout changes both and asks systemd of every machine all the while how many
// are up.
func TestRollout(t *testing.T) {
	c := up(t, lab.Config{})
	version := func(n int) string {
		return writeFile(t, fmt.Sprintf("rolling%d.toml", n), fmt.Sprintf(rollingStack, n))
	}
	t.Log(c.stackc(t, done, "submit", version(1)))
	before := c.invocations(t, "web@1.service", "web@2.service", "web@3.service", "agent.service")
	submit := c.start(t, "submit", version(2))
	samples, fewestWeb, fewestAgents := 0, 3, len(c.Nodes())
	for !submit.over() {
		began := time.Now()
		webs, agents, seen := c.rolling(t)
		if time.Since(began) > time.Second {
			continue // one machine was asked before a change and another after the next one
		}
		if webs < min(2, fewestWeb) || agents < min(len(c.Nodes())-1, fewestAgents) {
			t.Logf("%s to %s: too few are up: %q", began.Format("15:04:05.000"), time.Now().Format("15:04:05.000"), seen)
		}
		fewestWeb, fewestAgents = min(fewestWeb, webs), min(fewestAgents, agents)
		samples++
	}
	t.Log(submit.wait(t, done))
	if samples < 50 {
		t.Fatalf("%d samples tell nothing", samples)
	}
	t.Logf("%d samples: at least %d of web were up, and agent on at least %d machines", samples, fewestWeb, fewestAgents)
	if fewestWeb < 2 || fewestAgents < len(c.Nodes())-1 {
		t.Errorf("at one time %d of web were up, and agent on %d machines", fewestWeb, fewestAgents)
	}
	after := c.invocations(t, "web@1.service", "web@2.service", "web@3.service", "agent.service")
	if got := restarted(before, after); len(got) != 3+len(c.Nodes()) {
		t.Errorf("restarted %v", got)
	}
	if files := c.files(t); len(files) != 4 {
		t.Errorf("fleet has %v", files)
	}
	c.stackc(t, done, "submit", version(2)).says(t, "nothing to do")
}

// rolling counts the instances that are up, and the machines on which the global unit
// or its stand-in is, as systemd has it. seen is what each machine has said.
func (c cluster) rolling(t *testing.T) (webs, agents int, seen map[string][]string) {
	t.Helper()
	up := map[string]bool{}
	seen = map[string][]string{}
	for _, n := range c.Nodes() {
		text, err := n.Exec(within(t), "systemctl", "list-units", "--plain", "--no-legend", "--state=active", "web@*", "agent.service", "agent.on-*")
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) > 0 {
				found = append(found, f[0])
			}
		}
		seen[n.Name] = found
		for _, unit := range found {
			if strings.HasPrefix(unit, "web@") {
				up[unit] = true
			}
		}
		if slices.ContainsFunc(found, func(unit string) bool { return strings.HasPrefix(unit, "agent.") }) {
			agents++
		}
	}
	return len(up), agents, seen
}
