package stack

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// isSection tells systemd's words from stackc's: they begin with a capital letter.
func isSection(key string) bool { return key != "" && key[0] >= 'A' && key[0] <= 'Z' }

// lowerSection returns the section that a lower-case key was probably meant to be,
// "" for none: one but for its case, or a table that is named almost so.
func lowerSection(e *syntax.Entry) string {
	title := strings.ToUpper(e.Key[:min(1, len(e.Key))]) + e.Key[min(1, len(e.Key)):]
	if e.Value.Kind != syntax.KindTable {
		title = e.Key
	} else if _, ok := suggestion(e.Key, UnitWords()); !ok && !slices.Contains(knownSections(), title) {
		title, _ = suggestion(e.Key, knownSections())
	}
	if slices.Contains(knownSections(), title) {
		return title
	}
	return ""
}

// knownSections are the sections that a unit of a type fleet accepts can have.
func knownSections() []string {
	return []string{"Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Install", "X-Fleet"}
}

// section reads one raw section over what the unit holds of it.
func (d *decoder) section(u *Unit, e *syntax.Entry) {
	if !slices.Contains(knownSections(), e.Key) && !strings.HasPrefix(e.Key, "X-") {
		u.Unread = true
		d.errorf(diag.UnknownSection, e.KeySpan, "no unit type that fleet takes has a section %q", e.Key).
			suggest(e.Key, knownSections()).orHelp("the sections are %s, and any that begins with X-", oneOf(knownSections()))
		if meant, ok := suggestion(e.Key, units.Sections(units.Name(units.Complete(u.Key)).Type())); ok {
			right := *e
			right.Key = meant
			d.section(u, &right)
		}
		return
	}
	t := d.table(e.Value, "a table of directives")
	if t == nil {
		u.Unread = true
		return
	}
	s := u.Section(e.Key)
	if s == nil {
		s = &Section{Name: e.Key, Pos: d.pos(e.KeySpan)}
		u.Sections = append(u.Sections, s)
	}
	for _, entry := range t.Entries {
		d.at(entry.Key).directive(s, entry)
	}
}
