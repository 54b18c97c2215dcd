package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
	"github.com/stackc/stackc/fleet"
)

// TestLateAPIServer submits Kubernetes where the apiserver answers long after it has
// been started: systemd calls it active at once, and only the waiters know better.
func TestLateAPIServer(t *testing.T) {
	const late = 30 * time.Second
	c := up(t, lab.Config{})
	k := kubernetes015(t, c)
	if err := c.Master().WriteFile("/etc/kube-standin/kube-apiserver.delay", fmt.Sprintf("%.0f\n", late.Seconds()), 0o644); err != nil {
		t.Fatal(err)
	}
	submit := c.start(t, "submit", k.file, "--params", k.params)
	step(t, "it is waited for", func(t *testing.T) { apiserverIsAwaited(t, c, submit) })
	step(t, "another submit only waits", func(t *testing.T) {
		c.untouched(t, func() {
			other := c.start(t, "submit", k.file, "--params", k.params)
			other.meanwhile(t, "the plan of the other submit", func() error {
				if !strings.Contains(other.stdout.String(), "unchanged") {
					return fmt.Errorf("it says\n%s", other)
				}
				return nil
			})
			other.interrupt(t)
			t.Log(other.wait(t, interrupted))
		})
	})
	step(t, "then all is up", func(t *testing.T) {
		t.Log(submit.wait(t, done))
		if submit.took < late {
			t.Errorf("submit ended after %s, and the apiserver answered after %s", submit.took, late)
		}
		k.holds(t, c)
		registered(t, c, "10.20.30.41", "10.20.30.42")
		for p, n := range c.show(t, "NRestarts", names(k.places)...) {
			if slices.Contains(k.places, p) && n != "0" {
				t.Errorf("%s on %s was restarted %s times", p.unit, p.node, n)
			}
		}
	})
	step(t, "the journals tell of each try", func(t *testing.T) {
		for unit, url := range map[string]string{
			"kube-kubelet.service": "http://10.20.30.40:8080/healthz", "kube-proxy.service": "http://10.20.30.40:8080/healthz",
		} {
			tries(t, c.Node("node1"), unit, "kube-apiserver", url)
			tries(t, c.Node("node2"), unit, "kube-apiserver", url)
		}
		for _, unit := range []string{"kube-controller-manager.service", "kube-scheduler.service", "kube-register.service"} {
			tries(t, c.Master(), unit, "kube-apiserver", "http://127.0.0.1:8080/healthz")
		}
	})
}

// TestQueuedBehind has units that systemd keeps in its queue, inactive (dead), while
// the one that they come after waits: for longer than a unit may be dead before
// submit gives it up.
func TestQueuedBehind(t *testing.T) {
	const long = fleet.DefaultPatience + 10*time.Second
	c := up(t, lab.Config{})
	text := "#!/bin/sh\nexec sleep infinity\n"
	file := stack(t, "queue", fmt.Sprintf(`
[roles]
master = "role=master"

[unit.first]
role     = "master"
download = [{ url = "http://10.20.30.242/first", to = "/opt/bin/first", sha256 = %q }]
[unit.first.Service]
ExecStart = "/opt/bin/first"
Restart   = "always"

[unit.second]
machine_of = "first"
after      = ["first"]
[unit.second.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"

[unit.third]
machine_of = "second"
after      = ["second"]
[unit.third.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"
`, hashOf(text)))
	submit := c.start(t, "submit", file)
	submit.meanwhile(t, "units in the queue", func() error {
		rows := c.units(t)
		first, second, third := rows[place{"first.service", "master"}], rows[place{"second.service", "master"}], rows[place{"third.service", "master"}]
		if first.sub != "start-pre" || second.sub != "dead" || third.sub != "dead" {
			return fmt.Errorf("they are %v, %v and %v", first, second, third)
		}
		if seen := time.Since(submit.began); seen < long {
			return fmt.Errorf("it waits only for %s", seen)
		}
		return nil
	})
	if err := os.WriteFile(filepath.Join(c.MirrorDir(), "first"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log(submit.wait(t, done))
	c.runsAt(t, append(on("first.service", "master"), append(on("second.service", "master"), on("third.service", "master")...)...))
}

// apiserverIsAwaited looks at the cluster while the apiserver is late.
func apiserverIsAwaited(t *testing.T, c cluster, submit *run) {
	t.Helper()
	waiting := append(on("kube-kubelet.service", "node1", "node2"), on("kube-proxy.service", "node1", "node2")...)
	waiting = append(waiting, on("kube-scheduler.service", "master")...)
	submit.meanwhile(t, "units that wait for the apiserver", func() error {
		rows := c.units(t)
		if r := rows[place{"kube-apiserver.service", "master"}]; r.active != "active" {
			return fmt.Errorf("the apiserver is %v", r)
		}
		for _, p := range waiting {
			if r := rows[p]; r.active != "activating" || r.sub != "start-pre" {
				return fmt.Errorf("%s on %s is %v", p.unit, p.node, r)
			}
		}
		return nil
	})
	for p, state := range c.show(t, "SubState", names(waiting)...) {
		if slices.Contains(waiting, p) && state != "start-pre" {
			t.Errorf("systemd of %s has %s in %s", p.node, p.unit, state)
		}
	}
	if _, err := c.get(within(t), "http://10.20.30.40:8080/healthz"); err == nil {
		t.Error("the apiserver answers already: the test came too late")
	}
	submit.meanwhile(t, "what submit says of the kubelets", func() error {
		for _, ip := range []string{"10.20.30.41", "10.20.30.42"} {
			if !waitsFor(submit.stdout.String(), "kube-kubelet.service waiting on "+ip, "kube-apiserver (http://10.20.30.40:8080/healthz)") {
				return fmt.Errorf("it does not tell what the kubelet of %s waits for:\n%s", ip, submit)
			}
		}
		return nil
	})
	t.Logf("while the apiserver is late:\n%s", c.table(t))
}

// waitsFor looks for a line that tells of a waiting unit on a machine and of what it
// waits for.
func waitsFor(text, unit, what string) bool {
	name, ip, _ := strings.Cut(unit, " on ")
	for line := range strings.Lines(text) {
		if strings.Contains(line, name) && strings.Contains(line, ip) && strings.Contains(line, what) {
			return true
		}
	}
	return false
}

// tries fails the test unless the unit's journal has one line for each try of its
// waiter: numbered from 1, none left out, none twice.
func tries(t *testing.T, n *lab.Node, unit, subject, probe string) {
	t.Helper()
	journal, err := n.Journal(within(t), unit)
	if err != nil {
		t.Fatal(err)
	}
	count, last := 0, ""
	line := fmt.Sprintf("%s: waiting for %s (%s), try ", unit, subject, probe)
	for text := range strings.Lines(journal) {
		_, number, ok := strings.Cut(strings.TrimSpace(text), line)
		if !ok {
			continue
		}
		count, last = count+1, strings.TrimSpace(text)
		if number != fmt.Sprint(count) {
			t.Errorf("%s on %s: line %d of the waiter has the number %s", unit, n.Name, count, number)
		}
	}
	if count < 3 {
		t.Errorf("%s on %s: the journal tells of %d tries %q:\n%s", unit, n.Name, count, line, journal)
	}
	t.Logf("%s: %d tries; the last: %s", n.Name, count, last)
}
