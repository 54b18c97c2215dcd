package format

import "slices"

// trimmed leaves no more than one blank line between two items, and none before
// the first and behind the last.
func trimmed(list []item) []item {
	out := list[:0]
	for _, it := range list {
		if it.kind == blank && (len(out) == 0 || out[len(out)-1].kind == blank) {
			continue
		}
		out = append(out, it)
	}
	if n := len(out); n > 0 && out[n-1].kind == blank {
		out = out[:n-1]
	}
	return out
}

// spaced puts a blank line before headers that need one, and takes those away
// that stand between a header and its first key.
func spaced(list []item) []item {
	var out []item
	var opened []string // the path of the header before
	for i, it := range list {
		switch {
		case it.kind == header:
			if needsBlank(out, opened, it) {
				out = append(out, item{kind: blank})
			}
			opened = it.path
		case it.kind == blank && list[i+1].kind == entry && out[len(out)-1].kind == header:
			continue
		}
		out = append(out, it)
	}
	return out
}

// needsBlank reports whether a blank line is missing before a header. Comments
// that touch both the keys before them and the header may belong to either: only
// the author knows, so nothing is put between.
func needsBlank(before []item, opened []string, h item) bool {
	if len(before) == 0 || before[len(before)-1].kind == blank || before[len(before)-1].kind == comment {
		return false
	}
	within := len(opened) > 0 && len(h.path) > len(opened) && slices.Equal(h.path[:len(opened)], opened)
	return !within
}
