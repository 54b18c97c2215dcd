package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// shared is the lab that most tests use; it is made by the first of them.
var shared struct {
	once sync.Once
	lab  *Lab
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if l := shared.lab; l != nil {
		err := l.Down()
		if left := leftovers(l); err != nil || len(left) > 0 {
			fmt.Fprintf(os.Stderr, "FAIL: the lab is not gone: %v; left are %q\n", err, left)
			code = 1
		}
	}
	os.Exit(code)
}

// needCluster skips where no real cluster is wanted.
func needCluster(t *testing.T) {
	t.Helper()
	if os.Getenv(NoCluster) == "1" {
		t.Skip(NoCluster + "=1: tests on a real cluster are turned off")
	}
}

// cluster returns the shared lab. Its machines are given up after 6 s instead of 30, so that killing one does not take long.
func cluster(t *testing.T) *Lab {
	t.Helper()
	needCluster(t)
	shared.once.Do(func() {
		var b Binaries
		if b, shared.err = Build(context.Background(), ""); shared.err == nil {
			shared.lab, shared.err = Up(context.Background(), Config{Binaries: b, FleetEnv: []string{"FLEET_AGENT_TTL=6s"}})
		}
	})
	if shared.err != nil {
		t.Fatalf("no cluster (%s=1 skips these tests): %v", NoCluster, shared.err)
	}
	return shared.lab
}

// within bounds what a test waits for; it is long because the machine may be busy, and costs nothing when all is well.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until f returns nil.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	if err := poll(within(t), f); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// leftovers lists all that is still there of a lab.
func leftovers(l *Lab) []string {
	var left []string
	for _, pattern := range []string{
		filepath.Join(netnsDir, l.netns("*")), cgroupPath(l.ID), l.Dir,
		filepath.Join("/run/systemd/nspawn/propagate", l.netns("*")),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			left = append(left, err.Error())
		}
		left = append(left, found...)
	}
	for file, what := range map[string]string{"/proc/self/mountinfo": l.Dir, "/proc/mounts": l.netns("")} {
		if data, err := os.ReadFile(file); err != nil || strings.Contains(string(data), what) {
			left = append(left, fmt.Sprintf("%s in %s (%v)", what, file, err))
		}
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		left = append(left, err.Error())
	}
	for _, file := range commands {
		data, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(data), l.netns("")) {
			left = append(left, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return left
}

func TestMachines(t *testing.T) {
	l := cluster(t)
	got, err := l.Fleetctl(within(t), "list-machines", "--full", "--no-legend", "--fields=machine,ip,metadata")
	if err != nil {
		t.Fatal(err)
	}
	want := `10203040000000000000000000000000	10.20.30.40	role=master
10203041000000000000000000000000	10.20.30.41	role=node
10203042000000000000000000000000	10.20.30.42	role=node
`
	if got != want {
		t.Errorf("fleetctl lists\n%swant\n%s", got, want)
	}
}

// TestEndpoints asks the API of every node in all the ways there are.
func TestEndpoints(t *testing.T) {
	l := cluster(t)
	for _, n := range l.Nodes() {
		if machines, err := n.Machines(within(t)); err != nil || len(machines) != len(l.Nodes()) {
			t.Errorf("%s: socket on the host: %v, %v", n.Name, machines, err)
		}
		if body := getBody(t, l.HTTPClient(), n.TCPEndpoint()+"/fleet/v1/machines"); !strings.Contains(body, n.MachineID()) {
			t.Errorf("%s: TCP: %s", n.Name, body)
		}
		inside, err := n.Exec(within(t), "fleetctl", "--endpoint=unix:///var/run/fleet.sock", "list-machines", "--no-legend")
		if err != nil || strings.Count(inside, "\n") != len(l.Nodes()) {
			t.Errorf("%s: socket on the node: %q, %v", n.Name, inside, err)
		}
		outside, err := n.ExecNetns(within(t), "curl", "-fsS", fmt.Sprintf("http://%s:%d/fleet/v1/machines", n.Address, FleetPort))
		if err != nil || !strings.Contains(outside, n.MachineID()) {
			t.Errorf("%s: from its network namespace: %q, %v", n.Name, outside, err)
		}
	}
}

func getBody(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %s %v", url, resp.Status, err)
	}
	return string(body)
}

// submit hands a unit to fleet through fleetctl and takes it away again when the test is over.
func submit(t *testing.T, l *Lab, name, content string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Fleetctl(within(t), "start", "--no-block", file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Not within(t): that context has ended.
		if _, err := l.Fleetctl(context.Background(), "destroy", name); err != nil {
			t.Error(err)
		}
	})
}

// active says why a unit is not active on a node.
func active(t *testing.T, n *Node, unit string) error {
	_, err := n.Exec(within(t), "systemctl", "is-active", unit)
	return err
}

func TestGlobalUnit(t *testing.T) {
	l := cluster(t)
	submit(t, l, "hello.service", "[Service]\nExecStart=/bin/sh -c 'echo hello from %H; exec sleep infinity'\n[X-Fleet]\nGlobal=true\n")
	for _, n := range l.Nodes() {
		eventually(t, "hello.service on "+n.Name, func() error { return active(t, n, "hello.service") })
		eventually(t, "its journal", func() error {
			text, err := n.Journal(within(t), "hello.service")
			if err == nil && !strings.Contains(text, "hello from "+n.Name) {
				err = fmt.Errorf("%q", text)
			}
			return err
		})
	}
	eventually(t, "fleetctl lists it on every machine", func() error {
		list, err := l.Fleetctl(within(t), "list-units", "--no-legend", "--fields=unit,active,sub")
		if err == nil && list != strings.Repeat("hello.service\tactive\trunning\n", len(l.Nodes())) {
			err = fmt.Errorf("%q", list)
		}
		return err
	})
}

func TestEtcd(t *testing.T) {
	l := cluster(t)
	form := url.Values{"value": {"from the host"}}
	req, err := http.NewRequestWithContext(within(t), http.MethodPut, l.EtcdURL()+"/v2/keys/test", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := l.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, n := range l.Nodes() {
		at := l.EtcdURL()
		if n.Etcd {
			at = "http://127.0.0.1:4001"
		}
		got, err := n.Exec(within(t), "curl", "-fsS", at+"/v2/keys/test")
		if err != nil || !strings.Contains(got, "from the host") {
			t.Errorf("%s: %q, %v", n.Name, got, err)
		}
	}
	if state, err := l.Node("node1").Exec(within(t), "systemctl", "is-enabled", "etcd.service"); err == nil || !strings.Contains(state, "masked") {
		t.Errorf("etcd.service of a node is %q, %v; want it masked", state, err)
	}
}

func TestMirror(t *testing.T) {
	l := cluster(t)
	sums, err := l.state.Binaries.BuildMirror(filepath.Join(l.MirrorDir(), "0.15"), "0.15")
	if err != nil {
		t.Fatal(err)
	}
	node := l.Node("node2")
	if _, err := node.Exec(within(t), "curl", "-fsS", "--create-dirs", "-o", "/opt/bin/kubelet", l.MirrorURL()+"/0.15/kubelet"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(node.Path("/opt/bin/kubelet"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sums["kubelet"] {
		t.Error("what was downloaded is not what the mirror was given")
	}
	requests, err := l.MirrorRequests()
	if err != nil {
		t.Fatal(err)
	}
	served := slices.ContainsFunc(requests, func(r MirrorRequest) bool {
		return r.Client == node.Address && r.Method == http.MethodGet && r.Path == "/0.15/kubelet" && r.Status == http.StatusOK && r.Bytes == int64(len(data))
	})
	if !served {
		t.Errorf("the mirror remembers %v", requests)
	}
}

// TestIsolation holds that the host has no part in the lab's network.
func TestIsolation(t *testing.T) {
	l := cluster(t)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if strings.HasPrefix(a.String(), "10.20.30.") {
			t.Errorf("the host has the address %s", a)
		}
	}
	routes, err := os.ReadFile("/proc/net/route")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(routes), "001E140A") { // 10.20.30.0 as the kernel prints it
		t.Errorf("the host has a route:\n%s", routes)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range l.Nodes() {
		for _, i := range interfaces {
			if i.Name == n.port() || i.Name == "br0" {
				t.Errorf("the host has the interface %s", i.Name)
			}
		}
		links, err := n.Exec(within(t), "ip", "-brief", "link")
		if err != nil || strings.Count(links, "\n") != 2 {
			t.Errorf("%s has not just loopback and eth0: %q, %v", n.Name, links, err)
		}
	}
}

func TestHostUnits(t *testing.T) {
	l := cluster(t)
	for _, n := range l.Nodes() {
		eventually(t, "docker on "+n.Name, func() error { _, err := n.Exec(within(t), "/usr/bin/docker", "version"); return err })
		want := "ETH0_IPV4=" + n.Address + "\nDEFAULT_IPV4=" + n.Address + "\n"
		eventually(t, "/etc/network-environment", func() error {
			got, err := os.ReadFile(n.Path("/etc/network-environment"))
			if err == nil && string(got) != want {
				t.Fatalf("%s: it is %q, want %q", n.Name, got, want)
			}
			return err
		})
		state, err := n.Exec(within(t), "systemctl", "--failed", "--no-legend")
		if err != nil || state != "" {
			t.Errorf("%s: failed units: %q, %v", n.Name, state, err)
		}
	}
	n := l.Node("node1")
	if _, err := n.Exec(within(t), "systemctl", "stop", "docker"); err != nil {
		t.Fatal(err)
	}
	if out, err := n.Exec(within(t), "/opt/standin/docker", "version"); err == nil {
		t.Errorf("docker version succeeds while docker is stopped: %q", out)
	}
	if _, err := n.Exec(within(t), "systemctl", "start", "docker"); err != nil {
		t.Fatal(err)
	}
}

func TestCutNetwork(t *testing.T) {
	l := cluster(t)
	n := l.Node("node1")
	reach := func() error {
		_, err := n.Exec(within(t), "curl", "-sS", "--max-time", "2", "-o", "/dev/null", l.MirrorURL())
		return err
	}
	if err := n.CutNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reach() == nil {
		t.Error("the mirror is reached through a cut cable")
	}
	if !n.Running() {
		t.Error("the node died of it")
	}
	if err := n.HealNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mirror from a healed node", reach)
	eventually(t, "all machines", func() error { return l.waitForMachines(within(t)) })
}

func TestKillAndStart(t *testing.T) {
	l := cluster(t)
	n := l.Node("node2")
	submit(t, l, "survivor.service", "[Service]\nExecStart=/bin/sleep infinity\n[X-Fleet]\nGlobal=true\n")
	eventually(t, "the unit", func() error { return active(t, n, "survivor.service") })
	if err := n.WriteFile("/var/lib/kept", "x", 0o600); err != nil {
		t.Fatal(err)
	}
	before := bootIDOf(t, n)
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	if n.Running() {
		t.Fatal("it runs")
	}
	if _, err := n.Exec(t.Context(), "true"); err == nil {
		t.Fatal("a dead node executes")
	}
	eventually(t, "fleet gives the machine up", func() error {
		machines, err := l.Master().Machines(t.Context())
		if err == nil && len(machines) != 2 {
			err = fmt.Errorf("fleet lists %d machines", len(machines))
		}
		return err
	})
	if err := n.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(within(t)); err == nil {
		t.Error("a running node is started once more")
	}
	if after := bootIDOf(t, n); after == before {
		t.Error("the boot id is the same")
	}
	if _, err := os.Stat(n.Path("/var/lib/kept")); err != nil {
		t.Error(err)
	}
	if err := l.waitForMachines(within(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the unit is back", func() error { return active(t, n, "survivor.service") })
}

func bootIDOf(t *testing.T, n *Node) string {
	t.Helper()
	id, err := n.Exec(within(t), "cat", "/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestSecondLab brings up another lab with the same addresses beside the first, and takes it down from a second handle.
func TestSecondLab(t *testing.T) {
	first := cluster(t)
	second, err := Up(within(t), Config{Binaries: first.state.Binaries, EtcdOnNodes: true, DockerAfterFlannel: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Down() })
	n := second.Node("node1")
	if _, err := n.Exec(within(t), "curl", "-fsS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "http://127.0.0.1:4001/version"); err != nil {
		t.Errorf("etcd on a node: %v", err)
	}
	if out, err := n.Exec(within(t), "docker", "version"); err == nil {
		t.Errorf("docker is up before flannel: %q", out)
	}
	if _, err := n.Exec(within(t), "sh", "-c", "mkdir /run/flannel && echo FLANNEL_MTU=1450 > /run/flannel/subnet.env"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "docker after flannel", func() error { _, err := n.Exec(within(t), "docker", "version"); return err })
	if _, err := Up(t.Context(), Config{ID: second.ID, Binaries: first.state.Binaries}); err == nil {
		t.Error("a third lab has the id of the second")
	}

	other, err := Open("", second.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Down(); err != nil {
		t.Error(err)
	}
	if left := leftovers(second); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
	if err := second.Down(); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
	if machines, err := first.Master().Machines(within(t)); err != nil || len(machines) != 3 {
		t.Errorf("the first lab suffered: %v, %v", machines, err)
	}
}

// TestSweep kills the process that made a lab; the next one removes it.
func TestSweep(t *testing.T) {
	b := cluster(t).state.Binaries
	const id = "orphan"
	if old, err := Open("", id); err == nil {
		if err := old.Down(); err != nil {
			t.Fatal(err)
		}
	}
	repo, err := findRepo()
	if err != nil {
		t.Fatal(err)
	}
	maker := exec.Command(b.Fleetlab, "up", "--id", id)
	maker.Dir = repo
	if err := maker.Start(); err != nil {
		t.Fatal(err)
	}
	var orphan *Lab
	eventually(t, "the lab of the other process", func() error {
		var err error
		if orphan, err = Open("", id); err == nil {
			_, err = orphan.Master().Machines(t.Context())
		}
		return err
	})
	if err := Sweep(""); err != nil || !orphan.Master().Running() {
		t.Fatalf("the lab of a living process was swept: %v", err)
	}
	if err := maker.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := maker.Wait(); err == nil {
		t.Fatal("it was not killed")
	}
	if err := Sweep(""); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(orphan); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

// TestFailedUpLeavesNothing gives a lab programs that are not there.
func TestFailedUpLeavesNothing(t *testing.T) {
	b := cluster(t).state.Binaries
	b.Fleetlab = "/nonexistent/fleetlab"
	c := Config{ID: "stillborn", Binaries: b}
	if _, err := Up(within(t), c); err == nil || !strings.Contains(err.Error(), "the mirror ended") {
		t.Fatalf("the error is %v, want one that says that the mirror ended", err)
	}
	if left := leftovers(attach(filepath.Join(DefaultDir, c.ID), State{ID: c.ID}, nil)); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
}

// TestStandIns runs the stand-ins of 0.15 as fleet units, downloaded from the mirror, with an apiserver that is late.
func TestStandIns(t *testing.T) {
	needCluster(t)
	b := cluster(t).state.Binaries
	l, err := Up(within(t), Config{Binaries: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Down() })
	if _, err := b.BuildMirror(l.MirrorDir(), "0.15"); err != nil {
		t.Fatal(err)
	}
	for name, content := range standInUnits(l) {
		submit(t, l, name, content)
	}
	for _, n := range l.Nodes() {
		eventually(t, "flannel on "+n.Name, func() error { return active(t, n, "flannel.service") })
		if env, err := n.Exec(within(t), "cat", "/run/flannel/subnet.env"); err != nil || !strings.Contains(env, "FLANNEL_MTU=1450\n") {
			t.Errorf("%s: subnet file: %q, %v", n.Name, env, err)
		}
	}
	eventually(t, "both kubelets registered by kube-register", func() error {
		body, err := l.Master().Exec(within(t), "curl", "-fsS", "http://127.0.0.1:8080/api/v1beta1/minions")
		if err != nil {
			return err
		}
		var list struct{ Items []struct{ ID string } }
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			return err
		}
		if len(list.Items) != 2 || list.Items[0].ID != "10.20.30.41" || list.Items[1].ID != "10.20.30.42" {
			return fmt.Errorf("%v", list.Items)
		}
		return nil
	})
	text, err := l.Master().Journal(within(t), "kube-apiserver.service")
	if err != nil || !strings.Contains(text, "stand-in for kube-apiserver of release 0.15: not Kubernetes") || !strings.Contains(text, "healthy") {
		t.Errorf("the apiserver's journal: %q, %v", text, err)
	}
}

// standInUnits are enough of the newer guide's units to see the stand-ins at work.
func standInUnits(l *Lab) map[string]string {
	unit := func(name, where, kind, before, command string) string {
		return fmt.Sprintf(`[Service]
Type=%s
TimeoutStartSec=0
ExecStartPre=/bin/sh -c 'until curl -fsS --create-dirs -o /opt/bin/%[2]s %[3]s/%[2]s && chmod +x /opt/bin/%[2]s; do sleep 1; done'
%[4]sExecStart=/opt/bin/%[2]s %[5]s
[X-Fleet]
%[6]s`, kind, name, l.MirrorURL(), before, command, where)
	}
	master, nodes := "MachineMetadata=role=master\n", "MachineMetadata=role=node\nGlobal=true\n"
	key := fmt.Sprintf("ExecStartPre=/bin/sh -c 'curl -sS -XPUT %s/v2/keys/coreos.com/network/config?prevExist=false -d value=\"$$0\"' '{\"Network\":\"10.244.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}'\n", l.EtcdURL())
	return map[string]string{
		"flannel.service":        unit("flanneld", "Global=true\n", "notify", key, "-etcd-endpoints "+l.EtcdURL()),
		"kube-apiserver.service": unit("kube-apiserver", master, "simple", "", "--address=0.0.0.0 --port=8080 --portal_net=10.100.0.0/16 --etcd_servers=http://127.0.0.1:4001"),
		"kube-register.service":  unit("kube-register", master, "simple", "", "--metadata=role=node --fleet-endpoint=unix:///var/run/fleet.sock --healthz-port=10248 --api-endpoint=http://127.0.0.1:8080"),
		"kube-kubelet.service":   unit("kubelet", nodes, "simple", "EnvironmentFile=-/etc/network-environment\n", "--address=0.0.0.0 --hostname_override=${DEFAULT_IPV4} --api_servers=10.20.30.40:8080 --healthz_bind_address=0.0.0.0 --healthz_port=10248"),
	}
}
