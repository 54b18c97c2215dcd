package compiler_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

const pitfallScripts = "../testdata/script/check_pitfall_p*.txtar"

// pitfallTable tells, of the mistakes of the hand-written guides, those that have no
// script and why. The last one's number is how many there are.
const pitfallTable = "../testdata/pitfalls.txt"

// TestPitfalls compiles the stack of each script and holds the findings against
// what the script wants on stderr, so that they are right without the command too.
func TestPitfalls(t *testing.T) {
	paths, err := filepath.Glob(pitfallScripts)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := source.Map{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			_, findings := compiler.Compile(stackFile, compiler.Options{Opener: files})
			if diff := cmp.Diff(files["want"], onStderr(findings)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strict := strings.Contains(string(archive.Comment), "--strict"); strict == findings.HasErrors() {
				t.Errorf("the script tries --strict: %v, although there are errors: %v", strict, findings.HasErrors())
			}
		})
	}
}

// onStderr is what check prints of findings: with errors a count follows them.
func onStderr(l diag.List) string {
	if !l.HasErrors() {
		return diag.Short(l)
	}
	return diag.Short(l) + stackFile + ": " + diag.Summary(l) + "\n"
}

// TestPitfallsAreComplete fails for a mistake with neither a script nor a reason.
func TestPitfallsAreComplete(t *testing.T) {
	paths, err := filepath.Glob(pitfallScripts)
	if err != nil {
		t.Fatal(err)
	}
	reasons, last := pitfallReasons(t)
	for n := 1; n <= last; n++ {
		script := strings.Replace(pitfallScripts, "*", fmt.Sprintf("%02d", n), 1)
		if has := slices.Contains(paths, script); has == (reasons[n] != "") {
			t.Errorf("number %d: script %v, reason %q; one of them is wanted", n, has, reasons[n])
		}
		paths = slices.DeleteFunc(paths, func(p string) bool { return p == script })
	}
	if len(paths) > 0 {
		t.Errorf("scripts of nothing: %v", paths)
	}
}

// pitfallReasons reads the table, and its last number.
func pitfallReasons(t *testing.T) (reasons map[int]string, last int) {
	t.Helper()
	reasons = map[int]string{}
	for line := range strings.Lines(read(t, pitfallTable)) {
		number, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if number == "#" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimPrefix(number, "P"))
		if err != nil || n <= last || reason == "" {
			t.Fatalf("%s: %q", pitfallTable, line)
		}
		reasons[n], last = reason, n
	}
	return reasons, last
}
