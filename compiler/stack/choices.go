package stack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// paramValues reads `values = […]`: all that a parameter may be, nil when it is at
// fault. Of a list it is what the elements may be.
func (d *decoder) paramValues(p *Param, v *syntax.Value) []*syntax.Value {
	if v.Kind != syntax.Array || len(v.Elems) == 0 {
		d.errorf(diag.WrongType, v.Span, "values is the array of all that parameter %q may be", p.Name).help(`write values = ["a", "b"]`)
		return nil
	}
	one := &Param{Name: p.Name, Type: p.Type}
	if p.Type == TypeList {
		one.Type = TypeString
		if v.Elems[0].Kind == syntax.Integer {
			one.Type = TypeInt
		}
	}
	list := make([]*syntax.Value, 0, len(v.Elems))
	for i, e := range v.Elems {
		if e = d.index(i).checkParam(one, e); e == nil {
			return nil
		}
		if known(list, e) {
			d.index(i).errorf(diag.BadValue, e.Span, "%s stands among the values twice", choice(e))
		}
		list = append(list, e)
	}
	return list
}

// choice is a value as a file says it.
func choice(v *syntax.Value) string {
	if v.Kind == syntax.String {
		return strconv.Quote(v.Str)
	}
	return paramText(v)
}

func known(list []*syntax.Value, v *syntax.Value) bool {
	return slices.ContainsFunc(list, func(c *syntax.Value) bool { return c.Kind == v.Kind && paramText(c) == paramText(v) })
}

// chosen reports whether v is among the values that p may have; another is a finding.
func (d *decoder) chosen(p *Param, v *syntax.Value) bool {
	if len(p.Values) == 0 {
		return true
	}
	elems := []*syntax.Value{v}
	if p.Type == TypeList {
		elems = v.Elems
	}
	sound := true
	for _, e := range elems {
		// a list from the command line holds strings, whatever the values are
		if known(p.Values, e) || p.Type == TypeList && e.Kind == syntax.String && known(p.Values, asInt(e)) {
			continue
		}
		sound = false
		f := d.errorf(diag.BadParameter, e.Span, "parameter %q cannot be %s", p.Name, choice(e))
		if e.Kind == syntax.String {
			f.suggest(e.Str, texts(p.Values))
		}
		f.orHelp("it is one of %s", choices(p.Values))
	}
	return sound
}

// asInt returns a string of digits as the number that it says.
func asInt(v *syntax.Value) *syntax.Value {
	n, err := strconv.ParseInt(v.Str, 10, 64)
	if err != nil {
		return v
	}
	return &syntax.Value{Kind: syntax.Integer, Int: n, Span: v.Span}
}

// texts returns values as they read inside a longer string.
func texts(values []*syntax.Value) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = paramText(v)
	}
	return list
}

// choices lists values as a person would: `"a", "b" or "c"`.
func choices(values []*syntax.Value) string {
	last := choice(values[len(values)-1])
	if len(values) == 1 {
		return last
	}
	words := make([]string, len(values)-1)
	for i := range words {
		words[i] = choice(values[i])
	}
	return strings.Join(words, ", ") + " or " + last
}
