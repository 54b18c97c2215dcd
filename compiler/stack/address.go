package stack

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// faultyAddress stands for one that is at fault, which is reported.
const faultyAddress = "unknown"

// address reads a host without a port. One at fault counts as given, so that
// nobody misses it.
func (d *decoder) address(v *syntax.Value) Text { return d.checkAddress(v, d.text(v)) }

func (d *decoder) checkAddress(v *syntax.Value, t Text) Text {
	s, ok := d.closed(t)
	if why := checkHost(s); ok && why != "" {
		d.errorf(diag.BadValue, v.Span, "%q is not an address: %s", s, why)
		ok = false
	}
	if !ok {
		return plainText(d.pos(v.Span), nil, faultyAddress)
	}
	return t
}

// addresses reads one host without a port, or several.
func (d *decoder) addresses(v *syntax.Value) []Text {
	r, ok := d.resolve(v)
	if !ok || r.Kind != syntax.Array {
		return []Text{d.address(v)}
	}
	var list []Text
	for i, e := range r.Elems {
		before := len(*d.findings)
		t := plainText(d.pos(e.Span), nil, paramText(e)) // a list of a parameter may hold numbers
		if v.Kind == syntax.Array {
			t = d.index(i).text(e)
		}
		a := d.index(i).checkAddress(e, t)
		again := slices.ContainsFunc(list, func(b Text) bool { return a.Expand(nil) == b.Expand(nil) })
		if again && len(*d.findings) == before {
			d.index(i).errorf(diag.BadValue, e.Span, "%q stands there twice", a.Expand(nil))
		}
		list = append(list, a)
	}
	return list
}

var hostName = pattern.New(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func checkHost(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return ""
	}
	switch {
	case strings.Contains(s, "://"):
		return "leave the scheme out, a host is an address or a name alone"
	case strings.Contains(s, ":"):
		return "leave the port out, a host is an address or a name alone"
	case len(s) > 253 || !hostName().MatchString(s):
		return "it is neither an IP address nor a host name"
	case strings.Trim(s, "0123456789.") == "":
		return "it looks like an IP address and is none"
	}
	return ""
}
