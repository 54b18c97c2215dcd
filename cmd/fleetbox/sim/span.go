package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// spanUnits are the units of systemd.time(7), as far as unit files use them.
func spanUnits() map[string]time.Duration {
	const day = 24 * time.Hour
	return map[string]time.Duration{
		"usec": time.Microsecond, "us": time.Microsecond,
		"msec": time.Millisecond, "ms": time.Millisecond,
		"": time.Second, "seconds": time.Second, "second": time.Second, "sec": time.Second, "s": time.Second,
		"minutes": time.Minute, "minute": time.Minute, "min": time.Minute, "m": time.Minute,
		"hours": time.Hour, "hour": time.Hour, "hr": time.Hour, "h": time.Hour,
		"days": day, "day": day, "d": day,
		"weeks": 7 * day, "week": 7 * day, "w": 7 * day,
	}
}

// parseSpan reads a time span such as "90", "1min 30s" or "infinity" (systemd.time(7)). No limit,
// which timeouts write as 0 or infinity, is 0.
func parseSpan(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, errors.New("empty time span")
	}
	if text == "infinity" {
		return 0, nil
	}
	var total time.Duration
	units := spanUnits()
	for rest := text; rest != ""; {
		digits := rest[:leading(rest, "0123456789.")]
		rest = strings.TrimLeft(rest[len(digits):], " ")
		name := rest[:leading(rest, "abcdefghijklmnopqrstuvwxyz")]
		rest = strings.TrimLeft(rest[len(name):], " ")
		n, err := strconv.ParseFloat(digits, 64)
		scale, known := units[name]
		if err != nil || !known {
			return 0, fmt.Errorf("bad time span %q", text)
		}
		total += time.Duration(n * float64(scale))
	}
	return total, nil
}

// leading is the length of the longest prefix of s made of the given characters.
func leading(s, characters string) int {
	return len(s) - len(strings.TrimLeft(s, characters))
}
