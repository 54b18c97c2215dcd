package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (f *finder) value() bool {
	switch f.text[f.at] {
	case '"', '\'':
		return f.str()
	case '[':
		return f.list("]", "array", f.value)
	case '{':
		return f.list("}", "inline table", f.keyValue)
	}
	return f.word()
}

// maxNesting is how deep go-toml lets brackets stand in each other.
const maxNesting = 10000

// list passes over an array or inline table.
func (f *finder) list(right, what string, element func() bool) bool {
	start := f.at
	f.open = append(f.open, start)
	if len(f.open) > maxNesting {
		f.endless = true
		return f.fail(start, start+1, "", "brackets stand more than %d deep in each other", maxNesting)
	}
	f.at++
	for {
		if !f.betweenElements(start, what) {
			return false
		}
		if f.peek(right) {
			break
		}
		if f.peek(",") {
			return f.expected("an element or "+strconv.Quote(right), "")
		}
		if !element() {
			return false
		}
		behind := f.at
		if !f.betweenElements(start, what) {
			return false
		}
		if f.peek(",") {
			f.at++
		} else if !f.peek(right) {
			return f.missingComma(start, behind, right, what)
		}
	}
	f.at++
	f.open = f.open[:len(f.open)-1]
	return true
}

// betweenElements passes over blanks, line ends and comments.
func (f *finder) betweenElements(start int, what string) bool {
	for {
		f.blanks()
		switch {
		case f.at >= len(f.text):
			return f.fail(start, start+1, "", "the %s is not closed", what)
		case f.peek("#"):
			if !f.comment() {
				return false
			}
		case f.peek("\n"), f.peek("\r\n"):
			if line := f.at + strings.IndexByte(f.text[f.at:], '\n') + 1; f.breaksOff(line) {
				return f.notClosed(start, line, what)
			}
			f.at += strings.IndexByte(f.text[f.at:], '\n') + 1
		case f.isControl():
			return f.control("in an " + what)
		default:
			return true
		}
	}
}

// notClosed fails with the bracket at start, behind which the line at offset
// line begins something new.
func (f *finder) notClosed(start, line int, what string) bool {
	next := &finder{text: f.text, at: line}
	next.blanks()
	f.note, f.noteAt, f.noteEnd = "this line is no part of it", next.at, next.restOfLine()
	f.at, f.open = line-1, nil
	return f.fail(start, start+1, "", "the %s is not closed", what)
}

// missingComma fails at the place behind the element that a comma or bracket
// does not follow.
func (f *finder) missingComma(start, behind int, right, what string) bool {
	line := strings.LastIndexByte(f.text[:f.at], '\n') + 1
	if line <= behind { // on the same line
		return f.expected(fmt.Sprintf(`"," or %q`, right), "")
	}
	if strings.Contains(f.text[start:behind], "\n") {
		f.note, f.noteAt, f.noteEnd = "the "+what+" begins here", start, start+1
	}
	f.fail(behind, behind, "", `expected "," or %q behind the element`, right)
	if (&finder{text: f.text, at: line}).statement() { // rather the bracket is missing
		f.at, f.open = line-1, nil
	}
	return false
}

// str passes over a string of any kind. Behind a fault in its text it goes on to
// the end of the string.
func (f *finder) str() bool {
	start, quote := f.at, f.text[f.at:f.at+1]
	if f.peek(strings.Repeat(quote, 3)) {
		return f.longString(start, quote)
	}
	for f.at++; !f.peek(quote); {
		if f.atEnd() {
			return f.fail(start, f.at, "", "the string is not closed by %s on its line", quote)
		}
		f.character(quote == `"`, false)
	}
	f.at++
	return f.message == ""
}

// longString passes over a multi-line string.
func (f *finder) longString(start int, quote string) bool {
	long := strings.Repeat(quote, 3)
	for f.at += 3; !f.peek(long); {
		if f.at >= len(f.text) {
			f.endless = true
			return f.fail(start, start+3, "", "the multi-line string is not closed by %s", long)
		}
		f.character(quote == `"`, true)
	}
	closing := f.at
	for f.peek(quote) {
		f.at++
	}
	if f.at-closing > 5 { // two may belong to the text
		return f.fail(closing, f.at, "", "%d quotes in a row at the end of a multi-line string; %d are the most", f.at-closing, 5)
	}
	return f.message == ""
}

// character passes over one character or escape of a string.
func (f *finder) character(basic, long bool) {
	switch {
	case basic && f.peek(`\`):
		f.escape(long)
	case long && (f.peek("\n") || f.peek("\r\n")):
		f.at += strings.IndexByte(f.text[f.at:], '\n') + 1
		return
	case f.isControl():
		f.control("in a string")
	}
	f.at++
}

// escape looks at a backslash and goes on to the last byte that it certainly takes.
func (f *finder) escape(long bool) {
	rest := f.text[f.at+1:]
	line := rest
	if long {
		line = strings.TrimLeft(rest, " \t")
	}
	if strings.HasPrefix(line, "\n") || strings.HasPrefix(line, "\r\n") {
		return // folds the line, or the string is not closed on it
	}
	digits := 0
	if rest != "" {
		digits = hexDigits(rest[0])
	}
	switch {
	case digits > 0:
		code, err := strconv.ParseUint(rest[1:min(1+digits, len(rest))], 16, 32)
		if err != nil || len(rest) <= digits || !utf8.ValidRune(rune(code)) {
			hex := len(rest[1:]) - len(strings.TrimLeft(rest[1:], "0123456789abcdefABCDEF"))
			f.fail(f.at, f.at+2+min(hex, digits), "", `\%c must be followed by %d hexadecimal digits of a Unicode character`, rest[0], digits)
		}
	case rest == "" || strings.IndexByte(`btnfre"\`, rest[0]) < 0:
		r, size := utf8.DecodeRuneInString(rest)
		f.fail(f.at, f.at+1+size, `write \\ for a backslash, or put the text in single quotes`, `%q is no escape of a string`, `\`+string(r))
		return
	}
	f.at++ // an escaped quote does not end the string
}

// word passes over a number, boolean or date.
func (f *finder) word() bool {
	if f.isControl() {
		return f.control("here")
	}
	start, end := f.at, f.wordEnd()
	if word := f.text[start:end]; dateStart(word) && f.at+len(word)+1 < len(f.text) && f.text[end] == ' ' && digit(f.text[end+1]) {
		f.at = end + 1 // a date and a time with a blank between them
		end = f.wordEnd()
		f.at = start
	}
	word := f.text[start:end]
	if word == "" {
		return f.expected("a value", "")
	}
	if (&Value{}).decode(word) {
		f.at = end
		return true
	}
	message, help := wordFault(word)
	if rest := f.restOfLine(); len(f.open) == 0 && rest > end && !strings.Contains(f.text[end:rest], " = ") {
		end = rest // one string with blanks in it
		message, help = unquoted(f.text[start:rest])
	}
	return f.fail(start, end, help, "%s", message)
}

// wordEnd returns the offset behind the run of characters at f.at that belong together.
func (f *finder) wordEnd() int {
	if f.peek("${") { // a template's word, braces and all
		if end := strings.LastIndexByte(f.text[f.at:f.lineEnd(f.at)], '}'); end > 0 {
			return f.at + end + 1
		}
	}
	end := strings.IndexAny(f.text[f.at:], " \t\r\n,]}#=")
	if end < 0 {
		return len(f.text)
	}
	return f.at + end
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// dateStart reports whether word begins as 1979-.
func dateStart(word string) bool {
	return len(word) >= 5 && strings.Trim(word[:4], "0123456789") == "" && word[4] == '-'
}

// wordFault says what is wrong with a value that stands outside quotes.
func wordFault(word string) (message, help string) {
	switch lower := strings.ToLower(word); {
	case strings.Contains(" true yes on ", " "+lower+" "):
		return fmt.Sprintf("%q is not a value", word), "write true"
	case strings.Contains(" false no off ", " "+lower+" "):
		return fmt.Sprintf("%q is not a value", word), "write false"
	case strings.Contains(" null nil none ~ ", " "+lower+" "):
		return fmt.Sprintf("%q is not a value", word), "leave the key out where there is no value"
	case dateStart(word), len(word) > 4 && digit(word[0]) && strings.Trim(word, "0123456789:.") == "" && strings.Contains(word, ":"):
		return fmt.Sprintf("%q is not a date or time", word), "a date is written 1979-05-27, a time 07:32:00; a string stands in quotes"
	case integer(word):
		return fmt.Sprintf("%q is not a number", word), numberHelp(word)
	}
	return unquoted(word)
}

// integer reports whether word is made of what numbers are made of.
func integer(word string) bool {
	return strings.ContainsAny(word, "0123456789") && strings.Trim(word, "0123456789+-_eE.") == "" && strings.Count(word, ".") < 2 ||
		radix(strings.TrimLeft(word, "+-"))
}

// radix reports whether word begins as 0x1.
func radix(word string) bool {
	return len(word) > 1 && word[0] == '0' && strings.IndexByte("xXoObB", word[1]) >= 0
}

func numberHelp(word string) string {
	digits := strings.TrimLeft(word, "+-")
	switch {
	case len(digits) > 18 && strings.Trim(digits, "0123456789_") == "":
		return "a number has at most 64 bits"
	case len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_.") == "":
		return "a number has no leading zeros; a string stands in quotes"
	}
	return "numbers are written 42, -1, 1_000, 0xff, 0o755, 1.5 and 1e9; a string stands in quotes"
}

// unquoted says that a string needs quotes.
func unquoted(text string) (message, help string) {
	if plain := strings.Trim(text, "“”„‘’«»"); plain != text { // of a text processor
		return "a string must stand in quotes, \" or '", "write " + quoted(plain)
	}
	return "a string must stand in quotes", "write " + quoted(text)
}
