package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
)

// libraryList is the JSON form of the libraries of a stack, or of those that come
// with stackc.
type libraryList struct {
	File      string         `json:"file,omitempty"`
	Libraries []view.Library `json:"libraries"`
	Findings  []diag.Finding `json:"findings"`
}

func (p *program) listLibraries(o *libraryWork, args []string) error {
	list := libraryList{Libraries: []view.Library{}, Findings: []diag.Finding{}}
	var err error
	switch len(args) {
	case 0:
		list.Libraries, err = p.stdLibraries(o)
	case 1:
		list.File = args[0]
		list.Libraries, list.Findings, err = p.usedLibraries(o, args[0])
	}
	if err != nil {
		return err
	}
	if o.form.isJSON() {
		err = p.json(list)
	} else if len(list.Libraries) == 0 && len(list.Findings) == 0 {
		err = p.printf("%s uses no library\n", list.File)
	} else if len(list.Libraries) > 0 {
		err = p.printf("%s", view.Libraries(list.Libraries, list.File != "", p.textWidth()))
	}
	if err == nil && len(list.Findings) > 0 {
		err = exitWith(exitError)
	}
	return err
}

// stdLibraries are the libraries that come with stackc.
func (p *program) stdLibraries(o *libraryWork) ([]view.Library, error) {
	var list []view.Library
	for _, name := range (stacks.Library{}).Names() {
		src := stack.StdPrefix + name
		target, options := o.target(p.console, src, nil)
		options.Alone = true
		_, s, _ := compiler.Libraries(target, options)
		file, err := stacks.Library{}.Open(name)
		if err != nil {
			return nil, err
		}
		list = append(list, libraryView(compiler.Library{Source: src, Stack: s.Name, Declared: s.Library, File: file}))
	}
	return list, nil
}

// usedLibraries are those of a stack file, with how the lock holds them. Findings
// are shown, or returned for JSON.
func (p *program) usedLibraries(o *libraryWork, file string) ([]view.Library, []diag.Finding, error) {
	used, _, found := compiler.Libraries(file, o.options(p.console, nil))
	if !o.form.isJSON() {
		o.in.show(p.console, found)
	}
	lock, _ := stack.ReadLock(opener{stdin: p.in}, path.Dir(filepath.ToSlash(file)))
	list := []view.Library{}
	for _, l := range used {
		v := libraryView(l)
		v.State = "not locked"
		if e := lock.Find(l.Source); e != nil {
			v.State = "locked"
			if e.Vendored != "" {
				v.State, v.Vendored = "vendored", e.Vendored
			}
		}
		list = append(list, v)
	}
	return list, diag.Findings(found), nil
}

// libraryView is what is shown of a library in a list.
func libraryView(l compiler.Library) view.Library {
	v := view.Library{Source: l.Source, Name: l.Name(), Version: l.Version(), SHA256: stack.Sum(l.File)}
	if l.Declared != nil {
		v.Description = l.Declared.Description
	}
	return v
}

func (p *program) showLibrary(o *libraryWork, args []string) error {
	name := args[0]
	if isStd(name) {
		if _, err := stdLibrary("show", name); err != nil {
			return err
		}
	} else if _, err := os.Stat(name); err != nil && slices.Contains((stacks.Library{}).Names(), name) {
		return misuse("", "there is no file %q; did you mean %q?", name, "stackc library show "+stack.StdPrefix+name)
	}
	target, options := o.target(p.console, name, nil)
	options.Alone = true
	used, s, findings := compiler.Libraries(target, options)
	if len(findings) > 0 && !o.form.isJSON() {
		o.in.show(p.console, findings)
	}
	if s == nil || findings.HasErrors() {
		if o.form.isJSON() {
			if err := p.json(fileResult{File: name, Findings: diag.Findings(findings)}); err != nil {
				return err
			}
		}
		return exitWith(exitError)
	}
	file, err := options.Opener.Open(target)
	if err != nil {
		return err
	}
	shown := view.LibraryDetails{
		Library: libraryView(compiler.Library{Source: name, Stack: s.Name, Declared: s.Library, File: file}),
		Params:  shownParams(s.Params), Exports: exportsOf(s), Needs: needsOf(s.Library), Uses: []view.Library{},
	}
	for _, l := range used {
		shown.Uses = append(shown.Uses, libraryView(l))
	}
	if o.form.isJSON() {
		return p.json(shown)
	}
	return p.printf("%s", view.ShowLibrary(shown, p.textWidth()))
}

// shownParams are the parameters of a library without the values that they have
// for being looked at.
func shownParams(list []*stack.Param) []view.Param {
	params := paramsOfFile(list)
	for i := range params {
		if params[i].Required {
			params[i].Value, params[i].From = nil, nil
		}
	}
	return params
}

// exportsOf are what a file that uses the library may name.
func exportsOf(s *stack.Stack) []view.Export {
	list := []view.Export{}
	for _, key := range s.Exports {
		e := view.Export{Name: key}
		var ready *stack.Ready
		if u := s.Unit(key); u != nil {
			e.Kind, e.Unit, e.Port, ready = "unit", string(u.Name), u.Port.Value, u.Ready
		} else if h := s.Host(key); h != nil {
			e.Kind, e.Unit, e.Port, ready = "host", string(h.Unit), h.Port.Value, h.Ready
		}
		if ready != nil {
			e.Ready = strings.TrimSpace(fmt.Sprintf("%s %s", ready.Kind, ready.Target.Source()))
		}
		list = append(list, e)
	}
	return list
}

func needsOf(l *stack.Declared) *view.Needs {
	if l == nil || len(l.Needs.Hosts)+len(l.Needs.Libraries) == 0 && !l.Needs.Systemd.Given() {
		return nil
	}
	n := &view.Needs{Systemd: l.Needs.Systemd.Value}
	for _, h := range l.Needs.Hosts {
		n.Host = append(n.Host, view.Need{Name: h.Name, Says: h.Says.Value})
	}
	for _, b := range l.Needs.Libraries {
		n.Libraries = append(n.Libraries, view.Need{Name: b.Name, Says: b.Says.Value})
	}
	return n
}
