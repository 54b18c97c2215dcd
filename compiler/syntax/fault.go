package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// finder looks for what is wrong with lines of which go-toml has said only that
// they are wrong: it reads them by the grammar of TOML and stops where a person
// would point. Its methods pass over what they are named after and
// report whether it was right.
type finder struct {
	text string
	at   int
	open []int // offsets of the brackets that are open
	// header is set while a [header] is read.
	header bool
	// endless is set when a multi-line string is not closed: nothing behind it
	// can be told from its text.
	endless bool

	// The fault, when message is not "".
	begin, end      int
	message, help   string
	note            string // when not "", on the bytes [noteAt, noteEnd)
	noteAt, noteEnd int
}

// findFault reads expressions from offset at on, up to the first fault. It gives
// up, with no message, behind the expression in which offset last stands.
func findFault(text string, at, last int) *finder {
	f := &finder{text: text, at: at}
	if at > 0 && text[at-1] != '\n' { // what was read before may end within a line
		f.at = f.lineEnd(at)
	}
	for f.at < len(text) && f.at <= last && f.expression() {
	}
	return f
}

// fail notes the first fault.
func (f *finder) fail(begin, end int, help, format string, args ...any) bool {
	if f.message == "" {
		f.begin, f.end, f.help, f.message = begin, end, help, fmt.Sprintf(format, args...)
	}
	return false
}

func (f *finder) peek(s string) bool { return strings.HasPrefix(f.text[f.at:], s) }

// atEnd reports whether the line ends here.
func (f *finder) atEnd() bool { return f.at >= len(f.text) || f.peek("\n") || f.peek("\r\n") }

// lineEnd returns the offset at which the line of offset at ends.
func (f *finder) lineEnd(at int) int {
	end := strings.IndexByte(f.text[at:], '\n')
	if end < 0 {
		return len(f.text)
	}
	if end += at; end > at && f.text[end-1] == '\r' {
		return end - 1
	}
	return end
}

func (f *finder) blanks() {
	for f.peek(" ") || f.peek("\t") {
		f.at++
	}
}

// found names what stands at f.at.
func (f *finder) found() string {
	if f.at >= len(f.text) {
		return "the end of the file"
	}
	if f.atEnd() {
		return "the end of the line"
	}
	r, _ := utf8.DecodeRuneInString(f.text[f.at:])
	if r < ' ' || r == 0x7f {
		return fmt.Sprintf("the control character U+%04X", r)
	}
	return fmt.Sprintf("%q", f.text[f.at:f.foundEnd()])
}

// foundEnd returns the offset behind what found names.
func (f *finder) foundEnd() int {
	if f.atEnd() {
		return f.at
	}
	_, size := utf8.DecodeRuneInString(f.text[f.at:])
	end := f.wordEnd()
	if alone := f.isControl() || strings.IndexByte("=.,:[]{}", f.text[f.at]) >= 0; alone || end == f.at || end-f.at > 24 {
		return f.at + size
	}
	return end
}

// expected fails with what should stand at f.at.
func (f *finder) expected(what, help string) bool {
	return f.fail(f.at, f.foundEnd(), help, "expected %s, found %s", what, f.found())
}

// expression passes over one line: empty, comment, header or key = value.
func (f *finder) expression() bool {
	f.blanks()
	f.header = f.peek("[")
	switch {
	case f.atEnd(), f.peek("#"):
		return f.endOfLine("")
	case f.header:
		return f.heading() && f.endOfLine("the header")
	}
	return f.keyValue() && f.endOfLine("the value")
}

// endOfLine passes over a comment and the line end.
func (f *finder) endOfLine(behind string) bool {
	f.blanks()
	if f.peek("#") && !f.comment() {
		return false
	}
	switch {
	case f.peek("\r\n"):
		f.at += 2
	case f.peek("\n"):
		f.at++
	case f.at < len(f.text) && behind == "":
		return f.control("here")
	case f.at < len(f.text):
		return f.fail(f.at, f.restOfLine(), "a line holds one header or one key = value", "expected the end of the line behind %s, found %s", behind, f.found())
	}
	return true
}

// restOfLine returns the offset behind the last thing on the line that is no comment.
func (f *finder) restOfLine() int {
	rest := f.text[f.at:f.lineEnd(f.at)]
	rest, _, _ = strings.Cut(rest, " #")
	return f.at + max(len(strings.TrimRight(rest, " \t")), 1)
}

// control fails with the character at f.at, which may stand nowhere in TOML.
func (f *finder) control(where string) bool {
	r, size := utf8.DecodeRuneInString(f.text[f.at:])
	if r == '\r' {
		return f.fail(f.at, f.at+size, `a line ends in \n or \r\n`, "a carriage return cannot stand %s", where)
	}
	return f.fail(f.at, f.at+size, fmt.Sprintf(`write \u%04X in a "…" string where it is meant`, r), "the control character U+%04X cannot stand %s", r, where)
}

// isControl reports whether the byte at f.at is a control character but a tab.
func (f *finder) isControl() bool {
	c := f.text[f.at]
	return c < ' ' && c != '\t' || c == 0x7f
}

func (f *finder) comment() bool {
	for !f.atEnd() {
		if f.isControl() {
			return f.control("in a comment")
		}
		f.at++
	}
	return true
}

// heading passes over [key] or [[key]].
func (f *finder) heading() bool {
	start, left, right := f.at, "[", "]"
	if f.peek("[[") {
		left, right = "[[", "]]"
	}
	f.at += len(left)
	f.blanks()
	if f.peek("]") {
		return f.fail(start, f.at+1, "", "a header needs a name between its brackets")
	}
	if !f.key() {
		return false
	}
	if !f.peek(right) {
		return f.expected(fmt.Sprintf("%q behind the header's name", right), "")
	}
	f.at += len(right)
	return true
}

// keyValue passes over key = value.
func (f *finder) keyValue() bool {
	if !f.key() {
		return false
	}
	if !f.peek("=") {
		return f.expected(`"=" behind the key`, "a line is written key = value; a key with blanks stands in quotes")
	}
	f.at++
	behind := f.at
	f.blanks()
	if f.atEnd() || f.peek("#") {
		f.at = behind
		return f.fail(behind, behind, "the value stands on the line of its key", `expected a value behind "="`)
	}
	return f.value()
}

// key passes over a key and its dots, and the blanks behind it.
func (f *finder) key() bool {
	for {
		if !f.simpleKey() {
			return false
		}
		f.blanks()
		if !f.peek(".") {
			return true
		}
		f.at++
		f.blanks()
	}
}

func (f *finder) simpleKey() bool {
	if f.peek(`"""`) || f.peek("'''") {
		return f.fail(f.at, f.at+3, "", "a key cannot be a multi-line string")
	}
	if f.peek(`"`) || f.peek("'") {
		return f.str()
	}
	start := f.at
	for f.at < len(f.text) && bareKey(f.text[f.at]) {
		f.at++
	}
	if end := f.keyWordEnd(); end > f.at {
		word := f.text[start:end]
		return f.fail(start, end, fmt.Sprintf("write %s", quoted(word)), "a key outside quotes holds only letters, digits, - and _, found %q", word)
	}
	if f.at == start {
		return f.expected("a key", "")
	}
	return true
}

// keyWordEnd returns the offset behind what somebody meant as a key at f.at: all
// up to a blank, or what can end a key.
func (f *finder) keyWordEnd() int {
	for end := f.at; end < len(f.text); end++ {
		if c := f.text[end]; c <= ' ' || c == 0x7f || strings.IndexByte("=.[]{},#\"':", c) >= 0 {
			return end
		}
	}
	return len(f.text)
}

func bareKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// quoted writes text as a TOML string in the quotes that leave it as it is.
func quoted(text string) string {
	if strings.ContainsAny(text, `"\`) && !strings.Contains(text, "'") {
		return "'" + text + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
