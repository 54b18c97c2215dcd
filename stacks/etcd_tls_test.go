package stacks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/pki"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// guarded is a cluster of 1.11 whose etcd serves nobody without a certificate: the stack
// says so once, in the host entry that the library has.
const guarded = `
stack = "guarded"
[[use]]
stack = "std:kubernetes/LIBRARY"
params = { mirror = "http://10.20.30.242", master = "10.20.30.40", unverified = true, security = "SECURITY" }
[machine]
m = { role = "master", address = "10.20.30.40" }
n = { role = "node", address = "10.20.30.41" }
[host.etcd]
ready = { https = "/version", ca = "/etc/etcd/ca.crt", cert = "/etc/etcd/client.crt", key = "/etc/etcd/client.key" }
[bootstrap.etcd]
unit    = "etcd-member.service"
members = "master"
cert    = "/etc/etcd/server.crt"
key     = "/etc/etcd/server.key"
`

// clientFiles are the files that a client of that etcd has, by the ends of its flags.
var clientFiles = []string{"cafile=/etc/etcd/ca.crt", "certfile=/etc/etcd/client.crt", "keyfile=/etc/etcd/client.key"}

// TestGuardedEtcd: apiserver, flannel, waiters and keys of the libraries for 1.11 speak
// https to an etcd that asks for certificates, with the files of its host entry; a
// static pod has them mounted, and pki puts them on the machines.
func TestGuardedEtcd(t *testing.T) {
	for _, security := range []string{"https", "firewall"} {
		text := strings.Replace(guarded, "SECURITY", security, 1)
		t.Run(security, func(t *testing.T) {
			placed := compileStack(t, strings.Replace(text, "LIBRARY", "1.11", 1))
			api := execStart(t, placed, "kube-apiserver.service")
			holdsGuarded(t, api, "--etcd-servers=https://127.0.0.1:2379", "--etcd-")
			waitsGuarded(t, placed, "kube-apiserver.service")
			holdsFlannel(t, placed)

			pods := compileStack(t, strings.Replace(text, "LIBRARY", "1.11-pods", 1))
			i := slices.IndexFunc(pods.Topology.Stack.Files, func(f *stack.HostFile) bool {
				return f.Path == "/etc/kubernetes/manifests/kube-apiserver.json"
			})
			manifest := pods.Topology.Stack.Files[i].Content.Source()
			keys, command := manifestKeys(t, manifest)
			if !slices.Equal(command[1:], api[1:]) {
				t.Errorf("the pod runs\n%q\nthe unit\n%q", command, api)
			}
			for i, file := range []string{"/etc/etcd/ca.crt", "/etc/etcd/client.crt", "/etc/etcd/client.key"} {
				if n := len(slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !strings.HasSuffix(k, "="+file) })); n != 2 {
					t.Errorf("file %d, %s, is mounted and brought by %d lines, want 2\n%s", i, file, n, manifest)
				}
			}
			holdsFlannel(t, pods)

			for name, result := range map[string]*compiler.Result{"units": placed, "pods": pods} {
				plan, err := pki.Of(result.Topology, result.Set)
				if err != nil {
					t.Fatal(err)
				}
				for machine, want := range map[string]string{"m": "client.crt client.key server.crt server.key", "n": "client.crt client.key"} {
					var got []string
					for _, f := range plan.Files {
						if f.Machine == machine && strings.HasPrefix(f.Path, "/etc/etcd/") && f.Name != pki.CACert {
							got = append(got, strings.TrimPrefix(f.Path, "/etc/etcd/"))
						}
					}
					slices.Sort(got)
					if strings.Join(got, " ") != want {
						t.Errorf("%s: machine %s has %q, want %q", name, machine, got, want)
					}
				}
			}
		})
	}
}

// TestUnguardedEtcd: without certificates nothing of them is on a command line.
func TestUnguardedEtcd(t *testing.T) {
	for _, library := range []string{"1.11", "1.11-pods"} {
		text := strings.NewReplacer("LIBRARY", library, "SECURITY", "firewall").Replace(guarded)
		text, _, _ = strings.Cut(text, "[host.etcd]")
		result := compileStack(t, text)
		for _, u := range result.Set.Units {
			for _, o := range u.Options {
				if strings.Contains(o.Value, "etcd-certfile") || strings.Contains(o.Value, "--cacert") {
					t.Errorf("%s: %s has %s=%s", library, u.Name, o.Name, o.Value)
				}
			}
		}
		for _, f := range result.Topology.Stack.Files {
			text := f.Content.Source()
			if strings.Contains(text, "${{") || strings.Contains(text, "etcd-c") || strings.Contains(text, "etcd-k") ||
				strings.Contains(text, "apiserver\"") && !strings.Contains(text, `"--etcd-servers=http://127.0.0.1:2379",`) {
				t.Errorf("%s: %s is\n%s", library, f.Path, text)
			}
		}
	}
}

// execStart are the words of a unit's command line.
func execStart(t *testing.T, result *compiler.Result, name units.Name) []string {
	t.Helper()
	u, ok := result.Set.Lookup(name)
	value, said := units.Last(u.Options, "Service", "ExecStart")
	if !ok || !said {
		t.Fatalf("there is no %s", name)
	}
	return strings.Fields(value)
}

// holdsGuarded holds the flags of a client: where etcd is, and each file once.
func holdsGuarded(t *testing.T, words []string, servers, prefix string) {
	t.Helper()
	want := []string{servers}
	for _, s := range clientFiles {
		want = append(want, prefix+s)
	}
	got := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.Contains(w, "etcd-") })
	if !slices.Equal(got, want) {
		t.Errorf("the flags about etcd are %q, want %q", got, want)
	}
}

func holdsFlannel(t *testing.T, result *compiler.Result) {
	t.Helper()
	words := execStart(t, result, "flannel.service")
	var flags []string // of which the value is a word of its own
	for i := 1; i+1 < len(words); i += 2 {
		flags = append(flags, words[i]+"="+words[i+1])
	}
	holdsGuarded(t, flags, "-etcd-endpoints=https://10.20.30.40:2379", "-etcd-")
	waitsGuarded(t, result, "flannel.service")
}

// waitsGuarded: what is done before a unit's start speaks https to etcd, with the files.
func waitsGuarded(t *testing.T, result *compiler.Result, name units.Name) {
	t.Helper()
	u, _ := result.Set.Lookup(name)
	asked := 0
	for _, line := range units.Get(u.Options, "Service", "ExecStartPre") {
		if !strings.Contains(line, ":2379/") {
			continue
		}
		asked++
		if strings.Contains(line, "http://") && !strings.Contains(line, "hyperkube") {
			t.Errorf("%s asks without TLS: %s", name, line)
		}
		if !strings.Contains(line, "--cacert /etc/etcd/ca.crt --cert /etc/etcd/client.crt --key /etc/etcd/client.key") {
			t.Errorf("%s shows no certificate: %s", name, line)
		}
	}
	if asked == 0 {
		t.Errorf("%s asks etcd nothing", name)
	}
}

// TestStandInTakesGuarded: the programs know the flags.
func TestStandInTakesGuarded(t *testing.T) {
	binary := standIn(t, "1.11")
	for program, prefix := range map[string]string{"kube-apiserver": "--etcd-", "flanneld": "-etcd-"} {
		var args []string
		for _, s := range clientFiles {
			args = append(args, prefix+s)
		}
		if out, ok := takes(t, binary, program, args...); !ok {
			t.Errorf("%s: %s", program, out)
		}
	}
}
