package units

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/stackc/stackc/units/pattern"
)

// secretWords end the names of options that hold a secret.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "accesskey", "access_key", "access-key",
	"secretkey", "secret_key", "secret-key", "secret_key_base", "private_key", "private-key",
	"_pass", "-pass", "_pwd", "-pwd",
}

// inSecretWords are the parts of which each of secretWords has one.
var inSecretWords = []string{"pass", "pwd", "secret", "token", "key"}

// Secret is a secret in a text.
type Secret struct {
	// Word tells which, and begins at byte Told: the name that promises it, or the
	// secret itself where it has no name.
	Word string
	Told int
	// Start and End are the bytes of the secret itself.
	Start, End int
}

// Secrets finds the secrets in a line of a unit, in their order: options whose name promises
// one and that are given it ("token=…" or "--token …", but neither
// "token=/a/file" nor "token=${VARIABLE}"), such keys in JSON, passwords in URLs, bearer tokens, and keys
// that can be told by their form.
func Secrets(s string) []Secret {
	var found []Secret
	lower := strings.ToLower(s)
	if containsAny(lower, inSecretWords...) {
		found = slices.Concat(secretOptions(s), secretFlags(s), namedSecrets(inJSON(), s))
	}
	bare := func(start, end int) {
		if !fromElsewhere(s[start:end]) {
			found = append(found, Secret{Word: s[start:end], Told: start, Start: start, End: end})
		}
	}
	if strings.Contains(s, "://") && strings.Contains(s, "@") {
		for _, m := range userInURL().FindAllStringSubmatchIndex(s, -1) {
			bare(m[2], m[3])
		}
	}
	if containsAny(s, "-----BEGIN", "AKIA", "gh", "glpat-", "xox", "AIza", "k_live_", "eyJ") { // how secretForms begin
		for _, m := range secretForms().FindAllStringIndex(s, -1) {
			bare(m[0], m[1])
		}
	}
	if strings.Contains(s, "curl") {
		for _, m := range userOfCurl().FindAllStringSubmatchIndex(s, -1) {
			bare(m[2], m[3])
		}
	}
	if containsAny(lower, "bearer", "basic") {
		for _, m := range bearer().FindAllStringSubmatchIndex(s, -1) {
			bare(m[2], m[3])
		}
	}
	slices.SortStableFunc(found, func(a, b Secret) int { return cmp.Compare(a.Told, b.Told) })
	end := 0 // one secret may be told by its name and by its form
	return slices.DeleteFunc(found, func(x Secret) bool {
		if x.Start < end {
			return true
		}
		end = x.End
		return false
	})
}

var (
	userInURL = pattern.New(`[a-z]+://[^/\s:@]*:([^/\s@]+)@`)
	// userOfCurl is the password behind the user that curl is given.
	userOfCurl = pattern.New(`\bcurl\s(?:[^|;&]*\s)?(?:-u|--user)[ =]?["']?[^\s:"']+:([^\s"']+)`)
	bearer     = pattern.New(`(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/_.=~-]{16,}|[$%]\S+)`)
	// secretForms are secrets that are known by how they look: keys in PEM, of AWS,
	// GitHub, GitLab, Slack, Google and Stripe, and JSON web tokens.
	secretForms = pattern.New(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{40}` +
		`|\bglpat-[A-Za-z0-9_-]{20}|\bxox[abprs]-[A-Za-z0-9-]{10}|\bAIza[0-9A-Za-z_-]{35}|\b[sr]k_live_[0-9A-Za-z]{16}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*`)
	// inJSON matches a key and its text, longFlag a flag and the word behind it.
	inJSON   = pattern.New(`"([A-Za-z0-9_-]+)"\s*:\s*"([^"]+)"`)
	longFlag = pattern.New(`(?:^|\s)(--[A-Za-z][A-Za-z0-9_-]*)\s+([^\s-]\S*)`)
)

// containsAny reports whether one of words is in s. It keeps the patterns, which cost
// much more, from lines that they cannot match.
func containsAny(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}

// fromElsewhere reports whether a value is no secret itself: a path, a variable, a
// specifier, a switch, or a text that stands for one.
func fromElsewhere(value string) bool {
	value = strings.TrimLeft(value, `"'@`)
	switch strings.ToLower(strings.TrimRight(value, `"'`)) {
	case "", "true", "false", "yes", "no", "on", "off", "none", "null":
		return true
	}
	return strings.IndexByte("/$%&<{`", value[0]) >= 0 || strings.HasPrefix(value, "file:") || strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://") || strings.Trim(value, "*") == ""
}

// secretName reports whether a name promises a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.HasSuffix(name, w) })
}

// secretOptions finds options whose name promises a secret, and that hold one.
func secretOptions(s string) []Secret {
	var found []Secret
	for i := strings.IndexByte(s, '='); i >= 0 && i < len(s); i = nextEqual(s, i) {
		start := i
		for start > 0 && optionByte(s[start-1]) {
			start--
		}
		begin := i + 1
		if begin < len(s) && (s[begin] == '"' || s[begin] == '\'') {
			begin++
		}
		end := begin + secretLength(s[begin:])
		if start < i && secretName(s[start:i]) && !fromElsewhere(s[begin:end]) {
			found = append(found, Secret{Word: s[start:i], Told: start, Start: begin, End: end})
		}
	}
	return found
}

// secretFlags is the same for a flag whose value follows a blank: "--password x".
func secretFlags(s string) []Secret { return namedSecrets(longFlag(), s) }

// namedSecrets finds what a pattern of a name and a value matches.
func namedSecrets(pattern *regexp.Regexp, s string) []Secret {
	var found []Secret
	for _, m := range pattern.FindAllStringSubmatchIndex(s, -1) {
		if secretName(s[m[2]:m[3]]) && !fromElsewhere(s[m[4]:m[5]]) {
			found = append(found, Secret{Word: s[m[2]:m[3]], Told: m[2], Start: m[4], End: m[5]})
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
