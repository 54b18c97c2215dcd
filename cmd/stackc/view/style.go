// Package view writes what a person sees: plans, differences, progress and tables,
// as text from values. It has no streams, no clock and no terminal. All text
// comes with colours; whoever writes it takes out those that are not wanted.
package view

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/stackc/stackc/fleet"
)

func strong(s string) string { return ansi.NewStyle().Bold().Styled(s) }
func faint(s string) string  { return ansi.NewStyle().Faint().Styled(s) }

func good(s string) string { return ansi.NewStyle().ForegroundColor(ansi.Green).Styled(s) }
func bad(s string) string  { return ansi.NewStyle().Bold().ForegroundColor(ansi.Red).Styled(s) }
func gone(s string) string { return ansi.NewStyle().ForegroundColor(ansi.Red).Styled(s) }
func wary(s string) string { return ansi.NewStyle().ForegroundColor(ansi.Yellow).Styled(s) }
func busy(s string) string { return ansi.NewStyle().ForegroundColor(ansi.Cyan).Styled(s) }

// Error writes an error as it stands at the end of a run, with what to do about
// it unless help is "".
func Error(message, help string) string {
	text := bad("error:") + " " + clean(message) + "\n"
	if help != "" {
		text += strong(" help:") + " " + clean(help) + "\n"
	}
	return text
}

// Warning writes a remark that does not stop anything, folded to width unless that is 0.
func Warning(w fleet.Warning, width int) string {
	text := w.Text
	if w.Unit != "" {
		text = string(w.Unit) + ": " + text
	}
	return columns("", [][]string{{wary("warning:") + " " + clean(text)}}, width)
}

// clean takes out what a terminal would obey: a cluster may hold units with any
// text in them. Newlines stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// columns aligns the cells of rows, two blanks apart; the last cell of a row is not
// padded. With a width, last cells that are too long go on in the line below.
func columns(indent string, rows [][]string, width int) string {
	widths := widthsOf(rows)
	var b strings.Builder
	for _, row := range rows {
		for _, part := range folded(row, widths, width-len(indent)) {
			b.WriteString(indent + line(part, widths) + "\n")
		}
	}
	return b.String()
}

func widthsOf(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	return widths
}

// widest is the number of columns of the longest line.
func widest(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n = max(n, ansi.StringWidth(strings.TrimSuffix(line, "\n")))
	}
	return n
}

// narrow is the least number of columns that is worth folding to.
const narrow = 24

// folded cuts the last cell of a row into several rows, the other cells of which
// are empty.
func folded(row []string, widths []int, width int) [][]string {
	last := len(row) - 1
	for _, w := range widths[:last] {
		width -= w + 2
	}
	if width < narrow || ansi.StringWidth(row[last]) <= width {
		return [][]string{row}
	}
	var parts [][]string
	for _, text := range wrapped(row[last], width) {
		part := make([]string, len(row))
		if len(parts) == 0 {
			copy(part, row)
		}
		part[last] = text
		parts = append(parts, part)
	}
	return parts
}

// wrapped cuts text into lines of at most width columns, at blanks only: names and
// addresses must stay whole, hyphens or not, and one that is longer stands alone.
func wrapped(text string, width int) []string {
	var lines []string
	for word := range strings.SplitSeq(text, " ") {
		n := len(lines)
		if n > 0 && ansi.StringWidth(lines[n-1])+1+ansi.StringWidth(word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

func line(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)+2))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// head is the first row of a table.
func head(cells ...string) []string {
	for i := range cells {
		cells[i] = strong(cells[i])
	}
	return cells
}
