package units

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// secretWords end the names of options that hold a secret.
var secretWords = []string{"password", "passwd", "secret", "token", "apikey", "api_key", "api-key", "accesskey", "access_key", "access-key"}

// Secret is a secret in a text.
type Secret struct {
	// Word tells which: the name that promises it, or the secret itself where it
	// has no name.
	Word string
	// Start and End are the bytes of the secret itself.
	Start, End int
}

// Secrets finds the secrets in a line of a unit: options whose name promises one
// and that are given it ("token=…", but neither "token=/a/file" nor
// "token=${VARIABLE}"), passwords in URLs, and keys that can be told by their form.
func Secrets(s string) []Secret {
	found := secretOptions(s)
	if strings.Contains(s, "://") && strings.Contains(s, "@") {
		for _, m := range userInURL.FindAllStringSubmatchIndex(s, -1) {
			if s[m[2]] != '$' {
				found = append(found, Secret{s[m[2]:m[3]], m[2], m[3]})
			}
		}
	}
	if strings.Contains(s, "-----BEGIN") || strings.Contains(s, "AKIA") {
		for _, m := range privateKey.FindAllStringIndex(s, -1) {
			found = append(found, Secret{s[m[0]:m[1]], m[0], m[1]})
		}
	}
	return found
}

var (
	userInURL  = regexp.MustCompile(`[a-z]+://[^/\s:@]+:([^/\s@]+)@`)
	privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b`)
)

// secretOptions finds options whose name promises a secret, and that hold one.
func secretOptions(s string) []Secret {
	var found []Secret
	for i := strings.IndexByte(s, '='); i >= 0 && i < len(s); i = nextEqual(s, i) {
		start := i
		for start > 0 && optionByte(s[start-1]) {
			start--
		}
		value := strings.TrimPrefix(s[i+1:], `"`)
		if start == i || value == "" || strings.IndexByte("/$% \t\"'&", value[0]) >= 0 {
			continue
		}
		name := strings.ToLower(s[start:i])
		if slices.ContainsFunc(secretWords, func(w string) bool { return strings.HasSuffix(name, w) }) {
			begin := len(s) - len(value)
			found = append(found, Secret{s[start:i], begin, begin + secretLength(value)})
		}
	}
	return found
}

// secretLength is how far a secret goes: to a blank, a quote or the next option
// of a query.
func secretLength(value string) int {
	if i := strings.IndexAny(value, " \t\n\r\"'&"); i >= 0 {
		return i
	}
	return len(value)
}

func nextEqual(s string, i int) int {
	j := strings.IndexByte(s[i+1:], '=')
	if j < 0 {
		return -1
	}
	return i + 1 + j
}

func optionByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// secretMask stands for a secret.
const secretMask = "********"

// MaskSecrets writes s with asterisks for the secrets in it.
func MaskSecrets(s string) string {
	found := Secrets(s)
	slices.SortFunc(found, func(a, b Secret) int { return cmp.Compare(a.Start, b.Start) })
	var b strings.Builder
	at := 0
	for _, x := range found {
		if x.Start < at {
			continue
		}
		b.WriteString(s[at:x.Start])
		b.WriteString(secretMask)
		at = x.End
	}
	if at == 0 {
		return s
	}
	return b.String() + s[at:]
}
