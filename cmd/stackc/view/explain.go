package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/stackc/stackc/units"
)

// Place is where something stands: in a file, or in a flag such as --set. Its
// names in JSON are stable, as are those of all that the commands explain and
// params print; names may be added.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Via is the chain of `use` that brought the file into the stack, the nearest
	// first; it is empty for the stack file itself and for overlays.
	Via []Using `json:"via,omitempty"`
}

// Using is one `use` entry.
type Using struct {
	Library string `json:"library"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
}

// String gives "file:line:column", or the flag.
func (p Place) String() string {
	if strings.HasPrefix(p.File, "--") {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func (u Using) String() string {
	return fmt.Sprintf("%q, used at %s:%d:%d", u.Library, u.File, u.Line, u.Column)
}

// Explanation tells of every line of one unit where it comes from, why it is
// there, and what is done with it.
type Explanation struct {
	Unit units.Name `json:"unit"`
	// Key is what the stack file calls it.
	Key     string      `json:"key"`
	From    Place       `json:"from"`
	Desired units.State `json:"desired"`
	Hash    string      `json:"hash"`
	// Instances are all units of the same key, when there are several.
	Instances []units.Name    `json:"instances,omitempty"`
	Lines     []ExplainedLine `json:"lines"`
}

// ExplainedLine is one line of a unit.
type ExplainedLine struct {
	Section string `json:"section"`
	Name    string `json:"name"`
	Value   string `json:"value"`
	// Summary says in a few words what a command of the compiler does, "" for
	// every other line.
	Summary string `json:"summary,omitempty"`
	Waits   *Wait  `json:"waits,omitempty"`
	// Path is the logical place that gave the line: "unit.web.after[0]".
	Path string `json:"path"`
	From Place  `json:"from"`
	// Rule is why the compiler made the line, "" for one that stands so in the file.
	Rule string `json:"rule,omitempty"`
	// SameMachine says for a line of `after` whether both ends are certainly on one
	// machine, and Reason why, or why not.
	SameMachine *bool  `json:"same_machine,omitempty"`
	Reason      string `json:"reason,omitempty"`
	// Params are the parameters that were put in.
	Params []ParamUse `json:"params,omitempty"`
	// Effects are what fleet and systemd do with the line.
	Effects []string `json:"effects"`
}

// Wait is what a waiter holds out for.
type Wait struct {
	Subject string     `json:"subject"`
	Probe   string     `json:"probe"`
	Unit    units.Name `json:"unit,omitempty"`
}

// ParamUse is a parameter that was put into a line.
type ParamUse struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	From  Place  `json:"from"`
}

// Explain writes a unit line by line. The commands of the compiler are named by
// what they do unless full is asked for. Lines are folded to width, never when
// it is 0.
func Explain(x Explanation, full bool, width int) string {
	var b strings.Builder
	b.WriteString(explainedHead(x) + "\n")
	section := ""
	for i := 0; i < len(x.Lines); {
		n := together(x.Lines[i:])
		if s := x.Lines[i].Section; s != section {
			b.WriteString("\n" + strong("["+clean(s)+"]") + "\n")
			section = s
		}
		for _, l := range x.Lines[i : i+n] {
			b.WriteString(hanging(lineText(l, full), "    ", width))
		}
		b.WriteString(columns("  ", factRows(x.Lines[i:i+n], x.From.Via), width))
		i += n
	}
	return b.String()
}

func explainedHead(x Explanation) string {
	text := fmt.Sprintf("%s: unit %q of %s, %s, %s", strong(clean(string(x.Unit))), clean(x.Key), clean(x.From.String()), x.Desired, count(len(x.Lines), "line"))
	for _, u := range x.From.Via {
		text += "\n  via    " + clean(u.String())
	}
	if n := len(x.Instances); n > 1 {
		text += fmt.Sprintf("\n  one of %d instances, beside %s", n, clean(shortNames(x.Instances, x.Unit)))
	}
	return text
}

func shortNames(names []units.Name, but units.Name) string {
	var others []string
	for _, n := range names {
		if n != but {
			others = append(others, string(n))
		}
	}
	return shortList(others, 3)
}

// together counts the lines at the beginning of list that one word of the stack
// file gave by one rule, such as Wants= and After=. They are told of once.
func together(list []ExplainedLine) int {
	first := list[0]
	n := 1
	for n < len(list) && first.Rule != "" && list[n].Rule == first.Rule && list[n].Path == first.Path &&
		list[n].Section == first.Section && list[n].From.String() == first.From.String() {
		n++
	}
	return n
}

func lineText(l ExplainedLine, full bool) string {
	if l.Summary != "" && !full {
		return strong(clean(l.Name)+"=") + busy("("+clean(l.Summary)+")")
	}
	return strong(clean(l.Name)+"=") + clean(l.Value)
}

// hanging folds text to width at its blanks, with indent before every line but
// the first. A command line is never parted within a word.
func hanging(text, indent string, width int) string {
	if width < narrow || ansi.StringWidth(text) <= width {
		return text + "\n"
	}
	var b strings.Builder
	used := 0
	for i, word := range strings.Split(text, " ") {
		n := ansi.StringWidth(word)
		switch {
		case i == 0:
		case used+1+n > width:
			b.WriteString("\n" + indent)
			used = len(indent)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String() + "\n"
}

// factRows tells where the lines come from, why, with which parameters, and what
// is done with them. The chain of `use` is left out where it is that of the unit.
func factRows(lines []ExplainedLine, usual []Using) [][]string {
	l := lines[0]
	rows := [][]string{{faint("from"), clean(l.From.String()) + "  " + faint(clean(l.Path))}}
	if !slices.Equal(l.From.Via, usual) {
		for _, u := range l.From.Via {
			rows = append(rows, []string{faint("via"), clean(u.String())})
		}
	}
	if l.Rule != "" {
		rows = append(rows, []string{faint("why"), clean(because(l))})
	}
	for _, p := range l.Params {
		rows = append(rows, []string{faint("with"), clean(fmt.Sprintf("%s = %s, from %s", p.Name, literal(p.Value), p.From))})
	}
	var told []string
	for _, l := range lines {
		for _, e := range l.Effects {
			if !slices.Contains(told, e) {
				told = append(told, e)
				rows = append(rows, []string{faint("does"), clean(e)})
			}
		}
	}
	return rows
}

// because gives the rule of a line and, for an edge, its reason.
func because(l ExplainedLine) string {
	switch {
	case l.SameMachine == nil:
		return l.Rule
	case *l.SameMachine:
		return l.Rule + ", on the same machine: " + l.Reason
	}
	return l.Rule + " alone, as systemd orders units of one machine only: " + l.Reason
}

// ExplainedUnit is one unit in the list of all.
type ExplainedUnit struct {
	Unit units.Name `json:"unit"`
	Key  string     `json:"key"`
	From Place      `json:"from"`
	// RunsOn says which machines fleet may choose.
	RunsOn string `json:"runs_on"`
	// WaitsFor names what its waiters hold out for.
	WaitsFor []string `json:"waits_for"`
	Lines    int      `json:"lines"`
}

// ExplainList writes a line for each unit. Where width does not hold the places
// as well they are left out, and what does not fit then either goes below.
func ExplainList(list []ExplainedUnit, width int) string {
	rows := [][]string{head("UNIT", "LINES", "FROM", "RUNS ON", "WAITS FOR")}
	for _, u := range list {
		rows = append(rows, []string{
			clean(string(u.Unit)), fmt.Sprint(u.Lines), clean(u.From.String()), clean(u.RunsOn), clean(orDash(strings.Join(u.WaitsFor, ", "))),
		})
	}
	if !fits(rows, 0, width) {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 1, 3)
		}
	}
	if fits(rows, 0, width) {
		return columns("", rows, width)
	}
	short := make([][]string, len(rows))
	for i, row := range rows {
		short[i] = row[:2]
	}
	beside := widest(columns("", short, 0)) <= width
	for i, row := range rows[1:] {
		waits := ""
		if len(list[i].WaitsFor) > 0 {
			waits = "waits for " + row[2]
		}
		switch {
		case beside:
			rows[i+1][2] = waits
		case waits != "":
			rows[i+1] = []string{row[0], row[1] + "; " + waits}
		default:
			rows[i+1] = row[:2]
		}
	}
	if !beside {
		rows[0] = rows[0][:2]
	}
	return lastBelow("", rows, width)
}

// fits reports whether a table behind so much indent leaves enough of width to its
// last column, or all that it needs; width 0 holds all.
func fits(rows [][]string, indent, width int) bool {
	if width == 0 {
		return true
	}
	width -= indent
	widths := widthsOf(rows)
	last := len(widths) - 1
	for _, w := range widths[:last] {
		width -= w + 2
	}
	return width >= min(narrow, widths[last])
}
