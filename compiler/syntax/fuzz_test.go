package syntax

import (
	"strings"
	"testing"

	burnt "github.com/BurntSushi/toml"

	"github.com/stackc/stackc/compiler/source"
)

// FuzzParse: no text makes the parser panic or name a place outside of it; every
// part stands inside what it is part of; and a text without findings means what
// BurntSushi/toml reads in it, value by value and span by span.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a = 1\n", "[a.b]\nc = { d = [1, 'x', \"\"\"\ny\"\"\"] }\n", "[[a]]\nx.y = 1.5\n[[a]]\n", "\uFEFFa = 1979-05-27T07:32:00Z\r\n",
		"a = \"${{ x }} \\u00e9\"\n", "a = [ # c\n 1, ]\n", "a", "= 1", "a = {b = {c = 1}}\n[a.b]", "a = '''\n'x''''\n",
		"a = [1,\nb = 2\n", "a = \"x\nb = [\n[c]\n", "a = \"\"\"x\\\n  \\\r\n y\"\"\"",
	} {
		f.Add(seed)
	}
	for _, prefix := range []string{"valid/", "invalid/"} {
		for _, text := range suite(f, prefix) {
			if len(text) < 200 {
				f.Add(text)
			}
		}
	}
	f.Fuzz(checkParse)
}

func checkParse(t *testing.T, text string) {
	file := source.NewFile("t", text)
	tree, findings := Parse(file)
	for _, d := range findings {
		if d.Span.File() != file || d.Message == "" || strings.Contains(d.Message, "\n") {
			t.Fatalf("finding %+v", d)
		}
	}
	checkNesting(t, tree)
	if len(findings) > 0 {
		return
	}
	if at := findFault(file.Text(), 0, len(text)); at.message != "" {
		t.Fatalf("the finder sees a fault where there is none: %s at %d", at.message, at.begin)
	}
	var want map[string]any
	if _, err := burnt.Decode(file.Text(), &want); err != nil {
		return // it refuses some things that TOML 1.1 allows
	}
	if err := equalTable(tree, want, ""); err != nil {
		t.Fatal(err)
	}
}

// checkNesting holds every span inside the span of what it is part of, where
// that has brackets, and the law of Sub.
func checkNesting(t *testing.T, tree *Table) {
	t.Helper()
	walk(tree, "", func(path string, e *Entry, v *Value) {
		bracketed := v.Span.Text() != "" && strings.HasSuffix(v.Span.Text(), map[Kind]string{Array: "]", KindTable: "}"}[v.Kind])
		inside := func(s source.Span) {
			if bracketed && (v.Kind == Array || v.Kind == KindTable) && (s.Start() < v.Span.Start() || s.End() > v.Span.End()) {
				t.Fatalf("%s: %s stands outside of %s", path, s, v.Span)
			}
		}
		for _, x := range v.Elems {
			inside(x.Span)
		}
		if v.Table != nil {
			for _, x := range v.Table.Entries {
				inside(x.KeySpan)
				inside(x.Value.Span)
			}
		}
		if v.Kind == String {
			checkSub(t, v)
		}
	})
}
