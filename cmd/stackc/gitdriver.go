package main

import (
	"os"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// gitDriver is git's external diff (git(1), GIT_EXTERNAL_DIFF): it gets the path
// and the names of two files that hold both versions, and of a renamed file the new
// path at the end. It ends with 0 whatever it
// finds, for git takes anything else as a failure of its own. A file that is no
// stack, or has errors, is shown as a text.
func (p *program) gitDriver(ctx *cli.Context, o *comparing) error {
	args := ctx.Args().Slice()
	if len(args) == 1 {
		return p.printf("* unmerged path %s\n", args[0])
	}
	if len(args) != 7 && len(args) != 9 {
		return misuse("set diff.stackc.command to \"stackc diff --git-driver\"", "git's external diff gets 7 arguments, and %d are given", len(args))
	}
	path := args[0]
	renamed := path // what git calls the new version
	if len(args) == 9 {
		renamed = args[7]
	}
	before, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	after, err := os.ReadFile(args[4])
	if err != nil {
		return err
	}
	old, ok := p.driverSide(o, path, string(before), &o.old)
	new, ok2 := p.driverSide(o, renamed, string(after), &o.new)
	if err := p.printf("%s", view.GitHeader(path, renamed)); err != nil {
		return err
	}
	if !ok || !ok2 {
		return p.write(unified(renamed, string(before), string(after), false))
	}
	plan, err := o.planBetween(old, new)
	if err != nil {
		return err
	}
	report := review.Build(old.Side, new.Side, plan, nil, review.Options{Context: max(o.context, 0), ShowSecrets: o.showSecrets})
	return p.printf("%s", view.Report(report, p.textWidth()))
}

// driverSide compiles one version of a file; the files that it names are those of
// the working tree. It is false for what cannot be compiled.
func (p *program) driverSide(o *comparing, path, text string, w *sideWords) (side, bool) {
	if text == "" {
		return emptySide(path), true
	}
	in := o.in.with(w)
	result, findings := in.compileFrom(oneText{path: path, text: text}, p.console, path)
	if findings.HasErrors() {
		return side{}, false
	}
	s := side{result: result}
	s.Source, s.Set = review.Source{Kind: "stack", Name: path}, result.Set
	s.Locate = func(unit units.Name, index int) *review.Place { return locate(result, unit, index) }
	return s, true
}

// oneText is the disk with another text in the place of one file.
type oneText struct {
	disk       source.Dir
	path, text string
}

// Open implements source.Opener.
func (o oneText) Open(path string) (*source.File, error) {
	if path == o.path {
		return source.NewFile(path, o.text), nil
	}
	return o.disk.Open(path)
}

// gitTextconv prints the units of one stack file, for git to compare; a file that
// cannot be compiled as it is.
func (p *program) gitTextconv(ctx *cli.Context, o *comparing) error {
	path, err := oneFile(ctx, "FILE")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s, ok := p.driverSide(o, path, string(text), &o.new)
	if !ok || s.result == nil {
		return p.write(string(text))
	}
	return p.write(masked(joined(unitFiles(s.Set)), o.showSecrets))
}

func masked(text string, show bool) string {
	if show {
		return text
	}
	return units.MaskSecrets(text)
}
