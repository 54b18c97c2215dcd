package syntax

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/stackc/stackc/compiler/source"
)

func (p *parser) newValue(k Kind, span source.Span) *Value {
	v := p.values.one()
	v.Kind, v.Span = k, span
	return v
}

// newEntry puts an entry without a value into t.
func (p *parser) newEntry(t *Table, k *unstable.Node, how definition) *Entry {
	e := p.entries.one()
	e.Key, e.KeySpan, e.how = p.decoded(k), p.span(k), how
	t.put(e)
	return e
}

func (p *parser) newTable(t *Table, k *unstable.Node, how definition) *Entry {
	e := p.newEntry(t, k, how)
	e.Value = p.newValue(KindTable, e.KeySpan)
	e.Value.Table = p.table()
	return e
}

// decoded returns the text that a key or string stands for. Where nothing had to
// be decoded that is a part of the file's text, not a copy: an escape is longer
// than what it stands for, so the length tells.
func (p *parser) decoded(n *unstable.Node) string {
	start := p.start(n)
	raw := p.text[start : start+int(n.Raw.Length)]
	before, after := delimiters(raw)
	if inner := raw[before : len(raw)-after]; len(inner) == len(n.Data) {
		return inner
	}
	return string(n.Data)
}

// delimiters returns how many bytes stand before and behind the text of a key or
// string: quotes, and the line end that a multi-line string may begin with.
func delimiters(raw string) (before, after int) {
	if raw == "" || raw[0] != '"' && raw[0] != '\'' {
		return 0, 0
	}
	if len(raw) < 6 || raw[1] != raw[0] || raw[2] != raw[0] {
		return 1, 1
	}
	switch {
	case strings.HasPrefix(raw[3:], "\r\n"):
		return 5, 3
	case raw[3] == '\n':
		return 4, 3
	}
	return 3, 3
}

// valueStart returns the offset of the value behind the key k.
func (p *parser) valueStart(k *unstable.Node) int {
	i := p.start(k) + int(k.Raw.Length)
	i += strings.IndexByte(p.text[i:], '=') + 1
	for p.text[i] == ' ' || p.text[i] == '\t' {
		i++
	}
	return i
}

// value builds the value of a node and returns the offset behind it. The lexer
// has found it well formed; v is nil when it means nothing (a date without such
// a day).
func (p *parser) value(n *unstable.Node, start int) (v *Value, end int) {
	end = start + int(n.Raw.Length) // brackets have no length of their own
	switch n.Kind {
	case unstable.String:
		v = p.newValue(String, p.file.Span(start, end))
		v.Str = p.decoded(n)
	case unstable.Bool:
		v = p.newValue(Bool, p.file.Span(start, end))
		v.Bool = p.text[start] == 't'
	case unstable.Array:
		v = p.newValue(Array, source.Span{})
		end = p.array(v, n, start)
		v.Span = p.file.Span(start, end)
	case unstable.InlineTable:
		v = p.newValue(KindTable, source.Span{})
		end = p.inline(v, n, start)
		v.Span = p.file.Span(start, end)
	default:
		v = p.number(n, p.file.Span(start, end))
	}
	return v, end
}

// array reads the elements of the array that begins at start.
func (p *parser) array(v *Value, n *unstable.Node, start int) (end int) {
	count := 0
	for it := n.Children(); it.Next(); {
		count++
	}
	v.Elems = p.elems.take(count)
	at := start + 1
	for it := n.Children(); it.Next(); {
		e, end := p.value(it.Node(), p.token(at))
		if e != nil {
			v.Elems = append(v.Elems, e)
		}
		at = end
	}
	return p.token(at) + 1
}

// inline reads the keys of the inline table that begins at start.
func (p *parser) inline(v *Value, n *unstable.Node, start int) (end int) {
	v.Table = p.table()
	owner := -1 - start // of no header and no other inline table
	at := start + 1
	for it := n.Children(); it.Next(); {
		at = p.keyValue(v.Table, it.Node(), owner)
	}
	seal(v.Table)
	return p.token(at) + 1
}

// token returns the offset of the next thing from at on that is no blank, line
// end, comma or comment.
func (p *parser) token(at int) int {
	for {
		switch p.text[at] {
		case ' ', '\t', '\r', '\n', ',':
			at++
		case '#':
			at += strings.IndexByte(p.text[at:], '\n')
		default:
			return at
		}
	}
}

// seal closes the dotted tables of an inline table: nothing may be added behind its brace.
func seal(t *Table) {
	for _, e := range t.Entries {
		if e.how == byDots {
			e.how = byValue
			seal(e.Value.Table)
		}
	}
}
