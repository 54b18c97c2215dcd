package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// execLine is a command line as systemd splits it.
type execLine struct {
	text
	line     stack.Line
	commands []units.Command
}

// commandLine reads a command line by systemd's rules, which are not the
// shell's (systemd.service(5), "Command lines").
func commandLine(c *checker, x text) {
	known, ok := units.LookupDirective(x.section, x.directive)
	if !ok || known.Kind != units.KindExec {
		return
	}
	l := execLine{text: x, line: x.line}
	commands, faults := units.CheckExec(l.line.Text)
	l.commands = commands
	for _, f := range faults {
		c.execFault(l, f)
	}
	if c.shellSyntax(l, faults) {
		return
	}
	for _, command := range commands {
		c.command(l, command)
	}
}

// finding begins a finding about bytes of the line.
func (l execLine) finding(sev diag.Severity, code diag.Code, start, end int, format string, args ...any) diag.Diagnostic {
	pos := stack.Pos{Span: l.line.Span(start, end), Via: l.value.Pos.Via}
	return stack.Finding(sev, code, pos, l.path(), format, args...)
}

// raw is a word as it is written.
func (l execLine) raw(w units.Word) string { return l.line.Text[w.Column-1 : w.End] }

// execFault reports what keeps systemd from running the line.
func (c *checker) execFault(l execLine, f units.ExecFault) {
	systemd := c.t.Systemd(l.node).Version
	if f.Before > 0 && f.Before <= systemd {
		return
	}
	if !f.Unread && l.forShell() {
		return // the shell is what is missing
	}
	severity, reason := refusal(f, systemd), f.Reason
	if f.Before > 0 {
		reason = fmt.Sprintf("%s (systemd before %d)", reason, f.Before)
	}
	c.add(l.finding(severity, diag.BadSetting, f.Start, f.End, "%s=: %s; systemd would refuse to start %s", l.directive, reason, l.node.Name()))
}

// refusal is how bad a fault is that newer systemds may take.
func refusal(f units.ExecFault, systemd int) diag.Severity {
	if f.Before > 0 && (systemd == 0 || systemd >= f.Before) {
		return diag.Warning
	}
	return diag.Error
}

// forShell reports whether a command of the line begins as only one for a shell does.
func (l execLine) forShell() bool {
	return slices.ContainsFunc(l.commands, func(command units.Command) bool {
		return shellStart(l.commands, command.Words[0].Column-1) != ""
	})
}

// builtins are words of the shell with no program of that name that would do the
// same, with what systemd has for it.
var builtins = map[string]string{
	"cd": `say WorkingDirectory = "…"`, "export": `say Environment = "NAME=value"`, "source": "say EnvironmentFile", ".": "say EnvironmentFile",
	"umask": `say UMask = "…"`, "ulimit": `say LimitNOFILE = … and the like`, "exec": "leave exec out", "set": "", "unset": "", "trap": "", "eval": "",
	"if": "", "for": "", "while": "", "until": "", "case": "", "{": "", "(": "", "!": "",
}

var shellAssignment = pattern.New(`^[A-Za-z_][A-Za-z0-9_]*=`)

// shellStart says why the program of a command, which begins at that offset, can
// only be meant for a shell, "" when it can be meant otherwise.
func shellStart(commands []units.Command, start int) string {
	for _, command := range commands {
		w := command.Words[0]
		if w.Column-1 != start || w.Quoted {
			continue
		}
		if shellAssignment().MatchString(w.Text) {
			return fmt.Sprintf("%q is taken for the program", w.Text)
		}
		if _, ok := builtins[w.Text]; ok {
			return fmt.Sprintf("%q is a word of the shell and no program", w.Text)
		}
		if strings.HasPrefix(w.Text, "~") {
			return "only a shell knows what ~ is"
		}
	}
	return ""
}

// shellPart is a piece of a line that only a shell understands.
type shellPart struct {
	start, end int
	why, help  string
}

// shellSyntax reports what only a shell understands in a line that systemd runs
// without one: one finding for the line, at the first such piece.
func (c *checker) shellSyntax(l execLine, faults []units.ExecFault) bool {
	var parts []shellPart
	severity := diag.Warning
	for _, f := range faults {
		if why := shellStart(l.commands, f.Start); why != "" {
			parts = append(parts, shellPart{f.Start, f.End, why, startHelp(strings.TrimLeft(l.line.Text[f.Start:f.End], "-@:+!"))})
			severity = min(severity, refusal(f, c.t.Systemd(l.node).Version))
		}
	}
	for _, command := range l.commands {
		if script, _ := scriptOf(command); script == 0 {
			parts = append(parts, l.shellWords(command)...)
		}
	}
	if len(parts) == 0 {
		return false
	}
	slices.SortStableFunc(parts, func(a, b shellPart) int { return a.start - b.start })
	first := parts[0]
	d := l.finding(severity, diag.NoShell, first.start, first.end, "%s=: %s; systemd runs no shell", l.directive, first.why)
	for _, p := range parts[1:] {
		d = d.WithNote(l.line.Span(p.start, p.end), p.why)
	}
	if first.help == "" || len(parts) > 1 {
		first.help = "let a shell read it: " + inShell(strings.TrimSpace(l.source))
	}
	c.add(d.WithHelp(first.help))
	return true
}

func startHelp(word string) string {
	if name, _, ok := strings.Cut(word, "="); ok {
		return fmt.Sprintf("say Environment = %q and leave it out here", name+"=…")
	}
	if strings.HasPrefix(word, "~/") {
		return "write %h" + word[1:] + ", the home of the unit's user"
	}
	return builtins[word]
}

// inShell is the line for systemd that gives a line to a shell. What systemd
// puts in stays so.
func inShell(line string) string {
	prefixes := line[:len(line)-len(strings.TrimLeft(line, "-@:+!"))]
	line = strings.ReplaceAll(line[len(prefixes):], `\`, `\\`)
	quote := "'"
	if strings.Contains(line, "'") {
		quote, line = `"`, strings.ReplaceAll(line, `"`, `\"`)
	}
	return prefixes + "/bin/sh -c " + quote + line + quote
}

var (
	redirection  = pattern.New(`^(?:[0-9]*(?:>>?|<<?<?)(?:&[0-9-]+|[^<>]*)|&>>?[^<>]*|[0-9]*>\|.*)$`)
	substitution = pattern.New("\\$\\([^)]*\\)?|`[^`]*`")
	inTilde      = pattern.New(`^~[a-z_][a-z0-9_-]*/|^~/|^~$|=~/`)
)

// fileTools take names of files that only a shell would have found for them.
var fileTools = []string{
	"rm", "cp", "mv", "ln", "ls", "cat", "chmod", "chown", "chgrp", "touch", "tar", "gzip", "gunzip", "rmdir", "install", "head", "tail",
	"wc", "sha256sum", "md5sum", "sort", "insmod", "du", "truncate", "shred",
}

// evaluating are programs that read their arguments as a program text of their own.
var evaluating = []string{
	"ssh", "python", "python2", "python3", "perl", "ruby", "node", "awk", "gawk", "mawk", "sed", "su", "tmux", "screen", "xargs", "find", "parallel", "expect", "tclsh", "lua", "php", "jq", "psql", "mysql", "sqlite3",
}

// evaluates reports whether some word of the command reads those behind it as
// text of a program: a shell in a container, ssh, perl.
func evaluates(command units.Command) bool {
	return slices.ContainsFunc(command.Words, func(w units.Word) bool {
		base := path.Base(w.Text)
		return slices.Contains(evaluating, base) || slices.Contains(shells, base)
	})
}

// shellWords finds the words of a command that only a shell understands.
func (l execLine) shellWords(command units.Command) []shellPart {
	var parts []shellPart
	other := evaluates(command)
	tool := path.Base(command.Words[0].Text)
	for i, w := range command.Words {
		raw, start := l.raw(w), w.Column-1
		add := func(from, to int, format string, args ...any) {
			parts = append(parts, shellPart{start: start + from, end: start + to, why: fmt.Sprintf(format, args...)})
		}
		switch {
		case other && (w.Quoted || raw != w.Text):
		case slices.Contains([]string{"&&", "||", "|", "&", "|&", ";;"}, raw):
			add(0, len(raw), "%q is passed to the program as an argument", raw)
		case i > 0 && strings.ContainsAny(raw, "<>") && redirection().MatchString(raw):
			add(0, len(raw), "%q is passed to the program as an argument, and nothing is redirected", raw)
		case !w.Quoted && len(raw) > 1 && strings.HasSuffix(raw, ";") && raw == w.Text:
			add(len(raw)-1, len(raw), "%q is a part of the word %q: systemd takes it for the end of a command only between blanks", ";", raw)
		case i > 0 && raw != `\;` && !w.Quoted && strings.Contains(raw, "~") && inTilde().MatchString(raw):
			at := inTilde().FindStringIndex(raw)
			add(at[0]+strings.IndexByte(raw[at[0]:], '~'), at[1], "~ stays as it is written")
		case i > 0 && !w.Quoted && strings.HasPrefix(raw, "/") && strings.ContainsAny(raw, "*?") && slices.Contains(fileTools, tool):
			add(0, len(raw), "no file names are put in for %q", raw)
		case !other && strings.ContainsAny(raw, "`$"):
			if at := substitution().FindStringIndex(raw); at != nil {
				add(at[0], at[1], "%q is passed to the program as it is written", raw[at[0]:at[1]])
			}
		}
	}
	return parts
}

// shells are programs that take a script behind -c.
var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh"}

// scriptOf returns the index of the word that a shell of the command gets as its
// script, and whether further words follow; 0 when it runs none.
func scriptOf(command units.Command) (index int, more bool) {
	if !slices.Contains(shells, path.Base(command.Words[0].Text)) {
		return 0, false
	}
	for i, w := range command.Words[1:] {
		if strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "--") && strings.HasSuffix(w.Text, "c") {
			if i+2 < len(command.Words) {
				return i + 2, i+3 < len(command.Words)
			}
			return 0, false
		}
	}
	return 0, false
}

// command looks into the words of one command that holds nothing only a shell understands,
// or that runs a shell.
func (c *checker) command(l execLine, command units.Command) {
	script, more := scriptOf(command)
	systemd := c.t.Systemd(l.node)
	for i, w := range command.Words {
		raw := l.raw(w)
		if inner := strings.IndexAny(raw, `"'`); systemd.Version > 0 && systemd.Version < 218 && w.Quoted && inner > 0 {
			c.add(l.finding(diag.Warning, diag.NeedsSystemd, w.Column-1+inner, w.End, "quotes within a word came with systemd 218, and %s: there they are part of the word", declares(systemd)).
				WithHelp("put the whole word in quotes: " + units.ExecQuote(w.Text)))
		}
		switch {
		case i == script && script > 0:
			c.script(l, command, w, more)
		case i > 0:
			c.argument(l, command, w)
		}
	}
}

var (
	bareVariable = pattern.New(`\$[A-Za-z_][A-Za-z0-9_]*`)
	dateFormat   = pattern.New(`%[A-Za-z]`)
)

// argument looks at a word that goes to the program as it is.
func (c *checker) argument(l execLine, command units.Command, w units.Word) {
	raw := l.raw(w)
	if !w.Quoted && raw == w.Text && strings.IndexByte(raw, '$') > 0 && !strings.Contains(raw, "${{") && !evaluates(command) {
		plain := strings.ReplaceAll(raw, "$$", "__")
		if at := bareVariable().FindStringIndex(plain); at != nil {
			name := plain[at[0]+1 : at[1]]
			c.add(l.finding(diag.Warning, diag.UnexpandedVar, w.Column-1+at[0], w.Column-1+at[1], "systemd puts $%s in only where it is a word of its own", name).
				WithHelp(fmt.Sprintf("write ${%s}, or $$%s for the text", name, name)))
		}
	}
	c.expansions(l, w, nil)
	c.specifiers(l, command, w)
}
