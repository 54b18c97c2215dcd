package main

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
)

// checkedLibrary is the JSON form of a file that library check has looked at.
type checkedLibrary struct {
	fileResult
	// Alone says that the file is a library, and was compiled without a stack.
	Alone     bool     `json:"alone"`
	Libraries int      `json:"libraries"`
	Outdated  []string `json:"outdated,omitempty"`
}

func (p *program) checkLibraries(o *libraryWork, args []string) error {
	values, findings := o.in.settings.read(opener{stdin: p.in})
	if findings.HasErrors() {
		o.in.show(p.console, findings.Canonical())
		return exitWith(exitError)
	}
	reports := []checkedLibrary{}
	code := exitDone
	for _, name := range args {
		report, err := p.checkLibrary(o, name, values)
		if err != nil {
			return err
		}
		if hasErrors(report.Findings) {
			code = exitError
		}
		reports = append(reports, report)
	}
	if o.form.isJSON() {
		if err := p.json(reports); err != nil {
			return err
		}
	}
	return exitWith(code)
}

func hasErrors(list []diag.Finding) bool {
	for _, f := range list {
		if f.Severity == diag.Error.String() {
			return true
		}
	}
	return false
}

// checkLibrary holds what a file uses against the lock. A library is compiled alone.
func (p *program) checkLibrary(o *libraryWork, name string, values []stack.Setting) (checkedLibrary, error) {
	if isStd(name) {
		if _, err := stdLibrary("check", name); err != nil {
			return checkedLibrary{}, err
		}
	}
	target, options := o.target(p.console, name, values)
	options.Alone = true
	used, s, findings := compiler.Libraries(target, options)
	report := checkedLibrary{fileResult: fileResult{File: name}, Alone: s != nil && s.Library != nil, Libraries: len(used)}
	result := &compiler.Result{}
	if report.Alone {
		result, findings = compiler.Compile(target, options)
	}
	report.fileResult = fileReport(name, result, findings)
	if !strings.HasPrefix(name, stack.StdPrefix) {
		report.Outdated = p.outdated(name, used)
	}
	if o.form.isJSON() {
		return report, nil
	}
	o.in.show(p.console, findings)
	for _, src := range report.Outdated {
		p.remark("%s: the source of the copy of %s has changed since; stackc library vendor takes it as it is now", name, src)
	}
	if findings.HasErrors() {
		p.remark("%s: %s", name, diag.Summary(findings))
		return report, nil
	}
	return report, p.printf("%s\n", checkedText(report, s))
}

// checkedText is the line on a file that is right.
func checkedText(r checkedLibrary, s *stack.Stack) string {
	text := fmt.Sprintf("%s: stack %s, %s as locked", r.File, s.Name, plural(r.Libraries, "library", "libraries"))
	if r.Alone {
		text = fmt.Sprintf("%s: library %s %s, %s, exports %s", r.File, s.Library.Name, s.Library.Version.Value, plural(len(r.Units), "unit", "units"), orNothing(s.Exports))
	}
	if warnings := len(r.Findings); warnings > 0 {
		text += ", " + plural(warnings, "warning", "warnings")
	}
	return text
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// outdated are the libraries whose vendored copies are no more what their sources
// are. A source that is gone is none of that: for this there are copies.
func (p *program) outdated(name string, used []compiler.Library) []string {
	folder := path.Dir(filepath.ToSlash(name))
	lock, _ := stack.ReadLock(opener{}, folder)
	var list []string
	for _, l := range used {
		if e := lock.Find(l.Source); e == nil || e.Vendored == "" {
			continue
		}
		if now, err := openSource(folder, l.Source); err == nil && stack.Sum(now) != stack.Sum(l.File) {
			list = append(list, l.Source)
		}
	}
	return list
}

// openSource opens a library by the name that the lock file of a folder has for it.
func openSource(folder, src string) (*source.File, error) {
	if std, ok := strings.CutPrefix(src, stack.StdPrefix); ok {
		return stacks.Library{}.Open(std)
	}
	if !path.IsAbs(src) {
		src = path.Join(folder, src)
	}
	return source.Dir{}.Open(src)
}

// plural counts things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
