package stack

import (
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// Line is a text on one line, as it goes into a unit, whose bytes know where in
// the stack file they stand: for rules that look into a value at columns.
type Line struct {
	Text string

	pos   source.Span
	value *syntax.Value // nil when the text does not stand in the file as it is
	at    []place       // of each byte of Text, nil when value is
}

// place is the run of the decoded string that a byte comes from: itself, or the
// expression that was put in.
type place struct {
	start, end int
	put        bool
}

// Line folds the text, trims it, and puts mask in the place of every open expression.
func (t Text) Line(mask string) Line {
	if t.value == nil || t.value.Kind != syntax.String {
		return Line{Text: strings.TrimSpace(Fold(t.Expand(func(Ref) string { return mask }))), pos: t.Pos.Span}
	}
	var raw []byte
	var at []place
	parts := t.parts
	if parts == nil {
		parts = []part{{text: t.plain, verbatim: true}}
	}
	for _, p := range parts {
		text := p.text
		if p.ref != nil {
			text = mask
		}
		raw = append(raw, text...)
		for i := range len(text) {
			if p.verbatim {
				at = append(at, place{start: p.at + i, end: p.at + i + 1})
			} else {
				at = append(at, place{start: p.at, end: max(p.at, p.until), put: p.put})
			}
		}
	}
	return Line{pos: t.Pos.Span, value: t.value}.fold(string(raw), at)
}

// fold does with places what [Fold] does with text.
func (l Line) fold(raw string, at []place) Line {
	var b strings.Builder
	start, many := 0, strings.Contains(raw, "\n")
	for line := range strings.Lines(raw) {
		from, text := start, line
		start += len(line)
		if many {
			text = strings.TrimRight(text, " \t\r\n")
			text = strings.TrimSuffix(text, `\`)
		}
		bare := strings.TrimSpace(text)
		if bare == "" {
			continue
		}
		from += strings.Index(text, bare)
		if b.Len() > 0 {
			b.WriteByte(' ')
			l.at = append(l.at, at[from-1])
		}
		b.WriteString(bare)
		l.at = append(l.at, at[from:from+len(bare)]...)
	}
	l.Text = b.String()
	return l
}

// Put returns the bytes [start, end) of the line that the parameter which byte at
// belongs to has put in; start is end when it belongs to none. The mask of an open
// expression is not put in.
func (l Line) Put(at int) (start, end int) {
	if at < 0 || at >= len(l.at) || !l.at[at].put {
		return at, at
	}
	for start = at; start > 0 && l.at[start-1] == l.at[at]; start-- {
	}
	for end = at; end < len(l.at) && l.at[end] == l.at[at]; end++ {
	}
	return start, end
}

// Span is where the bytes [start, end) of the line stand: the whole text where that
// cannot be told, the expression for what was put in.
func (l Line) Span(start, end int) source.Span {
	start = min(max(start, 0), len(l.Text))
	end = min(max(end, start), len(l.Text))
	if l.value == nil || len(l.at) == 0 {
		return l.pos
	}
	if start == end {
		if start == len(l.at) {
			last := l.at[start-1].end
			return l.value.Sub(last, last)
		}
		return l.value.Sub(l.at[start].start, l.at[start].start)
	}
	return l.value.Sub(l.at[start].start, max(l.at[end-1].end, l.at[start].start))
}
