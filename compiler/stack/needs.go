package stack

import (
	"net/netip"
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// checkExports reports exports that name nothing.
func (l *loader) checkExports(n *resolver) {
	check := func(lib *Declared, use *Use) {
		if lib == nil {
			return
		}
		for _, w := range lib.Exports {
			key, owners := n.exported(w.Value, use)
			switch {
			case len(owners) == 0:
				l.findings.Add(Suggest(Finding(diag.Error, diag.UnknownUnit, w.Pos, "library.exports", "the library has no unit and no host entry %q to export", w.Value),
					w.Value, l.keysOf(use), "it exports what it has, and what its own libraries export"))
			case !slices.ContainsFunc(owners, func(o *Use) bool { return sees(use, o, key) }):
				message, help := notExported(hider(use, owners[0], key), key)
				l.findings.Add(Finding(diag.Error, diag.NotExported, w.Pos, "library.exports", "%s", message).WithHelp(help))
			}
		}
	}
	check(l.stack.Library, nil)
	for _, u := range l.stack.Used {
		check(u.Use.Declared, u.Use)
	}
}

// exportsOf are the keys of what a file that uses the stack file may name.
func (l *loader) exportsOf() []string {
	var keys []string
	add := func(key string, owners ...*Use) {
		seen := slices.ContainsFunc(owners, func(o *Use) bool { return sees(nil, o, key) })
		if seen && l.stack.Library.Exported(key) {
			keys = append(keys, key)
		}
	}
	for _, h := range l.stack.Hosts {
		add(h.Key, l.hostFrom[h]...)
	}
	for _, u := range l.stack.Units {
		add(u.Key, l.from[u])
	}
	return keys
}

// exported returns what a library means by a name that it exports, be it removed
// by those who use it.
func (n *resolver) exported(word string, use *Use) (key string, owners []*Use) {
	for _, u := range n.called(use.prefix() + word) {
		if owner := n.l.from[u]; owner == use || uses(use, owner) {
			return u.Key, []*Use{owner}
		}
	}
	if h := n.host(word); h != nil {
		for _, owner := range n.l.hostFrom[h] {
			if owner == use || uses(use, owner) {
				owners = append(owners, owner)
			}
		}
		return h.Key, owners
	}
	return "", nil
}

// keysOf are the names of what a library brings, as it calls them.
func (l *loader) keysOf(use *Use) []string {
	var keys []string
	for _, u := range l.stack.Units {
		if owner := l.from[u]; owner == use || uses(use, owner) {
			keys = append(keys, u.Key[len(use.prefix()):])
		}
	}
	for _, h := range l.stack.Hosts {
		if slices.ContainsFunc(l.hostFrom[h], func(o *Use) bool { return o == use || uses(use, o) }) {
			keys = append(keys, h.Key)
		}
	}
	return keys
}

// checkNeeds reports what libraries need and the stack does not have. What is
// missing is then put in, so that nothing else seems to be wrong.
func (l *loader) checkNeeds(n *resolver) {
	if l.stack.Library != nil {
		l.needsOf(n, l.stack.Library, nil)
	}
	for _, u := range l.stack.Used {
		if u.Use.Declared != nil {
			l.needsOf(n, u.Use.Declared, u.Use)
		}
	}
}

func (l *loader) needsOf(n *resolver, lib *Declared, use *Use) {
	pos := Pos{Span: lib.Pos.Span}
	if use != nil {
		pos = Pos{Span: use.Span, Via: use.Parent}
	}
	unmet := func(need Pos, format string, args ...any) diag.Diagnostic {
		return Finding(diag.Error, diag.UnmetNeed, pos, "library.needs", "library %q "+format, append([]any{lib.Name}, args...)...).
			WithNote(need.Span, "it says so here")
	}
	for _, need := range lib.Needs.Hosts {
		full, _ := n.own(need.Name, use)
		if _, owners := n.owners(full); len(owners) > 0 {
			continue
		}
		if !l.in.Alone || use != nil {
			l.findings.Add(unmet(need.Says.Pos, "needs %q: %s", need.Name, need.Says.Value).
				WithHelp("declare [host." + syntax.Key(need.Name) + "], or use a library that brings it" + l.orPassOn("host")))
		}
		l.standIn(need)
	}
	for _, need := range lib.Needs.Libraries {
		switch other := l.named[need.Name]; {
		case other == nil && l.passedOn(need.Name):
		case other == nil && (!l.in.Alone || use != nil):
			l.findings.Add(unmet(need.Says.Pos, "needs library %q, %s", need.Name, need.Says.Value).WithHelp("add it to use" + l.orPassOn("libraries")))
		case other != nil && !need.versions.Check(other.Declared.parsed):
			l.findings.Add(unmet(need.Says.Pos, "needs library %q in a version %s, and %s is used", need.Name, need.Says.Value, other.Declared.Version.Value).
				WithNote(other.Span, "used here").WithHelp("use a version that does for both"))
		}
	}
	if s := lib.Needs.Systemd; l.stack.Systemd > 0 && l.stack.Systemd < s.Value {
		l.findings.Add(unmet(s.Pos, "needs systemd %d, and the hosts have %d", s.Value, l.stack.Systemd).
			WithHelp("use another version of the library, or say systemd = … if the hosts have a newer one"))
	}
	for _, r := range l.stack.Roles {
		if s := lib.Needs.Systemd; r.Systemd.Value > 0 && r.Systemd.Value < s.Value {
			l.findings.Add(unmet(s.Pos, "needs systemd %d, and role %q has %d", s.Value, r.Name, r.Systemd.Value).
				WithNote(r.Systemd.Pos.Span, "declared here").WithHelp("use another version of the library, or give the machines a newer systemd"))
		}
	}
}

// orPassOn tells a library that what its own libraries need it may need in its turn.
func (l *loader) orPassOn(kind string) string {
	if l.stack.Library == nil {
		return ""
	}
	return ", or say in [library.needs." + kind + "] that this library needs it as well"
}

// passedOn reports whether a library that is looked at alone says itself that it needs
// the library of that name.
func (l *loader) passedOn(name string) bool {
	return l.in.Alone && l.stack.Library != nil &&
		slices.ContainsFunc(l.stack.Library.Needs.Libraries, func(n Need) bool { return n.Name == name })
}

// standIn puts something of that name into the stack: outside of the cluster, and
// with all that a follower can ask for.
func (l *loader) standIn(need Need) {
	pos := need.Says.Pos
	h := &Host{
		Key: need.Name, Pos: pos, Addresses: []Text{plainText(pos, nil, "192.0.2.1")},
		Port: Int{Value: 1, Pos: pos}, Ready: &Ready{Kind: ReadyTCP, Pos: pos}, StandIn: true,
	}
	l.stack.hosts[h.Key] = h
	l.stack.Hosts = append(l.stack.Hosts, h)
	l.hostFrom[h] = []*Use{nil}
}

// samples gives the parameters that must be given some value.
func samples(params []*Param) {
	for i, p := range params {
		if p.Value == nil && p.Type != "" {
			p.Value = p.sample(i)
			p.From = p.Pos
		}
	}
}

// sample is a value that a parameter may have, for a library that is looked at
// without a stack; n tells the parameters apart.
func (p *Param) sample(n int) *syntax.Value {
	if len(p.Values) > 0 {
		v := p.Values[0]
		if p.Type == TypeList {
			return &syntax.Value{Kind: syntax.Array, Elems: []*syntax.Value{v}, Span: p.Pos.Span}
		}
		return v
	}
	v := &syntax.Value{Kind: syntax.String, Str: "sample", Span: p.Pos.Span}
	switch p.Type {
	case TypeInt:
		v.Kind, v.Int = syntax.Integer, 1
	case TypeBool:
		v.Kind = syntax.Bool
	case TypeList:
		v.Kind = syntax.Array
	case TypeCIDR:
		v.Str = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(n), 0}), 24).String()
	case TypeURL:
		v.Str = "http://192.0.2.1"
	case TypeHost:
		v.Str = "192.0.2.1"
	case TypeDuration:
		v.Str = "1m"
	case TypePath:
		v.Str = "/sample"
	}
	return v
}
