package units

import (
	"fmt"
	"strings"
)

const hexDigits = "0123456789abcdef"

// Escape makes any text part of a unit name, as systemd-escape(1) does: "/"
// becomes "-", and every byte that a name may not have becomes \xNN with two
// digits. (go-systemd writes one digit for bytes below 16, which cannot be read
// back.) [Unescape] gives the text again.
func Escape(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '/':
			b.WriteByte('-')
		case c == '-' || c == '\\' || !nameByte(c) || i == 0 && c == '.':
			b.WriteString(`\x`)
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Unescape reverses [Escape]. A backslash that does not begin \xNN, and \x00,
// are errors, as in systemd-escape --unescape.
func Unescape(escaped string) (string, error) {
	var b strings.Builder
	b.Grow(len(escaped))
	for i := 0; i < len(escaped); i++ {
		switch c := escaped[i]; c {
		case '-':
			b.WriteByte('/')
		case '\\':
			n, ok := hexByte(escaped[i+1:])
			if !ok {
				return "", fmt.Errorf(`%q is not escaped as a unit name: expected \xNN at byte %d`, escaped, i+1)
			}
			b.WriteByte(n)
			i += 3
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// hexByte reads "xNN", where NN is not 00.
func hexByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != 'x' {
		return 0, false
	}
	hi, ok := unhex(s[1])
	lo, ok2 := unhex(s[2])
	return hi<<4 | lo, ok && ok2 && hi|lo != 0
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// EscapePath makes a file system path part of a unit name, as systemd-escape
// --path does: repeated and outer slashes and "." components go, "/" becomes "-".
// A ".." component is an error, for systemd does not normalise it away.
func EscapePath(path string) (string, error) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	kept := parts[:0]
	for _, part := range parts {
		switch part {
		case ".":
		case "..":
			return "", fmt.Errorf(`the path %q has a ".." component`, path)
		default:
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return "-", nil
	}
	return Escape(strings.Join(kept, "/")), nil
}

// UnescapePath reverses [EscapePath] for a normalised absolute path.
func UnescapePath(escaped string) (string, error) {
	if escaped == "-" {
		return "/", nil
	}
	path, err := Unescape(escaped)
	return "/" + path, err
}

// PathName is the name that a mount, automount, device or swap unit for path
// must have: "var-lib-docker.mount" for /var/lib/docker and "mount". The path
// must be absolute.
func PathName(path string, suffix Type) (Name, error) {
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("the path %q is not absolute", path)
	}
	base, err := EscapePath(path)
	if err != nil {
		return "", err
	}
	return ParseName(base + "." + string(suffix))
}
