package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// flagError is a command line the real program would refuse.
type flagError struct {
	flag string // as it was written, dashes included
	what string
}

func (e *flagError) Error() string { return e.what + ": " + e.flag }

// values are the flags that were given, under the names of the table.
type values map[string]string

// or returns the value of a flag, or its default when it was not given.
func (v values) or(name, otherwise string) string {
	if got, ok := v[name]; ok {
		return got
	}
	return otherwise
}

// parse reads a command line as the program's own flag library would. The words that are no flags are returned too: Go's flag package stops at the first
// of them and ignores all flags behind it.
func (t table) parse(args []string) (values, []string, error) {
	got := values{}
	var rest []string
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if word == "--" {
			return got, append(rest, args...), nil
		}
		if len(word) < 2 || word[0] != '-' {
			rest = append(rest, word)
			if t.style == goStyle {
				return got, append(rest, args...), nil
			}
			continue
		}
		left, err := t.flag(word, args, got)
		if err != nil {
			return nil, nil, err
		}
		args = left
	}
	return got, rest, nil
}

// flag reads one flag and its value into got, and returns the arguments behind them.
func (t table) flag(word string, args []string, got values) ([]string, error) {
	written, value, given := strings.Cut(word, "=")
	name := strings.TrimPrefix(strings.TrimPrefix(written, "-"), "-")
	if t.style == posixStyle && !strings.HasPrefix(written, "--") {
		return nil, &flagError{written, "unknown shorthand flag"}
	}
	if t.dashes {
		name = strings.ReplaceAll(name, "-", "_")
	}
	k, known := t.flags[name]
	switch {
	case !known:
		return nil, &flagError{written, "unknown flag"}
	case !given && k == boolean:
		value = "true"
	case !given && len(args) == 0:
		return nil, &flagError{written, "flag needs an argument"}
	case !given:
		value, args = args[0], args[1:]
	}
	if err := k.check(value); err != nil {
		return nil, &flagError{written, fmt.Sprintf("invalid value %q (%v)", value, err)}
	}
	got[name] = value
	return args, nil
}

// check says whether a value is of the kind.
func (k kind) check(value string) error {
	var err error
	switch k {
	case boolean:
		_, err = strconv.ParseBool(value)
	case number:
		_, err = strconv.Atoi(value)
	case address:
		_, err = netip.ParseAddr(value)
	case network:
		_, err = netip.ParsePrefix(value)
	case duration:
		_, err = time.ParseDuration(value)
	}
	return err
}

// missing returns the first required flag that was not given, empty when there is none.
func (t table) missing(got values) string {
	if i := slices.IndexFunc(t.required, func(name string) bool { return got[name] == "" }); i >= 0 {
		return t.required[i]
	}
	return ""
}
