package stacks_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// labs are the cloud-configs of the workshop, and what gives the same: a library
// with its parameters, and the machine or role that the file is for.
var labs = map[string]struct{ library, params, host string }{
	"lab-single-node":          {"lab/single-node", "", "etcdserver"},
	"lab-3node-discovery":      {"lab/discovery", `discovery = "https://discovery.etcd.io/9a6b7af06c8a677b4e5f76ae9ce0da9c"`, "lab"},
	"lab-3node-static-core-01": {"lab/static", "", "core-01"},
	"lab-3node-static-core-02": {"lab/static", "", "core-02"},
	"lab-3node-static-core-03": {"lab/static", "", "core-03"},
	"lab-production-master":    {"lab/production", `discovery = "https://discovery.etcd.io/d49bac8527395e2a7346e694124c8222"`, "master"},
	"lab-production-worker":    {"lab/production", `discovery = "https://discovery.etcd.io/d49bac8527395e2a7346e694124c8222"`, "worker"},
	"lab-aws":                  {"lab/aws", `discovery = "https://discovery.etcd.io/47460367c9b15edffeb49de30cab9354"`, "lab"},
	"lab-gce":                  {"lab/gce", `discovery = "https://discovery.etcd.io/46ad006905f767331a36bb2a4dbde3f5"`, "lab"},
}

const labDir = "../testdata/cloud-config"

// reasoned is a line of a .differences file: what differs, and why.
var reasoned = regexp.MustCompile(`^([-+~] \S.*) # (?:P\d\d(?:, P\d\d)*|stackc): \S.*$`)

// TestLabs holds what the libraries give against the workshop's own files, key by
// key: every difference is listed in the .differences file beside it, with its reason.
func TestLabs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(labDir, "lab-*.yml"))
	if err != nil || len(files) != len(labs) {
		t.Fatalf("%d cloud-configs of the workshop, want %d (%v)", len(files), len(labs), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		t.Run(name, func(t *testing.T) {
			printed, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := listedReasons(t, strings.TrimSuffix(file, ".yml")+".differences")
			got := keyDifferences(keysOf(t, string(printed)), keysOf(t, labConfig(t, name)))
			for _, d := range got {
				if !slices.Contains(want, d) {
					t.Errorf("not listed: %s", d)
				}
			}
			for _, d := range want {
				if !slices.Contains(got, d) {
					t.Errorf("listed, and it is not so: %s", d)
				}
			}
		})
	}
}

// labConfig is the cloud-config that a library gives for one of the files.
func labConfig(t *testing.T, name string) string {
	t.Helper()
	lab := labs[name]
	text := fmt.Sprintf("stack = \"lab\"\nuse = [{ stack = \"std:%s\", params = { %s } }]\n", lab.library, lab.params)
	s, findings := stack.Load(stack.Input{Path: "lab.toml", Opener: source.Map{"lab.toml": text}, Std: stacks.Library{}})
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	hosts, findings := bootstrap.Hosts(s, bootstrap.Options{Format: bootstrap.CloudConfig})
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	for _, h := range hosts {
		if h.Name == lab.host {
			out, err := h.CloudConfig()
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
	}
	t.Fatalf("the library gives nothing for %q", lab.host)
	return ""
}

// listedReasons reads a .differences file; every line has its reason.
func listedReasons(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		m := reasoned.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%s: no reason behind the difference: %s", file, line)
			continue
		}
		list = append(list, m[1])
	}
	return list
}

// keysOf gives every value of a cloud-config by its place: units and files by name,
// and texts of units directive by directive.
func keysOf(t *testing.T, text string) map[string]string {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	flatten(t, keys, "", doc)
	return keys
}

func flatten(t *testing.T, keys map[string]string, at string, v any) {
	t.Helper()
	below := func(name string) string { return strings.TrimPrefix(at+"/"+name, "/") }
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			k = strings.ReplaceAll(k, "_", "-") // coreos-cloudinit takes both for one
			text, isText := e.(string)
			if k == "content" && isText && !strings.HasPrefix(at, "write-files") {
				unitKeys(t, keys, at, text)
			} else if k != "name" || !strings.Contains(at, "units/") {
				flatten(t, keys, below(k), e)
			}
		}
	case []any:
		for i, e := range v {
			name := fmt.Sprint(i)
			if m, ok := e.(map[string]any); ok {
				for _, key := range []string{"name", "path"} {
					if s, ok := m[key].(string); ok {
						name = s
					}
				}
			}
			flatten(t, keys, below(name), e)
		}
	default:
		keys[at] = fmt.Sprint(v)
	}
}

// unitKeys adds the directives of a unit or a piece of one.
func unitKeys(t *testing.T, keys map[string]string, at, text string) {
	t.Helper()
	options, err := units.ParseAsFleet(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		key := at + "/" + o.Section + "." + o.Name
		if old, again := keys[key]; again {
			o.Value = old + " | " + o.Value
		}
		keys[key] = o.Value
	}
}

// keyDifferences lists what only one side has, and what they say differently.
func keyDifferences(old, now map[string]string) []string {
	line := func(v string) string { return strings.ReplaceAll(strings.TrimSpace(v), "\n", " | ") }
	var list []string
	for k, v := range old {
		if w, ok := now[k]; !ok {
			list = append(list, fmt.Sprintf("- %s=%s", k, line(v)))
		} else if line(w) != line(v) {
			list = append(list, fmt.Sprintf("~ %s: %s -> %s", k, line(v), line(w)))
		}
	}
	for k, v := range now {
		if _, ok := old[k]; !ok {
			list = append(list, fmt.Sprintf("+ %s=%s", k, line(v)))
		}
	}
	slices.Sort(list)
	return list
}
