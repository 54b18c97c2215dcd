package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// libraryBlock is a fenced block of docs/libraries.md with its info.
var libraryBlock = regexp.MustCompile("(?ms)^```(toml|txtar|text|console)([^\n]*)\n(.*?)^```$")

// TestDocsLibraries goes through docs/libraries.md from top to bottom in one
// folder: it writes the files that it shows, runs its commands, and holds what
// comes out, and the files that are written, against it.
func TestDocsLibraries(t *testing.T) { walkDocument(t, "libraries.md", "shop.toml", 10) }

// TestDocsBootstrap does the same with docs/bootstrap.md.
func TestDocsBootstrap(t *testing.T) { walkDocument(t, "bootstrap.md", "lab.toml", 4) }

// TestDocsPKI does the same with docs/pki.md.
func TestDocsPKI(t *testing.T) { walkDocument(t, "pki.md", "k8s.toml", 6) }

// walkDocument goes through a document whose stack is called stackFile, and which has
// so many commands at least.
func walkDocument(t *testing.T, name, stackFile string, least int) {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	commands := 0
	for _, m := range libraryBlock.FindAllStringSubmatchIndex(string(doc), -1) {
		kind, info, text := string(doc[m[2]:m[3]]), strings.TrimSpace(string(doc[m[4]:m[5]])), string(doc[m[6]:m[7]])
		name, isFile := strings.CutPrefix(info, "file=")
		switch {
		case kind == "console":
			e := examplesOf(t, string(doc[m[0]:m[1]])+"\n")[0]
			code, out := call(t, dir, e.command)
			if commands++; code != e.exit || !e.pattern().MatchString(out) {
				t.Errorf("%s: exit code %d, want %d, and\n%s", e.command, code, e.exit, out)
			}
		case kind == "text" && isFile:
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !(example{output: text}).pattern().Match(got) {
				t.Errorf("%s is (%v)\n%s", name, err, got)
			}
		case isFile:
			write(t, filepath.Join(dir, name), text)
		case kind == "toml" && info == "":
			write(t, filepath.Join(dir, stackFile), text)
		}
	}
	if commands < least {
		t.Errorf("only %d commands were found in the document", commands)
	}
}
