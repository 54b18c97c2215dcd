package syntax

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	burnt "github.com/BurntSushi/toml"
	tomltest "github.com/toml-lang/toml-test/v2"

	"github.com/stackc/stackc/compiler/source"
)

// suite returns the files of the TOML test suite whose names begin with prefix.
func suite(t testing.TB, prefix string) map[string]string {
	t.Helper()
	cases := tomltest.TestCases() // walks through all its files each time
	list, err := fs.ReadFile(cases, "files-toml-1.1.0")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name := range strings.FieldsSeq(string(list)) {
		if !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, ".toml") {
			continue
		}
		text, err := fs.ReadFile(cases, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	if least := map[string]int{"valid/": 214, "invalid/": 467}[prefix]; len(files) < least {
		t.Fatalf("the suite has %d files under %q, fewer than %d", len(files), prefix, least)
	}
	return files
}

// TestSuiteValid holds the tree of every valid file against what BurntSushi/toml
// reads in it, and every span against what the text under it says by itself.
func TestSuiteValid(t *testing.T) {
	for name, text := range suite(t, "valid/") {
		var want map[string]any
		if _, err := burnt.Decode(text, &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tree, findings := Parse(source.NewFile(name, text))
		if len(findings) > 0 {
			t.Errorf("%s: %s at %s", name, findings[0].Message, findings[0].Span)
			continue
		}
		if err := equalTable(tree, want, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSuiteInvalid(t *testing.T) {
	for name, text := range suite(t, "invalid/") {
		f := source.NewFile(name, text)
		_, findings := Parse(f)
		if len(findings) == 0 {
			t.Errorf("%s: accepted\n%s", name, text)
		}
		for _, d := range findings {
			if d.Span.File() != f || d.Message == "" {
				t.Errorf("%s: finding without a place or message: %+v", name, d)
			}
		}
	}
}

func equalTable(t *Table, want map[string]any, path string) error {
	if t == nil {
		return fmt.Errorf("%s: want a table", path)
	}
	if len(t.Entries) != len(want) {
		return fmt.Errorf("%s: %d keys, want %d", path, len(t.Entries), len(want))
	}
	for key, value := range want {
		e := t.Get(key)
		if e == nil {
			return fmt.Errorf("%s.%s is missing", path, key)
		}
		var m map[string]any
		if _, err := burnt.Decode(e.KeySpan.Text()+"=0", &m); err != nil || m[key] == nil {
			return fmt.Errorf("%s.%s: the key's span is %q", path, key, e.KeySpan.Text())
		}
		if err := equalValue(e.Value, value, path+"."+key); err != nil {
			return err
		}
	}
	return nil
}

func equalValue(v *Value, want any, path string) error {
	switch want := want.(type) {
	case map[string]any:
		return equalTable(v.Table, want, path)
	case []map[string]any:
		if v.Kind != Array || len(v.Elems) != len(want) {
			return fmt.Errorf("%s: %d elements, want %d", path, len(v.Elems), len(want))
		}
		for i := range want {
			if err := equalTable(v.Elems[i].Table, want[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	case []any:
		if v.Kind != Array || len(v.Elems) != len(want) {
			return fmt.Errorf("%s: %d elements, want %d", path, len(v.Elems), len(want))
		}
		for i := range want {
			if err := equalValue(v.Elems[i], want[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	}
	return equalScalar(v, want, path)
}

// equalScalar compares a value with what its own text decodes to, and with want.
func equalScalar(v *Value, want any, path string) error {
	var again struct{ K any }
	if _, err := burnt.Decode("k = "+v.Span.Text(), &again); err != nil {
		return fmt.Errorf("%s: the value's span is %q: %v", path, v.Span.Text(), err)
	}
	if fmt.Sprint(again.K) != fmt.Sprint(want) {
		return fmt.Errorf("%s: the value's span %q gives %v, want %v", path, v.Span.Text(), again.K, want)
	}
	var got any
	switch v.Kind {
	case String:
		got = v.Str
	case Integer:
		got = v.Int
	case Float:
		got = v.Float
	case Bool:
		got = v.Bool
	default:
		return nil
	}
	if fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) {
		return fmt.Errorf("%s: %T %v, want %T %v", path, got, got, want, want)
	}
	return nil
}
