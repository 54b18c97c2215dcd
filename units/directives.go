package units

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// directivesTable has a line for each directive of systemd 208 to 256, drawn from
// systemd's own parser tables: section, key, the function that parses it, the first
// version that has it (empty: 208 or before), the last (empty: it is still there)
// and the version from which it is accepted without effect.
//
//go:embed directives.tsv
var directivesTable string

// Directive is what is known of one systemd directive.
type Directive struct {
	Section, Key string
	// Kind is what its value is.
	Kind Kind
	// Many is whether further assignments add to it; otherwise the last one wins.
	Many bool
	// Since is the first systemd version that has it, 0 for 208 or older.
	Since int
	// LastIn is the last version that has it, 0 while it is still there.
	LastIn int
	// IgnoredSince is the version from which it has no effect, 0 for none.
	IgnoredSince int

	parser string
}

// In reports whether a systemd of that version knows the directive and heeds it.
func (d Directive) In(version int) bool {
	return version >= d.Since && (d.LastIn == 0 || version <= d.LastIn) &&
		(d.IgnoredSince == 0 || version < d.IgnoredSince)
}

type directiveKey struct{ section, key string }

type directiveTable struct {
	byKey map[directiveKey]Directive
	// keys are the names of each section, sorted.
	keys map[string][]string
}

// directives is read on first use, not at start.
var directives = sync.OnceValue(func() directiveTable { return readDirectives(directivesTable) })

func readDirectives(text string) directiveTable {
	t := directiveTable{byKey: make(map[directiveKey]Directive, 1500), keys: make(map[string][]string)}
	for line := range strings.Lines(text) {
		var field [6]string
		rest := strings.TrimSuffix(line, "\n")
		for i := range field {
			field[i], rest, _ = strings.Cut(rest, "\t")
		}
		d := Directive{Section: field[0], Key: field[1], parser: field[2]}
		d.Since, _ = strconv.Atoi(field[3])
		d.LastIn, _ = strconv.Atoi(field[4])
		d.IgnoredSince, _ = strconv.Atoi(field[5])
		d.Kind, d.Many = kindOf(d.parser)
		t.byKey[directiveKey{d.Section, d.Key}] = d
		t.keys[d.Section] = append(t.keys[d.Section], d.Key)
	}
	for _, keys := range t.keys {
		slices.Sort(keys)
	}
	return t
}

// LookupDirective returns what is known of a directive. Sections and keys are
// case-sensitive. [X-Fleet] and other X- sections are not systemd's, see [Extension].
func LookupDirective(section, key string) (Directive, bool) {
	d, ok := directives().byKey[directiveKey{section, key}]
	return d, ok
}

// Extension reports whether systemd passes over the option on purpose: everything
// in a section that begins with "X-", and every key that does.
func Extension(section, key string) bool {
	return strings.HasPrefix(section, "X-") || strings.HasPrefix(key, "X-")
}

// Sections lists the sections that systemd reads in a unit of type t.
func Sections(t Type) []string {
	sections := []string{"Unit"}
	if own := ownSection(t); own != "" {
		sections = append(sections, own)
	}
	return append(sections, "Install")
}

// ownSection is the section named after the unit type, "" for those without one.
func ownSection(t Type) string {
	switch t {
	case TypeService, TypeSocket, TypeTimer, TypePath, TypeMount, TypeAutomount, TypeSwap, TypeSlice, TypeScope:
		return strings.ToUpper(string(t[:1])) + string(t[1:])
	}
	return ""
}

// Suggestion is what somebody may have meant by a directive that does not exist.
// The zero Suggestion is none.
type Suggestion struct {
	Section, Key string
	// Moved is whether it belongs in another section than where it stands.
	Moved bool
}

// suggestible are the sections to look in besides the one written, in the order
// of preference: many directives are in several of them.
var suggestible = [...]string{"Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Install", FleetSection}

// sectionKeys are the names a section may have, [X-Fleet] included.
func sectionKeys(section string) []string {
	if section == FleetSection {
		return placementKeys[:]
	}
	return directives().keys[section]
}

// SuggestDirective guesses what was meant by an unknown key of a section: the
// very key in another section ("Restart= belongs in [Service]"), else one spelled
// much like it in the same section, else in another.
func SuggestDirective(section, key string) Suggestion {
	for _, other := range suggestible {
		if other != section && slices.Contains(sectionKeys(other), key) {
			return Suggestion{Section: other, Key: key, Moved: true}
		}
	}
	if near, ok := Suggest(key, sectionKeys(section)); ok {
		return Suggestion{Section: section, Key: near}
	}
	for _, other := range suggestible {
		if near, ok := Suggest(key, sectionKeys(other)); ok && other != section {
			return Suggestion{Section: other, Key: near, Moved: true}
		}
	}
	return Suggestion{}
}

// DirectiveKeys returns the names of all directives of a section, sorted.
func DirectiveKeys(section string) []string { return slices.Clone(directives().keys[section]) }
