package units

import "strings"

var weekdayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// weekday reads the day that s begins with, -1 for none, and its length.
func weekday(s string) (day, length int) {
	for i, name := range weekdayNames {
		for _, n := range [...]int{len(name), 3} {
			if len(s) >= n && strings.EqualFold(s[:n], name[:n]) {
				return i, n
			}
		}
	}
	return -1, 0
}

// weekdays reads Mon..Fri,Sun and the blanks behind it.
func (p *calendar) weekdays() *ValueFault {
	from := -1 // of a range that is open
	for first := true; ; first = false {
		day, n := weekday(p.rest())
		if day < 0 {
			if first {
				return nil
			}
			return p.here("a day of the week")
		}
		if behind := p.at + n; behind < p.end && !strings.ContainsRune("-., ", rune(p.text[behind])) {
			return p.here("a day of the week")
		}
		start := p.at
		p.at += n
		if from > day {
			return p.fault(start, p.at, "the days run from Monday to Sunday: %s is not after %s", p.text[start:p.at], weekdayNames[from])
		}
		ranged := from >= 0
		from = -1
		switch rest := p.rest(); {
		case rest == "" || rest[0] == ' ':
			p.blanks()
			return nil
		case strings.HasPrefix(rest, "..") && !ranged:
			p.at, from = p.at+2, day
		case rest[0] == '-' && !ranged:
			p.at, from = p.at+1, day
		case rest[0] == ',':
			p.at++
		default:
			return p.here(`"..", "," or a blank`)
		}
		if rest := p.rest(); rest == "" || rest[0] == ' ' {
			if from >= 0 {
				return p.here("the last day of the range")
			}
			p.blanks()
			return nil
		}
	}
}
