package stack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

func TestExpressions(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []expression
	}{
		{"none", "a $b ${c} {{d}} $ {{", nil},
		{"one", "${{ a }}", []expression{{0, 8, "a", false, false}}},
		{"without blanks", "x${{a}}y", []expression{{1, 7, "a", false, false}}},
		{"two", "${{a}}${{b}}", []expression{{0, 6, "a", false, false}, {6, 12, "b", false, false}}},
		{"escaped", "$${{ a }}", []expression{{0, 4, "", true, false}}},
		{"escaped twice", "$$${{ a }}", []expression{{1, 5, "", true, false}}},
		{"a dollar behind an expression", "${{a}}$${{b}}", []expression{{0, 6, "a", false, false}, {6, 10, "", true, false}}},
		{"open", "x ${{ a", []expression{{2, 7, "", false, true}}},
		{"empty", "${{ }}", []expression{{0, 6, "", false, false}}},
		{"nested", "${{ ${{ a }}", []expression{{0, 12, "${{ a", false, false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, expressions(c.text), cmp.AllowUnexported(expression{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestExpressionsCover holds that expressions stand in the text in their order,
// never one in the other, and that no "${{" is overlooked.
func TestExpressionsCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"$", "{", "{{", "${{", "}}", "}", " ", "a", "é", "$${{", "${{ a }}"})).Draw(t, "text"), "")
		last, rest := 0, ""
		for _, x := range expressions(text) {
			if x.start < last || x.end <= x.start || x.end > len(text) {
				t.Fatalf("%q: %+v behind %d", text, x, last)
			}
			rest += text[last:x.start] + "|"
			last = x.end
		}
		if rest += text[last:]; strings.Contains(rest, exprOpen) {
			t.Fatalf("%q: overlooked in %q", text, rest)
		}
	})
}

func TestFold(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"one line stays as it is", "  a  b \\", "  a  b \\"},
		{"lines", "a\nb", "a b"},
		{"indentation", "\n  a\n\t b  \n", "a b"},
		{"empty lines", "a\n\n \nb", "a b"},
		{"carriage returns", "a\r\nb\r\n", "a b"},
		{"continued lines", "a \\\n  b\\\nc", "a b c"},
		{"blanks within a line stay", "a  b\nc", "a  b c"},
		{"nothing", "\n\n", ""},
		{"a backslash that continues nothing stays", "a\\\\\nb", "a\\ b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Fold(c.text); got != c.want {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestFoldIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", " ", "\n", "\r\n", "\t", "\\", "\\\n"})).Draw(t, "text"), "")
		folded := Fold(text)
		if strings.Contains(folded, "\n") {
			t.Fatalf("%q: a line end in %q", text, folded)
		}
		if again := Fold(folded); again != folded {
			t.Fatalf("%q: %q, and then %q", text, folded, again)
		}
	})
}

// textOf reads one TOML string with the parameters p = "put in" and n = 7.
func textOf(t *testing.T, literal string) Text {
	t.Helper()
	file := source.NewFile("x.toml", "v = "+literal+"\np = \"put in\"\nn = 7\n")
	tree, findings := syntax.Parse(file)
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	d := &decoder{findings: &findings, scope: &scope{name: "x", params: map[string]*Param{
		"p": {Name: "p", Type: TypeString, Value: tree.Get("p").Value},
		"n": {Name: "n", Type: TypeInt, Value: tree.Get("n").Value},
	}}}
	text := d.text(tree.Get("v").Value)
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	return text
}

func TestFind(t *testing.T) {
	const whole = "(whole)"
	for _, c := range []struct{ name, literal, word, want, at string }{
		{"a word", `"one two three"`, "two", "two", "1:10"},
		{"behind an expression", `"${{ p }} two"`, "two", "two", "1:15"},
		{"behind an escape", `"\u00e9\t\"two"`, "two", "two", "1:16"},
		{"in a multi-line string", "\"\"\"\n  one\n  two\"\"\"", "two", "two", "3:3"},
		{"behind a folded line end", "\"\"\"one \\\n    two\"\"\"", "two", "two", "2:5"},
		{"in a literal", `'C:\two'`, "two", "two", "1:9"},
		{"an escape inside of the word", `"a\u0062c"`, "bc", `\u0062c`, "1:7"},
		{"behind letters of two bytes", `"éé two"`, "two", "two", "1:9"},
		{"from a parameter", `"${{ p }}"`, "put", whole, "1:5"},
		{"from a parameter in a longer text", `"x ${{ p }}"`, "put", whole, "1:5"},
		{"over an expression", `"a ${{ p }} b"`, "a put in b", whole, "1:5"},
		{"not there", `"one"`, "two", whole, "1:5"},
		{"behind an escaped expression", `"$${{ two"`, "two", "two", "1:11"},
		{"a number", `"${{ n }}"`, "7", whole, "1:5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			span := textOf(t, c.literal).Find(c.word)
			if c.want == whole {
				c.want = c.literal
			}
			if span.Text() != c.want || span.String() != "x.toml:"+c.at {
				t.Errorf("%s is %q", span, span.Text())
			}
		})
	}
}

func TestText(t *testing.T) {
	text := textOf(t, `"a ${{ p }} ${{ web.port }} $${{ n }} ${{ n }} ${{ self.name }}${{ stack.name }}"`)
	if got, want := text.Source(), "a put in ${{ web.port }} ${{ n }} 7 ${{ self.name }}x"; got != want {
		t.Errorf("source is %q, want %q", got, want)
	}
	if got, want := text.masked(), "a put in x ${{ n }} 7 xx"; got != want {
		t.Errorf("masked is %q, want %q", got, want)
	}
	got := text.Expand(func(r Ref) string { return "<" + r.Subject + "," + r.Field + ">" })
	if want := "a put in <web,port> ${{ n }} 7 <self,name>x"; got != want {
		t.Errorf("expanded is %q, want %q", got, want)
	}
	var refs []string
	for _, r := range text.Refs() {
		refs = append(refs, r.Span.Text())
	}
	if diff := cmp.Diff([]string{"${{ web.port }}", "${{ self.name }}"}, refs); diff != "" {
		t.Error(diff)
	}
	var absent Text
	if absent.Given() || absent.Source() != "" || !absent.Find("x").IsZero() {
		t.Error("the absent text is given")
	}
}

func TestWithoutLines(t *testing.T) {
	lacks := func(r Ref) bool { return r.Subject == "no" }
	for _, c := range []struct {
		name, literal, want string
		whole               bool
	}{
		{"nothing is lacking", `"""a ${{ x.ca }}\nb"""`, "a ${{ x.ca }}\nb", false},
		{"the first line", `"""${{ no.ca }}\nb ${{ x.ca }}\n"""`, "b ${{ x.ca }}\n", false},
		{"one in the middle, with all that stands in it", `"""a\n${{ x.ca }} ${{ p }} ${{ no.ca }} ${{ x.ca }} c\nb"""`, "a\nb", false},
		{"the last", `"""a ${{ p }}\nb ${{ no.ca }}"""`, "a put in\n", false},
		{"several, and an empty one stays", `"""a\n${{ no.ca }}\n\n${{ no.key }}\nb"""`, "a\n\nb", false},
		{"all there is", `"a ${{ no.ca }}"`, "", true},
		{"all but blanks", `"""\n  ${{ no.ca }}\n ${{ no.key }}\n  """`, "\n  ", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := textOf(t, c.literal)
			before := text.Source()
			got, whole := text.WithoutLines(lacks)
			if got.Source() != c.want || (whole != nil) != c.whole {
				t.Errorf("is %q, %v", got.Source(), whole)
			}
			if text.Source() != before {
				t.Errorf("has changed the text itself: %q", text.Source())
			}
		})
	}
	got, _ := textOf(t, "\"\"\"a\n${{ no.ca }}\n  two ${{ x.ca }}\"\"\"").WithoutLines(lacks)
	if at := got.Find("two"); at.Text() != "two" || at.String() != "x.toml:3:3" {
		t.Errorf("what is behind a line that is left out is said to be %s, %q", at, at.Text())
	}
}

func TestCutLast(t *testing.T) {
	for name, want := range map[string][2]string{
		"port":              {"", "port"},
		"web.port":          {"web", "port"},
		"backup.timer.port": {"backup.timer", "port"},
		".port":             {"", "port"},
		"web.":              {"web", ""},
	} {
		subject, field, ok := cutLast(name)
		if subject != want[0] || field != want[1] || ok != strings.Contains(name, ".") {
			t.Errorf("%q: %q, %q, %v", name, subject, field, ok)
		}
	}
}
