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
				suggest(e.Key, elsewhere(h.Pos.Span, l.stack.Hosts, func(h *Host) (string, Pos) { return h.Key, h.Pos })).
				orHelp(`add unit = %q when it is a unit of the hosts, or address = "…" when it is outside of the cluster`, units.Complete(e.Key))
		}
	}
}

// hostWords are the keys of a host entry.
var hostWords = []keyword[Host]{
	key("unit", hostUnitForm(), func(h *Host) *units.Name { return &h.Unit },
		"the unit that the hosts have without fleet", `"etcd.service"`),
	key("role", names(), func(h *Host) *[]Word { return &h.Roles },
		"the role on whose machines it is, or several; every machine when it is not said", `"master"`),
	key("port", port(), func(h *Host) *Int { return &h.Port },
		"the port it listens on", `4001`),
	key("ports", listenings(), func(h *Host) *[]Listening { return &h.Ports },
		"further ports that it listens on, and who uses them, for stackc ports", `[{ port = 7001, from = "etcd" }]`),
	key("ready", readiness(), func(h *Host) **Ready { return &h.Ready },
		"how those that follow it learn that it is up", `{ http = "/version" }`),
	key("address", addresses(), func(h *Host) *[]Text { return &h.Addresses },
		"where it is found from other machines, or several places of which any will do; without a unit it is outside of the cluster", `"registry.example.com"`),
	key("after", names(), func(h *Host) *[]Word { return &h.After },
		"units of the stack that it needs itself", `["api"]`),
	{Keyword{Name: "drop_in", Help: "pieces that are laid over the unit which the image has, by their file names", Shape: dropInsShape(),
		Example: `{ "50-log.conf" = { Service = { LogLevelMax = "info" } } }`}, func(d *decoder, h *Host, v *syntax.Value) { d.dropIns(h, v) }},
	key("environment", form[[]Variable]{variableShape(), (*decoder).variables}, func(h *Host) *[]Variable { return &h.Environment },
		"what its program finds in its environment", `{ HTTP_PROXY = "http://10.0.0.1:3128" }`),
	key("env", form[[]EnvVar]{mapShape(envPattern, stringShape(slashPattern)), (*decoder).env}, func(h *Host) *[]EnvVar { return &h.Env },
		"environment variables and the files on the machine that give them, which it waits for", `{ DEFAULT_IPV4 = "/etc/network-environment" }`),
	key("mask", maskForm(), func(h *Host) *Mask { return &h.Mask },
		"the roles on whose machines it is kept from starting; true for all", `"node"`),
	key("enable", flag(), func(h *Host) *Flag { return &h.Enable },
		"true: systemd starts it at every boot", `true`),
	key("start", flag(), func(h *Host) *Flag { return &h.Start },
		"true: it is started as soon as the machine is configured", `true`),
	listKey("allow", allowances(), func(h *Host) *[]*Allowance { return &h.Allow },
		"codes of findings that are right as they are about this entry", `["no-machine"]`),
}

// host reads the table of a host entry over what h already holds.
func (d *decoder) host(h *Host, t *syntax.Table) {
	words := &syntax.Table{}
	for _, e := range t.Entries {
		if isSection(e.Key) {
			d.at(e.Key).hostSection(&h.Sections, e)
			continue
		}
		words.Entries = append(words.Entries, e)
	}
	read(d, h, words, "a host entry", hostWords)
}

func hostShape() Shape {
	return tableShape(Table{Name: "a host entry", Keys: keywordsOf(hostWords), Sections: hostSections()})
}
