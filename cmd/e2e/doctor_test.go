package e2e

import (
	"fmt"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// TestDoctor finds nothing on a healthy cluster, then what others have submitted past
// every rule of stackc; and what it says mends it.
func TestDoctor(t *testing.T) {
	c := up(t, lab.Config{})
	file := stack(t, "fine", "[unit.fine]\nglobal = true\n[unit.fine.Service]\nExecStart = \"/bin/sleep 99999\"\nRestart = \"always\"\n"+
		"[unit.once]\nallow = [\"no-restart\"]\n[unit.once.Service]\nType = \"oneshot\"\nExecStart = \"/bin/true\"\n")
	c.stackc(t, done, "submit", file)
	step(t, "healthy", func(t *testing.T) {
		r := c.doctor(t).wait(t, done)
		r.says(t, "nothing is wrong", "1.0.0")
		r.silent(t, "unknown")
		t.Log(r)
	})
	conn, err := fleet.Dial(fleet.Config{Endpoint: c.Endpoint()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	put := func(name string, more ...units.Option) {
		t.Helper()
		options := append([]units.Option{{Section: "Service", Name: "ExecStart", Value: "/bin/sleep 99999"}}, more...)
		if err := conn.Put(within(t), units.Name(name), options, units.Launched); err != nil {
			t.Fatal(err)
		}
	}
	put("dead.service", units.Option{Section: "Unit", Name: "Requires", Value: "absent.service"})
	eventually(t, "dead.service is on a machine", func() error {
		for p := range c.units(t) {
			if p.unit == "dead.service" {
				return nil
			}
		}
		return fmt.Errorf("%v", c.units(t))
	})
	master := units.Option{Section: "X-Fleet", Name: "MachineMetadata", Value: c.Master().Metadata}
	put("bad.service", master, units.Option{Section: "Install", Name: "Alias", Value: "bad.socket"})
	put("good.service", master)
	put("gpu.service", units.Option{Section: "X-Fleet", Name: "MachineMetadata", Value: "role=gpu"})
	step(t, "ill", func(t *testing.T) {
		r := c.doctor(t).wait(t, unitFailed)
		r.says(t, "unloadable: bad.service", "says nothing of good.service", "stackc unload bad.service",
			"unplaced: gpu.service", "stackc unload gpu.service", "dead-unit: dead.service")
		t.Log(r)
	})
	step(t, "mended", func(t *testing.T) {
		c.stackc(t, done, "unload", "bad.service", "gpu.service", "dead.service", "--yes")
		eventually(t, "good.service runs", func() error {
			if r := c.units(t)[place{"good.service", c.Master().Name}]; r.active != "active" {
				return fmt.Errorf("%v", r)
			}
			return nil
		})
		c.doctor(t).wait(t, done).says(t, "nothing is wrong")
	})
}

// doctor begins a run of stackc doctor that reaches etcd as a machine of the cluster does.
func (c cluster) doctor(t *testing.T) *run {
	t.Helper()
	args := []string{"doctor", "--endpoint", c.Endpoint(), "--etcd-endpoint", c.EtcdURL()}
	return begin(t, c.Master().NetnsCommand(within(t), append([]string{program}, args...)...), args)
}
