package units

import (
	"slices"
	"strings"
)

// grouped reports whether the options of each section stand together.
func grouped(opts []Option) bool {
	for i := 1; i < len(opts); i++ {
		section := opts[i].Section
		if section == opts[i-1].Section {
			continue
		}
		for _, earlier := range opts[:i-1] {
			if earlier.Section == section {
				return false
			}
		}
	}
	return true
}

// Canonical gives the options in the order in which fleet writes, hashes and
// returns them: the sections in the order in which they first occur, within each
// the options as they stand. It returns opts itself when nothing moves.
func Canonical(opts []Option) []Option {
	if grouped(opts) {
		return opts
	}
	result := make([]Option, 0, len(opts))
	for i, first := range opts {
		if hasSection(opts[:i], first.Section) {
			continue
		}
		for _, o := range opts[i:] {
			if o.Section == first.Section {
				result = append(result, o)
			}
		}
	}
	return result
}

func hasSection(opts []Option, section string) bool {
	return slices.ContainsFunc(opts, func(o Option) bool { return o.Section == section })
}

// Equal reports whether fleet takes a and b for the same unit: the same options
// in the same order once [Canonical]. Another order is another unit.
func Equal(a, b []Option) bool {
	return slices.Equal(Canonical(a), Canonical(b))
}

// Get returns every value that [section] gives to name, in order, as written.
func Get(opts []Option, section, name string) []string {
	var values []string
	for _, o := range opts {
		if o.Name == name && o.Section == section {
			values = append(values, o.Value)
		}
	}
	return values
}

// Last returns the value that counts for a directive that takes only one: the
// last. It is false when the directive is absent or its last value is empty,
// which for systemd is the default again.
func Last(opts []Option, section, name string) (string, bool) {
	for i := len(opts) - 1; i >= 0; i-- {
		if o := &opts[i]; o.Name == name && o.Section == section {
			return o.Value, o.Value != ""
		}
	}
	return "", false
}

// Values returns the values in force of a directive that makes a list: an empty
// assignment forgets what came before it. (The unit lists of [Unit] are the
// exception, systemd cannot reset them: use [Words] over [Get].)
func Values(opts []Option, section, name string) []string {
	var values []string
	for _, o := range opts {
		if o.Name != name || o.Section != section {
			continue
		}
		if o.Value == "" {
			values = nil
			continue
		}
		values = append(values, o.Value)
	}
	return values
}

// Words splits a value at systemd's blanks, which are space, tab, newline and
// carriage return, and takes quotes off. It is for lists of names, where systemd
// knows quotes but no escapes.
func Words(value string) []string {
	var words []string
	for {
		value = strings.TrimLeft(value, blanks)
		if value == "" {
			return words
		}
		var word string
		word, value = nextWord(value)
		words = append(words, word)
	}
}

func nextWord(s string) (word, rest string) {
	if !strings.ContainsAny(s, `"'`) {
		if i := strings.IndexAny(s, blanks); i >= 0 {
			return s[:i], s[i:]
		}
		return s, ""
	}
	var b strings.Builder
	var quote byte
	for i := range len(s) {
		c := s[i]
		switch {
		case quote == 0 && strings.IndexByte(blanks, c) >= 0:
			return b.String(), s[i:]
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == c && quote != 0:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// ParseBool reads a boolean as systemd does (parse_boolean): 1, yes, y, true, t,
// on and 0, no, n, false, f, off, in any case.
func ParseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true, true
	case "0", "no", "n", "false", "f", "off":
		return false, true
	}
	return false, false
}
