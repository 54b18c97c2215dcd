package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
)

// settings are --set and --params as they came, in one order: of two values for
// the same parameter the last one wins, whichever flag it came by.
type settings struct{ given []given }

// given is one --set NAME=VALUE, or one --params FILE.
type given struct {
	text   string
	isFile bool
}

func (s *settings) flags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "set", Value: &settingFlag{settings: s}, Usage: "give a parameter a value: `NAME=VALUE` (repeatable)"},
		&cli.GenericFlag{Name: "params", Value: &settingFlag{settings: s, isFile: true}, Usage: "take parameter values from a TOML `FILE` (repeatable)"},
	}
}

// settingFlag is one of the two flags, both of which fill the same list.
type settingFlag struct {
	settings *settings
	isFile   bool
}

// Set implements flag.Value.
func (f *settingFlag) Set(text string) error {
	if name, _, ok := strings.Cut(text, "="); !f.isFile && (!ok || strings.TrimSpace(name) == "") {
		return fmt.Errorf("write NAME=VALUE")
	}
	f.settings.given = append(f.settings.given, given{text: text, isFile: f.isFile})
	return nil
}

// String implements flag.Value.
func (f *settingFlag) String() string { return "" }

// read gives the values in their order, with their places.
func (s *settings) read(files source.Opener) ([]stack.Setting, diag.List) {
	var list []stack.Setting
	var findings diag.List
	for _, g := range s.given {
		if !g.isFile {
			list = append(list, settingOf(g.text))
			continue
		}
		read, found := readParams(files, g.text)
		list = append(list, read...)
		findings.Add(found...)
	}
	return list, findings
}

// settingOf makes the argument of --set a text of its own, so that messages can
// point into it.
func settingOf(text string) stack.Setting {
	name, value, _ := strings.Cut(text, "=")
	file := source.NewFile("--set", text)
	return stack.Setting{
		Name: strings.TrimSpace(name), Span: file.Span(0, len(name)),
		Text: value, TextPos: file.Span(len(name)+1, len(text)),
	}
}

// readParams reads a parameter file: a TOML file whose top-level keys are parameters.
func readParams(files source.Opener, path string) ([]stack.Setting, diag.List) {
	file, err := files.Open(path)
	if err != nil {
		return nil, diag.List{{Severity: diag.Error, Code: diag.FileNotFound, Message: "--params: " + absent(path, err).Error()}}
	}
	tree, findings := syntax.Parse(file)
	if tree == nil || findings.HasErrors() {
		return nil, findings
	}
	var list []stack.Setting
	for _, e := range tree.Entries {
		list = append(list, stack.Setting{Name: e.Key, Span: e.KeySpan, Value: e.Value})
	}
	return list, findings
}
