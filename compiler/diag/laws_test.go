package diag

import (
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler/source"
)

// files are what drawn findings stand in: two of one name and text, one of that
// name and another text, and one that is hard to show.
var files = func() []*source.File {
	hard := "é漢\t👩‍🚀 \u202e\x1b[31m\xff\r\nx = \"" + strings.Repeat("漢b ", 90) + "\"\n\n\tlast"
	return []*source.File{source.NewFile("a", "a = 1\nb"), source.NewFile("a", "a = 1\nb"), source.NewFile("a", "c = 1\nb"), source.NewFile("b\x1b", hard)}
}()

func drawSpan(t *rapid.T) source.Span {
	i := rapid.IntRange(-1, len(files)-1).Draw(t, "file")
	if i < 0 {
		return source.Span{}
	}
	size := len(files[i].Text())
	start := rapid.IntRange(0, size).Draw(t, "start")
	return files[i].Span(start, rapid.IntRange(start, size).Draw(t, "end"))
}

func drawFinding(t *rapid.T) Diagnostic {
	text := rapid.SampledFrom([]string{"", "x", "y", "two\nlines", "\x1b[31m\t\u202e"})
	d := Diagnostic{
		Severity: rapid.SampledFrom([]Severity{Error, Warning}).Draw(t, "severity"),
		Code:     rapid.SampledFrom([]Code{Syntax, UnknownKey}).Draw(t, "code"),
		Message:  text.Draw(t, "message"),
		Path:     text.Draw(t, "path"),
		Help:     text.Draw(t, "help"),
		Span:     drawSpan(t),
	}
	for range rapid.IntRange(0, 2).Draw(t, "notes") {
		d = d.WithNote(drawSpan(t), text.Draw(t, "note"))
	}
	return d
}

func drawList(t *rapid.T) List {
	l := List(rapid.SliceOfN(rapid.Custom(drawFinding), 0, 12).Draw(t, "list"))
	for range rapid.IntRange(0, 4).Draw(t, "twins") { // much alike, to be told apart or not
		if len(l) > 0 {
			d := l[rapid.IntRange(0, len(l)-1).Draw(t, "twin")]
			d.Severity = rapid.SampledFrom([]Severity{Error, Warning}).Draw(t, "other severity")
			l.Add(d)
		}
	}
	return l
}

// TestCanonicalLaws: one order whatever the order was, nothing said twice,
// nothing left unsaid, and nothing done to the list itself.
func TestCanonicalLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawList(t)
		mixed := List(rapid.Permutation(l).Draw(t, "mixed"))
		before := append(List(nil), mixed...)
		once := l.Canonical()
		if !reflect.DeepEqual(once, once.Canonical()) {
			t.Fatalf("canonical again differs:\n%+v\n%+v", once, once.Canonical())
		}
		if other := mixed.Canonical(); string(JSON(once)) != string(JSON(other)) {
			t.Fatalf("another order gives another result:\n%s\n%s", Short(once), Short(other))
		}
		if !reflect.DeepEqual(mixed, before) {
			t.Fatal("the list itself was changed")
		}
		for _, d := range l {
			said := 0
			for _, c := range once {
				if byFinding(c, d) == 0 && c.Severity <= d.Severity {
					said++
				}
			}
			if said != 1 {
				t.Fatalf("%+v is said %d times", d, said)
			}
		}
	})
}

// TestRichLaws: nothing gets out that moves a cursor, source lines keep to the
// width, and the marks stand under the marked text.
func TestRichLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawList(t)
		width := rapid.IntRange(0, 130).Draw(t, "width")
		plain := Rich(l, Style{Width: width})
		if bad := strings.IndexFunc(plain, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || r == '\u202e') }); bad >= 0 {
			t.Fatalf("%q holds a control character", plain)
		}
		if coloured := ansi.Strip(Rich(l, Colour(width))); coloured != plain {
			t.Fatalf("without colours:\n%s\nis not the plain form:\n%s", coloured, plain)
		}
		columns := max(width, 40)
		if width == 0 {
			columns = 120
		}
		for line := range strings.Lines(plain) {
			line = strings.TrimSuffix(line, "\n")
			if gutter, _, ok := strings.Cut(line, "|"); ok && strings.Trim(gutter, " 0123456789") == "" && ansi.StringWidth(line) > columns {
				t.Fatalf("%q takes %d columns of %d", line, ansi.StringWidth(line), columns)
			}
			if line != strings.TrimRight(line, " ") && strings.Contains(line, "|") {
				t.Fatalf("%q ends in blanks", line)
			}
		}
	})
}

// TestMarksLaw cuts the marked columns out of the shown line again.
func TestMarksLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", " ", "é", "漢", "👩‍🚀", "e\u0301", "word"}), 1, 80)
		before := strings.Join(parts.Draw(t, "before"), "")
		marked := "<" + strings.Join(parts.Draw(t, "marked"), "") + ">"
		after := strings.Join(parts.Draw(t, "after"), "")
		columns := rapid.IntRange(36, 120).Draw(t, "columns")
		shown, column, width := newLine(before+marked+after, len(before), len(before)+len(marked)).window(columns)
		got := ansi.Cut(shown, column, column+width)
		if !strings.HasPrefix(got, "<") {
			t.Fatalf("columns %d to %d of %q are %q", column, column+width, shown, got)
		}
		if !strings.HasPrefix(marked, got) {
			t.Fatalf("marked is %q, not a beginning of %q", got, marked)
		}
		if ansi.StringWidth(marked) <= columns/2 && got != marked {
			t.Fatalf("marked is %q, though there is room for %q", got, marked)
		}
		if n := ansi.StringWidth(shown); n > columns || n < columns-3 && n < ansi.StringWidth(before+marked+after) {
			t.Fatalf("%q takes %d columns of %d", shown, n, columns)
		}
	})
}

// TestShortLaw: one line for each finding, note and help, and no more.
func TestShortLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawList(t)
		want := len(l)
		for _, d := range l {
			want += len(d.Notes) + min(len(d.Help), 1)
		}
		short := Short(l)
		if got := strings.Count(short, "\n"); got != want || strings.ContainsAny(short, "\r\x1b\t") {
			t.Fatalf("%d lines, want %d:\n%q", got, want, short)
		}
	})
}

func TestList(t *testing.T) {
	f := source.NewFile("f", "text")
	warning := Diagnostic{Severity: Warning, Code: UnknownKey, Message: "w", Span: f.Span(0, 1)}
	l := List{warning, {Severity: Error, Code: Syntax, Message: "e"}, warning}
	for name, test := range map[string]struct{ got, want any }{
		"errors":             {l.HasErrors(), true},
		"none":               {List(nil).HasErrors(), false},
		"warnings only":      {List{warning}.HasErrors(), false},
		"count":              {l.Count(Warning), 2},
		"summary":            {Summary(l), "1 error, 2 warnings"},
		"summary of nothing": {Summary(nil), ""},
		"strict":             {Summary(l.Strict()), "3 errors"},
		"strict leaves l":    {l[0].Severity, Warning},
		"canonical":          {len(l.Canonical()), 2},
		"no place is first":  {l.Canonical()[0].Code, Syntax},
		"severities":         {Error.String() + Warning.String() + Severity(0).String(), "errorwarningunknown"},
		"empty JSON":         {string(JSON(nil)), "[]\n"},
		"empty forms":        {Rich(nil, Style{}) + Short(nil), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

// TestWithNote holds that findings made from one do not share their notes.
func TestWithNote(t *testing.T) {
	d := Diagnostic{}.WithNote(source.Span{}, "one")
	a, b := d.WithNote(source.Span{}, "a"), d.WithNote(source.Span{}, "b")
	if len(d.Notes) != 1 || a.Notes[1].Message != "a" || b.Notes[1].Message != "b" || b.WithHelp("h").Help != "h" {
		t.Errorf("notes: %v %v %v", d.Notes, a.Notes, b.Notes)
	}
}

func TestAllowable(t *testing.T) {
	codes := AllowableCodes()
	if len(codes) == 0 || Allowable(Syntax) || Allowable("no-such-code") {
		t.Errorf("syntax errors may be allowed, or nothing: %v", codes)
	}
	for i, c := range codes {
		if !Allowable(c) || i > 0 && codes[i-1] >= c {
			t.Errorf("%q is out of place in %v", c, codes)
		}
	}
}
