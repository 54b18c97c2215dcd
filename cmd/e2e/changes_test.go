package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// TestKubernetes015 takes the stack of the offline guide through its life.
func TestKubernetes015(t *testing.T) {
	c := up(t, lab.Config{})
	k := kubernetes015(t, c)
	step(t, "plan", func(t *testing.T) {
		c.untouched(t, func() {
			plan := c.stackc(t, changes, "plan", k.file, "--params", k.params)
			plan.says(t, "8 to create", "kube-apiserver.service", "10.20.30.40")
		})
	})
	step(t, "submit", func(t *testing.T) {
		t.Log(c.stackc(t, done, "submit", k.file, "--params", k.params))
		t.Log(c.table(t))
		k.holds(t, c)
		registered(t, c, "10.20.30.41", "10.20.30.42")
		for _, name := range []string{"node1", "node2"} {
			n := c.Node(name)
			arguments(t, n, "kube-kubelet.service", "--hostname_override="+n.Address, "--api_servers=10.20.30.40:8080")
			arguments(t, n, "kube-proxy.service", "--master=http://10.20.30.40:8080")
		}
		arguments(t, c.Master(), "kube-scheduler.service", "--master=127.0.0.1:8080")
	})
	step(t, "fleetctl agrees", func(t *testing.T) { k.agrees(t, c) })
	step(t, "submit again", func(t *testing.T) { unchanged(t, c, k) })
	step(t, "one changed flag", func(t *testing.T) { changedFlag(t, c, k) })
	step(t, "a removed unit", func(t *testing.T) { removedUnit(t, c, k) })
	step(t, "destroy", func(t *testing.T) { destroyed(t, c, k) })
}

// variant writes a copy of the stack with more behind it; later words win.
func (k release) variant(t *testing.T, more string) string {
	t.Helper()
	return writeFile(t, "k8s.toml", readFile(t, k.file)+"\n"+more)
}

// command is the ExecStart of a unit as it is compiled.
func (k release) command(t *testing.T, unit string) string {
	t.Helper()
	var compiled struct {
		Units []struct{ Name, Text string }
	}
	start(t, "compile", k.file, "--params", k.params, "--output", "json").wait(t, done).decode(t, &compiled)
	for _, u := range compiled.Units {
		for line := range strings.Lines(u.Text) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); ok && u.Name == unit {
				return value
			}
		}
	}
	t.Fatalf("%s has no ExecStart", unit)
	return ""
}

// changedFlag gives the kubelets one more flag: nothing else may be touched.
func changedFlag(t *testing.T, c cluster, k release) {
	t.Helper()
	const kubelet = "kube-kubelet.service"
	changed := k.variant(t, fmt.Sprintf("[unit.kube-kubelet.Service]\nExecStart = '%s --v=4'\n", k.command(t, kubelet)))
	var diff struct {
		Units []struct {
			Unit, Action string
			Directives   []struct{ Section, Name string }
		}
	}
	c.untouched(t, func() {
		text := c.stackc(t, changes, "diff", changed, "--params", k.params)
		text.says(t, kubelet, "in place", "[Service] ExecStart", "+ --v: 4")
		for _, other := range names(k.places) {
			if other != kubelet {
				text.silent(t, other)
			}
		}
		t.Log(text)
		c.stackc(t, changes, "diff", changed, "--params", k.params, "--output", "json").decode(t, &diff)
		c.stackc(t, changes, "plan", changed, "--params", k.params)
	})
	if len(diff.Units) != 1 || diff.Units[0].Unit != kubelet || diff.Units[0].Action != "replace" || len(diff.Units[0].Directives) != 1 || diff.Units[0].Directives[0].Name != "ExecStart" {
		t.Errorf("the difference is %+v, want ExecStart of %s alone", diff.Units, kubelet)
	}
	files, starts, fetched := c.files(t), c.invocations(t, names(k.places)...), c.fetched(t)
	t.Log(c.stackc(t, done, "submit", changed, "--params", k.params))
	c.runsAt(t, k.places)
	if got, want := restarted(starts, c.invocations(t, names(k.places)...)), on(kubelet, "node1", "node2"); !slices.Equal(got, want) {
		t.Errorf("restarted were %v, want %v", got, want)
	}
	for _, name := range []string{"node1", "node2"} {
		arguments(t, c.Node(name), kubelet, "--v=4")
	}
	after := c.files(t)
	if after[kubelet].hash == files[kubelet].hash {
		t.Errorf("fleet has the old %s", kubelet)
	}
	delete(files, kubelet)
	delete(after, kubelet)
	if !maps.Equal(files, after) {
		t.Errorf("of the other units fleetctl listed\n%v and lists\n%v", files, after)
	}
	if again := c.fetched(t); !maps.EqualFunc(fetched, again, maps.Equal) {
		t.Errorf("the mirror was asked again: %v, before %v", again, fetched)
	}
	t.Log(c.stackc(t, done, "submit", k.file, "--params", k.params)) // and back
	c.runsAt(t, k.places)
}

// removedUnit takes the proxy out of the stack: it goes when that is asked for, and
// not before.
func removedUnit(t *testing.T, c cluster, k release) {
	t.Helper()
	const proxy = "kube-proxy.service"
	smaller := k.variant(t, "[unit]\nkube-proxy = false\n")
	starts := c.invocations(t, names(k.places)...)
	c.untouched(t, func() {
		for command, code := range map[string]int{"diff": changes, "plan": done, "submit": done} { // it differs, and nothing is to be done
			kept := c.stackc(t, code, command, smaller, "--params", k.params)
			kept.says(t, proxy)
			t.Log(kept)
		}
	})
	c.runsAt(t, k.places)
	c.stackc(t, changes, "plan", smaller, "--params", k.params, "--prune").says(t, proxy, "1 to remove")
	t.Log(c.stackc(t, done, "submit", smaller, "--params", k.params, "--prune", "--yes"))
	if _, there := c.files(t)[proxy]; there {
		t.Errorf("%s was removed, and fleetctl lists it", proxy)
	}
	stopped(t, c, proxy)
	if got, want := restarted(starts, c.invocations(t, names(k.places)...)), on(proxy, "node1", "node2"); !slices.Equal(got, want) {
		t.Errorf("stopped or restarted were %v, want %v", got, want)
	}
}

// stopped waits until systemd of every node knows the units no more.
func stopped(t *testing.T, c cluster, units ...string) {
	t.Helper()
	eventually(t, "the end of the units", func() error {
		for p, state := range c.show(t, "LoadState", units...) {
			if state != "not-found" {
				return fmt.Errorf("%s on %s is %s", p.unit, p.node, state)
			}
		}
		return nil
	})
}

// destroyed removes the stack from beside a unit that is not its own.
func destroyed(t *testing.T, c cluster, k release) {
	t.Helper()
	const foreign = "foreign.service"
	c.submitForeign(t, foreign, "/bin/sleep infinity")
	starts := c.invocations(t, foreign)
	t.Log(c.stackc(t, done, "destroy", k.file, "--params", k.params, "--yes"))
	files := c.files(t)
	if _, there := files[foreign]; !there || len(files) != 1 {
		t.Errorf("fleetctl lists %v, want %s alone", files, foreign)
	}
	stopped(t, c, names(k.places)...)
	if moved := restarted(starts, c.invocations(t, foreign)); len(starts) == 0 || len(moved) > 0 {
		t.Errorf("%s was at %v, and now %v are stopped or restarted", foreign, starts, moved)
	}
	c.untouched(t, func() {
		c.stackc(t, done, "destroy", k.file, "--params", k.params, "--yes").says(t, "nothing to do")
	})
	for _, n := range c.Nodes() {
		left, err := os.ReadDir(n.Path("/opt/bin"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if slices.Contains(k.programs[n.Name], f.Name()) {
				continue
			}
			t.Errorf("%s was left in /opt/bin of %s", f.Name(), n.Name)
		}
	}
}

// submitForeign starts a global unit with fleetctl, as somebody does who has not
// heard of stackc, and waits until it runs.
func (c cluster) submitForeign(t *testing.T, name, command string) {
	t.Helper()
	path := writeFile(t, name, "[Service]\nExecStart="+command+"\n\n[X-Fleet]\nGlobal=true\n")
	if _, err := c.Fleetctl(within(t), "start", "--no-block", path); err != nil {
		t.Fatal(err)
	}
	eventually(t, name, func() error {
		rows := c.units(t)
		for _, p := range on(name, c.every()...) {
			if r := rows[p]; r.active != "active" {
				return fmt.Errorf("on %s it is %v", p.node, r)
			}
		}
		return nil
	})
}
