package syntax

import "strconv"

// Key writes a key as it may stand in a stack file: in quotes, unless it is a
// bare one (TOML 1.0, Keys).
func Key(name string) string {
	for i := range len(name) {
		if !bareKey(name[i]) {
			return strconv.Quote(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}
