package syntax

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stackc/stackc/compiler/source"
)

// TestSub finds a word of decoded text again in the token that it came from.
func TestSub(t *testing.T) {
	for name, test := range map[string]struct{ token, word, want string }{
		"basic":                 {`"a ${{ x }} b"`, "${{ x }}", "${{ x }}"},
		"behind an escape":      {`"\t\"a\" ${{ x }}"`, "${{ x }}", "${{ x }}"},
		"behind a \\u escape":   {`"\u00e9\U0001F600 x"`, "x", "x"},
		"behind a \\x escape":   {`"\xe9\x41 y"`, "y", "y"},
		"behind raw UTF-8":      {`"é😀 x"`, "x", "x"},
		"literal":               {`'C:\t\x x'`, ` x`, ` x`},
		"multi-line":            {"\"\"\"\n  first\n  ${{ x }}\"\"\"", "${{ x }}", "${{ x }}"},
		"multi-line CRLF":       {"\"\"\"\r\n  first\r\n  ${{ x }}\"\"\"", "${{ x }}", "${{ x }}"},
		"folded line":           {"\"\"\"a \\\n     ${{ x }}\"\"\"", "${{ x }}", "${{ x }}"},
		"before a folded line":  {"\"\"\"${{ x }}\\\n     b\"\"\"", "${{ x }}", "${{ x }}"},
		"over a folded line":    {"\"\"\"a \\\n  b\"\"\"", "a b", "a \\\n  b"},
		"two folded lines":      {"\"\"\"a\\\n  \\\n  b\"\"\"", "b", "b"},
		"fold at the beginning": {"\"\"\"\\\n  b\"\"\"", "b", "b"},
		"multi-line literal":    {"'''\n a\\\n ${{ x }}'''", "${{ x }}", "${{ x }}"},
		"an escape itself":      {`"a\u0024b"`, "$", `\u0024`},
		"part of an escape":     {`"a\u00e9b"`, "\xa9", `\u00e9`},
		"quotes before the end": {`"""a "x"" """`, `"x""`, `"x""`},
		"empty":                 {`"abc"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := stringValue(t, test.token)
			i := strings.Index(v.Str, test.word)
			if i < 0 {
				t.Fatalf("%q is not in %q", test.word, v.Str)
			}
			if got := v.Sub(i, i+len(test.word)).Text(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func stringValue(t *testing.T, token string) *Value {
	t.Helper()
	table, findings := Parse(source.NewFile("t", "k = "+token+"\n"))
	if len(findings) > 0 {
		t.Fatal(lines(findings))
	}
	return table.Get("k").Value
}

func TestSubBorders(t *testing.T) {
	v := stringValue(t, `"abc"`)
	for _, test := range []struct {
		start, end int
		want       string
	}{{0, 3, "abc"}, {-5, 99, "abc"}, {2, 1, ""}, {3, 3, ""}, {9, 10, ""}} {
		if got := v.Sub(test.start, test.end).Text(); got != test.want {
			t.Errorf("Sub(%d, %d) is %q, want %q", test.start, test.end, got, test.want)
		}
	}
	number := &Value{Kind: Integer, Span: source.NewFile("t", "12").Span(0, 2)}
	if got := number.Sub(1, 2).Text(); got != "12" {
		t.Errorf("part of a number is %q, want the whole", got)
	}
	made := &Value{Kind: String, Str: "made by the compiler"}
	if got := made.Sub(1, 2); !got.IsZero() {
		t.Errorf("part of a string without place is at %s", got)
	}
}

// checkSub holds the law of Sub for every character of v: the place of each,
// decoded by itself in the same kind of quotes, is that character; and places
// stand one behind the other.
func checkSub(t *testing.T, v *Value) {
	t.Helper()
	raw := v.Span.Text()
	before := v.Span.Start()
	for i := 0; i < len(v.Str); {
		r, size := utf8.DecodeRuneInString(v.Str[i:])
		span := v.Sub(i, i+size)
		if span.Start() < before || span.Start() == span.End() || span.End() > v.Span.End() {
			t.Fatalf("%q: character %d stands at %d to %d", raw, i, span.Start(), span.End())
		}
		before = span.End()
		if text := span.Text(); text != string(r) && (text[0] != '\\' || raw[0] != '"') {
			t.Fatalf("%q: character %d, %q, stands at %q", raw, i, r, text)
		} else if text != string(r) && decodeEscape(t, text) != string(r) {
			t.Fatalf("%q: character %d, %q, stands at the escape %q", raw, i, r, text)
		}
		i += size
	}
}

func decodeEscape(t *testing.T, escape string) string {
	t.Helper()
	return stringValue(t, `"`+escape+`"`).Str
}

func TestSubOfEveryCharacter(t *testing.T) {
	for _, token := range []string{
		`"plain"`, `""`, `''`, `""""""`, `"\b\t\n\f\r\e\"\\\x41\u00e9\U0001F600é"`, `'\n"'`,
		"\"\"\"\n\n a\\\n\n  b \\  \r\n c\r\n\"\"\"", "'''\r\n'a''\r\nb\\\n'''", "\"\"\"\"\"a\"\"\"\"\"",
	} {
		checkSub(t, stringValue(t, token))
	}
}
