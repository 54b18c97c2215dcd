package stacks_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// known are the flags that the guides give to a program and that its release has,
// in the release's own spelling.
//
// Sources: for 0.15 the command lines of its release candidate in
// kubernetes#6851; kubernetes#7281 (dashes inside names came later),
// kubernetes#8740 (--service-cluster-ip-range came with 0.18), kubernetes#5252
// (--etcd_servers left proxy and kubelet with 0.14); flannel's main.go of v0.2.0;
// for 1.11 the reference pages of its programs.
func known() map[string]map[string]string {
	return map[string]map[string]string{
		"0.7": {
			"kube-apiserver":          "-address -port -etcd_servers -portal_net -logtostderr",
			"kube-controller-manager": "-master -machines",
			"kube-scheduler":          "-master",
			"kube-proxy":              "-etcd_servers -logtostderr",
			"kubelet":                 "-address -port -hostname_override -etcd_servers -logtostderr",
			"flannel":                 "-etcd-endpoints -iface",
		},
		"0.15": {
			"kube-apiserver":          "--address --port --portal_net --etcd_servers --logtostderr",
			"kube-controller-manager": "--master --logtostderr",
			"kube-scheduler":          "--master",
			"kube-proxy":              "--master --logtostderr",
			"kubelet":                 "--address --port --hostname_override --api_servers --healthz_bind_address --healthz_port --logtostderr",
			"kube-register":           "--metadata --fleet-endpoint --healthz-port --api-endpoint",
			"flanneld":                "-etcd-endpoints",
		},
		"1.11": {
			"kube-apiserver": "--bind-address --secure-port --insecure-bind-address --insecure-port --advertise-address " +
				"--service-cluster-ip-range --etcd-servers --storage-backend --tls-cert-file --tls-private-key-file --client-ca-file " +
				"--token-auth-file --authorization-mode --enable-admission-plugins --service-account-key-file " +
				"--kubelet-certificate-authority --kubelet-client-certificate --kubelet-client-key --allow-privileged --logtostderr",
			"kube-controller-manager": "--master --cluster-cidr --service-account-private-key-file --root-ca-file --use-service-account-credentials --logtostderr",
			"kube-scheduler":          "--master --logtostderr",
			"kube-proxy":              "--kubeconfig --hostname-override --cluster-cidr --logtostderr",
			"kubelet": "--address --port --hostname-override --kubeconfig --register-node --tls-cert-file --tls-private-key-file " +
				"--client-ca-file --anonymous-auth --authorization-mode --read-only-port --pod-manifest-path --cluster-dns " +
				"--cluster-domain --allow-privileged --logtostderr",
			"flanneld": "-etcd-endpoints",
		},
		"1.11 firewall": {
			"kube-apiserver": "--bind-address --insecure-bind-address --insecure-port --advertise-address --service-cluster-ip-range " +
				"--etcd-servers --storage-backend --enable-admission-plugins --disable-admission-plugins --allow-privileged --logtostderr",
			"kube-controller-manager": "--master --cluster-cidr --logtostderr",
			"kube-scheduler":          "--master --logtostderr",
			"kube-proxy":              "--master --hostname-override --cluster-cidr --logtostderr",
			"kubelet": "--address --port --hostname-override --kubeconfig --register-node --pod-manifest-path --cluster-dns " +
				"--cluster-domain --allow-privileged --logtostderr",
			"flanneld": "-etcd-endpoints",
		},
	}
}

// examplesByRelease are the stacks whose programs are of a release.
var examplesByRelease = map[string]string{"0.7": "k8s-0.7.toml", "0.15": "k8s.toml", "1.11": "k8s-1.11.toml", "1.11 firewall": "k8s-1.11.toml"}

// program is a compiled ExecStart of one of the programs in known.
type program struct {
	unit units.Name
	name string
	args []argument
}

// programs are the command lines of a release's stack. What is no program of
// Kubernetes or flannel is left out: /bin/true of get-kube-tools.
func programs(t *testing.T, release string) []program {
	t.Helper()
	var list []program
	var settings []stack.Setting
	if _, security, ok := strings.Cut(release, " "); ok {
		settings = append(settings, stack.Setting{Name: "security", Text: security})
	}
	for _, u := range compileExample(t, examplesByRelease[release], settings...).Set.Units {
		args := arguments(t, u.Options)
		switch name := path.Base(args[0].text); {
		case name == "hyperkube" && args[1].text == "kubelet":
			list = append(list, program{u.Name, "kubelet", args[2:]})
		case name == "hyperkube":
			list = append(list, program{u.Name, "kube-" + args[1].text, args[2:]})
		case name != "true":
			list = append(list, program{u.Name, name, args[1:]})
		}
	}
	return list
}

// TestFlagsAreOfTheRelease: each program of the guides is there and is given the
// flags of its release, no others.
func TestFlagsAreOfTheRelease(t *testing.T) {
	for release, flags := range known() {
		var names []string
		for _, p := range programs(t, release) {
			names = append(names, p.name)
			var got []string
			for _, a := range p.args {
				flag, _, _ := strings.Cut(strings.Fields(a.text)[0], "=")
				got = append(got, flag)
			}
			want := strings.Fields(flags[p.name])
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s has %q, want %q", release, p.unit, got, want)
			}
		}
		slices.Sort(names)
		if want := slices.Sorted(maps.Keys(flags)); !slices.Equal(names, want) {
			t.Errorf("%s: programs are %q, want %q", release, names, want)
		}
	}
}

// standIn builds the stand-in that plays the programs of a release.
func standIn(t *testing.T, release string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "kube-standin")
	build := exec.Command("go", "build", "-ldflags=-X main.release="+release, "-o", binary, "../cmd/kube-standin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// takes asks the stand-in for a program's version behind its arguments: it
// answers with 0 when it knows every flag before that one.
func takes(t *testing.T, binary, program string, args ...string) (string, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Args = append([]string{program}, append(args, "--version")...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s runs instead of giving its version: %s", program, out)
	}
	return string(out), err == nil
}

// TestStandInTakesCommandLines: the programs that tests run in place of the real
// ones, which refuse what their release does not know, agree.
func TestStandInTakesCommandLines(t *testing.T) {
	addresses := map[string]string{"COREOS_PRIVATE_IPV4": "10.120.0.1", "DEFAULT_IPV4": "10.20.30.41"}
	for release := range known() {
		t.Run(release, func(t *testing.T) {
			number, _, _ := strings.Cut(release, " ")
			binary := standIn(t, number)
			for _, p := range programs(t, release) {
				var args []string
				for _, a := range p.args {
					args = append(args, strings.Fields(os.Expand(a.text, func(name string) string { return addresses[name] }))...)
				}
				if out, ok := takes(t, binary, p.name, args...); !ok {
					t.Errorf("%s: %s", p.unit, out)
				}
			}
		})
	}
}

// TestStandInRefusesGuideFlags: what the newer guide writes and its release does
// not know is refused.
func TestStandInRefusesGuideFlags(t *testing.T) {
	refused := map[string]map[string]string{
		"0.15": {
			"kube-apiserver": "--service-cluster-ip-range=10.100.0.0/16",
			"kube-proxy":     "--etcd-servers=http://10.20.30.40:4001",
			"kubelet":        "--etcd_servers=http://10.20.30.40:4001",
		},
		"1.11": {
			"kube-controller-manager": "--machines=10.20.30.41",
			"kube-proxy":              "--etcd-servers=http://10.20.30.40:4001",
			"kubelet":                 "--api-servers=10.20.30.40:8080",
		},
	}
	for release, flags := range refused {
		binary := standIn(t, release)
		for program, flag := range flags {
			if out, ok := takes(t, binary, program, flag); ok || !strings.Contains(out, "unknown flag") {
				t.Errorf("%s takes %s: %s", program, flag, out)
			}
		}
	}
}
