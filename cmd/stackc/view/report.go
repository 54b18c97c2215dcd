package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

// Report writes what a change is and what it does, unit by unit, with the places
// in the files. Sentences are folded to width, values never.
func Report(r *review.Report, width int) string {
	var b strings.Builder
	for _, u := range r.Units {
		b.WriteString(columns("", reportRows(u), width))
		b.WriteString(reportedUnit(r, u, width))
	}
	b.WriteString(meanwhile(r, width))
	if len(r.Warnings) > 0 {
		b.WriteString("\n")
	}
	for _, w := range r.Warnings {
		b.WriteString(Warning(w, width))
	}
	if len(r.Units) > 0 {
		b.WriteString("\n" + strong("stack "+clean(r.Stack)) + ": " + r.Headline() + "\n")
	}
	return b.String()
}

// GitHeader is the line that stands before what git's external diff writes.
func GitHeader(path, renamed string) string {
	if renamed != path {
		path += " -> " + renamed
	}
	return strong("diff --stackc "+clean(path)) + "\n"
}

// reportRows are the lines with the unit's name: a mark and what happens.
func reportRows(u review.Unit) [][]string {
	name := strong(clean(string(u.Unit)))
	if u.Was != "" {
		name = strong(clean(string(u.Was))) + " -> " + name
	}
	var rows [][]string
	for i, said := range u.Consequences {
		row := []string{"", clean(said)}
		if i == 0 {
			row[0] = reportMark(u) + " " + name
		}
		rows = append(rows, row)
	}
	return rows
}

// reportMark is the sign of a change in its colour.
func reportMark(u review.Unit) string {
	switch sign := u.Sign(); sign {
	case "!":
		return bad(sign)
	case "?":
		return faint(sign)
	case "+":
		return good(sign)
	case "-":
		return gone(sign)
	case "=", ">":
		return busy(sign)
	default:
		return wary(sign)
	}
}

// reportedUnit writes the directives that differ.
func reportedUnit(r *review.Report, u review.Unit, width int) string {
	var b strings.Builder
	if u.From != u.To && u.From != "" && u.To != "" {
		b.WriteString("    desired state\n" + removed(string(u.From)) + added(string(u.To)))
	}
	if u.Change == compare.Added || u.Change == compare.Removed {
		if u.Effect.Fate != fleet.Orphaned {
			b.WriteString(wholeUnit(u))
		}
	} else {
		for _, d := range u.Directives {
			b.WriteString(reportedDirective(d, width))
		}
	}
	var rows [][]string
	for _, refused := range u.Refused {
		rows = append(rows, []string{clean(r.MachineName(refused.Machine)) + ":", clean(refused.Reason)})
	}
	b.WriteString(columns("    ", rows, width))
	return b.String()
}

// wholeUnit writes all lines of a unit that came or went.
func wholeUnit(u review.Unit) string {
	var b strings.Builder
	section := ""
	for _, d := range u.Directives {
		if d.Section != section {
			b.WriteString("    " + clean("["+d.Section+"]") + "\n")
			section = d.Section
		}
		for _, e := range d.Edits {
			if e.Op == compare.Add {
				b.WriteString(added(clean(d.Name) + "=" + worded(e.New, e.NewStep)))
			} else {
				b.WriteString(removed(clean(d.Name) + "=" + worded(e.Old, e.OldStep)))
			}
		}
	}
	return b.String()
}

func removed(s string) string { return "      " + gone("- "+s) + "\n" }
func added(s string) string   { return "      " + good("+ "+s) + "\n" }

// worded names a command of the compiler by what it does, any other value as it is.
func worded(value, step string) string { return clean(review.Worded(value, step)) }

func reportedDirective(d review.Directive, width int) string {
	var b strings.Builder
	title := "    " + clean("["+d.Section+"] "+d.Name)
	b.WriteString(withPlace(title, d.Where(), width) + "\n")
	for _, l := range d.Before {
		b.WriteString("        " + faint(clean(l)) + "\n")
	}
	for _, e := range d.Edits {
		b.WriteString(reportedEdit(d, e))
	}
	for _, l := range d.After {
		b.WriteString("        " + faint(clean(l)) + "\n")
	}
	return b.String()
}

// withPlace puts a place behind a title, at the right border when there is one.
func withPlace(title, place string, width int) string {
	if place == "" {
		return title
	}
	gap := 2
	if room := width - ansi.StringWidth(title) - ansi.StringWidth(place); width > 0 && room > gap {
		gap = room
	}
	return title + strings.Repeat(" ", gap) + faint(clean(place))
}

func reportedEdit(d review.Directive, e review.Edit) string {
	var b strings.Builder
	switch {
	case e.Op == compare.Add:
		b.WriteString(added(worded(e.New, e.NewStep)))
	case e.Op == compare.Remove:
		b.WriteString(removed(worded(e.Old, e.OldStep)))
	case e.Op == compare.Move:
		b.WriteString("      " + wary("~ "+worded(e.New, e.NewStep)) + faint(" at another place") + "\n")
	case len(e.Args) > 0:
		b.WriteString(changedArgs(d, e))
	case e.OldStep != "" && e.OldStep == e.NewStep:
		b.WriteString("      " + wary("~ "+worded(e.New, e.NewStep)) + faint(" in other words") + "\n")
	default:
		b.WriteString(removed(worded(e.Old, e.OldStep)) + added(worded(e.New, e.NewStep)))
	}
	if e.Masked && e.Old == e.New && len(e.Args) == 0 && e.Op == compare.Change {
		b.WriteString("        " + faint("the secret differs") + "\n")
	}
	return b.String()
}

// changedArgs writes the parts of a command that differ, under the command.
func changedArgs(d review.Directive, e review.Edit) string {
	var b strings.Builder
	if d.Compared == compare.AsCommands {
		b.WriteString("        " + clean(e.Command()) + "\n")
	}
	for _, a := range e.Args {
		text := clean(a.String())
		switch {
		case a.Old == nil:
			text = good(text)
		case a.New == nil:
			text = gone(text)
		default:
			text = "~ " + text
		}
		if a.Old != nil && a.New != nil {
			text = wary(text)
		}
		b.WriteString("      " + text + "\n")
	}
	return b.String()
}

// meanwhile tells what is down while the change is carried out.
func meanwhile(r *review.Report, width int) string {
	m := r.Meanwhile
	if len(m.Holding)+len(m.Without) == 0 && len(m.Order) < 2 {
		return ""
	}
	var rows [][]string
	if len(m.Order) > 1 {
		for i, wave := range m.Order {
			title := ""
			if i == 0 {
				title = faint("come up")
			}
			rows = append(rows, []string{title, fmt.Sprintf("%d. %s", i+1, clean(shortList(texts(wave), 6)))})
		}
	}
	for i, h := range m.Holding {
		title := ""
		if i == 0 {
			title = faint("wait")
		}
		text := fmt.Sprintf("%s for %s", h.Unit, h.For)
		if h.Probe != "" {
			text += " (" + h.Probe + ")"
		}
		rows = append(rows, []string{title, clean(text)})
	}
	for i, w := range m.Without {
		title := ""
		if i == 0 {
			title = faint("run on")
		}
		rows = append(rows, []string{title, clean(fmt.Sprintf("%s, without %s for a while", w.Unit, shortList(texts(w.Of), 4)))})
	}
	return "\n" + strong("meanwhile") + "\n" + columns("  ", rows, width)
}

func texts(names []units.Name) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = string(n)
	}
	return list
}
