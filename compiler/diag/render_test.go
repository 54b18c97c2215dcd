package diag

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler/source"
)

// The files of testdata hold source files, a list of findings in findings.toml,
// and what each form makes of it.
var update = flag.Bool("update", false, "write the wanted forms into testdata")

// forms are the sections of a golden file that a test writes.
var forms = []struct {
	name string
	of   func(List, int) string
}{
	{"rich", func(l List, width int) string { return Rich(l, Style{Width: width}) }},
	{"colour", func(l List, width int) string { return readable(Rich(l, Colour(width))) }},
	{"short", func(l List, _ int) string { return Short(l) }},
	{"summary", func(l List, _ int) string { return Summary(l) + "\n" }},
	{"json", func(l List, _ int) string { return string(JSON(l)) }},
}

// readable turns escape sequences into words.
func readable(s string) string {
	return strings.NewReplacer("\x1b[1;31m", "{red}", "\x1b[1;33m", "{yellow}", "\x1b[1m", "{bold}", "\x1b[2m", "{dim}", "\x1b[0m", "{}").Replace(s)
}

func TestForms(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 8 {
		t.Fatalf("%d golden files: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { checkForms(t, path) })
	}
}

func checkForms(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	inputs := archive.Files[:0:0]
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
		if strings.Contains(f.Name, ".") {
			inputs = append(inputs, f)
		}
	}
	list, width := readFindings(t, want)
	archive.Files = inputs
	for _, form := range forms {
		got := form.of(list, width)
		archive.Files = append(archive.Files, txtar.File{Name: form.name, Data: []byte(got)})
		if *update {
			continue
		}
		if golden, ok := want[form.name]; !ok {
			t.Errorf("there is no section %s", form.name)
		} else if got != golden {
			t.Errorf("%s: got\n%s\nwant\n%s", form.name, got, golden)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// spot names a place by the text that stands there.
type spot struct {
	File string
	Text string
	// Nth counts from 0; Behind is for the empty place behind the text.
	Nth    int
	Behind bool
}

type findings struct {
	Width int
	// CRLF and Tabs put what an archive cannot show into the files: a line end,
	// and a tab for each "»".
	CRLF    bool
	Tabs    bool
	Finding []struct {
		Severity, Code, Message, Path, Help string
		At                                  spot
		Note                                []struct {
			Message string
			At      spot
		}
	}
}

func readFindings(t *testing.T, files map[string]string) (List, int) {
	t.Helper()
	var f findings
	if meta, err := toml.Decode(files["findings.toml"], &f); err != nil || len(meta.Undecoded()) > 0 {
		t.Fatalf("findings.toml: %v %v", meta.Undecoded(), err)
	}
	sources := map[string]*source.File{}
	for name, text := range files {
		if f.CRLF {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		if f.Tabs {
			text = strings.NewReplacer("»", "\t", "␛", "\x1b", "␀", "\x00", "⇐", "\u202e").Replace(text)
		}
		sources[name] = source.NewFile(name, text)
	}
	var l List
	for _, x := range f.Finding {
		severity := map[string]Severity{"error": Error, "warning": Warning}[x.Severity]
		d := Diagnostic{Severity: severity, Code: Code(x.Code), Message: x.Message, Path: x.Path, Help: x.Help, Span: x.At.span(t, sources)}
		for _, n := range x.Note {
			d = d.WithNote(n.At.span(t, sources), n.Message)
		}
		l.Add(d)
	}
	return l, f.Width
}

func (s spot) span(t *testing.T, files map[string]*source.File) source.Span {
	t.Helper()
	if s.File == "" {
		return source.Span{}
	}
	f := files[s.File]
	at := 0
	for n := s.Nth; ; n-- {
		i := strings.Index(f.Text()[at:], s.Text)
		if i < 0 {
			t.Fatalf("%q does not stand %d times in %s", s.Text, s.Nth+1, s.File)
		}
		at += i + len(s.Text)
		if n == 0 {
			break
		}
	}
	if s.Behind {
		return f.Span(at, at)
	}
	return f.Span(at-len(s.Text), at)
}

// A file that is no stack file at all may be one word of megabytes.
func TestLongWordsAreCut(t *testing.T) {
	word := strings.Repeat("é", 4<<20)
	list := List{{Severity: Error, Code: Syntax, Message: "a key cannot be " + word + " here", Help: "write '" + word + "'"}}
	for _, text := range []string{Short(list), Rich(list, Style{Width: 80})} {
		if len(text) > 4*longestWord {
			t.Errorf("%d bytes are shown", len(text))
		}
		for _, want := range []string{"a key cannot be éé", "é… here", "help: write 'éé"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in %q", want, text)
			}
		}
	}
}
