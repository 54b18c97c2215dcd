package units

import (
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// File is a unit file as systemd reads it, with the places it was read from.
type File struct {
	Lines    []Line
	Comments []Comment
}

// Line is one assignment of a unit file.
type Line struct {
	// Option has the value with continuations joined, as systemd sees it.
	Option
	// Line is where the assignment begins and End where it ends, counted from 1.
	Line, End int
	// Column is where the name begins and ValueColumn where the value does, in
	// bytes from 1, both on Line. A value that begins on a later line of a
	// continuation has the column after the "=".
	Column, ValueColumn int
}

// Comment is one comment line, with its "#" or ";". systemd and fleet drop it.
type Comment struct {
	Line int
	Text string
}

// Options returns the assignments without their places.
func (f *File) Options() []Option {
	opts := make([]Option, len(f.Lines))
	for i, l := range f.Lines {
		opts[i] = l.Option
	}
	return opts
}

// Misread is the kind of a [ParseError].
type Misread int

// What a unit file can have wrong. The zero Misread is none.
const (
	// MisreadOutside is an assignment before the first section.
	MisreadOutside Misread = iota + 1
	// MisreadHeader is a line that begins with "[" and is no section header:
	// systemd refuses the whole file.
	MisreadHeader
	// MisreadEquals is a line without "=".
	MisreadEquals
	// MisreadKey is a line with nothing before its "=".
	MisreadKey
	// MisreadUTF8 is a line that is not UTF-8.
	MisreadUTF8
)

// ParseError is one line that systemd ignores or stumbles over.
type ParseError struct {
	// Line and Column count from 1, Column in bytes.
	Line, Column int
	Kind         Misread
	// Reason is a sentence without a full stop.
	Reason string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Reason)
}

// bom may stand at the beginning of a file.
const bom = "\ufeff"

// Parse reads the text of a unit file by systemd's own rules (conf-parser.c of
// version 252). It always returns a File, with all that could be read, and every
// error in the order of the lines.
//
// A line that begins, after white space, with # or ; is a comment: also inside a
// continuation, where it is left out, and also when it ends in a backslash, which
// continues nothing. A line that ends in an odd number of backslashes continues:
// the last of them becomes a single space and the next line follows. Lines end with
// LF, CR, CRLF or NUL. Sections may repeat; empty assignments are kept, for they
// reset lists.
//
// go-systemd, and with it fleet, differs: a comment that ends in a backslash
// swallows the next line, a comment inside a continuation becomes part of the
// value, a line that ends in any number of backslashes continues and keeps them
// and the newline in its value, text before the first section is skipped silently,
// lines are limited to [MaxLine] bytes, and errors have no line.
func Parse(text string) (*File, []*ParseError) {
	p := &parser{file: &File{}}
	rest := strings.TrimPrefix(text, bom)
	column := 1 + len(text) - len(rest)
	for number := 1; rest != ""; number++ {
		var line string
		line, rest = cutLine(rest)
		p.physical(line, number, column)
		column = 1
	}
	p.finish()
	return p.file, p.errors
}

// cutLine takes the first line off the text. CRLF and LFCR count as one end.
func cutLine(s string) (line, rest string) {
	i := strings.IndexAny(s, "\n\r\x00")
	if i < 0 {
		return s, ""
	}
	end := i + 1
	if end < len(s) && s[i] != 0 && (s[i] == '\n' && s[end] == '\r' || s[i] == '\r' && s[end] == '\n') {
		end++
	}
	return s[:i], s[end:]
}

type parser struct {
	file       *File
	errors     []*ParseError
	section    string
	hasSection bool

	// The logical line being put together: its text, the length of its first
	// physical line, and where that began. open is whether it waits for another.
	joined            []byte
	open              bool
	head              int
	first, last, left int
}

// physical takes the next line of the file; left is the column it begins at.
func (p *parser) physical(line string, number, left int) {
	if text := strings.TrimLeft(line, blanks); text != "" && (text[0] == '#' || text[0] == ';') {
		p.file.Comments = append(p.file.Comments, Comment{Line: number, Text: strings.TrimRight(text, blanks)})
		return
	}
	if !p.open {
		p.joined, p.first, p.left, p.head = p.joined[:0], number, left, len(line)
	}
	p.last = number
	whole := !p.open
	p.open = continues(line)
	switch {
	case p.open:
		p.joined = append(append(p.joined, line[:len(line)-1]...), ' ')
	case whole:
		p.logical(line)
	default:
		p.logical(string(append(p.joined, line...)))
	}
}

// continues reports whether the line ends in a backslash that is not escaped.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// finish reads a continuation that the end of the file cut off.
func (p *parser) finish() {
	if p.open {
		p.open = false
		p.logical(string(p.joined))
	}
}

// logical reads one whole line, continuations joined.
func (p *parser) logical(line string) {
	indent := len(line) - len(strings.TrimLeft(line, blanks))
	text := strings.Trim(line, blanks)
	column := p.left + indent
	switch {
	case text == "":
	case !validText(text):
		p.fail(column, MisreadUTF8, "the line is not UTF-8, systemd ignores it")
	case text[0] == '[':
		p.header(text, column)
	default:
		p.assignment(text, column)
	}
}

func (p *parser) header(text string, column int) {
	name := text[1:]
	if !strings.HasSuffix(name, "]") {
		p.fail(column, MisreadHeader, fmt.Sprintf("%q is not a section header: nothing may follow the \"]\"", shorten(text, 40)))
		return
	}
	name = name[:len(name)-1]
	if name == "" || strings.ContainsFunc(name, unsafeInSection) {
		p.fail(column, MisreadHeader, fmt.Sprintf("%q is not a section header: the name has a character it may not have", shorten(text, 40)))
		return
	}
	p.section, p.hasSection = name, true
}

func (p *parser) assignment(text string, column int) {
	equals := strings.IndexByte(text, '=')
	switch {
	case !p.hasSection:
		p.fail(column, MisreadOutside, "this stands before the first [section], systemd ignores it")
	case equals < 0:
		p.fail(column, MisreadEquals, fmt.Sprintf("%q has no \"=\", systemd ignores it", shorten(text, 40)))
	case equals == 0:
		p.fail(column, MisreadKey, "nothing stands before the \"=\", systemd ignores it")
	default:
		value := strings.Trim(text[equals+1:], blanks)
		p.file.Lines = append(p.file.Lines, Line{
			Option:      Option{Section: p.section, Name: strings.TrimRight(text[:equals], blanks), Value: value},
			Line:        p.first,
			End:         p.last,
			Column:      column,
			ValueColumn: p.valueColumn(text, column, equals),
		})
	}
}

// valueColumn is where the value begins. Past the end of the first physical line
// there is no column to name, so the place after "=" has to do.
func (p *parser) valueColumn(text string, column, equals int) int {
	after := text[equals+1:]
	blank := len(after) - len(strings.TrimLeft(after, blanks))
	if p.last > p.first && column-p.left+equals+1+blank >= p.head-1 {
		blank = 0
	}
	return column + equals + 1 + blank
}

func (p *parser) fail(column int, kind Misread, reason string) {
	p.errors = append(p.errors, &ParseError{Line: p.first, Column: column, Kind: kind, Reason: reason})
}

// ParseAsFleet reads the text of a unit file as fleetctl and fleetd do, with
// go-systemd: the options that they would submit of it, whose [Hash] is the one
// fleet shows. See [Parse] for where that differs from what systemd reads; a
// continued value has its backslashes and newlines in it ([FaultContinuation]).
func ParseAsFleet(text string) ([]Option, error) {
	read, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("fleet cannot read the unit: %w", err)
	}
	opts := make([]Option, len(read))
	for i, o := range read {
		opts[i] = Option{Section: o.Section, Name: o.Name, Value: o.Value}
	}
	return opts, nil
}
