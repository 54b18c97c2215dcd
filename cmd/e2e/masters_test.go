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

// balanced is Kubernetes 1.11 on several masters with etcd 3's own unit. The one address
// of the masters is that of a further machine, on which fleet places a relay.
func balanced(nodes []lab.NodeConfig, sums map[string]string) string {
	var behind []string
	for _, n := range nodes {
		if n.Metadata == "role=master" {
			behind = append(behind, n.Address+":6443")
		}
	}
	return `stack = "k8s"

[[use]]
stack = "std:kubernetes/1.11"
[use.params]
mirror           = "http://10.20.30.242"
master           = "10.20.30.40"
hyperkube-sha256 = "` + sums["hyperkube"] + `"
flanneld-sha256  = "` + sums["flanneld"] + `"

[network]
machines = "10.20.30.0/24"

[roles]
balancer = "role=balancer"

[unit.balancer]
role     = "balancer"
port     = 6443
ports    = [{ port = 6443, from = ["kube-kubelet", "kube-proxy"] }]
download = [{ url = "http://10.20.30.242/fleetlab", to = "/opt/bin/fleetlab", sha256 = "` + sums["fleetlab"] + `" }]
[unit.balancer.Service]
ExecStart = "/opt/bin/fleetlab relay --listen 10.20.30.40:${{ self.port }} ` + strings.Join(behind, " ") + `"
Restart   = "always"

# A master that is gone is missed before long.
[host.fleet]
unit        = "fleet.service"
environment = { FLEET_AGENT_TTL = "15s" }

[host.stackc-keys]
unit        = "stackc-keys.service"
environment = { CURL_CA_BUNDLE = "/etc/ssl/keys.pem" }

[file."/etc/ssl/keys.pem"]
source = "keys.pem"

` + inventory(nodes, func(m string) string { return fmt.Sprintf("%q", strings.TrimPrefix(m, "role=")) }, bootstrapKeys+`address  = "inventory"
etcd     = { members = "master" }
`)
}

// TestMasters boots three masters and a node, which fetch their keys from a server of
// the user's, and gives the masters one address. The master that has the apiserver dies:
// the node and its kubelet stay, and what fails is what asks for that machine.
func TestMasters(t *testing.T) {
	nodes := bareNodes("role=balancer", "role=master", "role=master", "role=master", "role=node")
	mirror, sums := programs(t, "1.11")
	sums["fleetlab"] = relay(t, mirror)
	s := secured{file: writeFile(t, "k8s.toml", balanced(nodes, sums)), sums: sums}
	server := newKeyServer(t, filepath.Join(filepath.Dir(s.file), "keys.pem"))
	s.keys = issue(t, s.file, filepath.Join(filepath.Dir(s.file), "k8s.pki"))
	server.give(s.keys, s.listed(t), nodes)
	users := userData(t, nodes, "bootstrap", s.file, "--pki", s.keys, "--pki-url", server.url)
	for name, text := range users {
		if strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "client-key") {
			t.Errorf("%s boots with a key:\n%s", name, text)
		}
	}
	s.cluster = up(t, lab.Config{Nodes: nodes, UserData: users, Mirror: mirror, Timeout: patience, Network: server.serve})
	balancer, masters, node := s.Nodes()[0], s.Nodes()[1:4], s.Nodes()[4]

	// fleet lists a machine when all its keys are there.
	s.delivered(t)
	server.gave(t, nodes)
	s.members(t, masters, balancer, node)

	t.Log(s.stackc(t, done, "submit", s.file))
	t.Log(s.table(t))
	first := s.runner(t, "kube-apiserver.service")
	s.runsAt(t, s.control(first, masters, node))
	s.verified(t)

	step(t, "nobody", func(t *testing.T) {
		s.fails(t, s.file, []string{"--ca-file", filepath.Join(s.keys, "ca.crt")}, "HTTP 403", "check nodes")
	})
	step(t, "the balancer is stopped", func(t *testing.T) {
		systemctl(t, balancer, "stop", "balancer.service")
		s.fails(t, s.file, as(s.keys, "admin"), "", "ready balancer", "ready kube-apiserver", "unit balancer.service")
		systemctl(t, balancer, "start", "balancer.service")
		s.verified(t)
	})
	step(t, "a certificate without the balancer's address", func(t *testing.T) {
		files := map[string]string{"/srv/kubernetes/server.cert": "apiserver.crt", "/srv/kubernetes/server.key": "apiserver.key"}
		s.put(t, first, "kube-apiserver.service", s.moved(t), files)
		s.fails(t, s.file, as(s.keys, "admin"), "", "check nodes", "ready kube-apiserver")
		s.put(t, first, "kube-apiserver.service", s.keys, files)
		s.verified(t)
	})
	step(t, "the master with the apiserver dies", func(t *testing.T) {
		before := s.starts(t, []string{node.Name})
		if err := first.Kill(); err != nil {
			t.Fatal(err)
		}
		s.fails(t, s.file, as(s.keys, "admin"), "", "machine "+first.Name, "ready etcd")
		s.failsAt(t, first)
		second := s.runner(t, "kube-apiserver.service")
		if second == first || !slices.Contains(masters, second) {
			t.Errorf("the apiserver is on %s", second.Name)
		}
		if after := s.starts(t, []string{node.Name}); !maps.Equal(before, after) {
			t.Errorf("kubelet or proxy were started again: %v, before %v", after, before)
		}
		if err := first.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		s.allMachines(t)
		s.verified(t)
		s.runsAt(t, s.control(second, masters, node))
	})
}

// relay puts the lab's relay on the mirror, and returns its SHA-256.
func relay(t *testing.T, mirror string) string {
	t.Helper()
	b, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, b.Fleetlab)
	if err := os.WriteFile(filepath.Join(mirror, "fleetlab"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return hashOf(text)
}

// failsAt holds that whatever does not hold is on one machine, or is the machine.
func (s secured) failsAt(t *testing.T, n *lab.Node) {
	t.Helper()
	_, text := s.verify(t, s.file, as(s.keys, "admin")...)
	var answer struct{ Checks []checked }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Checks {
		if c.Result == "failed" && c.On != n.Name && c.On != n.Address && c.Name != n.Name {
			t.Errorf("%s %s on %s does not hold: %s", c.Kind, c.Name, c.On, c.Seen)
		}
	}
}

// control is where all units are while a master has the apiserver.
func (s secured) control(master *lab.Node, masters []*lab.Node, node *lab.Node) []place {
	want := on("balancer.service", s.Nodes()[0].Name)
	for _, u := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		want = append(want, on(u+".service", master.Name)...)
	}
	for _, u := range []string{"kube-kubelet", "kube-proxy", "flannel"} {
		want = append(want, on(u+".service", node.Name)...)
	}
	for _, m := range masters {
		want = append(want, on("flannel.service", m.Name)...)
	}
	return want
}

// members holds that the masters have etcd by the unit that the image has for etcd 3, as
// its own user, and that the others have none.
func (s secured) members(t *testing.T, masters []*lab.Node, others ...*lab.Node) {
	t.Helper()
	const unit = "etcd-member.service"
	ask := func(n *lab.Node, script string) string {
		text, err := n.Exec(within(t), "sh", "-c", script)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(text)
	}
	for _, m := range masters {
		if user := ask(m, "stat -c %U /proc/$(systemctl show --value --property=MainPID "+unit+")"); user != "etcd" {
			t.Errorf("%s runs %s as %s", m.Name, unit, user)
		}
		if got := ask(m, "systemctl show --value --property=ActiveState "+unit+" etcd2.service"); strings.Join(strings.Fields(got), " ") != "active inactive" {
			t.Errorf("%s and etcd2.service on %s are %q", unit, m.Name, got)
		}
	}
	for _, n := range others {
		if got := ask(n, "systemctl show --value --property=LoadState "+unit); got != "masked" {
			t.Errorf("%s on %s is %s", unit, n.Name, got)
		}
	}
}
