package stack

import (
	"fmt"
	"strconv"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

// scope is what names mean inside one file: its parameters, and the chain of
// `use` that brought the file in.
type scope struct {
	use    *Use
	name   string // of the stack, once read
	params map[string]*Param
	facts  *facts // of the inventory, nil where nothing of it can be asked
}

// title is what messages call the file of the scope.
func (s *scope) title() string {
	if s.use != nil {
		return fmt.Sprintf("library %q", s.use.Library)
	}
	return fmt.Sprintf("stack %q", s.name)
}

// decoder reads values of one file. It does not change: at and index give a
// decoder that stands deeper, for the Path of findings.
type decoder struct {
	scope    *scope
	findings *diag.List

	// Where the decoder stands; the path is spelled out only for a finding.
	parent  *decoder
	key     string
	element int // with an empty key
}

// at returns d one key deeper.
func (d *decoder) at(key string) *decoder {
	return &decoder{scope: d.scope, findings: d.findings, parent: d, key: key}
}

// index returns d at element i of an array.
func (d *decoder) index(i int) *decoder {
	return &decoder{scope: d.scope, findings: d.findings, parent: d, element: i}
}

// path returns the logical place, such as "unit.web.after[1]".
func (d *decoder) path() string {
	if d.parent == nil {
		return ""
	}
	before := d.parent.path()
	switch {
	case d.key == "":
		return before + "[" + strconv.Itoa(d.element) + "]"
	case before == "":
		return d.key
	}
	return before + "." + d.key
}

func (d *decoder) pos(s source.Span) Pos { return Pos{Span: s, Via: d.scope.use} }
