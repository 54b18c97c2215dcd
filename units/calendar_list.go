package units

import (
	"math"
	"strconv"
	"strings"
)

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
		c, fault := p.component(what, seconds)
		if fault != nil {
			return nil, fault
		}
		list = append(list, c)
		if len(list) > longestChain {
			return nil, p.fault(list[0].from, p.at, "the list has more than %d entries", longestChain)
		}
		if p.next() != ',' {
			return list, nil
		}
		p.at++
	}
}

// longestChain is how many components systemd takes (CALENDARSPEC_COMPONENTS_MAX).
const longestChain = 240

// component reads one entry of a list.
func (p *calendar) component(what string, seconds bool) (component, *ValueFault) {
	c := component{stop: -1, from: p.at}
	var ok bool
	if c.start, ok = p.number(seconds); !ok {
		return c, p.here(what)
	}
	if strings.HasPrefix(p.rest(), "..") {
		p.at += 2
		if c.stop, ok = p.number(seconds); !ok {
			return c, p.here("the end of the range")
		}
		if c.repeat = 1; seconds && p.next() != '/' && c.start+c.repeat > c.stop {
			return c, p.fault(c.from, p.at, "the seconds %q hold no whole second", p.text[c.from:p.at])
		}
	}
	if p.next() == '/' {
		at := p.at
		p.at++
		if c.repeat, ok = p.number(seconds); !ok {
			return c, p.here("how often it repeats")
		}
		if c.repeat == 0 {
			return c, p.fault(at, p.at, "%q repeats for ever at once", p.text[c.from:p.at])
		}
	}
	if !strings.ContainsRune("\x00 ,-~:", rune(p.next())) {
		return c, p.here(`",", a blank or the end`)
	}
	c.to = p.at
	return c, nil
}

// number reads digits, and of seconds a fraction of six.
func (p *calendar) number(seconds bool) (float64, bool) {
	start := p.at
	p.digits()
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
		p.digits()
		if p.at == fraction {
			p.at = point
			return 0, false
		}
		f, _ := strconv.ParseFloat("0."+p.text[fraction:p.at], 64)
		value += math.Round(f*1e6) / 1e6
	}
	return value, true
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
