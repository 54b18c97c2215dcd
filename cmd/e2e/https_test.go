package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// secured is a cluster with certificates, and where its folder of keys is.
type secured struct {
	cluster
	file, keys string
	sums       map[string]string // of the mirror's programs
}

// scratch is the guide from scratch, with certificates, and with the mirror's sums.
func scratch(library string, nodes []lab.NodeConfig, sums map[string]string) string {
	return `stack = "k8s"

[[use]]
stack = "std:` + library + `"
[use.params]
mirror           = "http://10.20.30.242"
master           = "10.20.30.40"
etcd-unit        = "etcd2.service"
storage          = "etcd2"
hyperkube-sha256 = "` + sums["hyperkube"] + `"
flanneld-sha256  = "` + sums["flanneld"] + `"

[network]
machines = "10.20.30.0/24"

` + inventory(nodes, func(m string) string { return fmt.Sprintf("%q", strings.TrimPrefix(m, "role=")) }, bootstrapKeys+`address  = "setup-network-environment"
etcd     = { members = "master" }
setup_network_environment = { url = "http://10.20.30.242/setup-network-environment", to = "/opt/bin/setup-network-environment", sha256 = "`+sums["setup-network-environment"]+`" }
`)
}

// TestBootstrapHTTPS boots machines with the keys of stackc pki, submits Kubernetes
// 1.11 to them, whose apiserver asks for certificates, and verifies it as the admin.
func TestBootstrapHTTPS(t *testing.T) {
	tests := []struct {
		name, library     string
		onMaster, onNodes []string
		// then is what is done to the cluster when it holds.
		then func(secured, *testing.T)
	}{
		{
			name: "units", library: "kubernetes/1.11", then: secured.broken,
			onMaster: []string{"flannel", "kube-apiserver", "kube-controller-manager", "kube-scheduler"},
			onNodes:  []string{"flannel", "kube-kubelet", "kube-proxy"},
		},
		{
			name: "static pods", library: "kubernetes/1.11-pods", then: secured.manifests,
			onMaster: []string{"flannel", "kube-kubelet", "kube-proxy"},
			onNodes:  []string{"flannel", "kube-kubelet", "kube-proxy"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := bootKeys(t, tt.library)
			s.delivered(t)
			t.Log(s.stackc(t, done, "submit", s.file))
			t.Log(s.table(t))
			master, node := s.Nodes()[0].Name, s.Nodes()[1].Name
			var want []place
			for _, u := range tt.onMaster {
				want = append(want, on(u+".service", master)...)
			}
			for _, u := range tt.onNodes {
				want = append(want, on(u+".service", node)...)
			}
			s.runsAt(t, want)
			s.verified(t)
			for _, n := range s.Nodes() {
				if got := sum(t, n, "/opt/bin/hyperkube"); got != s.sums["hyperkube"] {
					t.Errorf("%s has another hyperkube than the mirror: %s", n.Name, got)
				}
			}
			tt.then(s, t)
		})
	}
}

// bootKeys starts a master and a node with a PKI of their own.
func bootKeys(t *testing.T, library string) secured {
	t.Helper()
	nodes := bareNodes("role=master", "role=node")
	mirror, sums := programs(t, "1.11")
	s := secured{file: writeFile(t, "k8s.toml", scratch(library, nodes, sums)), sums: sums}
	s.keys = issue(t, s.file, filepath.Join(filepath.Dir(s.file), "k8s.pki"))
	s.cluster = bootFrom(t, mirror, nodes, "bootstrap", s.file, "--pki", s.keys)
	return s
}

// issue makes the files of a PKI in a folder.
func issue(t *testing.T, file, dir string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "ca.key")); err != nil {
		start(t, "pki", "init", file, "--dir", dir).wait(t, done)
	}
	start(t, "pki", "issue", file, "--dir", dir).wait(t, done)
	return dir
}

// keyFile is a file of a PKI and where it belongs.
type keyFile struct {
	Name string
	To   []struct{ Machine, Path string }
}

// listed are the files of the PKI, as stackc pki list has them.
func (s secured) listed(t *testing.T) []keyFile {
	t.Helper()
	var report struct{ Files []keyFile }
	start(t, "pki", "list", s.file, "--output", "json").wait(t, done).decode(t, &report)
	return report.Files
}

// delivered compares the keys on each machine with what stackc pki list says.
func (s secured) delivered(t *testing.T) {
	t.Helper()
	places := 0
	for _, f := range s.listed(t) {
		for _, to := range f.To {
			path := s.Node(to.Machine).Path(to.Path)
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || readFile(t, path) != readFile(t, filepath.Join(s.keys, f.Name)) {
				t.Errorf("%s on %s is not %s (%v, %v)", to.Path, to.Machine, f.Name, info, err)
			}
			places++
		}
	}
	if places < 10 {
		t.Errorf("only %d files belong on machines", places)
	}
	for _, n := range s.Nodes() {
		text, err := n.Exec(within(t), "grep", "-rlF", strings.Split(readFile(t, filepath.Join(s.keys, "ca.key")), "\n")[1], "/etc", "/srv", "/var")
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 { // 1 is nothing found
			t.Errorf("the key of the CA is on %s: %s (%v)", n.Name, text, err)
		}
	}
}

// as are the flags for whoever has a certificate of a folder.
func as(dir, name string) []string {
	return []string{"--ca-file", filepath.Join(dir, "ca.crt"), "--cert-file", filepath.Join(dir, name+".crt"), "--key-file", filepath.Join(dir, name+".key")}
}

// verified waits until the admin finds every check to hold.
func (s secured) verified(t *testing.T) {
	t.Helper()
	s.fails(t, s.file, as(s.keys, "admin"), "")
}

// put writes files of a folder of keys in the places where a machine has its own, and
// restarts the unit that reads them.
func (s secured) put(t *testing.T, n *lab.Node, unit, keys string, files map[string]string) {
	t.Helper()
	for path, name := range files {
		if err := n.WriteFile(path, readFile(t, filepath.Join(keys, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	systemctl(t, n, "restart", unit)
}

func systemctl(t *testing.T, n *lab.Node, args ...string) {
	t.Helper()
	if _, err := n.Exec(within(t), append([]string{"systemctl"}, args...)...); err != nil {
		t.Fatal(err)
	}
}

// says waits until a unit's log has a text.
func says(t *testing.T, n *lab.Node, unit, text string) {
	t.Helper()
	eventually(t, unit+" on "+n.Name, func() error {
		journal, err := n.Journal(within(t), unit)
		if err == nil && !strings.Contains(journal, text) {
			err = fmt.Errorf("its log does not say %q:\n%s", text, journal)
		}
		return err
	})
}

// broken breaks one fact after the other, which fails the checks that ask for it and
// no others, and mends it.
func (s secured) broken(t *testing.T) {
	master, node := s.Nodes()[0], s.Nodes()[1]
	other := issue(t, s.file, filepath.Join(t.TempDir(), "other.pki"))
	ca := filepath.Join(s.keys, "ca.crt")
	t.Run("nobody", func(t *testing.T) {
		s.fails(t, s.file, []string{"--ca-file", ca}, "HTTP 403", "check nodes")
	})
	t.Run("an admin of another authority", func(t *testing.T) {
		s.fails(t, s.file, append(as(other, "admin"), "--ca-file", ca), "HTTP 401", "check apiserver", "check nodes", "ready kube-apiserver")
	})
	t.Run("a kubelet of another authority", func(t *testing.T) {
		files := map[string]string{"/var/lib/kubelet/kubeconfig": "kubelet-" + node.Name + ".kubeconfig"}
		s.put(t, node, "kube-kubelet.service", other, files)
		says(t, node, "kube-kubelet.service", "signed by unknown authority")
		systemctl(t, master, "restart", "kube-apiserver.service") // the stand-in keeps its nodes in memory
		s.fails(t, s.file, as(s.keys, "admin"), "an empty list", "check nodes")
		s.put(t, node, "kube-kubelet.service", s.keys, files)
		s.verified(t)
	})
	t.Run("an apiserver whose certificate is without its address", func(t *testing.T) {
		files := map[string]string{"/srv/kubernetes/server.cert": "apiserver.crt", "/srv/kubernetes/server.key": "apiserver.key"}
		s.put(t, master, "kube-apiserver.service", s.moved(t), files)
		s.fails(t, s.file, as(s.keys, "admin"), "10.20.30.49, not 10.20.30.40; the server needs one with it", "check apiserver", "check nodes", "ready kube-apiserver")
		s.put(t, master, "kube-apiserver.service", s.keys, files)
		s.verified(t)
	})
	t.Run("a port that is closed to others", func(t *testing.T) {
		const piece = "/etc/systemd/system/kube-scheduler.service.d/closed.conf"
		command := strings.Join(commandLine(t, master, "kube-scheduler.service"), " ")
		if err := master.WriteFile(piece, "[Service]\nExecStart=\nExecStart="+command+" --address=127.0.0.1\n", 0o644); err != nil {
			t.Fatal(err)
		}
		systemctl(t, master, "daemon-reload")
		systemctl(t, master, "restart", "kube-scheduler.service")
		says(t, master, "kube-scheduler.service", "listens on 127.0.0.1:10251")
		s.fails(t, s.file, as(s.keys, "admin"), "connection refused", "check scheduler")
		if err := os.Remove(master.Path(piece)); err != nil {
			t.Fatal(err)
		}
		systemctl(t, master, "daemon-reload")
		systemctl(t, master, "restart", "kube-scheduler.service")
		s.verified(t)
	})
}

// moved is a folder with keys of the same authority for a master at another address.
func (s secured) moved(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "moved.pki")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ca.crt", "ca.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(readFile(t, filepath.Join(s.keys, name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return issue(t, writeFile(t, "k8s.toml", strings.ReplaceAll(readFile(t, s.file), `"10.20.30.40"`, `"10.20.30.49"`)), dir)
}

// manifests holds that the master alone has the static pods, that its kubelet starts
// just those, and that a pod which is gone fails its own check and no other. What the
// kubelet of the stand-ins starts is the command of a pod, in its own process: there is
// no container, no image and no probe.
func (s secured) manifests(t *testing.T) {
	const dir, kubelet = "/etc/kubernetes/manifests", "kube-kubelet.service"
	master := s.Nodes()[0]
	var list []string
	for _, n := range s.Nodes() {
		found, err := filepath.Glob(n.Path(dir + "/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			list = append(list, n.Name+" "+filepath.Base(path))
		}
	}
	if want := []string{"core1 kube-apiserver.json", "core1 kube-controller-manager.json", "core1 kube-scheduler.json"}; !slices.Equal(list, want) {
		t.Errorf("the static pods are %q, want %q", list, want)
	}
	for _, pod := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		says(t, master, kubelet, "starts the pod of "+dir+"/"+pod+".json")
	}
	says(t, master, kubelet, "listens with TLS on [::]:6443")

	t.Run("a pod is gone", func(t *testing.T) {
		scheduler := master.Path(dir + "/kube-scheduler.json")
		if err := os.Rename(scheduler, master.Path("/srv/kube-scheduler.json")); err != nil {
			t.Fatal(err)
		}
		systemctl(t, master, "restart", kubelet)
		s.fails(t, s.file, as(s.keys, "admin"), "connection refused", "check scheduler")
	})
	t.Run("the master boots again", func(t *testing.T) {
		systemctl(t, master, "stop", "fleet.service") // which leaves the cluster, as at a shutdown
		if err := master.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := master.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		s.allMachines(t)
		s.verified(t)
	})
}
