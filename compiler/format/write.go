package format

import (
	"strings"
	"unicode/utf8"
)

// Beyond these widths, counted in characters, a line is not aligned with its
// neighbours: one long key or value would push all others to the right.
const (
	widestKey  = 40
	widestText = 72
)

// row is one line of the output; a multi-line string within it keeps its own lines.
type row struct {
	text  string
	note  string
	depth int  // how many arrays are open around it
	fence bool // nothing before it is aligned with anything behind it
}

// writer makes rows of items.
type writer struct {
	rows  []row
	line  strings.Builder // the row that is being written
	depth int
}

// end finishes the row at hand.
func (w *writer) end(note string) {
	w.rows = append(w.rows, row{text: w.line.String(), note: note, depth: w.depth})
	w.line.Reset()
}

// lines writes a whole file.
func (w *writer) lines(list []item) {
	for i := 0; i < len(list); {
		n := block(list[i:])
		column := keyColumn(list[i : i+n])
		for _, it := range list[i : i+n] {
			w.statement(it, column)
		}
		i += n
	}
}

// block counts the items up to the next blank line or header; either is a block of its own.
func block(list []item) int {
	for i, it := range list {
		if it.kind == blank || it.kind == header {
			return max(i, 1)
		}
	}
	return len(list)
}

// keyColumn is the width of the widest key.
func keyColumn(list []item) int {
	column := 0
	for _, it := range list {
		if width := utf8.RuneCountInString(it.text); it.kind == entry && width <= widestKey {
			column = max(column, width)
		}
	}
	return column
}

func (w *writer) statement(it item, column int) {
	w.line.WriteString(it.text)
	if it.kind == entry {
		w.line.WriteString(strings.Repeat(" ", max(0, column-utf8.RuneCountInString(it.text))))
		w.line.WriteString(" = ")
		w.value(it.value)
	}
	w.end(it.note)
	w.rows[len(w.rows)-1].fence = it.kind == blank || it.kind == header
}

func (w *writer) value(v *value) {
	switch {
	case v.bracket == 0:
		w.line.WriteString(v.text)
	case v.bracket == '{':
		w.inline(v)
	case v.broken:
		w.broken(v)
	default:
		w.line.WriteByte('[')
		w.list(v.items)
		w.line.WriteByte(']')
	}
}

func (w *writer) inline(v *value) {
	if len(v.items) == 0 {
		w.line.WriteString("{}")
		return
	}
	w.line.WriteString("{ ")
	w.list(v.items)
	w.line.WriteString(" }")
}

// list writes items on one line.
func (w *writer) list(items []item) {
	for i, it := range items {
		if i > 0 {
			w.line.WriteString(", ")
		}
		if it.kind == entry {
			w.line.WriteString(it.text + " = ")
		}
		w.value(it.value)
	}
}

// broken writes an array with one element on a line.
func (w *writer) broken(v *value) {
	w.line.WriteByte('[')
	w.end(v.note)
	w.depth++
	for _, it := range v.items {
		w.indent(it)
		switch it.kind {
		case element:
			w.value(it.value)
			w.line.WriteByte(',')
		default:
			w.line.WriteString(it.text)
		}
		w.end(it.note)
		w.rows[len(w.rows)-1].fence = it.kind == blank
	}
	w.depth--
	w.indent(item{})
	w.line.WriteByte(']')
}

// indent begins a row.
func (w *writer) indent(it item) {
	if it.kind != blank {
		w.line.WriteString(strings.Repeat("  ", w.depth))
	}
}

// aligned puts the blanks before the notes.
func aligned(rows []row) []row {
	for i := 0; i < len(rows); {
		n := 1
		for i+n < len(rows) && together(rows[i+n-1], rows[i+n]) {
			n++
		}
		alignNotes(rows[i : i+n])
		i += n
	}
	return rows
}

// together reports whether the notes of two rows that follow each other are aligned.
func together(a, b row) bool {
	return !a.fence && !b.fence && a.depth == b.depth && !strings.Contains(a.text+b.text, "\n")
}

func alignNotes(rows []row) {
	column := 0
	for _, r := range rows {
		if width := lastWidth(r.text); r.note != "" && width <= widestText {
			column = max(column, width)
		}
	}
	for i, r := range rows {
		if r.note != "" {
			rows[i].note = strings.Repeat(" ", max(0, column-lastWidth(r.text))+1) + r.note
		}
	}
}

// lastWidth is the width of a text's last line in characters.
func lastWidth(text string) int {
	return utf8.RuneCountInString(text[strings.LastIndexByte(text, '\n')+1:])
}
