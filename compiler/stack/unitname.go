package stack

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// unitName reads the full name of a unit.
func (d *decoder) unitName(v *syntax.Value) units.Name {
	s := d.name(v)
	if s == "" {
		return ""
	}
	d.suffix(s, v.Span)
	name, err := units.ParseName(units.Complete(s))
	if err != nil {
		d.errorf(diag.UnitName, v.Span, "%s", err)
	}
	return name
}

// suffix reports a name that ends almost in a type of units: it would be taken
// for the name of a service with a dot in it.
func (d *decoder) suffix(name string, span source.Span) (mistyped bool) {
	full := units.Complete(name)
	dot := strings.LastIndexByte(name, '.')
	if full == name || dot < 0 {
		return false
	}
	types := []string{"service", "socket", "timer", "path", "mount", "automount", "device", "target"}
	meant, ok := suggestion(name[dot+1:], types)
	if ok {
		d.errorf(diag.UnitName, span, "%q would be the service %q", name, full).
			help("write %q, or %q if that is meant", name[:dot+1]+meant, full)
	}
	return ok
}

// unitNameOf works out the full name of a unit from its key.
func (d *decoder) unitNameOf(u *Unit) {
	u.Unread = d.suffix(u.Key, u.Pos.Span) || u.Unread // its sections are another type's
	full := units.Complete(u.Key)
	if u.Counted() {
		if strings.Contains(full, "@") {
			d.errorf(diag.UnitName, u.Pos.Span, "a unit with count gets its own instances: %q must not hold an @", u.Key)
			return
		}
		dot := strings.LastIndexByte(full, '.')
		full = full[:dot] + "@" + full[dot:]
	}
	name, err := units.ParseName(full)
	if err != nil {
		d.errorf(diag.UnitName, u.Pos.Span, "%s", err)
		return
	}
	if !units.FleetType(name.Type()) {
		f := d.errorf(diag.UnitType, u.Pos.Span, "fleet starts a %s and then never unloads it: %q would stay on its machine for ever", name.Type(), name).
			help("use a service, socket, timer, path, mount, automount or device; what the host needs as a %s belongs to the host's own units", name.Type())
		if u.Verbatim != nil { // as it is on the cluster it came from
			f.d.Severity = diag.Warning
		}
	}
	u.Name = name
}
