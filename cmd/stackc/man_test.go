package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/stack"
)

// TestManPages has man and mandoc read every page: neither may warn of anything, but
// mandoc of the date, which a page has not.
func TestManPages(t *testing.T) {
	pages := manual{testApp()}.pages()
	dir := t.TempDir()
	if err := writePages(dir, pages); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		path := filepath.Join(dir, p.file)
		out, _ := exec.Command("mandoc", "-Tlint", "-Wwarning", path).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "missing date") {
				t.Errorf("mandoc: %s", line)
			}
		}
		cmd := exec.Command("man", "--warnings", "--local-file", path)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80", "MANPAGER=cat", "PAGER=cat")
		var warnings bytes.Buffer
		cmd.Stderr = &warnings
		if text, err := cmd.Output(); err != nil || warnings.Len() > 0 || len(text) == 0 {
			t.Errorf("man %s: %v %s", p.file, err, warnings.String())
		}
	}
}

// rendered is a page as a person reads it, on lines that do not end.
func rendered(t *testing.T, text string) string {
	t.Helper()
	cmd := exec.Command("mandoc", "-Tutf8", "-Owidth=900")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`.\x08`).ReplaceAllString(string(out), "")
}

// TestManSays finds all that there is in the pages: commands, flags with their
// texts, examples, and the words of the language.
func TestManSays(t *testing.T) {
	app := testApp()
	pages := map[string]string{}
	for _, p := range (manual{app}).pages() {
		pages[p.file] = rendered(t, p.text)
	}
	want := func(file, text string) {
		t.Helper()
		if !strings.Contains(pages[file], text) {
			t.Errorf("%s does not say %q", file, text)
		}
	}
	for _, f := range app.VisibleFlags() {
		want("stackc.1", dashed(f.Names()[0]))
		want("stackc.1", usageOf(f))
	}
	for _, c := range app.VisibleCommands() {
		file := "stackc-" + c.Name + ".1"
		want("stackc.1", "stackc-"+c.Name+"(1)")
		want(file, c.Usage)
		for _, f := range c.VisibleFlags() {
			want(file, dashed(f.Names()[0]))
			want(file, usageOf(f))
		}
		for _, line := range matches(`(?m)^  (stackc .*)$`, c.Description) {
			want(file, line)
		}
		if !strings.Contains(pages[file], "EXIT STATUS") && strings.Contains(c.Description, "exit codes") {
			t.Errorf("%s has no exit codes", file)
		}
	}
	var words func(t stack.Table)
	words = func(t stack.Table) {
		for _, k := range t.Keys {
			want("stackc.5", k.Name+" = "+k.Example)
			want("stackc.5", k.Help)
			for _, below := range tablesIn(k.Shape) {
				words(below)
			}
		}
	}
	words(stack.File())
}
