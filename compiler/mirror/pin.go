package mirror

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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

// span is a place of the stack file, whichever reading of it found it.
type span struct{ start, end int }

func at(s source.Span) span { return span{s.Start(), s.End()} }

// pinning collects what to change in a stack file.
type pinning struct {
	stack *stack.Stack
	file  *source.File
	tree  *syntax.Table
	wants []want
	left  []Left
}

// want is a sum that is to come to one place of the stack file: as a value in the
// place of another text, or under a key into a table.
type want struct {
	place place
	where source.Span // for messages
	path  string      // of the file in the mirror
	sum   string
}

// place is where a value goes.
type place struct {
	value span
	// whole says that the text at value is a key with its value.
	whole bool
	table *syntax.Value // nil when there is a value already
	key   string
}

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
	if a.in != "" {
		w.place = place{table: table, key: a.in + inner}
		p.wants = append(p.wants, w)
		return ""
	}
	e, loose := table.Table.Get("sha256"), table.Table.Get("unverified")
	switch {
	case e != nil:
		w.place = place{value: at(e.Value.Span)}
	case loose != nil && loose.Value.Kind == syntax.Bool:
		w.place = place{value: at(loose.KeySpan.To(loose.Value.Span)), whole: true}
	default:
		w.place = place{table: table, key: "sha256"}
	}
	p.wants = append(p.wants, w)
	return ""
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
	// A library's own default: the stack file gives another, if the library is its own.
	for _, used := range p.stack.Used {
		i := slices.IndexFunc(used.Params, func(q *stack.Param) bool { return q.Default != nil && q.Default.Span == value.Span })
		if i < 0 || used.Use.Parent != nil {
			continue
		}
		if entry := p.useEntry(used.Use); entry != nil {
			w.place = place{table: entry, key: "params." + used.Params[i].Name}
			p.wants = append(p.wants, w)
			return ""
		}
	}
	return fmt.Sprintf("%s says that it is empty", value.Span)
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

// tableAt is the table whose value, or whose key, stands at a place.
func tableAt(t *syntax.Table, where span) *syntax.Value {
	for _, e := range t.Entries {
		if e.Value.Kind == syntax.KindTable && at(e.KeySpan) == where {
			return e.Value
		}
		if found := valueAt(e.Value, where); found != nil {
			return found
		}
	}
	return nil
}

func valueAt(v *syntax.Value, where span) *syntax.Value {
	if v.Kind == syntax.KindTable && at(v.Span) == where {
		return v
	}
	for _, e := range v.Elems {
		if found := valueAt(e, where); found != nil {
			return found
		}
	}
	if v.Kind == syntax.KindTable {
		return tableAt(v.Table, where)
	}
	return nil
}

// edit is a text that takes the place of another, or comes in where that is empty.
type edit struct {
	span
	text string
}

// apply makes edits that do not touch each other.
func apply(text string, edits []edit) string {
	slices.SortFunc(edits, func(a, b edit) int { return b.start - a.start })
	edits = slices.Compact(edits) // what several ask for is written once
	for _, e := range edits {
		text = text[:e.start] + e.text + text[e.end:]
	}
	return text
}

// edits are the changes of the text. A place to which several sums should come gets none.
func (p *pinning) edits() (list []edit) {
	sums := map[place]string{}
	for _, w := range p.wants {
		if old, there := sums[w.place]; there && old != w.sum {
			sums[w.place] = ""
			continue
		}
		sums[w.place] = w.sum
	}
	tables := map[*syntax.Value]map[string]string{}
	for _, w := range p.wants {
		sum := sums[w.place]
		switch {
		case sum == "":
			p.leave(w.path, fmt.Sprintf("%s stands for several files with different sums", w.where))
		case w.place.table != nil:
			if tables[w.place.table] == nil {
				tables[w.place.table] = map[string]string{}
			}
			tables[w.place.table][w.place.key] = sum
		case w.place.whole:
			list = append(list, edit{w.place.value, "sha256 = " + strconv.Quote(sum)})
		default:
			list = append(list, edit{w.place.value, strconv.Quote(sum)})
		}
	}
	for table, keys := range tables {
		e, why := p.insert(table, keys)
		if why == "" {
			list = append(list, e)
			continue
		}
		for _, w := range p.wants {
			if w.place.table == table {
				p.leave(w.path, why)
			}
		}
	}
	return list
}

// inner ends a key whose value is a table that holds the sum and nothing else.
const inner = ".sha256"

// pair is the line of a key with its sum.
func pair(name, sum string) string {
	if key, ok := strings.CutSuffix(name, inner); ok {
		return stack.Key(key) + " = { sha256 = " + strconv.Quote(sum) + " }"
	}
	return stack.Key(strings.TrimPrefix(name, "params.")) + " = " + strconv.Quote(sum)
}

// insert brings keys into a table. A key that begins with "params." belongs into
// the table params of a use entry, one that ends with inner is a table itself.
func (p *pinning) insert(table *syntax.Value, keys map[string]string) (edit, string) {
	names := slices.Sorted(maps.Keys(keys))
	into := strings.HasPrefix(names[0], "params.")
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, pair(name, keys[name]))
	}
	eol := "\n"
	if i := strings.IndexByte(p.file.Text(), '\n'); i > 0 && p.file.Text()[i-1] == '\r' {
		eol = "\r\n"
	}
	if into {
		if params := table.Table.Get("params"); params != nil {
			table = params.Value
		} else if isInline(table) {
			pairs = []string{"params = { " + strings.Join(pairs, ", ") + " }"}
		} else {
			pairs = append([]string{"[use.params]"}, pairs...)
		}
	}
	if isInline(table) {
		if len(table.Table.Entries) == 0 {
			return edit{at(table.Span), "{ " + strings.Join(pairs, ", ") + " }"}, ""
		}
		end := lastEnd(table.Table, true)
		return edit{span{end, end}, ", " + strings.Join(pairs, ", ")}, ""
	}
	for _, e := range table.Table.Entries {
		before := p.file.Text()[:e.KeySpan.Start()]
		if strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) != "" && !opensTable(e.Value) {
			return edit{}, fmt.Sprintf("the table of %s is written with dots: add %s", e.KeySpan, strings.Join(pairs, " and "))
		}
	}
	end := max(lastEnd(table.Table, false), table.Span.End())
	if i := strings.IndexByte(p.file.Text()[end:], '\n'); i >= 0 {
		end += i + 1
		return edit{span{end, end}, strings.Join(pairs, eol) + eol}, ""
	}
	return edit{span{len(p.file.Text()), len(p.file.Text())}, eol + strings.Join(pairs, eol) + eol}, ""
}

func isInline(table *syntax.Value) bool { return strings.HasPrefix(table.Span.Text(), "{") }

// opensTable reports whether a value is made by headers of its own.
func opensTable(v *syntax.Value) bool {
	if v.Kind == syntax.Array {
		return len(v.Elems) > 0 && opensTable(v.Elems[0])
	}
	return v.Kind == syntax.KindTable && !isInline(v)
}

// lastEnd is where the last value of a table ends; those that have headers of
// their own count when all is said.
func lastEnd(t *syntax.Table, all bool) int {
	end := 0
	for _, e := range t.Entries {
		switch {
		case !opensTable(e.Value):
			end = max(end, e.Value.Span.End())
		case all: // made by a dotted key
			end = max(end, lastEnd(e.Value.Table, true))
		}
	}
	return end
}
