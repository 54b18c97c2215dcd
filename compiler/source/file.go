// Package source holds the text of the files that a compile reads and says
// where in them a thing stands. It is the leaf of the compiler: everything that
// reports a position does so with a [Span].
package source

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf16"
)

// File is one source text under the name that messages show for it. A File does
// not change after [NewFile], and may be shared.
type File struct {
	name  string
	text  string
	lines []int // byte offset of each line's first byte
}

// NewFile returns a File of that display name and text. A UTF-8 byte order mark
// at the beginning is dropped: it is no part of the text.
func NewFile(name, text string) *File {
	text = strings.TrimPrefix(text, "\uFEFF")
	f := &File{name: name, text: text, lines: make([]int, 1, strings.Count(text, "\n")+1)}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Name returns the name under which messages show the file.
func (f *File) Name() string { return f.name }

// Text returns the whole text.
func (f *File) Text() string { return f.text }

// Span returns the span of the bytes [start, end). Offsets outside the text are
// moved to its borders, so that a Span never reaches out of its File.
func (f *File) Span(start, end int) Span {
	start = min(max(start, 0), len(f.text))
	end = min(max(end, start), len(f.text))
	return Span{file: f, start: start, end: end}
}

// Lines returns the number of lines; a file that ends in a newline has an empty last one.
func (f *File) Lines() int { return len(f.lines) }

// Line returns the text of line n (the first is 1) without its line end, or ""
// when there is no such line.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	end := len(f.text)
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	return strings.TrimSuffix(f.text[f.lines[n-1]:end], "\r")
}

// Position is a place in a file as people and editors count it. Line, Column
// and UTF16 begin at 1; Column counts runes, UTF16 counts UTF-16 code units, and
// Offset counts bytes from 0. A byte that is not UTF-8 counts as one of each, and
// a byte order mark is not counted. The zero Position is no place.
type Position struct {
	Line, Column, UTF16, Offset int
}

// String gives "line:column".
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Position returns the position of a byte offset. Within a character that is the
// one behind it.
func (f *File) Position(offset int) Position {
	offset = min(max(offset, 0), len(f.text))
	line := sort.SearchInts(f.lines, offset+1)
	start := f.lines[line-1]
	p := Position{Line: line, Column: 1, UTF16: 1, Offset: offset}
	for i, r := range f.text[start:] {
		if start+i >= offset {
			break
		}
		p.Column++
		p.UTF16 += utf16.RuneLen(r)
	}
	return p
}
