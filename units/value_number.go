package units

import (
	"math"
	"strconv"
	"strings"
)

// boolean follows parse_boolean (systemd parse-util.c).
func (c *valueCheck) boolean() {
	if _, ok := ParseBool(c.value); !ok {
		help := didYouMean(c.value, "yes", "no", "true", "false")
		c.failWhole(help, "%q is not a boolean; use yes or no", c.value)
	}
}

// mode follows parse_mode: octal digits, at most 07777.
func (c *valueCheck) mode() {
	if n, err := strconv.ParseUint(c.value, 8, 32); err != nil || n > 0o7777 {
		c.failWhole("", "%q is not an octal file mode such as 0755", c.value)
	}
}

// integer judges a whole number between low and high, written as C has it:
// decimal, or with 0x or 0 before it.
func (c *valueCheck) integer(low, high int64) {
	n, ok := wholeNumber(c.value)
	switch {
	case !ok:
		c.failWhole("", "%q is not a whole number", c.value)
	case n < low || n > high:
		c.failWhole("", "%s is not between %d and %d", c.value, low, high)
	}
}

// wholeNumber follows safe_atolli: strtoll with base 0, and 0b and 0o besides.
func wholeNumber(s string) (int64, bool) {
	if strings.Contains(s, "_") { // a liberty of Go's
		return 0, false
	}
	n, err := strconv.ParseInt(s, 0, 64)
	return n, err == nil
}

// seconds judges a time span. In nanoseconds there are units below the microsecond too.
func (c *valueCheck) seconds(nano bool) {
	if !timeSpan(c.value, nano) {
		c.failWhole("", "%q is not a time span such as 90, 5min or 1h 30min", c.value)
	}
}

// timeUnits are the units of a time span in the order in which systemd tries
// them: each before those that it begins with (time-util.c extract_multiplier).
var timeUnits = [...]string{
	"seconds", "second", "sec", "s", "minutes", "minute", "min", "months", "month", "M", "msec", "ms", "m",
	"hours", "hour", "hr", "h", "days", "day", "d", "weeks", "week", "w", "years", "year", "y",
	"usec", "us", "µs", "μs",
}

// timeSpan follows parse_time (systemd.time(7)): numbers, with or without a
// fraction, each with an optional unit.
func timeSpan(s string, nano bool) bool {
	if rest, ok := strings.CutPrefix(strings.TrimLeft(s, blanks), "infinity"); ok {
		return strings.Trim(rest, blanks) == ""
	}
	for something := false; ; something = true {
		if s = strings.TrimLeft(s, blanks); s == "" {
			return something
		}
		number := strings.TrimPrefix(s, "+")
		rest := strings.TrimLeft(number, digits)
		if n := number[:len(number)-len(rest)]; !fits(n) {
			return false
		} else if n == "" && (number != s || !strings.HasPrefix(s, ".")) {
			return false
		}
		if fraction, ok := strings.CutPrefix(rest, "."); ok {
			rest = strings.TrimLeft(fraction, digits)
		}
		behind := withoutUnit(strings.TrimLeft(rest, blanks), nano)
		if behind == rest && behind != "" {
			return false // 12.34.56, but 12.34 .56 is right
		}
		s = behind
	}
}

const digits = "0123456789"

// fits reports whether digits are a number that C can hold.
func fits(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return s == "" || err == nil
}

func withoutUnit(s string, nano bool) string {
	if rest, ok := strings.CutPrefix(s, "nsec"); ok && nano {
		return rest
	}
	if rest, ok := strings.CutPrefix(s, "ns"); ok && nano {
		return rest
	}
	for _, unit := range timeUnits {
		if rest, ok := strings.CutPrefix(s, unit); ok {
			return rest
		}
	}
	return s
}

// sizeUnits are the suffixes of a size. Of several numbers each has a smaller
// one than that before it (parse-util.c parse_size).
var sizeUnits = [...]string{"E", "P", "T", "G", "M", "K", "B", ""}

// parseSize reads a size to the base 1024. ok is false when it is none, or does not fit.
func parseSize(s string) (size float64, ok bool) {
	next := 0
	for {
		s = strings.TrimLeft(s, blanks)
		number := strings.TrimPrefix(s, "+")
		rest := strings.TrimLeft(number, digits)
		value, err := strconv.ParseUint(number[:len(number)-len(rest)], 10, 64)
		if err != nil {
			return 0, false
		}
		n := float64(value)
		if fraction, has := strings.CutPrefix(rest, "."); has {
			rest = strings.TrimLeft(fraction, digits)
			part, _ := strconv.ParseFloat("0."+fraction[:len(fraction)-len(rest)]+"0", 64)
			n += part
		}
		rest = strings.TrimLeft(rest, blanks)
		for next < len(sizeUnits) && !strings.HasPrefix(rest, sizeUnits[next]) {
			next++
		}
		if next == len(sizeUnits) {
			return 0, false
		}
		size += n * math.Pow(1024, float64(max(6-next, 0)))
		if size >= math.MaxUint64 {
			return 0, false
		}
		s = rest[len(sizeUnits[next]):]
		if next++; s == "" {
			return size, true
		}
	}
}

// sizeHelp gives the size that was probably meant: 512M for 512MB, 512m or 512MiB.
func sizeHelp(value string) string {
	number := strings.TrimRight(strings.TrimLeft(value, blanks), "bBiI")
	if number == "" {
		return ""
	}
	if meant := number[:len(number)-1] + strings.ToUpper(number[len(number)-1:]); meant != value {
		if _, ok := parseSize(meant); ok {
			return "write " + meant
		}
	}
	return ""
}

// bytes follows config_parse_iec_size.
func (c *valueCheck) bytes() {
	if _, ok := parseSize(c.value); !ok {
		c.failWhole(sizeHelp(c.value), "%q is not a size such as 8192, 512K or 1G", c.value)
	}
}

// memory follows config_parse_memory_limit: a size, infinity, or a percentage of
// the machine's memory. What may be 0 differs between versions.
func (c *valueCheck) memory() {
	if c.value == "infinity" {
		return
	}
	if strings.ContainsAny(c.value, "%‰‱") {
		if n, ok := parsePercent(c.value); !ok || n > 100 {
			c.failWhole("", "%q is not a percentage of the memory, 0%% to 100%%", c.value)
		}
		return
	}
	if _, ok := parseSize(c.value); !ok {
		c.failWhole(sizeHelp(c.value), "%q is not a size such as 512M or 1G, a percentage such as 50%%, or infinity", c.value)
	}
}

// tasks follows config_parse_tasks_max.
func (c *valueCheck) tasks() {
	if c.value == "infinity" {
		return
	}
	if strings.ContainsAny(c.value, "%‰‱") {
		if n, ok := parsePercent(c.value); !ok || n > 100 {
			c.failWhole("", "%q is not a percentage of the tasks, 0%% to 100%%", c.value)
		}
		return
	}
	if n, ok := wholeNumber(c.value); !ok || n < 1 {
		c.failWhole("", "%q is not a number of tasks above 0, a percentage such as 50%%, or infinity", c.value)
	}
}

// percent follows config_parse_cpu_quota, which takes more than 100%: that is
// more than one processor.
func (c *valueCheck) percent() {
	quota := c.d.parser == "cpu_quota"
	n, ok := parsePercent(c.value)
	switch {
	case !ok && fits(c.value):
		c.failWhole("write "+c.value+"%", "%q is not a percentage: it lacks the %%", c.value)
	case !ok:
		c.failWhole("", "%q is not a percentage such as 20%%", c.value)
	case quota && n == 0:
		c.failWhole("", "%s of a processor is none: the quota must be above 0", c.value)
	case !quota && n > 100:
		c.failWhole("", "%s is above 100%%", c.value)
	}
}

// parsePercent reads 20%, 20.5%, 200‰ or 2000‱ as a percentage, with at most two
// digits behind the point (percent-util.c).
func parsePercent(s string) (float64, bool) {
	for i, sign := range [...]string{"%", "‰", "‱"} {
		number, ok := strings.CutSuffix(s, sign)
		if !ok {
			continue
		}
		whole, fraction, dot := strings.Cut(number, ".")
		if whole == "" || strings.Trim(number, digits+".") != "" || dot && (fraction == "" || len(fraction) > 2-i || strings.Contains(fraction, ".")) {
			return 0, false
		}
		n, err := strconv.ParseFloat(number, 64)
		return n / math.Pow10(i), err == nil && n <= math.MaxInt32
	}
	return 0, false
}

// limit follows rlimit_parse: one value for both limits, or soft:hard.
func (c *valueCheck) limit() {
	soft, hard, both := strings.Cut(c.value, ":")
	low, ok := c.limitPart(0, soft)
	if !both || !ok {
		return
	}
	high, ok := c.limitPart(len(soft)+1, hard)
	if ok && low > high {
		c.failWhole("write "+hard+":"+soft, "the soft limit %s is above the hard limit %s", soft, hard)
	}
}

// limitPart reads one limit that stands at start; infinity is above all others.
func (c *valueCheck) limitPart(start int, s string) (float64, bool) {
	if s == "infinity" {
		return math.Inf(1), true
	}
	var n float64
	ok, want, help := false, "", ""
	switch kind := strings.TrimPrefix(c.d.Key, "Limit"); kind {
	case "FSIZE", "DATA", "STACK", "CORE", "RSS", "AS", "MEMLOCK", "MSGQUEUE":
		n, ok = parseSize(s)
		want, help = "a size such as 64M", sizeHelp(s)
	case "CPU", "RTTIME":
		// Of two time spans it is not worth knowing which is the longer.
		ok, want = timeSpan(s, false), "a time span such as 90 or 5min"
	case "NICE":
		n, ok = niceLimit(s)
		want = "a nice level from +19 to -20 with its sign, or a limit from 1 to 40"
	default:
		var i int64
		i, ok = wholeNumber(s)
		n, ok = float64(i), ok && i >= 0
		want = "a number"
	}
	switch {
	case s == "":
		c.failWhole("", "a limit is one value, or soft:hard: one of the two is missing")
	case !ok:
		c.fail(start, start+len(s), help, "%q is not %s, or infinity", s, want)
	}
	return n, ok
}

func niceLimit(s string) (float64, bool) {
	n, ok := wholeNumber(s)
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		return float64(20 - n), ok && n >= -20 && n <= 19
	}
	return float64(n), ok && n >= 0 && n <= 40
}

// timer judges OnCalendar=, and the time spans of the other timers.
func (c *valueCheck) timer() {
	if c.d.Key != "OnCalendar" {
		c.seconds(false)
		return
	}
	if err := CheckCalendar(c.value); err != nil {
		c.fail(err.Start, err.End, err.Help, "%s", err.Reason)
	}
}
