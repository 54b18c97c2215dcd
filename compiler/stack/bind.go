package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

func (l *loader) params(d *decoder, tree *syntax.Table, settings []Setting) {
	d = d.at("params")
	var params []*Param
	if e := tree.Get("params"); e != nil {
		if t := d.table(e.Value, "a table of parameters"); t != nil {
			params = d.params(t)
		}
	}
	if l.in.Alone && d.scope.use == nil {
		samples(params)
	}
	d.bind(params, settings)
	d.scope.params = map[string]*Param{}
	for _, p := range params {
		d.scope.params[p.Name] = p
		if p.Type == TypeCIDR && p.Value != nil {
			l.stack.Networks = append(l.stack.Networks, p)
		}
	}
	if d.scope.use == nil {
		l.stack.Params = params
	} else {
		l.stack.Used = append(l.stack.Used, Used{Use: d.scope.use, Stack: d.scope.name, Params: params})
	}
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
			known := "it has none"
			if len(names) > 0 {
				known = "it takes " + oneOf(names)
			}
			d.errorf(diag.UnknownParameter, s.Span, "%s has no parameter %q", d.scope.title(), s.Name).suggest(s.Name, names).orHelp("%s", known)
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
