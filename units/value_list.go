package units

import (
	"slices"
	"strconv"
	"strings"
)

// wordCheck judges one word of a list.
type wordCheck func(*valueCheck, piece)

// checkOfWord returns how each word of a list is judged alone, nil for a parser function
// that takes no such list.
func checkOfWord(parser string) wordCheck {
	switch parser {
	case "namespace_path_strv":
		return func(c *valueCheck, w piece) {
			w.text = strings.TrimPrefix(strings.TrimPrefix(w.text, "-"), "+")
			c.absolute(w)
		}
	case "bind_paths":
		return func(c *valueCheck, w piece) {
			w.text = strings.TrimPrefix(w.text, "-")
			c.absolute(w)
		}
	case "unit_path_strv_printf", "unit_mounts_for", "temporary_filesystems":
		return (*valueCheck).absolute
	case "exec_directories":
		return (*valueCheck).directoryName
	case "documentation":
		return (*valueCheck).reference
	case "pass_environ":
		return (*valueCheck).variable
	case "unset_environ":
		return func(c *valueCheck, w piece) {
			w.text, _, _ = strings.Cut(w.text, "=")
			c.variable(w)
		}
	case "environ":
		return (*valueCheck).assignment
	case "service_sockets":
		return func(c *valueCheck, w piece) { c.unitOf(w, TypeSocket) }
	case "user_group_strv_compat":
		return func(c *valueCheck, w piece) {
			if w.text == c.value[w.start:w.end] {
				c.user(w)
			}
		}
	case "capability_set":
		return (*valueCheck).capability
	}
	return checkOfSetWord(parser)
}

// checkOfSetWord is [checkOfWord] for words of which systemd or the kernel knows few.
func checkOfSetWord(parser string) wordCheck {
	switch parser {
	case "set_status":
		return (*valueCheck).exitStatus
	case "address_families":
		return (*valueCheck).addressFamily
	case "restrict_namespaces":
		return (*valueCheck).namespace
	case "exec_secure_bits":
		return (*valueCheck).secureBit
	case "device_allow":
		return (*valueCheck).device
	case "exec_cpu_affinity":
		return (*valueCheck).processors
	}
	return nil
}

// wordwise reports whether a parser function takes words that are each judged alone.
func wordwise(parser string) bool { return checkOfWord(parser) != nil }

// words judges each word of a list.
func (c *valueCheck) words() {
	text, check := c.value, checkOfWord(c.d.parser)
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
			check(c, piece{w.Text, start, shift + s.at})
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

// reference judges a word of Documentation=.
func (c *valueCheck) reference(w piece) {
	for _, prefix := range [...]string{"http://", "https://", "file:/", "info:", "man:"} {
		if rest, ok := strings.CutPrefix(w.text, prefix); ok && rest != "" {
			return
		}
	}
	c.wrong(w, "", "%q is not a reference that begins with http://, https://, file:/, info: or man:", w.text)
}

// variable judges the name of an environment variable.
func (c *valueCheck) variable(w piece) {
	if !variableName(w.text) {
		c.wrong(w, "", "%q is not the name of an environment variable", w.text)
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
func (c *valueCheck) assignment(w piece) {
	name, _, ok := strings.Cut(w.text, "=")
	if ok && (strings.Contains(name, "%") || variableName(name)) || strings.HasPrefix(w.text, "%") {
		return
	}
	if n := len(c.faults) - 1; n >= 0 && loose(w.text) && loose(c.value[c.faults[n].Start:c.faults[n].End]) && strings.Trim(c.value[c.faults[n].End:w.start], blanks) == "" {
		w.start, c.faults = c.faults[n].Start, c.faults[:n] // one piece of text whose quotes are missing
		w.text = c.value[w.start:w.end]
	}
	c.wrong(w, `each word is NAME=value; one with blanks stands in quotes as a whole, as in Environment = '"NAME=two words"'`,
		"%q assigns nothing: systemd passes over it", w.text)
}

// loose reports whether no name stands at the first "=" of a piece of Environment=.
func loose(piece string) bool {
	name, _, ok := strings.Cut(piece, "=")
	return !ok || strings.TrimRight(name, blanks+`"'`) != name || name == ""
}

// exitStatus judges a word of SuccessExitStatus= and its like: a number or a signal.
func (c *valueCheck) exitStatus(w piece) {
	if n, err := strconv.ParseUint(w.text, 10, 32); err == nil && n > 255 || err != nil && w.text != strings.ToUpper(w.text) {
		c.wrong(w, didYouMean(strings.ToUpper(w.text), signalNames[:]...), "%q is neither an exit status from 0 to 255 nor a signal", w.text)
	}
}

// addressFamily judges a word of RestrictAddressFamilies=. Families come with kernels,
// so that the form of the name is all that is certain.
func (c *valueCheck) addressFamily(w piece) {
	if !strings.HasPrefix(w.text, "AF_") && w.text != "none" && strings.Trim(w.text, digits) != "" {
		c.wrong(w, didYouMean("AF_"+strings.ToUpper(w.text), "AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"),
			"%q is no address family: they begin with AF_", w.text)
	}
}

// secureBits and namespaces are the words of SecureBits= and RestrictNamespaces=.
var (
	secureBits = []string{"keep-caps", "keep-caps-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "noroot", "noroot-locked"}
	namespaces = []string{"cgroup", "ipc", "net", "mnt", "pid", "user", "uts", "time"}
)

// namespace judges a word of RestrictNamespaces=.
func (c *valueCheck) namespace(w piece) {
	if _, ok := ParseBool(w.text); !ok && !slices.Contains(namespaces, w.text) {
		c.wrong(w, didYouMean(w.text, namespaces...), "%q is neither a boolean nor one of %s", w.text, strings.Join(namespaces, ", "))
	}
}

// secureBit judges a word of SecureBits=.
func (c *valueCheck) secureBit(w piece) {
	if !slices.Contains(secureBits, w.text) {
		c.wrong(w, didYouMean(w.text, secureBits...), "%q is not one of %s", w.text, strings.Join(secureBits, ", "))
	}
}

// processors judges a word of CPUAffinity=.
func (c *valueCheck) processors(w piece) {
	if strings.Trim(w.text, digits+",-") != "" && w.text != "numa" {
		c.wrong(w, "", "%q is no list of processors such as 0 2-3", w.text)
	}
}

// device judges the first word of DeviceAllow=.
func (c *valueCheck) device(w piece) {
	if !strings.HasPrefix(w.text, "/") && !strings.HasPrefix(w.text, "char-") && !strings.HasPrefix(w.text, "block-") {
		c.wrong(w, "", "%q is no device: write its path, or a group such as char-pts", w.text)
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
