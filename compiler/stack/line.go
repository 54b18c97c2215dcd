package stack

import (
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// Line is a text on one line, as it goes into a unit, whose bytes know where in
// the stack file they stand: for rules that look into a value at columns. The
// places are worked out when one is asked for: most lines are without fault.
type Line struct {
	Text string

	text Text
	mask string
}

// place is the run of the decoded string that a byte comes from: itself, or the
// expression that was put in.
type place struct {
	start, end int
	put        bool
}

// Line folds the text, trims it, and puts mask in the place of every open expression.
func (t Text) Line(mask string) Line {
	return Line{Text: strings.TrimSpace(Fold(t.Expand(func(Ref) string { return mask }))), text: t, mask: mask}
}

// places returns the place of each byte of the line, nil when the text does not
// stand in the file as it is.
func (l Line) places() []place {
	if l.text.value == nil || l.text.value.Kind != syntax.String {
		return nil
	}
	var raw []byte
	var at []place
	parts := l.text.parts
	if parts == nil {
		parts = []part{{text: l.text.plain, verbatim: true}}
	}
	for _, p := range parts {
		text := p.text
		if p.ref != nil {
			text = l.mask
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
	return foldPlaces(string(raw), at)
}

// foldPlaces does with places what [Fold] does with text.
func foldPlaces(raw string, at []place) []place {
	var folded []place
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
		if len(folded) > 0 {
			folded = append(folded, at[from-1])
		}
		folded = append(folded, at[from:from+len(bare)]...)
	}
	return folded
}

// Put returns the bytes [start, end) of the line that the parameter which byte at
// belongs to has put in; start is end when it belongs to none. The mask of an open
// expression is not put in.
func (l Line) Put(at int) (start, end int) {
	places := l.places()
	if at < 0 || at >= len(places) || !places[at].put {
		return at, at
	}
	for start = at; start > 0 && places[start-1] == places[at]; start-- {
	}
	for end = at; end < len(places) && places[end] == places[at]; end++ {
	}
	return start, end
}

// Span is where the bytes [start, end) of the line stand: the whole text where that
// cannot be told, the expression for what was put in.
func (l Line) Span(start, end int) source.Span {
	start = min(max(start, 0), len(l.Text))
	end = min(max(end, start), len(l.Text))
	places := l.places()
	if len(places) == 0 {
		return l.text.Pos.Span
	}
	value := l.text.value
	if start == end {
		if start == len(places) {
			last := places[start-1].end
			return value.Sub(last, last)
		}
		return value.Sub(places[start].start, places[start].start)
	}
	return value.Sub(places[start].start, max(places[end-1].end, places[start].start))
}
