package stacks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// scratch is the guide that has no units: it gives static pods, and lists flags
// of what is no pod. Each is held against the unit that runs the same program, for
// both of its ways to keep others out.
type scratch struct {
	file     string // under testdata/guides/scratch-v1.11
	security string
	unit     units.Name
}

func scratches() []scratch {
	var list []scratch
	for _, security := range []string{"https", "firewall"} {
		list = append(list,
			scratch{"kube-apiserver." + security + ".json", security, "kube-apiserver.service"},
			scratch{"kube-controller-manager.json", security, "kube-controller-manager.service"},
			scratch{"kube-scheduler.json", security, "kube-scheduler.service"},
			scratch{"kubelet.flags", security, "kube-kubelet.service"},
			scratch{"kube-proxy.flags", security, "kube-proxy.service"},
		)
	}
	return list
}

// blanks are values for what the guide leaves to be filled in: the example's.
var scratchBlanks = strings.NewReplacer("${MASTER_IP}", "10.20.30.40", "${SERVICE_CLUSTER_IP_RANGE}", "10.100.0.0/16",
	"${CLUSTER_SUBNET}", "10.244.0.0/16", "${HYPERKUBE_IMAGE}", "k8s.gcr.io/hyperkube:v1.11.0",
	"--cluster-dns=\n", "--cluster-dns=10.100.0.10\n", "--cluster-domain=\n", "--cluster-domain=cluster.local\n",
	"${RECOMMENDED_LIST}", "NamespaceLifecycle,LimitRanger,ServiceAccount,DefaultStorageClass,DefaultTolerationSeconds,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota")

func scratchPath(file string) string {
	return filepath.Join("..", "testdata", "guides", "scratch-v1.11", file)
}

// differencesFile is the list of what is otherwise in the unit.
func (s scratch) differencesFile() string {
	name, _, _ := strings.Cut(s.file, ".")
	return scratchPath(name + "." + s.security + ".differences")
}

// arguments are those of the guide, without the program.
func (s scratch) arguments(t *testing.T) []argument {
	t.Helper()
	text, err := os.ReadFile(scratchPath(s.file))
	if err != nil {
		t.Fatal(err)
	}
	filled := scratchBlanks.Replace(string(text))
	words := strings.Fields(filled)
	if strings.HasSuffix(s.file, ".json") {
		var pod struct {
			Spec struct {
				Containers []struct{ Command []string }
			}
		}
		if err := json.Unmarshal([]byte(filled), &pod); err != nil {
			t.Fatal(err)
		}
		words = pod.Spec.Containers[0].Command[2:] // /hyperkube PROGRAM
	}
	var list []argument
	for _, word := range words {
		flag, _, _ := strings.Cut(word, "=")
		list = append(list, argument{flagName(flag), word})
	}
	return list
}

// TestScratchCommands holds the command lines of Kubernetes 1.11 against the
// guide's, flag by flag: what differs is listed with its reason.
func TestScratchCommands(t *testing.T) {
	for _, s := range scratches() {
		t.Run(s.security+" "+s.file, func(t *testing.T) {
			set := compileExample(t, "k8s-1.11.toml", stack.Setting{Name: "security", Text: s.security}).Set
			compiled, ok := set.Lookup(s.unit)
			if !ok {
				t.Fatalf("the stack has no unit %s", s.unit)
			}
			var want []string
			for _, l := range readListed(t, s.differencesFile()) {
				want = append(want, l.difference)
			}
			got := argumentDifferences(s.arguments(t), arguments(t, compiled.Options)[2:])
			for _, d := range onlyIn(want, got) {
				if difference, unlisted := strings.CutPrefix(d, "+ "); unlisted {
					t.Errorf("differs, and no line says why:\n%s", difference)
				} else {
					t.Errorf("listed, and does not differ:\n%s", strings.TrimPrefix(d, "- "))
				}
			}
		})
	}
}

// TestScratchFilesAccountedFor: each file of the guide is held against a unit.
func TestScratchFilesAccountedFor(t *testing.T) {
	accounted := map[string]bool{}
	for _, s := range scratches() {
		accounted[s.file] = true
		accounted[filepath.Base(s.differencesFile())] = true
		if s.isPod() {
			accounted[filepath.Base(s.podFile())] = true
		}
	}
	entries, err := os.ReadDir(scratchPath("."))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		files = append(files, e.Name())
	}
	if want := slices.Sorted(maps.Keys(accounted)); !slices.Equal(files, want) {
		t.Errorf("the guide has\n%q\nand the table\n%q", files, want)
	}
}

// scratchPods is the guide's cluster with static pods, with the values of scratchBlanks.
const scratchPods = `
stack = "pods"
[[use]]
stack = "std:kubernetes/1.11-pods"
params = { mirror = "http://10.20.30.242", master = "10.20.30.40", unverified = true, security = "SECURITY" }
`

// podFile is the list of what is otherwise in the manifest.
func (s scratch) podFile() string {
	return strings.TrimSuffix(s.differencesFile(), ".differences") + ".pod.differences"
}

// isPod reports whether the guide gives a manifest.
func (s scratch) isPod() bool { return strings.HasSuffix(s.file, ".json") }

// manifestKeys are all values of a JSON text, each behind the keys that lead to it; the
// command's arguments are left to others.
func manifestKeys(t *testing.T, text string) (keys, command []string) {
	t.Helper()
	var root any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				walk(path+"."+key, inner)
			}
		case []any:
			for i, inner := range v {
				if strings.HasSuffix(path, ".command") {
					command = append(command, fmt.Sprint(inner))
					continue
				}
				walk(fmt.Sprintf("%s[%d]", path, i), inner)
			}
		default:
			keys = append(keys, fmt.Sprintf("%s=%v", strings.TrimPrefix(path, "."), v))
		}
	}
	walk("", root)
	slices.Sort(keys)
	return keys, command
}

// TestScratchPods holds the manifests of static pods against the guide's, key by
// key: what differs is listed with its reason. Their command lines are those of the
// units, which are held against the guide's already.
func TestScratchPods(t *testing.T) {
	for _, s := range scratches() {
		if !s.isPod() {
			continue
		}
		t.Run(s.security+" "+s.file, func(t *testing.T) {
			result := compileStack(t, strings.Replace(scratchPods, "SECURITY", s.security, 1))
			name := "/etc/kubernetes/manifests/" + strings.TrimSuffix(string(s.unit), ".service") + ".json"
			i := slices.IndexFunc(result.Topology.Stack.Files, func(f *stack.HostFile) bool { return f.Path == name })
			if i < 0 {
				t.Fatalf("the stack has no file %s", name)
			}
			file := result.Topology.Stack.Files[i]
			if !file.On("", []string{"master"}) || file.On("", []string{"node"}) {
				t.Error("it belongs on the master alone")
			}
			text, err := os.ReadFile(scratchPath(s.file))
			if err != nil {
				t.Fatal(err)
			}
			guide, _ := manifestKeys(t, scratchBlanks.Replace(string(text)))
			ours, command := manifestKeys(t, file.Content.Source())
			var want []string
			for _, l := range readListed(t, s.podFile()) {
				want = append(want, l.difference)
			}
			for _, d := range onlyIn(want, onlyIn(guide, ours)) {
				t.Errorf("the list and the manifest do not agree: %s", d)
			}
			unit, _ := compileExample(t, "k8s-1.11.toml", stack.Setting{Name: "security", Text: s.security}).Set.Lookup(s.unit)
			value, _ := units.Last(unit.Options, "Service", "ExecStart")
			if flags := strings.Fields(value)[1:]; !slices.Equal(command[1:], flags) {
				t.Errorf("the pod runs\n%q\nthe unit\n%q", command[1:], flags)
			}
		})
	}
}

// TestScratchChecks holds what "stackc verify" asks of a cluster of 1.11 against
// the guide: the addresses of its liveness probes, and "kubectl get nodes".
func TestScratchChecks(t *testing.T) {
	const pods = `stack = "small"
use      = [{ stack = "std:kubernetes/1.11-pods", params = { mirror = "http://10.0.0.9", master = "10.20.30.40", security = "SECURITY", unverified = true } }]
machine  = { m = { role = "master", address = "10.20.30.40" }, n = { role = "node", address = "10.20.30.41" } }
`
	for security, api := range map[string]expect.Ask{
		"https":    {Scheme: "https", Port: 6443},
		"firewall": {Scheme: "http", Port: 8080},
	} {
		units := compileExample(t, "k8s-1.11.toml", stack.Setting{Name: "security", Text: security})
		manifests := compileStack(t, strings.Replace(pods, "SECURITY", security, 1))
		for _, of := range []struct {
			nodes, beside string // static pods are at the master, units wherever fleet has them
			checks        []expect.Check
		}{
			{"10.20.30.41 10.20.30.42", "http://", units.Checks}, {"10.20.30.40 10.20.30.41", "http://10.20.30.40", manifests.Checks},
		} {
			base := fmt.Sprintf("%s://:%d", api.Scheme, api.Port)
			want := map[string]string{
				"apiserver":          base + "/healthz: ok",
				"controller-manager": of.beside + ":10252/healthz: ok",
				"scheduler":          of.beside + ":10251/healthz: ok",
				"nodes":              base + "/api/v1/nodes: items[].metadata.name " + of.nodes,
			}
			got := map[string]string{}
			for _, c := range of.checks {
				switch {
				case c.Kind != expect.Declared:
				case c.Ask.URL != "":
					got[c.Name] = c.Ask.URL + ": " + c.Want.Contains
				default:
					got[c.Name] = fmt.Sprintf("%s://:%d%s: %s", c.Ask.Scheme, c.Ask.Port, c.Ask.Path, c.Want.Contains)
				}
				if c.Kind == expect.Declared && c.Want.Listed {
					got[c.Name] += c.Want.List + " " + strings.Join(c.Want.Set, " ")
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", security, got, want)
			}
		}
	}
}
