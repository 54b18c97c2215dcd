package stack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// Roles and host entries are what the machines are, so that libraries share
// them: two may say the same of one. What they say differently is nobody's to choose.

// shares reports whether a file may say something of a thing that others gave
// already without changing it: neither an overlay nor one that uses them.
func (l *loader) shares(d *decoder, givers []*Use) bool {
	return !l.overlaid && !slices.ContainsFunc(givers, func(g *Use) bool { return g == d.scope.use || uses(d.scope.use, g) })
}

// clash reports what two libraries say differently.
func (d *decoder) clash(what, name string, e *syntax.Entry, old Pos, help string) {
	d.errorf(diag.LibraryClash, e.KeySpan, "two libraries do not say the same of %s %q", what, name).
		note(old.Span, "said otherwise here").
		help("%s", help)
}

// sharedRole holds a role that a library says again against the one that is there.
func (l *loader) sharedRole(d *decoder, e *syntax.Entry, r, old *Role) {
	words := func(r *Role) string {
		list := make([]string, len(r.Pairs))
		for i, p := range r.Pairs {
			list[i] = p.Value
		}
		slices.Sort(list)
		return strings.Join(list, "\n") + "\n\n" + r.Address.Source() + "\n" + strconv.Itoa(r.Systemd.Value)
	}
	if !r.Broken && !old.Broken && words(r) != words(old) {
		d.clash("role", r.Name, e, old.Pos, "give both the same parameters, or let one of them take the names of roles as a parameter")
	}
}

// shareHost puts in what a library says again of a host entry; what others have
// said already must be the same.
func (l *loader) shareHost(d *decoder, h *Host, body *syntax.Table) {
	again := &Host{Key: h.Key, Pos: h.Pos}
	d.host(again, body)
	for _, e := range body.Entries {
		old, now := h.said(e.Key), again.said(e.Key)
		if old != "" && now != "" && old != now {
			d.at(e.Key).clash("host entry", h.Key, e, h.Pos, "give both the same parameters, or take the entry out of one of them")
			return
		}
	}
	if h.Unit == "" {
		h.Unit = again.Unit
	}
	if h.Roles == nil {
		h.Roles = again.Roles
	}
	if !h.Port.Given() {
		h.Port = again.Port
	}
	if h.Ports == nil {
		h.Ports = again.Ports
	}
	if h.Ready == nil {
		h.Ready = again.Ready
	}
	if h.Addresses == nil {
		h.Addresses = again.Addresses
	}
	if h.After == nil {
		h.After = again.After
	}
	h.fillUnit(again)
	h.Allow = append(slices.Clone(h.Allow), again.Allow...) // what is right for one does not hide what another says
}

func sources(list []Text) string {
	values := make([]string, len(list))
	for i, t := range list {
		values[i] = t.Source()
	}
	return strings.Join(values, "\n")
}

// said is what the entry says under a key, "" for nothing.
func (h *Host) said(key string) string {
	words := func(list []Word) string {
		values := make([]string, len(list))
		for i, w := range list {
			values[i] = w.Value
		}
		return strings.Join(values, "\n")
	}
	switch key {
	case "unit":
		return string(h.Unit)
	case "role":
		return words(h.Roles)
	case "port":
		if h.Port.Given() {
			return paramText(&syntax.Value{Kind: syntax.Integer, Int: int64(h.Port.Value)})
		}
	case "ports":
		return saidPorts(h.Ports)
	case "ready":
		if h.Ready != nil {
			return string(h.Ready.Kind) + "\n" + sources([]Text{h.Ready.Target, h.Ready.Contains, h.Ready.CA, h.Ready.Cert, h.Ready.Key})
		}
	case "address":
		return sources(h.Addresses)
	case "after":
		return words(h.After)
	}
	return h.saidOfUnit(key)
}
