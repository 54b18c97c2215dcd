package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// saying is what one file says of a key of a table that a stack has once, such as
// [bootstrap] or [network].
type saying struct {
	text string // the value with its parameters put in, however it is written
	adds bool   // to what others say, which takes nothing away
	pos  Pos
}

// disagreement is two libraries, neither of which uses the other, that say
// different values of one key.
type disagreement struct {
	path         string
	first, later saying
}

// agreement watches over the tables that a stack has once, and over checks. A file stands over the
// libraries that it uses, and an overlay over all; between two libraries that know
// nothing of each other the order of `use` would choose, which nobody meant.
type agreement struct {
	said  map[string][]saying // by logical path: those that no file above has replaced
	apart []disagreement
}

// allOf notes what a table says, key by key. Tables in it are made up of keys of
// their own, but for those in whole.
func (a *agreement) allOf(d *decoder, t *syntax.Table, overlaid bool, whole ...string) {
	for _, e := range t.Entries {
		d := d.at(e.Key)
		_, adds := additions(e.Value)
		if e.Value.Kind == syntax.KindTable && !adds && !slices.Contains(whole, e.Key) {
			a.allOf(d, e.Value.Table, overlaid)
			continue
		}
		if text, ok := d.sameText(e.Value); ok && e.Key != "allow" { // which adds up
			a.note(d.path(), saying{text: text, adds: adds, pos: d.pos(e.KeySpan)}, overlaid)
		}
	}
}

// note takes in what a file says of a key. Files come in any order, the one that
// uses the other before or behind it.
func (a *agreement) note(path string, now saying, overlaid bool) {
	above := func(user, used saying) bool { return uses(user.pos.Via, used.pos.Via) }
	if overlaid {
		delete(a.said, path)
	}
	if slices.ContainsFunc(a.said[path], func(s saying) bool { return above(s, now) }) {
		return
	}
	others := slices.DeleteFunc(slices.Clone(a.said[path]), func(s saying) bool { return above(now, s) })
	a.apart = slices.DeleteFunc(a.apart, func(x disagreement) bool {
		return x.path == path && (overlaid || above(now, x.first) || above(now, x.later)) // what the one said counts no more
	})
	for _, s := range others {
		if !now.adds && s.text != now.text {
			a.apart = append(a.apart, disagreement{path, s, now})
			break
		}
	}
	a.said[path] = append(others, now)
}

// disputed reports whether two libraries say different values of a key, and no file
// above them has said which it is.
func (a *agreement) disputed(path string) bool {
	return slices.ContainsFunc(a.apart, func(x disagreement) bool { return x.path == path })
}

// sameText is a value as two libraries may both write it: with parameters put in,
// and one string for a list of one. ok is false for a value that is at fault, which
// is said where it is read.
func (d *decoder) sameText(v *syntax.Value) (text string, ok bool) {
	quiet := *d
	quiet.findings = &diag.List{}
	v, ok = quiet.resolve(v)
	if !ok {
		return "", false
	}
	switch v.Kind {
	case syntax.String:
		return strconv.Quote(quiet.text(v).Source()), !quiet.findings.HasErrors()
	case syntax.Integer, syntax.Bool:
		return paramText(v), true
	case syntax.Array:
		list := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			if list[i], ok = d.sameText(e); !ok {
				return "", false
			}
		}
		return strings.Join(list, "\n"), true
	case syntax.KindTable:
		var list []string
		for _, e := range v.Table.Entries {
			text, ok := d.sameText(e.Value)
			if !ok {
				return "", false
			}
			list = append(list, strconv.Quote(e.Key)+" = ["+text+"]")
		}
		slices.Sort(list)
		return strings.Join(list, "\n"), true
	}
	return "", false
}

// checkAgreement reports what libraries say differently and no file above them decides.
func (l *loader) checkAgreement() {
	for _, x := range l.agreement.apart {
		l.findings.Add(Finding(diag.Error, diag.LibraryClash, x.later.pos, x.path, "two libraries do not say the same of %s", x.path).
			WithNote(x.first.pos.Span, fmt.Sprintf("library %q says otherwise here", x.first.pos.Via.Library)).
			WithHelp("give both the same parameters, or say it in the file that uses both"))
	}
}
