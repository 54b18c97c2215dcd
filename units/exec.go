package units

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Command is one command of an Exec line; ";" separates several.
type Command struct {
	// Prefixes are the characters before the program, of "-@:+!".
	Prefixes string
	// Words are the program and its arguments. With the prefix "@" the second word
	// is what the program sees as its own name.
	Words []Word
}

// Word is one word of a command, with quotes and escapes resolved, before
// systemd expands specifiers and variables.
type Word struct {
	// Text still has "$$", "%%", specifiers and variables in it.
	Text string
	// Quoted is whether any quotes stood in the word.
	Quoted bool
	// Column is where the word begins in the value, in bytes from 1; End is the
	// offset behind it.
	Column, End int
	// Variables are those that systemd expands in an argument.
	Variables []Variable
}

// Variable is an environment variable in a word.
type Variable struct {
	Name string
	// Split is whether the word is $NAME and nothing else: its value is split into
	// words, none if it is empty. Otherwise it is ${NAME}, replaced in its place.
	Split bool
}

// Literal is the word as the program gets it, if that does not depend on the
// unit's name or environment. It is for arguments; in the program's own path "$"
// has no meaning.
func (w Word) Literal() (string, bool) {
	if len(w.Variables) > 0 {
		return "", false
	}
	if !strings.ContainsAny(w.Text, "$%") {
		return w.Text, true
	}
	var b strings.Builder
	for i := 0; i < len(w.Text); i++ {
		c := w.Text[i]
		doubled := i+1 < len(w.Text) && w.Text[i+1] == c
		if c == '%' && !doubled {
			return "", false
		}
		if (c == '%' || c == '$') && doubled {
			i++
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

// SplitError says why systemd does not accept an Exec line.
type SplitError struct {
	// Column counts bytes from 1.
	Column int
	// Reason is a sentence without a full stop.
	Reason string
}

func (e *SplitError) Error() string { return fmt.Sprintf("at column %d: %s", e.Column, e.Reason) }

// SplitExec splits the value of an ExecStart= or the like into commands as
// systemd does (load-fragment.c config_parse_exec, extract-word.c). An empty
// value, which resets the directive, has no commands. The error is a *[SplitError].
func SplitExec(value string) ([]Command, error) {
	s := splitter{text: value}
	var commands []Command
	for s.skip(); !s.done(); s.skip() {
		c, err := s.command()
		if err != nil {
			return nil, err
		}
		commands = append(commands, c)
	}
	return commands, nil
}

type splitter struct {
	text string
	at   int
}

func (s *splitter) done() bool { return s.at >= len(s.text) }

func (s *splitter) skip() {
	for !s.done() && strings.IndexByte(blanks, s.text[s.at]) >= 0 {
		s.at++
	}
}

// token reports whether tok stands here as a word of its own, and takes it.
func (s *splitter) token(tok string) bool {
	rest, ok := strings.CutPrefix(s.text[s.at:], tok)
	if !ok || rest != "" && strings.IndexByte(blanks, rest[0]) < 0 {
		return false
	}
	s.at += len(tok)
	return true
}

func (s *splitter) command() (Command, error) {
	program, err := s.word()
	if err != nil {
		return Command{}, err
	}
	var c Command
	c.Prefixes, program.Text = cutPrefixes(program.Text)
	if program.Text == "" {
		return c, &SplitError{program.Column, "there is no program to run"}
	}
	// A word ends at a blank, so that this is enough for a short command; a script in quotes is one word.
	c.Words = append(make([]Word, 0, min(strings.Count(s.text[s.at:], " ")+1, 8)), program)
	for s.skip(); !s.done(); s.skip() {
		column := s.at + 1
		if s.token(";") {
			return c, nil
		}
		if s.token(`\;`) {
			c.Words = append(c.Words, Word{Text: ";", Column: column, End: s.at})
			continue
		}
		w, err := s.word()
		if err != nil {
			return c, err
		}
		w.Variables = variables(w.Text)
		c.Words = append(c.Words, w)
	}
	return c, nil
}

// cutPrefixes takes the special characters off a program, each at most once,
// "!" twice.
func cutPrefixes(s string) (prefixes, program string) {
	for i := range len(s) {
		c := s[i]
		allowed := 1
		if c == '!' {
			allowed = 2
		}
		if strings.IndexByte("-@:+!", c) < 0 || strings.Count(s[:i], s[i:i+1]) >= allowed {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// word takes the next word, which must be there.
func (s *splitter) word() (Word, error) {
	w := Word{Column: s.at + 1}
	if plain := s.plain(); plain != "" {
		w.Text, w.End = plain, s.at
		return w, nil
	}
	var b strings.Builder
	var quote byte
	opened := 0
	for ; !s.done(); s.at++ {
		c := s.text[s.at]
		switch {
		case c == '\\':
			if err := s.escape(&b); err != nil {
				return w, err
			}
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, opened, w.Quoted = c, s.at+1, true
		case quote == 0 && strings.IndexByte(blanks, c) >= 0:
			w.Text, w.End = b.String(), s.at
			return w, nil
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return w, &SplitError{opened, "the quote that begins here is not closed"}
	}
	w.Text, w.End = b.String(), s.at
	return w, nil
}

// plain takes the next word if there is nothing special in it.
func (s *splitter) plain() string {
	rest := s.text[s.at:]
	for i := range len(rest) {
		switch rest[i] {
		case '"', '\'', '\\':
			return ""
		case ' ', '\t', '\n', '\r':
			s.at += i
			return rest[:i]
		}
	}
	s.at = len(s.text)
	return rest
}

// escape reads the backslash at s.at and what belongs to it, and leaves s.at at
// the last byte of that. An escape systemd does not know stays as it is, which
// systemd does too, with a warning.
func (s *splitter) escape(b *strings.Builder) error {
	rest := s.text[s.at+1:]
	text, n := unescapeC(rest)
	if n == 0 {
		if rest == "" {
			return &SplitError{s.at + 1, `the line ends in "\"`}
		}
		if strings.HasPrefix(rest, "x00") || strings.HasPrefix(rest, "000") {
			return &SplitError{s.at + 1, "no argument can hold NUL"}
		}
		text, n = `\`+rest[:1], 1
	}
	b.WriteString(text)
	s.at += n
	return nil
}

// unescapeC reads what follows a backslash as in C (systemd escape.c,
// cunescape_one), and how many bytes that took: 0 if it is no escape.
func unescapeC(s string) (text string, n int) {
	if s == "" {
		return "", 0
	}
	if i := strings.IndexByte(`abfnrtvs\"'`, s[0]); i >= 0 {
		return "\a\b\f\n\r\t\v \\\"'"[i : i+1], 1
	}
	switch c := s[0]; {
	case c == 'x':
		return unescapeNumber(s, 1, 2, 16)
	case c == 'u':
		return unescapeNumber(s, 1, 4, 16)
	case c == 'U':
		return unescapeNumber(s, 1, 8, 16)
	case '0' <= c && c <= '7':
		return unescapeNumber(s, 0, 3, 8)
	}
	return "", 0
}

// unescapeNumber reads exactly digits digits from s[start:]. Up to two hex and
// three octal digits name a byte, more of them a character.
func unescapeNumber(s string, start, digits int, base rune) (string, int) {
	if len(s) < start+digits {
		return "", 0
	}
	var v rune
	for _, c := range []byte(s[start : start+digits]) {
		d, ok := unhex(c)
		if !ok || rune(d) >= base || v >= 1<<26 {
			return "", 0
		}
		v = v*base + rune(d)
	}
	if v == 0 {
		return "", 0
	}
	if digits <= 3 {
		if v > 0xff {
			return "", 0
		}
		return string([]byte{byte(v)}), start + digits
	}
	if !utf8.ValidRune(v) {
		return "", 0
	}
	return string(v), start + digits
}

// variables lists what systemd expands in an argument: ${NAME} anywhere, $NAME
// only when it is the whole word; "$$" is a dollar sign.
func variables(s string) []Variable {
	if len(s) > 1 && s[0] == '$' && s[1] != '{' && s[1] != '$' {
		return []Variable{{Name: s[1:], Split: true}}
	}
	var found []Variable
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '$' {
			continue
		}
		switch s[i+1] {
		case '$':
			i++
		case '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return found
			}
			found = append(found, Variable{Name: s[i+2 : i+end]})
			i += end
		}
	}
	return found
}
