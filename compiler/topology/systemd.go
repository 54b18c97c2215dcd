package topology

import (
	"slices"

	"github.com/stackc/stackc/compiler/stack"
)

// Systemd is the systemd version that a unit must do with. Role is the one that
// declares it, nil when the stack does for all of its machines. The zero Systemd is not known.
type Systemd struct {
	Version int
	Role    *stack.Role
}

// Systemd returns the oldest systemd that is declared for a machine on which the
// node may run: by a role that has such machines, or else by the stack.
func (t *Topology) Systemd(n *Node) Systemd {
	var oldest Systemd
	for _, r := range t.Stack.Roles {
		if r.Systemd.Value > 0 && (oldest.Version == 0 || r.Systemd.Value < oldest.Version) && !disjoint(n, r) {
			oldest = Systemd{Version: r.Systemd.Value, Role: r}
		}
	}
	if v := t.Stack.Systemd; v > 0 && (oldest.Version == 0 || v < oldest.Version) && !t.declaredFor(n) {
		return Systemd{Version: v}
	}
	return oldest
}

// disjoint reports whether no machine of the role can be one of the node's.
func disjoint(n *Node, r *stack.Role) bool {
	for key, values := range n.where.metadata {
		others := r.Metadata[key]
		if len(others) > 0 && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(others, v) }) {
			return true
		}
	}
	return false
}

// declaredFor reports whether roles declare the systemd of every machine that the
// node can be on: then what the stack says for all machines is not about it.
func (t *Topology) declaredFor(n *Node) bool {
	for key, values := range n.where.metadata {
		if !slices.ContainsFunc(values, func(v string) bool { return !t.declaredAt(n, key, v) }) {
			return true
		}
	}
	return false
}

// declaredAt reports whether a role that declares a systemd has all machines of the
// node with that pair.
func (t *Topology) declaredAt(n *Node, key, value string) bool {
	return slices.ContainsFunc(t.Stack.Roles, func(r *stack.Role) bool {
		if r.Systemd.Value == 0 || !slices.Contains(r.Metadata[key], value) {
			return false
		}
		for other, values := range r.Metadata {
			have := n.where.metadata[other]
			if other != key && (len(have) == 0 || slices.ContainsFunc(have, func(v string) bool { return !slices.Contains(values, v) })) {
				return false
			}
		}
		return true
	})
}
