package stack

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// Text is a string of a stack file in which parameters are put in, and
// expressions that depend on the machine of the follower still stand open. The
// zero Text is an absent string.
type Text struct {
	Pos   Pos
	value *syntax.Value
	given bool
	fault bool   // an expression in it is at fault, which is reported
	plain string // the whole text, when there are no parts
	parts []part
	meant *meaning // when the text is one parameter
}

// part is a piece of text, or an open expression when ref is not nil.
type part struct {
	text string
	ref  *Ref
	// verbatim says that text stands in the file just so, from offset at of the decoded string on.
	verbatim bool
	at       int
	until    int  // end of the expression that gave a part that is not verbatim
	put      bool // a parameter gave the text
}

// Ref is an open expression: a word of another unit, or of the unit itself when
// Subject is "self".
type Ref struct {
	Subject string
	Field   string
	Span    source.Span
}

// plainText is a text without expressions.
func plainText(pos Pos, value *syntax.Value, s string) Text {
	return Text{Pos: pos, value: value, given: true, plain: s}
}

// Given reports whether there is a text at all, be it an empty one.
func (t Text) Given() bool { return t.given }

// sound reports whether there is a text, and nothing in it at fault.
func (t Text) sound() bool { return t.given && !t.fault }

// Literal returns a text that is known when the stack is read, "" for one with references
// in it.
func (t Text) Literal() string {
	if !t.Given() || len(t.Refs()) > 0 {
		return ""
	}
	return t.Expand(nil)
}

// Refs returns the open expressions in the order in which they stand.
func (t Text) Refs() []Ref {
	var refs []Ref
	for _, p := range t.parts {
		if p.ref != nil {
			refs = append(refs, *p.ref)
		}
	}
	return refs
}

// Source returns the text with every open expression as it is written, for
// checks that need no more than the words around them.
func (t Text) Source() string {
	return t.Expand(func(r Ref) string { return "${{ " + r.Subject + "." + r.Field + " }}" })
}

// masked returns the text with a letter in the place of every open expression,
// for checks of the characters around them.
func (t Text) masked() string { return t.Expand(func(Ref) string { return "x" }) }

// Expand returns the text with every open expression replaced by what value gives for it.
func (t Text) Expand(value func(Ref) string) string {
	if t.parts == nil {
		return t.plain
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.ref != nil {
			b.WriteString(value(*p.ref))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// WithoutLines returns the text without the lines in which an open expression stands
// that lacks names. whole is such an expression when nothing is left of the text, nil
// otherwise.
func (t Text) WithoutLines(lacks func(Ref) bool) (rest Text, whole *Ref) {
	var first *Ref
	for _, r := range t.Refs() {
		if lacks(r) {
			first = &r
			break
		}
	}
	if first == nil {
		return t, nil
	}
	var kept, line []part
	end := func() {
		if !slices.ContainsFunc(line, func(p part) bool { return p.ref != nil && lacks(*p.ref) }) {
			kept = append(kept, line...)
		}
		line = nil
	}
	for _, p := range t.parts {
		at := p.at
		for _, piece := range strings.SplitAfter(p.text, "\n") {
			q := p
			if q.text = piece; q.verbatim {
				q.at = at
				at += len(piece)
			}
			if line = append(line, q); strings.HasSuffix(piece, "\n") {
				end()
			}
		}
	}
	end()
	t.parts = kept
	if kept == nil {
		t.parts = []part{{}}
	}
	if strings.TrimSpace(t.masked()) == "" {
		return t, first
	}
	return t, nil
}

// put returns the text with the open expressions in it that value knows.
func (t Text) put(value func(Ref) (string, bool)) Text {
	t.parts = slices.Clone(t.parts)
	for i, p := range t.parts {
		if p.ref == nil {
			continue
		}
		if s, ok := value(*p.ref); ok {
			t.parts[i].ref, t.parts[i].text, t.parts[i].put = nil, s, true
		}
	}
	return t
}

// Find returns the place of the first occurrence of word, or the place of the
// whole text when the word does not stand in the file as it is.
func (t Text) Find(word string) source.Span {
	if t.value == nil || t.value.Kind != syntax.String {
		return t.Pos.Span
	}
	if i := strings.Index(t.plain, word); i >= 0 && t.parts == nil {
		return t.value.Sub(i, i+len(word))
	}
	for _, p := range t.parts {
		if !p.verbatim {
			continue
		}
		if i := strings.Index(p.text, word); i >= 0 {
			return t.value.Sub(p.at+i, p.at+i+len(word))
		}
	}
	return t.Pos.Span
}

// Fold makes one line of a text: each line end, with the blanks around it,
// becomes one blank, and so does a backslash before it, which in unit files
// continues a line.
func Fold(s string) string {
	if !strings.Contains(s, "\n") {
		return s
	}
	var words []string
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, " \t\r\n")
		line = strings.TrimSpace(strings.TrimSuffix(line, "\\"))
		if line != "" {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}

const (
	exprOpen  = "${{"
	exprClose = "}}"
)

// expression is one `${{ name }}` of a string, by its offsets in the decoded string.
type expression struct {
	start, end int    // with the brackets
	name       string // what stands between them, without blanks
	escaped    bool   // $${{, which stands for ${{
	open       bool   // no }} follows
}

// expressions finds the expressions of s. `$${{` is an escape that gives `${{`.
func expressions(s string) []expression {
	var found []expression
	for from := 0; ; {
		i := strings.Index(s[from:], exprOpen)
		if i < 0 {
			return found
		}
		i += from
		if i > 0 && s[i-1] == '$' {
			found = append(found, expression{start: i - 1, end: i + len(exprOpen), escaped: true})
			from = i + len(exprOpen)
			continue
		}
		j := strings.Index(s[i:], exprClose)
		if j < 0 {
			return append(found, expression{start: i, end: len(s), open: true})
		}
		end := i + j + len(exprClose)
		found = append(found, expression{start: i, end: end, name: strings.TrimSpace(s[i+len(exprOpen) : i+j])})
		from = end
	}
}

// refName is what may stand before the last dot of an expression: the key of a
// unit, with its suffix or without.
var refName = pattern.New(`^[A-Za-z0-9:_.\\@-]+$`)

// cutLast cuts a name at its last dot: "backup.timer.port" is the word "port"
// of "backup.timer".
func cutLast(name string) (subject, field string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}
