// Package syntax turns the text of a TOML file into a tree in which every key
// and every value knows its place. It knows TOML and nothing of stacks.
package syntax

import "github.com/stackc/stackc/compiler/source"

// Kind is the TOML type of a value. The zero Kind is not valid.
type Kind uint8

// The kinds of values. The four date and time types of TOML are one kind here:
// a stack has no use for them but to refuse them by name.
const (
	String Kind = iota + 1
	Integer
	Float
	Bool
	Datetime
	Array
	KindTable
)

// String names the kind as a message would: "string", "integer", "array".
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Integer:
		return "integer"
	case Float:
		return "float"
	case Bool:
		return "boolean"
	case Datetime:
		return "date"
	case Array:
		return "array"
	case KindTable:
		return "table"
	}
	return "unknown"
}

// article gives the kind as a sentence has it: "a string", "an integer".
func (k Kind) article() string {
	if k == Integer || k == Array {
		return "an " + k.String()
	}
	return "a " + k.String()
}

// Value is one TOML value. Which of the fields behind Span holds it is told by Kind.
type Value struct {
	Kind Kind
	// Span is the value's text, quotes and brackets included. For a table that
	// a [header] opened it is the last key of that header.
	Span source.Span

	Str   string  // String: decoded
	Int   int64   // Integer
	Float float64 // Float
	Bool  bool    // Bool
	Elems []*Value
	Table *Table
}

// Entry is one key with its value.
type Entry struct {
	Key     string
	KeySpan source.Span // the last part of the key where it was first written
	Value   *Value

	how   definition
	owner int // number of the [header] under which a dotted key made this table
}

// Table is a TOML table: its entries in the order of the file, and by key.
type Table struct {
	Entries []*Entry
	index   map[string]*Entry // only for tables too long to look through
}

// linear is how many entries are looked through one by one.
const linear = 12

// Get returns the entry under key, nil when there is none. It may be called on a nil Table.
func (t *Table) Get(key string) *Entry {
	if t == nil {
		return nil
	}
	if t.index != nil {
		return t.index[key]
	}
	for _, e := range t.Entries {
		if e.Key == key {
			return e
		}
	}
	return nil
}

// put appends an entry whose key is not there yet.
func (t *Table) put(e *Entry) {
	t.Entries = append(t.Entries, e)
	if t.index == nil && len(t.Entries) > linear {
		t.index = make(map[string]*Entry, 4*linear)
		for _, e := range t.Entries {
			t.index[e.Key] = e
		}
	}
	if t.index != nil {
		t.index[e.Key] = e
	}
}
