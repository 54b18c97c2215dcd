package mirror

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
)

// span is a place of the stack file, whichever reading of it found it.
type span struct{ start, end int }

func at(s source.Span) span { return span{s.Start(), s.End()} }

// place is where a sum goes: in the place of another value, or under a key into a table.
type place struct {
	value span
	// whole says that the text at value is a key with its value.
	whole bool
	table *syntax.Value // nil when there is a value already
	key   string
	form  form
}

// form is how a sum stands under a key.
type form int

const (
	sumAlone   form = iota // sha256 = "…"
	sumInTable             // KEY = { sha256 = "…" }
	sumOfParam             // KEY = "…", in the table params of a use entry
)

// line is the key with the sum.
func (p place) line(sum string) string {
	if p.form == sumInTable {
		return stack.Key(p.key) + " = { sha256 = " + strconv.Quote(sum) + " }"
	}
	return stack.Key(p.key) + " = " + strconv.Quote(sum)
}

// edit is a text that takes the place of another, or comes in where that is empty.
type edit struct {
	span
	text string
}

// apply makes edits that do not touch each other.
func apply(text string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return b.start - a.start })
	for _, e := range edits {
		text = text[:e.start] + e.text + text[e.end:]
	}
	return text
}

// edits are the changes of the text, one for each place that several ask for. A place to
// which several sums should come gets none.
func (p *pinning) edits() []edit {
	sums := agreed(p.wants)
	var list []edit
	var tables [][]want // those whose keys come into one table
	done := map[place]bool{}
	for _, w := range p.wants {
		switch {
		case sums[w.place] == "":
			p.leave(w.path, fmt.Sprintf("%s stands for several files with different sums", w.where))
		case w.place.table != nil:
			i := slices.IndexFunc(tables, func(of []want) bool { return of[0].place.table == w.place.table })
			if i < 0 {
				i, tables = len(tables), append(tables, nil)
			}
			tables[i] = append(tables[i], w)
		case done[w.place]:
		case w.place.whole:
			list = append(list, edit{w.place.value, "sha256 = " + strconv.Quote(w.sum)})
		default:
			list = append(list, edit{w.place.value, strconv.Quote(w.sum)})
		}
		done[w.place] = true
	}
	for _, wants := range tables {
		e, why := p.insert(wants)
		if why == "" {
			list = append(list, e)
			continue
		}
		for _, w := range wants {
			p.leave(w.path, why)
		}
	}
	return list
}

// agreed is the sum that is wanted at each place, "" where there are several.
func agreed(wants []want) map[place]string {
	sums := map[place]string{}
	for _, w := range wants {
		if old, there := sums[w.place]; there && old != w.sum {
			sums[w.place] = ""
			continue
		}
		sums[w.place] = w.sum
	}
	return sums
}

// insert brings the keys of wants, which are all of one table, into it. why says what
// keeps them out.
func (p *pinning) insert(wants []want) (e edit, why string) {
	slices.SortStableFunc(wants, func(a, b want) int { return cmp.Compare(a.place.key, b.place.key) })
	var lines []string
	for _, w := range wants {
		lines = append(lines, w.place.line(w.sum))
	}
	lines = slices.Compact(lines) // several ask for one place
	table := wants[0].place.table
	if wants[0].place.form == sumOfParam {
		switch params := table.Table.Get("params"); {
		case params != nil:
			table = params.Value
		case isInline(table):
			lines = []string{"params = { " + strings.Join(lines, ", ") + " }"}
		default:
			lines = append([]string{"[use.params]"}, lines...)
		}
	}
	if isInline(table) {
		return insertInline(table, lines), ""
	}
	return p.insertLines(table, lines)
}

// insertInline puts keys behind those of a table in braces.
func insertInline(table *syntax.Value, pairs []string) edit {
	if len(table.Table.Entries) == 0 {
		return edit{at(table.Span), "{ " + strings.Join(pairs, ", ") + " }"}
	}
	end := lastEnd(table.Table)
	return edit{span{end, end}, ", " + strings.Join(pairs, ", ")}
}

// insertLines puts keys below those of a table with a header. A table without one, whose
// keys are written with dots, has no line of its own for them.
func (p *pinning) insertLines(table *syntax.Value, lines []string) (e edit, why string) {
	text := p.file.Text()
	for _, e := range table.Table.Entries {
		before := text[:e.KeySpan.Start()]
		if strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) != "" && !opensTable(e.Value) {
			return edit{}, fmt.Sprintf("the table of %s is written with dots: add %s", e.KeySpan, strings.Join(lines, " and "))
		}
	}
	eol := lineEnd(text)
	below := strings.Join(lines, eol) + eol
	end := max(lastOwnEnd(table.Table), table.Span.End())
	if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
		end += i + 1
		return edit{span{end, end}, below}, ""
	}
	return edit{span{len(text), len(text)}, eol + below}, ""
}

// lineEnd is how the first line of a text ends, and so the others.
func lineEnd(text string) string {
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
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

// isInline reports whether a table is written in braces.
func isInline(table *syntax.Value) bool { return strings.HasPrefix(table.Span.Text(), "{") }

// opensTable reports whether a value is made by headers of its own.
func opensTable(v *syntax.Value) bool {
	if v.Kind == syntax.Array {
		return len(v.Elems) > 0 && opensTable(v.Elems[0])
	}
	return v.Kind == syntax.KindTable && !isInline(v)
}

// lastEnd is where the last value of a table in braces ends, of those too that a dotted
// key put into tables below it.
func lastEnd(t *syntax.Table) int {
	end := lastOwnEnd(t)
	for _, e := range t.Entries {
		if opensTable(e.Value) {
			end = max(end, lastEnd(e.Value.Table))
		}
	}
	return end
}

// lastOwnEnd is where the last value of a table ends that has no header of its own.
func lastOwnEnd(t *syntax.Table) int {
	end := 0
	for _, e := range t.Entries {
		if !opensTable(e.Value) {
			end = max(end, e.Value.Span.End())
		}
	}
	return end
}
