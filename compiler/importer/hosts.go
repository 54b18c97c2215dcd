package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// host is a unit of the hosts: one that an imported one names and that is not
// imported, or one that a cloud-config has there.
type host struct {
	key   string
	name  units.Name
	notes []string    // comments, of a unit of a cloud-config
	place source.Span // there
}

// nameHosts declares the units of cloud-configs that are not fleet's, and those
// that others name in ordering, requirements and triggers and that nobody imports:
// systemd finds them on the hosts, or nowhere.
func (i *importer) nameHosts() {
	keys, names := map[string]bool{}, map[units.Name]bool{}
	for _, u := range i.units {
		keys[u.key], names[u.name] = true, true
	}
	var hosts []host
	for _, h := range i.hosts {
		if names[h.name] {
			i.findings.Add(diag.Diagnostic{
				Severity: diag.Warning, Code: diag.HostUnit, Span: h.place,
				Message: fmt.Sprintf("%s is imported as a unit of fleet's, and the hosts have it too; fleet links its own over theirs", h.name),
			})
			i.notes = append(i.notes, h.notes...)
			continue
		}
		names[h.name] = true
		hosts = append(hosts, h)
	}
	for _, u := range i.units {
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
	i.hosts = hosts
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

// keyed is the unit of a key, nil for none.
func (i *importer) keyed(key string) *unit {
	for _, u := range i.units {
		if u.key == key {
			return u
		}
	}
	return nil
}
