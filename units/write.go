package units

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLine is the longest line of a unit file, in bytes without the newline. From
// 2048 on the go-systemd that fleet v1.0.0 is built with (unit/deserialize.go)
// gives "line too long", but only when its buffer happens to hold the whole line:
// such a unit may be accepted and then stop every later reading of it. systemd
// before 235 cuts such lines.
const MaxLine = 2047

// blanks is what systemd takes for white space.
const blanks = " \t\n\r"

// Fault is the kind of an [OptionError].
type Fault int

// What can be wrong with an option. The zero Fault is none.
const (
	// FaultSection is a section name that systemd does not read back as written.
	FaultSection Fault = iota + 1
	// FaultKey is an option name with other characters than letters, digits and "-".
	FaultKey
	// FaultComment is an option name that begins with # or ;: it would vanish.
	FaultComment
	// FaultNewline is a newline or carriage return in a value: what follows it
	// would be read as further options.
	FaultNewline
	// FaultContinuation is a value whose newlines all stand behind a backslash, as
	// fleet keeps a line that was continued in a unit file. systemd joins it; it is
	// refused because it need not be written so.
	FaultContinuation
	// FaultControl is another control character, NUL included. A tab is allowed.
	FaultControl
	// FaultBackslash is a value that ends in a backslash: the next line would
	// become part of it.
	FaultBackslash
	// FaultBlank is a value that begins or ends with white space, which is lost on
	// reading, so that fleet would replace the unit at every submit.
	FaultBlank
	// FaultUTF8 is text that is not UTF-8: JSON cannot carry it to fleet.
	FaultUTF8
	// FaultTooLong is a line longer than [MaxLine].
	FaultTooLong
)

// OptionError says why one option cannot be written so that systemd and fleet
// both read it back as it is.
type OptionError struct {
	// Index is the option's place among those checked.
	Index  int
	Option Option
	Fault  Fault
	// Reason is a sentence without a full stop.
	Reason string
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("[%s] %s=: %s", e.Option.Section, shorten(e.Option.Name, 40), e.Reason)
}

// FormatError is the refusal to write a unit: at least one option is at fault.
type FormatError struct{ Faults []OptionError }

func (e *FormatError) Error() string {
	first := e.Faults[0].Error()
	if n := len(e.Faults) - 1; n > 0 {
		return fmt.Sprintf("%s (and %d more)", first, n)
	}
	return first
}

// Format writes a unit file, byte for byte what fleet writes of the same options
// (go-systemd unit.Serialize). It refuses, with a *[FormatError], what [Check]
// finds fault with.
func Format(opts []Option) (string, error) {
	if faults := Check(opts); len(faults) > 0 {
		return "", &FormatError{Faults: faults}
	}
	return string(appendText(nil, opts)), nil
}

// appendText serialises any options as go-systemd's Serialize does, faults and
// all: fleet's hash is taken over this.
func appendText(b []byte, opts []Option) []byte {
	opts = Canonical(opts)
	b = growText(b, opts)
	for i, o := range opts {
		if i == 0 || o.Section != opts[i-1].Section {
			if i > 0 {
				b = append(b, '\n')
			}
			b = append(b, '[')
			b = append(b, o.Section...)
			b = append(b, ']', '\n')
		}
		b = append(b, o.Name...)
		b = append(b, '=')
		b = append(b, o.Value...)
		b = append(b, '\n')
	}
	return b
}

// growText makes room, once, for the text of the options.
func growText(b []byte, opts []Option) []byte {
	n := 0
	for i, o := range opts {
		n += len(o.Name) + len(o.Value) + 2
		if i == 0 || o.Section != opts[i-1].Section {
			n += len(o.Section) + 4
		}
	}
	if cap(b)-len(b) >= n {
		return b
	}
	return append(make([]byte, 0, len(b)+n), b...)
}

// Check returns everything that keeps options from being written, in their
// order; at most one fault each for the section, the name and the value.
func Check(opts []Option) []OptionError {
	var faults []OptionError
	for i, o := range opts {
		add := func(fault Fault, reason string) {
			if fault != 0 {
				faults = append(faults, OptionError{Index: i, Option: o, Fault: fault, Reason: reason})
			}
		}
		if i == 0 || o.Section != opts[i-1].Section {
			add(checkSection(o.Section))
		}
		add(checkKey(o.Name))
		add(CheckValue(o.Value))
		if n := len(o.Name) + 1 + len(o.Value); n > MaxLine {
			add(FaultTooLong, fmt.Sprintf("the line has %d bytes; fleet and old systemd read at most %d", n, MaxLine))
		}
	}
	return faults
}

// checkSection follows systemd's string_is_safe (conf-parser.c), and leaves out
// what would close the header early or be trimmed.
func checkSection(s string) (Fault, string) {
	switch {
	case s == "":
		return FaultSection, "the section has no name"
	case !validText(s):
		return FaultUTF8, "the section name is not UTF-8"
	case strings.ContainsFunc(s, unsafeInSection):
		return FaultSection, fmt.Sprintf("the section name %q has a bracket, quote, backslash or control character", shorten(s, 40))
	case strings.TrimSpace(s) != s:
		return FaultSection, fmt.Sprintf("the section name %q has white space around it", s)
	case len(s)+2 > MaxLine:
		return FaultTooLong, fmt.Sprintf("the section header has %d bytes; fleet and old systemd read at most %d", len(s)+2, MaxLine)
	}
	return 0, ""
}

func unsafeInSection(r rune) bool {
	return unicode.IsControl(r) || strings.ContainsRune(`[]"'\`, r)
}

func checkKey(s string) (Fault, string) {
	if s == "" {
		return FaultKey, "the option has no name"
	}
	if s[0] == '#' || s[0] == ';' {
		return FaultComment, fmt.Sprintf("an option named %q is read as a comment", shorten(s, 40))
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && s[i] != '-' {
			return FaultKey, fmt.Sprintf("the option name %q may have letters, digits and hyphens only", shorten(s, 40))
		}
	}
	return 0, ""
}

// CheckValue tells what keeps a value from being written on one line and read
// back as it is, without regard to its length: a [Fault] and its reason, or 0.
func CheckValue(s string) (Fault, string) {
	if plain(s) {
		return 0, ""
	}
	switch {
	case !validText(s):
		return FaultUTF8, "the value is not UTF-8"
	case continued(s):
		return FaultContinuation, "the value is continued over several lines"
	case strings.ContainsAny(s, "\n\r"):
		return FaultNewline, "the value has a newline in it; what follows would be read as another option"
	case strings.ContainsFunc(s, forbidden):
		return FaultControl, fmt.Sprintf("the value has the control character %q", s[strings.IndexFunc(s, forbidden)])
	case strings.HasSuffix(s, `\`):
		return FaultBackslash, `the value ends in "\", which makes the next line part of it`
	case strings.TrimSpace(s) != s:
		return FaultBlank, "the value begins or ends with white space, which is lost on reading"
	}
	return 0, ""
}

// plain is the quick answer for most values: printable ASCII with nothing
// special at either end.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' ' && s[len(s)-1] != '\\'
}

func forbidden(r rune) bool {
	return r != '\t' && unicode.IsControl(r)
}

// continued reports whether every newline in s follows a backslash and starts a
// line with text of its own, so that no reader takes that for an option, a
// comment or the end of the value.
func continued(s string) bool {
	lines := strings.Split(s, "\n")
	if len(lines) == 1 {
		return false
	}
	for i, line := range lines {
		text := strings.TrimSpace(strings.TrimSuffix(line, `\`))
		if strings.HasSuffix(line, `\`) == (i == len(lines)-1) || strings.ContainsFunc(line, forbidden) {
			return false
		}
		if i > 0 && (text == "" || text[0] == '#' || text[0] == ';') {
			return false
		}
	}
	return true
}

// validText reports whether s is UTF-8 to systemd (utf8_is_valid), which does not
// let Unicode's noncharacters pass either.
func validText(s string) bool {
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef {
			return false
		}
		i += size
	}
	return true
}
