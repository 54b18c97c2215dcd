package stack

import (
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// hosts reads [host.*].
func (l *loader) hosts(d *decoder, tree *syntax.Table) {
	d = d.at("host")
	t := d.tableOf(tree, "host")
	for _, e := range t.Entries {
		d := d.at(e.Key)
		body := d.table(e.Value, "a table")
		if body == nil {
			continue
		}
		h := l.stack.hosts[e.Key]
		if h != nil && l.shares(d, l.hostFrom[h]) {
			l.shareHost(d, h, body)
			l.hostFrom[h] = append(l.hostFrom[h], d.scope.use)
			continue
		}
		if h != nil && !l.nameable(d, e, e.Key, l.hostFrom[h]...) {
			continue
		}
		if h == nil {
			h = &Host{Key: e.Key, Pos: d.pos(e.KeySpan)}
			l.stack.hosts[e.Key] = h
			l.stack.Hosts = append(l.stack.Hosts, h)
			l.hostFrom[h] = []*Use{d.scope.use}
		}
		d.host(h, body)
		if h.Unit == "" && len(h.Addresses) == 0 && body.Get("unit") == nil && !mistyped(body, keywordsOf(hostWords).Names(), "unit", "address") {
			d.errorf(diag.MissingKey, e.KeySpan, "host %q names no unit", e.Key).
				help(`add unit = %q when it is a unit of the hosts, or address = "…" when it is outside of the cluster`, units.Complete(e.Key))
		}
	}
}

// hostWords are the keys of a host entry.
var hostWords = []keyword[Host]{
	key("unit", form[units.Name]{stringShape(NotEmpty), (*decoder).unitName}, func(h *Host) *units.Name { return &h.Unit },
		"the unit that the hosts have without fleet", `"etcd.service"`),
	key("role", names(), func(h *Host) *[]Word { return &h.Roles },
		"the role on whose machines it is, or several; every machine when it is not said", `"master"`),
	key("port", port(), func(h *Host) *Int { return &h.Port },
		"the port it listens on", `4001`),
	key("ready", readiness(), func(h *Host) **Ready { return &h.Ready },
		"how those that follow it learn that it is up", `{ http = "/version" }`),
	key("address", addresses(), func(h *Host) *[]Text { return &h.Addresses },
		"where it is found from other machines, or several places of which any will do; without a unit it is outside of the cluster", `"registry.example.com"`),
	key("after", names(), func(h *Host) *[]Word { return &h.After },
		"units of the stack that it needs itself", `["api"]`),
}

func (d *decoder) host(h *Host, t *syntax.Table) { read(d, h, t, "a host entry", hostWords) }
