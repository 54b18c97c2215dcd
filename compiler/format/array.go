package format

// arrayScan reads one array.
type arrayScan struct {
	*scanner
	v *value
	// begun: the line at hand has something of the array on it already.
	begun bool
	// tail is the number of the item that a comment on the line at hand would
	// stand behind: -1 is the opening bracket, -2 none.
	tail int
}

const (
	bracketTail = -1
	noTail      = -2
)

// array reads an array with its comments. Comments loose outside of it stay so.
func (s *scanner) array() *value {
	outer := s.loose
	s.loose = nil
	a := arrayScan{scanner: s, v: &value{bracket: '['}, begun: true, tail: bracketTail}
	s.at++
	for a.next() {
	}
	a.v.items = trimmed(a.v.items)
	if len(a.v.items) == 0 && a.v.note == "" {
		a.v.broken = false
	}
	s.loose = outer
	return a.v
}

// next reads one thing and reports whether the array goes on behind it.
func (a *arrayScan) next() bool {
	a.blanks()
	if a.lineEnd() {
		if !a.begun {
			a.v.items = append(a.v.items, item{kind: blank})
		}
		a.begun, a.tail, a.v.broken = false, noTail, true
		return true
	}
	a.begun = true
	switch a.peek() {
	case ']', 0:
		a.at = min(a.at+1, len(a.text))
		return false
	case ',':
		a.at++
		a.comma()
	case '#':
		a.note(a.comment())
	default:
		v := a.value()
		a.v.broken = a.v.broken || len(a.loose) > 0
		a.v.items = append(a.hoisted(a.v.items), item{kind: element, value: v})
		a.tail = len(a.v.items) - 1
	}
	return true
}

// comma lets a comment behind it belong to the element before it, although that
// may stand on an earlier line.
func (a *arrayScan) comma() {
	if last := len(a.v.items) - 1; a.tail == noTail && last >= 0 && a.v.items[last].kind == element && a.v.items[last].note == "" {
		a.tail = last
	}
}

// note puts a comment behind what stands before it on its line, or on a line of its own.
func (a *arrayScan) note(text string) {
	switch a.tail {
	case noTail:
		a.v.items = append(a.v.items, item{kind: comment, text: text})
	case bracketTail:
		a.v.note = text
	default:
		a.v.items[a.tail].note = text
	}
	a.tail = noTail
}
