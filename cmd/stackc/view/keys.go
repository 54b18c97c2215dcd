package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/cmd/stackc/keyring"
)

// KeysMade tells which files were written.
func KeysMade(dir string, made []string) string {
	if len(made) == 0 {
		return fmt.Sprintf("%s: nothing to do\n", clean(dir))
	}
	var b strings.Builder
	for _, name := range made {
		fmt.Fprintf(&b, "%s %s\n", good("+"), clean(name))
	}
	fmt.Fprintf(&b, "%s: %s written\n", clean(dir), count(len(made), "file"))
	return b.String()
}

// Keys writes a table.
func Keys(list []keyring.Entry, width int) string {
	rows := [][]string{{strong("FILE"), strong("FOR"), strong("UNTIL"), strong("STATUS"), strong("BELONGS TO")}}
	for _, k := range list {
		until := "-"
		if k.Until != nil {
			until = k.Until.Format(time.DateOnly)
		}
		rows = append(rows, []string{clean(k.Name), clean(cmp.Or(k.User, "-")), until, keyStatus(k.Status), keyPlaces(k.To)})
	}
	return columns("", rows, width)
}

func keyStatus(s keyring.Status) string {
	switch s {
	case keyring.OK:
		return good(string(s))
	case keyring.Expires, keyring.Changed:
		return wary(string(s))
	}
	return bad(string(s))
}

// keyPlaces names machines once for each path.
func keyPlaces(to []keyring.Place) string {
	on := map[string][]string{}
	var paths []string
	for _, t := range to {
		if on[t.Path] == nil {
			paths = append(paths, t.Path)
		}
		where := t.Machine
		switch {
		case where != "":
		case t.Role != "":
			where = "every " + t.Role
		default:
			where = "every machine"
		}
		on[t.Path] = append(on[t.Path], where)
	}
	if len(paths) == 0 {
		return "-"
	}
	slices.Sort(paths)
	var list []string
	for _, path := range paths {
		list = append(list, clean(strings.Join(on[path], ", ")+": "+path))
	}
	return strings.Join(list, "; ")
}

// KeysWrong tells what is to be done, a line for each file.
func KeysWrong(dir string, list []keyring.Entry) string {
	var b strings.Builder
	for _, k := range list {
		fmt.Fprintf(&b, "%s %s: %s\n", keyStatus(k.Status), clean(k.Name), clean(k.Note))
	}
	fmt.Fprintf(&b, "%s: %s to look after\n", clean(dir), count(len(list), "file"))
	return b.String()
}

// KeysRight tells that all is as it must be, and until when.
func KeysRight(dir string, list []keyring.Entry) string {
	text := fmt.Sprintf("%s: %s, all right", clean(dir), count(len(list), "file"))
	first := ""
	for _, k := range list {
		if k.Until != nil && (first == "" || k.Until.Format(time.DateOnly) < first) {
			first = k.Until.Format(time.DateOnly)
		}
	}
	if first != "" {
		text += "; the first ends on " + first
	}
	return text + "\n"
}
