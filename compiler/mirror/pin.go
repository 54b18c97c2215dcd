package mirror

import (
	"fmt"
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/format"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// Loose reports whether a place that asks for the file does not say its sha256.
func (f File) Loose() bool {
	return slices.ContainsFunc(f.Asks, func(a Ask) bool { return a.sha256 == "" })
}

// Left is a place whose sha256 cannot be written into the stack file.
type Left struct {
	Path string // of the file in the mirror
	Why  string
}

// Pin writes sums into the text of a stack file, wherever it, or a library that it
// uses, asks for a file without a sha256. What is written is a value in the stack
// file: of the download itself, of the parameter that it takes its sha256 from, or of a
// parameter that the file gives a library. sums has the sums by the paths of files.
// All else in the text stays what it is; a text in the common style stays in it.
func Pin(s *stack.Stack, file *source.File, files []File, sums map[string]string) (text string, left []Left, findings diag.List) {
	tree, findings := syntax.Parse(file)
	if findings.HasErrors() {
		return file.Text(), nil, findings
	}
	p := &pinning{stack: s, file: file, tree: tree}
	for _, f := range files {
		for _, a := range f.Asks {
			if a.sha256 != "" || sums[f.Path] == "" {
				continue
			}
			if why := p.ask(a, f.Path, sums[f.Path]); why != "" {
				p.leave(f.Path, why)
			}
		}
	}
	text = apply(file.Text(), p.edits())
	if styled, _ := format.Format(file); string(styled) == file.Text() {
		again, _ := format.Format(source.NewFile(file.Name(), text))
		text = string(again)
	}
	return text, p.left, nil
}

// pinning collects what to change in a stack file.
type pinning struct {
	stack *stack.Stack
	file  *source.File
	tree  *syntax.Table
	wants []want
	left  []Left
}

// want is a sum that is to come to one place of the stack file.
type want struct {
	place place
	where source.Span // for messages
	path  string      // of the file in the mirror
	sum   string
}

// leave tells once of a file that its sum cannot be written, and why.
func (p *pinning) leave(path, why string) {
	if l := (Left{path, why}); !slices.Contains(p.left, l) {
		p.left = append(p.left, l)
	}
}

// mine reports whether a place is in the stack file.
func (p *pinning) mine(s source.Span) bool {
	return !s.IsZero() && s.File().Name() == p.file.Name()
}

// oneParam is a value that is exactly one parameter.
var oneParam = pattern.New(`^["']\$\{\{ *([A-Za-z][A-Za-z0-9_-]*) *\}\}["']$`)

// ask finds where the sum of one place that asks belongs. why says what keeps it
// from being written.
func (p *pinning) ask(a Ask, path, sum string) (why string) {
	w := want{where: a.pos.Span, path: path, sum: sum}
	if a.sum.Given() {
		raw := a.sum.Pos.Span.Text()
		if m := oneParam().FindStringSubmatch(raw); m != nil {
			return p.param(a.sum.Pos, m[1], w)
		}
		if raw != `""` && raw != "''" {
			return fmt.Sprintf("%s makes it of several parts", a.sum.Pos.Span)
		}
	}
	if !p.mine(a.pos.Span) {
		return fmt.Sprintf("%s says it, and takes no sha256 from a parameter", a.pos.Span)
	}
	table := tableAt(p.tree, at(a.pos.Span))
	if table == nil {
		return fmt.Sprintf("%s is no table of its own", a.pos.Span)
	}
	w.place = placeIn(table, a.in)
	p.wants = append(p.wants, w)
	return ""
}

// placeIn is where a sum goes in the table of a download: into a table of its own
// under the key inner, unless that is ""; else in the place of the sum or of the word
// "unverified" that stands there.
func placeIn(table *syntax.Value, inner string) place {
	if inner != "" {
		return place{table: table, key: inner, form: sumInTable}
	}
	e, loose := table.Table.Get("sha256"), table.Table.Get("unverified")
	switch {
	case e != nil:
		return place{value: at(e.Value.Span)}
	case loose != nil && loose.Value.Kind == syntax.Bool:
		return place{value: at(loose.KeySpan.To(loose.Value.Span)), whole: true}
	}
	return place{table: table, key: "sha256"}
}

// param gives the parameter of that name a value, as the file at pos knows it.
func (p *pinning) param(pos stack.Pos, name string, w want) (why string) {
	value := p.given(pos.Via, name)
	if value == nil {
		return fmt.Sprintf("nothing gives the parameter %q", name)
	}
	w.where = value.Span
	if p.mine(value.Span) {
		w.place = place{value: at(value.Span)}
		p.wants = append(p.wants, w)
		return ""
	}
	if w.place = p.defaultOf(value); w.place == (place{}) {
		return fmt.Sprintf("%s says that it is empty", value.Span)
	}
	p.wants = append(p.wants, w)
	return ""
}

// defaultOf is where the stack file gives a library's parameter another value than the
// library's own default, the zero place if that library is not one that it uses itself.
func (p *pinning) defaultOf(value *syntax.Value) place {
	for _, used := range p.stack.Used {
		i := slices.IndexFunc(used.Params, func(q *stack.Param) bool { return q.Default != nil && q.Default.Span == value.Span })
		if i < 0 || used.Use.Parent != nil {
			continue
		}
		if entry := p.useEntry(used.Use); entry != nil {
			return place{table: entry, key: used.Params[i].Name, form: sumOfParam}
		}
	}
	return place{}
}

// given is the value that a parameter has in a file, where it was given.
func (p *pinning) given(use *stack.Use, name string) *syntax.Value {
	params := p.stack.Params
	if use != nil {
		i := slices.IndexFunc(p.stack.Used, func(u stack.Used) bool { return u.Use == use })
		if i < 0 {
			return nil
		}
		params = p.stack.Used[i].Params
	}
	for _, q := range params {
		if q.Name == name {
			return q.Value
		}
	}
	return nil
}

// useEntry is the entry of the stack file by which a library came in.
func (p *pinning) useEntry(use *stack.Use) *syntax.Value {
	e := p.tree.Get("use")
	if e == nil || !p.mine(use.Span) {
		return nil
	}
	for _, v := range e.Value.Elems {
		if name := v.Table.Get("stack"); name != nil && at(name.Value.Span) == at(use.Span) {
			return v
		}
	}
	return nil
}
