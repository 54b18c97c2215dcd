// Package pattern is for regular expressions that are compiled when they are first
// used. A command needs few of them, and compiling all would be a good part of the
// time in which it starts.
package pattern

import (
	"regexp"
	"sync"
)

// New returns what gives the regular expression, and compiles it the first time it is
// asked. The expression stands there as a literal: a test compiles every one.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
