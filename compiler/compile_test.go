package compiler_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

var update = flag.Bool("update", false, "write what the compiler gives into the archives")

const (
	compileDir = "../testdata/compile"
	stackFile  = "stack.toml"
	wantPrefix = "want/"
)

// TestCompile holds the units and the findings of each archive against what
// stands in it. An archive without a golden fails; only -update writes one.
func TestCompile(t *testing.T) { runArchives(t, compileDir) }

func runArchives(t *testing.T, dir string) {
	for _, path := range archives(t, dir) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			c := readCase(t, path)
			got := c.outputs(t)
			if *update {
				c.write(t, got)
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s differs from what it says (-want +got):\n%s", path, diff)
			}
		})
	}
}

// archives returns the archives of a folder, which must hold some.
func archives(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in %s: %v", dir, err)
	}
	return paths
}

// testCase is one archive: a stack file with what it uses, how it is compiled,
// and what comes of it.
type testCase struct {
	path    string
	archive *txtar.Archive
	options compiler.Options
	want    map[string]string
}

func readCase(t testing.TB, path string) testCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := source.Map{}
	c := testCase{path: path, archive: archive, want: map[string]string{}}
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, wantPrefix); ok {
			c.want[name] = string(f.Data)
		} else {
			files[f.Name] = strings.TrimSuffix(string(f.Data), noNewline)
		}
	}
	if _, ok := files[stackFile]; !ok {
		t.Fatalf("%s has no %s", path, stackFile)
	}
	c.options = compiler.Options{Opener: files, Std: stacks.Library{}}
	c.arguments(t, files)
	return c
}

// noNewline at the end of a file of an archive stands for no newline there.
const noNewline = "<EOF>\n"

// arguments reads the lines "# args: --set name=value --params file --overlay file --strict".
func (c *testCase) arguments(t testing.TB, files source.Map) {
	t.Helper()
	for line := range strings.Lines(string(c.archive.Comment)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "# args:")
		if !ok {
			continue
		}
		words := strings.Fields(rest)
		for i := 0; i < len(words); i++ {
			switch words[i] {
			case "--strict":
				c.options.Strict = true
			case "--set":
				i++
				c.options.Settings = append(c.options.Settings, setting(words[i]))
			case "--params":
				i++
				c.options.Settings = append(c.options.Settings, settingsOf(t, files, words[i])...)
			case "--overlay":
				i++
				c.options.Overlays = append(c.options.Overlays, words[i])
			default:
				t.Fatalf("%s: unknown argument %q", c.path, words[i])
			}
		}
	}
}

// setting is what --set name=value makes.
func setting(word string) stack.Setting {
	f := source.NewFile("--set", word)
	name, value, _ := strings.Cut(word, "=")
	return stack.Setting{Name: name, Span: f.Span(0, len(name)), Text: value, TextPos: f.Span(len(name)+1, len(word))}
}

// settingsOf is what --params file makes.
func settingsOf(t testing.TB, files source.Map, name string) []stack.Setting {
	t.Helper()
	f, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	tree, findings := syntax.Parse(f)
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	var list []stack.Setting
	for _, e := range tree.Entries {
		list = append(list, stack.Setting{Name: e.Key, Span: e.KeySpan, Value: e.Value})
	}
	return list
}

func (c *testCase) compile() (*compiler.Result, diag.List) {
	return compiler.Compile(stackFile, c.options)
}

// outputs compiles the case and gives what its want/ files should hold.
func (c *testCase) outputs(t testing.TB) map[string]string {
	t.Helper()
	result, findings := c.compile()
	got := map[string]string{"diagnostics": diag.Short(findings)}
	if result.Set == nil {
		return got
	}
	for _, u := range result.Set.Units {
		got[string(u.Name)] = unitText(t, u)
	}
	return got
}

// unitText is a unit as it goes to fleet, with the desired state when that is not the usual one.
func unitText(t testing.TB, u units.Unit) string {
	t.Helper()
	text := u.Text() // TestLaws holds that it can be written
	if u.Desired != units.Launched {
		text = fmt.Sprintf("# %s\n%s", u.Desired, text)
	}
	return text
}

// write puts the outputs into the archive, the findings first.
func (c *testCase) write(t *testing.T, got map[string]string) {
	t.Helper()
	c.archive.Files = slices.DeleteFunc(c.archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, wantPrefix) })
	names := make([]string, 0, len(got))
	for name := range got {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == "diagnostics") != (b == "diagnostics") {
			return map[bool]int{true: -1, false: 1}[a == "diagnostics"]
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		c.archive.Files = append(c.archive.Files, txtar.File{Name: wantPrefix + name, Data: []byte(got[name])})
	}
	if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
