package compiler_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
)

// TestDocsExampleOfEveryWord finds every word of the decoder's tables in an
// example of the language's reference that compiles (TestDocsExamples).
func TestDocsExampleOfEveryWord(t *testing.T) {
	shown := wordsShown{}
	list, _ := blocks(read(t, languageDoc))
	for _, b := range list {
		compiles := b.is("toml") || b.is("toml", "fragment") || len(b.info) == 2 && strings.HasPrefix(b.info[1], "file=")
		switch {
		case compiles:
			shown.file(t, stack.File(), b.text)
		case b.is("toml", "overlay"):
			shown.file(t, stack.Overlay(), b.text)
		}
	}
	for _, table := range []stack.Table{stack.File(), stack.Overlay()} {
		shown.missing(t, table)
	}
	for _, p := range stack.ParamTypes() {
		shown.want(t, "the parameter type", string(p))
	}
	for _, f := range wordsOf(t, "emit/expand.go", "selfFields") {
		shown.want(t, "the expression", "self."+f)
	}
	for _, f := range wordsOf(t, "emit/expand.go", "nodeFields") {
		shown.want(t, "the expression", "X."+f)
	}
	shown.want(t, "the expression", "stack.name")
}

// wordsShown are the words that examples use: keys by what their table is called,
// choices by the key, types and expressions by what they are.
type wordsShown map[string]bool

func (w wordsShown) add(what, word string) { w[what+": "+word] = true }

func (w wordsShown) want(t *testing.T, what, word string) {
	t.Helper()
	if !w[what+": "+word] {
		t.Errorf("%s: no example that compiles has %s %q", languageDoc, what, word)
	}
}

var shownExpression = regexp.MustCompile(`\$\{\{ *([\w-]+)\.(\w+) *\}\}`)

// file notes the words of one example.
func (w wordsShown) file(t *testing.T, table stack.Table, text string) {
	t.Helper()
	tree, findings := syntax.Parse(source.NewFile(docFile, text))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	w.table(table, tree)
	for _, m := range shownExpression.FindAllStringSubmatch(text, -1) {
		subject := m[1]
		if subject != "self" && subject != "stack" {
			subject = "X"
		}
		w.add("the expression", subject+"."+m[2])
	}
}

// table notes the keys of one table and what stands behind them.
func (w wordsShown) table(table stack.Table, t *syntax.Table) {
	for _, k := range table.Keys {
		if e := t.Get(k.Name); e != nil {
			w.add(table.Name+" with the key", k.Name)
			w.value(table.Name+" with "+k.Name+" =", k.Shape, e.Value)
		}
	}
	if typed := t.Get("type"); typed != nil && table.Name == "a parameter" {
		w.add("the parameter type", typed.Value.Str)
	}
}

// value notes the words of a value, by the shape that fits it.
func (w wordsShown) value(what string, s stack.Shape, v *syntax.Value) {
	for _, of := range s.Either {
		w.value(what, of, v)
	}
	switch {
	case s.Kind == stack.ShapeTable && v.Kind == syntax.KindTable:
		w.table(*s.Table, v.Table)
	case s.Kind == stack.ShapeMap && v.Kind == syntax.KindTable:
		for _, e := range v.Table.Entries {
			w.value(what, *s.Elem, e.Value)
		}
	case s.Kind == stack.ShapeArray && v.Kind == syntax.Array:
		for _, e := range v.Elems {
			w.value(what, *s.Elem, e)
		}
	}
	bare := map[syntax.Kind]stack.ParamType{
		syntax.String: stack.TypeString, syntax.Integer: stack.TypeInt, syntax.Bool: stack.TypeBool, syntax.Array: stack.TypeList,
	}
	if strings.HasSuffix(what, "with params =") && bare[v.Kind] != "" {
		w.add("the parameter type", string(bare[v.Kind]))
	}
}

// missing reports the keys of a table and of all below it that no example has.
func (w wordsShown) missing(t *testing.T, table stack.Table) {
	t.Helper()
	for _, k := range table.Keys {
		w.want(t, table.Name+" with the key", k.Name)
		w.missingIn(t, k.Shape)
	}
}

func (w wordsShown) missingIn(t *testing.T, s stack.Shape) {
	t.Helper()
	if s.Elem != nil {
		w.missingIn(t, *s.Elem)
	}
	for _, of := range s.Either {
		w.missingIn(t, of)
	}
	if s.Table != nil {
		w.missing(t, *s.Table)
	}
}

// TestKeywords holds what must be true of each key of the language's tables: it
// has a help, an example that is TOML, and what it refers to is there.
func TestKeywords(t *testing.T) {
	for _, table := range []stack.Table{stack.File(), stack.Overlay()} {
		checkKeywords(t, table)
	}
}

func checkKeywords(t *testing.T, table stack.Table) {
	t.Helper()
	names := table.Keys.Names()
	for _, word := range slices.Concat(table.One, table.Some) {
		if !slices.Contains(names, word) {
			t.Errorf("%s wants one of the keys %q, which it does not have", table.Name, word)
		}
	}
	for i, k := range table.Keys {
		if slices.Contains(names[:i], k.Name) {
			t.Errorf("%s has the key %q twice", table.Name, k.Name)
		}
		if k.Help == "" || strings.HasSuffix(k.Help, ".") {
			t.Errorf("%s: the help of %q is %q", table.Name, k.Name, k.Help)
		}
		if k.With != "" && !slices.Contains(names, k.With) {
			t.Errorf("%s: %q goes with %q, which there is not", table.Name, k.Name, k.With)
		}
		if _, findings := syntax.Parse(source.NewFile("example.toml", k.Name+" = "+k.Example+"\n")); len(findings) > 0 {
			t.Errorf("%s: the example of %q is no TOML: %q", table.Name, k.Name, k.Example)
		}
		checkKeywordsIn(t, k.Shape)
	}
}

func checkKeywordsIn(t *testing.T, s stack.Shape) {
	t.Helper()
	if s.Elem != nil {
		checkKeywordsIn(t, *s.Elem)
	}
	for _, of := range s.Either {
		checkKeywordsIn(t, of)
	}
	if s.Table != nil {
		checkKeywords(t, *s.Table)
	}
}
