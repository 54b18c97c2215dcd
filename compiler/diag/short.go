package diag

import (
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/source"
)

// Short gives each finding one line, "file:line:column: severity: message
// [code]", as compilers do and editors jump by; notes with a place and the help
// follow on lines of their own, indented. Whatever the file holds, no line is
// broken.
func Short(l List) string {
	var b strings.Builder
	for _, d := range l {
		fmt.Fprintf(&b, "%s%s: %s [%s]\n", prefix(d.Span), d.Severity, oneLine(d.Message), d.Code)
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "  %snote: %s\n", prefix(n.Span), oneLine(n.Message))
		}
		if d.Help != "" {
			fmt.Fprintf(&b, "  help: %s\n", oneLine(d.Help))
		}
	}
	return b.String()
}

func prefix(s source.Span) string {
	if s.IsZero() {
		return ""
	}
	return visible(s.String()) + ": "
}

// oneLine folds a text of several lines.
func oneLine(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = visible(strings.TrimSpace(line))
	}
	return strings.Join(lines, " ")
}

// Summary counts findings in words: "2 errors, 1 warning", "" when there are none.
func Summary(l List) string {
	var parts []string
	for _, s := range []Severity{Error, Warning} {
		switch n := l.Count(s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.String())
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(parts, ", ")
}
