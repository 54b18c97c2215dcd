package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// overlap reports two network parameters that meet. One network that goes by
// two names, because it was handed on to a library, is one; and so is one that is
// said twice under one name, by [network] and by the default of a library, say; and
// one that a library puts into [network] gives way to what stands there.
func (c *checker) overlap(a, b *stack.Param) {
	if a.Value.Span == b.Value.Span {
		return
	}
	first, err1 := netip.ParsePrefix(a.Value.Str)
	second, err2 := netip.ParsePrefix(b.Value.Str)
	if err1 != nil || err2 != nil || !first.Overlaps(second) || a.Name == b.Name && (first == second || c.overruled(a) || c.overruled(b)) {
		return
	}
	pos := stack.Pos{Span: b.Value.Span, Via: b.From.Via}
	d := stack.Finding(diag.Error, diag.NetworkOverlap, pos, c.rangePath(b), "network %q (%s) meets network %q (%s): an address in both belongs to two things", b.Name, second, a.Name, first).
		WithNote(a.Value.Span, fmt.Sprintf("%q is given here", a.Name)).
		WithHelp("choose ranges that do not meet: machines, pods and services each need their own")
	if a.Name == b.Name {
		d = d.WithHelp(fmt.Sprintf("if they are meant to be one, say it once, and hand it on to the library: params = { %s = %q }", a.Name, "${{ "+c.nameInStack(a)+" }}"))
	}
	allow := slices.Concat(a.Allow, b.Allow)
	if c.ofNetwork(a) || c.ofNetwork(b) {
		allow = append(allow, c.t.Stack.Network.Allow...)
	}
	c.add(permitted(d, allow))
}

// twice reports a range of [network] which a library has another one of its own
// for, under the same name: each unit has the one or the other, and nothing else
// tells. What the library was given is meant, ranges that meet are an error, and a
// library that puts its range into [network] takes what stands there.
func (c *checker) twice(n *stack.Network) {
	for _, r := range []*stack.Param{n.Pods, n.Services} {
		if r == nil || r.Value == nil {
			continue
		}
		for _, u := range c.t.Stack.Used {
			for _, p := range u.Params {
				if p.Name == r.Name && p.Type == stack.TypeCIDR && p.AtDefault() && !c.overruled(p) {
					c.ownRange(n, r, u, p)
				}
			}
		}
	}
}

// ownRange holds a range of [network] against p, the one that a library has by default.
func (c *checker) ownRange(n *stack.Network, r *stack.Param, u stack.Used, p *stack.Param) {
	said, err1 := netip.ParsePrefix(r.Value.Str)
	own, err2 := netip.ParsePrefix(p.Value.Str)
	if err1 != nil || err2 != nil || said.Overlaps(own) {
		return
	}
	d := stack.Finding(diag.Warning, diag.NetworkTwice, stack.Pos{Span: r.Value.Span, Via: r.From.Via}, "network."+r.Name,
		"%s are %s here, and %s for library %q, whose parameter %q was not given: its units and the others disagree", r.Name, said, own, u.Use.Library, p.Name).
		WithNote(p.Value.Span, fmt.Sprintf("the default of %q", p.Name)).
		WithNote(u.Use.Span, fmt.Sprintf("library %q is used here", u.Use.Library)).
		WithHelp(fmt.Sprintf("hand the range on where the library is used: params = { %s = %q }", p.Name, "${{ network."+r.Name+" }}"))
	c.add(permitted(d, n.Allow))
}

// nameInStack is what a library is handed for a range of that name.
func (c *checker) nameInStack(p *stack.Param) string {
	if slices.ContainsFunc(c.t.Stack.Network.Ranges(), func(r *stack.Param) bool { return r.Name == p.Name }) {
		return "network." + p.Name
	}
	return p.Name
}

// permitted gives a finding the place of the allowance that is meant for it, if
// there is one.
func permitted(d diag.Diagnostic, allow []*stack.Allowance) diag.Diagnostic {
	for _, a := range allow {
		if a.Code == string(d.Code) {
			d.Path = allowPath(a)
		}
	}
	return d
}

// ofNetwork reports whether a range stands in [network].
func (c *checker) ofNetwork(p *stack.Param) bool {
	return c.t.Stack.Network != nil && slices.Contains(c.t.Stack.Network.Ranges(), p)
}

// overruled reports whether a range was put into [network], which says another one.
func (c *checker) overruled(p *stack.Param) bool {
	return c.t.Stack.Network != nil && c.t.Stack.Network.Overrules(p)
}

// rangePath is the logical place of a range.
func (c *checker) rangePath(p *stack.Param) string {
	if c.ofNetwork(p) {
		return "network." + p.Name
	}
	return "params." + p.Name
}

// inventory holds the machines against the ranges of [network].
func (c *checker) inventory() {
	n := c.t.Stack.Network
	if n == nil {
		return
	}
	for _, m := range c.t.Stack.Machines {
		c.machineAddress(n, m)
	}
	c.capacity(n)
	c.twice(n)
}

// machineAddress: a machine's own address is from the range of the machines, and
// from none that containers or services get theirs from.
func (c *checker) machineAddress(n *stack.Network, m *stack.Machine) {
	addr, err := netip.ParseAddr(m.Address.Source())
	if err != nil {
		return // a name, or none at all
	}
	path := "machine." + m.Name + ".address"
	inside := len(n.Machines) == 0
	for _, p := range n.Ranges() {
		r, err := netip.ParsePrefix(p.Value.Str)
		switch {
		case err != nil:
		case slices.Contains(n.Machines, p):
			inside = inside || r.Contains(addr)
		case r.Contains(addr):
			c.add(permitted(stack.Finding(diag.Error, diag.NetworkOverlap, m.Address.Pos, path, "machine %q has an address of the network %q (%s)", m.Name, p.Name, r).
				WithNote(p.Pos.Span, "the network").WithHelp("choose ranges that do not meet: machines, pods and services each need their own"), n.Allow))
			return
		}
	}
	if !inside {
		c.add(stack.Finding(diag.Error, diag.BadValue, m.Address.Pos, path, "%s is in no range of the machines", addr).
			WithNote(n.Machines[0].Pos.Span, "the range").WithHelp("correct the address, or add its range to machines in [network]"))
	}
}

// capacity: a machine for which the pod network has no part left gets no flannel,
// and so no containers.
func (c *checker) capacity(n *stack.Network) {
	pods, ok := n.PodRange()
	if !ok {
		return
	}
	bits, machines := n.SubnetBits(), len(c.t.Stack.Machines)
	if addr := pods.Addr().BitLen(); bits > addr && n.Subnet.Given() {
		c.add(stack.Finding(diag.Error, diag.BadValue, n.Subnet.Pos, "network.subnet", "an address of %s has %d bits, and a part of it no /%d", pods, addr, bits).
			WithHelp("write fewer bits, or leave subnet out"))
		return
	}
	pos := n.Pods.Pos
	if n.Subnet.Given() {
		pos = n.Subnet.Pos
	}
	switch {
	case bits <= pods.Bits():
		c.add(stack.Finding(diag.Error, diag.BadValue, pos, "network.subnet", "a /%d of a machine is not a part of the pod network %s", bits, pods).
			WithHelp(fmt.Sprintf("write subnet = %d or more", pods.Bits()+1)))
	case machines > n.Capacity():
		c.add(permitted(stack.Finding(diag.Error, diag.NetworkCapacity, pos, "network.pods", "%s has parts of /%d for %d machines, and there are %d", pods, bits, n.Capacity(), machines).
			WithHelp("take a wider range for pods, or smaller parts with subnet = …; flannel leaves the first part free"), n.Allow))
	}
}
