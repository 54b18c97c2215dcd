package diag

import (
	"bytes"
	"encoding/json"

	"github.com/stackc/stackc/compiler/source"
)

// Finding is the JSON form of a Diagnostic. Its names are stable, since scripts
// read them; names may be added. What does not apply is left out: a finding on
// a flag's value has no place, a remark among the notes neither.
type Finding struct {
	Severity string  `json:"severity"` // "error" or "warning"
	Code     Code    `json:"code"`
	Message  string  `json:"message"`
	Path     string  `json:"path,omitempty"`
	Place    *Place  `json:"place,omitempty"`
	Notes    []Place `json:"notes,omitempty"`
	Help     string  `json:"help,omitempty"`
}

// Place is a span in a file; as a note it carries a message, and may have no file.
type Place struct {
	Message string    `json:"message,omitempty"`
	File    string    `json:"file,omitempty"`
	Start   *Position `json:"start,omitempty"`
	End     *Position `json:"end,omitempty"`
}

// Position is a place as people and editors count it: line, column (in runes)
// and utf16 (in UTF-16 code units) from 1, offset (in bytes) from 0.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	UTF16  int `json:"utf16"`
	Offset int `json:"offset"`
}

// Findings returns the JSON form of l; for an empty list an empty array.
func Findings(l List) []Finding {
	out := make([]Finding, 0, len(l))
	for _, d := range l {
		f := Finding{Severity: d.Severity.String(), Code: d.Code, Message: d.Message, Path: d.Path, Help: d.Help}
		if !d.Span.IsZero() {
			p := placeOf(d.Span, "")
			f.Place = &p
		}
		for _, n := range d.Notes {
			f.Notes = append(f.Notes, placeOf(n.Span, n.Message))
		}
		out = append(out, f)
	}
	return out
}

func placeOf(s source.Span, message string) Place {
	p := Place{Message: message}
	if s.IsZero() {
		return p
	}
	start, end := position(s.Position()), position(s.EndPosition())
	p.File, p.Start, p.End = s.File().Name(), &start, &end
	return p
}

func position(p source.Position) Position {
	return Position{Line: p.Line, Column: p.Column, UTF16: p.UTF16, Offset: p.Offset}
}

// JSON returns l as an indented JSON array that ends in a newline. Quotes aside,
// texts stand in it as they are: <, > and & are not escaped.
func JSON(l List) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(Findings(l)); err != nil {
		panic(err) // plain structs always encode
	}
	return b.Bytes()
}
