package importer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

// judge compiles all units as their texts, with nothing allowed, and brings what is found
// to the lines of the files. Nothing of it keeps a unit from being imported.
func (i *importer) judge() {
	texts := &importer{stack: i.stack, hosts: i.hosts}
	for _, u := range i.units {
		raw := *u
		raw.tables = false
		texts.units = append(texts.units, &raw)
	}
	text, places := texts.write()
	_, findings := compiler.Compile(stackPath, compiler.Options{Opener: source.Map{stackPath: text}})
	for _, d := range findings {
		span := i.original(places, d.Span)
		if span.IsZero() || d.Code == diag.UnexpandedVar && i.ofCloud(span, d.Message) {
			continue
		}
		d.Span, d.Severity, d.Path = span, diag.Warning, ""
		var notes []diag.Note
		for _, n := range d.Notes {
			if n.Span = i.original(places, n.Span); !n.Span.IsZero() {
				notes = append(notes, n)
			}
		}
		d.Notes = notes
		i.findings.Add(d)
	}
}

// ofCloud reports whether a finding is about a variable of coreos-cloudinit's in one
// of its files, which is told in its own words.
func (i *importer) ofCloud(s source.Span, message string) bool {
	return cloudVariable().MatchString(message) && slices.ContainsFunc(i.units, func(u *unit) bool { return u.file.in != nil && u.file.in.file == s.File() })
}

// original brings a place in the stack file to the file of the unit that stands
// there; the zero Span when no unit does.
func (i *importer) original(places []place, s source.Span) source.Span {
	if s.IsZero() {
		return s
	}
	from, to := s.Position(), s.EndPosition()
	for _, p := range places {
		switch {
		case from.Line == p.key:
			return p.unit.top()
		case from.Line >= p.first-1 && from.Line <= p.last:
			return p.unit.span(p.unit.line(from.Line-p.first), from.Column, p.unit.line(to.Line-p.first), to.Column)
		}
	}
	return source.Span{}
}

// line is the line of the file that line n of the text, counted from 0, comes from.
func (u *unit) line(n int) int {
	if n < 0 || n >= len(u.lines) {
		return 0
	}
	return u.lines[n]
}

// span is a run of characters of the file by lines and columns, counted from 1;
// line 0 is no certain line.
func (u *unit) span(line, column, endLine, endColumn int) source.Span {
	if in := u.file.in; in != nil {
		if line > len(in.lines) || endLine > len(in.lines) {
			return u.top()
		}
		if line > 0 {
			line, column = in.lines[line-1], column+in.indent
		}
		if endLine > 0 {
			endLine, endColumn = in.lines[endLine-1], endColumn+in.indent
		}
	}
	if line < 1 {
		return u.top()
	}
	start := u.offset(line, column)
	return u.source.Span(start, max(start, u.offset(endLine, endColumn)))
}

// offset is where a column of a line stands, at most the end of that line.
func (u *unit) offset(line, column int) int {
	text := u.source.Text()
	at := 0
	for range line - 1 {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return len(text)
		}
		at += end + 1
	}
	for range column - 1 {
		if at >= len(text) || text[at] == '\n' || text[at] == '\r' {
			break
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}
