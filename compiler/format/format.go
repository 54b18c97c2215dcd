// Package format writes a stack file in the one style that all stack files
// share. It moves blanks, line ends and commas, and nothing else: keys, tables,
// values and comments stay what they are, in their order.
//
// The style:
//   - Nothing is indented but the elements of an array that takes several lines,
//     by two blanks. `key = value`, with the `=` in one column within a block; a
//     block ends at a blank line or a header.
//   - A blank line stands before a header, unless the header opens a table within
//     the one before it: there the author chooses, as between keys and comments.
//     There is never more than one blank line, and none before the first key of a table.
//   - An array that begins on one line and ends on another has one element on a
//     line and a comma behind each; any other stays on one line. Inline tables are on one line.
//   - Comments behind the lines of a block begin in one column.
//   - Text that only TOML 1.1 has is written as TOML 1.0 has it, so that every
//     editor and reader takes the file.
//   - Line ends stay LF or CRLF, whichever the first line has; the last line has one.
package format

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// Format returns the text of f in the style of stack files. A file that is not
// TOML comes back as it is, with what is wrong with it.
func Format(f *source.File) ([]byte, diag.List) {
	tree, findings := syntax.Parse(f)
	if len(findings) > 0 {
		return []byte(f.Text()), findings
	}
	text := rewritten(f.Text())
	again, faults := syntax.Parse(source.NewFile(f.Name(), text))
	if len(faults) > 0 || !sameTable(tree, again) {
		findings.Add(diag.Diagnostic{
			Severity: diag.Error, Code: diag.Internal, Span: f.Span(0, 0),
			Message: "the formatted text would not mean the same, so the file stays as it is",
			Help:    "this is a fault of stackc; please report it with the file",
		})
		return []byte(f.Text()), findings
	}
	return []byte(text), nil
}

// rewritten formats a text that is TOML.
func rewritten(text string) string {
	s := &scanner{text: text, eol: "\n"}
	list := spaced(trimmed(s.lines()))
	w := &writer{}
	w.lines(list)
	return joined(aligned(w.rows), s.eol)
}

// joined puts the rows under each other.
func joined(rows []row, eol string) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(r.text)
		b.WriteString(r.note)
		b.WriteString(eol)
	}
	return b.String()
}
