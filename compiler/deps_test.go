package compiler_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// policy says what each package of the module may import, tests left out: of the
// module by path, of others by module, of the standard library everything but
// what forbidden names.
//
// The two halves meet in units: the compiler never imports fleet, and fleet never
// the compiler. Only what lies under cmd knows both, and the operating system.
const policy = `
compiler/source:
compiler/diag:      compiler/source github.com/charmbracelet/x/ansi
compiler/syntax:    compiler/diag compiler/source github.com/pelletier/go-toml/v2 github.com/BurntSushi/toml
compiler/format:    compiler/syntax compiler/diag compiler/source
compiler/stack:     compiler/syntax compiler/diag compiler/source units github.com/Masterminds/semver/v3 units/pattern
compiler/topology:  compiler/stack compiler/diag compiler/source units units/graph
compiler/emit:      compiler/topology compiler/stack compiler/diag units
compiler/check:     compiler/emit compiler/topology compiler/stack compiler/diag units units/expect
compiler/lint:      compiler/emit compiler/topology compiler/stack compiler/diag compiler/source units github.com/BurntSushi/toml units/pattern
compiler/mirror:    compiler/emit compiler/topology compiler/stack compiler/format compiler/syntax compiler/diag compiler/source units units/pattern
compiler/schema:    compiler/stack compiler/syntax compiler/diag compiler/source units units/pattern
compiler:           compiler/check units/expect compiler/lint compiler/emit compiler/topology compiler/stack compiler/diag compiler/source units
compiler/pxe:        compiler/bootstrap compiler/stack units
compiler/bootstrap: compiler/emit compiler/stack compiler/diag compiler/source units units/pattern go.yaml.in/yaml/v4
compiler/ports:     compiler/bootstrap compiler/emit compiler/topology compiler/stack units units/expect units/pattern
compiler/pki:       compiler/stack compiler/topology units
compiler/cloudconfig: compiler/diag compiler/source units go.yaml.in/yaml/v4 units/pattern
compiler/cases:      compiler compiler/stack compiler/syntax compiler/diag compiler/source units github.com/rogpeppe/go-internal units/pattern
compiler/importer: compiler compiler/cloudconfig compiler/format compiler/stack compiler/diag compiler/source units units/pattern
stacks:             compiler compiler/source
units/graph:
units/pattern:
units/expect:       units
units/compare:      units znkr.io/diff units/pattern
units:              units/graph github.com/coreos/go-systemd/v22 units/pattern
fleet/state:        units github.com/cenkalti/backoff/v5 go.etcd.io/etcd/client/v2
fleet:              units units/graph github.com/coreos/fleet github.com/coreos/etcd github.com/cenkalti/backoff/v5 golang.org/x/sync google.golang.org/api
fleet/gc:           units fleet/state github.com/coreos/fleet go.etcd.io/etcd/client/v2 golang.org/x/sync
fleet/doctor:       fleet units
fleet/doctor/probe: fleet/doctor units
fleet/verify:       fleet units units/expect
fleet/tunnel:       golang.org/x/crypto github.com/kevinburke/ssh_config github.com/skeema/knownhosts
fleet/fleettest:    fleet units github.com/coreos/fleet
`

// forbidden are packages of the standard library that a folder must do without:
// the compiler is a function of texts, the model of units one of values.
var forbidden = map[string][]string{
	"compiler": {"net/http", "os/exec", "os/signal", "time/tzdata", "math/rand", "math/rand/v2"},
	"stacks":   {"net/http", "os", "os/exec"},
	"units":    {"net/http", "os", "os/exec", "time"},
	"fleet":    {"os/exec", "os/signal"},
}

// packageInfo is what go list says of a package.
type packageInfo struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	allowed := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(policy)) {
		name, list, _ := strings.Cut(line, ":")
		allowed[name] = strings.Fields(list)
	}
	seen := 0
	for _, p := range modulePackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "cmd/") {
			continue
		}
		list, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the policy", name)
			continue
		}
		seen++
		for _, path := range p.Imports {
			if !mayImport(name, list, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("%d packages of the policy are there, want all %d", seen, len(allowed))
	}
}

// mayImport reports whether a package with that list may import path.
func mayImport(name string, list []string, path string) bool {
	if own, ok := strings.CutPrefix(path, module); ok {
		return slices.Contains(list, own)
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		folder, _, _ := strings.Cut(name, "/")
		return !slices.Contains(forbidden[folder], path)
	}
	return slices.ContainsFunc(list, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

// modulePackages returns the packages of the module.
func modulePackages(t *testing.T) []packageInfo {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []packageInfo
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p packageInfo
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}
