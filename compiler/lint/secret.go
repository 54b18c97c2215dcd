package lint

import (
	"fmt"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// secret: unit text stands in etcd in clear, and every machine can read it.
func secret(c *checker, x text) {
	c.secretsIn(x.line, x.value.Pos.Via, x.directive+"=", x.path)
}

// otherSecrets looks at what the compiler itself puts into unit text.
func otherSecrets(c *checker, n *topology.Node) {
	for i, d := range n.Unit.Downloads {
		c.secrets(d.URL, "the URL of a download", fmt.Sprintf("%s.download[%d].url", n.Path(), i))
	}
	for _, p := range n.Unit.Puts {
		c.secrets(p.Value, "the value of "+p.Key, n.Path()+".etcd_put."+p.Key)
	}
	if r := n.Unit.Ready; r != nil {
		c.secrets(r.Target, "ready", n.Path()+".ready")
	}
}

// secrets reports each secret of a text, at its name where it has one.
func (c *checker) secrets(t stack.Text, what, path string) {
	if !t.Given() {
		return
	}
	c.secretsIn(t.Line(unknownPart), t.Pos.Via, what, func() string { return path })
}

func (c *checker) secretsIn(line stack.Line, via *stack.Use, what string, path func() string) {
	for _, found := range units.Secrets(line.Text) {
		pos := stack.Pos{Span: line.Span(found.Told, found.Told+len(found.Word)), Via: via}
		c.add(stack.Finding(diag.Error, diag.Secret, pos, path(), "%s holds a secret: unit text lies in etcd in clear, where every machine reads it", what).
			WithHelp(`keep it in a file of the host (0600) and name the file, or read it with env = { NAME = "/file" }; allow = ["secret"] when it is none`))
	}
}
