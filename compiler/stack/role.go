package stack

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// roles reads [roles].
func (l *loader) roles(d *decoder, tree *syntax.Table) {
	d = d.at("roles")
	t := d.tableOf(tree, "roles")
	for _, e := range t.Entries {
		known := elsewhere(e.KeySpan, l.stack.Roles, func(r *Role) (string, Pos) { return r.Name, r.Pos })
		r := d.at(e.Key).role(e, l.overlaidRole(e.Key), known)
		if old := l.stack.roles[e.Key]; old != nil {
			if l.shares(d, l.roleFrom[old]) {
				l.sharedRole(d.at(e.Key), e, r, old)
				l.roleFrom[old] = append(l.roleFrom[old], d.scope.use)
				continue
			}
			*old = *r
			continue
		}
		l.roleFrom[r] = []*Use{d.scope.use}
		l.stack.roles[e.Key] = r
		l.stack.Roles = append(l.stack.Roles, r)
	}
}

// roleWords are the keys of a role.
var roleWords = []keyword[Role]{
	key("metadata", pairs(), func(r *Role) *[]Word { return &r.Pairs },
		"the key=value pairs of fleet's metadata that its machines have", `"role=master"`).required(),
	key("address", address(), func(r *Role) *Text { return &r.Address },
		"where its one machine is found from others, without a port", `"10.0.0.1"`),
	key("systemd", systemdVersion(), func(r *Role) *Int { return &r.Systemd },
		"version of systemd on its machines", "219"),
}

// role reads one role, over what is known of it unless that is nil. One that says nothing
// may be meant to be one of those that are known.
func (d *decoder) role(e *syntax.Entry, over *Role, known []string) *Role {
	r := &Role{Name: e.Key, Pos: d.pos(e.KeySpan), Metadata: units.Metadata{}}
	if over != nil {
		r.Address, r.Systemd = over.Address, over.Systemd
	}
	v := e.Value
	if v.Kind == syntax.KindTable {
		read(d, r, v.Table, "a role", roleWords)
		m := v.Table.Get("metadata")
		if m == nil && over != nil {
			r.Metadata, r.Pairs, r.Broken = over.Metadata, over.Pairs, over.Broken
			return r
		}
		if m == nil {
			if !mistyped(v.Table, keywordsOf(roleWords).Names(), "metadata") {
				d.noMetadata(e, known)
			}
			r.Broken = true
			return r
		}
		v = m.Value
	} else {
		r.Pairs = d.pairs(v)
	}
	if v.Kind == syntax.Array && len(v.Elems) == 0 {
		d.noMetadata(e, known)
	}
	for _, p := range r.Pairs {
		key, value, _ := strings.Cut(p.Value, "=")
		r.Metadata[key] = append(r.Metadata[key], value)
	}
	r.Broken = len(r.Pairs) == 0
	return r
}

func (d *decoder) noMetadata(e *syntax.Entry, known []string) {
	d.errorf(diag.MissingKey, e.KeySpan, "role %q does not say which machines it means", e.Key).
		suggest(e.Key, known).orHelp(`add metadata = "key=value"`)
}

// pairs reads key=value words of fleet's metadata.
func (d *decoder) pairs(v *syntax.Value) []Word {
	var pairs []Word
	for _, w := range d.words(v) {
		if why := badPair(w.Value); why != "" {
			d.errorf(diag.Placement, w.Pos.Span, "%q is not metadata: %s", w.Value, why).
				help("write one key=value a string, like \"role=master\"; fleet drops anything else without a word and places the unit anywhere")
			continue
		}
		pairs = append(pairs, w)
	}
	return pairs
}

// badPair returns why fleet would drop a metadata pair (fleet v1.0.0 job/job.go
// RequiredTargetMetadata), "" when it would not.
func badPair(s string) string {
	key, value, _ := strings.Cut(s, "=")
	switch {
	case strings.Count(s, "=") != 1:
		return "it needs exactly one ="
	case key == "" || value == "":
		return "there must be something on both sides of the ="
	case strings.ContainsAny(s, " \t\n\r\"'`,;"):
		return "it holds blanks, quotes, commas or semicolons"
	}
	return ""
}
