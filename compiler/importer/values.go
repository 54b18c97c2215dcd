package importer

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units/pattern"
)

// longest is how long a value may be before it is folded over several lines.
const longest = 100

func directiveValue(d directive) string {
	v := d.values[0]
	if len(v) > longest && strings.HasPrefix(d.name, "Exec") {
		if folded, ok := fold(v); ok {
			return folded
		}
	}
	return value(v)
}

// flagStart is where a command line is broken: before a flag.
var flagStart = pattern.New(`([^ \t]) (-[^ \t])`)

// fold writes a command line over several lines, one flag each.
func fold(v string) (string, bool) {
	if strings.ContainsAny(v, "\\\t") || strings.Contains(v, `""`) || strings.HasSuffix(v, `"`) || hasControl(v) {
		return "", false
	}
	text := "\n  " + flagStart().ReplaceAllString(escapeExpressions(v), "$1\n  $2")
	if strings.TrimSpace(stack.Fold(text)) != escapeExpressions(v) {
		return "", false
	}
	return `"""` + text + `"""`, true
}

var wholeNumber = pattern.New(`^(0|-?[1-9][0-9]{0,17})$`)

// value writes one value as TOML.
func value(v string) string {
	if v == "true" || v == "false" || wholeNumber().MatchString(v) {
		return v
	}
	return quote(escapeExpressions(v))
}

// escapeExpressions keeps ${{ as it is.
func escapeExpressions(v string) string { return strings.ReplaceAll(v, "${{", "$${{") }

func array(values []string) string {
	if len(values) == 1 {
		return quote(escapeExpressions(values[0]))
	}
	return list(values)
}

// list writes an array of strings.
func list(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(escapeExpressions(v))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a TOML string, literal when that spares escapes.
func quote(s string) string {
	if strings.ContainsAny(s, `"\`) && !hasControl(s) {
		switch {
		case !strings.Contains(s, "'"):
			return "'" + s + "'"
		case !strings.Contains(s, "'''") && !strings.HasPrefix(s, "'") && !strings.HasSuffix(s, "'"):
			return "'''" + s + "'''"
		}
	}
	var b strings.Builder
	b.WriteByte('"')
	escape(&b, s, false)
	b.WriteByte('"')
	return b.String()
}

// longString writes a TOML string over several lines, literal when it can be.
func longString(s string) string {
	if !strings.Contains(s, "'''") && !strings.HasSuffix(s, "'") && !hasControl(strings.ReplaceAll(s, "\n", "")) {
		return "'''\n" + s + "'''"
	}
	var b strings.Builder
	b.WriteString("\"\"\"\n")
	escape(&b, s, true)
	b.WriteString(`"""`)
	return b.String()
}

// escape writes s for a basic string, with its newlines in one of several lines.
func escape(b *strings.Builder, s string, lines bool) {
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\t' || r == '\n' && lines:
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
}

// hasControl reports whether s has a character that no TOML text may have as it is.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r != '\t' && (r < ' ' || r == 0x7f) })
}

// comment makes a comment of a unit file one of TOML.
func comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.TrimRight("#"+text[1:], " ")
}

// tomlKey writes a key, in quotes when it needs them.
func tomlKey(s string) string {
	if bareKey().MatchString(s) {
		return s
	}
	return quote(s)
}
