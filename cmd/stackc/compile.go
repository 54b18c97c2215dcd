package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units"
)

// compileOptions says where units go.
type compileOptions struct {
	dir   string
	clean bool
}

func (p *program) compile() *cli.Command {
	in, form, o := newInput(), newFormat(), &compileOptions{}
	return &cli.Command{
		Name:      "compile",
		Usage:     "write the unit files that a stack file stands for",
		ArgsUsage: "FILE [-o DIR]",
		Description: `Without -o the units are printed one after the other, each under a line with its
name. With -o each becomes a file of DIR; files that are already right are not
touched, and unit files of no unit stay unless --clean is given.

examples:
  stackc compile k8s.toml
  stackc compile k8s.toml -o units/ --clean

exit codes: 0 done; 1 error`,
		Flags: append(in.flags(), form.flag(),
			&cli.StringFlag{Name: "o", Aliases: []string{"output-dir"}, Destination: &o.dir, Usage: "write one file per unit into `DIR`, which is made if needed"},
			&cli.BoolFlag{Name: "clean", Destination: &o.clean, DisableDefaultText: true, Usage: "remove unit files of DIR that the stack does not have"},
		),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE")
			if err != nil {
				return err
			}
			if o.clean && o.dir == "" {
				return misuse("", "--clean needs -o DIR")
			}
			return p.compileFile(in, form, o, path)
		},
	}
}

func (p *program) compileFile(in *input, form *format, o *compileOptions, path string) error {
	set, findings, err := in.load(p.console, path, form)
	if err != nil {
		return err
	}
	files := unitFiles(set)
	if o.dir != "" {
		if err := writeUnits(o.dir, files, o.clean); err != nil {
			return err
		}
	}
	switch {
	case form.isJSON():
		return p.json(compiled{Stack: set.Stack, Units: files, Findings: diag.Findings(findings)})
	case o.dir != "":
		return p.printf("%s: %s in %s\n", path, plural(len(files), "unit", "units"), o.dir)
	}
	return p.printf("%s", joined(files))
}

// compiled is the JSON form of a compiled stack.
type compiled struct {
	Stack    string         `json:"stack"`
	Units    []unitFile     `json:"units"`
	Findings []diag.Finding `json:"findings"`
}

// unitFile is the text of one unit.
type unitFile struct {
	Name    units.Name  `json:"name"`
	Desired units.State `json:"desired"`
	Hash    string      `json:"hash"`
	Text    string      `json:"text"`
}

func unitFiles(set *units.Set) []unitFile {
	files := make([]unitFile, len(set.Units))
	for i, u := range set.Units {
		files[i] = unitFile{Name: u.Name, Desired: u.Desired, Hash: u.Hash(), Text: u.Text()}
	}
	return files
}

// joined writes all units as one text.
func joined(files []unitFile) string {
	var b strings.Builder
	for i, f := range files {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "# %s\n%s", f.Name, f.Text)
	}
	return b.String()
}

// writeUnits makes dir hold the units.
func writeUnits(dir string, files []unitFile, clean bool) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[string(f.Name)] = true
		if err := writeIfChanged(filepath.Join(dir, string(f.Name)), f.Text); err != nil {
			return err
		}
	}
	if !clean {
		return nil
	}
	return removeUnits(dir, wanted)
}

// writeIfChanged leaves a file that is right alone, so that its time tells when
// the unit changed. A new text replaces the old one at once or not at all.
func writeIfChanged(path, text string) error {
	old, err := os.ReadFile(path)
	if err == nil && string(old) == text {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o666); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// removeUnits removes the unit files of dir that are not wanted, and no other file.
func removeUnits(dir string, wanted map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := units.ParseName(e.Name()); err != nil || wanted[e.Name()] || !e.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
