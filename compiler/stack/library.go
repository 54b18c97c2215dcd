package stack

import (
	"path"
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
func (l *loader) libraries(d *decoder, tree *syntax.Table) {
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
		l.library(d.index(i), v)
	}
}

// useKeys are the keys of a use entry.
var useKeys = Keywords{
	{Name: "stack", Required: true, Shape: stringShape(NotEmpty), Example: `"std:kubernetes/0.15"`,
		Help: "the library: std:NAME for one that comes with stackc, otherwise a path, seen from this file"},
	{Name: "version", Shape: Shape{Kind: ShapeString, Pattern: NotEmpty}, Example: `">=0.15.0, <0.16"`,
		Help: "which versions of the library will do"},
	{Name: "prefix", Shape: Shape{Kind: ShapeString, Pattern: `^[A-Za-z0-9:_.-]+$`}, Example: `"blue-"`,
		Help: "what is put before the names of its units, so that it can be used twice"},
	{Name: "params", Shape: mapShape(paramPattern, paramValue()), Example: `{ mirror = "http://10.0.0.1" }`,
		Help: "values for parameters of the library"},
}

func (l *loader) library(d *decoder, v *syntax.Value) {
	t := d.table(v, `a table such as { stack = "std:kubernetes/0.15" }`)
	if t == nil {
		return
	}
	t = d.onlyKeys(t, "a use entry", useKeys.Names())
	name := t.Get("stack")
	if name == nil {
		d.errorf(diag.MissingKey, v.Span, "the use entry does not say which stack").help(`add stack = "std:NAME" or the path of a stack file`)
		return
	}
	d = d.quiet(name)
	library := d.at("stack").name(name.Value)
	if library == "" {
		return
	}
	settings := d.at("params").settings(t.Get("params"))
	use := &Use{Library: library, Span: name.Value.Span, Parent: d.scope.use, Source: sourceOf(d.scope.use, library)}
	if d.useWords(use, t) {
		use.File = l.openLibrary(d, use)
	}
	if use.File == nil {
		l.lost = true
		return
	}
	if l.repeats(d, use, settings) {
		return
	}
	l.open = append(l.open, use.File.Name())
	l.file(use.File, use, settings, d)
	l.open = l.open[:len(l.open)-1]
}

// useWords reads what an entry says besides the library and its parameters. It
// reports whether the library can come in: not under names that nobody wrote.
func (d *decoder) useWords(use *Use, t *syntax.Table) bool {
	if e := t.Get("version"); e != nil {
		d := d.at("version")
		use.wants = d.fixed(e.Value)
		use.versions = d.constraint(use.wants)
	}
	use.Prefix = d.scope.use.prefix()
	e := t.Get("prefix")
	if e == nil {
		return true
	}
	d = d.at("prefix")
	prefix := d.prefixWord(d.fixed(e.Value))
	use.Prefix += prefix
	return prefix != ""
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
		giver := d.scope.use
		if m := d.meant(p.Value); ok && m != nil { // handed on
			giver = m.use
		}
		list = append(list, Setting{Name: p.Key, Span: p.KeySpan, Value: v, broken: !ok, giver: giver})
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
		r.Span = d.givenAt(v)
		return r, true
	}
	if v.Kind != syntax.String || !strings.Contains(v.Str, exprOpen) {
		return v, true
	}
	s, ok := d.closed(d.text(v))
	return &syntax.Value{Kind: syntax.String, Str: s, Span: v.Span}, ok
}

// openLibrary opens what a use entry names, as the lock file has it.
func (l *loader) openLibrary(d *decoder, use *Use) *source.File {
	return l.source(d, use.Source, use.Span, func() *source.File {
		if name, isStd := strings.CutPrefix(use.Library, StdPrefix); isStd {
			return l.openStd(d, name, use.Span)
		}
		return l.openPath(d, use)
	})
}

// openPath opens a library of a path.
func (l *loader) openPath(d *decoder, use *Use) *source.File {
	p := use.Source
	if !path.IsAbs(p) {
		p = path.Join(l.dir(), p)
	}
	lib, err := l.in.Opener.Open(p)
	if err != nil {
		f := d.errorf(diag.UnknownLibrary, use.Span, "library %q cannot be read: %s", use.Library, notFound(p, err).Message)
		if l.in.Std != nil && slices.Contains(l.in.Std.Names(), use.Library) {
			f.help("the library of that name that comes with stackc is %q", StdPrefix+use.Library)
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
func (l *loader) repeats(d *decoder, use *Use, settings []Setting) bool {
	name := use.File.Name()
	way := append([]string{l.in.Path}, l.open...)
	if i := slices.Index(way, name); i >= 0 {
		d.errorf(diag.LibraryCycle, use.Span, "%q uses itself: %s", name, strings.Join(append(way[i:], name), " -> ")).
			help("put what both need into a library that both use")
		return true
	}
	var given []string
	for _, s := range settings {
		if !s.broken {
			given = append(given, "\x00"+s.Name+"\x00"+paramText(s.Value))
		}
	}
	slices.Sort(given)
	key := name + "\x00" + use.Prefix + strings.Join(given, "")
	first := l.used[key]
	if first == nil {
		l.used[key] = use
		return false
	}
	use.Declared = first.Declared
	if l.fits(d, use) {
		first.also = append(first.also, use)
	}
	return true
}
