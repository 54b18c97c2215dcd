package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// CheckCalendar tells what is wrong with a calendar event, the value of
// OnCalendar=, nil for nothing (systemd.time(7), calendarspec.c). The names of
// time zones are those of the machine: a word that may be one is taken for one.
func CheckCalendar(spec string) *ValueFault {
	p := calendar{text: spec, end: len(spec)}
	p.zone()
	if p.end == 0 || strings.Trim(spec[:p.end], blanks) == "" {
		return p.fault(0, len(spec), "there is no time in %q", spec)
	}
	if calendarWord(spec[:p.end]) {
		return nil
	}
	for _, part := range [...]func() *ValueFault{p.weekdays, p.date, p.time} {
		if fault := part(); fault != nil {
			return fault
		}
	}
	return nil
}

// calendarWord reports whether s is one of the words that stand for a whole event.
func calendarWord(s string) bool {
	switch strings.ToLower(s) {
	case "minutely", "hourly", "daily", "monthly", "annually", "yearly", "anually", "weekly", "quarterly",
		"biannually", "bi-annually", "semiannually", "semi-annually":
		return true
	}
	return false
}

// calendarWords are those of them that a mistyped word is held against.
var calendarWords = []string{"minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly"}

// calendar reads an event from left to right.
type calendar struct {
	text string
	at   int
	end  int  // where the time zone begins
	done bool // @SECONDS or the date alone: nothing may follow
}

func (p *calendar) rest() string { return p.text[p.at:p.end] }

func (p *calendar) fault(start, end int, format string, args ...any) *ValueFault {
	return &ValueFault{Start: start, End: end, Reason: fmt.Sprintf(format, args...), Help: didYouMean(p.text[start:end], calendarWords...)}
}

// here reports what stands at p.at.
func (p *calendar) here(want string) *ValueFault {
	if p.at > 0 {
		p.blanks()
	}
	rest := p.rest()
	if rest == "" {
		return p.fault(0, p.end, "%q ends where %s should stand", p.text, want)
	}
	word := p.at + len(rest)
	if i := strings.IndexByte(rest, ' '); i > 0 {
		word = p.at + i
	}
	return p.fault(p.at, word, "%q is not %s", p.text[p.at:word], want)
}

// zone takes a time zone off the end.
func (p *calendar) zone() {
	at := strings.LastIndexByte(p.text, ' ')
	if at >= 0 && timeZone(p.text[at+1:]) {
		p.end = at
	}
}

// timeZone reports whether a word may name a time zone.
func timeZone(s string) bool {
	if strings.EqualFold(s, "UTC") {
		return true
	}
	if s == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/") != "" {
		return false
	}
	area, _, _ := strings.Cut(s, "/")
	switch area {
	case "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil", "Canada", "Chile", "Etc",
		"Europe", "Indian", "Mexico", "Pacific", "US", "posix", "right":
		return area != s
	case "Cuba", "Egypt", "Eire", "GB", "GB-Eire", "Greenwich", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan",
		"Kwajalein", "Libya", "NZ", "NZ-CHAT", "Navajo", "Poland", "Portugal", "Singapore", "Turkey", "Universal", "W-SU", "Zulu",
		"Factory", "localtime", "posixrules":
		return true
	}
	// CET, CEST, EST5EDT, GMT+0: the names, and what they are called for short
	letters := strings.TrimRight(s, digits+"+-")
	capital := func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	return len(letters) >= 3 && len(s) <= 8 && strings.IndexFunc(letters, func(r rune) bool { return !capital(r) }) < 0 && letters[0] > '9'
}

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
		start := p.at
		p.at += n
		if p.at < p.end && !strings.ContainsRune("-., ", rune(p.text[p.at])) {
			p.at = start
			return p.here("a day of the week")
		}
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

func (p *calendar) blanks() {
	for p.at < p.end && p.text[p.at] == ' ' {
		p.at++
	}
}

// next is the byte at p.at, 0 at the end.
func (p *calendar) next() byte {
	if p.at >= p.end {
		return 0
	}
	return p.text[p.at]
}

// component is one entry of a list: 1, 1..7, 1/2 or 1..7/2. A stop of -1 is none.
type component struct {
	start, stop, repeat float64
	from, to            int // where it stands
}

// field is a list of components for one part of an event, nil for *.
type field []component

// chain reads a list of components; seconds may have fractions.
func (p *calendar) chain(what string, seconds bool) (field, *ValueFault) {
	if p.next() == '*' {
		p.at++
		return nil, nil
	}
	var list field
	for {
		c := component{stop: -1, from: p.at}
		var ok bool
		if c.start, ok = p.number(seconds); !ok {
			return nil, p.here(what)
		}
		ranged := strings.HasPrefix(p.rest(), "..")
		if ranged {
			p.at += 2
			if c.stop, ok = p.number(seconds); !ok {
				return nil, p.here("the end of the range")
			}
			c.repeat = 1
		}
		if ranged && seconds && p.next() != '/' && c.start+1 > c.stop {
			return nil, p.fault(c.from, p.at, "the seconds %q hold no whole second", p.text[c.from:p.at])
		}
		if p.next() == '/' {
			at := p.at
			p.at++
			if c.repeat, ok = p.number(seconds); !ok {
				return nil, p.here("how often it repeats")
			}
			if c.repeat == 0 {
				return nil, p.fault(at, p.at, "%q repeats for ever at once", p.text[c.from:p.at])
			}
		}
		if !strings.ContainsRune("\x00 ,-~:", rune(p.next())) {
			return nil, p.here(`",", a blank or the end`)
		}
		c.to = p.at
		list = append(list, c)
		if len(list) > 240 {
			return nil, p.fault(list[0].from, p.at, "the list has more than 240 entries")
		}
		if p.next() != ',' {
			return list, nil
		}
		p.at++
	}
}

// number reads digits, and of seconds a fraction of six.
func (p *calendar) number(seconds bool) (float64, bool) {
	start := p.at
	for p.at < p.end && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	n, err := strconv.ParseInt(p.text[start:p.at], 10, 32)
	if err != nil || seconds && n > math.MaxInt32/1_000_000 { // systemd counts them in microseconds
		p.at = start
		return 0, false
	}
	value := float64(n)
	if seconds && p.next() == '.' && !strings.HasPrefix(p.rest(), "..") {
		point := p.at
		p.at++
		fraction := p.at
		for p.at < p.end && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
			p.at++
		}
		if p.at == fraction {
			p.at = point
			return 0, false
		}
		f, _ := strconv.ParseFloat("0."+p.text[fraction:p.at], 64)
		value += math.Round(f*1e6) / 1e6
	}
	return value, true
}

// date reads [YEAR-]MONTH-DAY, with ~ before the days that count from the end of the month.
func (p *calendar) date() *ValueFault {
	if p.next() == 0 {
		p.done = true
		return nil
	}
	if p.next() == '@' {
		return p.epoch()
	}
	start := p.at
	first, fault := p.chain("a date, a time, or a word such as daily", false)
	if fault != nil {
		return fault
	}
	if p.next() == 0 || p.next() == ':' {
		p.at = start
		return nil
	}
	fromEnd := p.next() == '~'
	if !fromEnd && p.next() != '-' {
		return p.here("- or :")
	}
	p.at++
	second, fault := p.chain("a month or a day", false)
	if fault != nil {
		return fault
	}
	if p.next() == 0 || p.next() == ' ' {
		p.blanks()
		return p.checkDate(nil, first, second, fromEnd)
	}
	if fromEnd || p.next() != '-' && p.next() != '~' {
		return p.here("a blank or a time")
	}
	fromEnd = p.next() == '~'
	p.at++
	third, fault := p.chain("a day", false)
	if fault != nil {
		return fault
	}
	if p.next() != 0 && p.next() != ' ' {
		return p.here("a blank or a time")
	}
	p.blanks()
	return p.checkDate(first, second, third, fromEnd)
}

// epoch reads @SECONDS since 1970, behind which nothing stands.
func (p *calendar) epoch() *ValueFault {
	p.at++
	start := p.at
	for p.at < p.end && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	if start == p.at || p.at != p.end {
		return p.here("a number of seconds since 1970")
	}
	p.done = true
	return nil
}

func (p *calendar) checkDate(year, month, day field, fromEnd bool) *ValueFault {
	for i, c := range year { // two digits are of 1970 to 2069
		year[i].start, year[i].stop = century(c.start), century(c.stop)
	}
	if fault := p.within(year, "year", 1970, 2199, false); fault != nil {
		return fault
	}
	if fault := p.within(month, "month", 1, 12, false); fault != nil {
		return fault
	}
	return p.within(day, "day", 1, 31, fromEnd)
}

func century(year float64) float64 {
	switch {
	case year >= 0 && year < 70:
		return year + 2000
	case year >= 70 && year < 100:
		return year + 1900
	}
	return year
}

// time reads HOUR:MINUTE[:SECOND].
func (p *calendar) time() *ValueFault {
	if p.done || p.next() == 0 {
		return nil
	}
	hour, fault := p.chain("an hour", false)
	if fault != nil {
		return fault
	}
	if p.next() != ':' {
		return p.here("a time such as 04:30")
	}
	p.at++
	minute, fault := p.chain("a minute", false)
	if fault != nil {
		return fault
	}
	var second field
	if p.next() == ':' {
		p.at++
		if second, fault = p.chain("a second", true); fault != nil {
			return fault
		}
	}
	if p.next() != 0 {
		return p.here("the end of the time or a time zone")
	}
	for _, part := range [...]struct {
		list field
		name string
		to   float64
	}{{hour, "hour", 23}, {minute, "minute", 59}, {second, "second", 59.999999}} {
		if fault := p.within(part.list, part.name, 0, part.to, false); fault != nil {
			return fault
		}
	}
	return nil
}

// within follows normalize_chain and chain_valid: every entry in its range, and
// room for at least one repetition.
func (p *calendar) within(list field, name string, from, to float64, fromEnd bool) *ValueFault {
	if fromEnd {
		to -= 3
	}
	for _, c := range list {
		if c.stop > c.start && c.repeat > 0 {
			c.stop -= math.Mod(c.stop-c.start, c.repeat)
		}
		if c.stop > c.start && c.repeat > 0 && c.start+c.repeat > c.stop || c.start == c.stop {
			c.repeat, c.stop = 0, -1
		}
		good := c.start >= from && c.start <= to && c.repeat <= to-from
		switch {
		case c.stop >= 0:
			good = good && c.stop >= from && c.stop <= to && c.start+c.repeat <= c.stop
		case fromEnd:
			good = good && c.start-c.repeat >= from
		default:
			good = good && c.start+c.repeat <= to
		}
		if !good {
			return p.fault(c.from, c.to, "the %s %s is not between %v and %v", name, p.text[c.from:c.to], from, math.Floor(to))
		}
	}
	return nil
}
