package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// unit is one unit on its way into the stack.
type unit struct {
	file   File
	source *source.File
	name   units.Name
	key    string

	// want is what the unit must compile to: the options that fleet holds of it.
	want []units.Option
	// text is a unit file that fleet reads as want, as near to the file as can be, and
	// lines the line of the file that each line of it comes from.
	text  string
	lines []int
	// parsed is what systemd reads of the file.
	parsed *units.File

	// tables says that the unit is written in tables, and not as its text.
	tables bool
	words  []word // of its placement, when in tables
	idiom  *idiom // how stackc's words say it, nil when they do not
	allow  []string

	findings diag.List
}

func newUnit(f File) *unit {
	if f.State == "" {
		f.State = units.Launched
		if units.Name(f.Name).IsTemplate() {
			f.State = units.Inactive
		}
	}
	if f.in != nil {
		return &unit{file: f, source: f.in.file}
	}
	return &unit{file: f, source: source.NewFile(f.Path, f.Text)}
}

// verbatim reports whether the unit is written as its text.
func (u *unit) verbatim() bool { return !u.tables && u.idiom == nil }

// top is the place of the unit as a whole.
func (u *unit) top() source.Span {
	if u.file.in != nil {
		return u.file.in.place
	}
	return u.source.Span(0, 0)
}

// warn reports a thing about a line of the file, 0 for the file as a whole.
func (u *unit) warn(line int, format string, args ...any) {
	u.findings.Add(diag.Diagnostic{
		Severity: diag.Warning, Code: diag.UnitText, Span: u.span(line, 1, line, 1),
		Message: fmt.Sprintf(format, args...),
	})
}

// read finds what fleet holds of the unit. A reason says why it cannot be kept.
func (u *unit) read() (code diag.Code, reason string) {
	text := plainText(u.file.Text)
	parsed, _ := units.Parse(text)
	u.parsed = parsed
	u.want, reason = u.held()
	if reason != "" {
		return diag.UnitText, reason
	}
	for _, r := range units.CheckFleet(u.name, u.want) {
		switch r.Rule {
		case units.RuleEmpty:
			return diag.UnitText, "there is no option in it, and fleet takes no empty unit"
		case units.RuleCombination:
			return diag.PlacementConflict, r.Reason
		}
	}
	u.oldSpellings()
	u.chooseText(text)
	u.words, u.tables = u.placement()
	u.tables = u.tables && u.tabular()
	return "", ""
}

// oldSpellings tells of names that systemd still takes and no longer documents
// (load-fragment-gperf.gperf.in of version 252).
func (u *unit) oldSpellings() {
	for _, l := range u.parsed.Lines {
		if l.Section == "Unit" && l.Name == "BindTo" {
			u.findings.Add(diag.Diagnostic{
				Severity: diag.Warning, Code: diag.UnitText, Span: u.span(l.Line, l.Column, l.Line, l.Column+len(l.Name)),
				Message: "BindTo= is the old spelling of BindsTo=, which few know; systemd still takes it",
			})
		}
	}
}

// held returns the options that fleet holds once the file is submitted: as fleetctl
// reads it and JSON carries it, and as fleet reads again what it has written.
func (u *unit) held() (options []units.Option, reason string) {
	options, err := units.ParseAsFleet(u.file.Text)
	if err != nil {
		u.warn(0, "%s; it is imported as systemd reads it", err)
		options = u.parsed.Options()
	}
	carried := carry(options)
	if !slices.Equal(carried, options) {
		u.warn(0, "the file is not UTF-8; each byte that is not becomes U+FFFD, as when fleetctl sends it")
	}
	kept, err := settle(carried)
	switch {
	case err != nil:
		return nil, fmt.Sprintf("fleet could not read what it had written of it: %s", err)
	case kept == nil:
		return nil, "fleet never keeps it: each time it reads what it has written, it finds something else"
	case !units.Equal(kept, carried):
		u.warn(0, "fleet does not keep this file as it is written; it is imported as fleet holds it")
	}
	return kept, ""
}

// carry gives options as JSON carries them: a byte that is not UTF-8 becomes
// U+FFFD (encoding/json).
func carry(options []units.Option) []units.Option {
	list := make([]units.Option, len(options))
	for i, o := range options {
		list[i] = units.Option{Section: whole(o.Section), Name: whole(o.Name), Value: whole(o.Value)}
	}
	return list
}

func whole(s string) string { return string([]rune(s)) }

// tries bounds how often a text is written and read until it stays the same.
const tries = 10

// settle returns what remains of options when they are written and read again
// and again, nil when nothing does.
func settle(options []units.Option) ([]units.Option, error) {
	for range tries {
		again, err := units.ParseAsFleet(units.Unit{Options: options}.Text())
		if err != nil {
			return nil, err
		}
		if units.Equal(again, options) {
			return options, nil
		}
		options = again
	}
	return nil, nil
}

// plainText takes from a text what TOML cannot hold and no reader minds: carriage
// returns at the ends of lines, a byte order mark, bytes that are not UTF-8.
func plainText(s string) string {
	s = strings.ReplaceAll(strings.TrimPrefix(s, "\ufeff"), "\r\n", "\n")
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return whole(s)
}

// chooseText finds a text that fleet reads as it holds the unit: the file without
// blanks at the ends of its lines, the file, or what fleet writes.
func (u *unit) chooseText(text string) {
	for _, candidate := range []string{withoutTrailing(text), text} {
		if read, err := units.ParseAsFleet(candidate); err == nil && units.Equal(read, u.want) {
			u.text = candidate
			for n := range strings.Count(candidate, "\n") + 1 {
				u.lines = append(u.lines, n+1)
			}
			return
		}
	}
	u.text = units.Unit{Options: u.want}.Text()
	u.lines = u.origins()
}

func withoutTrailing(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Join(lines, "\n")
}

// origins tells for each line of what fleet writes which line of the file it comes
// from: the option of that name, counted in order.
func (u *unit) origins() []int {
	type option struct{ section, name string }
	places := map[option][]int{}
	for _, l := range u.parsed.Lines {
		key := option{l.Section, l.Name}
		places[key] = append(places[key], l.Line)
	}
	written, _ := units.Parse(u.text)
	lines := make([]int, strings.Count(u.text, "\n")+1)
	for i := range lines {
		lines[i] = 1
	}
	for _, l := range written.Lines {
		key := option{l.Section, l.Name}
		if len(places[key]) == 0 {
			continue
		}
		for n := l.Line; n <= l.End && n <= len(lines); n++ {
			lines[n-1] = places[key][0] + n - l.Line
		}
		places[key] = places[key][1:]
	}
	return lines
}
