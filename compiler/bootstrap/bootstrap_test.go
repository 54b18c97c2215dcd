package bootstrap_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// stacksDir holds the stacks whose hosts coreos-cloudinit and Ignition read as well.
const stacksDir = "../../cmd/hosttest/testdata"

// hostsOf returns what every machine of a stack is given.
func hostsOf(t *testing.T, path string, o source.Opener) []*bootstrap.Host {
	t.Helper()
	s, findings := stack.Load(stack.Input{Path: path, Opener: o, Std: stacks.Library{}})
	if findings.HasErrors() {
		t.Fatal(diag.Short(findings))
	}
	hosts, findings := bootstrap.Hosts(s, bootstrap.Options{Format: bootstrap.CloudConfig, Opener: o})
	if findings.HasErrors() {
		t.Fatal(diag.Short(findings))
	}
	return hosts
}

func allHosts(t *testing.T) []*bootstrap.Host {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(stacksDir, "*.toml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stacks: %v", err)
	}
	var hosts []*bootstrap.Host
	for _, path := range paths {
		hosts = append(hosts, hostsOf(t, path, source.Dir{})...)
	}
	return hosts
}

// TestAnyOrder starts what a host is given in any order, as coreos-cloudinit does:
// one unit after the other, each with what it wants and each waited for. No waiter
// may wait for a file that nothing has written by then.
func TestAnyOrder(t *testing.T) {
	for _, h := range allHosts(t) {
		rapid.Check(t, func(t *rapid.T) {
			list := rapid.Permutation(h.Units).Draw(t, "order")
			m := machine{host: h, up: map[string]bool{}, files: map[string]bool{}}
			for _, f := range h.Files {
				m.files[f.Path] = true
			}
			for _, u := range list {
				if u.Start {
					m.start(t, u.Name, nil)
				}
			}
		})
	}
}

// machine is a host on which units are started; files are those that are there.
type machine struct {
	host  *bootstrap.Host
	up    map[string]bool
	files map[string]bool
}

// makes says which files a unit writes, by a word of its command.
var makes = map[string]string{"setup-network-environment": "/etc/network-environment", "flannel": "/run/flannel/subnet.env"}

var waits = regexp.MustCompile(`waiting for \w+ in (/[\w./-]+)`)

func (m *machine) start(t *rapid.T, name string, under []string) {
	u := m.host.Unit(name)
	if m.up[name] || u.Name == "" {
		return
	}
	if slices.Contains(under, name) {
		t.Fatalf("%s: %v wait for each other", m.host.Name, append(under, name))
	}
	text := u.Content
	for _, d := range u.DropIns {
		text += d.Content
	}
	file, err := units.ParseAsFleet(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, wanted := range units.Values(file, "Unit", "Wants") {
		m.start(t, wanted, append(under, name))
	}
	if u.Mask {
		t.Fatalf("%s: %s is masked and wanted by %v", m.host.Name, name, under)
	}
	for _, w := range waits.FindAllStringSubmatch(text, -1) {
		if !m.files[w[1]] {
			t.Fatalf("%s: %s waits for %s, which nothing has written, and coreos-cloudinit waits for it: nothing after it is started", m.host.Name, name, w[1])
		}
	}
	for word, file := range makes {
		if strings.Contains(name, word) {
			m.files[file] = true
		}
	}
	m.up[name] = true
}

// TestNotStarted: docker waits for a flannel that fleet brings, so that nobody may
// wait for docker before fleet runs.
func TestNotStarted(t *testing.T) {
	hosts := hostsOf(t, "s.toml", source.Map{"s.toml": "stack = \"s\"\n[bootstrap]\netcd = { discovery = \"http://d\" }\ndocker = {}\n"})
	docker := hosts[0].Unit("docker.service")
	if docker.Start || len(docker.DropIns) != 1 || !strings.Contains(docker.DropIns[0].Content, "waiting for FLANNEL_MTU in /run/flannel/subnet.env") {
		t.Errorf("docker is started, or does not wait: %+v", docker)
	}
	if hosts[0].Unit("fleet.service").Start != true {
		t.Error("fleet is not started")
	}
}

// TestSameEveryTime holds the bytes against themselves: nothing comes from the order of a map.
func TestSameEveryTime(t *testing.T) {
	text := func() string {
		var b strings.Builder
		for _, h := range allHosts(t) {
			for _, f := range bootstrap.Formats() {
				out, err := h.Bytes(f)
				if err != nil {
					t.Fatal(err)
				}
				b.Write(out)
			}
		}
		return b.String()
	}
	first := text()
	for range 10 {
		if text() != first {
			t.Fatal("the same stack gives other bytes")
		}
	}
}

// TestParts holds who is a member, who a proxy and who has no etcd, and where each
// finds it.
func TestParts(t *testing.T) {
	const stackText = `stack = "s"
[roles]
m = "role=m"
p = "role=p"
n = "role=n"
[machine]
m1 = { role = "m", address = "10.0.0.1" }
m2 = { role = "m", address = "10.0.0.2" }
p1 = { role = "p", address = "10.0.0.3" }
n1 = { role = "n", address = "10.0.0.4" }
[bootstrap.etcd]
members = "m"
proxies = "p"
ports   = 2379
`
	want := map[string]struct {
		name, cluster, proxy, fleet string
		mask                        bool
	}{
		"m1": {name: "m1", cluster: "m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380", fleet: "http://127.0.0.1:2379"},
		"m2": {name: "m2", cluster: "m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380", fleet: "http://127.0.0.1:2379"},
		"p1": {cluster: "m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380", proxy: "on", fleet: "http://127.0.0.1:2379"},
		"n1": {fleet: "http://10.0.0.1:2379,http://10.0.0.2:2379", mask: true},
	}
	for _, h := range hostsOf(t, "s.toml", source.Map{"s.toml": stackText}) {
		w, e := want[h.Name], h.Program("etcd2")
		if e.Setting("name") != w.name || e.Setting("initial-cluster") != w.cluster || e.Setting("proxy") != w.proxy ||
			h.Program("fleet").Setting("etcd-servers") != w.fleet || h.Unit("etcd2.service").Mask != w.mask {
			t.Errorf("%s is given %+v", h.Name, h)
		}
	}
}

// TestRole writes what all machines of a role share.
func TestRole(t *testing.T) {
	s, findings := stack.Load(stack.Input{Path: filepath.Join(stacksDir, "flannel.toml"), Opener: source.Dir{}})
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	hosts, findings := bootstrap.Hosts(s, bootstrap.Options{Format: bootstrap.CloudConfig, Role: "minion"})
	if len(hosts) != 1 || hosts[0].Program("fleet").Setting("public-ip") != "$private_ipv4" {
		t.Errorf("given are %v\n%s", hosts, diag.Short(findings))
	}
	if !strings.Contains(diag.Short(findings), `machine "core-01" has the metadata master=true,minion=true`) {
		t.Errorf("nothing is said of the machine with two roles:\n%s", diag.Short(findings))
	}
}
