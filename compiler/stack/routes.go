package stack

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
)

// RoutesField is the word of a role that stands for [Stack.Routes].
const RoutesField = "routes"

// Routes returns sections of networkd, one for each machine of the role but to: its
// part of the pods is reached through its own address. It is what a person writes on
// each machine by hand where no overlay carries the packets of pods. The machines are
// in the order of the inventory.
func (s *Stack) Routes(role string, to *Machine) string {
	var b strings.Builder
	for _, m := range s.MachinesOf(role) {
		if m != to {
			b.WriteString("[Route]\nDestination=" + prefixText(m.Part()) + "\nGateway=" + m.Address.known() + "\n")
		}
	}
	return b.String()
}

// routesOf asks for the parts of a role's machines.
func (l *loader) routesOf(path string, pos Pos, role string) {
	if l.lost || l.in.Alone {
		return
	}
	l.knownRoles(path, []Word{{Value: role, Pos: pos}})
	r := l.stack.roles[role]
	if r == nil {
		return
	}
	l.unlisted(r, pos)
	if len(l.stack.MachinesOf(role)) == 0 {
		l.findings.Add(Finding(diag.Error, diag.UnknownName, pos, path, "no machine of the inventory has the role %q", role).
			WithHelp(fmt.Sprintf("declare its machines: [machine.NAME] role = %q, address = \"…\"", role)))
	}
	l.partUses = append(l.partUses, partUse{field: RoutesField, pos: pos, path: path, on: func(m *Machine) bool { return m.Has(role) }})
}

// routable reports whether an address can be the gateway of a part of the pods.
func routable(address string, pods netip.Prefix) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && a.Unmap().Is4() == pods.Addr().Is4()
}

// family is what addresses of a range are called.
func family(p netip.Prefix) string {
	if p.Addr().Is4() {
		return "IPv4"
	}
	return "IPv6"
}
