package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestPosition(t *testing.T) {
	for _, test := range []struct {
		name, text string
		offset     int
		want       Position
	}{
		{"empty file", "", 0, Position{1, 1, 1, 0}},
		{"beginning", "ab\ncd", 0, Position{1, 1, 1, 0}},
		{"on the line end", "ab\ncd", 2, Position{1, 3, 3, 2}},
		{"behind the line end", "ab\ncd", 3, Position{2, 1, 1, 3}},
		{"end of the file", "ab\ncd", 5, Position{2, 3, 3, 5}},
		{"last line empty", "ab\n", 3, Position{2, 1, 1, 3}},
		{"before the beginning", "ab", -7, Position{1, 1, 1, 0}},
		{"behind the end", "ab", 99, Position{1, 3, 3, 2}},
		{"CRLF", "ab\r\ncd", 4, Position{2, 1, 1, 4}},
		{"between CR and LF", "ab\r\ncd", 3, Position{1, 4, 4, 3}},
		{"two bytes", "é=1", 2, Position{1, 2, 2, 2}},
		{"within a character", "é=1", 1, Position{1, 2, 2, 1}},
		{"outside the basic plane", "😀=1", 4, Position{1, 2, 3, 4}},
		{"byte that is not UTF-8", "\xff\xffx", 2, Position{1, 3, 3, 2}},
		{"byte order mark", "\uFEFFab", 1, Position{1, 2, 2, 1}},
		{"second byte order mark", "\uFEFF\uFEFFab", 3, Position{1, 2, 2, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := NewFile("f", test.text).Position(test.offset); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestLine(t *testing.T) {
	f := NewFile("f", "one\r\ntwo\n\nfour")
	for n, want := range map[int]string{-1: "", 0: "", 1: "one", 2: "two", 3: "", 4: "four", 5: ""} {
		if got := f.Line(n); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
	}
	if f.Lines() != 4 || NewFile("f", "").Lines() != 1 || NewFile("f", "x\n").Lines() != 2 {
		t.Error("lines are counted wrongly")
	}
	if f.Name() != "f" || f.Text() != "one\r\ntwo\n\nfour" {
		t.Errorf("name %q, text %q", f.Name(), f.Text())
	}
}

func TestSpan(t *testing.T) {
	f := NewFile("dir/f.toml", "hello world\nagain")
	word := f.Span(6, 11)
	for name, test := range map[string]struct{ got, want string }{
		"text":                 {word.Text(), "world"},
		"string":               {word.String(), "dir/f.toml:1:7"},
		"cut to the file":      {f.Span(-4, 99).Text(), f.Text()},
		"end before start":     {f.Span(5, 2).Text(), ""},
		"part":                 {word.Sub(1, 3).Text(), "or"},
		"part from before":     {word.Sub(-9, 2).Text(), "wo"},
		"part to behind":       {word.Sub(3, 99).Text(), "ld"},
		"part behind":          {word.Sub(50, 60).Text(), ""},
		"part back to front":   {word.Sub(4, 1).Text(), ""},
		"to":                   {f.Span(0, 5).To(word).Text(), "hello world"},
		"to itself":            {word.To(word).Text(), "world"},
		"to what is inside":    {f.Span(0, 11).To(f.Span(2, 4)).Text(), "hell"},
		"to what is before":    {word.To(f.Span(0, 5)).Text(), "world"},
		"to another file":      {word.To(NewFile("g", "hello world").Span(0, 11)).Text(), "world"},
		"to no place":          {word.To(Span{}).Text(), "world"},
		"no place":             {Span{}.Text() + Span{}.String(), ""},
		"part of no place":     {Span{}.Sub(0, 3).Text(), ""},
		"position of the end":  {f.Span(0, 14).EndPosition().String(), "2:3"},
		"position of no place": {Span{}.Position().String() + " " + Span{}.EndPosition().String(), "0:0 0:0"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", name, test.got, test.want)
		}
	}
	if !(Span{}).IsZero() || word.IsZero() || (Span{}).File() != nil || word.File() != f || word.Start() != 6 || word.End() != 11 {
		t.Error("a span does not say what it was made of")
	}
}

// fileText draws text with everything that makes positions hard.
func fileText(t *rapid.T) string {
	parts := rapid.SliceOf(rapid.SampledFrom([]string{"\n", "\r\n", "\r", "a", "é", "漢", "😀", "\xff", "\uFEFF", "key = 1"}))
	return strings.Join(parts.Draw(t, "text"), "")
}

// TestPositionLaws: a position grows with its offset, finds it again, agrees with
// counting the line by hand, and its line is a line of the file.
func TestPositionLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := NewFile("f", fileText(t))
		before := Position{Line: 1, Column: 1, UTF16: 1}
		for offset := range len(f.Text()) + 1 {
			p := f.Position(offset)
			if p.Offset != offset || p.Line > f.Lines() {
				t.Fatalf("offset %d has %+v", offset, p)
			}
			if p.Line < before.Line || p.Line == before.Line && (p.Column < before.Column || p.UTF16 < before.UTF16) {
				t.Fatalf("%+v stands before %+v", p, before)
			}
			if want := strings.Count(f.Text()[:offset], "\n") + 1; p.Line != want {
				t.Fatalf("offset %d stands on line %d, not %d", offset, want, p.Line)
			}
			before = p
		}
	})
}

// TestPositionRoundTrip goes from line and column back to the offset.
func TestPositionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := NewFile("f", fileText(t))
		text := f.Text()
		for offset := 0; offset <= len(text); {
			p := f.Position(offset)
			lines := strings.SplitAfter(text, "\n")
			start := len(strings.Join(lines[:p.Line-1], ""))
			at := start
			for range p.Column - 1 {
				_, size := utf8.DecodeRuneInString(text[at:])
				at += size
			}
			if at != offset {
				t.Fatalf("%+v leads back to %d, not %d", p, at, offset)
			}
			if units := utf16.Encode([]rune(text[start:offset])); len(units) != p.UTF16-1 {
				t.Fatalf("%+v stands behind %d UTF-16 units", p, len(units))
			}
			_, size := utf8.DecodeRuneInString(text[offset:])
			offset += max(size, 1)
		}
	})
}

// TestSpanLaws: no span reaches out of its file, no part out of its whole.
func TestSpanLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := NewFile("f", fileText(t))
		offset := rapid.IntRange(-3, len(f.Text())+3)
		whole := f.Span(offset.Draw(t, "start"), offset.Draw(t, "end"))
		if whole.Start() < 0 || whole.End() < whole.Start() || whole.End() > len(f.Text()) {
			t.Fatalf("span %d to %d", whole.Start(), whole.End())
		}
		part := whole.Sub(offset.Draw(t, "from"), offset.Draw(t, "to"))
		if part.Start() < whole.Start() || part.End() < part.Start() || part.End() > whole.End() {
			t.Fatalf("part %d to %d of %d to %d", part.Start(), part.End(), whole.Start(), whole.End())
		}
		if all := whole.Sub(0, whole.End()-whole.Start()); all != whole {
			t.Fatalf("the whole of %v is %v", whole, all)
		}
		if joined := part.To(whole); joined.Start() != part.Start() || joined.End() != whole.End() {
			t.Fatalf("%v to %v is %v", part, whole, joined)
		}
	})
}

func TestOpeners(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.toml")
	if err := os.WriteFile(path, []byte("\uFEFFx = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		opener Opener
		path   string
	}{
		"directory": {Dir{}, path},
		"map":       {Map{path: "x = 1\n"}, path},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := test.opener.Open(test.path)
			if err != nil || f.Name() != path || f.Text() != "x = 1\n" {
				t.Errorf("got %+v, %v", f, err)
			}
			if _, err := test.opener.Open(path + "x"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file that is not there: %v", err)
			}
		})
	}
}
