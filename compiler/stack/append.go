package stack

import (
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
)

// appendWords are the keys of a table that adds to a list instead of taking its
// place: `ExecStartPre = { append = ["…"] }`. What they hold has the shape of the list.
func appendWords(of Shape) Keywords {
	return Keywords{
		{Name: "prepend", Shape: of, Example: `["first"]`, Help: "what comes before what an earlier layer says"},
		{Name: "append", Shape: of, Example: `["last"]`, Help: "what comes behind what an earlier layer says"},
	}
}

func additionNames() []string { return appendWords(Shape{}).Names() }

// Additions returns the keys with which a directive adds to what an earlier layer
// says; behind each stands what may stand behind the directive.
func Additions() Table {
	words := appendWords(Shape{})
	return Table{Name: "an addition to a list", Keys: words, Some: words.Names()}
}

// addable is a list, or a table of additions to it.
func addable(of Shape) Shape {
	words := appendWords(of)
	return eitherShape(of, tableShape(Table{Name: "an addition to a list", Keys: words, Some: words.Names()}))
}

// listKey makes the keyword of a list to which later layers may add.
func listKey[O, T any](name string, f form[[]T], field func(*O) *[]T, help, example string) keyword[O] {
	return keyword[O]{
		Keyword{Name: name, Help: help, Shape: addable(f.shape), Example: example},
		func(d *decoder, o *O, v *syntax.Value) { *field(o) = list(d, v, *field(o), f.read) },
	}
}

// additions splits a value that adds to what an earlier layer says. ok is false
// for any other value.
func additions(v *syntax.Value) (t *syntax.Table, ok bool) {
	if v.Kind != syntax.KindTable || len(v.Table.Entries) == 0 {
		return nil, false
	}
	for _, e := range v.Table.Entries {
		if slices.Contains(additionNames(), e.Key) {
			return v.Table, true
		}
	}
	return nil, false
}

// added puts what a table of additions says around old. read reads one list.
func added[T any](d *decoder, t *syntax.Table, old []T, read func(d *decoder, v *syntax.Value) []T) []T {
	t = d.onlyKeys(t, "an addition to a list", additionNames())
	list := slices.Clone(old) // never into an array that another unit may share
	if e := t.Get("prepend"); e != nil {
		list = append(read(d.at("prepend"), e.Value), list...)
	}
	if e := t.Get("append"); e != nil {
		list = append(list, read(d.at("append"), e.Value)...)
	}
	return list
}

// list reads a word of a unit that holds a list: a value takes the place of what
// an earlier layer says, a table of additions adds to it.
func list[T any](d *decoder, v *syntax.Value, old []T, read func(d *decoder, v *syntax.Value) []T) []T {
	if t, ok := additions(v); ok {
		return added(d, t, old, read)
	}
	return read(d, v)
}

// values reads the values of a directive: one, or an array of them.
func (d *decoder) values(v *syntax.Value) []Text {
	var texts []Text
	if r, ok := d.resolve(v); !ok {
		return nil
	} else if r.Kind == syntax.Array {
		meant := d.meant(v)
		for i, elem := range r.Elems {
			if t := d.index(i).scalar(elem); t.Given() {
				if t.meant == nil {
					t.meant = meant
				}
				texts = append(texts, t)
			}
		}
	} else if t := d.scalar(v); t.Given() {
		texts = []Text{t}
	}
	return texts
}

// directive reads one key of a raw section. A later file's takes the place of an
// earlier one's, unless it says that it adds to it.
func (d *decoder) directive(s *Section, e *syntax.Entry) {
	dir := &Directive{Name: e.Key, Pos: d.pos(e.KeySpan)}
	before := len(*d.findings)
	at := slices.IndexFunc(s.Directives, func(old *Directive) bool { return old.Name == e.Key })
	var old []Text
	if at >= 0 {
		old = s.Directives[at].Values
	}
	dir.Values = list(d, e.Value, old, (*decoder).values)
	dir.Broken = len(*d.findings) > before
	if at < 0 {
		s.Directives = append(s.Directives, dir)
		return
	}
	if _, adds := additions(e.Value); adds {
		dir.Pos, dir.Broken = s.Directives[at].Pos, dir.Broken || s.Directives[at].Broken
	}
	s.Directives[at] = dir
}

// additionsHelp is the help of a directive whose table says neither.
const additionsHelp = `to add to what a library says write { append = ["…"] } or { prepend = ["…"] }`

// wantValue reports a value that no directive can have.
func (d *decoder) wantValue(v *syntax.Value) {
	f := d.errorf(diag.WrongType, v.Span, "expected a string, number, boolean, or an array of them, found %s", withArticle(v.Kind.String()))
	if v.Kind == syntax.KindTable {
		f.help(additionsHelp)
		for _, e := range v.Table.Entries {
			f.suggest(e.Key, additionNames())
		}
	}
}
