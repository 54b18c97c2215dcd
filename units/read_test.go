package units_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fleetunit "github.com/coreos/fleet/unit"
	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

// shown prints lines as "line-end:column:valueColumn section.name=value".
func shown(f *units.File) []string {
	var s []string
	for _, l := range f.Lines {
		s = append(s, fmt.Sprintf("%d-%d:%d:%d %s.%s=%s", l.Line, l.End, l.Column, l.ValueColumn, l.Section, l.Name, l.Value))
	}
	return s
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
		errors   []string
	}{
		{"plain", "[Unit]\nA=b\n", []string{"2-2:1:3 Unit.A=b"}, nil},
		{"no newline at the end", "[Unit]\nA=b", []string{"2-2:1:3 Unit.A=b"}, nil},
		{"blanks around", "  [Unit] \n\t A =  b c \t\n", []string{"2-2:3:8 Unit.A=b c"}, nil},
		{"value with equals and brackets", "[Unit]\nA=b=[c]\n", []string{"2-2:1:3 Unit.A=b=[c]"}, nil},
		{"empty assignment", "[Unit]\nA=\nA=x\n", []string{"2-2:1:3 Unit.A=", "3-3:1:3 Unit.A=x"}, nil},
		{"repeated section", "[A]\na=1\n[B]\nb=1\n[A]\na=2\n", []string{"2-2:1:3 A.a=1", "4-4:1:3 B.b=1", "6-6:1:3 A.a=2"}, nil},
		{"comments", "# x\n[Unit]\n ; y\nA=b # not a comment\n", []string{"4-4:1:3 Unit.A=b # not a comment"}, nil},
		{"CRLF", "[Unit]\r\nA=b\r\nB=c\r\n", []string{"2-2:1:3 Unit.A=b", "3-3:1:3 Unit.B=c"}, nil},
		{"CR alone and LFCR", "[Unit]\rA=b\n\rB=c\n", []string{"2-2:1:3 Unit.A=b", "3-3:1:3 Unit.B=c"}, nil},
		{"NUL ends a line", "[Unit]\x00A=b\n", []string{"2-2:1:3 Unit.A=b"}, nil},
		{"byte order mark", "\ufeff[Unit]\nA=b\n", []string{"2-2:1:3 Unit.A=b"}, nil},
		{"continuation becomes one space", "[Unit]\nA=b\\\nc\nB=d\n", []string{"2-3:1:3 Unit.A=b c", "4-4:1:3 Unit.B=d"}, nil},
		{"continuation keeps blanks", "[Unit]\nA=b \\\n   c\n", []string{"2-3:1:3 Unit.A=b     c"}, nil},
		{"continuation with CRLF", "[Unit]\r\nA=b\\\r\nc\r\n", []string{"2-3:1:3 Unit.A=b c"}, nil},
		{"value begins on the next line", "[Unit]\nA= \\\n  b\n", []string{"2-3:1:3 Unit.A=b"}, nil},
		{"comment inside a continuation", "[Unit]\nA=b \\\n# no \\\n ;no\nc\n", []string{"2-5:1:3 Unit.A=b  c"}, nil},
		{"comment does not continue", "[Unit]\n# x \\\nA=b\n", []string{"3-3:1:3 Unit.A=b"}, nil},
		{"empty line ends a continuation", "[Unit]\nA=b \\\n\nB=c\n", []string{"2-3:1:3 Unit.A=b", "4-4:1:3 Unit.B=c"}, nil},
		{"end of file ends a continuation", "[Unit]\nA=b \\\n", []string{"2-2:1:3 Unit.A=b"}, nil},
		{"two backslashes do not continue", "[Unit]\nA=b\\\\\nB=c\n", []string{`2-2:1:3 Unit.A=b\\`, "3-3:1:3 Unit.B=c"}, nil},
		{"three do", "[Unit]\nA=b\\\\\\\nc\n", []string{`2-3:1:3 Unit.A=b\\ c`}, nil},
		{"backslash before a blank does not", "[Unit]\nA=b\\ \nB=c\n", []string{`2-2:1:3 Unit.A=b\`, "3-3:1:3 Unit.B=c"}, nil},
		{"outside of a section", "A=b\n[Unit]\nB=c\n", []string{"3-3:1:3 Unit.B=c"}, []string{"1:1: this stands before the first [section], systemd ignores it"}},
		{"no equals", "[Unit]\n  hello\nB=c\n", []string{"3-3:1:3 Unit.B=c"}, []string{`2:3: "hello" has no "=", systemd ignores it`}},
		{"no key", "[Unit]\n=c\n", nil, []string{`2:1: nothing stands before the "=", systemd ignores it`}},
		{"bad header", "[Unit\nA=b\n", nil, []string{
			`1:1: "[Unit" is not a section header: nothing may follow the "]"`,
			"2:1: this stands before the first [section], systemd ignores it"}},
		{"text behind a header", "[Unit] # x\n", nil, []string{`1:1: "[Unit] # x" is not a section header: nothing may follow the "]"`}},
		{"bad character in a header", "[Un\"it]\n[]\n", nil, []string{
			`1:1: "[Un\"it]" is not a section header: the name has a character it may not have`,
			`2:1: "[]" is not a section header: the name has a character it may not have`}},
		{"not UTF-8", "[Unit]\nA=\xff\nB=c\n", []string{"3-3:1:3 Unit.B=c"}, []string{"2:1: the line is not UTF-8, systemd ignores it"}},
		{"error in a continuation has its first line", "[Unit]\nA \\\nb\nC\n", nil, []string{
			`2:1: "A  b" has no "=", systemd ignores it`, `4:1: "C" has no "=", systemd ignores it`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file, errors := units.Parse(tt.in)
			if diff := cmp.Diff(tt.want, shown(file)); diff != "" {
				t.Error(diff)
			}
			var got []string
			for _, e := range errors {
				got = append(got, e.Error())
			}
			if diff := cmp.Diff(tt.errors, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseComments(t *testing.T) {
	file, _ := units.Parse("# one\n[Unit]\nA=b \\\n  ; two \nc\n")
	want := []units.Comment{{Line: 1, Text: "# one"}, {Line: 4, Text: "; two"}}
	if diff := cmp.Diff(want, file.Comments); diff != "" {
		t.Error(diff)
	}
}

// unitFiles are the unit files, drop-ins and network files people wrote by hand.
func unitFiles(t testing.TB) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir("testdata/guides", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil || len(files) < 30 {
		t.Fatalf("read %d unit files, %v", len(files), err)
	}
	return files
}

// The units of the guides all parse, fleet has the same hash for them, and those
// without continuations read the same to systemd and to fleet.
func TestGuides(t *testing.T) {
	for path, text := range unitFiles(t) {
		t.Run(strings.TrimPrefix(path, "testdata/guides/"), func(t *testing.T) {
			file, errors := units.Parse(text)
			if len(errors) > 0 || len(file.Lines) == 0 {
				t.Fatalf("Parse: %d lines, %v", len(file.Lines), errors)
			}
			read, err := units.ParseAsFleet(text)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := fleetunit.NewUnitFile(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := units.Hash(read); got != theirs.Hash().String() {
				t.Errorf("Hash = %s, fleet has %s", got, theirs.Hash())
			}
			if len(read) != len(file.Lines) {
				t.Fatalf("fleet reads %d options, systemd %d", len(read), len(file.Lines))
			}
			for i, o := range read {
				want := strings.ReplaceAll(o.Value, "\\\n", " ")
				if got := file.Lines[i].Value; got != want {
					t.Errorf("line %d: %q, fleet has %q", file.Lines[i].Line, got, want)
				}
			}
			formatted, err := units.Format(file.Options())
			if err != nil {
				t.Fatal(err)
			}
			readsBack(t, formatted, file.Options())
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range unitFiles(f) {
		f.Add(text)
	}
	f.Add("\ufeff[A]\n#\\\nb=c\\\n\n=\n[\n\x00\xff")
	f.Add("[A]\nb=c \\\n#d\n e\\\\\nf=\u0085g\u00a0\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, errors := units.Parse(text)
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\x00") + 1
		for _, l := range file.Lines {
			if l.Line < 1 || l.End < l.Line || l.End > lines || l.Column < 1 || l.ValueColumn <= l.Column {
				t.Fatalf("impossible place %+v", l)
			}
		}
		for _, e := range errors {
			if e.Line < 1 || e.Line > lines || e.Column < 1 || e.Kind == 0 || e.Reason == "" {
				t.Fatalf("impossible error %+v", e)
			}
		}
		formatted, err := units.Format(file.Options())
		if err != nil {
			return
		}
		readsBack(t, formatted, file.Options())
		again, err := units.Format(file.Options())
		if err != nil || again != formatted {
			t.Fatalf("Format is not stable: %q, then %q, %v", formatted, again, err)
		}
	})
}
