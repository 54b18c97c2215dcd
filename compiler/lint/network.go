package lint

import (
	"fmt"
	"net/netip"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// overlap reports two network parameters that meet. One network that goes by
// two names, because it was handed on to a library, is one.
func (c *checker) overlap(a, b *stack.Param) {
	if a.Value.Span == b.Value.Span {
		return
	}
	first, err1 := netip.ParsePrefix(a.Value.Str)
	second, err2 := netip.ParsePrefix(b.Value.Str)
	if err1 != nil || err2 != nil || !first.Overlaps(second) {
		return
	}
	pos := stack.Pos{Span: b.Value.Span, Via: b.From.Via}
	d := stack.Finding(diag.Error, diag.NetworkOverlap, pos, "params."+b.Name, "network %q (%s) meets network %q (%s): an address in both belongs to two things", b.Name, second, a.Name, first).
		WithNote(a.Value.Span, fmt.Sprintf("%q is given here", a.Name)).
		WithHelp("choose ranges that do not meet: machines, pods and services each need their own")
	for _, allowed := range append(a.Allow, b.Allow...) {
		if allowed.Code == string(diag.NetworkOverlap) {
			d.Path = allowPath(allowed)
		}
	}
	c.add(d)
}
