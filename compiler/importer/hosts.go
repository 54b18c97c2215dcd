package importer

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// host is a unit that an imported one names and that is not imported.
type host struct {
	key  string
	name units.Name
}

// hostsOf declares the units that others name in ordering, requirements and
// triggers and that nobody imports: systemd finds them on the hosts, or nowhere.
func hostsOf(list []*unit) []host {
	keys, names := map[string]bool{}, map[units.Name]bool{}
	for _, u := range list {
		keys[u.key], names[u.name] = true, true
	}
	var hosts []host
	for _, u := range list {
		for _, name := range u.named() {
			if names[name] {
				continue
			}
			names[name] = true
			key := keyOf(name)
			if keys[key] {
				key = string(name)
			}
			hosts = append(hosts, host{key: key, name: name})
		}
	}
	slices.SortFunc(hosts, func(a, b host) int { return strings.Compare(a.key, b.key) })
	return hosts
}

// named returns the units that the unit names, as written, as far as a host has to
// have them: every systemd has its own targets, slices, devices and mounts.
func (u *unit) named() []units.Name {
	var list []units.Name
	for _, e := range units.Edges(u.name, u.parsed.Options()) {
		switch e.Target.Type() {
		case units.TypeTarget, units.TypeSlice, units.TypeDevice, units.TypeMount, units.TypeSwap:
			continue
		}
		if _, err := units.ParseName(string(e.Target)); err != nil || strings.HasPrefix(string(e.Target), "systemd-") || u.specified(e) {
			continue
		}
		list = append(list, e.Target)
	}
	return list
}

// specified reports whether a name came from specifiers such as %i.
func (u *unit) specified(e units.Edge) bool {
	return e.Index >= 0 && !strings.Contains(u.parsed.Lines[e.Index].Value, string(e.Target))
}
