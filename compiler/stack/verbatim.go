package stack

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// Verbatim is a unit that is given as the text of its unit file. The compiler
// adds nothing to it and moves nothing in it.
type Verbatim struct {
	Pos Pos
	// Lines are the unit's options as fleet reads them from the text, in the order
	// of the text; a continued value has its backslashes and newlines in it.
	Lines []VerbatimLine
}

// VerbatimLine is one option of a text, with its place.
type VerbatimLine struct {
	units.Option
	Pos Pos
}

// Options returns the options of the text without their places.
func (v *Verbatim) Options() []units.Option {
	options := make([]units.Option, len(v.Lines))
	for i, l := range v.Lines {
		options[i] = l.Option
	}
	return options
}

// verbatim reads `text = ”'…”'`. It takes the place of what an earlier layer
// says of the unit, but for the words that may stand beside it.
func (d *decoder) verbatim(u *Unit, v *syntax.Value) {
	*u = Unit{
		Key: u.Key, Pos: u.Pos, Name: u.Name, Ready: u.Ready, Port: u.Port, Ports: u.Ports, Listen: u.Listen, Announce: u.Announce,
		State: u.State, Update: u.Update, Release: u.Release, Allow: u.Allow, Verbatim: &Verbatim{Pos: d.pos(v.Span)},
	}
	if v.Kind != syntax.String {
		d.want(v, "the text of a unit file")
		return
	}
	options, err := units.ParseAsFleet(v.Str)
	switch {
	case err != nil:
		d.errorf(diag.UnitText, v.Span, "%s", err).help("fleet would answer with the same; write each continued line with a \\ at its very end, and each option on a line with =")
		return
	case len(options) == 0:
		d.errorf(diag.UnitText, v.Span, "there is no option in the text, and fleet takes no empty unit")
		return
	}
	if !d.settled(v, options) {
		return
	}
	t := unitText{d: d, value: v, starts: lineStarts(v.Str)}
	t.read()
	u.Sections = t.sections()
	u.Verbatim.Lines = t.lines(options)
	t.differences(options)
}

// settled reports whether fleet keeps a text. When it does not, which is a
// finding, then what it reads of what it has written itself is another unit, and
// no submit would ever be the last.
func (d *decoder) settled(v *syntax.Value, options []units.Option) bool {
	again, err := units.ParseAsFleet(units.Unit{Options: options}.Text())
	if err == nil && units.Equal(options, again) {
		return true
	}
	d.errorf(diag.UnitText, v.Span, "fleet does not keep this text: what it reads of it, written by fleet, is another unit").
		help("write each value on one line, or end each line but the last of it in a \\ with nothing behind it")
	return false
}

// besideText reports keys that stand beside a text and would change it.
func (d *decoder) besideText(u *Unit, t *syntax.Table) {
	if u.Verbatim == nil {
		return
	}
	for _, e := range t.Entries {
		changes := func(w keyword[Unit]) bool { return w.Name == e.Key && !w.BesideText }
		if isSection(e.Key) || slices.ContainsFunc(unitWords, changes) {
			d.at(e.Key).errorf(diag.BadValue, e.KeySpan, "%q cannot stand beside text, to which the compiler adds nothing", e.Key).
				note(u.Verbatim.Pos.Span, "the text").help("say it in the text in systemd's and fleet's words, or write the unit in tables")
		}
	}
}

// unitText is the text of a unit on its way to options and sections.
type unitText struct {
	d      *decoder
	value  *syntax.Value
	starts []int // offset of each line, as systemd counts lines
	file   *units.File
}

// read parses the text by systemd's rules, and warns of what systemd passes over.
func (t *unitText) read() {
	file, faults := units.Parse(t.value.Str)
	t.file = file
	for _, f := range faults {
		start := t.starts[f.Line-1] + f.Column - 1
		t.d.report(diag.Warning, diag.UnitText, t.value.Sub(start, start+len(firstLine(t.value.Str[start:]))), "%s", f.Reason)
	}
}

func firstLine(s string) string {
	if i := strings.IndexAny(s, "\n\r\x00"); i >= 0 {
		s = s[:i]
	}
	return s
}

// lineStarts returns the offsets at which the lines of a unit file begin. They
// end with LF, CR, NUL, or both LF and CR in either order (systemd's read_line).
func lineStarts(s string) []int {
	starts := []int{0}
	for i := 0; i < len(s); i++ {
		if s[i] != '\n' && s[i] != '\r' && s[i] != 0 {
			continue
		}
		if i+1 < len(s) && s[i] != 0 && s[i]+s[i+1] == '\n'+'\r' {
			i++
		}
		starts = append(starts, i+1)
	}
	return starts
}

// sections gives the text the form in which rules look at units: by section and
// directive, each value as systemd reads it.
func (t *unitText) sections() []*Section {
	holder := &Unit{}
	for _, l := range t.file.Lines {
		pos := t.pos(t.name(l))
		s := holder.Section(l.Section)
		if s == nil {
			s = &Section{Name: l.Section, Pos: pos}
			holder.Sections = append(holder.Sections, s)
		}
		dir := holder.Directive(l.Section, l.Name)
		if dir == nil {
			dir = &Directive{Name: l.Name, Pos: pos}
			s.Directives = append(s.Directives, dir)
		}
		dir.Values = append(dir.Values, t.text(l))
	}
	return holder.Sections
}

func (t *unitText) pos(span source.Span) Pos { return t.d.pos(span) }

// name is the place of an option's name.
func (t *unitText) name(l units.Line) source.Span {
	start := t.starts[l.Line-1] + l.Column - 1
	return t.value.Sub(start, start+len(l.Name))
}

// text is the value of a line, each piece of it with its place.
func (t *unitText) text(l units.Line) Text {
	parts, whole := t.pieces(l)
	start := t.starts[l.Line-1] + l.ValueColumn - 1
	end := start
	for _, p := range parts {
		if p.verbatim {
			end = p.at + len(p.text)
		}
	}
	span := t.value.Sub(start, end)
	if whole != l.Value || start == end {
		return plainText(t.pos(t.name(l)), nil, l.Value)
	}
	return Text{Pos: t.pos(span), value: t.value, given: true, parts: parts}
}

// pieces cuts a value at its continuations, where systemd puts a blank. whole is
// what they make together.
func (t *unitText) pieces(l units.Line) (parts []part, whole string) {
	for n := l.Line; n <= l.End; n++ {
		at := t.starts[n-1]
		if n == l.Line {
			at += l.ValueColumn - 1
		}
		line := firstLine(t.value.Str[min(at, len(t.value.Str)):])
		if s := strings.TrimLeft(line, " \t"); n > l.Line && s != "" && (s[0] == '#' || s[0] == ';') {
			continue
		}
		more := n < l.End
		if more {
			line = strings.TrimSuffix(line, `\`)
		}
		if whole == "" {
			bare := strings.TrimLeft(line, " \t")
			at, line = at+len(line)-len(bare), bare
		}
		parts = append(parts, part{text: line, verbatim: true, at: at})
		whole += line
		if more && whole != "" {
			parts = append(parts, part{text: " ", at: at + len(line), until: at + len(line) + 1})
			whole += " "
		}
	}
	return trimmed(parts, whole, l.Value)
}

// trimmed takes the blanks behind a value off its last pieces.
func trimmed(parts []part, whole, value string) ([]part, string) {
	if !strings.HasPrefix(whole, value) {
		return parts, whole
	}
	for extra := len(whole) - len(value); extra > 0 && len(parts) > 0; {
		last := &parts[len(parts)-1]
		cut := min(extra, len(last.text))
		last.text = last.text[:len(last.text)-cut]
		extra -= cut
		if last.text == "" {
			parts = parts[:len(parts)-1]
		}
	}
	return parts, value
}

// lines gives each option that fleet reads the place where systemd reads one of
// that name, in order; an option that systemd does not see has that of the text.
func (t *unitText) lines(options []units.Option) []VerbatimLine {
	list := make([]VerbatimLine, len(options))
	next := 0
	for i, o := range options {
		list[i] = VerbatimLine{Option: o, Pos: t.pos(t.value.Span)}
		j := slices.IndexFunc(t.file.Lines[next:], func(l units.Line) bool { return l.Section == o.Section && l.Name == o.Name })
		if j >= 0 {
			next += j
			list[i].Pos = t.text(t.file.Lines[next]).Pos
			next++
		}
	}
	return list
}

// differences warns where systemd reads something else in the text than in what
// fleet makes of it. fleet's reader takes a comment that ends in a backslash
// together with the next line, and text before the first section for nothing
// (go-systemd unit/deserialize.go). How many blanks there are makes no difference.
func (t *unitText) differences(options []units.Option) {
	written, _ := units.Parse(units.Unit{Options: options}.Text())
	left := map[units.Option]int{}
	for _, l := range written.Lines {
		left[words(l.Option)]++
	}
	for _, l := range t.file.Lines {
		if left[words(l.Option)]--; left[words(l.Option)] < 0 {
			t.d.report(diag.Warning, diag.UnitText, t.name(l), "fleet loses or changes this %s=, which systemd reads from the file itself", l.Name).
				help("fleet takes what follows a comment that ends in \\ for a part of it, and ends a continued line at a comment or a carriage return")
		}
	}
	for _, l := range written.Lines {
		if left[words(l.Option)] > 0 {
			left[words(l.Option)] = 0
			t.d.report(diag.Warning, diag.UnitText, t.value.Span, "fleet makes [%s] %s=%s of this text, which systemd does not read from the file itself", l.Section, l.Name, l.Value)
		}
	}
}

// words is an option with one blank between the words of its value.
func words(o units.Option) units.Option {
	o.Value = strings.Join(strings.Fields(o.Value), " ")
	return o
}

// placeByText takes the placement of a unit from its text, so that it is known
// where it can be: as fleet reads it, losses included.
func (d *decoder) placeByText(u *Unit) {
	if u.Verbatim == nil {
		return
	}
	p, _ := units.ParsePlacement(u.Name, u.Verbatim.Options())
	word := func(key, value string) Word { return Word{Value: value, Pos: u.Verbatim.placed(key, value)} }
	u.Global = Flag{Set: p.Global, Pos: u.Verbatim.placed(units.KeyGlobal, "")}
	u.MachineID = word(units.KeyMachineID, p.MachineID)
	u.MachineOf, u.Conflicts, u.Metadata = nil, nil, nil
	for _, peer := range p.MachineOf {
		u.MachineOf = append(u.MachineOf, word(units.KeyMachineOf, peer))
	}
	for _, pattern := range p.Conflicts {
		u.Conflicts = append(u.Conflicts, word(units.KeyConflicts, pattern))
	}
	for _, key := range p.Metadata.Keys() {
		for _, value := range p.Metadata[key] {
			u.Metadata = append(u.Metadata, word(units.KeyMachineMetadata, key+"="+value))
		}
	}
}

// placed is where [X-Fleet] gives a value to a key, in its old spellings too.
func (v *Verbatim) placed(key, value string) Pos {
	pos := v.Pos
	for _, l := range v.Lines {
		if l.Section != units.FleetSection || !strings.HasSuffix(l.Name, key) {
			continue
		}
		if pos = l.Pos; strings.Contains(l.Value, value) {
			break
		}
	}
	return pos
}
