package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// meaning is the file in which a name means what it means, when that is not the
// one in which it stands: a parameter's value comes from the file that gives it.
type meaning struct{ use *Use }

// via is the file in which the name means what it means.
func (w Word) via() *Use {
	if w.meant != nil {
		return w.meant.use
	}
	return w.Pos.Via
}

// meant returns where the names in a value come from, nil for the file itself.
func (d *decoder) meant(v *syntax.Value) *meaning {
	if r, ok := d.resolve(v); !ok || r == v {
		return nil
	}
	name := expressions(v.Str)[0].name
	if _, isFact := d.fact(name, v.Span); isFact {
		return nil
	}
	return d.lookup(name, v.Span).meant
}

func quote(s string) string { return strconv.Quote(s) }

// resolver gives every name in the stack the meaning that it has in its own file,
// once all files are in: units of a library that is used with a prefix are
// renamed wherever the library names them, and nobody names what a library does
// not export.
type resolver struct {
	l    *loader
	keys map[string][]*Unit // every unit there ever was, by its full name with its key's instance
	done map[*Ref]bool      // texts may share them
}

// resolveNames is the last step of loading.
func (l *loader) resolveNames() {
	n := &resolver{l: l, keys: map[string][]*Unit{}, done: map[*Ref]bool{}}
	for _, u := range l.born {
		full := units.Complete(u.Key)
		n.keys[full] = append(n.keys[full], u)
	}
	for _, u := range l.stack.Units {
		n.unit(u)
	}
	for _, h := range l.stack.Hosts {
		path := "host." + h.Key
		n.words(path+".after", h.After)
		n.ports(path, h.Ports)
		n.ready(path, h.Ready)
		for i := range h.Addresses {
			n.text(path+".address", &h.Addresses[i])
		}
	}
	for _, c := range l.stack.Checks {
		if c.Of.Value != "" {
			path := "check." + c.Name + ".of"
			c.Of.Value, _ = n.own(c.Of.Value, c.Of.via())
			c.Of.Hidden = !n.visible(path, c.Of.Value, c.Of.via(), c.Of.Pos)
		}
	}
	l.stack.Exports = l.exportsOf()
	if !l.lost { // what seems to be missing may stand in the library that is
		l.checkExports(n)
		l.checkNeeds(n)
	}
}

func (n *resolver) unit(u *Unit) {
	path := "unit." + u.Key
	n.ports(path, u.Ports)
	if u.Verbatim != nil {
		n.textUnit(u)
		return
	}
	n.words(path+".after", u.After)
	n.words(path+".machine_of", u.MachineOf)
	n.patterns(u.Conflicts)
	n.ready(path, u.Ready)
	for i := range u.Downloads {
		n.text(path+".download", &u.Downloads[i].URL)
		n.text(path+".download", &u.Downloads[i].To)
	}
	for i := range u.Puts {
		n.text(path+".etcd_put", &u.Puts[i].Value)
	}
	for i := range u.Env {
		n.text(path+".env", &u.Env[i].File)
	}
	if u.Announce != nil && u.Announce.Env != nil {
		n.text(path+".announce", &u.Announce.Env.File)
	}
	for _, s := range u.Sections {
		for _, d := range s.Directives {
			for i := range d.Values {
				n.text(path+"."+s.Name+"."+d.Name, &d.Values[i])
				if namesUnits(s.Name, d.Name) {
					d.Values[i] = n.raw(d.Values[i])
				}
			}
		}
	}
}

// namesUnits reports whether the words of a directive are names of units.
func namesUnits(section, name string) bool {
	d, ok := units.LookupDirective(section, name)
	return ok && (d.Kind == units.KindUnit || d.Kind == units.KindUnits)
}

func (n *resolver) ready(path string, r *Ready) {
	if r != nil {
		n.text(path+".ready", &r.Target)
		n.text(path+".ready", &r.Contains)
		n.text(path+".ready", &r.CA)
		n.text(path+".ready", &r.Cert)
		n.text(path+".ready", &r.Key)
	}
}

// words gives names in the words of stackc their meaning.
func (n *resolver) words(path string, words []Word) {
	for i := range words {
		words[i].Value, _ = n.own(words[i].Value, words[i].via())
		words[i].Hidden = !n.visible(fmt.Sprintf("%s[%d]", path, i), words[i].Value, words[i].via(), words[i].Pos)
	}
}

// text gives the expressions of a text their meaning.
func (n *resolver) text(path string, t *Text) {
	for _, p := range t.parts {
		if p.ref == nil || n.done[p.ref] || p.ref.Subject == "self" || p.ref.Subject == "stack" || p.ref.Subject == machineSubject {
			continue
		}
		n.done[p.ref] = true
		p.ref.Subject, _ = n.own(p.ref.Subject, t.Pos.Via)
		n.visible(path, p.ref.Subject, t.Pos.Via, Pos{Span: p.ref.Span, Via: t.Pos.Via})
	}
}

// own returns the name in the whole stack of what the file that came in by via
// calls word, and whether that is a unit of a library with a prefix: of its own,
// or of one that it uses, or of the library that uses it.
func (n *resolver) own(word string, via *Use) (full string, renamed bool) {
	for u := via; u.prefix() != ""; u = u.Parent {
		full := u.Prefix + word
		if slices.ContainsFunc(n.called(full), func(x *Unit) bool { return n.l.from[x] == u || uses(u, n.l.from[x]) }) {
			return full, true
		}
	}
	return word, false
}

// called returns the units that a name means: a key, a full name, or the name of
// an instance of a counted unit or template.
func (n *resolver) called(word string) []*Unit {
	name := units.Name(units.Complete(word))
	list := n.keys[string(name)]
	template, ok := name.Template()
	if !ok {
		return list
	}
	list = append(slices.Clip(list), n.keys[string(template)]...)
	base, suffix, _ := strings.Cut(string(template), "@")
	for _, u := range n.keys[base+suffix] {
		if u.Counted() {
			list = append(list, u)
		}
	}
	return list
}

// visible returns whether the file which came in by via can use a name, and reports
// one that it cannot.
func (n *resolver) visible(path, word string, via *Use, pos Pos) bool {
	key, owners := n.owners(word)
	if len(owners) == 0 || slices.ContainsFunc(owners, func(o *Use) bool { return sees(via, o, key) }) {
		return true
	}
	message, help := notExported(hider(via, owners[0], key), key)
	n.l.findings.Add(Finding(diag.Error, diag.NotExported, pos, path, "%s", message).WithHelp(help))
	return false
}

// owners returns the files that give what word means in the whole stack, and its key.
func (n *resolver) owners(word string) (key string, owners []*Use) {
	if h := n.host(word); h != nil {
		return h.Key, n.l.hostFrom[h]
	}
	if u := n.l.stack.units[word]; u != nil {
		return u.Key, []*Use{n.l.from[u]}
	}
	for _, u := range n.called(word) {
		if n.l.stack.units[u.Key] == u {
			return u.Key, []*Use{n.l.from[u]}
		}
	}
	return "", nil
}

// host returns the host entry that a word means, nil when there is none.
func (n *resolver) host(word string) *Host {
	if h := n.l.stack.hosts[word]; h != nil {
		return h
	}
	for _, h := range n.l.stack.Hosts {
		if h.Unit != "" && string(h.Unit) == units.Complete(word) {
			return h
		}
	}
	return nil
}

// patterns gives the words of conflicts their meaning: they may be names of
// units of other stacks, and patterns.
func (n *resolver) patterns(words []Word) {
	for i, w := range words {
		if full, ok := n.own(w.Value, w.via()); ok {
			words[i].Value = full
		} else if strings.ContainsAny(w.Value, "*?[") && !strings.HasPrefix(w.Value, "*") {
			words[i].Value = n.pattern(w)
		}
	}
}

// pattern returns a pattern as it must be for the units of its own library that
// it matches. One that begins with a star matches them as it is.
func (n *resolver) pattern(w Word) string {
	for u := w.via(); u.prefix() != ""; u = u.Parent {
		for _, x := range n.l.born {
			if local, ok := strings.CutPrefix(x.Key, u.Prefix); ok && (n.l.from[x] == u || uses(u, n.l.from[x])) && matchesUnit(w.Value, local, x) {
				return u.Prefix + w.Value
			}
		}
	}
	return w.Value
}
