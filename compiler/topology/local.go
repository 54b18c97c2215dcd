package topology

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
)

// Reason tells why two nodes are certainly on one machine, or why not.
type Reason struct {
	kind     reasonKind
	from, to *Node
}

type reasonKind uint8

const (
	outside reasonKind = iota
	oneUnit
	joined
	instances
	sameMachine
	lone
	scattered
	hostEverywhere
	hostAlongside
	elsewhere
	kept
	globalAlongside
	unplaced
)

// String says it in words.
func (r Reason) String() string {
	switch r.kind {
	case outside:
		return fmt.Sprintf("%q is outside of the cluster", r.to.Key)
	case oneUnit:
		return "they are one unit"
	case joined:
		return "machine_of joins them"
	case instances:
		return "their instances can be on different machines"
	case sameMachine:
		return "both are on machine " + r.from.where.id
	case lone:
		return fmt.Sprintf("%q is on every machine of its role, %q on one of them", r.from.Key, r.to.Key)
	case hostEverywhere:
		return fmt.Sprintf("%q is on every machine", r.to.Key)
	case hostAlongside:
		return fmt.Sprintf("%q is on every machine that %q can be on", r.to.Key, r.from.Key)
	case elsewhere:
		return fmt.Sprintf("%q is only on %s", r.to.Key, describe(r.to.where.metadata))
	case kept:
		return fmt.Sprintf("conflicts can keep %q off a machine", r.to.Key)
	case globalAlongside:
		return fmt.Sprintf("%q is global on every machine that %q can be on", r.to.Key, r.from.Key)
	case unplaced:
		return fmt.Sprintf("where %q or %q can be is not known", r.from.Key, r.to.Key)
	}
	return fmt.Sprintf("fleet may place %q and %q on different machines", r.from.Key, r.to.Key)
}

// Local reports whether to is certainly on the machine of from, whichever that
// is, and why, or why not.
func (t *Topology) Local(from, to *Node) (local bool, why Reason) {
	local, kind := relation(from, to)
	return local, Reason{kind: kind, from: from, to: to}
}

func relation(from, to *Node) (local bool, why reasonKind) {
	switch {
	case from.where.unknown || to.where.unknown:
		return true, unplaced
	case to.where.outside:
		return false, outside
	case from == to:
		return true, oneUnit
	case to.Host != nil:
		return besideHost(from, to)
	case follows(from, to) || follows(to, from) && !from.where.global || sharesLeader(from, to):
		return true, joined
	case counted(from, to):
		return false, instances
	case from.where.id != "" && from.where.id == to.where.id:
		return true, sameMachine
	case to.where.global:
		return besideGlobal(from, to)
	case from.where.global:
		return false, lone
	}
	return false, scattered
}

func counted(a, b *Node) bool {
	return a.Unit != nil && a.Unit.Counted() || b.Unit != nil && b.Unit.Counted()
}

func besideHost(from, to *Node) (bool, reasonKind) {
	switch {
	case len(to.where.metadata) == 0:
		return true, hostEverywhere
	case inside(from.where.metadata, to.where.metadata):
		return true, hostAlongside
	}
	return false, elsewhere
}

func besideGlobal(from, to *Node) (bool, reasonKind) {
	switch {
	case to.where.partial:
		return false, kept
	case inside(from.where.metadata, to.where.metadata):
		return true, globalAlongside
	}
	return false, elsewhere
}

// follows reports whether from goes to the machine of to, directly or through others.
func follows(from, to *Node) bool { return slices.Contains(ancestors(from, nil), to) }

// sharesLeader reports whether both follow one unit that is on one machine.
func sharesLeader(a, b *Node) bool {
	leaders := ancestors(a, nil)
	for _, l := range ancestors(b, nil) {
		if slices.Contains(leaders, l) && !l.where.global {
			return true
		}
	}
	return false
}

func ancestors(n *Node, found []*Node) []*Node {
	for _, l := range n.Leaders {
		if !slices.Contains(found, l) {
			found = ancestors(l, append(found, l))
		}
	}
	return found
}

// Address is where a node is found by a follower.
type Address struct {
	// Host is the address without a port, "" when there is none: then Why says
	// why, Help what to do, and Note where the fault lies.
	Host string
	// Others are further addresses: any of them will do.
	Others []string
	// Role names the role that gave the address, "" when no role did.
	Role string
	// Announced says that the address is known only while everything runs: the
	// follower's machine learns it from etcd.
	Announced bool

	Why  string
	Help string
	Note source.Span
}

// loopback is where a program finds another on its own machine.
const loopback = "127.0.0.1"

// AddressOf returns where from finds to: the loopback address when to is local,
// otherwise what to announces, or the constant address of the role that to runs in.
func (t *Topology) AddressOf(from, to *Node) Address {
	if local, _ := t.Local(from, to); local {
		if l := to.listen(); l != "" && l != "0.0.0.0" && l != "::" {
			return Address{Host: l}
		}
		return Address{Host: loopback}
	}
	if to.Announces() {
		return Address{Announced: true}
	}
	if l := to.listen(); stack.Loopback(l) {
		return Address{
			Why:  fmt.Sprintf("%q listens on %s only, and %q can be on another machine", to.Key, l, from.Key),
			Help: fmt.Sprintf("say machine_of = %q in %q, or let %q listen on an address that others reach", to.Key, from.Key, to.Key),
			Note: to.Unit.Listen.Pos.Span,
		}
	}
	if to.Host != nil && len(to.Host.Addresses) > 0 {
		a := Address{Host: to.Host.Addresses[0].Expand(nil)}
		for _, other := range to.Host.Addresses[1:] {
			a.Others = append(a.Others, other.Expand(nil))
		}
		return a
	}
	return t.roleAddress(from, to)
}

func (n *Node) listen() string {
	if n.Unit == nil || !n.Unit.Listen.Given() || len(n.Unit.Listen.Refs()) > 0 {
		return ""
	}
	return n.Unit.Listen.Expand(nil)
}

func (t *Topology) roleAddress(from, to *Node) Address {
	_, why := t.Local(from, to)
	roles := to.roles
	for _, l := range ancestors(to, nil) {
		if len(roles) == 0 {
			roles = l.roles
		}
	}
	a := Address{Why: fmt.Sprintf("%q is not on the machine of %q (%s)", to.Key, from.Key, why), Note: to.Pos().Span}
	switch {
	case to.where.global:
		a.Why += ", and a global unit has no one address"
		a.Help = fmt.Sprintf("make %q run on the machines of %q only, so that they meet on each", from.Key, to.Key)
	case len(roles) == 0:
		a.Why += ", and it has no role that could give an address"
		a.Help = fmt.Sprintf(`give %q a role with an address, or say machine_of = %q in %q`, to.Key, to.Key, from.Key)
	case len(roles) > 1:
		a.Why += ", and it can run in several roles"
		a.Help = "give it one role, so that its address is known"
	case !roles[0].Address.Given():
		a.Why += fmt.Sprintf(", and role %q has no address", roles[0].Name)
		a.Help = fmt.Sprintf(`declare it: [roles] %s = { metadata = %q, address = "…" }`, roles[0].Name, strings.Join(pairWords(roles[0].Metadata), " "))
		a.Note = roles[0].Pos.Span
	default:
		return Address{Host: roles[0].Address.Expand(nil), Role: roles[0].Name}
	}
	if to.Host != nil {
		a.Help += fmt.Sprintf(`, or all of them: [host.%s] address = ["…", "…"]`, stack.Key(to.Key))
	}
	return a
}

func pairWords(m map[string][]string) []string {
	var words []string
	for k, values := range m {
		for _, v := range values {
			words = append(words, k+"="+v)
		}
	}
	slices.Sort(words)
	return words
}
