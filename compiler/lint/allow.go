package lint

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// permit is one entry of `allow`, with what it covers.
type permit struct {
	*stack.Allowance
	unit string // key of the unit that it covers, "" for the whole of its file
	host string // key of the host entry that it covers
	path string // logical path that it covers besides
	top  bool   // stands at the top of the stack file: covers everything
	used bool
}

// allowPath is the logical path under which a parameter's own allowance finds its finding.
func allowPath(a *stack.Allowance) string { return "allowed:" + a.Pos.Span.String() }

// Allow takes out the findings that the stack allows where they stand, and
// reports the allowances that allow nothing.
func Allow(s *stack.Stack, findings diag.List) diag.List {
	permits := permitsOf(s)
	if len(permits) == 0 {
		return findings
	}
	var kept diag.List
	for _, d := range findings {
		if !allowed(s, permits, d) {
			kept.Add(d)
		}
	}
	for _, p := range permits {
		if !p.used {
			kept.Add(stack.Finding(diag.Warning, diag.UnusedAllow, p.Pos, p.place(), "allow = %q allows nothing here", p.Code).
				WithHelp("take it out: a finding it might hide later deserves to be seen"))
		}
	}
	return kept
}

func permitsOf(s *stack.Stack) []*permit {
	var list []*permit
	for _, a := range s.Allow {
		list = append(list, &permit{Allowance: a, top: a.Pos.Via == nil})
	}
	for _, u := range s.Units {
		for _, a := range u.Allow {
			list = append(list, &permit{Allowance: a, unit: u.Key})
		}
	}
	for _, h := range s.Hosts {
		for _, a := range h.Allow {
			list = append(list, &permit{Allowance: a, host: h.Key})
		}
	}
	for _, p := range s.Networks {
		for _, a := range p.Allow {
			list = append(list, &permit{Allowance: a, path: allowPath(a)})
		}
	}
	if s.Network != nil {
		for _, a := range s.Network.Allow {
			list = append(list, &permit{Allowance: a, path: allowPath(a)})
		}
	}
	if s.PXE != nil {
		for _, a := range s.PXE.Allow {
			list = append(list, &permit{Allowance: a, path: allowPath(a)})
		}
	}
	return list
}

// place is the logical path of the allowance itself.
func (p *permit) place() string {
	if p.unit != "" {
		return "unit." + p.unit + ".allow"
	}
	if p.host != "" {
		return "host." + p.host + ".allow"
	}
	return "allow"
}

func allowed(s *stack.Stack, permits []*permit, d diag.Diagnostic) bool {
	found := false
	for _, p := range permits {
		if p.Code == string(d.Code) && p.covers(s, d) {
			p.used, found = true, true
		}
	}
	return found
}

func (p *permit) covers(s *stack.Stack, d diag.Diagnostic) bool {
	switch {
	case p.top:
		return true
	case p.unit != "":
		return isAbout(d.Path, "unit.", p.unit, func(key string) bool { return s.Unit(key) != nil })
	case p.host != "":
		return isAbout(d.Path, "host.", p.host, func(key string) bool { return s.Host(key) != nil })
	case p.path != "":
		return p.path == d.Path
	}
	return d.Span.File() == p.Pos.Span.File()
}

// isAbout reports whether a logical path is about the unit or host entry under key,
// and not about one whose key goes on behind it: "backup.timer" is not "backup".
func isAbout(path, table, key string, exists func(key string) bool) bool {
	rest, ok := strings.CutPrefix(path, table+key)
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return false
	}
	for i := 1; i <= len(rest); i++ {
		if (i == len(rest) || rest[i] == '.' || rest[i] == '[') && exists(key+rest[:i]) {
			return false
		}
	}
	return true
}
