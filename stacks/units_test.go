package stacks_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/coreos/fleet/api"
	"github.com/coreos/fleet/schema"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/units"
)

// eachUnit runs a test for every unit of every stack here: the smallest users of
// the libraries, and the examples with and without checksums.
func eachUnit(t *testing.T, test func(*testing.T, units.Unit)) {
	results := map[string]*compiler.Result{}
	for name, text := range small {
		results["small "+name] = compileStack(t, text)
	}
	for _, file := range examples {
		results[file] = compileExample(t, file)
		results[file+" with checksums"] = compileExample(t, file, sums(t, file)...)
	}
	for name, result := range results {
		for _, u := range result.Set.Units {
			t.Run(name+" "+string(u.Name), func(t *testing.T) { test(t, u) })
		}
	}
}

// TestFleetTakesUnits asks fleet's own checks, which its API makes before it stores a unit.
func TestFleetTakesUnits(t *testing.T) {
	eachUnit(t, func(t *testing.T, u units.Unit) {
		if err := api.ValidateName(string(u.Name)); err != nil {
			t.Error(err)
		}
		wire := make([]*schema.UnitOption, len(u.Options))
		for i, o := range u.Options {
			wire[i] = &schema.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value}
		}
		if err := api.ValidateOptions(wire); err != nil {
			t.Error(err)
		}
		if got, want := u.Hash(), schema.MapSchemaUnitOptionsToUnitFile(wire).Hash().String(); got != want {
			t.Errorf("hash is %s, fleet's is %s", got, want)
		}
	})
}

// TestHashesAreStable: the same stack gives the same units, so that a second
// submit has nothing to do.
func TestHashesAreStable(t *testing.T) {
	for _, file := range examples {
		first := compileExample(t, file)
		for range 5 {
			for _, u := range compileExample(t, file).Set.Units {
				if same, _ := first.Set.Lookup(u.Name); same.Hash() != u.Hash() {
					t.Errorf("%s: %s has another hash when compiled again", file, u.Name)
				}
			}
		}
	}
}

// TestShellText: every script, as the shell gets it from systemd, is shell.
func TestShellText(t *testing.T) {
	eachUnit(t, func(t *testing.T, u units.Unit) {
		for _, value := range units.Get(u.Options, "Service", "ExecStartPre") {
			shell := exec.Command("/bin/sh", "-n")
			shell.Stdin = strings.NewReader(script(t, value))
			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%v: %s\n%s", err, out, value)
			}
		}
	})
}

// TestUnitsCanBeLoaded holds every unit against the rules of fleet and systemd
// that nobody tells when they are broken.
func TestUnitsCanBeLoaded(t *testing.T) {
	eachUnit(t, func(t *testing.T, u units.Unit) {
		for _, fault := range units.CheckUnit(u) {
			t.Error(fault.Error())
		}
		if _, losses := units.ParsePlacement(u.Name, u.Options); len(losses) > 0 {
			t.Errorf("fleet loses %s=%s: %s", losses[0].Option.Name, losses[0].Option.Value, losses[0].Reason)
		}
	})
}

// overrides is a person's stack that uses the library and wants some things otherwise.
const overrides = `
stack = "mine"
use = [{ stack = "std:kubernetes/0.15", params = { mirror = "http://10.0.0.9", master = "10.0.0.1", health-port = 10348, unverified = true } }]

unit.get-kube-tools = false

[unit.kube-kubelet.Service]
ExecStart = """
  /opt/bin/kubelet
  --address=0.0.0.0
  --port=${{ self.port }}
  --hostname_override=${DEFAULT_IPV4}
  --api_servers=${{ kube-apiserver.address }}
  --healthz_bind_address=0.0.0.0
  --healthz_port=10348
  --allow_privileged=true
  --logtostderr=true"""
Environment = ["GOMAXPROCS=2"]

[unit.kube-proxy.Service]
RestartSec = 3
`

// TestOverrides: what a person says is in the unit, and the rest stays the library's.
func TestOverrides(t *testing.T) {
	before := compileStack(t, small["kubernetes/0.15"])
	after := compileStack(t, strings.ReplaceAll(overrides, `"mine"`, `"small"`))
	tests := []struct {
		unit units.Name
		want []string
	}{
		{"kube-kubelet.service", []string{
			"~ ExecStart --healthz_port=10248 -> --healthz_port=10348",
			"+ ExecStart --allow_privileged=true",
			"+ Service.Environment=GOMAXPROCS=2",
		}},
		{"kube-proxy.service", []string{"- Service.RestartSec=10", "+ Service.RestartSec=3"}},
		{"kube-register.service", []string{"~ ExecStart --healthz-port=10248 -> --healthz-port=10348"}},
		{"kube-apiserver.service", nil},
		{"kube-controller-manager.service", nil},
		{"kube-scheduler.service", nil},
		{"flannel.service", nil},
	}
	for _, tt := range tests {
		t.Run(string(tt.unit), func(t *testing.T) {
			old, _ := before.Set.Lookup(tt.unit)
			now, _ := after.Set.Lookup(tt.unit)
			got := onlyIn(settings(old.Options), settings(now.Options))
			got = append(got, onlyIn(preparations(t, old), preparations(t, now))...)
			got = append(got, argumentDifferences(arguments(t, old.Options), arguments(t, now.Options))...)
			if rest := onlyIn(tt.want, got); len(rest) > 0 {
				t.Errorf("changes are %q, want %q", got, tt.want)
			}
			if len(tt.want) == 0 && old.Hash() != now.Hash() {
				t.Error("the unit is another one")
			}
		})
	}
	if _, ok := after.Set.Lookup("get-kube-tools.service"); ok {
		t.Error("get-kube-tools is still there")
	}
	if got, want := len(after.Set.Units), len(tests); got != want {
		t.Errorf("%d units, want %d", got, want)
	}
}

// TestHostsElsewhere: parameters reach everything that depends on them.
func TestHostsElsewhere(t *testing.T) {
	tests := []struct {
		name, text   string
		unit         units.Name
		section, key string
		want         string // a part of some value of the option
	}{
		{"0.15 with etcd2", withParams("kubernetes/0.15", `master = "10.0.0.1", etcd-unit = "etcd2.service", etcd-port = 2379`), "kube-apiserver.service", "Unit", "Wants", "etcd2.service"},
		{"0.15 with etcd2", withParams("kubernetes/0.15", `master = "10.0.0.1", etcd-unit = "etcd2.service", etcd-port = 2379`), "kube-apiserver.service", "Service", "ExecStart", "--etcd_servers=http://127.0.0.1:2379"},
		{"0.15 with etcd2", withParams("kubernetes/0.15", `master = "10.0.0.1", etcd-unit = "etcd2.service", etcd-port = 2379`), "flannel.service", "Service", "ExecStart", "-etcd-endpoints http://10.0.0.1:2379"},
		{"0.7 with etcd2", withParams("kubernetes/0.7", `minions = ["10.0.0.1"], etcd-unit = "etcd2.service", etcd-port = 2379`), "flannel.service", "Service", "ExecStart", "-etcd-endpoints=http://127.0.0.1:2379"},
		{"0.7 with etcd2", withParams("kubernetes/0.7", `minions = ["10.0.0.1"], etcd-unit = "etcd2.service", etcd-port = 2379`), "kubelet.service", "Service", "ExecStart", "-etcd_servers=http://127.0.0.1:2379"},
		{"0.7 with two minions", withParams("kubernetes/0.7", `minions = ["10.0.0.1", "10.0.0.2"]`), "controller-manager.service", "Service", "ExecStart", "-machines=10.0.0.1,10.0.0.2"},
		{"0.15 with the address elsewhere", withParams("kubernetes/0.15", `master = "10.0.0.1", environment = "/etc/self"`), "kube-kubelet.service", "Service", "EnvironmentFile", "-/etc/self"},
		{"0.15 with its own check of docker", withParams("kubernetes/0.15", `master = "10.0.0.1", docker-ready = "test -S /run/docker.sock"`), "kube-kubelet.service", "Service", "ExecStartPre", "test -S /run/docker.sock"},
		{"0.15 with other services", withParams("kubernetes/0.15", `master = "10.0.0.1", services = "10.96.0.0/12"`), "kube-apiserver.service", "Service", "ExecStart", "--portal_net=10.96.0.0/12"},
		{"0.15 with other pods", withParams("kubernetes/0.15", `master = "10.0.0.1", pods = "10.32.0.0/12"`), "flannel.service", "Service", "ExecStartPre", `"Network":"10.32.0.0/12"`},
		{"1.11 on etcd 2", withParams("kubernetes/1.11", `master = "10.0.0.1", etcd-unit = "etcd2.service", storage = "etcd2"`), "kube-apiserver.service", "Service", "ExecStart", "--storage-backend=etcd2"},
		{"1.11 over HTTPS", withParams("kubernetes/1.11", `master = "10.0.0.1"`), "kube-kubelet.service", "Service", "ExecStartPre", "--cacert /srv/kubernetes/ca.crt https://10.0.0.1:6443/healthz"},
		{"1.11 behind a firewall", withParams("kubernetes/1.11", `master = "10.0.0.1", security = "firewall"`), "kube-kubelet.service", "Service", "ExecStartPre", `server: http://10.0.0.1:8080"`},
		{"flannel over udp", `stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:flannel", params = { mirror = "http://10.0.0.9", unverified = true, backend = "udp" } }]
`, "flannel.service", "Service", "ExecStartPre", `"Type":"udp"`},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+string(tt.unit), func(t *testing.T) {
			u, ok := compileStack(t, tt.text).Set.Lookup(tt.unit)
			values := strings.Join(units.Get(u.Options, tt.section, tt.key), "\n")
			if !ok || !strings.Contains(values, tt.want) {
				t.Errorf("%s= is %s, want %s in it", tt.key, values, tt.want)
			}
		})
	}
}

func withParams(library, params string) string {
	return `stack = "small"
use = [{ stack = "std:` + library + `", params = { mirror = "http://10.0.0.9", unverified = true, ` + params + ` } }]
`
}

// TestPlacement: where fleet may put each unit of the examples.
func TestPlacement(t *testing.T) {
	const everywhere, master, node = "Global=true", "MachineMetadata=role=master", "MachineMetadata=role=node"
	tests := map[string]map[units.Name]string{
		"k8s.toml": {
			"flannel.service":                 everywhere + " " + master + " " + node,
			"kube-apiserver.service":          master,
			"kube-controller-manager.service": "MachineOf=kube-apiserver.service",
			"kube-scheduler.service":          "MachineOf=kube-apiserver.service",
			"kube-register.service":           "MachineOf=kube-apiserver.service",
			"get-kube-tools.service":          master,
			"kube-proxy.service":              everywhere + " " + node,
			"kube-kubelet.service":            everywhere + " " + node,
		},
		"k8s-1.11.toml": {
			"flannel.service":                 everywhere + " " + master + " " + node,
			"kube-apiserver.service":          master,
			"kube-controller-manager.service": "MachineOf=kube-apiserver.service",
			"kube-scheduler.service":          "MachineOf=kube-apiserver.service",
			"kube-proxy.service":              everywhere + " " + node,
			"kube-kubelet.service":            everywhere + " " + node,
		},
		"k8s-0.7.toml": {
			"apiserver.service":          master,
			"controller-manager.service": "MachineOf=apiserver.service",
			"scheduler.service":          "MachineOf=apiserver.service",
			"flannel.service":            everywhere,
			"proxy.service":              everywhere,
			"kubelet.service":            everywhere,
		},
	}
	for file, want := range tests {
		result := compileExample(t, file)
		if len(result.Set.Units) != len(want) {
			t.Errorf("%s has %q", file, result.Set.Names())
		}
		for _, u := range result.Set.Units {
			var got []string
			for _, o := range u.Options {
				if o.Section == units.FleetSection {
					got = append(got, o.Name+"="+o.Value)
				}
			}
			if strings.Join(got, " ") != want[u.Name] {
				t.Errorf("%s: %s is placed by %q, want %q", file, u.Name, got, want[u.Name])
			}
		}
	}
}
