package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// bareNodes are machines that know nothing yet but their address.
func bareNodes(metadata ...string) []lab.NodeConfig {
	var nodes []lab.NodeConfig
	for i, m := range metadata {
		// Etcd is where this test asks etcd: whether one runs there the cloud-config says.
		nodes = append(nodes, lab.NodeConfig{Name: fmt.Sprintf("core%d", i+1), Address: fmt.Sprintf("10.20.30.%d", 40+i), Metadata: m, Etcd: i == 0})
	}
	return nodes
}

// inventory writes the machines and what stackc bootstrap is to make of them.
func inventory(nodes []lab.NodeConfig, roles func(metadata string) string, bootstrap string) string {
	var b strings.Builder
	for _, n := range nodes {
		metadata, rack := n.Metadata, ""
		if first, rest, ok := strings.Cut(n.Metadata, ","); ok && strings.HasPrefix(first, "rack=") {
			metadata, rack = rest, strings.TrimPrefix(first, "rack=")
		}
		fmt.Fprintf(&b, "[machine.%s]\nrole = %s\naddress = %q\n", n.Name, roles(metadata), n.Address)
		if rack != "" {
			fmt.Fprintf(&b, "metadata = \"rack=%s\"\n", rack)
		}
	}
	return b.String() + bootstrap
}

const bootstrapKeys = `[bootstrap]
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2sPz3uxYQBUoRlCQS2r6zjzuKi1kPSoQ1Wd1rH0Zs9 core@lab"]
update   = { group = "stable", reboot = "off" }
fleet    = { listen = "49153" }
docker   = {}
`

// offline is the guide without Internet: one master with etcd, the others nodes.
func offline(nodes []lab.NodeConfig) string {
	return `stack = "k8s"

[[use]]
stack  = "std:kubernetes/0.15"
params = { mirror = "http://10.20.30.242", master = "10.20.30.40", etcd-unit = "etcd2.service", unverified = true }

[network]
machines = "10.20.30.0/24"

` + inventory(nodes, func(m string) string { return fmt.Sprintf("%q", strings.TrimPrefix(m, "role=")) }, bootstrapKeys+`address  = "setup-network-environment"
etcd     = { members = "master" }
setup_network_environment = { url = "http://10.20.30.242/setup-network-environment", to = "/opt/bin/setup-network-environment", unverified = true }
`)
}

// minions is the guide for a cloud: etcd on all, all of them minions, one the master too.
func minions(nodes []lab.NodeConfig) string {
	return `stack = "k8s"

[[use]]
stack  = "std:kubernetes/0.7"
params = { mirror = "http://10.20.30.242", minions = ["10.20.30.40", "10.20.30.41", "10.20.30.42"], etcd-unit = "etcd2.service", unverified = true }

[roles]
minion = "minion=true"

[network]
machines = "10.20.30.0/24"

` + inventory(nodes, func(m string) string {
		if strings.Contains(m, "role=master") {
			return `["master", "minion"]`
		}
		return `"minion"`
	}, bootstrapKeys+`address  = "inventory"
etcd     = { members = "minion" }
`)
}

// masters has three masters with etcd; the apiserver is where fleet puts it, and the others follow it.
func masters(nodes []lab.NodeConfig) string {
	return `stack = "k8s"

[[use]]
stack  = "std:kubernetes/0.15"
params = { mirror = "http://10.20.30.242", master = "10.20.30.40", announce = true, etcd-unit = "etcd2.service", etcd-address = ["10.20.30.40", "10.20.30.41", "10.20.30.42"], unverified = true }

[network]
machines = "10.20.30.0/24"

` + inventory(nodes, func(m string) string { return fmt.Sprintf("%q", strings.TrimPrefix(m, "role=")) }, bootstrapKeys+`address  = "setup-network-environment"
etcd     = { members = "master" }
setup_network_environment = { url = "http://10.20.30.242/setup-network-environment", to = "/opt/bin/setup-network-environment", unverified = true }
`)
}

// TestBootstrap boots machines that are written by stackc bootstrap alone, submits
// Kubernetes to them, and verifies it, also with a broken fact.
func TestBootstrap(t *testing.T) {
	tests := []struct {
		name, release string
		nodes         []lab.NodeConfig
		stack         func([]lab.NodeConfig) string
		// everywhere and onMaster name units by where they must run.
		onMaster, onNodes, everywhere []string
	}{
		{
			name: "one master and two nodes", release: "0.15", stack: offline, nodes: bareNodes("role=master", "role=node", "rack=1,role=node"),
			onMaster:   []string{"kube-apiserver", "kube-controller-manager", "kube-register", "kube-scheduler", "get-kube-tools"},
			onNodes:    []string{"kube-kubelet", "kube-proxy"},
			everywhere: []string{"flannel"},
		},
		{
			name: "all are minions", release: "0.7", stack: minions, nodes: bareNodes("minion=true,role=master", "minion=true", "minion=true"),
			onMaster:   []string{"apiserver", "controller-manager", "scheduler"},
			everywhere: []string{"flannel", "kubelet", "proxy"},
		},
		{
			name: "three masters and three workers", release: "0.15", stack: masters,
			nodes:      bareNodes("role=master", "role=master", "role=master", "role=node", "role=node", "role=node"),
			onNodes:    []string{"kube-kubelet", "kube-proxy"},
			everywhere: []string{"flannel"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, file := boot(t, tt.release, tt.nodes, tt.stack(tt.nodes))
			t.Log(c.stackc(t, done, "submit", file))
			t.Log(c.table(t))
			rows := c.units(t)
			master := tt.nodes[0].Name
			for _, n := range tt.nodes {
				wanted := slices.Concat(tt.everywhere)
				if n.Name == master {
					wanted = append(wanted, tt.onMaster...)
				}
				if strings.Contains(n.Metadata, "role=node") {
					wanted = append(wanted, tt.onNodes...)
				}
				for _, unit := range wanted {
					if r := rows[place{unit + ".service", n.Name}]; r.active != "active" {
						t.Errorf("%s on %s is %+v", unit, n.Name, r)
					}
				}
			}
			c.verified(t, file)
			if tt.name == "one master and two nodes" {
				c.broken(t, file)
			}
		})
	}
}

// boot starts machines with what stackc bootstrap writes for them.
func boot(t *testing.T, release string, nodes []lab.NodeConfig, stack string) (cluster, string) {
	t.Helper()
	mirror, _ := programs(t, release)
	file := writeFile(t, "k8s.toml", stack)
	return bootFrom(t, mirror, nodes, "bootstrap", file), file
}

// programs is a directory for the mirror, with the stand-ins of a release, and their SHA-256.
func programs(t *testing.T, release string) (string, map[string]string) {
	t.Helper()
	b, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sums, err := b.BuildMirror(dir, release)
	if err != nil {
		t.Fatal(err)
	}
	return dir, sums
}

// bootFrom starts machines with what that run of stackc bootstrap writes.
func bootFrom(t *testing.T, mirror string, nodes []lab.NodeConfig, args ...string) cluster {
	t.Helper()
	return up(t, lab.Config{Nodes: nodes, UserData: userData(t, nodes, args...), Mirror: mirror, Timeout: patience})
}

// userData is what that run of stackc bootstrap writes, by the names of machines.
func userData(t *testing.T, nodes []lab.NodeConfig, args ...string) map[string]string {
	t.Helper()
	out, users := t.TempDir(), map[string]string{}
	if os.Getenv(lab.NoCluster) != "1" {
		start(t, append(args, "-o", out)...).wait(t, done)
	}
	for _, n := range nodes {
		data, err := os.ReadFile(filepath.Join(out, n.Name+".yml"))
		if err != nil && os.Getenv(lab.NoCluster) != "1" {
			t.Fatal(err)
		}
		users[n.Name] = string(data)
	}
	return users
}

// checked is one line of stackc verify --output json.
type checked struct{ Kind, Name, On, Result, Expected, Seen string }

// verify runs stackc verify once on a machine of the cluster, whose network it asks,
// and returns what does not hold, as kind and name. What cannot be asked, such as a
// port of `ports` that is there for its own machine alone, is no failure.
func (c cluster) verify(t *testing.T, file string, flags ...string) ([]string, string) {
	t.Helper()
	n := c.Nodes()[0]
	cmd := n.NetnsCommand(within(t), append([]string{program, "verify", file, "--endpoint", n.Endpoint(), "--output", "json"}, flags...)...)
	text, err := cmd.Output()
	var answer struct{ Checks []checked }
	if bad := json.Unmarshal(text, &answer); bad != nil {
		t.Fatalf("verify: %v: %v\n%s", err, bad, text)
	}
	var failed []string
	for _, k := range answer.Checks {
		if k.Result != "ok" && k.Result != "not asked" {
			failed = append(failed, k.Kind+" "+k.Name)
		}
	}
	code := done
	if len(failed) > 0 {
		code = unitFailed
	}
	if got := cmd.ProcessState.ExitCode(); got != code || len(answer.Checks) == 0 {
		t.Errorf("verify: exit code %d, want %d: %v\n%s", got, code, err, text)
	}
	slices.Sort(failed)
	return slices.Compact(failed), string(text)
}

// verified waits until every check holds but those of the names.
func (c cluster) verified(t *testing.T, file string, broken ...string) {
	t.Helper()
	c.fails(t, file, nil, "", broken...)
}

// fails waits until those checks do not hold, and no others, for whoever the flags say
// that asks; each of them tells the cause.
func (c cluster) fails(t *testing.T, file string, flags []string, cause string, names ...string) {
	t.Helper()
	eventually(t, "the checks that do not hold", func() error {
		if failed, text := c.verify(t, file, flags...); !slices.Equal(failed, names) || strings.Count(text, cause) < len(names) {
			return fmt.Errorf("they are %q, want %q, each with %q\n%s", failed, names, cause, text)
		}
		return nil
	})
}

// broken breaks one fact after the other; each makes its own check fail and no other.
func (c cluster) broken(t *testing.T, file string) {
	t.Helper()
	stack := readFile(t, file)
	t.Run("a machine is missing", func(t *testing.T) {
		c.verified(t, writeFile(t, "k8s.toml", stack+"\n[machine.core9]\naddress = \"10.20.30.49\"\n"), "machine core9")
	})
	t.Run("a port is not open", func(t *testing.T) {
		c.verified(t, writeFile(t, "k8s.toml", stack+"\n[check.metrics]\nof = \"kube-apiserver\"\nport = 9999\nhttp = \"/\"\n"), "check metrics")
	})
	t.Run("metadata is wrong", func(t *testing.T) {
		at := c.Nodes()[2]
		for _, argv := range [][]string{
			{"sh", "-c", "mkdir -p /run/systemd/system/fleet.service.d && echo FLEET_METADATA=role=node,rack=2 >/run/wrong.env && printf '[Service]\nEnvironmentFile=/run/wrong.env\n' >/run/systemd/system/fleet.service.d/99-wrong.conf"},
			{"systemctl", "daemon-reload"},
			{"systemctl", "restart", "fleet.service"},
		} {
			if _, err := at.Exec(within(t), argv...); err != nil {
				t.Fatal(err)
			}
		}
		c.verified(t, file, "machine core3")
	})
}
