package stacks_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// compileStack compiles a stack file and fails on any finding.
func compileStack(t *testing.T, text string) *compiler.Result {
	t.Helper()
	return clean(t, source.Map{"user.toml": text}, "user.toml", nil)
}

// compileExample compiles an example of this folder, as a person would.
func compileExample(t *testing.T, file string, settings ...stack.Setting) *compiler.Result {
	t.Helper()
	return clean(t, source.Dir{}, file, settings)
}

func clean(t *testing.T, opener source.Opener, file string, settings []stack.Setting) *compiler.Result {
	t.Helper()
	result, findings := compiler.Compile(file, compiler.Options{Opener: opener, Std: stacks.Library{}, Settings: settings, Strict: true})
	for _, d := range findings {
		t.Errorf("%s: %s [%s]; %s", d.Path, d.Message, d.Code, d.Help)
	}
	if result.Set == nil {
		t.Fatalf("%s does not compile", file)
	}
	return result
}

// codes returns what a compile finds, one code for each finding.
func codes(opener source.Opener, file string, settings ...stack.Setting) []diag.Code {
	_, findings := compiler.Compile(file, compiler.Options{Opener: opener, Std: stacks.Library{}, Settings: settings})
	var list []diag.Code
	for _, d := range findings {
		list = append(list, d.Code)
	}
	return list
}

// small are the smallest stacks that use each library: only what it requires.
var small = map[string]string{
	"etcd": `
stack = "small"
use = [{ stack = "std:etcd" }]
`,
	"flannel": `
stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:flannel", params = { mirror = "http://10.0.0.9", unverified = true } }]
`,
	"kubernetes/0.15": `
stack = "small"
use = [{ stack = "std:kubernetes/0.15", params = { mirror = "http://10.0.0.9", master = "10.0.0.1", unverified = true } }]
`,
	"kubernetes/common": `
stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:kubernetes/common" }]
`,
	"kubernetes/1.11": `
stack = "small"
use = [{ stack = "std:kubernetes/1.11", params = { mirror = "http://10.0.0.9", master = "10.0.0.1", unverified = true } }]
`,
	"kubernetes/1.11-pods": `
stack = "small"
use = [{ stack = "std:kubernetes/1.11-pods", params = { mirror = "http://10.0.0.9", master = "10.0.0.1", unverified = true } }]
`,
	"kubernetes/1.11/pods-https": `
stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:kubernetes/1.11/pods-https", params = { master = "10.0.0.1", pods = "10.1.0.0/16", services = "10.2.0.0/16" } }]
`,
	"kubernetes/1.11/pods-firewall": `
stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:kubernetes/1.11/pods-firewall", params = { master = "10.0.0.1", pods = "10.1.0.0/16", services = "10.2.0.0/16" } }]
`,
	"kubernetes/1.11/https": `
stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:kubernetes/1.11/https", params = { master = "10.0.0.1", pods = "10.1.0.0/16", services = "10.2.0.0/16" } }]
`,
	"kubernetes/1.11/firewall": `
stack = "small"
use = [{ stack = "std:etcd" }, { stack = "std:kubernetes/1.11/firewall", params = { master = "10.0.0.1", pods = "10.1.0.0/16", services = "10.2.0.0/16" } }]
`,
	"kubernetes/0.7": `
stack = "small"
use = [{ stack = "std:kubernetes/0.7", params = { mirror = "http://10.0.0.9", minions = ["10.0.0.1"], unverified = true } }]
`,
	"lab/aws": `
stack = "small"
use = [{ stack = "std:lab/aws", params = { discovery = "https://discovery.etcd.io/9a6b7af06c8a677b4e5f76ae9ce0da9c" } }]
[unit.web]
Service = { ExecStart = "/opt/bin/web", Restart = "always" }
`,
	"lab/discovery": `
stack = "small"
use = [{ stack = "std:lab/discovery", params = { discovery = "https://discovery.etcd.io/9a6b7af06c8a677b4e5f76ae9ce0da9c" } }]
[unit.web]
Service = { ExecStart = "/opt/bin/web", Restart = "always" }
`,
	"lab/gce": `
stack = "small"
use = [{ stack = "std:lab/gce", params = { discovery = "https://discovery.etcd.io/9a6b7af06c8a677b4e5f76ae9ce0da9c" } }]
[unit.web]
Service = { ExecStart = "/opt/bin/web", Restart = "always" }
`,
	"lab/production": `
stack = "small"
use = [{ stack = "std:lab/production", params = { discovery = "https://discovery.etcd.io/9a6b7af06c8a677b4e5f76ae9ce0da9c" } }]
[unit.web]
Service = { ExecStart = "/opt/bin/web", Restart = "always" }
`,
	"lab/single-node": `
stack = "small"
use = [{ stack = "std:lab/single-node" }]
[unit.web]
Service = { ExecStart = "/opt/bin/web", Restart = "always" }
`,
	"lab/static": `
stack = "small"
use = [{ stack = "std:lab/static" }]
[unit.web]
Service = { ExecStart = "/opt/bin/web", Restart = "always" }
`,
}

func TestNames(t *testing.T) {
	want := []string{"etcd", "flannel", "kubernetes/0.15", "kubernetes/0.7", "kubernetes/1.11", "kubernetes/1.11-pods", "kubernetes/1.11/firewall", "kubernetes/1.11/https", "kubernetes/1.11/pods-firewall", "kubernetes/1.11/pods-https", "kubernetes/common",
		"lab/aws", "lab/discovery", "lab/gce", "lab/production", "lab/single-node", "lab/static"}
	if got := (stacks.Library{}).Names(); !slices.Equal(got, want) {
		t.Errorf("libraries are %q, want %q", got, want)
	}
}

// examples are the stack files of this folder that use libraries.
var examples = []string{"k8s-0.7.toml", "k8s-1.11.toml", "k8s.toml"}

func TestFilesAreLibrariesOrExamples(t *testing.T) {
	want := slices.Clone(examples)
	for _, name := range (stacks.Library{}).Names() {
		want = append(want, name+".toml")
	}
	var files []string
	for _, pattern := range []string{"*.toml", "*/*.toml", "*/*/*.toml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	slices.Sort(want)
	if !slices.Equal(files, want) {
		t.Errorf("the folder holds %q, libraries and examples are %q", files, want)
	}
}

func TestOpen(t *testing.T) {
	for _, name := range (stacks.Library{}).Names() {
		file, err := stacks.Library{}.Open(name)
		if err != nil {
			t.Errorf("open %q: %v", name, err)
			continue
		}
		if want := "<stacks>/" + name + ".toml"; file.Name() != want {
			t.Errorf("%q is shown as %q, want %q", name, file.Name(), want)
		}
	}
	for _, name := range []string{"k8s", "k8s-0.7", "", "kubernetes", "etcd.toml", "../stacks/etcd", "/etcd"} {
		if _, err := (stacks.Library{}).Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v, want that there is none", name, err)
		}
	}
}

func TestLibrariesCompile(t *testing.T) {
	for _, name := range (stacks.Library{}).Names() {
		t.Run(name, func(t *testing.T) {
			text, ok := small[name]
			if !ok {
				t.Fatal("no stack here uses it")
			}
			compileStack(t, text)
		})
	}
}

func TestFilesSayWhatTheyAre(t *testing.T) {
	files := slices.Clone(examples)
	for _, name := range (stacks.Library{}).Names() {
		files = append(files, name+".toml")
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(string(text), "\nstack = ")
		for line := range strings.Lines(header) {
			if !strings.HasPrefix(line, "# ") && strings.TrimSpace(line) != "#" {
				t.Errorf("%s: before stack = stands %q, want remarks alone", path, line)
			}
		}
	}
}

func TestParameters(t *testing.T) {
	required := map[string][]string{
		"etcd":            nil,
		"flannel":         {"mirror"},
		"kubernetes/0.15": {"mirror", "master"},
		"kubernetes/0.7":  {"mirror", "minions"},
		"kubernetes/1.11": {"mirror", "master"},
		"k8s.toml":        nil,
		"k8s-0.7.toml":    nil,
		"k8s-1.11.toml":   nil,

		"kubernetes/common":             nil,
		"kubernetes/1.11-pods":          {"mirror", "master"},
		"kubernetes/1.11/pods-https":    {"master", "pods", "services"},
		"kubernetes/1.11/pods-firewall": {"master", "pods", "services"},
		"lab/aws":                       {"discovery"},
		"lab/discovery":                 {"discovery"},
		"lab/gce":                       {"discovery"},
		"lab/production":                {"discovery"},
		"lab/single-node":               nil,
		"lab/static":                    nil,
		"kubernetes/1.11/https":         {"master", "pods", "services"},
		"kubernetes/1.11/firewall":      {"master", "pods", "services"},
	}
	for name, want := range required {
		t.Run(name, func(t *testing.T) {
			var opener source.Opener = stacks.Library{}
			if slices.Contains(examples, name) {
				opener = source.Dir{}
			}
			s, _ := stack.Load(stack.Input{Path: name, Opener: opener, Std: stacks.Library{}})
			if len(s.Params) == 0 {
				t.Fatal("no parameters")
			}
			var got []string
			for _, p := range s.Params {
				if p.Value == nil {
					got = append(got, p.Name)
				}
				if p.Help == "" {
					t.Errorf("parameter %s has no help", p.Name)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("required are %q, want %q", got, want)
			}
		})
	}
}

// sums gives every checksum that a stack can have, and asks for them.
func sums(t *testing.T, file string) []stack.Setting {
	t.Helper()
	s, _ := stack.Load(stack.Input{Path: file, Opener: source.Dir{}, Std: stacks.Library{}})
	settings := []stack.Setting{{Name: "unverified", Text: "false"}}
	for _, p := range s.Params {
		if strings.HasSuffix(p.Name, "-sha256") {
			settings = append(settings, stack.Setting{Name: p.Name, Text: strings.Repeat("0f", 32)})
		}
	}
	return settings
}

func TestExamplesWithChecksums(t *testing.T) {
	for _, file := range examples {
		t.Run(file, func(t *testing.T) {
			loose := compileExample(t, file)
			pinned := compileExample(t, file, sums(t, file)...)
			for _, u := range pinned.Set.Units {
				same, _ := loose.Set.Lookup(u.Name)
				if u.Hash() == same.Hash() {
					t.Errorf("%s does not depend on checksums", u.Name)
				}
				for i, w := range u.Waits {
					text := script(t, units.Get(u.Options, "Service", "ExecStartPre")[i])
					if w.Subject == "download" && !strings.Contains(text, strings.Repeat("0f", 32)) {
						t.Errorf("%s does not check %s", u.Name, w.Probe)
					}
				}
			}
		})
	}
}

// TestExamplesWithoutChecksums: whoever asks for checks and forgets a checksum is
// told so for each file, and nothing is compiled.
func TestExamplesWithoutChecksums(t *testing.T) {
	for _, file := range examples {
		t.Run(file, func(t *testing.T) {
			downloads := 0
			for _, u := range compileExample(t, file).Set.Units {
				for _, w := range u.Waits {
					if w.Subject == "download" {
						downloads++
					}
				}
			}
			got := codes(source.Dir{}, file, stack.Setting{Name: "unverified", Text: "false"})
			if want := slices.Repeat([]diag.Code{diag.Unverified}, downloads); !slices.Equal(got, want) {
				t.Errorf("findings are %q, want %d of %q", got, downloads, diag.Unverified)
			}
		})
	}
}

// TestExamplesRefuse: the mistakes of both guides cannot be made with parameters.
func TestExamplesRefuse(t *testing.T) {
	tests := []struct {
		name, file, param, value string
		want                     diag.Code
	}{
		{"pods in the service network", "k8s.toml", "pods", "10.100.0.0/16", diag.NetworkOverlap},
		{"pods in the service network", "k8s-0.7.toml", "pods", "10.100.0.0/16", diag.NetworkOverlap},
		{"pods in the service network", "k8s-1.11.toml", "pods", "10.100.0.0/16", diag.NetworkOverlap},
		{"neither https nor firewall", "k8s-1.11.toml", "security", "none", diag.BadParameter},
		{"a mirror without scheme", "k8s.toml", "mirror", "10.20.30.242", diag.BadParameter},
		{"a master with port", "k8s.toml", "master", "10.20.30.40:8080", diag.BadParameter},
		{"a network with host bits", "k8s-0.7.toml", "services", "10.100.0.1/16", diag.BadParameter},
	}
	for _, tt := range tests {
		t.Run(tt.name+" in "+tt.file, func(t *testing.T) {
			got := codes(source.Dir{}, tt.file, stack.Setting{Name: tt.param, Text: tt.value})
			if !slices.Contains(got, tt.want) {
				t.Errorf("findings are %q, want %q", got, tt.want)
			}
		})
	}
}

// TestHostNamesAreTaken: a unit of fleet's cannot take the name of a host's.
func TestHostNamesAreTaken(t *testing.T) {
	for _, name := range []string{"docker", "etcd", "fleet", "setup-network-environment", `"fleet.socket"`} {
		got := codes(source.Map{"user.toml": small["kubernetes/0.15"] + "[unit." + name + ".Unit]\nDescription = \"mine\"\n"}, "user.toml")
		if !slices.Contains(got, diag.HostUnit) {
			t.Errorf("unit %s: findings are %q, want %q", name, got, diag.HostUnit)
		}
	}
}
