package mirror

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// asksOf are the files that machines fetch before fleet for one that the stack
// declares: one, or where its URL depends on the machine one for each. A file that
// bootstrap puts in is none.
func asksOf(s *stack.Stack, f *stack.HostFile) []Ask {
	if !f.Source.Given() || !f.Remote() {
		return nil
	}
	ask := Ask{
		Host: hostsOf(f), To: f.Path, path: "file." + stack.Key(f.Path), pos: f.Pos, sum: f.SHA256,
		url: f.Source.Source(), origin: f.Origin.Source(), sha256: f.SHA256.Source(),
	}
	if len(f.Source.Refs())+len(f.Origin.Refs()) == 0 {
		return []Ask{ask}
	}
	var list []Ask
	for _, m := range s.Machines {
		if !f.On(m.Name, rolesOf(m)) {
			continue
		}
		word := func(r stack.Ref) string { return m.Word(r.Field) }
		ask.Host, ask.url, ask.origin = "machine "+m.Name, f.Source.Expand(word), f.Origin.Expand(word)
		list = append(list, ask)
	}
	return list
}

func rolesOf(m *stack.Machine) []string {
	var roles []string
	for _, w := range m.Roles {
		roles = append(roles, w.Value)
	}
	return roles
}

// hostsOf names the machines that have a file.
func hostsOf(f *stack.HostFile) string {
	var list []string
	for _, w := range f.Roles {
		list = append(list, "role "+w.Value)
	}
	for _, w := range f.Machines {
		list = append(list, "machine "+w.Value)
	}
	if len(list) == 0 {
		return "every machine"
	}
	return strings.Join(slices.Compact(list), ", ")
}
