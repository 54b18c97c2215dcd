package lint

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/pattern"
)

// hexEscape matches an escape of TOML 1.1, and what stands before it.
var hexEscape = pattern.New(`\\\\|\\x[0-9A-Fa-f]{2}`)

// hexEscapes returns the escapes \xNN of a string in double quotes.
func hexEscapes(span source.Span) []source.Span {
	raw := span.Text()
	if !strings.HasPrefix(raw, `"`) || !strings.Contains(raw, `\x`) {
		return nil
	}
	var found []source.Span
	for _, at := range hexEscape().FindAllStringIndex(raw, -1) {
		if raw[at[0]+1] == 'x' {
			found = append(found, span.Sub(at[0], at[1]))
		}
	}
	return found
}

// tomlEscape: in double quotes TOML makes a character of \x2d, which systemd
// wants to have as it is written.
func tomlEscape(c *checker, x text) {
	if x.node.Unit.Verbatim == nil {
		c.escapes(x.value.Pos, x.path())
	}
}

// escapedNames looks at the key of a unit in the same way.
func escapedNames(c *checker, n *topology.Node) {
	c.escapes(n.Unit.Pos, n.Path())
}

func (c *checker) escapes(pos stack.Pos, path string) {
	for _, span := range hexEscapes(pos.Span) {
		c.add(stack.Finding(diag.Warning, diag.TOMLEscape, stack.Pos{Span: span, Via: pos.Via}, path, "TOML makes a character of %s before systemd sees it", span.Text()).
			WithHelp(`write it in single quotes, '\x2d', or with two backslashes, "\\x2d"`))
	}
}
