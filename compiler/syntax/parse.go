package syntax

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

// definition is how a key came to be, which decides what may be added to it
// later (TOML 1.0, "Table").
type definition uint8

const (
	byValue    definition = iota // key = value: closed
	implicitly                   // [key.x]: a [key] may still follow
	byHeader                     // [key]
	byDots                       // key.x = …: open to further dots under the same header
	byArray                      // [[key]]
)

// maxFaults is after how many lines that cannot be read the rest of a file is
// given up: it is then something else than TOML.
const maxFaults = 20

// Parse reads a TOML file. When the text is at fault the list says so, and the
// table, which is never nil, holds what could be read: the lines at fault are
// left out and reading goes on behind them. Nothing is read of a text that is
// not UTF-8.
func Parse(f *source.File) (*Table, diag.List) {
	p := &parser{file: f, text: f.Text()}
	p.root = p.table()
	p.current = p.root
	if at := invalidUTF8(p.text); at >= 0 {
		d := p.fail(diag.Syntax, f.Span(at, at+1), "the text is not UTF-8: there is a byte 0x%02x", p.text[at])
		d.Help = "save the file in UTF-8"
		return p.root, p.findings
	}
	p.run()
	return p.root, p.findings
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, -1 when all are.
func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// parser builds the tree of one file from the expressions of go-toml's parser.
type parser struct {
	arena
	file     *source.File
	text     string
	root     *Table
	current  *Table // where key = value goes
	findings diag.List
	section  int // number of the current header
	base     int // offset in the text at which the lexer began
	done     int // offset behind the last expression that was read
}

func (p *parser) fail(code diag.Code, span source.Span, format string, args ...any) *diag.Diagnostic {
	p.findings.Add(diag.Diagnostic{Severity: diag.Error, Code: code, Span: span, Message: fmt.Sprintf(format, args...)})
	return &p.findings[len(p.findings)-1]
}

// start returns the offset in the text at which a token of the lexer begins.
func (p *parser) start(n *unstable.Node) int { return p.base + int(n.Raw.Offset) }

func (p *parser) span(n *unstable.Node) source.Span {
	return p.file.Span(p.start(n), p.start(n)+int(n.Raw.Length))
}

func (p *parser) run() {
	data := []byte(p.text)
	lexer := &unstable.Parser{}
	for range maxFaults {
		lexer.Reset(data[p.base:])
		for lexer.NextExpression() {
			p.expression(lexer.Expression())
		}
		err := lexer.Error()
		if err == nil {
			return
		}
		p.base = p.explain(lexer, err)
		p.done = p.base
	}
}

func (p *parser) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		p.section++
		p.current = p.header(n)
	case unstable.KeyValue:
		p.done = p.keyValue(p.current, n, p.section)
	}
}

// explain reports what go-toml could not read and returns where to go on.
func (p *parser) explain(lexer *unstable.Parser, err error) int {
	at := len(p.text)
	var fault *unstable.ParserError
	if errors.As(err, &fault) && len(fault.Highlight) > 0 {
		at = p.base + int(lexer.Range(fault.Highlight).Offset)
	}
	f := findFault(p.text, p.done, at)
	if f.message == "" { // the two disagree: go-toml's word is final
		f.at, f.begin, f.end, f.message = at, at, at+1, err.Error()
	}
	d := p.fail(diag.Syntax, p.file.Span(f.begin, f.end), "%s", f.message)
	d.Help = f.help
	if f.note != "" {
		*d = d.WithNote(p.file.Span(f.noteAt, f.noteEnd), f.note)
	}
	if f.header {
		p.section++
		p.current = p.table() // what stands under it belongs to nothing
	}
	return f.resume()
}

// header opens the table of a [header] or [[header]]. When it may not be
// opened, what stands under it is read into a table of its own.
func (p *parser) header(n *unstable.Node) *Table {
	t := p.root
	for it := n.Key(); it.Next(); {
		k := it.Node()
		p.done = p.start(k) + int(k.Raw.Length)
		e := t.Get(string(k.Data))
		if it.IsLast() {
			return p.openTable(t, e, n, k)
		}
		if e == nil {
			e = p.newTable(t, k, implicitly)
		}
		switch e.how {
		case byValue:
			p.closed(k, e)
			return p.table()
		case byArray:
			t = e.Value.Elems[len(e.Value.Elems)-1].Table
		default:
			t = e.Value.Table
		}
	}
	return t
}

// openTable opens the last part of a header in t; e is what stands there already.
func (p *parser) openTable(t *Table, e *Entry, n, k *unstable.Node) *Table {
	switch {
	case n.Kind == unstable.ArrayTable:
		return p.openElement(t, e, k)
	case e == nil:
		return p.newTable(t, k, byHeader).Value.Table
	case e.how == implicitly:
		e.how, e.KeySpan, e.Value.Span = byHeader, p.span(k), p.span(k)
		return e.Value.Table
	case e.how == byArray:
		p.duplicate(k, e, "%q is an array of tables", k.Data).Help = "one more element is written with two brackets: [[…]]"
	case e.how == byDots:
		p.duplicate(k, e, "table %q is already defined by dotted keys", k.Data)
	case e.how == byHeader:
		p.duplicate(k, e, "table %q is already defined", k.Data).Help = "a table has one header; join the two"
	default:
		p.closed(k, e)
	}
	return p.table()
}

func (p *parser) openElement(t *Table, e *Entry, k *unstable.Node) *Table {
	span := p.span(k)
	switch {
	case e == nil:
		e = p.newEntry(t, k, byArray)
		e.Value = p.newValue(Array, span)
	case e.how == byValue:
		p.closed(k, e)
		return p.table()
	case e.how != byArray:
		p.duplicate(k, e, "%q is a table, not an array of tables", k.Data)
		return p.table()
	}
	v := p.newValue(KindTable, span)
	v.Table = p.table()
	e.Value.Elems = append(e.Value.Elems, v)
	return v.Table
}

// keyValue puts `key = value` into t and returns the offset behind the value;
// owner tells which dotted tables may still grow.
func (p *parser) keyValue(t *Table, n *unstable.Node, owner int) int {
	last, fits := p.place(t, n, owner)
	v, end := p.value(n.Value(), p.valueStart(last))
	if v != nil && fits != nil {
		p.newEntry(fits, last, byValue).Value = v
	}
	return end
}

// place returns the last part of a key, and the table that it goes into: nil
// when there is no room for it.
func (p *parser) place(t *Table, n *unstable.Node, owner int) (last *unstable.Node, in *Table) {
	for it := n.Key(); it.Next(); {
		last = it.Node()
		if t == nil {
			continue
		}
		e := t.Get(string(last.Data))
		switch {
		case it.IsLast() && e != nil:
			p.duplicate(last, e, "%q is already defined", last.Data).Help = "a key stands once in a table; join the two"
			t = nil
		case it.IsLast():
		case e == nil:
			e = p.newTable(t, last, byDots)
			e.owner = owner
			t = e.Value.Table
		case e.how == byDots && e.owner == owner:
			t = e.Value.Table
		case e.how == byValue:
			p.closed(last, e)
			t = nil
		default:
			p.duplicate(last, e, "table %q is already defined", last.Data).Help = "write the key under the table's own header"
			t = nil
		}
	}
	return last, t
}

// duplicate reports that what k names is taken by e.
func (p *parser) duplicate(k *unstable.Node, e *Entry, format string, args ...any) *diag.Diagnostic {
	d := p.fail(diag.DuplicateKey, p.span(k), format, args...)
	*d = d.WithNote(e.KeySpan, "first defined here")
	return d
}

// closed reports that k wants to add to a value that is complete.
func (p *parser) closed(k *unstable.Node, e *Entry) {
	switch e.Value.Kind {
	case KindTable:
		p.duplicate(k, e, "%q is an inline table, which is complete at its closing brace", k.Data).Help = "write everything inside the braces, or give the table a header"
	case Array:
		p.duplicate(k, e, "%q is an array, which is complete at its closing bracket", k.Data).Help = "write everything inside the brackets, or each element under a header [[…]]"
	default:
		p.duplicate(k, e, "%q is already defined as %s, so it cannot be a table", k.Data, e.Value.Kind.article())
	}
}
