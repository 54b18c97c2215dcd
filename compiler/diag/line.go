package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// cell is one character of a line as a terminal shows it.
type cell struct {
	text  string
	width int // columns: 2 for wide characters, 0 for those that join the one before
}

// line is a source line with the cells [from, to) marked.
type line struct {
	cells    []cell
	from, to int
}

const (
	tab      = "    "
	stranger = "\uFFFD" // stands for a character that must not reach a terminal
	ellipsis = "…"
)

// newLine takes a line of source to pieces; start and end are the bytes to mark,
// which may end behind the line.
func newLine(text string, start, end int) *line {
	l := &line{from: -1, to: -1}
	for at := 0; at < len(text); {
		if l.from < 0 && at >= start {
			l.from = len(l.cells)
		}
		if l.to < 0 && at >= end {
			l.to = len(l.cells)
		}
		c, size := cellAt(text[at:])
		if l.from < 0 && at+size > start { // the mark begins within a character
			l.from = len(l.cells)
		}
		l.cells = append(l.cells, c)
		at += size
	}
	if l.from < 0 {
		l.from = len(l.cells)
	}
	if l.to < 0 {
		l.to = len(l.cells)
	}
	l.to = max(l.to, l.from)
	return l
}

// cellAt returns the cell that text begins with and how many bytes it is made of.
func cellAt(text string) (c cell, size int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r == '\t':
		return cell{tab, len(tab)}, size
	case strange(r):
		return cell{stranger, 1}, size
	}
	seq, width, size, _ := ansi.DecodeSequence(text, ansi.NormalState, nil)
	return cell{seq, width}, size
}

// strange reports whether a terminal would do something else with r than show
// it: control characters, bytes that are no UTF-8, and the characters that turn
// the direction of text, break lines or take no room.
func strange(r rune) bool {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r):
		return true
	case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069: // embedding, override, isolate
		return true
	case r == 0x061C, r == 0x200E, r == 0x200F: // direction marks
		return true
	case r == 0x2028, r == 0x2029, r == 0x200B, r == 0x2060, r == 0xFEFF:
		return true
	}
	return false
}

// longestWord is how many bytes of a word are shown: a file that is no text of a person's may
// be one word of megabytes, and messages repeat what they find.
const longestWord = 500

// visible gives s with a mark for each strange character, and the beginning of words that
// nobody would read to their end.
func visible(s string) string {
	if len(s) > longestWord {
		words := strings.Split(s, " ")
		for i, word := range words {
			words[i] = beginning(word)
		}
		s = strings.Join(words, " ")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case strange(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// beginning cuts a word that is too long, between two characters.
func beginning(word string) string {
	if len(word) <= longestWord {
		return word
	}
	end := longestWord
	for end > 0 && !utf8.RuneStart(word[end]) {
		end--
	}
	return word[:end] + ellipsis
}

// window returns as much of the line as fits into a number of columns, the
// column at which the mark begins in it, and how many columns the mark has.
func (l *line) window(columns int) (shown string, column, width int) {
	left, right := l.part(columns)
	var b strings.Builder
	if left > 0 {
		b.WriteString(ellipsis)
		column = 1
	}
	for i, c := range l.cells[left:right] {
		b.WriteString(c.text)
		switch i += left; {
		case i < l.from:
			column += c.width
		case i < l.to:
			width += c.width
		}
	}
	if right < len(l.cells) {
		b.WriteString(ellipsis)
	}
	return b.String(), column, max(width, 1)
}

// part chooses the cells [left, right) that are shown: all when they fit,
// otherwise the beginning of the mark with something before it, then what
// follows, then more of what is before.
func (l *line) part(columns int) (left, right int) {
	if l.from == len(l.cells) {
		columns-- // the mark stands behind the line
	}
	if l.width(0, len(l.cells)) <= columns {
		return 0, len(l.cells)
	}
	room := columns - 2 // for the marks of what is left out
	left, right = l.from, l.from
	for before := room / 4; left > 0 && before >= l.cells[left-1].width; left-- {
		before -= l.cells[left-1].width
		room -= l.cells[left-1].width
	}
	for ; right < len(l.cells) && room >= l.cells[right].width; right++ {
		room -= l.cells[right].width
	}
	for ; left > 0 && room >= l.cells[left-1].width; left-- {
		room -= l.cells[left-1].width
	}
	return left, right
}

// width returns how many columns the cells [from, to) take.
func (l *line) width(from, to int) int {
	n := 0
	for _, c := range l.cells[from:to] {
		n += c.width
	}
	return n
}
