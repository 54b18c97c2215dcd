package stack

import (
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// units reads [unit.*]; `unit.X = false` removes what a library brought.
func (l *loader) units(d *decoder, tree *syntax.Table) {
	d = d.at("unit")
	t := d.tableOf(tree, "unit")
	for _, e := range t.Entries {
		key := d.scope.use.prefix() + e.Key
		l.unit(d.at(key), key, e)
	}
	l.stack.Units = slices.DeleteFunc(l.stack.Units, func(u *Unit) bool { return l.stack.units[u.Key] != u })
}

// unit reads what a file says of the unit that has that key in the whole stack.
func (l *loader) unit(d *decoder, key string, e *syntax.Entry) {
	u := l.stack.units[key]
	if e.Value.Kind == syntax.Bool && !e.Value.Bool {
		l.remove(d, key, e, u)
		return
	}
	body := d.table(e.Value, "a table, or false to remove the unit of a library")
	if body == nil {
		return
	}
	if u != nil && !l.mayChange(d, u) {
		l.twice(d, e, u)
		return
	}
	if u != nil && !l.nameable(d, e, key, l.from[u]) {
		return
	}
	if u == nil {
		u = &Unit{Key: key, Pos: d.pos(e.KeySpan), State: units.Launched}
		l.stack.units[key] = u
		l.stack.Units = append(l.stack.Units, u)
		l.from[u] = d.scope.use
		l.born = append(l.born, u)
		if d.scope.use.prefix() != "" && !d.mayRename(key, u.Pos) {
			d.unitNameOf(u)
			u.Unread = true // what it says is about the old name
			return
		}
	}
	d.unit(u, body)
	d.unitNameOf(u)
	d.placeByText(u)
}

// twice reports a unit that comes from two libraries, or twice from one. Of two
// uses the first such unit is told of.
func (l *loader) twice(d *decoder, e *syntax.Entry, u *Unit) {
	first := l.from[u]
	pair := [2]*Use{first, d.scope.use}
	if l.doubled[pair] {
		return
	}
	l.doubled[pair] = true
	if first != nil && d.scope.use != nil && first.Source == d.scope.use.Source {
		d.errorf(diag.DuplicateUnit, e.KeySpan, "library %q is used twice, with different parameters, and unit %q would be there twice", first.Library, u.Key).
			note(first.Span, "used here first").help(`give one of the entries a prefix: prefix = "…-"`)
		return
	}
	f := d.errorf(diag.DuplicateUnit, e.KeySpan, "unit %q comes from two libraries", u.Key).note(u.Pos.Span, "first here")
	for _, n := range UseNotes(first) {
		f.note(n.Span, n.Message)
	}
	f.help("leave it out of one of them with unit.%s = false where that library is used, or give one a prefix", syntax.Key(e.Key))
}

// nameable reports whether the file of d may change what others gave; what a
// library does not export is a finding.
func (l *loader) nameable(d *decoder, e *syntax.Entry, key string, owners ...*Use) bool {
	if slices.ContainsFunc(owners, func(o *Use) bool { return sees(d.scope.use, o, key) }) {
		return true
	}
	message, help := notExported(hider(d.scope.use, owners[0], key), key)
	d.errorf(diag.NotExported, e.KeySpan, "%s", message).help("%s; one of your own needs another name", help)
	return false
}

// remove takes out a unit that a file below this one brought.
func (l *loader) remove(d *decoder, key string, e *syntax.Entry, u *Unit) {
	if u == nil || !l.mayChange(d, u) {
		d.errorf(diag.UnknownUnit, e.KeySpan, "%s", l.removeFrom(key)).suggest(key, l.unitKeys())
		return
	}
	if l.nameable(d, e, key, l.from[u]) {
		delete(l.stack.units, key)
	}
}

func (l *loader) unitKeys() []string {
	keys := make([]string, 0, len(l.stack.Units))
	for _, u := range l.stack.Units {
		keys = append(keys, u.Key)
	}
	return keys
}
