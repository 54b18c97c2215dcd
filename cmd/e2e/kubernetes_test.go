package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// release is one of the shipped stacks as it is to be on the cluster.
type release struct {
	file   string
	params string // a parameter file
	sums   map[string]string
	places []place
	// programs are the files that each node downloads to /opt/bin, by node.
	programs map[string][]string
	// health are the URLs that answer once the programs reach what they need, by node.
	health map[string][]string
	// config is the key that flannel reads, and mtu what its backend leaves.
	config, mtu string
}

// kubernetes015 is the stack of the offline guide.
func kubernetes015(t *testing.T, c cluster) release {
	t.Helper()
	nodes := []string{"node1", "node2"}
	r := release{
		file:   filepath.Join("..", "..", "stacks", "k8s.toml"),
		config: `{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}`,
		mtu:    "1450",
		programs: map[string][]string{
			"master": {"flanneld", "kube-apiserver", "kube-controller-manager", "kube-register", "kube-scheduler", "kubectl", "kubernetes"},
			"node1":  {"flanneld", "kube-proxy", "kubelet"},
			"node2":  {"flanneld", "kube-proxy", "kubelet"},
		},
		health: map[string][]string{
			"master": {"http://127.0.0.1:8080", "http://10.20.30.40:8080", "http://127.0.0.1:10251", "http://127.0.0.1:10252"},
			"node1":  {"http://10.20.30.41:10250", "http://10.20.30.41:10248", "http://127.0.0.1:10249"},
			"node2":  {"http://10.20.30.42:10250", "http://10.20.30.42:10248", "http://127.0.0.1:10249"},
		},
	}
	r.sums = c.mirror(t, "0.15")
	r.params = r.parameters(t)
	for _, u := range []string{"get-kube-tools", "kube-apiserver", "kube-controller-manager", "kube-register", "kube-scheduler"} {
		r.places = append(r.places, on(u+".service", "master")...)
	}
	r.places = append(r.places, on("flannel.service", c.every()...)...)
	r.places = append(r.places, on("kube-kubelet.service", nodes...)...)
	r.places = append(r.places, on("kube-proxy.service", nodes...)...)
	return r
}

// kubernetes07 is the stack of the cloud guide, on the addresses of the cluster.
func kubernetes07(t *testing.T, c cluster) release {
	t.Helper()
	r := release{
		file:   filepath.Join("..", "..", "stacks", "k8s-0.7.toml"),
		config: `{"Network":"10.244.0.0/16"}`,
		mtu:    "1472",
		programs: map[string][]string{
			"master": {"flannel", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet"},
			"node1":  {"flannel", "kube-proxy", "kubelet"},
			"node2":  {"flannel", "kube-proxy", "kubelet"},
		},
		health: map[string][]string{
			"master": {"http://127.0.0.1:8080", "http://127.0.0.1:10251", "http://127.0.0.1:10252", "http://10.20.30.40:10250"},
			"node1":  {"http://10.20.30.41:10250"},
			"node2":  {"http://10.20.30.42:10250"},
		},
	}
	r.sums = c.mirror(t, "0.7")
	r.params = r.parameters(t, `mirror = "http://10.20.30.242"`, `minions = ["10.20.30.40", "10.20.30.41", "10.20.30.42"]`)
	for _, u := range []string{"apiserver", "controller-manager", "scheduler"} {
		r.places = append(r.places, on(u+".service", "master")...)
	}
	for _, u := range []string{"flannel", "kubelet", "proxy"} {
		r.places = append(r.places, on(u+".service", c.every()...)...)
	}
	return r
}

// parameters writes a parameter file that has the checksums which the stack asks for.
func (r release) parameters(t *testing.T, lines ...string) string {
	t.Helper()
	lines = append(lines, "unverified = false")
	for _, name := range r.downloads() {
		lines = append(lines, fmt.Sprintf("%s-sha256 = %q", name, r.sums[name]))
	}
	return writeFile(t, "params.toml", strings.Join(lines, "\n")+"\n")
}

// downloads names all files that some node downloads.
func (r release) downloads() []string {
	var all []string
	for _, list := range r.programs {
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// holds fails the test unless the cluster is what the stack says, in all respects.
func (r release) holds(t *testing.T, c cluster) {
	t.Helper()
	c.runsAt(t, r.places)
	r.isHealthy(t, c)
	r.isDownloaded(t, c)
	r.hasSubnets(t, c)
}

// isHealthy waits until the programs answer on every machine: a program is healthy
// when it reaches what it needs, so that a kubelet's answer is the apiserver's too.
func (r release) isHealthy(t *testing.T, c cluster) {
	t.Helper()
	for name, urls := range r.health {
		for _, url := range urls {
			eventually(t, url+" on "+name, func() error {
				answer, err := c.Node(name).Exec(within(t), "curl", "-fsS", "--max-time", "5", url+"/healthz")
				if err == nil && strings.TrimSpace(answer) != "ok" {
					err = fmt.Errorf("answers %q", answer)
				}
				return err
			})
		}
	}
}

// isDownloaded compares the files of each node with those of the mirror, and who
// fetched them.
func (r release) isDownloaded(t *testing.T, c cluster) {
	t.Helper()
	fetched := c.fetched(t)
	for name, programs := range r.programs {
		for _, p := range programs {
			if got, want := sum(t, c.Node(name), "/opt/bin/"+p), r.sums[p]; got != want {
				t.Errorf("%s on %s has the SHA-256 %s, want %s", p, name, got, want)
			}
			if n := fetched[p][name]; n != 1 {
				t.Errorf("%s fetched %s %d times, want once", name, p, n)
			}
		}
	}
	for p, nodes := range fetched {
		for name := range nodes {
			if !slices.Contains(r.programs[name], p) {
				t.Errorf("%s fetched %s, which it has no use for", name, p)
			}
		}
	}
}

// hasSubnets reads what flannel wrote on each machine, and its configuration in etcd.
func (r release) hasSubnets(t *testing.T, c cluster) {
	t.Helper()
	var answer struct{ Node keys }
	if err := json.Unmarshal(c.etcd(t, "/v2/keys/coreos.com/network/config"), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Node.Value != r.config {
		t.Errorf("the configuration in etcd is %s, want %s", answer.Node.Value, r.config)
	}
	for _, n := range c.Nodes() {
		text, err := n.Exec(within(t), "cat", "/run/flannel/subnet.env")
		if err != nil {
			t.Fatal(err)
		}
		number := n.Address[strings.LastIndex(n.Address, ".")+1:]
		for _, want := range []string{"FLANNEL_SUBNET=10.244." + number + ".1/24\n", "FLANNEL_MTU=" + r.mtu + "\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("subnet.env of %s has no %q:\n%s", n.Name, want, text)
			}
		}
	}
}

// arguments fails the test unless a unit's process was called with all of them.
func arguments(t *testing.T, n *lab.Node, unit string, want ...string) {
	t.Helper()
	got := commandLine(t, n, unit)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s on %s runs without %q: %q", unit, n.Name, w, got)
		}
	}
}

// registered waits until the apiserver has just these nodes.
func registered(t *testing.T, c cluster, want ...string) {
	t.Helper()
	eventually(t, "the nodes that kube-register finds", func() error {
		body, err := c.get(within(t), "http://10.20.30.40:8080/api/v1beta1/minions")
		if err != nil {
			return err
		}
		var list struct{ Items []struct{ ID string } }
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		var got []string
		for _, m := range list.Items {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("the apiserver has the nodes %q, want %q", got, want)
		}
		return nil
	})
}

// agrees compares what stackc says of a stack with what fleetctl says of the
// cluster: units, contents, states, machines.
func (r release) agrees(t *testing.T, c cluster) {
	t.Helper()
	var compiled struct {
		Units []struct{ Name, Desired, Hash string }
	}
	start(t, "compile", r.file, "--params", r.params, "--output", "json").wait(t, done).decode(t, &compiled)
	files, rows := c.files(t), c.units(t)
	if len(compiled.Units) != len(files) {
		t.Errorf("stackc compiles %d units, and fleetctl lists %d", len(compiled.Units), len(files))
	}
	for _, u := range compiled.Units {
		if f := files[u.Name]; f.hash != u.Hash || f.desired != u.Desired {
			t.Errorf("%s: stackc has %s %s, fleetctl %s %s", u.Name, u.Hash, u.Desired, f.hash, f.desired)
		}
		for p, row := range rows {
			if p.unit == u.Name && row.hash != u.Hash {
				t.Errorf("%s on %s runs %s, want %s", u.Name, p.node, row.hash, u.Hash)
			}
		}
	}
	var plan struct {
		Units []struct {
			Unit, Action string
			OldHash      string `json:"old_hash"`
		}
	}
	c.stackc(t, done, "plan", r.file, "--params", r.params, "--output", "json").decode(t, &plan)
	if len(plan.Units) != len(files) {
		t.Errorf("stackc plan has %d units, fleetctl %d", len(plan.Units), len(files))
	}
	for _, u := range plan.Units {
		if u.Action != "none" || u.OldHash != files[u.Unit].hash {
			t.Errorf("stackc plan reads %+v, fleetctl %+v", u, files[u.Unit])
		}
	}
	r.statusAgrees(t, c, files, rows)
}

// statusAgrees compares the lines of stackc status with those of fleetctl.
func (r release) statusAgrees(t *testing.T, c cluster, files map[string]file, rows map[place]row) {
	t.Helper()
	var status struct {
		Right bool
		Units []struct {
			Unit, Desired, Current, Systemd, Machine, Content string
			Global, Right                                     bool
		}
	}
	c.stackc(t, done, "status", r.file, "--params", r.params, "--output", "json").decode(t, &status)
	if !status.Right || len(status.Units) != len(rows) {
		t.Errorf("stackc status has %d lines (right: %t), fleetctl list-units %d", len(status.Units), status.Right, len(rows))
	}
	for _, u := range status.Units {
		f, ok := files[u.Unit]
		p := place{u.Unit, c.nodeOf(t, u.Machine)}
		row := rows[p]
		if !ok || u.Systemd != row.load+"/"+row.active+"/"+row.sub || u.Desired != f.desired || u.Content != "same" || !u.Right {
			t.Errorf("stackc status says %+v, fleetctl %+v and %+v", u, f, row)
		}
		if u.Global != (f.target == "global") || !u.Global && f.target != u.Machine {
			t.Errorf("%s: stackc status has it on %s (global: %t), fleetctl on %s", u.Unit, u.Machine, u.Global, f.target)
		}
	}
}

func TestKubernetes07(t *testing.T) {
	c := up(t, lab.Config{EtcdOnNodes: true, DockerAfterFlannel: true})
	k := kubernetes07(t, c)
	step(t, "submit", func(t *testing.T) {
		t.Log(c.stackc(t, done, "submit", k.file, "--params", k.params))
		t.Log(c.table(t))
		k.holds(t, c)
		for _, n := range c.Nodes() {
			arguments(t, n, "kubelet.service", "-address="+n.Address, "-hostname_override="+n.Address, "-etcd_servers=http://127.0.0.1:4001")
			arguments(t, n, "flannel.service", "-iface="+n.Address)
		}
		for _, n := range c.Nodes() { // this release's proxy listens nowhere: its log tells
			eventually(t, "the proxy of "+n.Name, func() error {
				journal, err := n.Journal(within(t), "proxy.service")
				if err == nil && !strings.HasSuffix(strings.TrimSpace(journal), "]: healthy") {
					err = fmt.Errorf("its log is\n%s", journal)
				}
				return err
			})
		}
		arguments(t, c.Master(), "controller-manager.service", "-machines=10.20.30.40,10.20.30.41,10.20.30.42")
	})
	step(t, "fleetctl agrees", func(t *testing.T) { k.agrees(t, c) })
	step(t, "submit again", func(t *testing.T) { unchanged(t, c, k) })
}

// unchanged submits what is there already: nothing may be written or restarted.
func unchanged(t *testing.T, c cluster, k release) {
	t.Helper()
	files, starts, fetched := c.files(t), c.invocations(t, names(k.places)...), c.fetched(t)
	c.untouched(t, func() {
		again := c.stackc(t, done, "submit", k.file, "--params", k.params, "--verbose")
		again.says(t, "nothing to do", " 0 writes")
		t.Log(again)
		for _, command := range []string{"plan", "diff"} {
			c.stackc(t, done, command, k.file, "--params", k.params)
		}
	})
	if after := c.files(t); !maps.Equal(files, after) {
		t.Errorf("fleetctl listed\n%v and lists\n%v", files, after)
	}
	if moved := restarted(starts, c.invocations(t, names(k.places)...)); len(moved) > 0 {
		t.Errorf("systemd has restarted %v", moved)
	}
	if after := c.fetched(t); !maps.EqualFunc(fetched, after, maps.Equal) {
		t.Errorf("the mirror was asked again: %v, before %v", after, fetched)
	}
}
