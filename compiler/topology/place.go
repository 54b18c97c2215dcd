package topology

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// place works out the machines that a node can be on; leaders come before followers.
func (b *builder) place(n *Node, through []*Node) {
	if b.placed[n] || slices.Contains(through, n) {
		return
	}
	n.where.metadata = b.union(n)
	n.where.outside = n.Host != nil && n.Host.Unit == ""
	n.where.unknown = n.where.unknown || n.where.outside && len(n.Host.Addresses) == 0
	if u := n.Unit; u != nil {
		n.where.global, n.where.id = u.Global.Set, u.MachineID.Value
		n.where.partial = n.where.global && b.rivals.keepOff(n)
		b.metadata(n)
	}
	for _, leader := range n.Leaders {
		b.place(leader, append(through, n))
	}
	b.together(n)
	for i, leader := range n.Leaders {
		b.follow(n, leader, n.LeaderWords[i])
	}
	b.placed[n] = true
}

// rivals are the units that conflicts of others name, and the patterns among the
// words of conflicts.
type rivals struct {
	named    map[*Node]bool
	patterns map[string]bool
}

// rivalsOf reads every word of conflicts once.
func (b *builder) rivalsOf() rivals {
	r := rivals{named: map[*Node]bool{}, patterns: map[string]bool{}}
	for _, n := range b.t.order {
		if n.Unit == nil {
			continue
		}
		for _, w := range n.Unit.Conflicts {
			if other := b.find(w.Value); other != nil {
				r.named[other] = true
			} else if strings.ContainsAny(w.Value, `*?[\`) {
				r.patterns[units.Complete(w.Value)] = true
			}
		}
	}
	return r
}

// keepOff reports whether conflicts can keep a unit off a machine: its own, or
// those of another, for fleet takes them in both directions (fleet v1.0.0
// agent/state.go hasConflict).
func (r rivals) keepOff(n *Node) bool {
	if len(n.Unit.Conflicts) > 0 || r.named[n] {
		return true
	}
	for p := range r.patterns {
		if matched, err := path.Match(p, string(n.Name())); matched || err != nil {
			return true
		}
	}
	return false
}

// metadata adds the unit's own metadata words to those of its roles.
func (b *builder) metadata(n *Node) {
	if len(n.Unit.Metadata) == 0 {
		return
	}
	merged := units.Metadata{}
	for k, v := range n.where.metadata {
		merged[k] = v
	}
	roles := n.where.metadata
	for _, w := range n.Unit.Metadata {
		key, value, _ := strings.Cut(w.Value, "=")
		if _, taken := roles[key]; taken && !slices.Contains(roles[key], value) {
			b.add(stack.Finding(diag.Error, diag.RoleUnion, w.Pos, n.Path()+".metadata", "the role already asks for %q, and fleet takes a second value of one key as \"or\"", key+"="+strings.Join(roles[key], "|")).
				WithHelp("a narrower role is a role of its own: declare one with both pairs under different keys"))
			continue
		}
		if !slices.Contains(merged[key], value) {
			merged[key] = append(slices.Clone(merged[key]), value)
		}
	}
	n.where.metadata = merged
}

// union returns the constraint of a node's roles: any of them. fleet joins
// values of one key with "or" and different keys with "and" (fleet v1.0.0
// job/job.go RequiredTargetMetadata), so not every union can be said.
func (b *builder) union(n *Node) units.Metadata {
	out := units.Metadata{}
	for i, r := range n.roles {
		if i == 0 {
			for k, v := range r.Metadata {
				out[k] = slices.Clone(v)
			}
			continue
		}
		key, ok := differsIn(out, r.Metadata)
		if !ok {
			w := n.roleWords()[min(i, len(n.roleWords())-1)]
			b.add(stack.Finding(diag.Error, diag.RoleUnion, w.Pos, n.Path()+".role", "fleet cannot say %q or %q: it joins different metadata keys with \"and\"", n.roles[0].Name, r.Name).
				WithNote(n.roles[0].Pos.Span, fmt.Sprintf("%q is %s", n.roles[0].Name, pairs(n.roles[0]))).
				WithNote(r.Pos.Span, fmt.Sprintf("%q is %s", r.Name, pairs(r))).
				WithHelp("use one key with different values for roles that are used together"))
			n.where.unknown = true
			return out
		}
		for _, v := range r.Metadata[key] {
			if !slices.Contains(out[key], v) {
				out[key] = append(out[key], v)
			}
		}
	}
	return out
}

func pairs(r *stack.Role) string {
	words := make([]string, len(r.Pairs))
	for i, p := range r.Pairs {
		words[i] = p.Value
	}
	return strings.Join(words, " and ")
}

// differsIn returns the one key in which two constraints differ; ok is false
// when their union needs more than that.
func differsIn(a, b units.Metadata) (key string, ok bool) {
	if len(a) != len(b) {
		return "", false
	}
	for k := range a {
		if _, both := b[k]; !both {
			return "", false
		}
		if !slices.Equal(slices.Sorted(slices.Values(a[k])), slices.Sorted(slices.Values(b[k]))) {
			if key != "" {
				return "", false
			}
			key = k
		}
	}
	return key, true
}

// follow narrows a node to the machines of its leader, and reports when the
// leader can be where the node may not: fleet places the leader without asking.
func (b *builder) follow(n, leader *Node, word stack.Word) {
	if n.where.unknown || leader.where.unknown {
		n.where.unknown = true
		return
	}
	if len(n.where.metadata) > 0 && !inside(leader.where.metadata, n.where.metadata) {
		b.add(stack.Finding(diag.Error, diag.Unplaceable, word.Pos, n.Path()+".machine_of", "%q can be placed where %q may not run, and then %q waits for ever", leader.Key, n.Key, n.Key).
			WithNote(leader.Pos().Span, fmt.Sprintf("%q runs on %s", leader.Key, describe(leader.where.metadata))).
			WithHelp(fmt.Sprintf("leave the role of %q out (it follows %q anyway), or give %q the same role", n.Key, leader.Key, leader.Key)))
		return
	}
	merged := units.Metadata{}
	for k, v := range n.where.metadata {
		merged[k] = v
	}
	for k, v := range leader.where.metadata {
		merged[k] = v
	}
	n.where.metadata = merged
	if n.where.id == "" {
		n.where.id = leader.where.id
	}
}

// together reports leaders that can be on different machines: their follower
// then waits for ever.
func (b *builder) together(n *Node) {
	for i, leader := range n.Leaders {
		first := n.Leaders[0]
		there, why := b.t.Local(leader, first)
		if !there {
			there, _ = b.t.Local(first, leader)
		}
		if !there {
			n.where.unknown = true
			b.add(stack.Finding(diag.Error, diag.Unplaceable, n.LeaderWords[i].Pos, n.Path()+".machine_of", "%q cannot go to the machines of both %q and %q: %s", n.Key, first.Key, leader.Key, why).
				WithHelp(fmt.Sprintf("say machine_of = %q in %q", first.Key, leader.Key)))
		}
	}
}

func describe(m units.Metadata) string {
	if len(m) == 0 {
		return "any machine"
	}
	var words []string
	for k, v := range m {
		words = append(words, k+"="+strings.Join(v, "|"))
	}
	slices.Sort(words)
	return "machines with " + strings.Join(words, " and ")
}

// inside reports whether every machine that satisfies a satisfies b.
func inside(a, b units.Metadata) bool {
	for key, values := range b {
		have, ok := a[key]
		if !ok {
			return false
		}
		for _, v := range have {
			if !slices.Contains(values, v) {
				return false
			}
		}
	}
	return true
}
