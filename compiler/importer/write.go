package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// place is where the text of a unit stands in the stack file: the line of its
// table, and the first and last line of the text itself.
type place struct {
	unit             *unit
	key, first, last int
}

// stackWriter writes the stack file.
type stackWriter struct {
	strings.Builder
	places []place
	ready  *readiness // of the unit, when others wait for it
}

func (w *stackWriter) linef(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// line is the number of the line that is written next.
func (w *stackWriter) line() int { return strings.Count(w.String(), "\n") + 1 }

// write writes the stack file, and tells where the texts of units stand in it.
func (i *importer) write() (string, []place) {
	w := &stackWriter{}
	w.linef("stack = %s", quote(i.stack))
	w.linef("mark  = false    # a mark would change every unit, and fleet would replace it")
	if len(i.notes) > 0 {
		w.linef("")
		w.comments(i.notes)
	}
	i.writeRoles(w)
	i.writeHosts(w)
	line := w.line()
	for _, u := range i.units {
		one := &stackWriter{ready: i.readyOf(u.key)}
		one.unit(u)
		text := one.String()
		for _, p := range one.places {
			p.key, p.first, p.last = p.key+line-1, p.first+line-1, p.last+line-1
			w.places = append(w.places, p)
		}
		w.WriteString(text)
		line += strings.Count(text, "\n")
	}
	return w.String(), w.places
}

func (i *importer) writeHosts(w *stackWriter) {
	named := false
	for _, h := range i.hosts {
		w.linef("")
		if len(h.notes) == 0 && !named {
			w.linef("# Units that the imported ones name and that are not among them: taken for units of the hosts.")
			named = true
		}
		w.comments(h.notes)
		w.linef("[host.%s]\nunit = %s", tomlKey(h.key), quote(string(h.name)))
		w.readiness(i.readyOf(h.key))
	}
	for _, o := range i.outside {
		if r := i.readyOf(o.key); r != nil {
			w.linef("\n# Waited for at an address that no unit here is known to have.\n[host.%s]\naddress = %s", tomlKey(o.key), quote(o.address))
			w.readiness(r)
		}
	}
}

// readyOf is the readiness of a key, nil when nobody waits for it.
func (i *importer) readyOf(key string) *readiness {
	if i.ready[key] == nil || !i.awaited(key) {
		return nil
	}
	return i.ready[key]
}

func (w *stackWriter) readiness(r *readiness) {
	if r == nil {
		return
	}
	if r.port > 0 {
		w.linef("port = %d", r.port)
	}
	if r.ready != "" {
		w.linef("ready = %s", r.ready)
	}
}

// writeRoles declares the roles that units name.
func (i *importer) writeRoles(w *stackWriter) {
	used := map[string]bool{}
	for _, u := range i.units {
		if u.idiom == nil {
			continue
		}
		for _, word := range u.idiom.words {
			for _, v := range word.values {
				used[v] = used[v] || word.name == "role"
			}
		}
	}
	if len(used) == 0 {
		return
	}
	first := true
	for _, r := range i.roles {
		if !used[r.name] {
			continue
		}
		if first {
			w.linef("\n[roles]")
		}
		if first = false; i.addresses[r.name] != "" && i.asked(r.name) {
			w.linef("%s = { metadata = %s, address = %s }", tomlKey(r.name), quote(r.pair), quote(i.addresses[r.name]))
		} else {
			w.linef("%s = %s", tomlKey(r.name), quote(r.pair))
		}
	}
}

// asked reports whether somebody waits for a unit of a role at an address.
func (i *importer) asked(name string) bool {
	for _, u := range i.units {
		for _, l := range u.idiom.alive() {
			if l.wait == nil || l.wait.local() {
				continue
			}
			if other := i.keyed(l.target); other != nil && other.role() == name {
				return true
			}
		}
	}
	return false
}

// unit writes one unit, an empty line before it.
func (w *stackWriter) unit(u *unit) {
	w.linef("")
	w.comments(u.file.head)
	if u.verbatim() {
		w.text(u)
		return
	}
	l := u.lay()
	w.comments(l.head)
	words := u.words
	if u.idiom != nil {
		words = u.idiom.words
	}
	after, loads := u.idiom.after(), u.idiom.downloads()
	if u.file.State != units.Launched || len(u.allow)+len(words)+len(after)+len(loads)+len(l.placed) > 0 || w.ready != nil || len(l.sections) == 0 {
		w.header(u)
	}
	w.comments(l.placed)
	for _, word := range words {
		if word.values == nil {
			w.linef("%s = true", word.name)
		} else {
			w.linef("%s = %s", word.name, array(word.values))
		}
	}
	if len(after) > 0 {
		w.linef("after = %s", list(after))
	}
	w.downloads(loads)
	for _, s := range l.sections {
		w.comments(s.comments)
		w.linef("[unit.%s.%s]", tomlKey(u.key), s.name)
		for _, d := range s.directives {
			w.directive(d)
		}
	}
	w.comments(l.tail)
}

func (w *stackWriter) downloads(loads []*lift) {
	switch len(loads) {
	case 0:
	case 1:
		w.linef("download = [%s]", loads[0].load.toml())
	default:
		w.linef("download = [")
		for _, l := range loads {
			w.linef("  %s,", l.load.toml())
		}
		w.linef("]")
	}
}

// header writes the head of a unit's table.
func (w *stackWriter) header(u *unit) {
	w.linef("[unit.%s]", tomlKey(u.key))
	if u.file.State != units.Launched {
		w.linef("state = %s", quote(string(u.file.State)))
	}
	if len(u.allow) > 0 {
		w.linef("allow = [%s]", `"`+strings.Join(u.allow, `", "`)+`"`)
	}
	w.readiness(w.ready)
}

// text writes a unit as its text.
func (w *stackWriter) text(u *unit) {
	p := place{unit: u, key: w.line()}
	if !strings.Contains(u.text, "#") && !strings.Contains(u.text, ";") { // what fleet writes has no comments
		for _, c := range u.parsed.Comments {
			w.linef("%s", comment(c.Text))
		}
		p.key = w.line()
	}
	w.header(u)
	p.first = w.line() + 1
	w.linef("text = %s", longString(u.text))
	p.last = w.line() - 1
	w.places = append(w.places, p)
}

func (w *stackWriter) comments(list []string) {
	for _, c := range list {
		w.linef("%s", c)
	}
}

// directive writes a key with its value, or an array of values. Comments before
// the second value and later ones need an array over several lines.
func (w *stackWriter) directive(d directive) {
	w.comments(d.comments[0])
	if len(d.values) == 1 {
		w.linef("%s = %s", d.name, directiveValue(d))
		return
	}
	values := make([]string, len(d.values))
	for i, v := range d.values {
		values[i] = value(v)
	}
	if one := strings.Join(values, ", "); len(one) <= longest && len(slices.Concat(d.comments[1:]...)) == 0 {
		w.linef("%s = [%s]", d.name, one)
		return
	}
	w.linef("%s = [", d.name)
	for i, v := range values {
		if i > 0 {
			for _, c := range d.comments[i] {
				w.linef("  %s", c)
			}
		}
		w.linef("  %s,", v)
	}
	w.linef("]")
}
