package stack

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// ParamType is the type of a parameter.
type ParamType string

// The types that a parameter can have.
const (
	TypeString   ParamType = "string"
	TypeInt      ParamType = "int"
	TypeBool     ParamType = "bool"
	TypeCIDR     ParamType = "cidr"
	TypeURL      ParamType = "url"
	TypeHost     ParamType = "host"
	TypeDuration ParamType = "duration"
	TypePath     ParamType = "path"
	TypeList     ParamType = "list"
)

// ParamTypes returns all parameter types, in the order in which they are documented.
func ParamTypes() []ParamType {
	return []ParamType{TypeString, TypeInt, TypeBool, TypeCIDR, TypeURL, TypeHost, TypeDuration, TypePath, TypeList}
}

func (d *decoder) paramType(e *syntax.Entry, t *syntax.Table) ParamType {
	f := t.Get("type")
	if f == nil {
		d.errorf(diag.MissingKey, e.KeySpan, "parameter %q has no type", e.Key).
			help("add type = %s", oneOf(ParamTypes()))
		return ""
	}
	name := d.at("type").name(f.Value)
	for _, t := range ParamTypes() {
		if string(t) == name {
			return t
		}
	}
	if name != "" {
		d.errorf(diag.BadValue, f.Value.Span, "unknown parameter type %q", name).
			suggest(name, ParamTypes()).orHelp("the types are %s", oneOf(ParamTypes()))
	}
	return ""
}

// checkParam returns v when it is a value of the parameter's type, and reports it otherwise.
func (d *decoder) checkParam(p *Param, v *syntax.Value) *syntax.Value {
	if v.Kind == syntax.String && strings.Contains(v.Str, exprOpen) {
		d.errorf(diag.BadExpression, v.Span, "a parameter's value cannot hold an expression")
		return nil
	}
	if p.Type == TypeDuration && v.Kind == syntax.Integer {
		if !d.chosen(p, v) {
			return nil
		}
		return v
	}
	if want := kindOf(p.Type); v.Kind != want {
		d.errorf(diag.WrongType, v.Span, "parameter %q is of type %s, so it takes %s, not %s", p.Name, p.Type, withArticle(want.String()), withArticle(v.Kind.String()))
		return nil
	}
	if p.Type == TypeList {
		for _, e := range v.Elems {
			if e.Kind != syntax.String && e.Kind != syntax.Integer {
				d.errorf(diag.WrongType, e.Span, "a list holds strings and integers, not %s", withArticle(e.Kind.String()))
				return nil
			}
			if strings.Contains(e.Str, exprOpen) {
				d.errorf(diag.BadExpression, e.Span, "a parameter's value cannot hold an expression")
				return nil
			}
		}
	}
	if v.Kind == syntax.String {
		if why := checkTyped(p.Type, v.Str); why != "" {
			d.errorf(diag.BadParameter, v.Span, "parameter %q: %q is not %s: %s", p.Name, v.Str, withArticle(string(p.Type)), why)
			return nil
		}
	}
	if !d.chosen(p, v) {
		return nil
	}
	return v
}

func kindOf(t ParamType) syntax.Kind {
	switch t {
	case TypeInt:
		return syntax.Integer
	case TypeBool:
		return syntax.Bool
	case TypeList:
		return syntax.Array
	}
	return syntax.String
}

// checkTyped returns why s is not of type t, "" when it is.
func checkTyped(t ParamType, s string) string {
	switch t {
	case TypeCIDR:
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return `a network is written like "10.244.0.0/16"`
		}
		if prefix.Masked() != prefix {
			return fmt.Sprintf("bits are set behind the /%d; the network is %q", prefix.Bits(), prefix.Masked())
		}
	case TypeURL:
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" || u.Host == "" {
			return `it needs a scheme and a host, like "http://10.0.0.1"`
		}
		if strings.ContainsAny(s, " \t\n\"'") {
			return "it holds blanks or quotes; percent-encode them"
		}
	case TypeHost:
		return checkHost(s)
	case TypeDuration:
		if _, err := parseDuration(s); err != nil {
			return `write it like "30s", "5m" or "1h30m"`
		}
	case TypePath:
		if !path.IsAbs(s) || path.Clean(s) != s {
			return fmt.Sprintf("it must be absolute and clean, like %q", path.Clean("/"+s))
		}
	}
	return ""
}
