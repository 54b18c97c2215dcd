package stack

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// declaration reads what the file says of itself as a library.
func (l *loader) declaration(d *decoder, tree *syntax.Table) {
	e := tree.Get("library")
	if e == nil {
		return
	}
	lib := d.at("library").library(e)
	if lib.Name == "" {
		lib.Name = d.scope.name
	}
	if d.scope.use == nil {
		l.stack.Library = lib
	} else {
		d.scope.use.Declared = lib
	}
}

// header reads what the file says of itself.
func (l *loader) header(d *decoder, file *source.File, tree *syntax.Table) {
	top := d.scope.use == nil
	name := tree.Get("stack")
	if name == nil {
		l.nameless(d, file, tree)
	} else {
		d.scope.name = d.at("stack").name(name.Value)
		if s := d.scope.name; s != "" && !validStackName(s) {
			d.at("stack").errorf(diag.BadValue, name.Value.Span, "%q cannot be the name of a stack", s).
				help("use letters, digits, and - _ . / between them, at most 64")
		}
		if top {
			l.stack.Name, l.stack.Pos = d.scope.name, d.pos(name.Value.Span)
		}
	}
	l.wholeStack(d, tree)
}

// nameless reports a file that does not say its stack's name.
func (l *loader) nameless(d *decoder, file *source.File, tree *syntax.Table) {
	if !mistyped(tree, topWords().Names(), "stack") {
		d.errorf(diag.MissingKey, file.Span(0, 0), "the file does not say which stack it is").help(`begin it with stack = "NAME"`)
	}
}

// wholeStack reads the words that hold for all of the stack.
func (l *loader) wholeStack(d *decoder, tree *syntax.Table) {
	top := d.scope.use == nil
	if e := tree.Get("mark"); e != nil && top {
		l.stack.Mark = d.at("mark").flag(e.Value).Set
	}
	if e := tree.Get("systemd"); e != nil {
		if n := systemdVersion().read(d.at("systemd"), e.Value); top {
			l.stack.Systemd = n.Value
		}
	}
	if e := tree.Get("allow"); e != nil {
		l.stack.Allow = append(l.stack.Allow, d.at("allow").allowances(e.Value)...)
	}
}

// systemdVersion is how a stack says which systemd the hosts have.
func systemdVersion() form[Int] { return number(1, 100000) }

func validStackName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(s) <= 64 && strings.Trim(s, letters+"-_./") == "" &&
		strings.ContainsRune(letters, rune(s[0])) && strings.ContainsRune(letters, rune(s[len(s)-1]))
}
