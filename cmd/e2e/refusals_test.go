package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// TestRefusals submits stacks that cannot come up, each for another reason, to one
// cluster. None may take another one down with it.
func TestRefusals(t *testing.T) {
	c := up(t, lab.Config{})
	c.mirror(t, "0.15")
	c.submitForeign(t, "foreign.service", "/bin/sleep infinity")
	starts := c.invocations(t, "foreign.service")
	for _, part := range []struct {
		name string
		run  func(*testing.T, cluster)
	}{
		{"no machine can run it", unplaceableUnit},
		{"bad input", badStack},
		{"a unit of somebody else", foreignUnit},
		{"it fails", failingUnit},
		{"it fails again and again", flappingUnit},
		{"the download is another file", wrongDownload},
		{"the mirror has no such file", missingDownload},
		{"it waits no longer", boundedWait},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, c) })
	}
	if moved := restarted(starts, c.invocations(t, "foreign.service")); len(moved) > 0 {
		t.Errorf("foreign.service was stopped or restarted at %v", moved)
	}
}

// stack writes a stack file.
func stack(t *testing.T, name, text string) string {
	t.Helper()
	return writeFile(t, name+".toml", fmt.Sprintf("stack = %q\n\n%s", name, text))
}

func unplaceableUnit(t *testing.T, c cluster) {
	file := stack(t, "lonely", `
[roles]
gpu  = "role=gpu"
node = "role=node"

[unit.trainer]
role = "gpu"
[unit.trainer.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"

[unit.fine]
role = "node"
[unit.fine.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"
`)
	files := c.files(t)
	c.untouched(t, func() {
		refused := c.stackc(t, unplaceable, "submit", file, "--verbose")
		refused.says(t, "no machine can run trainer.service", "role=gpu", "nothing is sent", " 0 writes")
		for _, n := range c.Nodes() {
			if !slices.ContainsFunc(strings.Split(refused.stdout.String(), "\n"), func(line string) bool {
				return strings.Contains(line, n.Address+":") && strings.Contains(line, "role")
			}) {
				t.Errorf("no reason is given for %s:\n%s", n.Name, refused)
			}
		}
		t.Log(refused)
		c.stackc(t, changes, "plan", file).says(t, "no machine can run trainer.service")
	})
	if after := c.files(t); len(after) != len(files) {
		t.Errorf("fleetctl listed %v and lists %v", files, after)
	}
}

func badStack(t *testing.T, c cluster) {
	for _, bad := range []struct{ name, text, says string }{
		{"typo in a directive", "[unit.a.Service]\nExecStrat = \"/bin/true\"\n", "ExecStart"},
		{"unknown role", "[unit.a]\nrole = \"nodes\"\n[unit.a.Service]\nExecStart = \"/bin/sleep 9\"\nRestart = \"always\"\n[roles]\nnode = \"role=node\"\n", `"node"`},
		{"not TOML", "[unit.a\n", "error"},
		{"unknown unit", "[unit.a]\nafter = [\"b\"]\n[unit.a.Service]\nExecStart = \"/bin/sleep 9\"\nRestart = \"always\"\n", `"b"`},
		{"metadata that fleet loses", "[roles]\nnode = \"role=node=x\"\n[unit.a]\nrole = \"node\"\n[unit.a.Service]\nExecStart = \"/bin/sleep 9\"\nRestart = \"always\"\n", "role=node=x"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			file := stack(t, "bad", bad.text)
			c.untouched(t, func() {
				for _, command := range []string{"submit", "plan", "diff"} {
					r := c.stackc(t, badInput, command, file, "--debug")
					r.says(t, file+":", "error", bad.says)
					r.silent(t, "/fleet/v1/")
				}
			})
		})
	}
}

// foreignUnit has a name that is taken.
func foreignUnit(t *testing.T, c cluster) {
	file := stack(t, "thief", "[unit.foreign]\nglobal = true\n[unit.foreign.Service]\nExecStart = \"/bin/sleep 99999\"\nRestart = \"always\"\n")
	c.untouched(t, func() {
		t.Log(c.stackc(t, badInput, "submit", file))
	})
}

func failingUnit(t *testing.T, c cluster) {
	file := stack(t, "broken", `
allow = ["no-restart"]

[roles]
node = "role=node"

[unit.broken]
role = "node"
[unit.broken.Service]
ExecStart = "/bin/false"
Restart   = "no"

[unit.fine]
role = "node"
[unit.fine.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"
`)
	failed := c.stackc(t, unitFailed, "submit", file)
	failed.says(t, "broken.service failed", "last seen loaded/failed/failed on 1020304")
	failed.silent(t, "fine.service failed")
	t.Log(failed)
	if s := c.stackc(t, unitFailed, "status", file); !strings.Contains(s.stdout.String(), "loaded/failed/failed") {
		t.Errorf("status does not tell of it:\n%s", s)
	}
	remove(t, c, file)
}

func flappingUnit(t *testing.T, c cluster) {
	file := stack(t, "flapping", `
[unit.flapping.Service]
ExecStart  = "/bin/false"
Restart    = "always"
RestartSec = 4
`)
	failed := c.stackc(t, unitFailed, "submit", file, "--timeout", "15s")
	failed.says(t, "flapping.service timeout", "last seen loaded/activating/auto-restart on 1020304")
	t.Log(failed)
	remove(t, c, file)
}

// wrongDownload has the checksum of another file.
func wrongDownload(t *testing.T, c cluster) {
	wrong := strings.Repeat("0123456789abcdef", 4)
	file := stack(t, "fetch", fmt.Sprintf(`
allow = ["no-restart"]

[roles]
master = "role=master"

[unit.fetch]
role     = "master"
download = [{ url = "http://10.20.30.242/kubelet", to = "/opt/bin/fetched", sha256 = %q }]
[unit.fetch.Service]
ExecStart = "/opt/bin/fetched --version"
Restart   = "no"
`, wrong))
	failed := c.stackc(t, unitFailed, "submit", file)
	failed.says(t, "fetch.service failed", "last seen loaded/failed/failed on 10203040")
	t.Log(failed)
	journal, err := c.Master().Journal(within(t), "fetch.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"http://10.20.30.242/kubelet is not the file with sha256 " + wrong} {
		if !strings.Contains(journal, want) {
			t.Errorf("the journal does not say %q:\n%s", want, journal)
		}
	}
	t.Log(journal)
	if started := c.show(t, "ExecMainStartTimestampMonotonic", "fetch.service")[place{"fetch.service", "master"}]; started != "0" || strings.Contains(journal, "stand-in for") {
		t.Errorf("the wrong file was run (at %s):\n%s", started, journal)
	}
	left, err := os.ReadDir(c.Master().Path("/opt/bin"))
	if err != nil || len(left) > 0 {
		t.Errorf("in /opt/bin is %v, %v; want nothing", left, err)
	}
	remove(t, c, file)
}

// missingDownload waits for what is not there yet, and starts once it is.
func missingDownload(t *testing.T, c cluster) {
	text := "#!/bin/sh\nexec sleep infinity\n"
	file := stack(t, "later", fmt.Sprintf(`
[roles]
master = "role=master"

[unit.later]
role     = "master"
download = [{ url = "http://10.20.30.242/later", to = "/opt/bin/later", sha256 = %q }]
[unit.later.Service]
ExecStart = "/opt/bin/later"
Restart   = "always"
`, hashOf(text)))
	late := c.stackc(t, unitFailed, "submit", file, "--timeout", "10s")
	late.says(t, "later.service timeout", "download (http://10.20.30.242/later)", "last seen loaded/activating/start-pre on 10203040")
	t.Log(late)
	if err := os.WriteFile(c.MirrorDir()+"/later", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c.untouched(t, func() { c.stackc(t, done, "submit", file) })
	journal, err := c.Master().Journal(within(t), "later.service")
	if err != nil || !strings.Contains(journal, "waiting for download http://10.20.30.242/later, try 1\n") {
		t.Errorf("the journal does not tell of the tries: %v\n%s", err, journal)
	}
	remove(t, c, file)
}

// boundedWait has a waiter that gives up.
func boundedWait(t *testing.T, c cluster) {
	file := stack(t, "bounded", `
allow = ["no-restart"]

[host.nobody]
address = "10.20.30.40"
port    = 9
ready   = { tcp = true }

[unit.bounded]
after = ["nobody"]
wait  = "4s"
[unit.bounded.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "no"
`)
	failed := c.stackc(t, unitFailed, "submit", file)
	failed.says(t, "bounded.service failed", "last seen loaded/failed/failed on 10203040")
	t.Log(failed)
	journal, err := c.Master().Journal(within(t), "bounded.service")
	for _, want := range []string{"bounded.service: waiting for nobody (tcp 10.20.30.40:9), try 1\n", "bounded.service: gave up waiting for nobody (tcp 10.20.30.40:9) after 4s\n"} {
		if err != nil || !strings.Contains(journal, want) {
			t.Errorf("the journal does not say %q: %v\n%s", want, err, journal)
		}
	}
	remove(t, c, file)
}

// remove destroys a stack, so that the next part finds the cluster as it was.
func remove(t *testing.T, c cluster, file string) {
	t.Helper()
	c.stackc(t, done, "destroy", file, "--yes")
	if files := c.files(t); len(files) != 1 {
		t.Errorf("fleetctl lists %v, want foreign.service alone", files)
	}
}

// TestUnreachable asks where nobody answers.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	file := stack(t, "any", "[unit.any.Service]\nExecStart = \"/bin/sleep infinity\"\nRestart = \"always\"\n")
	for name, endpoint := range map[string]string{
		"no socket":     "unix://" + t.TempDir() + "/fleet.sock",
		"nobody at TCP": "http://127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range []string{"submit", "status"} {
				r := start(t, command, file, "--endpoint", endpoint).wait(t, unreachable)
				r.says(t, "error", strings.TrimPrefix(endpoint, "unix://"))
			}
			t.Log(start(t, "machines", "--endpoint", endpoint).wait(t, unreachable))
		})
	}
}
