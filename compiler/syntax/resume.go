package syntax

import "strings"

// resume returns where reading can go on behind the fault: at the next line
// that begins something new. Lines that only make sense together with the one
// at fault are passed over, so that one fault is not reported twice.
func (f *finder) resume() int {
	if f.endless {
		return len(f.text)
	}
	at := f.lineEnd(f.closeBrackets())
	for at < len(f.text) {
		at += strings.IndexByte(f.text[at:], '\n') + 1
		next := &finder{text: f.text, at: at}
		if next.peek("[") || next.statement() {
			return at
		}
		if at = f.lineEnd(at); !strings.Contains(f.text[at:], "\n") {
			break
		}
	}
	return len(f.text)
}

// statement reports whether a whole header or the beginning of a key = value
// stands on the line at f.at.
func (f *finder) statement() bool {
	f.blanks()
	if f.peek("[") {
		return f.heading() && f.endOfLine("")
	}
	return f.key() && f.peek("=")
}

// closeBrackets goes on from f.at to where the open brackets are closed, or to
// the end of the last line before something new must have begun.
func (f *finder) closeBrackets() int {
	depth, at := len(f.open), f.at
	for depth > 0 && at < len(f.text) {
		switch c := f.text[at]; c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '"', '\'':
			s := &finder{text: f.text, at: at}
			s.str()
			at = max(s.at, at+1) - 1
		case '#':
			at = f.lineEnd(at) - 1
		case '\n':
			if f.beginsHeader(at + 1) {
				return at
			}
		}
		at++
	}
	return min(at, len(f.text))
}

// breaksOff reports whether the line at offset at begins something new, although
// a bracket is open. A key = value within an inline table does not.
func (f *finder) breaksOff(at int) bool {
	if f.beginsHeader(at) {
		return true
	}
	array := f.text[f.open[len(f.open)-1]] == '['
	return array && f.text[at:f.lineEnd(at)] != "" && !strings.HasPrefix(strings.TrimLeft(f.text[at:], " \t"), "[") && (&finder{text: f.text, at: at}).statement()
}

// beginsHeader reports whether a header stands on the line at offset at, which
// cannot be an element: its name begins with a letter and is no number or boolean.
func (f *finder) beginsHeader(at int) bool {
	next := &finder{text: f.text, at: at}
	next.blanks()
	name := strings.TrimLeft(f.text[next.at:f.lineEnd(next.at)], "[ \t")
	if !next.peek("[") || name == "" || !bareKey(name[0]) || digit(name[0]) || name[0] == '-' {
		return false
	}
	name, _, _ = strings.Cut(name, "]")
	return !(&Value{}).decode(strings.TrimSpace(name)) && next.statement()
}
