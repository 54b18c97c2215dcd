package stack

import (
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// paramWords are the keys of a typed parameter's table. What the default may be
// depends on the type, see [ParamType.Shape].
func paramWords() Keywords {
	types := make([]string, 0, len(ParamTypes()))
	for _, t := range ParamTypes() {
		types = append(types, string(t))
	}
	return Keywords{
		{Name: "type", Required: true, Shape: choiceShape(types...), Example: `"host"`, Help: "its type, which every value is held against"},
		{Name: "default", Shape: paramValue(), Example: `"10.0.0.1"`, Help: "its value unless another is given; without one it must be given"},
		{Name: "values", Shape: valuesShape(paramValue()), Example: `["vxlan", "udp"]`, Help: "all that it may be, of a list all that its elements may be"},
		{Name: "help", Shape: stringShape(""), Example: `"address of the machine with role=master"`, Help: "what it is, for stackc params and for messages"},
		{Name: "allow", Shape: allowances().shape, Example: `["network-overlap"]`, Help: "codes of findings that are right as they are about this parameter"},
	}
}

// valuesShape is all that a parameter may be, if each has the shape of.
func valuesShape(of Shape) Shape { return Shape{Kind: ShapeArray, Elem: &of, Filled: true} }

// params reads the [params] table. Bindings come later: see bind.
func (d *decoder) params(table *syntax.Table) []*Param {
	var params []*Param
	for _, e := range table.Entries {
		if p := d.at(e.Key).param(e); p != nil {
			params = append(params, p)
		}
	}
	return params
}

func (d *decoder) param(e *syntax.Entry) *Param {
	if !paramName().MatchString(e.Key) {
		d.errorf(diag.BadValue, e.KeySpan, "parameter name %q is not letters, digits, - and _, beginning with a letter", e.Key)
		return nil
	}
	p := &Param{Name: e.Key, Pos: d.pos(e.KeySpan)}
	if e.Value.Kind != syntax.KindTable {
		return d.bareParam(p, e.Value)
	}
	t := d.onlyKeys(e.Value.Table, "a parameter", paramWords().Names())
	p.Type = d.paramType(e, t)
	if v := t.Get("values"); v != nil && p.Type != "" {
		p.Values = d.at("values").paramValues(p, v.Value) // before the default, which is one of them
	}
	for _, f := range t.Entries {
		switch f.Key {
		case "help":
			p.Help, _ = d.at("help").literal(f.Value)
		case "allow":
			p.Allow = d.at("allow").paramAllowances(p, f)
		case "default":
			if p.Type != "" {
				p.Default = d.at("default").checkParam(p, f.Value)
				p.Value = p.Default
				p.From = d.pos(f.Value.Span)
			}
		}
	}
	return p
}

var paramName = pattern.New(`^[A-Za-z][A-Za-z0-9_-]*$`)

// bareParam takes type and default from one value.
func (d *decoder) bareParam(p *Param, v *syntax.Value) *Param {
	switch v.Kind {
	case syntax.String:
		p.Type = TypeString
	case syntax.Integer:
		p.Type = TypeInt
	case syntax.Bool:
		p.Type = TypeBool
	case syntax.Array:
		p.Type = TypeList
	default:
		d.errorf(diag.WrongType, v.Span, "a parameter cannot be %s", withArticle(v.Kind.String()))
		return nil
	}
	p.Default, p.From = d.checkParam(p, v), d.pos(v.Span)
	p.Value = p.Default
	return p
}
