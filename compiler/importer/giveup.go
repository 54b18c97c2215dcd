package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units/pattern"
)

var wordIndex = pattern.New(`\.(after|download)\[(\d+)\]`)

// gaveUp is what became of words that the compiler refuses.
type gaveUp int

const (
	gaveUpNothing gaveUp = iota
	gaveUpOne            // of the unit in question
	gaveUpMany           // of others too
)

// giveUp takes back the words that the compiler refuses. u is the unit that the
// finding is about, if it is about one.
func (i *importer) giveUp(u *unit, d diag.Diagnostic) gaveUp {
	if !i.idiomatics {
		return gaveUpNothing
	}
	if m := providerPath().FindStringSubmatch(d.Path); m != nil && i.giveUpReady(m[1], d.Message) {
		return gaveUpMany
	}
	switch {
	case u == nil:
		return i.giveUpAll(d.Message)
	case u.idiom == nil:
		return gaveUpNothing
	}
	if m := wordIndex().FindStringSubmatch(d.Path); m != nil {
		n, _ := strconv.Atoi(m[2])
		if after := u.idiom.after(); m[1] == "after" && n < len(after) {
			for _, l := range u.idiom.alive() {
				if l.target == after[n] && l.dead == "" {
					i.bury(u, l, d.Message)
				}
			}
			return gaveUpOne
		}
		if loads := u.idiom.downloads(); m[1] == "download" && n < len(loads) {
			i.bury(u, loads[n], d.Message)
			return gaveUpOne
		}
	}
	if diag.Allowable(d.Code) {
		return gaveUpNothing
	}
	for _, l := range u.idiom.alive() {
		if (l.target != "" || l.load != nil) && !ownWords().MatchString(d.Path) {
			i.bury(u, l, d.Message)
			return gaveUpOne
		}
	}
	i.asItWas(u, u.lineOfPath(d.Path), d.Message)
	return gaveUpOne
}

// giveUpReady takes back a readiness, and all that waits for it.
func (i *importer) giveUpReady(key, reason string) (found bool) {
	for _, u := range i.units {
		for _, l := range u.idiom.alive() {
			if l.wait != nil && tomlKey(l.target) == key && l.dead == "" {
				i.bury(u, l, reason)
				found = true
			}
		}
	}
	return found
}

// giveUpAll takes back everything, when the stack as a whole is refused.
func (i *importer) giveUpAll(reason string) gaveUp {
	found := false
	for _, u := range i.units {
		if u.idiom != nil {
			i.asItWas(u, 0, reason)
			found = true
		}
	}
	i.roles, i.ready, i.outside = nil, nil, nil
	if !found {
		return gaveUpNothing
	}
	return gaveUpMany
}

// ownWords is the path of a directive: what systemd's words say has nothing to do
// with a lift, but a text may have it.
var ownWords = pattern.New(`\.[A-Z][A-Za-z-]*\.[A-Za-z]`)

var providerPath = pattern.New(`^(?:unit|host)\.(.+)\.(?:ready|port)\b`)

// bury gives up one lift, and with it those that take the same lines.
func (i *importer) bury(u *unit, l *lift, reason string) {
	l.dead = reason
	i.leave(u, u.firstLine(l), "%s: %s", l.about(), reason)
	for _, other := range u.idiom.alive() {
		if other.value == nil && slices.ContainsFunc(other.lines, func(n int) bool { return slices.Contains(l.lines, n) }) {
			other.dead = reason
		}
	}
}

// firstLine is the line of the file on which a lift begins, 0 for the whole unit.
func (u *unit) firstLine(l *lift) int {
	if len(l.lines) == 0 {
		return 0
	}
	return u.parsed.Lines[slices.Min(l.lines)].Line
}

// about names what a lift is about, for what is left.
func (l *lift) about() string {
	switch {
	case l.wait != nil:
		return "the loop that waits for " + l.wait.String()
	case l.load != nil:
		return "the download of " + l.load.to
	case l.target != "":
		return fmt.Sprintf("after = [%s]", quote(l.target))
	}
	return l.word
}

// asItWas writes a unit as without --idiomatic, because of that line, 0 for none in particular.
func (i *importer) asItWas(u *unit, line int, reason string) {
	if u.idiom = nil; !u.tables {
		i.keepText(u, line, reason)
		return
	}
	i.leave(u, line, "it is written as it is: %s", reason)
	i.left[len(i.left)-1].asItWas = true
}

// lifted lists what was changed, in the order of files and lines.
func (i *importer) lifted() (list []Lift) {
	for _, u := range i.units {
		for _, l := range u.idiom.alive() {
			list = append(list, Lift{
				Unit: u.name, Place: u.spanOfLine(u.firstLine(l)), Word: l.word, Message: l.message,
				Removed: l.removed, Added: l.added,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b Lift) int { return byPlace(a.Place, b.Place) })
	return list
}

func byPlace(a, b source.Span) int {
	return cmp.Or(cmp.Compare(a.File().Name(), b.File().Name()), cmp.Compare(a.Start(), b.Start()))
}
