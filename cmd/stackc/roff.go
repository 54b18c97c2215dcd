package main

import (
	"fmt"
	"strings"
)

// roff writes one manual page in the macros of man(7).
type roff struct {
	b     strings.Builder
	fresh bool // a title has just been written, which begins a paragraph itself
}

// newRoff begins the page of that name. It carries no date, so that the same program gives
// the same page.
func newRoff(name string, section int) *roff {
	r := &roff{}
	fmt.Fprintf(&r.b, ".TH %s %d \"\" \"stackc %s\" \"stackc manual\"\n", plainRoff(strings.ToUpper(name)), section, plainRoff(buildVersion().Version))
	return r
}

// roffText keeps characters from being taken for roff's.
var roffText = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`, "…", "...")

func plainRoff(s string) string { return roffText.Replace(s) }

// line writes a line of text; one that begins as a request would is kept from it.
func (r *roff) line(s string) {
	s = plainRoff(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	r.b.WriteString(s + "\n")
}

func (r *roff) section(title string) {
	fmt.Fprintf(&r.b, ".SH \"%s\"\n", plainRoff(strings.ToUpper(title)))
	r.fresh = true
}

// begin begins a paragraph.
func (r *roff) begin() {
	if !r.fresh {
		r.b.WriteString(".PP\n")
	}
	r.fresh = false
}

// paragraph writes text that is filled.
func (r *roff) paragraph(text string) {
	r.begin()
	r.fill(text)
}

// fill writes words of a paragraph that has begun. Each sentence begins a line, so that
// the space behind it is as wide as it should be.
func (r *roff) fill(text string) {
	words := strings.Fields(text)
	from := 0
	for i, w := range words {
		last := i == len(words)-1
		if last || strings.HasSuffix(w, ".") && len(w) > 2 && !strings.HasSuffix(w, "..") {
			r.line(strings.Join(words[from:i+1], " "))
			from = i + 1
		}
	}
}

// verbatim writes lines as they are.
func (r *roff) verbatim(lines []string) {
	r.begin()
	r.b.WriteString(".EX\n")
	for _, l := range lines {
		if strings.TrimSpace(l) == "" {
			r.b.WriteString("\\&\n")
			continue
		}
		r.line(l)
	}
	r.b.WriteString(".EE\n")
}

// item writes an entry of a list: a name in bold letters, what stands for its value, and
// a text.
func (r *roff) item(name, value, text string) {
	tag := `\fB` + plainRoff(name) + `\fR`
	if value != "" {
		tag += ` \fI` + plainRoff(value) + `\fR`
	}
	r.fresh = false
	r.b.WriteString(".TP\n" + tag + "\n")
	r.fill(text)
}

// example writes a line as it is below the text of an item.
func (r *roff) example(s string) {
	r.b.WriteString(".nf\n")
	r.line(s)
	r.b.WriteString(".fi\n")
}
