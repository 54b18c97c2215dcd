package stack

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// onlyKeys reports keys of t that are not among words, and returns the table to go
// on with: see [corrected].
func (d *decoder) onlyKeys(t *syntax.Table, what string, words []string) *syntax.Table {
	for _, e := range t.Entries {
		if !slices.Contains(words, e.Key) {
			d.at(e.Key).errorf(diag.UnknownKey, e.KeySpan, "%s has no key %q", what, e.Key).
				suggest(e.Key, words).orHelp("the keys are %s", oneOf(words))
		}
	}
	return corrected(t, words)
}

// corrected returns t with every unknown key, which is reported, as the one of words
// that was probably meant; a table that stands there under the right key as well takes in the other.
// What would follow from the mistake alone is then not said.
func corrected(t *syntax.Table, words []string) *syntax.Table {
	if !slices.ContainsFunc(t.Entries, func(e *syntax.Entry) bool { return !slices.Contains(words, e.Key) }) {
		return t
	}
	right := &syntax.Table{}
	for _, e := range t.Entries {
		entry := *e
		if meant, ok := suggestion(e.Key, words); ok && !slices.Contains(words, e.Key) && mayBe(meant, e.Value.Kind) {
			if other := t.Get(meant); other == nil || other.Value.Kind == syntax.KindTable || e.Value.Kind == syntax.KindTable {
				entry.Key = meant
			}
		}
		addTo(right, &entry)
	}
	return right
}

// mayBe reports whether a key of the top of a file can have a value of that kind: else
// the suggestion is a poor one.
func mayBe(key string, kind syntax.Kind) bool {
	switch key {
	case "params", "roles", "host", "unit", "library", "machine", "network", "file", "bootstrap", "check", "pxe":
		return kind == syntax.KindTable
	case "use":
		return kind == syntax.Array || kind == syntax.KindTable
	}
	return true
}

// quiet returns d for the value of an entry, silent when its key is not what stands in the file: the key
// is reported, and of the value nothing is certain.
func (d *decoder) quiet(e *syntax.Entry) *decoder {
	if strings.Trim(e.KeySpan.Text(), `"'`) == e.Key || strings.Contains(e.KeySpan.Text(), `\`) {
		return d
	}
	return &decoder{scope: d.scope, findings: &diag.List{}, parent: d.parent, key: d.key, element: d.element}
}

// addTo puts an entry into a table. When its key is there already both must be tables to
// become one, or a table and an array of them, which it then belongs to the last of.
func addTo(t *syntax.Table, e *syntax.Entry) {
	old := t.Get(e.Key)
	if old == nil {
		t.Entries = append(t.Entries, e)
		return
	}
	old.Value = joined(old.Value, e.Value)
}

func joined(a, b *syntax.Value) *syntax.Value {
	if b.Kind == syntax.Array && a.Kind == syntax.KindTable {
		a, b = b, a
	}
	v := *a
	switch {
	case b.Kind != syntax.KindTable:
		return a
	case a.Kind == syntax.KindTable:
		v.Table = &syntax.Table{}
		for _, e := range slices.Concat(a.Table.Entries, b.Table.Entries) {
			entry := *e
			addTo(v.Table, &entry)
		}
	case a.Kind == syntax.Array && len(a.Elems) > 0:
		last := len(a.Elems) - 1
		v.Elems = slices.Clone(a.Elems)
		v.Elems[last] = joined(a.Elems[last], b)
	}
	return &v
}

// elsewhere lists the names in list that other files brought in than the one of span. Who
// changes one of those and mistypes its name begins a new thing, of which most is missing.
func elsewhere[T any](span source.Span, list []T, of func(T) (string, Pos)) []string {
	var names []string
	for _, other := range list {
		if name, pos := of(other); pos.Span.File() != span.File() {
			names = append(names, name)
		}
	}
	return names
}

// UnitsElsewhere lists the keys of the units that other files brought in than the one in
// which u begins: one of them is meant when u is there by a mistyped name only.
func (s *Stack) UnitsElsewhere(u *Unit) []string {
	return elsewhere(u.Pos.Span, s.Units, func(u *Unit) (string, Pos) { return u.Key, u.Pos })
}

// read reads a table that becomes o by its keywords, in the order of the file.
func read[O any](d *decoder, o *O, t *syntax.Table, what string, words []keyword[O]) {
	for _, e := range d.onlyKeys(t, what, keywordsOf(words).Names()).Entries {
		if i := slices.IndexFunc(words, func(w keyword[O]) bool { return w.Name == e.Key }); i >= 0 {
			words[i].read(d.at(e.Key).quiet(e), o, e.Value)
		}
	}
}

// mistyped reports whether an unknown key of t was probably meant to be one of
// keys: then that one is not missing as well.
func mistyped(t *syntax.Table, words []string, keys ...string) bool {
	return slices.ContainsFunc(t.Entries, func(e *syntax.Entry) bool {
		meant, ok := suggestion(e.Key, words)
		return ok && !slices.Contains(words, e.Key) && slices.Contains(keys, meant)
	})
}
