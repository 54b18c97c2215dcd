package lint

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

var variable = pattern.New(`\$\{?[A-Za-z_][A-Za-z0-9_]*\}?`)

// unexpandedVariable: systemd puts variables into command lines only (systemd.service(5)).
func unexpandedVariable(c *checker, x text) {
	if x.exec() || strings.HasPrefix(x.section, "X-") || x.directive == "Description" || !strings.Contains(x.source, "$") {
		return
	}
	plain := strings.ReplaceAll(x.source, "${{", "")
	m := variable().FindString(plain)
	if m == "" && x.directive == "Environment" {
		m = substitution().FindString(plain)
	}
	if m == "" || x.directive == "PassEnvironment" || x.refused() {
		return
	}
	if _, known := units.LookupDirective(x.section, x.directive); !known {
		return // it may be an Exec line that is mistyped, which is a finding already
	}
	if x.directive == "Environment" && pathTypoIn(x.source) != "" {
		return
	}
	c.add(x.report(diag.Warning, diag.UnexpandedVar, m, "systemd does not put %s into %s=: it stays as it is written", m, x.directive).
		WithHelp(unexpandedHelp(m)))
}

func unexpandedHelp(m string) string {
	if strings.HasPrefix(m, "$(") {
		return "no shell reads it: let ExecStartPre write a file that EnvironmentFile names, or let a shell run the command and set it there"
	}
	return "variables work in Exec lines only; a parameter is written ${{ name }}"
}

// refused reports whether the value is none that its directive takes, which is
// said already.
func (x text) refused() bool {
	known, ok := units.LookupDirective(x.section, x.directive)
	return ok && len(faults(known, x.value)) > 0
}

var loneVariable = pattern.New(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// emptyArgument: ${X} is one argument even when X is empty or missing; $X is none (systemd.service(5)).
func emptyArgument(c *checker, x text) {
	if !x.exec() || !strings.Contains(x.source, "${") || !optionalFile(x) {
		return
	}
	for word := range strings.FieldsSeq(x.source) {
		m := loneVariable().FindStringSubmatch(word)
		if m == nil || setsVariable(x, m[1]) {
			continue
		}
		c.add(x.report(diag.Warning, diag.EmptyArgument, word, "%s is an empty argument when the optional EnvironmentFile is missing, and one argument however many words it holds", word).
			WithHelp("write $" + m[1] + ", which splits at blanks and vanishes when empty; or write the options into the unit"))
	}
}

func optionalFile(x text) bool {
	d := x.node.Unit.Directive("Service", "EnvironmentFile")
	if d == nil {
		return false
	}
	for _, v := range d.Values {
		if strings.HasPrefix(v.Source(), "-") {
			return true
		}
	}
	return false
}

func setsVariable(x text, name string) bool {
	for _, v := range x.node.Unit.Env {
		if v.Name == name {
			return true
		}
	}
	d := x.node.Unit.Directive("Service", "Environment")
	if d == nil {
		return false
	}
	for _, v := range d.Values {
		words := strings.FieldsFunc(v.Source(), func(r rune) bool { return strings.ContainsRune(" \t\n\"'", r) })
		if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, name+"=") }) {
			return true
		}
	}
	return false
}

var loop = pattern.New(`\b(until|while)\b.*\bdone\b`)

// loops reports whether a command line holds a shell loop.
func loops(s string) bool { return strings.Contains(s, "done") && loop().MatchString(s) }

// endlessLoop: the start timeout ends a loop that does not end by itself, a "-"
// before it or not, and in ExecStartPost it takes the running program with it.
func endlessLoop(c *checker, x text) {
	if !strings.HasPrefix(x.directive, "ExecStart") || !loops(x.source) {
		return
	}
	u := x.node.Unit
	limit := u.Value("Service", "TimeoutStartSec") + u.Value("Service", "TimeoutSec")
	free := limit == "0" || limit == "infinity"
	word := loop().FindStringSubmatch(x.source)[1]
	switch {
	case x.directive == "ExecStartPost" && !free:
		c.add(x.report(diag.Warning, diag.EndlessLoop, word, "a loop in ExecStartPost ends with the start timeout (90 s unless the unit says else), and the running program is killed with it").
			WithHelp(`say ready = { … } in this unit and after = [...] in those that wait for it: a waiter belongs to the follower`))
	case x.directive == "ExecStartPre" && !free && u.Value("Service", "Type") != "oneshot" && !prepares(x):
		c.add(x.report(diag.Warning, diag.EndlessLoop, word, "the start timeout (90 s unless the unit says else) ends this loop and fails the unit, with a \"-\" before it or without").
			WithHelp("say after = [...] or env = { … }, which make the waiter and lift the timeout; or add TimeoutStartSec = 0"))
	}
}

// prepares reports whether the compiler lifts the start timeout of the unit anyway.
func prepares(x text) bool {
	u := x.node.Unit
	if len(u.Downloads) > 0 || len(u.Env) > 0 || len(u.Puts) > 0 {
		return true
	}
	for _, e := range x.node.Edges {
		if e.To.Ready() != nil {
			return true
		}
	}
	return false
}

var (
	failingCurl = pattern.New(`curl.*\s(-[a-zA-Z]*f|--fail)`)
	boundedCurl = pattern.New(`curl.*\s(-m|--max-time)`)
)

// bareProbe: a curl that takes 404 for an answer, or hangs with the other side, is no probe.
func bareProbe(c *checker, x text) {
	if !x.exec() || !strings.Contains(x.source, "curl") || !loops(x.source) {
		return
	}
	if failingCurl().MatchString(x.source) && boundedCurl().MatchString(x.source) {
		return
	}
	c.add(x.report(diag.Warning, diag.BareProbe, "curl", "this curl takes an error page for an answer, or hangs as long as the other side does").
		WithHelp(`write curl -fs -o /dev/null --max-time 5 URL, or better: ready = { http = "/healthz" } in the unit that is asked`))
}

var fetch = pattern.New(`\b(wget\b.*\s-(?:[a-zA-Z]*[NPO]\b)|curl\b.*\s(?:-[a-zA-Z]*[oO]\b|--output))`)

// rawDownload: a file that is fetched and run unchecked is whatever the server sends.
func rawDownload(c *checker, x text) {
	if !x.exec() || !strings.Contains(x.source, "wget") && !strings.Contains(x.source, "curl") {
		return
	}
	if !fetch().MatchString(x.source) || strings.Contains(x.source, "/dev/null") || loops(x.source) {
		return
	}
	word := "wget"
	if !strings.Contains(x.source, word) {
		word = "curl"
	}
	c.add(x.report(diag.Warning, diag.RawDownload, word, "what this fetches is not checked, can be half a file, and must arrive within the start timeout").
		WithHelp(`say download = [{ url = "…", to = "…", sha256 = "…" }]`))
}

// waitsForFile: systemd reads the file before each command of the unit, so that
// no waiter of the unit comes early enough (systemd.exec(5)).
func waitsForFile(c *checker, x text) {
	if x.directive != "EnvironmentFile" || strings.HasPrefix(x.source, "-") || x.source == "" || x.refused() {
		return
	}
	c.add(x.report(diag.Warning, diag.WaitsForFile, x.source, "the unit fails when %s is not there yet, and no waiter in it can come before that", x.source).
		WithHelp(`say env = { VARIABLE = "` + x.source + `" }, which waits for the variable; or put a "-" before the path`))
}

func pathTypoIn(s string) string {
	if !strings.Contains(s, "PATH=") {
		return ""
	}
	return pathTypoPattern().FindString(s)
}

var pathTypoPattern = pattern.New(`PATH=\$\{?PATH\}?/`)

// pathTypo: without the colon the last directory of PATH is lost and nothing is added.
func pathTypo(c *checker, x text) {
	if m := pathTypoIn(x.source); m != "" {
		c.add(x.report(diag.Warning, diag.PathTypo, m, "%q lacks the colon before the new directory", m).
			WithHelp("write " + strings.TrimSuffix(m, "/") + ":/"))
	}
}

// oddCharacters look like others and are taken for part of a word.
var oddCharacters = map[rune]string{
	'\u00a0': "a no-break space", '\u2013': "an en dash", '\u2014': "an em dash", '\u2018': "a curly quote",
	'\u2019': "a curly quote", '\u201c': "a curly quote", '\u201d': "a curly quote", '\u200b': "a zero-width space",
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// oddCharacter: text that went through a word processor carries characters no program takes.
func oddCharacter(c *checker, x text) {
	if !x.exec() || ascii(x.source) {
		return
	}
	for _, r := range x.source {
		if what, odd := oddCharacters[r]; odd {
			c.add(x.report(diag.Warning, diag.OddCharacter, string(r), "%s (U+%04X) stands in a command line", what, r).
				WithHelp("write the plain ASCII character"))
			return
		}
	}
}

// commentLine: lines are joined, so that a comment between them would take the
// rest of the command with it.
func commentLine(c *checker, x text) {
	if !x.exec() {
		return
	}
	for line := range strings.Lines(x.value.Source()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			c.add(x.report(diag.Error, diag.ValueText, line, "the lines of a value are joined: this one would become a part of the command").
				WithHelp("put the comment before the directive"))
		}
	}
}

var flagAlone = pattern.New(`^--?[a-z][a-z0-9_-]*$`)

// flagValue: a boolean flag of a Go program takes its value with =; after a blank
// it is an argument of its own, and flag parsing ends there.
func flagValue(c *checker, x text) {
	if !x.exec() || !strings.Contains(x.source, " true") && !strings.Contains(x.source, " false") || strings.Contains(x.source, "/bin/sh") || strings.Contains(x.source, "bash") {
		return
	}
	words := strings.Fields(x.source)
	for i, word := range words[:max(len(words)-1, 0)] {
		value := words[i+1]
		if (value == "true" || value == "false") && flagAlone().MatchString(word) {
			c.add(x.report(diag.Warning, diag.FlagValue, word, "%q is a word of its own here: a boolean flag takes its value with =", value).
				WithHelp("write " + word + "=" + value))
		}
	}
}

// openDoors are listeners that give the machine, or the cluster, to whoever asks.
var openDoors = []struct {
	pattern func() *regexp.Regexp
	what    string
}{
	{pattern.New(`tcp://(?:0\.0\.0\.0)?:2375\b`), "docker's API without TLS is root on the machine for whoever reaches it"},
	{pattern.New(`(?:kube-|hyperkube )apiserver.*\s--?(?:insecure-bind-)?address=0\.0\.0\.0`), "the apiserver's port without authentication is open to whoever reaches the machine"},
	{pattern.New(`etcd.*\s--?(?:bind-addr|listen-client-urls)[= ](?:http://)?0\.0\.0\.0`), "who can write to etcd starts units as root on every machine"},
}

// openDoor warns of a listener without authentication on every interface.
func openDoor(c *checker, x text) {
	if x.directive == "ListenStream" && slices.Contains([]string{"2375", "0.0.0.0:2375", "[::]:2375"}, x.source) {
		c.add(x.report(diag.Warning, diag.OpenDoor, "2375", "%s", openDoors[0].what).
			WithHelp(`listen on 127.0.0.1 or a socket; allow = ["open-door"] when the network keeps others out`))
		return
	}
	if !x.exec() || !strings.Contains(x.source, "0.0.0.0") && !strings.Contains(x.source, "2375") {
		return
	}
	for _, door := range openDoors {
		if door.pattern().MatchString(x.source) {
			word := "0.0.0.0"
			if !strings.Contains(x.source, word) {
				word = "2375"
			}
			c.add(x.report(diag.Warning, diag.OpenDoor, word, "%s", door.what).
				WithHelp(`bind an address of the inner network; allow = ["open-door"] when the network keeps others out`))
		}
	}
}
