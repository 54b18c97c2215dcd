package units

import (
	"fmt"
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

func (p *calendar) blanks() {
	for p.at < p.end && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *calendar) digits() {
	for p.at < p.end && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
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
	p.digits()
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
