package format

import "github.com/stackc/stackc/compiler/syntax"

// sameTable reports whether two tables have the same keys in the same order with
// the same values. The formatter holds its own output against its input with it
// before anything is written over a file.
func sameTable(a, b *syntax.Table) bool {
	if a == nil || b == nil || len(a.Entries) != len(b.Entries) {
		return a == b
	}
	for i, e := range a.Entries {
		if e.Key != b.Entries[i].Key || !sameValue(e.Value, b.Entries[i].Value) {
			return false
		}
	}
	return true
}

func sameValue(a, b *syntax.Value) bool {
	if a.Kind != b.Kind || len(a.Elems) != len(b.Elems) {
		return false
	}
	switch a.Kind {
	case syntax.KindTable:
		return sameTable(a.Table, b.Table)
	case syntax.Array:
		for i, e := range a.Elems {
			if !sameValue(e, b.Elems[i]) {
				return false
			}
		}
		return true
	case syntax.String:
		return a.Str == b.Str
	}
	// Numbers, booleans and dates are never written differently, but for the
	// seconds of a time.
	return withSeconds(a.Span.Text()) == withSeconds(b.Span.Text())
}
