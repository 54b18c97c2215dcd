package review

import (
	"fmt"
	"strings"
)

// MarkdownLimit is how many bytes Markdown gives at most: GitHub takes comments of
// 65,536 characters, and a bot may want to add something.
const MarkdownLimit = 60_000

// Markdown writes a report for a pull request: a table of what happens, and each
// unit's differences folded below it. What does not fit is left out and counted.
func Markdown(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### stack %s: %s\n\n", mdText(r.Stack), mdText(r.Headline()))
	fmt.Fprintf(&b, "%s → %s\n\n", mdCode(r.Old.Name), mdCode(r.New.Name))
	if len(r.Units) == 0 {
		return b.String()
	}
	tail := r.mdTail()
	room := MarkdownLimit - len(tail) - 400 // for the notes on what is left out
	rows, leftRows := fit(&b, r.mdRows(), room*2/5)
	_ = rows
	if leftRows > 0 {
		fmt.Fprintf(&b, "| | … | and %d more units |\n", leftRows)
	}
	b.WriteString("\n")
	for _, w := range r.Warnings {
		text := w.Text
		if w.Unit != "" {
			text = string(w.Unit) + ": " + text
		}
		if b.Len()+len(text) < room/2 {
			fmt.Fprintf(&b, "> ⚠ %s\n>\n", mdText(text))
		}
	}
	_, left := fit(&b, r.mdUnits(), room)
	b.WriteString(tail)
	if left > 0 {
		fmt.Fprintf(&b, "\n*The differences of %d more units are left out, for a comment takes no more. `stackc diff` shows them.*\n", left)
	}
	return b.String()
}

// fit appends parts while they keep the text below room bytes, and says how many
// went in and how many did not.
func fit(b *strings.Builder, parts []string, room int) (in, left int) {
	for _, p := range parts {
		if b.Len()+len(p) > room {
			left++
			continue
		}
		b.WriteString(p)
		in++
	}
	return in, left
}

// mdRows is the table of what happens.
func (r *Report) mdRows() []string {
	rows := []string{"| | unit | what happens |\n|---|---|---|\n"}
	for _, u := range r.Units {
		name := mdCode(string(u.Unit))
		if u.Was != "" {
			name = mdCode(string(u.Was)) + " → " + name
		}
		said := make([]string, len(u.Consequences))
		for i, c := range u.Consequences {
			said[i] = mdCell(c)
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", u.Sign(), name, strings.Join(said, "<br>")))
	}
	return rows
}

// mdUnits are the folded differences.
func (r *Report) mdUnits() []string {
	var parts []string
	for _, u := range r.Units {
		var lines []string
		if u.From != u.To && u.From != "" && u.To != "" {
			lines = append(lines, "- desired state: "+string(u.From), "+ desired state: "+string(u.To))
		}
		for _, d := range u.Directives {
			b := blockOf(d)
			title := "@@ " + b.Title + " @@"
			if b.Place != "" {
				title += "  (" + b.Place + ")"
			}
			lines = append(lines, title)
			for _, l := range b.Lines {
				lines = append(lines, mdDiffLine(l))
			}
		}
		for _, refused := range u.Refused {
			lines = append(lines, "! "+r.MachineName(refused.Machine)+": "+refused.Reason)
		}
		if len(lines) == 0 {
			continue
		}
		text := strings.Join(lines, "\n")
		fence := mdFence(text)
		parts = append(parts, fmt.Sprintf("<details><summary>%s</summary>\n\n%sdiff\n%s\n%s\n\n</details>\n\n", htmlCode(string(u.Unit)), fence, text, fence))
	}
	return parts
}

// mdDiffLine writes a line so that a diff block colours it.
func mdDiffLine(l blockLine) string {
	text := strings.NewReplacer("\n", " ", "\r", " ").Replace(l.Text)
	if l.Class == "chg" {
		return "!" + strings.TrimPrefix(text, "~")
	}
	return text
}

// mdTail tells what happens meanwhile.
func (r *Report) mdTail() string {
	list := r.order()
	if len(list) == 0 {
		return ""
	}
	const most = 40
	var b strings.Builder
	b.WriteString("<details><summary>meanwhile</summary>\n\n")
	for i, text := range list {
		if i == most {
			fmt.Fprintf(&b, "- … and %d more\n", len(list)-most)
			break
		}
		if len(text) > 300 {
			text = text[:strings.LastIndexByte(text[:300], ' ')] + " …"
		}
		b.WriteString("- " + mdText(text) + "\n")
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// mdText writes text so that Markdown takes nothing in it for its own.
func mdText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r':
			r = ' '
		case strings.ContainsRune("\\`*_{}[]<>()#!|~@", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mdCell is mdText for a table.
func mdCell(s string) string { return mdText(s) }

// mdCode writes a name as code.
func mdCode(s string) string {
	s = strings.NewReplacer("`", "'", "|", "\\|", "\n", " ").Replace(s)
	return "`" + s + "`"
}

func htmlCode(s string) string {
	return "<code>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s) + "</code>"
}

// mdFence is a fence that does not occur in the text.
func mdFence(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}
