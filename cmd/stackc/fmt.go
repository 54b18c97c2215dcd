package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/charmbracelet/colorprofile"
	"github.com/urfave/cli/v2"
	"znkr.io/diff/textdiff"

	style "github.com/stackc/stackc/compiler/format"
	"github.com/stackc/stackc/compiler/source"
)

// styling is what fmt was asked to do with files that are not in the style.
type styling struct {
	in    *input // only how findings are written
	check bool
	diff  bool
}

func (p *program) fmt() *cli.Command {
	o := &styling{in: newInput()}
	return &cli.Command{
		Name:      "fmt",
		Usage:     "write stack files in the common style",
		ArgsUsage: "FILE...",
		Description: `Aligns, spaces and breaks the lines of each FILE; keys, values, order and comments
stay, and what only TOML 1.1 has is written in TOML 1.0. Prints the names of the
files that it changes. A file that is not TOML stays as it is. "-" is written from
the standard input to the standard output.

examples:
  stackc fmt k8s.toml stacks/*.toml
  stackc fmt --check stacks/*.toml
  stackc fmt -d k8s.toml

exit codes: 0 done; 1 a file could not be formatted, or with --check or -d one is
not in the style`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Destination: &o.check, DisableDefaultText: true, Usage: "change nothing, print the names of files that are not in the style"},
			&cli.BoolFlag{Name: "d", Aliases: []string{"diff"}, Destination: &o.diff, DisableDefaultText: true, Usage: "change nothing, print what would change in the form of patch(1)"},
			&cli.GenericFlag{Name: "findings", Value: &o.in.form, DefaultText: "rich on a terminal, otherwise short",
				Usage: "write findings as `FORM`: rich, short or json"},
		},
		Action: func(ctx *cli.Context) error {
			if !ctx.Args().Present() {
				return wrongArguments(ctx, "at least one FILE", nil)
			}
			return p.formatFiles(o, ctx.Args().Slice())
		},
	}
}

// formatFiles formats one file after the other: a bad one does not keep the others from it.
func (p *program) formatFiles(o *styling, paths []string) error {
	code := exitDone
	for _, path := range paths {
		right, err := p.formatFile(o, path)
		if err != nil {
			p.fault(err.Error(), "")
		}
		if !right || err != nil {
			code = exitError
		}
	}
	return exitWith(code)
}

// formatFile formats one file, and reports whether nothing is left to do.
func (p *program) formatFile(o *styling, path string) (right bool, err error) {
	name, old, err := p.readText(path)
	if err != nil {
		return false, err
	}
	text, findings := style.Format(source.NewFile(name, old))
	if len(findings) > 0 {
		o.in.show(p.console, findings)
		return false, nil
	}
	if o.check || o.diff {
		return string(text) == old, p.showUnstyled(o, name, old, string(text))
	}
	return true, p.deliver(path, old, string(text))
}

// showUnstyled prints how a file differs from the style, if it does. Text of files
// is written past the console, which would take for colours what looks like them.
func (p *program) showUnstyled(o *styling, name, old, fresh string) error {
	switch {
	case fresh == old:
		return nil
	case o.diff:
		_, err := io.WriteString(p.out, unified(name, old, fresh, p.profile(p.outTerminal) >= colorprofile.ANSI))
		return err
	}
	return p.printf("%s\n", name)
}

// deliver puts the formatted text where it belongs.
func (p *program) deliver(path, old, fresh string) error {
	if path == "-" {
		_, err := io.WriteString(p.out, fresh)
		return err
	}
	if fresh == old {
		return nil
	}
	if err := replaceFile(path, fresh); err != nil {
		return err
	}
	return p.printf("%s\n", path)
}

// readText returns the text of a file with the name to show for it. Other than an
// opener it keeps a byte order mark, which the style does not have.
func (p *program) readText(path string) (name, text string, err error) {
	var data []byte
	if path == "-" {
		data, err = io.ReadAll(p.in)
		return stdinName, string(data), err
	}
	data, err = readFile(path)
	return path, string(data), err
}

// unified gives the difference of two texts as patch(1) reads it.
func unified(name, old, fresh string, colour bool) string {
	options := []textdiff.Option{textdiff.IndentHeuristic()}
	if colour {
		options = append(options, textdiff.TerminalColors())
	}
	if strings.ContainsAny(name, " \t") {
		name += "\t" // ends the name for patch, as a time would
	}
	hunks := textdiff.Unified(old, fresh, options...)
	if fresh == "" { // patch wants the line before an empty range, and there is none
		hunks = strings.Replace(hunks, " +1,0 @@", " +0,0 @@", 1)
	}
	return fmt.Sprintf("--- %s\n+++ %s\n%s", name, name, hunks)
}

// beside makes a new file, readable for its owner alone, in the folder of one that it is to
// take the place of.
func beside(path, pattern string) (*os.File, error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, pattern)
	var at *fs.PathError
	if errors.As(err, &at) { // of a name that nobody has heard of
		err = fmt.Errorf("%s cannot be written: %s: %w", path, dir, at.Err)
	}
	return f, err
}

// replaceFile gives a file a new text at once or not at all, and leaves its mode,
// and its owner where the system allows that. Of a symbolic link the target changes.
func replaceFile(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file, so it cannot be replaced", path)
	}
	f, err := beside(path, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		f.Chown(int(owner.Uid), int(owner.Gid)) // before the mode, of which it may take a part
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
