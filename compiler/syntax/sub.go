package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stackc/stackc/compiler/source"
)

// Sub returns the place of the bytes [start, end) of a String value's decoded
// text: escapes and folded line ends count as what they stand for, and a
// character that lies partly in [start, end) is taken whole. For other kinds it
// is the whole value.
func (v *Value) Sub(start, end int) source.Span {
	raw := v.Span.Text()
	before, after := delimiters(raw)
	if v.Kind != String || before == 0 {
		return v.Span
	}
	r := tokenReader{raw: raw[:len(raw)-after], at: before, basic: raw[0] == '"'}
	first := r.seek(start)
	return v.Span.Sub(first, max(first, r.reach(end)))
}

// tokenReader goes through the text between the quotes of a string token.
type tokenReader struct {
	raw     string
	at      int
	decoded int // bytes of decoded text up to at
	basic   bool
}

// seek goes on to the character that holds the decoded offset start, over the
// folded line ends before it, and returns where it stands.
func (r *tokenReader) seek(start int) int {
	for r.at < len(r.raw) {
		raw, decoded := r.next()
		if r.decoded+decoded > start {
			break
		}
		r.at += raw
		r.decoded += decoded
	}
	return r.at
}

// reach goes on until all characters before the decoded offset end are passed.
func (r *tokenReader) reach(end int) int {
	for r.at < len(r.raw) && r.decoded < end {
		raw, decoded := r.next()
		r.at += raw
		r.decoded += decoded
	}
	return r.at
}

// next returns how many bytes the next character, escape or folded line end
// takes, and how many it stands for.
func (r *tokenReader) next() (raw, decoded int) {
	rest := r.raw[r.at:]
	if !r.basic || rest[0] != '\\' || len(rest) < 2 {
		_, size := utf8.DecodeRuneInString(rest)
		return size, size
	}
	switch rest[1] {
	case 'x', 'u', 'U':
		return codePoint(rest)
	case ' ', '\t', '\r', '\n':
		return len(rest) - len(strings.TrimLeft(rest[1:], " \t\r\n")), 0
	}
	return 2, 1
}

// hexDigits returns how many digits an escape has that gives a character by its number.
func hexDigits(letter byte) int {
	switch letter {
	case 'x':
		return 2
	case 'u':
		return 4
	case 'U':
		return 8
	}
	return 0
}

// codePoint measures an escape such as \u00e9.
func codePoint(escape string) (raw, decoded int) {
	raw = min(2+hexDigits(escape[1]), len(escape))
	code, err := strconv.ParseUint(escape[2:raw], 16, 32)
	if err != nil || !utf8.ValidRune(rune(code)) {
		return raw, len(string(utf8.RuneError))
	}
	return raw, utf8.RuneLen(rune(code))
}
