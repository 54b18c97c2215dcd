package compiler_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/fleet/api"
	"github.com/coreos/fleet/schema"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// compiledSets returns the units of every archive and stack that is without error.
func compiledSets(t *testing.T) map[string]*units.Set {
	t.Helper()
	sets := map[string]*units.Set{}
	for _, path := range archives(t, compileDir) {
		c := readCase(t, path)
		if result, _ := c.compile(); result.Set != nil {
			sets[strings.TrimSuffix(filepath.Base(path), ".txtar")] = result.Set
		}
	}
	for _, path := range exampleStacks(t) {
		result, findings := compiler.Compile(path, compiler.Options{Opener: source.Dir{}, Std: stacks.Library{}})
		if result.Set == nil {
			t.Fatal(diag.Short(findings))
		}
		sets[filepath.Base(path)] = result.Set
	}
	return sets
}

// TestFleetAccepts holds every compiled unit against fleet's own check of what
// comes in over its API.
func TestFleetAccepts(t *testing.T) {
	for name, set := range compiledSets(t) {
		for _, u := range set.Units {
			if err := api.ValidateName(string(u.Name)); err != nil {
				t.Errorf("%s: %s: %v", name, u.Name, err)
			}
			var options []*schema.UnitOption
			for _, o := range u.Options {
				options = append(options, &schema.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value})
			}
			if err := api.ValidateOptions(options); err != nil {
				t.Errorf("%s: %s: %v", name, u.Name, err)
			}
		}
	}
}

// newerSystemd are archives about directives that not every systemd knows.
var newerSystemd = []string{"systemd", "systemd_new"}

// TestSystemdAccepts lets systemd itself read the compiled units, in a folder with
// stubs for the programs that they name. It says nothing when it finds nothing.
func TestSystemdAccepts(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze on this machine")
	}
	for name, set := range compiledSets(t) {
		t.Run(name, func(t *testing.T) {
			for _, other := range newerSystemd {
				if name == other {
					return
				}
			}
			dir := t.TempDir()
			args := []string{"--root=" + dir, "--man=no", "--recursive-errors=no", "verify"}
			copyTargets(t, dir)
			for _, u := range set.Units {
				stub(t, dir, filepath.Join("etc/systemd/system", string(u.Name)), unitText(t, u), 0o644)
				for _, program := range programs(t, u) {
					stub(t, dir, program, "#!/bin/sh\n", 0o755)
				}
				args = append(args, string(u.Name))
			}
			out, err := exec.Command(analyze, args...).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// copyTargets gives the folder the targets that every unit leans on.
func copyTargets(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"sysinit", "basic", "shutdown", "sockets", "timers", "paths", "local-fs", "umount"} {
		stub(t, dir, "usr/lib/systemd/system/"+name+".target", "[Unit]\nDescription="+name+"\n", 0o644)
	}
}

// stub writes a file under dir.
func stub(t *testing.T, dir, path, text string, mode os.FileMode) {
	t.Helper()
	path = filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// programs returns the programs that a unit runs.
func programs(t *testing.T, u units.Unit) []string {
	t.Helper()
	var list []string
	for _, o := range u.Options {
		if !strings.HasPrefix(o.Name, "Exec") {
			continue
		}
		commands, err := units.SplitExec(o.Value)
		if err != nil {
			t.Fatalf("%s: %v", o.Value, err)
		}
		for _, c := range commands {
			list = append(list, c.Words[0].Text)
		}
	}
	return list
}
