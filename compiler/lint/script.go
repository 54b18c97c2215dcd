package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// script looks at what a shell gets behind -c: systemd reads it first, and takes
// out of it what is its own.
func (c *checker) script(l execLine, command units.Command, w units.Word, more bool) {
	if more && !w.Quoted && strings.IndexByte(w.Text, '$') < 0 {
		c.add(l.finding(diag.Warning, diag.ShellText, w.Column-1, w.End, "the shell gets %q alone for its script: what follows are other words", w.Text).
			WithHelp("put the whole script in quotes"))
	}
	c.expansions(l, w, assigned(w.Text))
	c.lonePID(l, w)
	c.specifiers(l, command, w)
	c.unquoted(l, w)
}

var (
	assignedHere = pattern.New(`(?:^|[\s;&|({])(?:export\s+|local\s+|readonly\s+)?([A-Za-z_][A-Za-z0-9_]*)=|\bfor\s+([A-Za-z_][A-Za-z0-9_]*)\s+in\b|\bread\s+(?:-r\s+)?([A-Za-z_][A-Za-z0-9_]*)`)
	bracedName   = pattern.New(`\$?\$\{([^{}]*)\}`)
	variableName = pattern.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// assigned lists the variables that a script gives a value itself.
func assigned(script string) []string {
	var names []string
	for _, m := range assignedHere().FindAllStringSubmatch(script, -1) {
		names = append(names, m[1]+m[2]+m[3])
	}
	return names
}

// expansions: whatever stands between ${ and } is the name of a variable to
// systemd, also in a script; one that it does not have is empty.
func (c *checker) expansions(l execLine, w units.Word, own []string) {
	raw, start := l.raw(w), w.Column-1
	if !strings.Contains(raw, "${") {
		return
	}
	for _, m := range bracedName().FindAllStringSubmatchIndex(raw, -1) {
		if strings.HasPrefix(raw[m[0]:], "$$") || m[0] > 0 && raw[m[0]-1] == '$' {
			continue
		}
		text, name := raw[m[0]:m[1]], raw[m[2]:m[3]]
		switch {
		case strings.Contains(name, "%"): // a specifier, or what is not known
		case !variableName().MatchString(name):
			c.add(l.finding(diag.Warning, diag.ShellText, start+m[0], start+m[1], "systemd takes %s for the variable %q, which is empty: it knows no more than ${NAME}", text, name).
				WithHelp(fmt.Sprintf("in a script write $%s, which leaves it to the shell", text)))
		case slices.Contains(own, name):
			c.add(l.finding(diag.Warning, diag.ShellText, start+m[0], start+m[1], "systemd puts its own variable in for %s before the script gives it a value", text).
				WithHelp(fmt.Sprintf("write $%s, which leaves it to the shell", text)))
		}
	}
}

var lonePID = pattern.New(`\$\$+`)

// lonePID: $$ is one dollar sign to systemd, and a shell that gets one alone
// does not read the number of its process in it.
func (c *checker) lonePID(l execLine, w units.Word) {
	raw, start := l.raw(w), w.Column-1
	for _, at := range lonePID().FindAllStringIndex(raw, -1) {
		next := byte(' ')
		if at[1] < len(raw) {
			next = raw[at[1]]
		}
		if at[1]-at[0] != 2 || strings.IndexByte("({_?!@*#-'\"$\\", next) >= 0 || next >= '0' && next <= '9' || next|0x20 >= 'a' && next|0x20 <= 'z' {
			continue
		}
		c.add(l.finding(diag.Warning, diag.ShellText, start+at[0], start+at[1], "systemd makes one $ of $$, which is nothing to the shell").
			WithHelp("write $$$$ for the number of the process"))
	}
}

// dateTools print times by formats in which % is not systemd's.
var dateTools = pattern.New(`(?:^|[\s;&|("'` + "`" + `/])date\s[^;&|]*$|\+$`)

// specifiers: systemd puts machine ids and the like in for %m and others, also
// within quotes, where a program wants the letter itself.
func (c *checker) specifiers(l execLine, command units.Command, w units.Word) {
	raw, start := l.raw(w), w.Column-1
	if strings.IndexByte(raw, '%') < 0 || !strings.Contains(raw, "date") && path.Base(command.Words[0].Text) != "date" {
		return
	}
	for from := 0; ; {
		at := dateFormat().FindStringIndex(raw[from:])
		if at == nil {
			return
		}
		at[0], at[1] = at[0]+from, at[1]+from
		if at[0] > 0 && raw[at[0]-1] == '%' {
			from = at[1]
			continue
		}
		if raw[at[0]:at[1]] == unknownPart || !timeFormat(raw, at[0], path.Base(command.Words[0].Text) == "date") {
			from = at[1]
			continue
		}
		end := at[0]
		for end < len(raw) && strings.IndexByte(" \t\"')`", raw[end]) < 0 {
			end++
		}
		format := raw[at[0]:end]
		c.add(l.finding(diag.Warning, diag.Specifier, start+at[0], start+end, "systemd looks for its own specifiers, such as %%m for the machine's id, in %s before the program sees it", format).
			WithHelp("write " + strings.ReplaceAll(strings.ReplaceAll(format, "%%", "%"), "%", "%%")))
		from = end
	}
}

// timeFormat reports whether the % at that offset stands in a format of date.
func timeFormat(raw string, at int, date bool) bool {
	word := strings.LastIndexAny(raw[:at], " \t\"'`(") + 1
	if raw[word] != '+' {
		return false
	}
	return date || dateTools().MatchString(raw[:word])
}

// metacharacters mean something to a shell outside of quotes; a blank, which
// parts words, is often meant to.
const metacharacters = ";|&<>()$`\"'\\*?!{}#~"

// unquoted: what ${{ }} puts into a script is not quoted, and the shell reads
// it as a part of the script.
func (c *checker) unquoted(l execLine, w units.Word) {
	at := w.Column - 1
	for at < w.End {
		start, end := l.line.Put(at)
		if start == end {
			at++
			continue
		}
		end = min(end, w.End)
		if i := strings.IndexAny(l.line.Text[start:end], metacharacters); i >= 0 {
			c.add(l.finding(diag.Warning, diag.ShellText, start, end, "what is put in here is not quoted: the shell reads %q in it as its own", l.line.Text[start+i:start+i+1]).
				WithHelp("hand it over by Environment = \"NAME=${{ … }}\" and write \"$NAME\" in the script"))
		}
		at = end
	}
}
