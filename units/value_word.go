package units

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// enum judges one of a few words, or a boolean besides.
func (c *valueCheck) enum() {
	words := enumOf(c.d.parser)
	if words == nil {
		words = boolOr(c.d.parser)
		if _, ok := ParseBool(c.value); ok {
			return
		}
	}
	if slices.Contains(words, c.value) || streamWord(c.d.parser, c.value) {
		return
	}
	c.failWhole(didYouMean(c.value, words...), "%q is not one of %s", c.value, strings.Join(words, ", "))
}

// boolOr lists the words that a parser function accepts besides booleans, and, of
// standard input and output, those that nothing follows.
func boolOr(parser string) []string {
	switch parser {
	case "protect_system":
		return []string{"yes", "no", "full", "strict"}
	case "protect_home":
		return []string{"yes", "no", "read-only", "tmpfs"}
	case "exec_preserve_mode":
		return []string{"yes", "no", "restart"}
	case "socket_bind":
		return []string{"default", "both", "ipv6-only"}
	case "exec_output":
		return []string{"inherit", "null", "tty", "journal", "journal+console", "kmsg", "kmsg+console", "syslog", "syslog+console",
			"socket", "fd", "file:PATH", "append:PATH", "truncate:PATH"}
	case "exec_input":
		return []string{"null", "tty", "tty-force", "tty-fail", "data", "file:PATH", "socket", "fd"}
	}
	return nil
}

// streamWord reports whether a value is fd:NAME or file:/PATH, which
// StandardInput= and StandardOutput= take besides words.
func streamWord(parser, value string) bool {
	if parser != "exec_output" && parser != "exec_input" {
		return false
	}
	word, rest, _ := strings.Cut(value, ":")
	switch word {
	case "fd":
		return rest != ""
	case "file", "append", "truncate":
		return strings.HasPrefix(rest, "/")
	}
	return false
}

// signalNames are the signals of Linux without SIG, the real-time ones left out.
var signalNames = [...]string{
	"HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
	"TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
	"WINCH", "IO", "PWR", "SYS",
}

// signalNamed follows signal_from_string: a number or a name, with SIG or without.
func signalNamed(s string) bool {
	if n, err := strconv.Atoi(s); err == nil {
		return n > 0 && n <= 64
	}
	s = strings.TrimPrefix(s, "SIG")
	for prefix, sign := range map[string]string{"RTMIN": "+", "RTMAX": "-"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			n, err := strconv.Atoi(strings.TrimPrefix(rest, sign))
			return rest == "" || strings.HasPrefix(rest, sign) && err == nil && n >= 0 && n <= 30
		}
	}
	return slices.Contains(signalNames[:], s)
}

// signal judges the name or number of a signal.
func (c *valueCheck) signal() {
	if signalNamed(c.value) {
		return
	}
	help := ""
	name := strings.TrimPrefix(strings.ToUpper(c.value), "SIG")
	if meant, ok := Suggest(name, signalNames[:]); ok {
		name = meant
	}
	if name != strings.TrimPrefix(c.value, "SIG") && signalNamed(name) {
		help = fmt.Sprintf("did you mean %q?", "SIG"+name)
	}
	c.failWhole(help, "%q is no signal: write a name such as SIGTERM, or a number from 1 to 64", c.value)
}

// user judges the name or number of a user or group. It is as lax as systemd, which
// leaves to the machine what a name may be; but a blank in one is a second word. The
// word stands in the value as it is, without quotes.
func (c *valueCheck) user(w piece) {
	name := w.text
	at := strings.IndexFunc(name, func(r rune) bool { return r == ':' || r == '/' || forbidden(r) || strings.ContainsRune(blanks, r) })
	switch {
	case strings.HasPrefix(name, "$"): // somebody meant a variable, which is another fault
	case at >= 0:
		c.fail(w.start+at, w.start+at+1, "", "%q cannot be the name of a user or group: it holds %q", name, name[at:at+1])
	case name == "." || name == "..":
		c.wrong(w, "", "%q cannot be the name of a user or group", name)
	case strings.Trim(strings.TrimPrefix(name, "-"), digits) == "":
		if n, err := strconv.ParseUint(name, 10, 32); err != nil || n == 1<<32-1 || n == 1<<16-1 {
			c.wrong(w, "", "%s is not the number of a user or group", name)
		}
	}
}

// unitOf judges the name of a unit that must be of one type. One without any suffix
// is no name at all, which is said where names are held against each other.
func (c *valueCheck) unitOf(w piece, t Type) {
	n, err := ParseName(w.text)
	if err == nil && n.Type() != t {
		c.wrong(w, "", "%q is a %s, and %s= names a %s", w.text, n.Type(), c.d.Key, t)
	}
}

// busName follows the D-Bus specification: elements of letters, digits, _ and -,
// at least two, with dots between them.
func (c *valueCheck) busName() {
	elements := strings.Split(strings.TrimPrefix(c.value, ":"), ".")
	good := len(elements) > 1 && len(c.value) <= 255
	for _, e := range elements {
		letters := strings.Trim(e, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
		good = good && e != "" && letters && (c.value[0] == ':' || strings.Trim(e[:1], digits) != "")
	}
	if !good {
		c.failWhole("", "%q is not the name of a bus service such as org.example.Service", c.value)
	}
}
