package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"znkr.io/diff/textdiff"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/cases"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
)

// caseReport is the JSON form of a case of a library. Case is "" for a library
// that ships none.
type caseReport struct {
	Library string `json:"library"`
	Case    string `json:"case,omitempty"`
	// Result is ok, failed or updated.
	Result      string             `json:"result"`
	Reason      string             `json:"reason,omitempty"`
	Differences []cases.Difference `json:"differences,omitempty"`
}

func (p *program) testLibraries(o *libraryWork, args []string) error {
	if len(args) == 0 {
		args = []string{"."}
	}
	var reports []caseReport
	for _, arg := range args {
		if o.update && isStd(arg) {
			return misuse("edit the cases in the source of stackc", "--update cannot write the cases of %s: they are in the program", arg)
		}
		libraries, err := librariesIn(arg)
		if err != nil {
			return err
		}
		for _, library := range libraries {
			list, err := p.testLibrary(o, library)
			if err != nil {
				return err
			}
			reports = append(reports, list...)
		}
	}
	if len(reports) == 0 {
		return misuse("a library is a TOML file with [library]; its cases are tests/NAME/*.txtar beside it", "there is no library in %s", strings.Join(args, ", "))
	}
	return p.caseResults(o, reports)
}

// caseResults ends a run of cases.
func (p *program) caseResults(o *libraryWork, reports []caseReport) error {
	failed, updated := 0, 0
	for _, r := range reports {
		switch r.Result {
		case "failed":
			failed++
		case "updated":
			updated++
		}
	}
	var err error
	if o.form.isJSON() {
		err = p.json(reports)
	} else {
		text := plural(len(reports), "case", "cases")
		if failed > 0 {
			text += ", " + plural(failed, "failed", "failed")
		}
		if updated > 0 {
			text += ", " + plural(updated, "updated", "updated")
		}
		err = p.printf("%s\n", text)
	}
	if err == nil && failed > 0 {
		err = exitWith(exitError)
	}
	return err
}

// librariesIn returns the library that arg is, or those in a folder and below it.
func librariesIn(arg string) ([]string, error) {
	if isStd(arg) {
		return stdLibrary("test", arg)
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{arg}, nil
	}
	var list []string
	err = filepath.WalkDir(arg, func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && file != arg && (e.Name() == "tests" || e.Name() == "vendor" || strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.Type().IsRegular() && filepath.Ext(file) == ".toml" && isLibrary(file):
			list = append(list, file)
		}
		return nil
	})
	return list, err
}

// isLibrary reports whether a file says of itself that it is a library.
func isLibrary(file string) bool {
	f, err := source.Dir{}.Open(file)
	if err != nil {
		return false
	}
	tree, _ := syntax.Parse(f)
	return tree != nil && tree.Get("library") != nil
}

// testLibrary runs the cases of one library.
func (p *program) testLibrary(o *libraryWork, library string) ([]caseReport, error) {
	at := shelfOf(library)
	list, err := cases.Find(at.files, at.file)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		r := caseReport{Library: library, Result: "failed", Reason: "it ships no case: there is no " + filepath.Join(at.folder, "tests", strings.TrimSuffix(path.Base(at.file), ".toml"), "NAME.txtar")}
		return []caseReport{r}, p.tellCase(o, r)
	}
	var reports []caseReport
	for _, name := range list {
		r, err := runCase(o, library, at, name)
		if err != nil {
			return nil, err
		}
		if err := p.tellCase(o, r); err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// runCase runs the case of that name on the shelf, or writes it anew.
func runCase(o *libraryWork, library string, at shelf, name string) (caseReport, error) {
	r := caseReport{Library: library, Case: strings.TrimSuffix(path.Base(name), ".txtar"), Result: "ok"}
	text, err := fs.ReadFile(at.files, name)
	if err != nil {
		return r, err
	}
	c := cases.Case{Library: cases.Seen(at.file), Archive: txtar.Parse(text), Disk: at.below(path.Dir(name)), Std: stacks.Library{}}
	result := c.Run()
	if result.Reason == "" {
		return r, nil
	}
	if o.update {
		r.Result = "updated"
		return r, writeIfChanged(filepath.Join(at.folder, filepath.FromSlash(name)), string(txtar.Format(c.Update(result))))
	}
	r.Result, r.Reason, r.Differences = "failed", result.Reason, result.Differences
	return r, nil
}

// below opens paths seen from a folder, and shows them so.
type below string

// Open implements source.Opener.
func (b below) Open(name string) (*source.File, error) {
	if path.IsAbs(name) {
		return source.Dir{}.Open(name)
	}
	f, err := source.Dir{}.Open(filepath.Join(string(b), filepath.FromSlash(name)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	return source.NewFile(name, f.Text()), nil
}

// tellCase writes the line of a case, and what differs.
func (p *program) tellCase(o *libraryWork, r caseReport) error {
	if o.form.isJSON() {
		return nil
	}
	name := r.Library
	if r.Case != "" {
		name += " " + r.Case
	}
	text := view.CaseLine(r.Result, name, r.Reason)
	for _, d := range r.Differences {
		text += view.CaseDifference(d.File, textdiff.Unified(d.Want, d.Got))
	}
	return p.printf("%s", text)
}
