package stack

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// text reads a string with expressions, or a parameter of any type in its place.
func (d *decoder) text(v *syntax.Value) Text {
	r, ok := d.resolve(v)
	if !ok {
		return Text{}
	}
	switch {
	case r.Kind == syntax.String && r == v:
		return d.expressionsOf(v)
	case r != v && (r.Kind == syntax.String || r.Kind == syntax.Integer || r.Kind == syntax.Bool):
		t := plainText(d.pos(v.Span), nil, paramText(r))
		t.meant = d.meant(v)
		return t
	}
	d.want(r, "a string")
	return Text{}
}

// scalar reads a string, number or boolean as text: what a directive takes.
func (d *decoder) scalar(v *syntax.Value) Text {
	if v.Kind == syntax.Float {
		return plainText(d.pos(v.Span), nil, strings.ReplaceAll(v.Span.Text(), "_", ""))
	}
	r, ok := d.resolve(v)
	if !ok {
		return Text{}
	}
	if r.Kind == syntax.Array && v.Kind == syntax.String {
		t := plainText(d.pos(v.Span), nil, paramText(r))
		t.meant = d.meant(v)
		return t
	}
	if r.Kind == syntax.Array || r.Kind == syntax.KindTable || r.Kind == syntax.Datetime {
		d.wantValue(r)
		return Text{}
	}
	if v.Kind == syntax.Integer || v.Kind == syntax.Bool {
		return plainText(d.pos(v.Span), nil, paramText(v))
	}
	return d.text(v)
}

// literal reads a string in which nothing may stay open. ok is false when there
// is none, which is reported.
func (d *decoder) literal(v *syntax.Value) (s string, ok bool) {
	r, ok := d.resolve(v)
	if !ok {
		return "", false
	}
	if r.Kind != syntax.String {
		d.want(r, "a string")
		return "", false
	}
	return d.closed(d.text(v))
}

// name reads a literal that may not be empty, "" when it is at fault.
func (d *decoder) name(v *syntax.Value) string {
	s, ok := d.literal(v)
	if ok && s == "" {
		d.errorf(diag.BadValue, v.Span, "there is no name in it").help("write a name, or leave the whole entry out")
	}
	return s
}

// words reads a string or an array of strings as names.
func (d *decoder) words(v *syntax.Value) []Word {
	r, ok := d.resolve(v)
	if !ok {
		return nil
	}
	switch r.Kind {
	case syntax.String:
		if w := d.word(v); w.Value != "" {
			return []Word{w}
		}
		return nil
	case syntax.Array:
		words := make([]Word, 0, len(r.Elems))
		meant := d.meant(v)
		for i, e := range r.Elems {
			if r != v && e.Kind != syntax.String { // the number is right where it was given, and wrong here
				d.want(&syntax.Value{Kind: e.Kind, Span: v.Span}, "a list of strings")
				return nil
			}
			w := d.index(i).word(e)
			if w.meant == nil {
				w.meant = meant
			}
			if w.Value != "" {
				words = append(words, w)
			}
		}
		return words
	}
	d.want(r, "a string or an array of strings")
	return nil
}

// word reads one name.
func (d *decoder) word(v *syntax.Value) Word {
	w := Word{Value: d.name(v), Pos: d.pos(v.Span)}
	if w.Value != "" {
		w.meant = d.meant(v)
	}
	return w
}

// flag reads a boolean.
func (d *decoder) flag(v *syntax.Value) Flag {
	r, ok := d.resolve(v)
	if !ok {
		return Flag{}
	}
	if r.Kind != syntax.Bool {
		d.want(r, "true or false")
		return Flag{}
	}
	return Flag{Set: r.Bool, Pos: d.pos(v.Span)}
}

// number reads an integer from low to high. One at fault counts as given, with
// the value 0, so that nobody misses it.
func (d *decoder) number(v *syntax.Value, low, high int64) Int {
	n := Int{Pos: d.pos(v.Span)}
	r, ok := d.resolve(v)
	switch {
	case !ok:
	case r.Kind != syntax.Integer:
		d.want(r, "a whole number")
	case r.Int < low || r.Int > high:
		d.errorf(diag.BadValue, v.Span, "%d is not between %d and %d", r.Int, low, high)
	default:
		n.Value = int(r.Int)
	}
	return n
}

// table reads a table, nil with a finding when v is none.
func (d *decoder) table(v *syntax.Value, what string) *syntax.Table {
	if v.Kind != syntax.KindTable {
		d.want(v, what)
		return nil
	}
	return v.Table
}

// tableOf returns the table under key, an empty one when there is none.
func (d *decoder) tableOf(tree *syntax.Table, key string) *syntax.Table {
	if e := tree.Get(key); e != nil {
		if t := d.table(e.Value, "a table"); t != nil {
			return t
		}
	}
	return &syntax.Table{}
}
