package diag

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/source"
)

// Style is how the rich form looks. The zero Style is plain text; whether there
// is colour is the caller's decision.
type Style struct {
	// Escape sequences, "" for none. Reset ends each of the others.
	Error, Warning, Strong, Faint, Reset string
	// Width is how many columns a source line may take, its number included: what
	// does not fit is left out around the marked place. 0 stands for 120, and
	// less than 40 for 40. Messages are never cut.
	Width int
}

// Colour is the style for a terminal that shows colours.
func Colour(width int) Style {
	return Style{Error: "\x1b[1;31m", Warning: "\x1b[1;33m", Strong: "\x1b[1m", Faint: "\x1b[2m", Reset: "\x1b[0m", Width: width}
}

func (s Style) paint(escape, text string) string {
	if escape == "" {
		return text
	}
	return escape + text + s.Reset
}

func (s Style) severity(v Severity) string {
	if v == Error {
		return s.Error
	}
	return s.Warning
}

// Rich gives each finding with its source line and carets under the place:
//
//	error[unknown-unit]: "databse" is neither a unit of the stack nor a host entry
//	  --> shop.toml:14:10  unit.web.after[0]
//	   |
//	14 | after = ["databse", "cache"]
//	   |          ^^^^^^^^^
//	  help: did you mean "database"?
func Rich(l List, s Style) string {
	var b strings.Builder
	for i, d := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		r := richWriter{style: s, gutter: gutterOf(d)}
		r.finding(d)
		b.WriteString(r.out.String())
	}
	return b.String()
}

// gutterOf returns the width of the widest line number that a finding shows.
func gutterOf(d Diagnostic) int {
	width := len(strconv.Itoa(d.Span.Position().Line))
	for _, n := range d.Notes {
		width = max(width, len(strconv.Itoa(n.Span.Position().Line)))
	}
	return width
}

type richWriter struct {
	style  Style
	gutter int
	out    strings.Builder
}

func (r *richWriter) finding(d Diagnostic) {
	head := fmt.Sprintf("%s[%s]", d.Severity, d.Code)
	fmt.Fprintf(&r.out, "%s%s\n", r.style.paint(r.style.severity(d.Severity), head), r.style.paint(r.style.Strong, ": "+r.text(d.Message)))
	r.place(d.Span, d.Path)
	if !d.Span.IsZero() {
		r.snippet(d.Span, '^', r.style.severity(d.Severity))
	}
	for _, n := range d.Notes {
		r.note(d, n)
	}
	if d.Help != "" {
		fmt.Fprintf(&r.out, "%s %s\n", r.style.paint(r.style.Strong, r.indent()+"help:"), r.text(d.Help))
	}
}

func (r *richWriter) indent() string { return strings.Repeat(" ", r.gutter) }

// text gives what a person wrote, and may hold what the file holds, so that it
// neither moves the cursor nor leaves its column.
func (r *richWriter) text(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	return strings.Join(lines, "\n"+r.indent()+"  ")
}

// place shows where a finding stands: in a file, in the stack, or both.
func (r *richWriter) place(span source.Span, path string) {
	if span.IsZero() && path == "" {
		return
	}
	r.out.WriteString(r.indent() + "-->")
	if !span.IsZero() {
		r.out.WriteString(" " + visible(span.String()) + strings.Repeat(" ", min(len(path), 1)))
	}
	if path != "" {
		r.out.WriteString(" " + r.style.paint(r.style.Faint, visible(path)))
	}
	r.out.WriteByte('\n')
}

// note shows a remark, and the line it is about unless the finding shows that already.
func (r *richWriter) note(d Diagnostic, n Note) {
	label := r.style.paint(r.style.Strong, r.indent()+"note:")
	if n.Span.IsZero() {
		fmt.Fprintf(&r.out, "%s %s\n", label, r.text(n.Message))
		return
	}
	fmt.Fprintf(&r.out, "%s %s (%s)\n", label, r.text(n.Message), visible(n.Span.String()))
	if n.Span.File() != d.Span.File() || n.Span.Position().Line != d.Span.Position().Line {
		r.snippet(n.Span, '-', r.style.Faint)
	}
}

// snippet shows the first line of a span with marks under it.
func (r *richWriter) snippet(span source.Span, mark byte, colour string) {
	number := span.Position().Line
	text := span.File().Line(number)
	from := span.Start() - strings.LastIndexByte(span.File().Text()[:span.Start()], '\n') - 1
	l := newLine(text, from, from+span.End()-span.Start())
	shown, column, width := l.window(r.columns() - r.gutter - len(" | "))
	r.out.WriteString(r.style.paint(r.style.Faint, r.indent()+" |") + "\n")
	r.out.WriteString(strings.TrimRight(r.style.paint(r.style.Faint, fmt.Sprintf("%*d |", r.gutter, number))+" "+shown, " ") + "\n")
	marks := r.style.paint(colour, strings.Repeat(string(mark), width))
	r.out.WriteString(r.style.paint(r.style.Faint, r.indent()+" |") + " " + strings.Repeat(" ", column) + marks + "\n")
}

func (r *richWriter) columns() int {
	if r.style.Width == 0 {
		return 120
	}
	return max(r.style.Width, 40)
}
