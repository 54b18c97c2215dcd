package stack

import (
	"path"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units"
)

// matchesUnit reports whether a pattern of fleet's matches the unit u under the
// name local, or an instance of it.
func matchesUnit(pattern, local string, u *Unit) bool {
	name := units.Complete(local)
	if u.Counted() {
		dot := strings.LastIndexByte(name, '.')
		name = name[:dot] + "@1" + name[dot:]
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// raw returns a value of systemd's own that names units, with the prefix before
// those that are renamed. Where the rest of the value stands stays known.
func (n *resolver) raw(t Text) Text {
	via := t.Pos.Via
	if t.meant != nil {
		via = t.meant.use
	}
	if via.prefix() == "" || !t.given {
		return t
	}
	parts := t.parts
	if parts == nil {
		parts = []part{{text: t.plain, verbatim: t.value != nil}}
	}
	var whole strings.Builder
	for _, p := range parts {
		if p.ref != nil {
			whole.WriteByte(0) // a word with it is known to fewer than the compiler
			continue
		}
		whole.WriteString(p.text)
	}
	inserts := map[int]string{}
	for start, word := range wordsAt(whole.String()) {
		if full, ok := n.own(word, via); ok && strings.IndexByte(word, 0) < 0 {
			inserts[start] = strings.TrimSuffix(full, word)
		}
	}
	if len(inserts) == 0 {
		return t
	}
	t.parts, t.plain = inserted(parts, inserts), ""
	return t
}

// wordsAt gives the words of a string by the offsets at which they begin.
func wordsAt(s string) map[int]string {
	words := map[int]string{}
	for i := 0; i < len(s); {
		if blank(s[i]) {
			i++
			continue
		}
		start := i
		for i < len(s) && !blank(s[i]) {
			i++
		}
		words[start] = s[start:i]
	}
	return words
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// inserted puts texts between the pieces of parts, at offsets of the whole.
func inserted(parts []part, inserts map[int]string) []part {
	var list []part
	at := 0
	for _, p := range parts {
		if p.ref != nil {
			list = append(list, p)
			at++
			continue
		}
		last := 0
		for i := range len(p.text) {
			if text, ok := inserts[at+i]; ok {
				list = append(list, part{text: p.text[last:i], verbatim: p.verbatim, at: p.at + last}, part{text: text})
				last = i
			}
		}
		list = append(list, part{text: p.text[last:], verbatim: p.verbatim, at: p.at + last})
		at += len(p.text)
	}
	return list
}

// textUnit reports a unit of a library with a prefix that is its text and names
// units which are called something else now: nothing is put into a text.
func (n *resolver) textUnit(u *Unit) {
	refuse := func(pos Pos, word string) {
		if full, ok := n.own(word, pos.Via); ok {
			n.l.findings.Add(Finding(diag.Error, diag.PrefixRefused, pos, "unit."+u.Key+".text", "the text names %q, which the prefix makes %q, and nothing is put into a text", word, full).
				WithHelp("write the unit in tables, or use the library without a prefix"))
		}
	}
	for _, l := range u.Verbatim.Lines {
		if namesUnits(l.Section, l.Name) {
			for _, word := range strings.Fields(l.Value) {
				refuse(l.Pos, word)
			}
		}
	}
	for _, list := range [][]Word{u.MachineOf, u.Conflicts} {
		for _, w := range list {
			refuse(w.Pos, w.Value)
		}
	}
	n.ready("unit."+u.Key, u.Ready)
}

// mayRename reports whether a unit can have another name. One whose name is what
// it is about cannot, which is a finding.
func (d *decoder) mayRename(key string, pos Pos) bool {
	switch t := units.Name(units.Complete(key)).Type(); t {
	case units.TypeMount, units.TypeAutomount, units.TypeDevice, units.TypeSwap:
		d.errorf(diag.PrefixRefused, pos.Span, "a %s has the name of its path, and the prefix %q would make another of it", t, d.scope.use.Prefix).
			help("use the library without a prefix, or move the %s out of it", t)
		return false
	}
	return true
}
