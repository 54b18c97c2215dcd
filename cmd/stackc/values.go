package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackc/stackc/units"
)

// choice is a flag whose value is one of some words.
type choice struct {
	value string
	words []string
}

func newChoice(value string, words ...string) choice { return choice{value: value, words: words} }

// Set implements flag.Value.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.words, s) {
		return fmt.Errorf("use %s%s", orList(c.words), didYouMean(s, c.words, ""))
	}
	c.value = s
	return nil
}

// String implements flag.Value.
func (c *choice) String() string { return c.value }

// paths is a flag that may be given several times, each time with one path.
type paths struct{ given []string }

// Set implements flag.Value.
func (p *paths) Set(s string) error {
	p.given = append(p.given, s)
	return nil
}

// String implements flag.Value.
func (p *paths) String() string { return "" }

// duration is a flag for a length of time, as systemd and Go write it; a bare
// number is seconds, as fleetctl has it.
type duration struct{ value time.Duration }

// maxSeconds is the longest time in seconds that is taken: ten years.
const maxSeconds = 10 * 365 * 24 * 3600

// Set implements flag.Value.
func (d *duration) Set(s string) error {
	t, err := time.ParseDuration(s)
	if seconds, e := strconv.ParseFloat(s, 64); e == nil && seconds < maxSeconds {
		t, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || t < 0 {
		return fmt.Errorf("write a length of time like 90s or 10m")
	}
	d.value = t
	return nil
}

// String implements flag.Value.
func (d *duration) String() string {
	if d.value == 0 {
		return ""
	}
	s := d.value.String()
	s = strings.TrimSuffix(s, "0s")
	if strings.HasSuffix(s, "h0m") {
		return strings.TrimSuffix(s, "0m")
	}
	if s == "" || s[len(s)-1] < 'a' {
		return d.value.String()
	}
	return s
}

// orList writes words as a person would: "a, b or c".
func orList(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}

// didYouMean ends a message about a mistyped word, or is "".
func didYouMean(word string, words []string, prefix string) string {
	if s, ok := units.Suggest(word, words); ok {
		return fmt.Sprintf("; did you mean %q?", prefix+s)
	}
	return ""
}
