package view

import (
	"strings"

	"znkr.io/diff"

	"github.com/charmbracelet/x/ansi"

	"github.com/stackc/stackc/fleet"
)

// Diff writes the differences between the cluster and the stack, option by
// option, with what comes of each unit's. Values are never folded.
func Diff(p *fleet.Plan, width int) string {
	var b strings.Builder
	for _, u := range p.Units {
		if rows := planRows(p, u); len(rows) > 0 {
			b.WriteString(columns("", rows, width))
			b.WriteString(unitDiff(u))
		}
	}
	b.WriteString(refusals(p, width))
	return b.String()
}

// unitDiff writes the options of a unit that differ.
func unitDiff(u fleet.UnitPlan) string {
	var b strings.Builder
	switch u.Action {
	case fleet.Create:
		b.WriteString(content(u.Content))
	case fleet.SetState:
		b.WriteString("    desired state\n" + removed(string(u.From)) + added(string(u.To)))
	case fleet.Replace:
		if u.From != u.To {
			b.WriteString("    desired state\n" + removed(string(u.From)) + added(string(u.To)))
		}
		if u.Reordered {
			b.WriteString("    the same options in another order\n")
		}
	}
	for _, c := range u.Options {
		b.WriteString("    " + clean("["+c.Section+"] "+c.Name) + "\n" + values(c.Old, c.New))
	}
	return b.String()
}

// content writes all options of a new unit.
func content(options []fleet.PlanOption) string {
	var b strings.Builder
	section := ""
	for _, o := range options {
		if o.Section != section {
			b.WriteString("    " + clean("["+o.Section+"]") + "\n")
			section = o.Section
		}
		b.WriteString(added(clean(o.Name + "=" + o.Value)))
	}
	return b.String()
}

func removed(s string) string { return "      " + gone("- "+s) + "\n" }
func added(s string) string   { return "      " + good("+ "+s) + "\n" }

// values writes the lines of one directive that differ. A line that was changed
// rather than exchanged is cut to the words that differ.
func values(old, new []string) string {
	var b strings.Builder
	var minus, plus []string
	flush := func() {
		for i := range max(len(minus), len(plus)) {
			b.WriteString(pair(at(minus, i), at(plus, i)))
		}
		minus, plus = nil, nil
	}
	for _, e := range diff.Edits(old, new) {
		switch e.Op {
		case diff.Delete:
			minus = append(minus, e.X)
		case diff.Insert:
			plus = append(plus, e.Y)
		default:
			flush()
		}
	}
	flush()
	return b.String()
}

func at(list []string, i int) *string {
	if i < len(list) {
		return &list[i]
	}
	return nil
}

func pair(old, new *string) string {
	switch {
	case new == nil:
		return removed(whole(*old))
	case old == nil:
		return added(whole(*new))
	}
	before, after := changedWords(*old, *new)
	return removed(before) + added(after)
}

// whole writes a value as it is, an empty one so that it is seen: in systemd it
// means that what was said before does not hold.
func whole(s string) string {
	if s == "" {
		return "(empty)"
	}
	return clean(s)
}

// longValue is the number of columns from which on a value is cut to its changes.
const longValue = 72

// changedWords cuts two long values to their first words, by which a command is
// known, and the words that differ.
func changedWords(old, new string) (before, after string) {
	if max(ansi.StringWidth(old), ansi.StringWidth(new)) < longValue {
		return whole(old), whole(new)
	}
	x, y := strings.Fields(old), strings.Fields(new)
	edits := diff.Edits(x, y)
	if !mostlyEqual(edits, len(x)+len(y)) {
		return whole(old), whole(new)
	}
	var b, a words
	for i, e := range edits {
		switch {
		case e.Op == diff.Delete:
			b.add(e.X)
		case e.Op == diff.Insert:
			a.add(e.Y)
		case i == 0:
			b.add(e.X)
			a.add(e.X)
		default:
			b.skip()
			a.skip()
		}
	}
	return b.String(), a.String()
}

// mostlyEqual reports whether at least half of the words are in both.
func mostlyEqual(edits []diff.Edit[string], total int) bool {
	equal := 0
	for _, e := range edits {
		if e.Op == diff.Match {
			equal += 2
		}
	}
	return 2*equal >= total
}

// words joins words, with one mark for any number of them that are left out.
type words struct{ list []string }

func (w *words) add(s string) { w.list = append(w.list, clean(s)) }

func (w *words) skip() {
	if n := len(w.list); n == 0 || w.list[n-1] != "…" {
		w.list = append(w.list, "…")
	}
}

// String joins the words.
func (w *words) String() string { return strings.Join(w.list, " ") }
