package review

import (
	"fmt"
	"slices"
	"strings"

	"znkr.io/diff"

	"github.com/stackc/stackc/units"
)

// Patch writes the difference of the unit files as patch(1) takes it, with so many
// lines of context.
func Patch(old, new *units.Set, context int) string {
	var names []units.Name
	names = append(names, old.Names()...)
	names = append(names, new.Names()...)
	slices.Sort(names)
	var b strings.Builder
	for _, name := range slices.Compact(names) {
		was, had := old.Lookup(name)
		is, has := new.Lookup(name)
		if had && has && units.Equal(was.Options, is.Options) {
			continue
		}
		from, to := "a/"+string(name), "b/"+string(name)
		before, after := was.Text(), is.Text()
		if !had {
			from, before = "/dev/null", ""
		}
		if !has {
			to, after = "/dev/null", ""
		}
		if hunks := hunksOf(before, after, context); hunks != "" {
			fmt.Fprintf(&b, "--- %s\n+++ %s\n%s", from, to, hunks)
		}
	}
	return b.String()
}

// hunksOf writes the hunks between two texts, whose lines all end in a newline.
func hunksOf(before, after string, context int) string {
	var b strings.Builder
	for _, h := range diff.Hunks(linesOf(before), linesOf(after), diff.Context(context)) {
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", rangeOf(h.PosX, h.EndX), rangeOf(h.PosY, h.EndY))
		for _, e := range h.Edits {
			switch e.Op {
			case diff.Delete:
				b.WriteString("-" + e.X)
			case diff.Insert:
				b.WriteString("+" + e.Y)
			default:
				b.WriteString(" " + e.X)
			}
		}
	}
	return b.String()
}

func linesOf(text string) []string {
	return slices.Collect(strings.Lines(text))
}

// rangeOf writes the lines [pos, end), counted from 0, as a unified diff counts
// them: from 1, and an empty range by the line before it.
func rangeOf(pos, end int) string {
	switch n := end - pos; n {
	case 0:
		return fmt.Sprintf("%d,0", pos)
	case 1:
		return fmt.Sprint(pos + 1)
	default:
		return fmt.Sprintf("%d,%d", pos+1, n)
	}
}

// SecretUnits names the units of either side whose patch would tell a secret.
func SecretUnits(old, new *units.Set) []units.Name {
	var names []units.Name
	for _, s := range []*units.Set{old, new} {
		for _, u := range s.Units {
			other, _ := old.Lookup(u.Name)
			if s == old {
				other, _ = new.Lookup(u.Name)
			}
			if units.Equal(u.Options, other.Options) {
				continue
			}
			if slices.ContainsFunc(u.Options, func(o units.Option) bool { return len(units.Secrets(o.Name+"="+o.Value)) > 0 }) {
				names = append(names, u.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
