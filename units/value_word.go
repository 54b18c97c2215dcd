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

// user judges the name or number of a user or group that stands at [start, end).
// It is as lax as systemd, which leaves to the machine what a name may be; but a
// blank in one is a second word.
func (c *valueCheck) user(start, end int) {
	s := c.value[start:end]
	at := strings.IndexFunc(s, func(r rune) bool { return r == ':' || r == '/' || forbidden(r) || strings.ContainsRune(blanks, r) })
	switch {
	case strings.HasPrefix(s, "$"): // somebody meant a variable, which is another fault
	case at >= 0:
		c.fail(start+at, start+at+1, "", "%q cannot be the name of a user or group: it holds %q", s, s[at:at+1])
	case s == "." || s == "..":
		c.fail(start, end, "", "%q cannot be the name of a user or group", s)
	case strings.Trim(strings.TrimPrefix(s, "-"), digits) == "":
		if n, err := strconv.ParseUint(s, 10, 32); err != nil || n == 1<<32-1 || n == 1<<16-1 {
			c.fail(start, end, "", "%s is not the number of a user or group", s)
		}
	}
}

// unitOf judges the name of a unit that must be of one type. One without any suffix
// is no name at all, which is said where names are held against each other.
func (c *valueCheck) unitOf(name string, t Type, start, end int) {
	n, err := ParseName(name)
	if err == nil && n.Type() != t {
		c.fail(start, end, "", "%q is a %s, and %s= names a %s", name, n.Type(), c.d.Key, t)
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

// wordwise reports whether a parser function takes words that are each judged alone.
func wordwise(parser string) bool {
	switch parser {
	case "namespace_path_strv", "unit_path_strv_printf", "unit_mounts_for", "exec_directories", "temporary_filesystems",
		"bind_paths", "documentation", "pass_environ", "unset_environ", "environ", "user_group_strv_compat", "set_status",
		"capability_set", "address_families", "restrict_namespaces", "exec_secure_bits", "device_allow", "exec_cpu_affinity", "service_sockets":
		return true
	}
	return false
}

// words judges each word of a list.
func (c *valueCheck) words() {
	text := c.value
	if invertible(c.d.parser) {
		text = strings.TrimPrefix(text, "~")
	}
	s := splitter{text: text}
	shift := len(c.value) - len(text)
	for s.skip(); !s.done(); s.skip() {
		w, err := s.word()
		if err != nil {
			c.unsplit(err, shift)
			return
		}
		start := shift + w.Column - 1
		if !strings.Contains(w.Text, "%") || c.d.parser == "environ" {
			c.word(w.Text, start, shift+s.at)
		}
		if c.d.parser == "device_allow" {
			c.devicePermissions(&s, shift)
			return
		}
	}
}

// invertible reports whether a ~ before the list turns it round.
func invertible(parser string) bool {
	return parser == "capability_set" || parser == "address_families" || parser == "restrict_namespaces"
}

// unsplit reports quotes that do not match. Older systemds take an unknown
// escape for what it is, so that only quotes are certain.
func (c *valueCheck) unsplit(err error, shift int) {
	fault, ok := err.(*SplitError)
	if !ok {
		return
	}
	if at := min(shift+fault.Column-1, len(c.value)-1); c.value[at] == '"' || c.value[at] == '\'' {
		c.fail(at, at+1, "", "%s", fault.Reason)
	}
}

// word judges one word of a list.
func (c *valueCheck) word(w string, start, end int) {
	switch c.d.parser {
	case "namespace_path_strv":
		w = strings.TrimPrefix(strings.TrimPrefix(w, "-"), "+")
		c.absolute(w, start, end)
	case "bind_paths":
		c.absolute(strings.TrimPrefix(w, "-"), start, end)
	case "unit_path_strv_printf", "unit_mounts_for", "temporary_filesystems":
		c.absolute(w, start, end)
	case "exec_directories":
		if strings.HasPrefix(w, "/") {
			c.fail(start, end, "write "+directoryBelow(c.d.Key, w), "%q is absolute: %s= names a directory below one that systemd knows", w, c.d.Key)
		}
	case "documentation":
		if !documentation(w) {
			c.fail(start, end, "", "%q is not a reference that begins with http://, https://, file:/, info: or man:", w)
		}
	case "pass_environ":
		c.variable(w, start, end)
	case "unset_environ":
		name, _, _ := strings.Cut(w, "=")
		c.variable(name, start, end)
	case "environ":
		c.assignment(w, start, end)
	case "service_sockets":
		c.unitOf(w, TypeSocket, start, end)
	case "user_group_strv_compat":
		if w == c.value[start:end] {
			c.user(start, end)
		}
	default:
		c.nameOf(w, start, end)
	}
}

// directoryBelow is the name to write for an absolute path in RuntimeDirectory=
// and its like.
func directoryBelow(key, path string) string {
	for _, base := range [...]string{"/run/", "/var/lib/", "/var/cache/", "/var/log/", "/etc/"} {
		if rest, ok := strings.CutPrefix(path, base); ok && rest != "" {
			return key + "=" + rest
		}
	}
	return key + "=" + strings.TrimLeft(path, "/")
}

func documentation(s string) bool {
	for _, prefix := range [...]string{"http://", "https://", "file:/", "info:", "man:"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

func (c *valueCheck) variable(name string, start, end int) {
	if !variableName(name) {
		c.fail(start, end, "", "%q is not the name of an environment variable", name)
	}
}

func variableName(s string) bool {
	for i := range len(s) {
		if letter := s[i] == '_' || alphanumeric(s[i]); !letter || i == 0 && s[i] <= '9' {
			return false
		}
	}
	return s != ""
}

// assignment judges a word of Environment=: systemd passes over one that assigns nothing.
func (c *valueCheck) assignment(w string, start, end int) {
	name, _, ok := strings.Cut(w, "=")
	if ok && (strings.Contains(name, "%") || variableName(name)) || strings.HasPrefix(w, "%") {
		return
	}
	if n := len(c.faults) - 1; n >= 0 && loose(w) && loose(c.value[c.faults[n].Start:c.faults[n].End]) && strings.Trim(c.value[c.faults[n].End:start], blanks) == "" {
		start, c.faults = c.faults[n].Start, c.faults[:n] // one piece of text whose quotes are missing
		w = c.value[start:end]
	}
	c.fail(start, end, `each word is NAME=value; one with blanks stands in quotes as a whole, as in Environment = '"NAME=two words"'`,
		"%q assigns nothing: systemd passes over it", w)
}

// loose reports whether no name stands at the first "=" of a piece of Environment=.
func loose(piece string) bool {
	name, _, ok := strings.Cut(piece, "=")
	return !ok || strings.TrimRight(name, blanks+`"'`) != name || name == ""
}

// securebits and namespaces are the words of SecureBits= and RestrictNamespaces=.
var (
	secureBits = []string{"keep-caps", "keep-caps-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "noroot", "noroot-locked"}
	namespaces = []string{"cgroup", "ipc", "net", "mnt", "pid", "user", "uts", "time"}
)

// nameOf judges a word that is one of a set of names.
func (c *valueCheck) nameOf(w string, start, end int) {
	switch c.d.parser {
	case "set_status":
		if n, err := strconv.ParseUint(w, 10, 32); err == nil && n > 255 || err != nil && w != strings.ToUpper(w) {
			c.fail(start, end, didYouMean(strings.ToUpper(w), signalNames[:]...), "%q is neither an exit status from 0 to 255 nor a signal", w)
		}
	case "capability_set":
		c.capability(w, start, end)
	case "address_families":
		if !strings.HasPrefix(w, "AF_") && w != "none" && strings.Trim(w, digits) != "" {
			c.fail(start, end, didYouMean("AF_"+strings.ToUpper(w), "AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"), "%q is no address family: they begin with AF_", w)
		}
	case "restrict_namespaces":
		if _, ok := ParseBool(w); !ok && !slices.Contains(namespaces, w) {
			c.fail(start, end, didYouMean(w, namespaces...), "%q is neither a boolean nor one of %s", w, strings.Join(namespaces, ", "))
		}
	case "exec_secure_bits":
		if !slices.Contains(secureBits, w) {
			c.fail(start, end, didYouMean(w, secureBits...), "%q is not one of %s", w, strings.Join(secureBits, ", "))
		}
	case "device_allow":
		if !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "char-") && !strings.HasPrefix(w, "block-") {
			c.fail(start, end, "", "%q is no device: write its path, or a group such as char-pts", w)
		}
	case "exec_cpu_affinity":
		if strings.Trim(w, digits+",-") != "" && w != "numa" {
			c.fail(start, end, "", "%q is no list of processors such as 0 2-3", w)
		}
	}
}

// devicePermissions judges what follows the device in DeviceAllow=.
func (c *valueCheck) devicePermissions(s *splitter, shift int) {
	s.skip()
	start := s.at
	rest := strings.TrimRight(s.text[start:], blanks)
	if strings.Trim(rest, "rwm%") != "" {
		c.fail(shift+start, shift+start+len(rest), "", "%q are no permissions: use of r, w and m", rest)
	}
}

// absolute judges a path that must begin with a slash.
func (c *valueCheck) absolute(path string, start, end int) {
	if strings.HasPrefix(path, "/") || strings.HasPrefix(path, "$") { // a variable is another fault
		return
	}
	c.fail(start, end, "", "%q is not an absolute path", path)
}

// path judges the path that begins at start and goes to the end of the value.
func (c *valueCheck) path(start int) { c.absolute(c.value[start:], start, len(c.value)) }

// workingDirectory may be ~, the home of the user, and have a - before it.
func (c *valueCheck) workingDirectory() {
	start := len(c.value) - len(strings.TrimPrefix(c.value, "-"))
	if path := c.value[start:]; path != "~" && !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "$") {
		help := ""
		if strings.HasPrefix(path, "~/") {
			help = "~ stands only alone; write %h" + path[1:] + " for a directory below it"
		}
		c.fail(start, len(c.value), help, "%q is neither an absolute path nor ~", path)
	}
}

// conditionPath may have | and ! before it.
func (c *valueCheck) conditionPath() {
	rest := strings.TrimLeft(strings.TrimPrefix(c.value, "|"), blanks)
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "!"), blanks)
	c.path(len(c.value) - len(rest))
}
