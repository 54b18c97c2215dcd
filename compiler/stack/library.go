package stack

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// StdPrefix marks the libraries that come with the compiler.
const StdPrefix = "std:"

// Library gives the libraries that come with the compiler, by the name behind [StdPrefix].
type Library interface {
	source.Opener
	// Names returns the names of all libraries.
	Names() []string
}

// libraries loads what the file uses, in its order.
func (l *loader) libraries(d *decoder, file *source.File, tree *syntax.Table) {
	e := tree.Get("use")
	if e == nil {
		return
	}
	d = d.at("use")
	if e.Value.Kind != syntax.Array {
		d.want(e.Value, `an array such as [{ stack = "std:kubernetes/0.15" }]`)
		return
	}
	for i, v := range e.Value.Elems {
		l.library(d.index(i), file, v)
	}
}

// useWords are the keys of a use entry.
var useWords = Keywords{
	{Name: "stack", Required: true, Shape: stringShape(NotEmpty), Example: `"std:kubernetes/0.15"`,
		Help: "the library: std:NAME for one that comes with stackc, otherwise a path, seen from this file"},
	{Name: "params", Shape: mapShape(paramPattern, paramValue()), Example: `{ mirror = "http://10.0.0.1" }`,
		Help: "values for parameters of the library"},
}

func (l *loader) library(d *decoder, file *source.File, v *syntax.Value) {
	t := d.table(v, `a table such as { stack = "std:kubernetes/0.15" }`)
	if t == nil {
		return
	}
	d.onlyKeys(t, "a use entry", useWords.Names())
	name := t.Get("stack")
	if name == nil && mistyped(t, useWords.Names(), "stack") {
		return
	}
	if name == nil {
		d.errorf(diag.MissingKey, v.Span, "the use entry does not say which stack").help(`add stack = "std:NAME" or the path of a stack file`)
		return
	}
	library := d.at("stack").name(name.Value)
	if library == "" {
		return
	}
	settings := d.at("params").settings(t.Get("params"))
	lib := l.openLibrary(d, file, library, name.Value.Span)
	if lib == nil || l.repeats(d, lib, settings, name.Value.Span) {
		return
	}
	l.open = append(l.open, lib.Name())
	l.file(lib, &Use{Library: library, Span: name.Value.Span, Parent: d.scope.use}, settings)
	l.open = l.open[:len(l.open)-1]
}

// settings reads the parameters that a use entry gives.
func (d *decoder) settings(e *syntax.Entry) []Setting {
	if e == nil {
		return nil
	}
	t := d.table(e.Value, "a table of parameter values")
	if t == nil {
		return nil
	}
	var list []Setting
	for _, p := range t.Entries {
		v, ok := d.at(p.Key).settingValue(p.Value)
		list = append(list, Setting{Name: p.Key, Span: p.KeySpan, Value: v, broken: !ok})
	}
	return list
}

// settingValue resolves parameters of the using file, so that none are left for
// the library. A value that is exactly one parameter keeps the place where that
// was given: it is the same thing under another name.
func (d *decoder) settingValue(v *syntax.Value) (*syntax.Value, bool) {
	r, ok := d.resolve(v)
	if !ok {
		return nil, false
	}
	if r != v {
		r.Span = d.lookup(expressions(v.Str)[0].name, v.Span).Value.Span
		return r, true
	}
	if v.Kind != syntax.String || !strings.Contains(v.Str, exprOpen) {
		return v, true
	}
	s, ok := d.closed(d.text(v))
	return &syntax.Value{Kind: syntax.String, Str: s, Span: v.Span}, ok
}

// openLibrary opens a library by its name in a use entry of file.
func (l *loader) openLibrary(d *decoder, file *source.File, library string, span source.Span) *source.File {
	if name, isStd := strings.CutPrefix(library, StdPrefix); isStd {
		return l.openStd(d, name, span)
	}
	p := filepath.ToSlash(library)
	if !path.IsAbs(p) {
		p = path.Join(path.Dir(filepath.ToSlash(file.Name())), p)
	}
	lib, err := l.in.Opener.Open(p)
	if err != nil {
		f := d.errorf(diag.UnknownLibrary, span, "library %q cannot be read: %s", library, notFound(p, err).Message)
		if l.in.Std != nil && slices.Contains(l.in.Std.Names(), library) {
			f.help("the library of that name that comes with stackc is %q", StdPrefix+library)
		}
		return nil
	}
	return lib
}

func (l *loader) openStd(d *decoder, name string, span source.Span) *source.File {
	var names []string
	if l.in.Std != nil {
		names = l.in.Std.Names()
		if lib, err := l.in.Std.Open(name); err == nil {
			return lib
		}
	}
	for i := range names {
		names[i] = StdPrefix + names[i]
	}
	d.errorf(diag.UnknownLibrary, span, "no library %q comes with stackc", StdPrefix+name).
		suggest(StdPrefix+name, names).orHelp("the libraries are %s", oneOf(names))
	return nil
}

// repeats reports whether the library is already in, with the same parameters,
// or uses itself, which is a finding.
func (l *loader) repeats(d *decoder, lib *source.File, settings []Setting, span source.Span) bool {
	if slices.Contains(l.open, lib.Name()) || lib.Name() == l.in.Path {
		d.errorf(diag.LibraryCycle, span, "%q uses itself: %s", lib.Name(), strings.Join(append(slices.Clone(l.open), lib.Name()), " -> "))
		return true
	}
	var given []string
	for _, s := range settings {
		if !s.broken {
			given = append(given, "\x00"+s.Name+"\x00"+paramText(s.Value))
		}
	}
	slices.Sort(given)
	key := lib.Name() + strings.Join(given, "")
	if l.used[key] {
		return true
	}
	l.used[key] = true
	return false
}

// uses reports whether the file that came in by user has brought in, directly
// or not, the file that came in by used.
func uses(user, used *Use) bool {
	for u := used; u != nil; u = u.Parent {
		if u.Parent == user {
			return true
		}
	}
	return false
}
