package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/cmd/stackc/view"
)

// reviewed is one change of testdata/review, read and planned.
type reviewed struct {
	old, new side
	report   *review.Report
}

// readChange reads the two stacks of an archive, and foresees places on the
// machines that it has, if it has any.
func readChange(t *testing.T, archive *txtar.Archive) reviewed {
	t.Helper()
	dir := t.TempDir()
	o := &comparing{in: newInput(), prune: true}
	for _, f := range archive.Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
		if f.Name == "machines.json" {
			o.machines = filepath.Join(dir, f.Name)
		}
	}
	t.Chdir(dir)
	p := &program{console: newConsole(process{})}
	var c reviewed
	for name, s := range map[string]*side{"old.toml": &c.old, "new.toml": &c.new} {
		read, err := p.readSide(context.Background(), o.in, name, false)
		if err != nil || read.findings.HasErrors() {
			t.Fatalf("%s: %v %+v", name, err, read.findings)
		}
		*s = read
	}
	plan, err := o.planBetween(c.old, c.new)
	if err != nil {
		t.Fatal(err)
	}
	c.report = review.Build(c.old.Side, c.new.Side, plan, c.new.findings, review.Options{Context: 1})
	return c
}

// drawings are in pages and have goldens of their own, as have style and script.
var drawings = regexp.MustCompile(`(?s)<svg.*?</svg>\s*|<style>.*?</style>\s*|<script>.*?</script>\s*`)

// outputs are what the archive must hold.
func (c reviewed) outputs(t *testing.T) []txtar.File {
	t.Helper()
	var data bytes.Buffer
	e := json.NewEncoder(&data)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(c.report); err != nil {
		t.Fatal(err)
	}
	page := drawings.ReplaceAllString(review.HTML(c.report, c.old.Set, c.new.Set), "")
	page = regexp.MustCompile(`\n\s*\n+`).ReplaceAllString(page, "\n")
	return []txtar.File{
		{Name: "text", Data: []byte(ansi.Strip(view.Report(c.report, 0)))},
		{Name: "text-70", Data: []byte(ansi.Strip(view.Report(c.report, 70)))},
		{Name: "colour", Data: []byte(strings.ReplaceAll(view.Report(c.report, 0), "\x1b", "<esc>"))},
		{Name: "markdown", Data: []byte(review.Markdown(c.report))},
		{Name: "json", Data: data.Bytes()},
		{Name: "html", Data: []byte(page)},
		{Name: "patch", Data: []byte(review.Patch(c.old.Set, c.new.Set, 3))},
	}
}

// TestReview holds every output of changes of every kind.
func TestReview(t *testing.T) {
	schema := diffSchema(t)
	files, err := filepath.Glob(repository("testdata/review/*.txtar"))
	if err != nil || len(files) < 25 {
		t.Fatalf("%d changes, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := readChange(t, archive)
			outputs := c.outputs(t)
			if *update {
				updateChange(t, file, archive, outputs)
				return
			}
			for _, want := range outputs {
				got, found := "", false
				for _, f := range archive.Files {
					if f.Name == want.Name {
						got, found = string(f.Data), true
					}
				}
				if d := cmp.Diff(got, fixed(string(want.Data))); !found || d != "" {
					t.Errorf("%s (-golden +got):\n%s", want.Name, d)
				}
				if want.Name == "json" {
					valid(t, schema, want.Data)
				}
			}
			if n := len(outputs[3].Data); n > review.MarkdownLimit {
				t.Errorf("Markdown has %d bytes", n)
			}
		})
	}
}

// fixed ends a text as archives do.
func fixed(s string) string {
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

func updateChange(t *testing.T, file string, archive *txtar.Archive, outputs []txtar.File) {
	t.Helper()
	kept := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		if filepath.Ext(f.Name) != "" {
			kept.Files = append(kept.Files, f)
		}
	}
	kept.Files = append(kept.Files, outputs...)
	if err := os.WriteFile(file, txtar.Format(kept), 0o666); err != nil {
		t.Fatal(err)
	}
}

func diffSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(repository("docs/diff.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func valid(t *testing.T, schema *jsonschema.Schema, data []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("the JSON does not fit docs/diff.schema.json: %v", err)
	}
}

// TestSchemaIsStrict takes away what must be there, and adds what must not.
func TestSchemaIsStrict(t *testing.T) {
	schema := diffSchema(t)
	for _, text := range []string{`{}`, `{"version": 2}`, `[]`} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(value) == nil {
			t.Errorf("%s fits", text)
		}
	}
}

// TestMarkdownFits gives it a change that no comment can hold.
func TestMarkdownFits(t *testing.T) {
	unit := func(i int, v string) string {
		return "[unit.u" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + ".Service]\nRestart=\"always\"\nExecStart = \"/bin/x --a=" + strings.Repeat(v, 300) + "\"\n"
	}
	old, new := "stack = \"s\"\n", "stack = \"s\"\n"
	for i := range 300 {
		old += unit(i, "1")
		new += unit(i, "2")
	}
	c := readChange(t, &txtar.Archive{Files: []txtar.File{{Name: "old.toml", Data: []byte(old)}, {Name: "new.toml", Data: []byte(new)}}})
	text := review.Markdown(c.report)
	if len(text) > review.MarkdownLimit || len(text) < review.MarkdownLimit/2 {
		t.Errorf("%d bytes", len(text))
	}
	if !strings.Contains(text, "more units are left out") {
		t.Error("it does not say that something is left out")
	}
	if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
		t.Error("a folded part is cut in two")
	}
}

// TestDocsReview goes through the examples of docs/review.md in a folder with the
// files that it shows, on a cluster in a box.
func TestDocsReview(t *testing.T) {
	text, err := os.ReadFile(repository("docs/review.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	dir := t.TempDir()
	files := regexp.MustCompile("(?s)```toml(?: overlay)?\n(.*?)```").FindAllStringSubmatch(doc, -1)
	if len(files) != 2 {
		t.Fatalf("%d files are shown, want the stack and its overlay", len(files))
	}
	write(t, filepath.Join(dir, "shop.toml"), files[0][1])
	write(t, filepath.Join(dir, "next.toml"), files[1][1])
	startBox(t, "back@10.0.0.1", "front@10.0.0.2", "front@10.0.0.3")
	for _, e := range examplesOf(t, doc) {
		code, out := call(t, dir, e.command)
		if code != e.exit || !e.pattern().MatchString(out) {
			t.Errorf("docs/review.md:%d: %s: exit code %d, want %d, and\n%s", e.line, e.command, code, e.exit, out)
		}
	}
}
