package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// faultyStack has units that any machine may have, one of which takes its time, so that
// something can happen while a submit is on its way.
const faultyStack = `
[params]
level = 1

[unit.slow.Service]
ExecStartPre = "/bin/sleep 5"
ExecStart    = "/bin/sleep ${{ level }}00000"
Restart      = "always"

[unit.db.Service]
ExecStart = "/bin/sleep ${{ level }}00001"
Restart   = "always"

[unit.web]
count = 6
[unit.web.Service]
ExecStart = "/bin/sleep ${{ level }}00002"
Restart   = "always"
`

// faultyUnits are its units.
func faultyUnits() []string {
	list := []string{"db.service", "slow.service"}
	for i := range 6 {
		list = append(list, fmt.Sprintf("web@%d.service", i+1))
	}
	return list
}

// TestFaults breaks the cluster in the middle of one submit after another. However a
// submit ends, it says why, and once the cluster is whole the same command brings it
// to the file: no unit lost, none twice, none with an older content.
func TestFaults(t *testing.T) {
	c := up(t, lab.Config{})
	file := stack(t, "faulty", faultyStack)
	c.stackc(t, done, "submit", file)
	level := 1
	during := func(name string, breaks, mends func(t *testing.T)) {
		step(t, name, func(t *testing.T) {
			level++
			args := []string{"submit", file, "--set", fmt.Sprintf("level=%d", level), "--timeout", "2m"}
			r := c.start(t, args...)
			r.meanwhile(t, "the first request", func() error {
				if !strings.Contains(r.stdout.String(), " sent, to be ") {
					return fmt.Errorf("it says\n%s", r)
				}
				return nil
			})
			breaks(t)
			<-r.ended
			t.Logf("%s ends with %d after %s\n%s", name, r.code, r.took.Round(time.Second), r)
			switch r.code {
			case done:
			case unitFailed, unreachable, unplaceable:
				if r.code == unreachable {
					r.says(t, "error: ", "the same command goes on from there")
				}
			default:
				t.Errorf("exit code %d", r.code)
			}
			mends(t)
			c.allMachines(t)
			c.stackc(t, done, args...)
			c.eachOnce(t, fmt.Sprintf("/bin/sleep %d0000", level))
			// fleet's rows may be gone for some seconds after a machine has come back.
			eventually(t, "status", func() error {
				r := c.start(t, "status", file, "--set", fmt.Sprintf("level=%d", level), "--exit-code")
				if <-r.ended; r.code != done {
					return fmt.Errorf("%s", r)
				}
				return nil
			})
		})
	}
	node := func(name string, argv ...string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if _, err := c.Node(name).Exec(within(t), argv...); err != nil {
				t.Fatal(err)
			}
		}
	}
	must := func(f func(t *testing.T) error) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := f(t); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(*testing.T) {}
	during("fleetd of a node is restarted", node("node1", "systemctl", "restart", "fleet.service"), nothing)
	during("fleetd that is asked is restarted", node(c.Master().Name, "systemctl", "restart", "fleet.service"), nothing)
	during("etcd is away for 20 s", func(t *testing.T) {
		node(c.Master().Name, "systemctl", "stop", "etcd.service")(t)
		time.Sleep(20 * time.Second)
		node(c.Master().Name, "systemctl", "start", "etcd.service")(t)
	}, nothing)
	during("a node is killed", must(func(*testing.T) error { return c.Node("node2").Kill() }),
		must(func(t *testing.T) error { return c.Node("node2").Start(within(t)) }))
	during("the network of a node is cut", must(func(t *testing.T) error { return c.Node("node1").CutNetwork(within(t)) }),
		must(func(t *testing.T) error { return c.Node("node1").HealNetwork(within(t)) }))
}

// allMachines waits until fleet of the master lists every node.
func (c cluster) allMachines(t *testing.T) {
	t.Helper()
	eventually(t, "all machines", func() error {
		machines, err := c.Master().Machines(within(t))
		if err == nil && len(machines) != len(c.Nodes()) {
			err = fmt.Errorf("fleet lists %v", machines)
		}
		return err
	})
}

// eachOnce waits until every unit is active on one machine, with a command that begins
// so, as systemd of the machines has it.
func (c cluster) eachOnce(t *testing.T, command string) {
	t.Helper()
	eventually(t, "each unit once", func() error {
		for _, unit := range faultyUnits() {
			var places []string
			for _, n := range c.Nodes() {
				text, err := n.Exec(within(t), "systemctl", "show", "--property=ActiveState,ExecStart", unit)
				if err != nil {
					return err
				}
				if strings.Contains(text, "ActiveState=active") {
					places = append(places, n.Name)
					if !strings.Contains(text, command) {
						return fmt.Errorf("%s on %s runs\n%s", unit, n.Name, text)
					}
				}
			}
			if len(places) != 1 {
				return fmt.Errorf("%s runs on %v", unit, places)
			}
		}
		return nil
	})
}
