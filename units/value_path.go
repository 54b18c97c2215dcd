package units

import "strings"

// checkOfPath is [checkOf] for what stands in the file system.
func checkOfPath(parser string) func(*valueCheck) {
	switch parser {
	case "unit_path_printf", "path_spec":
		return func(c *valueCheck) { c.path(0) }
	case "working_directory":
		return (*valueCheck).workingDirectory
	case "unit_env_file":
		return func(c *valueCheck) { c.path(len(c.value) - len(strings.TrimPrefix(c.value, "-"))) }
	case "unit_condition_path":
		return (*valueCheck).conditionPath
	}
	return nil
}

// absolute judges a path that must begin with a slash.
func (c *valueCheck) absolute(w piece) {
	if strings.HasPrefix(w.text, "/") || strings.HasPrefix(w.text, "$") { // a variable is another fault
		return
	}
	c.wrong(w, "", "%q is not an absolute path", w.text)
}

// path judges the path that begins at start and goes to the end of the value.
func (c *valueCheck) path(start int) { c.absolute(c.from(start)) }

// workingDirectory may be ~, the home of the user, and have a - before it.
func (c *valueCheck) workingDirectory() {
	w := c.from(len(c.value) - len(strings.TrimPrefix(c.value, "-")))
	if w.text == "~" || strings.HasPrefix(w.text, "/") || strings.HasPrefix(w.text, "$") {
		return
	}
	help := ""
	if strings.HasPrefix(w.text, "~/") {
		help = "~ stands only alone; write %h" + w.text[1:] + " for a directory below it"
	}
	c.wrong(w, help, "%q is neither an absolute path nor ~", w.text)
}

// conditionPath may have | and ! before it.
func (c *valueCheck) conditionPath() {
	rest := strings.TrimLeft(strings.TrimPrefix(c.value, "|"), blanks)
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "!"), blanks)
	c.path(len(c.value) - len(rest))
}

// directoryName judges a word of RuntimeDirectory= and its like.
func (c *valueCheck) directoryName(w piece) {
	if strings.HasPrefix(w.text, "/") {
		c.wrong(w, "write "+directoryBelow(c.d.Key, w.text), "%q is absolute: %s= names a directory below one that systemd knows", w.text, c.d.Key)
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
