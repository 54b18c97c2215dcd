package stack

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
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

// Setting is a parameter value from outside of the stack file. Exactly one of
// Text (from the command line, read by the parameter's type) and Value (from a
// parameter file) is used.
type Setting struct {
	Name    string
	Span    source.Span // of the name
	Text    string
	TextPos source.Span
	Value   *syntax.Value

	broken bool // a value was given and is at fault, which is reported
	giver  *Use // the file that gives the value
}

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
	if !paramName.MatchString(e.Key) {
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

// paramAllowances reads what findings about a parameter are allowed; only
// networks can meet each other.
func (d *decoder) paramAllowances(p *Param, e *syntax.Entry) []*Allowance {
	var list []*Allowance
	for _, a := range d.allowances(e.Value) {
		if p.Type == TypeCIDR && a.Code == string(diag.NetworkOverlap) {
			list = append(list, a)
		} else if p.Type != "" {
			d.report(diag.Warning, diag.UnusedAllow, a.Pos.Span, "allow = %q allows nothing here", a.Code).
				help("a parameter of type cidr can allow %q; other findings are allowed in the unit", diag.NetworkOverlap)
		}
	}
	return list
}

var paramName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

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

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func checkHost(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	switch {
	case strings.Contains(s, "://"):
		return "leave the scheme out, a host is an address or a name alone"
	case strings.Contains(s, ":"):
		return "leave the port out, a host is an address or a name alone"
	case len(s) > 253 || !hostName.MatchString(s):
		return "it is neither an IP address nor a host name"
	case regexp.MustCompile(`^[0-9.]+$`).MatchString(s):
		return "it looks like an IP address and is none"
	}
	return ""
}

// parseDuration reads "30s", "5m", "1h30m" or "infinity", which is 0.
func parseDuration(s string) (time.Duration, error) {
	if s == "infinity" || s == "0" {
		return 0, nil
	}
	t, err := time.ParseDuration(s)
	if err == nil && t < 0 {
		err = fmt.Errorf("negative duration %q", s)
	}
	return t, err
}

// bind gives params the values that settings hold, the last one winning, and
// reports settings that no parameter takes and parameters that nothing sets.
func (d *decoder) bind(params []*Param, settings []Setting) {
	byName := map[string]*Param{}
	names := make([]string, 0, len(params))
	for _, p := range params {
		byName[p.Name] = p
		names = append(names, p.Name)
	}
	for _, s := range settings {
		p := byName[s.Name]
		if p == nil {
			d.errorf(diag.UnknownParameter, s.Span, "%s has no parameter %q", d.scope.title(), s.Name).
				suggest(s.Name, names).orHelp("its parameters are %s", oneOf(names))
			if d.scope.use == nil {
				continue // the list of parameters shows that one of them is missing
			}
			if p = meantBy(s, byName, names, settings); p == nil {
				continue
			}
		}
		if s.broken {
			p.From = Pos{Span: s.Span, Via: d.scope.use}
			continue
		}
		d.set(p, s)
	}
	for _, p := range params {
		if p.Value == nil && p.Type != "" && p.From.Span.IsZero() {
			d.missingParam(p)
		}
	}
}

func (d *decoder) missingParam(p *Param) {
	example := fmt.Sprintf("--set %s=…", p.Name)
	span := p.Pos.Span
	if d.scope.use != nil {
		example = fmt.Sprintf("params = { %s = … } in the use entry", p.Name)
		span = d.scope.use.Span
	}
	f := d.errorf(diag.MissingParameter, span, "parameter %q of %s has no value and no default", p.Name, d.scope.title())
	if span != p.Pos.Span {
		f.note(p.Pos.Span, "declared here as "+withArticle(string(p.Type)))
	}
	f.help("give it with %s%s", example, helpText(p))
}

func helpText(p *Param) string {
	if p.Help == "" {
		return ""
	}
	return " (" + p.Help + ")"
}

// set gives p the value of s.
func (d *decoder) set(p *Param, s Setting) {
	v, span := s.Value, s.TextPos
	if v == nil {
		var why string
		if v, why = parseSetting(p.Type, s); why != "" {
			d.errorf(diag.BadParameter, s.TextPos, "parameter %q: %q is not %s: %s", p.Name, s.Text, withArticle(string(p.Type)), why)
			p.From = Pos{Span: s.TextPos}
			return
		}
	} else {
		span = v.Span
	}
	p.From = Pos{Span: span, Via: d.scope.use}
	p.Value, p.meant = d.checkParam(p, v), &meaning{s.giver}
}

// meantBy returns the parameter that a setting of an unknown one was probably
// meant for, so that it is not missing as well; nil when another setting gives it.
func meantBy(s Setting, params map[string]*Param, names []string, settings []Setting) *Param {
	meant, ok := suggestion(s.Name, names)
	if !ok || slices.ContainsFunc(settings, func(other Setting) bool { return other.Name == meant }) {
		return nil
	}
	return params[meant]
}

// parseSetting reads text from the command line as a value of type t.
func parseSetting(t ParamType, s Setting) (*syntax.Value, string) {
	v := &syntax.Value{Span: s.TextPos}
	switch t {
	case TypeInt:
		n, err := strconv.ParseInt(s.Text, 10, 64)
		if err != nil {
			return nil, "write a whole number"
		}
		v.Kind, v.Int = syntax.Integer, n
	case TypeBool:
		if s.Text != "true" && s.Text != "false" {
			return nil, "write true or false"
		}
		v.Kind, v.Bool = syntax.Bool, s.Text == "true"
	case TypeList:
		v.Kind = syntax.Array
		for word := range strings.SplitSeq(s.Text, ",") {
			v.Elems = append(v.Elems, &syntax.Value{Kind: syntax.String, Str: strings.TrimSpace(word), Span: s.TextPos})
		}
	default:
		v.Kind, v.Str = syntax.String, s.Text
	}
	return v, ""
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

// oneOf lists words as a person would: `"a", "b" or "c"`.
func oneOf[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(string(w)))
	}
	return b.String()
}

// suggestion returns the word that was probably meant.
func suggestion[S ~string](word string, words []S) (string, bool) {
	plain := make([]string, len(words))
	for i, w := range words {
		plain[i] = string(w)
	}
	return units.Suggest(word, plain)
}
