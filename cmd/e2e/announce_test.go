package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// severalMasters is Kubernetes on a cluster that has two machines with
// role=master, with etcd on a third that is neither master nor node. Of its two
// addresses the first is that of a machine without etcd.
const severalMasters = `stack = "k8s"

[[use]]
stack = "std:kubernetes/0.15"
[use.params]
mirror       = "http://10.20.30.242"
master       = "10.20.30.41"
announce     = true
etcd-role    = ["store"]
etcd-address = ["10.20.30.43", "10.20.30.40"]
unverified   = true

[roles]
store = "role=store"
`

// TestAnnounce kills the master on which the apiserver runs: the kubelets and
// proxies follow it to the other one, and nobody submits anything.
func TestAnnounce(t *testing.T) {
	c := up(t, lab.Config{
		FleetEnv: []string{"FLEET_AGENT_TTL=6s"},
		Nodes: []lab.NodeConfig{
			{Name: "store", Address: "10.20.30.40", Metadata: "role=store", Etcd: true},
			{Name: "master1", Address: "10.20.30.41", Metadata: "role=master"},
			{Name: "master2", Address: "10.20.30.42", Metadata: "role=master"},
			{Name: "node1", Address: "10.20.30.43", Metadata: "role=node"},
			{Name: "node2", Address: "10.20.30.44", Metadata: "role=node"},
		},
	})
	c.mirror(t, "0.15")
	file := writeFile(t, "k8s.toml", severalMasters)
	nodes := []string{"node1", "node2"}
	var first, second *lab.Node
	step(t, "submit", func(t *testing.T) {
		t.Log(c.stackc(t, done, "submit", file))
		t.Log(c.table(t))
		first = c.runner(t, "kube-apiserver.service")
		second = c.Node("master2")
		if first.Name == "master2" {
			second = c.Node("master1")
		}
		if got := c.runner(t, "kube-apiserver-announce.service"); got != first {
			t.Errorf("what announces the apiserver is on %s, the apiserver on %s", got.Name, first.Name)
		}
		c.follow(t, first, nodes)
		c.untouched(t, func() { c.stackc(t, done, "submit", file).says(t, "nothing to do") })
	})
	step(t, "a restart in place moves nobody", func(t *testing.T) {
		before := c.starts(t, nodes)
		if _, err := first.Exec(within(t), "systemctl", "restart", "kube-apiserver.service", "kube-apiserver-announce.service"); err != nil {
			t.Fatal(err)
		}
		c.follow(t, first, nodes)
		if after := c.starts(t, nodes); !maps.Equal(before, after) {
			t.Errorf("followers were started again: %v, before %v", after, before)
		}
	})
	step(t, "the master with the apiserver is killed", func(t *testing.T) {
		before := c.starts(t, nodes)
		c.untouched(t, func() {
			began := time.Now()
			if err := first.Kill(); err != nil {
				t.Fatal(err)
			}
			c.follow(t, second, nodes)
			t.Logf("all follow the apiserver to %s %s after the power cut", second.Name, time.Since(began).Round(100*time.Millisecond))
		})
		for p, id := range c.starts(t, nodes) {
			if before[p] == id {
				t.Errorf("%s on %s was not started again", p.unit, p.node)
			}
		}
		for _, name := range nodes {
			journal, err := c.Node(name).Journal(within(t), "kube-apiserver-follow.service")
			if err != nil || strings.Count(journal, "kube-apiserver is at HOST="+second.Address) != 1 {
				t.Errorf("%s: %v\n%s", name, err, journal)
			}
			t.Logf("%s:\n%s", name, journal)
		}
	})
	step(t, "it comes back", func(t *testing.T) {
		before := c.starts(t, nodes)
		if err := first.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "all machines", func() error {
			machines, err := c.Master().Machines(within(t))
			if err == nil && len(machines) != len(c.Nodes()) {
				err = fmt.Errorf("fleet lists %v", machines)
			}
			return err
		})
		t.Log(c.stackc(t, done, "submit", file))
		if got := c.runner(t, "kube-apiserver.service"); got != second {
			t.Errorf("the apiserver is on %s, want it to stay on %s", got.Name, second.Name)
		}
		c.follow(t, second, nodes)
		if after := c.starts(t, nodes); !maps.Equal(before, after) {
			t.Errorf("followers were started again: %v, before %v", after, before)
		}
	})
}

// runner returns the one node that a unit is on.
func (c cluster) runner(t *testing.T, unit string) *lab.Node {
	t.Helper()
	target := c.files(t)[unit].target
	return c.Node(c.nodeOf(t, target))
}

// followers are the units on the nodes that take the apiserver's address, with the
// flag that gives it to them.
var followers = map[string]string{
	"kube-kubelet.service": "--api_servers=%s:8080",
	"kube-proxy.service":   "--master=http://%s:8080",
}

// follow waits until the apiserver is announced at a machine and all that follow it
// there are called with its address and are healthy, which they are only while the
// apiserver answers them.
func (c cluster) follow(t *testing.T, at *lab.Node, nodes []string) {
	t.Helper()
	eventually(t, "the key", func() error {
		var answer struct{ Node keys }
		body, err := c.get(within(t), c.EtcdURL()+"/v2/keys/stackc/k8s/announce/kube-apiserver")
		if err == nil {
			err = json.Unmarshal(body, &answer)
		}
		if want := fmt.Sprintf("HOST=%[1]s ADDRESS=%[1]s:8080 URL=http://%[1]s:8080", at.Address); err == nil && answer.Node.Value != want {
			err = fmt.Errorf("etcd has %q, want %q", answer.Node.Value, want)
		}
		return err
	})
	health := map[string]string{"kube-kubelet.service": "10248", "kube-proxy.service": "10249"}
	for _, name := range nodes {
		n := c.Node(name)
		for unit, flag := range followers {
			want := fmt.Sprintf(flag, at.Address)
			eventually(t, unit+" on "+name, func() error {
				answer, err := n.Exec(within(t), "curl", "-fsS", "--max-time", "5", "http://127.0.0.1:"+health[unit]+"/healthz")
				if err != nil {
					return fmt.Errorf("%w %s", err, answer)
				}
				if got := commandLine(t, n, unit); !slices.Contains(got, want) {
					return fmt.Errorf("it runs as %q, want %s", got, want)
				}
				return nil
			})
		}
	}
}

// starts tells which start of each follower is the present one.
func (c cluster) starts(t *testing.T, nodes []string) map[place]string {
	t.Helper()
	all := map[place]string{}
	for _, name := range nodes {
		for unit := range followers {
			id, err := c.Node(name).Exec(within(t), "systemctl", "show", "--value", "--property=InvocationID", unit)
			if err != nil {
				t.Fatal(err)
			}
			all[place{unit, name}] = strings.TrimSpace(id)
		}
	}
	return all
}
