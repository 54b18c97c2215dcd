package compiler_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// aboutText are the findings about the text of a unit alone, which do not depend on
// what stack it stands in: those that must not be raised without a reason.
var aboutText = []diag.Code{
	diag.BadValue, diag.BadSetting, diag.UnknownDirective, diag.UnknownSection, diag.WrongSection, diag.UnitText, diag.ValueText,
	diag.Secret, diag.NoShell, diag.ShellText, diag.Specifier, diag.UnexpandedVar, diag.EmptyArgument, diag.PathTypo, diag.FlagValue,
	diag.OddCharacter, diag.TOMLEscape, diag.UnitName,
}

// explained are the findings about units of Debian that systemd itself does not
// share, by unit and code, each with the reason why it is right all the same.
var explained = map[string]string{}

// installedUnits are the unit files of this machine that fleet would take.
func installedUnits(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("/usr/lib/systemd/system/*.*")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, path := range paths {
		name, err := units.ParseName(filepath.Base(path))
		if err != nil || !units.FleetType(name.Type()) {
			continue
		}
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 { // else masked, or a folder
			texts[string(name)] = string(text)
		}
	}
	if len(texts) < 50 {
		t.Fatalf("only %d units: the Debian package systemd brings more", len(texts))
	}
	return texts
}

// TestInstalledUnits compiles the units of this machine, each as its text: what
// is said of them alone, systemd says too, or it is explained above.
func TestInstalledUnits(t *testing.T) {
	analyze := analyzeInstalled(t)
	used, total := map[string]bool{}, 0
	for name, text := range installedUnits(t) {
		stackText := fmt.Sprintf("stack = \"debian\"\nsystemd = 252\n[unit.%q]\nstate = \"inactive\"\ntext = '''\n%s'''\n", name, text)
		_, findings := compiler.Compile(stackFile, compiler.Options{Opener: source.Map{stackFile: stackText}})
		total += len(findings)
		for _, d := range findings {
			key := name + " " + string(d.Code)
			line := d.Span.Position().Line - 5 // of the text
			_, known := explained[key]
			used[key] = used[key] || known
			if !known && slices.Contains(aboutText, d.Code) && !analyze[fmt.Sprintf("%s:%d", name, line)] {
				t.Errorf("%s:%d: %s [%s]\n%s", name, line, d.Message, d.Code, d.Span.Text())
			}
		}
	}
	if total == 0 {
		t.Error("nothing at all is said, not even of [Install]")
	}
	for key, why := range explained {
		if !used[key] || why == "" {
			t.Errorf("nothing to explain: %s", key)
		}
	}
}

// analyzeInstalled returns the lines of installed units that systemd complains of.
func analyzeInstalled(t *testing.T) map[string]bool {
	t.Helper()
	paths, err := filepath.Glob("/usr/lib/systemd/system/*.*")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--man=no", "--recursive-errors=no", "verify"}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			args = append(args, path)
		}
	}
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatalf("systemd-analyze, of the Debian package systemd: %v", err)
	}
	lines := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^/\S*/([^/\s:]+):(\d+): `).FindAllStringSubmatch(string(out), -1) {
		lines[m[1]+":"+m[2]] = true
	}
	return lines
}

// TestGuideUnits compiles the units of the guides in the same way:
// what is said of their text is listed, each with the mistake that it is.
func TestGuideUnits(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("../testdata/guides", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, bad := units.ParseName(filepath.Base(path))
		if bad != nil {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		stackText := fmt.Sprintf("stack = \"guide\"\n[unit.%q]\ntext = '''\n%s'''\n", string(name), text)
		_, findings := compiler.Compile(stackFile, compiler.Options{Opener: source.Map{stackFile: stackText}})
		for _, d := range findings {
			if slices.Contains(aboutText, d.Code) {
				key := strings.TrimPrefix(path, "../testdata/guides/") + " " + string(d.Code)
				seen[key] = true
				if guideMistakes[key] == "" {
					t.Errorf("%s:%d: %s\n%s", key, d.Span.Position().Line-3, d.Message, d.Span.Text())
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range guideMistakes {
		if !seen[key] {
			t.Errorf("nothing is said of %s", key)
		}
	}
}

// guideMistakes are what the units of the guides get wrong in their text.
var guideMistakes = map[string]string{
	"offline-v0.15/master/etcd.service flag-value":     "-snapshot true: the program stops reading flags there",
	"offline-v0.15/node/docker.service empty-argument": "${DOCKER_EXTRA_OPTS} from an optional file",
}
