package stack

import (
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// allowances reads `allow = [...]`.
func (d *decoder) allowances(v *syntax.Value) []*Allowance {
	var list []*Allowance
	for _, w := range d.words(v) {
		if !diag.Allowable(diag.Code(w.Value)) {
			d.unknownCode(w)
			continue
		}
		list = append(list, &Allowance{Code: w.Value, Pos: w.Pos})
	}
	return list
}

// allowableCodes are the codes that allow may name.
func allowableCodes() []string {
	known := make([]string, 0, len(diag.AllowableCodes()))
	for _, c := range diag.AllowableCodes() {
		known = append(known, string(c))
	}
	return known
}

func (d *decoder) unknownCode(w Word) {
	d.errorf(diag.UnknownCode, w.Pos.Span, "no finding that can be allowed has the code %q", w.Value).
		suggest(w.Value, allowableCodes()).orHelp("the code stands in brackets in the finding itself; docs/errors.md lists those that can be allowed")
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
