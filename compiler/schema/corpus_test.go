package schema_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
)

// sample is a stack file with those that it may use, or an overlay with the stack
// below it.
type sample struct {
	name    string
	path    string
	files   source.Map
	overlay string // its path, "" for a stack file
}

// text is the text of the file that the sample is about.
func (s sample) text() string { return s.files[s.about()] }

func (s sample) about() string {
	if s.overlay != "" {
		return s.overlay
	}
	return s.path
}

// with returns the sample with another text of its file.
func (s sample) with(text string) sample {
	files := source.Map{}
	for name, old := range s.files {
		files[name] = old
	}
	files[s.about()] = text
	s.files = files
	return s
}

// compile returns what the compiler finds in the sample.
func (s sample) compile() diag.List {
	o := compiler.Options{Opener: s.files, Std: stacks.Library{}}
	if s.overlay != "" {
		o.Overlays = []string{s.overlay}
	}
	_, findings := compiler.Compile(s.path, o)
	return findings
}

// valid returns all samples of the repository that compile: stacks, archives of
// the tests, examples of the documents.
func valid(t testing.TB) []sample {
	t.Helper()
	list := compiling()
	if len(list) < 100 {
		t.Fatalf("only %d samples compile", len(list))
	}
	return list
}

// compiling compiles all samples once for all tests.
var compiling = sync.OnceValue(func() []sample {
	var list []sample
	for _, s := range samples() {
		if !s.compile().HasErrors() {
			list = append(list, s)
		}
	}
	return list
})

func samples() []sample {
	var list []sample
	for _, p := range glob("../../stacks/*.toml", "../../stacks/*/*.toml") {
		name := path.Base(p)
		list = append(list, sample{name: p, path: name, files: source.Map{name: text(p)}})
	}
	for _, p := range glob("../../testdata/*/*.txtar") {
		files := source.Map{}
		for _, f := range txtar.Parse([]byte(text(p))).Files {
			if strings.HasSuffix(f.Name, ".toml") {
				files[f.Name] = string(f.Data)
			}
		}
		list = append(list, together(p, files)...)
	}
	for _, p := range glob("../../docs/*.md", "../../README.md") {
		list = append(list, examples(p, text(p))...)
	}
	return list
}

// together makes a sample of each file, and where a test is about overlays of each
// over each other.
func together(name string, files source.Map) []sample {
	var list []sample
	for p := range files {
		list = append(list, sample{name: name + ":" + p, path: p, files: files})
		for over := range files {
			if over != p && strings.Contains(name, "overlay") {
				list = append(list, sample{name: name + ":" + over + " over " + p, path: p, files: files, overlay: over})
			}
		}
	}
	return list
}

var fence = regexp.MustCompile("(?ms)^```toml([^\n]*)\n(.*?)^```$")

// examples makes samples of a document's blocks: each whole stack, and each overlay over
// the stack before it.
func examples(name, doc string) []sample {
	var list []sample
	files, last := source.Map{}, ""
	for _, m := range fence.FindAllStringSubmatch(doc, -1) {
		info, text := strings.TrimSpace(m[1]), m[2]
		switch file, isFile := strings.CutPrefix(info, "file="); {
		case isFile:
			files[file] = text
			list = append(list, sample{name: name + ":" + file, path: file, files: files})
		case info == "":
			last = text
			s := sample{name: name, path: "shop.toml", files: files}
			list = append(list, s.with(text))
		case info == "fragment":
			s := sample{name: name + " fragment", path: "shop.toml", files: files}
			list = append(list, s.with("stack = \"shop\"\n"+text))
		case info == "overlay":
			s := sample{name: name + " overlay", path: "shop.toml", files: files}
			s = s.with(last)
			s.overlay = overlayFile
			list = append(list, s.with(text))
		}
	}
	return list
}

// glob and text are for files of the repository, which are there.
func glob(patterns ...string) []string {
	var list []string
	for _, p := range patterns {
		paths, err := filepath.Glob(p)
		if err != nil || len(paths) == 0 {
			panic(fmt.Sprintf("no files %s: %v", p, err))
		}
		list = append(list, paths...)
	}
	return list
}

func text(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instance returns a TOML text as a validator takes it.
func instance(t testing.TB, text string) any {
	t.Helper()
	tree, findings := syntax.Parse(source.NewFile("x.toml", text))
	if findings.HasErrors() {
		t.Fatalf("%v\n%s", findings, text)
	}
	return table(tree)
}

func table(t *syntax.Table) map[string]any {
	m := map[string]any{}
	for _, e := range t.Entries {
		m[e.Key] = value(e.Value)
	}
	return m
}

func value(v *syntax.Value) any {
	switch v.Kind {
	case syntax.Integer:
		return v.Int
	case syntax.Float:
		return v.Float
	case syntax.Bool:
		return v.Bool
	case syntax.Array:
		list := make([]any, len(v.Elems))
		for i, e := range v.Elems {
			list[i] = value(e)
		}
		return list
	case syntax.KindTable:
		return table(v.Table)
	case syntax.Datetime:
		return v.Span.Text()
	}
	return v.Str
}
