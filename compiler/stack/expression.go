package stack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// resolve puts a parameter in the place of a string that is exactly one
// expression, with the parameter's own type. ok is false when the expression is
// wrong, which is reported.
func (d *decoder) resolve(v *syntax.Value) (value *syntax.Value, ok bool) {
	if v.Kind != syntax.String {
		return v, true
	}
	found := expressions(v.Str)
	if len(found) != 1 || found[0].escaped || found[0].open || found[0].start != 0 || found[0].end != len(v.Str) {
		return v, true
	}
	name := found[0].name
	if f, isFact := d.fact(name, v.Span); isFact {
		if f == nil {
			return nil, false
		}
		resolved := *f
		resolved.Span = v.Span
		return &resolved, true
	}
	if !paramName().MatchString(name) {
		return v, true
	}
	p := d.lookup(name, v.Sub(found[0].start, found[0].end))
	if p == nil || p.Value == nil {
		return nil, false
	}
	resolved := *p.Value
	resolved.Span = v.Span
	return &resolved, true
}

// lookup returns the parameter of that name, nil with a finding when there is none.
func (d *decoder) lookup(name string, span source.Span) *Param {
	p := d.scope.params[name]
	if p == nil {
		names := make([]string, 0, len(d.scope.params))
		for n := range d.scope.params {
			names = append(names, n)
		}
		slices.Sort(names)
		d.errorf(diag.UnknownName, span, "%s has no parameter %q", d.scope.title(), name).suggest(name, names).
			orHelp("declare it in [params]; another unit's word is written %q", "${{ unit.port }}")
	}
	return p
}

// expressionsOf splits a string at its expressions and puts parameters in.
func (d *decoder) expressionsOf(v *syntax.Value) Text {
	found := expressions(v.Str)
	if len(found) == 0 {
		return plainText(d.pos(v.Span), v, v.Str)
	}
	t := Text{Pos: d.pos(v.Span), value: v, given: true, parts: make([]part, 0, 2*len(found)+1)}
	last := 0
	for _, x := range found {
		t.parts = append(t.parts, part{text: v.Str[last:x.start], verbatim: true, at: last})
		last = x.end
		if x.escaped {
			t.parts = append(t.parts, part{text: exprOpen, at: x.start, until: x.end})
			continue
		}
		if p, ok := d.expression(v, x); ok {
			p.at, p.until = x.start, x.end
			t.parts = append(t.parts, p)
		} else {
			t.fault = true
		}
	}
	t.parts = append(t.parts, part{text: v.Str[last:], verbatim: true, at: last})
	return t
}

// expression reads one `${{ name }}`.
func (d *decoder) expression(v *syntax.Value, x expression) (part, bool) {
	span := v.Sub(x.start, x.end)
	if x.open {
		d.errorf(diag.BadExpression, v.Sub(x.start, x.start+len(exprOpen)), "%q is not closed by %q", exprOpen, exprClose).
			help("close it, or write $%s for the text %s", exprOpen, exprOpen)
		return part{}, false
	}
	subject, field, isRef := cutLast(x.name)
	if f, isFact := d.fact(x.name, span); isFact {
		if f == nil {
			return part{}, false
		}
		return part{text: paramText(f), put: true}, true
	}
	switch {
	case x.name == "":
		d.errorf(diag.BadExpression, span, "an expression needs a name").help(`write ${{ name }} for a parameter, ${{ unit.port }} for a unit's word`)
		return part{}, false
	case !isRef && paramName().MatchString(x.name):
		p := d.lookup(x.name, span)
		if p == nil || p.Value == nil {
			return part{}, false
		}
		return part{text: paramText(p.Value), put: true}, true
	case subject == "stack" && field == "name":
		return part{text: d.scope.name}, true
	case isRef && refName().MatchString(subject) && paramName().MatchString(field):
		return part{ref: &Ref{Subject: subject, Field: field, Span: span}}, true
	}
	d.errorf(diag.BadExpression, span, "%q is not a name", x.name).
		help("an expression is one name: a parameter, or a unit's word such as etcd.url or self.port")
	return part{}, false
}

// closed returns the text, or reports its open expressions. An absent text is at
// fault already.
func (d *decoder) closed(t Text) (s string, ok bool) {
	for _, r := range t.Refs() {
		d.errorf(diag.BadExpression, r.Span, "only parameters can stand here, not another unit's word")
		return "", false
	}
	return t.Expand(nil), t.sound()
}

// paramText is how a parameter reads inside a longer string. A list is joined
// with commas, as command lines want it.
func paramText(v *syntax.Value) string {
	switch v.Kind {
	case syntax.Integer:
		return strconv.FormatInt(v.Int, 10)
	case syntax.Bool:
		return strconv.FormatBool(v.Bool)
	case syntax.Array:
		words := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			words[i] = paramText(e)
		}
		return strings.Join(words, ",")
	}
	return v.Str
}

// lost reports whether a value holds an expression that stands for nothing: of a
// parameter without a value, for one, which is reported where it should get it.
func (d *decoder) lost(v *syntax.Value) bool {
	quiet := &decoder{scope: d.scope, findings: &diag.List{}}
	switch r, ok := quiet.resolve(v); {
	case !ok:
		return true
	case r != v:
		return false
	}
	switch v.Kind {
	case syntax.String:
		return !quiet.expressionsOf(v).sound()
	case syntax.Array:
		return slices.ContainsFunc(v.Elems, d.lost)
	case syntax.KindTable:
		return slices.ContainsFunc(v.Table.Entries, func(e *syntax.Entry) bool { return d.lost(e.Value) })
	}
	return false
}
