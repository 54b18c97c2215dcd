package lint

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// Verbatim makes warnings of errors about units that are given as their text,
// unless allow can take them: such a unit is compiled as it stands whatever is
// wrong with it, since it may well run so on a cluster. What keeps a unit out of the set, or
// what fleet refuses, stays an error.
func Verbatim(s *stack.Stack, findings diag.List) diag.List {
	if !slices.ContainsFunc(s.Units, func(u *stack.Unit) bool { return u.Verbatim != nil }) {
		return findings
	}
	list := slices.Clone(findings)
	for i, d := range list {
		list[i].Message = strings.ReplaceAll(d.Message, "\n", " ") // of a value that is continued
		if d.Severity != diag.Error || diag.Allowable(d.Code) {
			continue
		}
		if u := unitOf(s, d.Path); u != nil && u.Verbatim != nil && !refused(d, u.Key) {
			list[i].Severity = diag.Warning
		}
	}
	return list
}

// unitOf returns the unit that a logical path is about, of several the one with
// the longest key, and nil when it is about none.
func unitOf(s *stack.Stack, path string) *stack.Unit {
	rest, ok := strings.CutPrefix(path, "unit.")
	if !ok {
		return nil
	}
	for end := len(rest); end > 0; end = strings.LastIndexAny(rest[:end], ".[") {
		if u := s.Unit(rest[:end]); u != nil {
			return u
		}
	}
	return nil
}

// refused reports whether a finding is about a unit that never gets to fleet, or
// no further.
func refused(d diag.Diagnostic, key string) bool {
	switch d.Code {
	case diag.PlacementConflict:
		return true
	case diag.UnitName, diag.HostUnit, diag.DuplicateUnit:
		return d.Path == "unit."+key
	}
	return false
}
