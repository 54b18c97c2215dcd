package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// words uses every kind of readiness and what else becomes shell in a unit, with
// texts that systemd, the shell, curl and grep would each like to read in their own way.
const words = `stack = "words"

[roles]
master = { metadata = "role=master", address = "10.20.30.40" }
node   = "role=node"

[host.etcd]
unit  = "etcd.service"
role  = "master"
port  = 4001
ready = { tcp = true }

[host.docker]
unit  = "docker.service"
ready = { unit = true }

[unit.first]
role  = "master"
after = ["etcd", "docker"]
ready = { etcd = "/words/100% it's" }
env   = { COREOS_PRIVATE_IPV4 = "/etc/environment" }
[unit.first.etcd_put]
"/words/table" = { Network = "10.244.0.0/16", Backend = { Type = "vxlan", Port = 8472 }, Text = "a \"b\" 'c' \\ $HOME 100% <&>" }
"/words/text"  = "it's 100% \"text\" \\ with $HOME, %n, $(id) and ` + "`id`" + `; é # <a&b> +"
"/words/100% it's" = "there"
[unit.first.Service]
ExecStart = "/bin/sh -c 'echo address=$COREOS_PRIVATE_IPV4; exec sleep infinity'"
Restart   = "always"

[unit.beside]
machine_of = "first"
after      = ["first"]
ready      = { file = "/run/it's here", contains = "100% & so" }
[unit.beside.Service]
ExecStart = """/bin/sh -c 'echo "it is 100%% & so" > "$$0"; exec sleep infinity' "/run/it's here" """
Restart   = "always"

[unit.last]
machine_of = "beside"
after      = ["beside"]
ready      = { command = "test \"$(cut -c1-5 '/run/it'\\''s here')\" = 'it is' && test '%' = \"%\"" }
[unit.last.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"

[unit.very-last]
machine_of = "last"
after      = ["last"]
[unit.very-last.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"

[unit.away]
role   = "node"
count  = 2
spread = true
after  = ["first", "docker"]
[unit.away.Service]
ExecStart = "/bin/sh -c 'echo instance=${{ self.instance }} %i; exec sleep infinity'"
Restart   = "always"

[unit.once]
role  = "node"
after = ["docker"]
[unit.once.Service]
Type      = "oneshot"
ExecStart = "/bin/sh -c 'echo done'"

[unit.spare]
role  = "node"
state = "loaded"
[unit.spare.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"

[unit.shelved]
state = "inactive"
[unit.shelved.Service]
ExecStart = "/bin/sleep infinity"
Restart   = "always"
`

// TestLanguage has the cluster run what the compiler makes of the words.
func TestLanguage(t *testing.T) {
	c := up(t, lab.Config{})
	file := writeFile(t, "words.toml", words)
	step(t, "submit", func(t *testing.T) {
		t.Log(c.stackc(t, done, "submit", file))
		t.Log(c.table(t))
		c.untouched(t, func() { c.stackc(t, done, "submit", file).says(t, "nothing to do") })
	})
	step(t, "places and states", func(t *testing.T) { placesOfWords(t, c) })
	step(t, "keys in etcd", func(t *testing.T) {
		for key, want := range map[string]string{
			"/words/table":           `{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan","Port":8472},"Text":"a \"b\" 'c' \\ $HOME 100% <&>"}`,
			"/words/text":            "it's 100% \"text\" \\ with $HOME, %n, $(id) and `id`; é # <a&b> +",
			"/words/100%25%20it%27s": "there",
		} {
			var answer struct{ Node keys }
			if err := json.Unmarshal(c.etcd(t, "/v2/keys"+key), &answer); err != nil || answer.Node.Value != want {
				t.Errorf("%s is\n%s, %v, want\n%s", key, answer.Node.Value, err, want)
			}
		}
	})
	step(t, "journals", func(t *testing.T) {
		journal, err := c.Master().Journal(within(t), "first.service")
		if err != nil || !strings.Contains(journal, ": address=10.20.30.40\n") {
			t.Errorf("first.service: %v\n%s", err, journal)
		}
		for p := range c.units(t) {
			number, ok := strings.CutPrefix(p.unit, "away@")
			if !ok {
				continue
			}
			number = strings.TrimSuffix(number, ".service")
			journal, err := c.Node(p.node).Journal(within(t), p.unit)
			if want := fmt.Sprintf(": instance=%s %s\n", number, number); err != nil || !strings.Contains(journal, want) {
				t.Errorf("%s has no %q: %v\n%s", p.unit, want, err, journal)
			}
		}
	})
	step(t, "compile gives what fleet has", func(t *testing.T) { compiledIsLive(t, c, file) })
}

// placesOfWords compares the places and states of the units with the words.
func placesOfWords(t *testing.T, c cluster) {
	t.Helper()
	rows, where := c.units(t), map[string]string{}
	for p, r := range rows {
		where[p.unit] = strings.TrimSpace(where[p.unit] + " " + p.node)
		want := "active"
		if p.unit == "once.service" || p.unit == "spare.service" {
			want = "inactive"
		}
		if r.load != "loaded" || r.active != want {
			t.Errorf("%s on %s is %v, want it %s", p.unit, p.node, r, want)
		}
	}
	for _, u := range []string{"first", "beside", "last", "very-last"} {
		if where[u+".service"] != "master" {
			t.Errorf("%s runs on %q, want master", u, where[u+".service"])
		}
	}
	away := []string{where["away@1.service"], where["away@2.service"]}
	if slices.Sort(away); !slices.Equal(away, []string{"node1", "node2"}) {
		t.Errorf("the instances of away are on %q, want each node once", away)
	}
	files := c.files(t)
	if f := files["shelved.service"]; f.desired != "inactive" || where["shelved.service"] != "" {
		t.Errorf("shelved.service is %+v on %q, want it on no machine", f, where["shelved.service"])
	}
	if f := files["spare.service"]; f.desired != "loaded" {
		t.Errorf("spare.service is %+v, want it loaded", f)
	}
	journal, err := c.Node(where["once.service"]).Journal(within(t), "once.service")
	if err != nil || strings.Count(journal, ": done\n") != 1 {
		t.Errorf("once.service ran not once: %v\n%s", err, journal)
	}
}

// compiledIsLive writes the units as files and compares them with those that
// fleetctl shows, byte by byte but for the blanks at the end.
func compiledIsLive(t *testing.T, c cluster, file string) {
	t.Helper()
	dir := t.TempDir()
	start(t, "compile", file, "-o", dir).wait(t, done)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	live := slices.Collect(maps.Keys(c.files(t)))
	for _, e := range entries {
		if !slices.Contains(live, e.Name()) {
			t.Errorf("%s is compiled, and fleet does not have it", e.Name())
			continue
		}
		text, err := c.Fleetctl(within(t), "cat", e.Name())
		if want := readFile(t, filepath.Join(dir, e.Name())); err != nil || strings.TrimSpace(text) != strings.TrimSpace(want) {
			t.Errorf("%s: %v; fleetctl shows\n%s, compiled is\n%s", e.Name(), err, text, want)
		}
	}
	if len(live) != len(entries) {
		t.Errorf("fleet has %q, compiled were %d", live, len(entries))
	}
}
