package format

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	burnt "github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	tomltest "github.com/toml-lang/toml-test/v2"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// failer is what a law needs of a test.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// suite returns the valid files of the TOML test suite of that version.
func suite(t testing.TB, version string) map[string]string {
	t.Helper()
	cases := tomltest.TestCases()
	list, err := fs.ReadFile(cases, "files-toml-"+version)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name := range strings.FieldsSeq(string(list)) {
		if !strings.HasPrefix(name, "valid/") || !strings.HasSuffix(name, ".toml") {
			continue
		}
		text, err := fs.ReadFile(cases, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	if len(files) < 200 {
		t.Fatalf("the suite has only %d valid files", len(files))
	}
	return files
}

// stackFiles returns the stacks that come with stackc, by path.
func stackFiles(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"../../stacks/*.toml", "../../stacks/*/*.toml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("nothing in %s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[path] = string(text)
		}
	}
	return files
}

// archived returns the stack files in the archives of the compiler's tests.
func archived(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/compile/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	files := map[string]string{}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if filepath.Ext(f.Name) == ".toml" {
				files[path+":"+f.Name] = string(f.Data)
			}
		}
	}
	return files
}

// corpus is every text that the tests know.
func corpus(t testing.TB) map[string]string {
	all := stackFiles(t)
	for _, more := range []map[string]string{archived(t), suite(t, "1.0.0"), suite(t, "1.1.0")} {
		for name, text := range more {
			all[name] = text
		}
	}
	return all
}

// checkLaws holds what is true of every text: one that is not TOML stays as it
// is, and any other keeps its tree and comments, is formatted for good, and is
// TOML 1.0. It returns the formatted text.
func checkLaws(t failer, text string) string {
	t.Helper()
	f := source.NewFile("t.toml", text)
	tree, faults := syntax.Parse(f)
	out, findings := Format(f)
	if len(findings) != len(faults) {
		t.Fatalf("%d findings, want %d: %v\n%s", len(findings), len(faults), findings, text)
	}
	if len(faults) > 0 {
		if string(out) != f.Text() {
			t.Fatalf("a text with faults was changed:\n%s", out)
		}
		return string(out)
	}
	again := source.NewFile("t.toml", string(out))
	tree2, faults := syntax.Parse(again)
	if len(faults) > 0 {
		t.Fatalf("the output is not TOML: %s at %s\n%s", faults[0].Message, faults[0].Span, out)
	}
	if diff := cmp.Diff(outline(tree), outline(tree2)); diff != "" {
		t.Fatalf("the tree has changed:\n%s\n%s", diff, out)
	}
	if diff := cmp.Diff(sorted(comments(f.Text())), sorted(comments(string(out)))); diff != "" {
		t.Fatalf("the comments have changed:\n%s\n%s", diff, out)
	}
	checkOld(t, tree2)
	if twice, findings := Format(again); len(findings) > 0 || string(twice) != string(out) {
		t.Fatalf("formatted twice it is something else:\n%s", cmp.Diff(string(out), string(twice)))
	}
	return string(out)
}

// outline tells keys, kinds and values of a tree, line by line.
func outline(t *syntax.Table) []string {
	var list []string
	walk("", &syntax.Value{Kind: syntax.KindTable, Table: t}, func(path string, v *syntax.Value) {
		line := path + " " + v.Kind.String()
		switch v.Kind {
		case syntax.String:
			line += fmt.Sprintf(" %q", v.Str)
		case syntax.Integer:
			line += fmt.Sprint(" ", v.Int)
		case syntax.Float:
			line += fmt.Sprint(" ", v.Float)
		case syntax.Bool:
			line += fmt.Sprint(" ", v.Bool)
		case syntax.Datetime:
			var m struct{ K any }
			if _, err := burnt.Decode("k = "+v.Span.Text(), &m); err != nil {
				line += err.Error()
			}
			line += fmt.Sprintf(" %v", m.K)
		}
		list = append(list, line)
	})
	return list
}

// walk visits a value and all within it, in the order of the file.
func walk(path string, v *syntax.Value, visit func(path string, v *syntax.Value)) {
	visit(path, v)
	for i, e := range v.Elems {
		walk(fmt.Sprintf("%s[%d]", path, i), e, visit)
	}
	if v.Table != nil {
		for _, e := range v.Table.Entries {
			walk(fmt.Sprintf("%s.%q", path, e.Key), e.Value, visit)
		}
	}
}

// token is a string or a comment.
var token = regexp.MustCompile(`(?s)"""(?:\\.|[^\\])*?"{3,5}|'''.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*`)

// commentSpans returns where the comments of a text stand.
func commentSpans(text string) [][]int {
	return slices.DeleteFunc(token.FindAllStringIndex(text, -1), func(at []int) bool { return text[at[0]] != '#' })
}

// comments returns the comments of a text, without blanks behind them.
func comments(text string) []string {
	list := []string{}
	for _, at := range commentSpans(text) {
		list = append(list, strings.TrimRight(text[at[0]:at[1]], " \t\r"))
	}
	return list
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// attached tells for each comment of a text what it belongs to: what stands
// before it on its line, or else what comes next. Where an element has a comment
// and the comma on the next line another, the second goes with what comes next.
func attached(text string) []string {
	f := source.NewFile("t", text)
	tree, _ := syntax.Parse(f)
	type place struct {
		path       string
		start, end int
	}
	var places []place
	walk("", &syntax.Value{Kind: syntax.KindTable, Table: tree}, func(path string, v *syntax.Value) {
		places = append(places, place{path, v.Span.Start(), v.Span.End()})
		if v.Table != nil {
			for _, e := range v.Table.Entries {
				places = append(places, place{fmt.Sprintf("%s.%q key", path, e.Key), e.KeySpan.Start(), e.KeySpan.End()})
			}
		}
	})
	var list []string
	last := len(text) // behind the comment before
	for _, at := range commentSpans(text) {
		line := strings.LastIndexByte(text[:at[0]], '\n') + 1
		before := strings.TrimSpace(text[line:at[0]])
		behind := before != "" && !(before == "," && at[0] > last && strings.Count(text[last:at[0]], "\n") == 1)
		last = at[1]
		best := place{path: "the end", start: len(text)}
		for _, p := range places[1:] {
			if behind && p.end <= at[0] && p.end > best.end || !behind && p.start > at[0] && p.start < best.start {
				best = p
			}
		}
		list = append(list, fmt.Sprintf("%s, behind %t: %s", best.path, behind, strings.TrimRight(text[at[0]:at[1]], " \t\r")))
	}
	return list
}

var (
	newEscape = regexp.MustCompile(`^"(?:[^\\]|\\[^ex])*\\[ex]`)
	newTime   = regexp.MustCompile(`^(?:[0-9-]+[Tt ])?[0-9]{2}:[0-9]{2}(?:[^:]|$)`)
	newTable  = regexp.MustCompile(`\n|#|,\s*}$`)
)

// checkOld finds what TOML 1.0 does not have.
func checkOld(t failer, tree *syntax.Table) {
	t.Helper()
	walk("", &syntax.Value{Kind: syntax.KindTable, Table: tree}, func(path string, v *syntax.Value) {
		text := v.Span.Text()
		switch {
		case v.Kind == syntax.String && newEscape.MatchString(text),
			v.Kind == syntax.Datetime && newTime.MatchString(text),
			v.Kind == syntax.KindTable && strings.HasPrefix(text, "{") && newTable.MatchString(frame(v)):
			t.Fatalf("%s: not of TOML 1.0: %s", path, text)
		}
	})
}

// frame is the text of an inline table without its keys and values.
func frame(v *syntax.Value) string {
	text := []byte(v.Span.Text())
	var hide func(t *syntax.Table)
	hide = func(t *syntax.Table) {
		for _, e := range t.Entries {
			for _, s := range []source.Span{e.KeySpan, e.Value.Span} {
				for i := s.Start(); i < s.End(); i++ {
					text[i-v.Span.Start()] = '_'
				}
			}
			if e.Value.Kind == syntax.KindTable && !strings.HasPrefix(e.Value.Span.Text(), "{") { // of a dotted key
				hide(e.Value.Table)
			}
		}
	}
	hide(v.Table)
	return string(text)
}

func TestSuite(t *testing.T) {
	for name, text := range suite(t, "1.0.0") {
		t.Run(name, func(t *testing.T) {
			out := checkLaws(t, text)
			if diff := cmp.Diff(attached(text), attached(out)); diff != "" {
				t.Errorf("comments belong to something else:\n%s\n%s", diff, out)
			}
		})
	}
}

// TestSuiteNew: what TOML 1.1 added keeps its meaning.
func TestSuiteNew(t *testing.T) {
	for name, text := range suite(t, "1.1.0") {
		t.Run(name, func(t *testing.T) { checkLaws(t, text) })
	}
}

// TestStacks: the stacks that come with stackc are in the style.
func TestStacks(t *testing.T) {
	for name, text := range stackFiles(t) {
		if diff := cmp.Diff(text, checkLaws(t, text)); diff != "" {
			t.Errorf("%s is not in the style (-file +formatted):\n%s", name, diff)
		}
	}
}

func TestArchives(t *testing.T) {
	for name, text := range archived(t) {
		t.Run(name, func(t *testing.T) {
			out := checkLaws(t, text)
			if diff := cmp.Diff(attached(text), attached(out)); diff != "" {
				t.Errorf("comments belong to something else:\n%s\n%s", diff, out)
			}
		})
	}
}

// TestMutations: the laws hold for texts of which a part was changed.
func TestMutations(t *testing.T) {
	all := corpus(t)
	names := []string{}
	for name, text := range all {
		if text != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	letters := []string{"", " ", "\t", "\n", "\n\n", "\r\n", "# c\n", "# c", ", # c\n", "\"", "'", "[", "]", "{", "}", "=", ".", ",", "#", "\\e", "\x00", "\r", "0", "-", "a", "é", "\xff"}
	rapid.Check(t, func(r *rapid.T) {
		text := all[rapid.SampledFrom(names).Draw(r, "name")]
		for range rapid.IntRange(1, 3).Draw(r, "changes") {
			at := rapid.IntRange(0, len(text)).Draw(r, "at")
			until := min(len(text), at+rapid.IntRange(0, 2).Draw(r, "away"))
			text = text[:at] + rapid.SampledFrom(letters).Draw(r, "letter") + text[until:]
		}
		checkLaws(r, text)
	})
}

// TestMessy: the laws hold for good texts that were written without any care,
// and all of them come out as one.
func TestMessy(t *testing.T) {
	gap := rapid.SampledFrom([]string{"", " ", "\t", "   "})
	line := rapid.SampledFrom([]string{"\n", "\n\n", "  \n", "\n\n\n"})
	rapid.Check(t, func(r *rapid.T) {
		g := func() string { return gap.Draw(r, "gap") }
		l := func() string { return line.Draw(r, "line") }
		text := l() + g() + "# head" + g() + l() +
			g() + "a" + g() + "." + g() + "b" + g() + "=" + g() + "[" + g() + "1" + g() + "," + g() + "2" + g() + "]" + g() + "# one" + l() +
			g() + "long" + g() + "=" + g() + "{" + g() + "x" + g() + "=" + g() + "'y'" + g() + "}" + l() +
			g() + "[" + g() + "t" + g() + "]" + g() + "# two\n"
		out := checkLaws(r, text)
		want := regexp.MustCompile(`^# head\n\n?a\.b  = \[1, 2\] # one\n\n?long = \{ x = 'y' \}\n\n\[t\] # two\n$`)
		if spaced := strings.Contains(out, "# one\n\n"); spaced {
			want = regexp.MustCompile(`^# head\n\n?a\.b = \[1, 2\] # one\n\nlong = \{ x = 'y' \}\n\n\[t\] # two\n$`)
		}
		if !want.MatchString(out) {
			r.Fatalf("%q", out)
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, text := range corpus(f) {
		if len(text) < 600 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) { checkLaws(t, text) })
}

func parsed(t *testing.T, text string) *syntax.Table {
	t.Helper()
	tree, findings := syntax.Parse(source.NewFile("t", text))
	if len(findings) > 0 {
		t.Fatalf("%s: %s", findings[0].Span, findings[0].Message)
	}
	return tree
}
