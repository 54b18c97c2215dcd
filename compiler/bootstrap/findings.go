package bootstrap

import (
	"fmt"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
)

func (c *common) add(d diag.Diagnostic) { c.findings.Add(d) }

// finding is one that may still be completed.
type finding struct {
	list *diag.List
	at   int
}

// errorf reports an error. What is the same for every host is said once.
func (c *common) errorf(code diag.Code, pos stack.Pos, path, format string, args ...any) finding {
	d := stack.Finding(diag.Error, code, pos, path, format, args...)
	key := pos.Span.String() + fmt.Sprintf(format, args...)
	if c.told[key] {
		return finding{}
	}
	c.told[key] = true
	c.add(d)
	return finding{&c.findings, len(c.findings) - 1}
}

func (f finding) help(format string, args ...any) finding {
	if f.list != nil {
		(*f.list)[f.at].Help = fmt.Sprintf(format, args...)
	}
	return f
}

func (f finding) note(span source.Span, message string) finding {
	if f.list != nil {
		(*f.list)[f.at] = (*f.list)[f.at].WithNote(span, message)
	}
	return f
}
