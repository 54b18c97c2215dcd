package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

// lines gives each finding a line: its place, message, notes and help.
func lines(findings diag.List) string {
	var b strings.Builder
	for _, d := range findings {
		start, end := d.Span.Position(), d.Span.EndPosition()
		fmt.Fprintf(&b, "%d:%d", start.Line, start.Column)
		if end.Line == start.Line {
			fmt.Fprintf(&b, "-%d", end.Column)
		}
		fmt.Fprintf(&b, " %s: %s", d.Code, d.Message)
		for _, n := range d.Notes {
			fmt.Fprintf(&b, " (%d:%d %s)", n.Span.Position().Line, n.Span.Position().Column, n.Message)
		}
		if d.Help != "" {
			fmt.Fprintf(&b, " -> %s", d.Help)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

type findingCase struct{ name, text, want string }

func checkFindings(t *testing.T, cases []findingCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			_, findings := Parse(source.NewFile("t", test.text))
			if got := lines(findings); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestRedefinition(t *testing.T) {
	const (
		join   = " -> a key stands once in a table; join the two"
		header = " -> a table has one header; join the two"
		braces = " -> write everything inside the braces, or give the table a header"
		list   = " -> write everything inside the brackets, or each element under a header [[…]]"
	)
	checkFindings(t, []findingCase{
		{"key", "a = 1\nb = 2\na = 3\n", `3:1-2 duplicate-key: "a" is already defined (1:1 first defined here)` + join},
		{"quoted key", "a = 1\n\"\\u0061\" = 2\n", `2:1-9 duplicate-key: "a" is already defined (1:1 first defined here)` + join},
		{"key in an inline table", "t = { a = 1, a = 2 }", `1:14-15 duplicate-key: "a" is already defined (1:7 first defined here)` + join},
		{"header", "[a]\nx = 1\n[a]\n", `3:2-3 duplicate-key: table "a" is already defined (1:2 first defined here)` + header},
		{"header of a sub-table", "[a.b]\n[a]\n[a.b]\n", `3:4-5 duplicate-key: table "b" is already defined (1:4 first defined here)` + header},
		{"header over dots", "b.c = 1\n[b]\n", `2:2-3 duplicate-key: table "b" is already defined by dotted keys (1:1 first defined here)`},
		{"header over an array of tables", "[[a]]\n[a]\n", `2:2-3 duplicate-key: "a" is an array of tables (1:3 first defined here) -> one more element is written with two brackets: [[…]]`},
		{"array of tables over a header", "[a]\n[[a]]\n", `2:3-4 duplicate-key: "a" is a table, not an array of tables (1:2 first defined here)`},
		{"array of tables over an array", "a = []\n[[a]]\n", `2:3-4 duplicate-key: "a" is an array, which is complete at its closing bracket (1:1 first defined here)` + list},
		{"dots over a header", "[a.b]\nx = 1\n[a]\nb.y = 2\n", `4:1-2 duplicate-key: table "b" is already defined (1:4 first defined here) -> write the key under the table's own header`},
		{"header into an inline table", "a = { b = 1 }\n[a.c]\n", `2:2-3 duplicate-key: "a" is an inline table, which is complete at its closing brace (1:1 first defined here)` + braces},
		{"dots into an inline table", "a = { b = 1 }\na.c = 1\n", `2:1-2 duplicate-key: "a" is an inline table, which is complete at its closing brace (1:1 first defined here)` + braces},
		{"dots into the dots of an inline table", "a = { b.c = 1 }\n[a.b.d]\n", `2:2-3 duplicate-key: "a" is an inline table, which is complete at its closing brace (1:1 first defined here)` + braces},
		{"header into a string", "a = 'x'\n[a.b]\n", `2:2-3 duplicate-key: "a" is already defined as a string, so it cannot be a table (1:1 first defined here)`},
		{"dots into a number", "a.b = 1\na.b.c = 2\n", `2:3-4 duplicate-key: "b" is already defined as an integer, so it cannot be a table (1:3 first defined here)`},
		{"each by itself", "a = 1\na = 2\nb = 1\nb = 2\n", `2:1-2 duplicate-key: "a" is already defined (1:1 first defined here)` + join + "\n" + `4:1-2 duplicate-key: "b" is already defined (3:1 first defined here)` + join},
		{"under a header that is at fault", "[a]\n[a]\nx = 1\nx = 2\n", `2:2-3 duplicate-key: table "a" is already defined (1:2 first defined here)` + header + "\n" + `4:1-2 duplicate-key: "x" is already defined (3:1 first defined here)` + join},
		{"value of a key that is at fault", "a = 1\na = 2024-99-01\n", `2:1-2 duplicate-key: "a" is already defined (1:1 first defined here)` + join + "\n" + `2:5-15 syntax: "2024-99-01" is not a date or time -> a date is written 1979-05-27, a time 07:32:00; a string stands in quotes`},
	})
}

// TestNoRedefinition holds what TOML allows and looks alike.
func TestNoRedefinition(t *testing.T) {
	checkFindings(t, []findingCase{
		{"table behind its sub-table", "[a.b]\n[a]\n", ""},
		{"sub-table of a dotted table", "[a]\nb.c = 1\n[a.b.d]\n", ""},
		{"sub-table of an element", "[[a]]\n[a.b]\n[[a]]\n[a.b]\n", ""},
		{"dots go on", "a.b = 1\nx = 1\na.c = 2\n", ""},
		{"same key in two tables", "[a]\nx = 1\n[b]\nx = 1\n", ""},
	})
}

func TestSpans(t *testing.T) {
	text := "top = 1 # c\n[a.\"b c\"]\nx.y = { k = [ 1, [ 'z', # ]\n ] ], m = {} }\n[[a.list]]\nd = 1979-05-27 07:32:00\n[[a.list]]\n"
	tree, findings := Parse(source.NewFile("t", text))
	if len(findings) > 0 {
		t.Fatal(lines(findings))
	}
	var got []string
	walk(tree, "", func(path string, e *Entry, v *Value) {
		key := "-"
		if e != nil {
			key = e.KeySpan.Text()
		}
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", path, key, v.Kind, v.Span.Text()))
	})
	want := []string{
		".top|top|integer|1",
		".a|a|table|a",
		".a.b c|\"b c\"|table|\"b c\"",
		".a.b c.x|x|table|x",
		".a.b c.x.y|y|table|{ k = [ 1, [ 'z', # ]\n ] ], m = {} }",
		".a.b c.x.y.k|k|array|[ 1, [ 'z', # ]\n ] ]",
		".a.b c.x.y.k[0]|-|integer|1",
		".a.b c.x.y.k[1]|-|array|[ 'z', # ]\n ]",
		".a.b c.x.y.k[1][0]|-|string|'z'",
		".a.b c.x.y.m|m|table|{}",
		".a.list|list|array|list",
		".a.list[0]|-|table|list",
		".a.list[0].d|d|date|1979-05-27 07:32:00",
		".a.list[1]|-|table|list",
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

// walk visits all values in the order of the file; e is nil for an element.
func walk(t *Table, path string, visit func(path string, e *Entry, v *Value)) {
	for _, e := range t.Entries {
		walkValue(e.Value, path+"."+e.Key, e, visit)
	}
}

func walkValue(v *Value, path string, e *Entry, visit func(path string, e *Entry, v *Value)) {
	visit(path, e, v)
	if v.Table != nil {
		walk(v.Table, path, visit)
	}
	for i, x := range v.Elems {
		walkValue(x, fmt.Sprintf("%s[%d]", path, i), nil, visit)
	}
}

func TestNotUTF8(t *testing.T) {
	tree, findings := Parse(source.NewFile("t", "a = 1\nb = \"x\xffy\"\n"))
	if got, want := lines(findings), "2:7-8 syntax: the text is not UTF-8: there is a byte 0xff -> save the file in UTF-8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if tree == nil || len(tree.Entries) > 0 {
		t.Errorf("the tree is %v", tree)
	}
}

// TestTreeBesideFaults finds what stands around the lines that cannot be read.
func TestTreeBesideFaults(t *testing.T) {
	text := "a = 1\nb = yes\nc = 3\n[bad@header]\nd = 4\n[good]\ne = [ 1, 2\nf = 6\n[last]\ng = 'x\nh = 8\n"
	tree, findings := Parse(source.NewFile("t", text))
	if len(findings) != 4 {
		t.Errorf("findings:\n%s", lines(findings))
	}
	var got []string
	walk(tree, "", func(path string, _ *Entry, v *Value) { got = append(got, path) })
	if text := strings.Join(got, " "); text != ".a .c .good .good.f .last .last.h" {
		t.Errorf("the tree holds %s", text)
	}
}

func TestGetInLongTable(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		b.WriteString("k" + strings.Repeat("x", i) + " = 1\n")
	}
	table, findings := Parse(source.NewFile("t", b.String()))
	if len(findings) > 0 || len(table.Entries) != 100 {
		t.Fatalf("%d entries, %v", len(table.Entries), findings)
	}
	for _, e := range table.Entries {
		if table.Get(e.Key) != e {
			t.Fatalf("%q is not found", e.Key)
		}
	}
	if table.Get("none") != nil || (*Table)(nil).Get("k") != nil {
		t.Error("found what is not there")
	}
}
