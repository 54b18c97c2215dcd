package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// compiledStacks compiles every stack of the compiler's tests, and gives those
// that have units.
func compiledStacks(t *testing.T) map[string]*compiler.Result {
	t.Helper()
	paths, err := filepath.Glob(repository("testdata/compile/*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]*compiler.Result{}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := source.Map{}
		for _, f := range archive.Files {
			files[f.Name] = string(f.Data)
		}
		result, _ := compiler.Compile("stack.toml", compiler.Options{Opener: files, Std: stacks.Library{}})
		if result.Set != nil && len(result.Set.Units) > 0 {
			results[filepath.Base(path)] = result
		}
	}
	if len(results) < 10 {
		t.Fatalf("only %d stacks have units", len(results))
	}
	return results
}

// TestEveryLineIsExplained holds that each line of each unit has a place and that
// each waiter is told with what it waits for, once.
func TestEveryLineIsExplained(t *testing.T) {
	for name, result := range compiledStacks(t) {
		for _, u := range result.Set.Units {
			x := explanation(result, u)
			var waits []units.Wait
			for i, l := range x.Lines {
				if l.From.File == "" || l.Path == "" || l.Effects == nil {
					t.Errorf("%s: line %d of %s is not explained: %+v", name, i+1, u.Name, l)
				}
				if l.Value != u.Options[i].Value {
					t.Errorf("%s: line %d of %s has another value", name, i+1, u.Name)
				}
				if l.Waits == nil {
					continue
				}
				waits = append(waits, units.Wait{Unit: l.Waits.Unit, Subject: l.Waits.Subject, Probe: l.Waits.Probe})
				if !strings.Contains(l.Value, u.Name.Prefix()) || l.Summary == "" {
					t.Errorf("%s: %s waits in %q, which is told as %q", name, u.Name, l.Value, l.Summary)
				}
			}
			if d := cmp.Diff(u.Waits, waits); d != "" {
				t.Errorf("%s: waits of %s (-unit +explained):\n%s", name, u.Name, d)
			}
			if found, err := findUnit(result, string(u.Name)); err != nil || found.Name != u.Name {
				t.Errorf("%s: %s is not found: %v", name, u.Name, err)
			}
			if found, err := findUnit(result, x.Key); err != nil || result.Topology.ByName(found.Name).Key != x.Key {
				t.Errorf("%s: %q finds %s: %v", name, x.Key, found.Name, err)
			}
		}
	}
}

// jsonNames collects the names that a type has in JSON, those of its fields' types too.
func jsonNames(t reflect.Type, names map[string]bool) {
	switch t.Kind() {
	case reflect.Slice, reflect.Pointer:
		jsonNames(t.Elem(), names)
	case reflect.Struct:
		if t == reflect.TypeFor[diag.Finding]() {
			return // these have a place of their own in the documents
		}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name != "" {
				names[name] = true
			}
			jsonNames(t.Field(i).Type, names)
		}
	}
}

// TestDocsNames holds the names that docs/explain.md gives to data against those
// that explain and params print.
func TestDocsNames(t *testing.T) {
	names := map[string]bool{}
	for _, v := range []any{explained{}, explainedList{}, paramList{}} {
		jsonNames(reflect.TypeOf(v), names)
	}
	var want []string
	for name := range names {
		want = append(want, name)
	}
	text, err := os.ReadFile(repository("docs/explain.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| name | in | what it is |")
	if !ok {
		t.Fatal("docs/explain.md has no table of names")
	}
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\| .* \\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1]+row[2], -1) {
			if !slices.Contains(got, m[1]) && (names[m[1]] || strings.Contains(row[1], m[0])) {
				got = append(got, m[1])
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("names in JSON (-commands +docs/explain.md):\n%s", d)
	}
}
