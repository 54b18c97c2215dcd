package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
	"github.com/stackc/stackc/cmd/fleetlab/labtest"
)

// cluster is a real cluster and how to look at it past stackc.
type cluster struct{ *lab.Lab }

// up brings up a cluster for the test alone. All tests run beside each other: they
// mostly wait.
func up(t *testing.T, c lab.Config) cluster {
	t.Helper()
	t.Parallel()
	if os.Getenv(lab.NoCluster) != "1" {
		var err error
		if c.Binaries, err = binaries(); err != nil {
			t.Fatal(err)
		}
	}
	return cluster{labtest.Up(t, c)}
}

// mirror has the mirror serve the programs of a release and returns their SHA-256.
func (c cluster) mirror(t *testing.T, release string) map[string]string {
	t.Helper()
	b, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	sums, err := b.BuildMirror(c.MirrorDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	// The tools are for people: nothing runs them here.
	for _, name := range []string{"kubectl", "kubernetes"} {
		text := fmt.Sprintf("#!/bin/sh\necho stand-in for %s of release %s\n", name, release)
		if err := os.WriteFile(filepath.Join(c.MirrorDir(), name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sums[name] = hashOf(text)
	}
	return sums
}

func hashOf(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// start begins a run of stackc against the cluster.
func (c cluster) start(t *testing.T, args ...string) *run {
	t.Helper()
	return start(t, append(args, "--endpoint", c.Endpoint())...)
}

// stackc runs stackc against the cluster and wants it to end with the code.
func (c cluster) stackc(t *testing.T, code int, args ...string) *run {
	t.Helper()
	return c.start(t, args...).wait(t, code)
}

// place is a unit on a machine.
type place struct{ unit, node string }

// on lists the places of a unit.
func on(unit string, nodes ...string) []place {
	var list []place
	for _, n := range nodes {
		list = append(list, place{unit, n})
	}
	return list
}

// every names all nodes.
func (c cluster) every() []string {
	var names []string
	for _, n := range c.Nodes() {
		names = append(names, n.Name)
	}
	return names
}

// nodeOf returns the name of the node with that machine ID.
func (c cluster) nodeOf(t *testing.T, id string) string {
	t.Helper()
	for _, n := range c.Nodes() {
		if n.MachineID() == id {
			return n.Name
		}
	}
	t.Fatalf("no node has the machine ID %q", id)
	return ""
}

// row is one line of fleetctl list-units.
type row struct{ load, active, sub, hash string }

// units asks fleetctl for the state of every unit on every machine.
func (c cluster) units(t *testing.T) map[place]row {
	t.Helper()
	text, err := c.Fleetctl(within(t), "list-units", "--full", "--no-legend", "--fields=unit,machine,load,active,sub,hash")
	if err != nil {
		t.Fatal(err)
	}
	all := map[place]row{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 6 {
			t.Fatalf("fleetctl list-units: %q", line)
		}
		id, _, _ := strings.Cut(f[1], "/")
		all[place{f[0], c.nodeOf(t, id)}] = row{f[2], f[3], f[4], f[5]}
	}
	return all
}

// file is one line of fleetctl list-unit-files. The target of a global unit is "global".
type file struct{ hash, desired, current, target string }

// files asks fleetctl for every unit that the cluster has.
func (c cluster) files(t *testing.T) map[string]file {
	t.Helper()
	text, err := c.Fleetctl(within(t), "list-unit-files", "--full", "--no-legend", "--fields=unit,hash,dstate,state,target")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]file{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 5 {
			t.Fatalf("fleetctl list-unit-files: %q", line)
		}
		target, _, _ := strings.Cut(f[4], "/")
		all[f[0]] = file{f[1], f[2], f[3], target}
	}
	return all
}

// etcd gets a path of etcd's API.
func (c cluster) etcd(t *testing.T, path string) []byte {
	t.Helper()
	body, err := c.get(within(t), c.EtcdURL()+path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// get fetches a URL of the cluster's network.
func (c cluster) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", url, resp.Status, strings.TrimSpace(string(body)))
	}
	return body, err
}

// keys is a node of etcd's v2 API with all that is below it.
type keys struct {
	Key           string
	Value         string
	ModifiedIndex uint64
	Nodes         []keys
}

// written tells when each key was last written that only clients of fleet's API
// cause to be written: contents, jobs and desired states (fleet v1.0.0
// registry/job.go, registry/unit.go). Any request that writes shows in it, also one
// that writes what was there.
func (c cluster) written(t *testing.T) map[string]uint64 {
	t.Helper()
	var answer struct{ Node keys }
	if err := json.Unmarshal(c.etcd(t, "/v2/keys/_coreos.com/fleet?recursive=true&quorum=true"), &answer); err != nil {
		t.Fatal(err)
	}
	all := map[string]uint64{}
	collect(answer.Node, all)
	return all
}

func collect(k keys, into map[string]uint64) {
	path, ours := strings.CutPrefix(k.Key, "/_coreos.com/fleet/")
	switch {
	case !ours:
	case strings.HasPrefix(path, "unit/"),
		strings.HasPrefix(path, "job/") && (strings.HasSuffix(path, "/object") || strings.HasSuffix(path, "/target-state")):
		into[path] = k.ModifiedIndex
	}
	for _, below := range k.Nodes {
		collect(below, into)
	}
}

// untouched runs f and fails the test if it made any request that writes.
func (c cluster) untouched(t *testing.T, f func()) {
	t.Helper()
	before := c.written(t)
	f()
	if after := c.written(t); !maps.Equal(before, after) {
		t.Errorf("something was written to fleet:\nbefore %v\nafter  %v", before, after)
	}
}

// show asks systemd of every node for one property of units.
func (c cluster) show(t *testing.T, property string, units ...string) map[place]string {
	t.Helper()
	all := map[place]string{}
	for _, n := range c.Nodes() {
		for _, u := range units {
			text, err := n.Exec(within(t), "systemctl", "show", "--value", "--property="+property, u)
			if err != nil {
				t.Fatal(err)
			}
			all[place{u, n.Name}] = strings.TrimSpace(text)
		}
	}
	return all
}

// invocations tells which start of each unit is the present one: systemd gives
// every start an ID of its own.
func (c cluster) invocations(t *testing.T, units ...string) map[place]string {
	t.Helper()
	all := c.show(t, "InvocationID", units...)
	maps.DeleteFunc(all, func(_ place, id string) bool { return id == "" })
	return all
}

// restarted lists the places where a unit was started anew, came or went.
func restarted(before, after map[place]string) []place {
	var list []place
	for p, id := range after {
		if before[p] != id {
			list = append(list, p)
		}
	}
	for p := range before {
		if after[p] == "" {
			list = append(list, p)
		}
	}
	return sorted(list)
}

func sorted(list []place) []place {
	slices.SortFunc(list, func(a, b place) int {
		return strings.Compare(a.unit+" "+a.node, b.unit+" "+b.node)
	})
	return list
}

// runsAt fails the test unless just these units are on just these machines: active
// for systemd at once, and for fleet, whose rows may be gone for some seconds after a
// change, before long.
func (c cluster) runsAt(t *testing.T, want []place) {
	t.Helper()
	states := c.show(t, "ActiveState", names(want)...)
	for p, state := range states {
		if wanted := slices.Contains(want, p); wanted && state != "active" || !wanted && state != "inactive" {
			t.Errorf("systemd of %s has %s %s", p.node, p.unit, state)
		}
	}
	eventually(t, "the units as fleetctl lists them", func() error {
		rows := c.units(t)
		if got := sorted(slices.Collect(maps.Keys(rows))); !slices.Equal(got, sorted(want)) {
			return fmt.Errorf("they are at\n%v, want them at\n%v", got, want)
		}
		for p, r := range rows {
			if r.load != "loaded" || r.active != "active" {
				return fmt.Errorf("%s on %s is %s/%s/%s", p.unit, p.node, r.load, r.active, r.sub)
			}
		}
		return nil
	})
}

// names lists the units of places.
func names(places []place) []string {
	var list []string
	for _, p := range places {
		list = append(list, p.unit)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// fetched lists which nodes have fetched each file from the mirror, whole, and how
// often.
func (c cluster) fetched(t *testing.T) map[string]map[string]int {
	t.Helper()
	requests, err := c.MirrorRequests()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]int{}
	for _, r := range requests {
		info, err := os.Stat(c.MirrorDir() + r.Path)
		if err != nil || r.Status != http.StatusOK || r.Bytes != info.Size() {
			t.Errorf("the mirror answered %s %s of %s with %d and %d bytes (%v)", r.Method, r.Path, r.Client, r.Status, r.Bytes, err)
			continue
		}
		i := slices.IndexFunc(c.Nodes(), func(n *lab.Node) bool { return n.Address == r.Client })
		if i < 0 {
			t.Errorf("%s fetched %s and is no node", r.Client, r.Path)
			continue
		}
		name := strings.TrimPrefix(r.Path, "/")
		if all[name] == nil {
			all[name] = map[string]int{}
		}
		all[name][c.Nodes()[i].Name]++
	}
	return all
}

// sum is the SHA-256 of a file of a node.
func sum(t *testing.T, n *lab.Node, path string) string {
	t.Helper()
	return hashOf(readFile(t, n.Path(path)))
}

// commandLine is how the main process of a unit was really called.
func commandLine(t *testing.T, n *lab.Node, unit string) []string {
	t.Helper()
	pid, err := n.Exec(within(t), "systemctl", "show", "--value", "--property=MainPID", unit)
	if err != nil {
		t.Fatal(err)
	}
	text, err := n.Exec(within(t), "cat", "/proc/"+strings.TrimSpace(pid)+"/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(text, "\x00"), "\x00")
}

// table prints the units as fleetctl has them, for the log.
func (c cluster) table(t *testing.T) string {
	t.Helper()
	text, err := c.Fleetctl(within(t), "list-units", "--fields=unit,machine,active,sub,hash")
	if err != nil {
		t.Fatal(err)
	}
	return text
}
