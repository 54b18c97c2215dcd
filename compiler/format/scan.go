package format

import "strings"

// kind is what an item is.
type kind uint8

const (
	blank   kind = iota + 1 // an empty line
	comment                 // a comment on a line of its own
	header                  // [key] or [[key]]
	entry                   // key = value
	element                 // a value in an array
)

// item is one line of a file, or one of what stands between the brackets of an
// array or inline table.
type item struct {
	kind  kind
	text  string   // comment: itself; header: with its brackets; entry: the key
	path  []string // header: the parts of its key as they are written
	value *value   // entry, element
	note  string   // header, entry, element: the comment behind it on its line
}

// value is a value as it is written.
type value struct {
	text    string // of a scalar, quotes included
	bracket byte   // '[' or '{', 0 for a scalar
	items   []item
	note    string // the comment behind the opening bracket
	broken  bool   // an array that takes several lines
}

// scanner reads a text that is known to be TOML, so it looks at no more than it
// needs to tell where things end.
type scanner struct {
	text string
	at   int
	// loose holds comments that stand within an inline table. TOML 1.0 has no
	// place for them there, so they go before what the table belongs to.
	loose []string
	// eol is the first line end outside of strings, "\n" as long as there was none.
	eol   string
	ended bool // eol has been found
}

// peek returns the byte at hand, 0 at the end.
func (s *scanner) peek() byte {
	if s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) blanks() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.at++
	}
}

// lineEnd passes over a line end and reports whether there was one.
func (s *scanner) lineEnd() bool {
	rest := s.text[s.at:]
	end := ""
	switch {
	case strings.HasPrefix(rest, "\n"):
		end = "\n"
	case strings.HasPrefix(rest, "\r\n"):
		end = "\r\n"
	default:
		return false
	}
	if !s.ended {
		s.eol, s.ended = end, true
	}
	s.at += len(end)
	return true
}

// comment returns the comment at hand, "" when there is none.
func (s *scanner) comment() string {
	if s.peek() != '#' {
		return ""
	}
	text, _, _ := strings.Cut(s.text[s.at:], "\n")
	text = strings.TrimSuffix(text, "\r")
	s.at += len(text)
	return strings.TrimRight(text, " \t")
}

// lines reads a whole file.
func (s *scanner) lines() (list []item) {
	for s.blanks(); s.at < len(s.text); s.blanks() {
		switch {
		case s.lineEnd():
			list = append(list, item{kind: blank})
			continue
		case s.peek() == '#':
			list = append(list, item{kind: comment, text: s.comment()})
		default:
			it := s.statement()
			list = append(s.hoisted(list), it)
		}
		s.lineEnd()
	}
	return list
}

// hoisted appends the loose comments to list.
func (s *scanner) hoisted(list []item) []item {
	for _, text := range s.loose {
		list = append(list, item{kind: comment, text: text})
	}
	s.loose = nil
	return list
}

// statement reads a header or key = value with the comment behind it.
func (s *scanner) statement() item {
	it := item{kind: entry}
	if s.peek() == '[' {
		it = s.header()
	} else {
		it = s.entry()
	}
	s.blanks()
	it.note = s.comment()
	return it
}

func (s *scanner) header() item {
	open, shut := "[", "]"
	if strings.HasPrefix(s.text[s.at:], "[[") {
		open, shut = "[[", "]]"
	}
	s.at += len(open)
	path := s.key()
	s.at += len(shut)
	return item{kind: header, text: open + strings.Join(path, ".") + shut, path: path}
}

func (s *scanner) entry() item {
	key := strings.Join(s.key(), ".")
	s.at++ // the =
	s.skipped()
	return item{kind: entry, text: key, value: s.value()}
}

// key reads the parts of a key, up to the bracket or = behind it.
func (s *scanner) key() (parts []string) {
	for {
		s.skipped()
		start := s.at
		if c := s.peek(); c == '"' || c == '\'' {
			s.str()
		} else {
			for c := s.peek(); c != 0 && strings.IndexByte(" \t.=]", c) < 0; c = s.peek() {
				s.at++
			}
		}
		parts = append(parts, oldEscapes(s.text[start:s.at]))
		if s.skipped(); s.peek() != '.' {
			return parts
		}
		s.at++
	}
}

// skipped passes over blanks, and within the braces of TOML 1.1 over line ends
// and comments too, which become loose.
func (s *scanner) skipped() {
	for s.blanks(); s.lineEnd() || s.peek() == '#'; s.blanks() {
		if text := s.comment(); text != "" {
			s.loose = append(s.loose, text)
		}
	}
}

// str passes over a string.
func (s *scanner) str() {
	rest := s.text[s.at:]
	quote := rest[:1]
	if strings.HasPrefix(rest, strings.Repeat(quote, 3)) {
		quote = rest[:3]
	}
	i := len(quote)
	for i < len(rest) && !strings.HasPrefix(rest[i:], quote) {
		if rest[i] == '\\' && quote[0] == '"' {
			i++
		}
		i++
	}
	i += len(quote)
	if len(quote) == 3 { // two more quotes may belong to the text
		for range 2 {
			if i < len(rest) && rest[i] == quote[0] {
				i++
			}
		}
	}
	s.at += min(i, len(rest))
}

func (s *scanner) value() *value {
	switch c := s.peek(); c {
	case '[':
		return s.array()
	case '{':
		return s.inline()
	case '"', '\'':
		start := s.at
		s.str()
		return &value{text: oldEscapes(s.text[start:s.at])}
	}
	rest := s.text[s.at:]
	if end := strings.IndexAny(rest, ",]}#\r\n"); end >= 0 {
		rest = rest[:end]
	}
	s.at += len(rest)
	return &value{text: withSeconds(strings.TrimRight(rest, " \t"))}
}

// inline reads an inline table. Its comments become loose.
func (s *scanner) inline() *value {
	v := &value{bracket: '{'}
	s.at++
	for {
		s.skipped()
		switch s.peek() {
		case '}', 0:
			s.at = min(s.at+1, len(s.text))
			return v
		case ',':
			s.at++
		default:
			v.items = append(v.items, s.entry())
		}
	}
}
