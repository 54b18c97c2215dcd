package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// TestRecovery breaks what can break between two submits: the next one brings the
// cluster to what the stack says.
func TestRecovery(t *testing.T) {
	c := up(t, lab.Config{FleetEnv: []string{"FLEET_AGENT_TTL=6s"}})
	k := kubernetes015(t, c)
	step(t, "submit is killed on the way", func(t *testing.T) {
		killed := c.start(t, "submit", k.file, "--params", k.params)
		killed.meanwhile(t, "the first request", func() error {
			if !strings.Contains(killed.stdout.String(), " sent, to be ") {
				return fmt.Errorf("it says\n%s", killed)
			}
			return nil
		})
		if err := killed.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		t.Log(killed.wait(t, -1))
		c.stackc(t, done, "submit", k.file, "--params", k.params)
		k.holds(t, c)
	})
	step(t, "fleetd of a node is restarted", func(t *testing.T) {
		starts := c.invocations(t, names(k.places)...)
		if _, err := c.Node("node1").Exec(within(t), "systemctl", "restart", "fleet.service"); err != nil {
			t.Fatal(err)
		}
		c.submitUntilUp(t, k)
		var want []place
		for _, p := range k.places {
			if p.node == "node1" {
				want = append(want, p)
			}
		}
		// fleetd stops what it runs when it is stopped.
		if got := restarted(starts, c.invocations(t, names(k.places)...)); !slices.Equal(got, sorted(want)) {
			t.Errorf("restarted were %v, want %v", got, want)
		}
	})
	step(t, "the master is killed and comes back", func(t *testing.T) {
		if err := c.Master().Kill(); err != nil {
			t.Fatal(err)
		}
		t.Log(c.stackc(t, unreachable, "submit", k.file, "--params", k.params))
		if err := c.Master().Start(within(t)); err != nil {
			t.Fatal(err)
		}
		c.submitUntilUp(t, k)
		registered(t, c, "10.20.30.41", "10.20.30.42")
	})
}

// submitUntilUp submits once fleet lists all machines again.
func (c cluster) submitUntilUp(t *testing.T, k release) {
	t.Helper()
	eventually(t, "all machines", func() error {
		for _, n := range c.Nodes() {
			machines, err := n.Machines(within(t))
			if err != nil {
				return err
			}
			if len(machines) != len(c.Nodes()) {
				return fmt.Errorf("fleet of %s lists %v", n.Name, machines)
			}
		}
		return nil
	})
	t.Log(c.stackc(t, done, "submit", k.file, "--params", k.params))
	t.Log(c.table(t))
	c.runsAt(t, k.places)
	k.isHealthy(t, c)
	k.hasSubnets(t, c)
	c.untouched(t, func() {
		c.stackc(t, done, "submit", k.file, "--params", k.params).says(t, "nothing to do")
	})
}
