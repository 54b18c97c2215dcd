package stack

import (
	"math"
	"net/netip"
	"slices"
	"strconv"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// Network is the ranges of addresses that a cluster is made of.
type Network struct {
	Pos Pos
	// Machines are the ranges that the machines' own addresses are from.
	Machines []*Param
	// Pods is what the overlay network gives to containers, nil when the stack does
	// not say; every machine gets a part of it.
	Pods *Param
	// Services is the range of virtual addresses, nil when the stack does not say.
	Services *Param
	// Subnet is how many bits of an address name a machine's part of Pods; without
	// it flannel's own default, see [Network.SubnetBits].
	Subnet Int
	// Backend is how flannel carries packets: "vxlan", "udp", …; "" for its default.
	Backend Word
	Allow   []*Allowance

	overruled []*Param // ranges that a file said here, and one above it says otherwise
}

// Overrules reports whether p was a range of a library's own [network], and another
// file says that range: what the library takes from [network] is right as it is.
func (n *Network) Overrules(p *Param) bool {
	return slices.ContainsFunc(n.overruled, func(o *Param) bool { return o.Value != nil && o.Value.Span == p.Value.Span })
}

func (n *Network) pods() *Param {
	if n == nil {
		return nil
	}
	return n.Pods
}

func (n *Network) services() *Param {
	if n == nil {
		return nil
	}
	return n.Services
}

// SubnetBits returns how many bits of an address name a machine's part of the pod
// network, by flannel's rule when the stack does not say: 24, or one more than the
// network has (flannel v0.5.5 subnet/config.go). It is 0 without a pod network.
func (n *Network) SubnetBits() int {
	p, ok := n.PodRange()
	switch {
	case !ok:
		return 0
	case n.Subnet.Value > 0:
		return n.Subnet.Value
	case p.Bits() < 24:
		return 24
	}
	return p.Bits() + 1
}

// PodRange returns the pod network.
func (n *Network) PodRange() (netip.Prefix, bool) {
	if n == nil || n.Pods == nil || n.Pods.Value == nil {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(n.Pods.Value.Str)
	return p, err == nil
}

// Capacity returns for how many machines the pod network has a part; flannel leaves
// the first one free (flannel v0.5.5 subnet/config.go). It is math.MaxInt for more
// than that, which a network of IPv6 may well have.
func (n *Network) Capacity() int {
	p, ok := n.PodRange()
	bits := n.SubnetBits() - p.Bits()
	switch {
	case !ok || bits <= 0:
		return 0
	case bits >= strconv.IntSize-1:
		return math.MaxInt
	}
	return 1<<bits - 1
}

// networkWords are the keys of [network].
var networkWords = []keyword[Network]{
	key("machines", ranges(), func(n *Network) *[]*Param { return &n.Machines },
		"the range that the machines' own addresses are from, or several", `"10.20.30.0/24"`),
	key("pods", oneRange("pods"), func(n *Network) **Param { return &n.Pods },
		"the range that containers get their addresses from; each machine has a part of it", `"10.244.0.0/16"`),
	key("services", oneRange("services"), func(n *Network) **Param { return &n.Services },
		"the range of the addresses of services", `"10.100.0.0/16"`),
	key("subnet", number(1, 126), func(n *Network) *Int { return &n.Subnet },
		"the bits of a machine's part of pods; 24 when it is not said", `24`),
	key("backend", oneName(), func(n *Network) *Word { return &n.Backend },
		"how flannel carries packets between machines", `"vxlan"`),
	key("allow", allowances(), func(n *Network) *[]*Allowance { return &n.Allow },
		"codes of findings that are right as they are about these ranges", `["network-capacity"]`),
}

func oneRange(name string) form[*Param] {
	return form[*Param]{stringShape(`/[0-9]+$`), func(d *decoder, v *syntax.Value) *Param { return d.networkRange(name, v) }}
}

func ranges() form[[]*Param] {
	return form[[]*Param]{manyShape(stringShape(`/[0-9]+$`)), func(d *decoder, v *syntax.Value) []*Param {
		r, ok := d.resolve(v)
		if !ok {
			return nil
		}
		if r.Kind != syntax.Array {
			return []*Param{d.networkRange("machines", v)}
		}
		var list []*Param
		for i, e := range r.Elems {
			list = append(list, d.index(i).networkRange("machines", e))
		}
		return list
	}}
}

// networkRange reads a range of addresses, as a parameter would be read. One that
// is a parameter keeps the place where that was given: it is the same range.
func (d *decoder) networkRange(name string, v *syntax.Value) *Param {
	p := &Param{Name: name, Pos: d.pos(v.Span), Type: TypeCIDR, From: d.pos(v.Span)}
	r, ok := d.resolve(v)
	if !ok {
		return p
	}
	if r.Kind != syntax.String {
		d.want(r, "a range of addresses such as \"10.244.0.0/16\"")
		return p
	}
	s, ok := d.closed(d.text(v))
	if !ok {
		return p
	}
	if why := checkTyped(TypeCIDR, s); why != "" {
		d.errorf(diag.BadValue, v.Span, "%q is not a range of addresses: %s", s, why)
		return p
	}
	p.Value = &syntax.Value{Kind: syntax.String, Str: s, Span: d.givenAt(v)}
	return p
}

// givenAt is where a value that is one expression was given.
func (d *decoder) givenAt(v *syntax.Value) (at source.Span) {
	if r, ok := d.resolve(v); !ok || r == v {
		return v.Span
	}
	name := expressions(v.Str)[0].name
	if f, isFact := d.fact(name, v.Span); isFact {
		return f.Span
	}
	return d.lookup(name, v.Span).Value.Span
}

// network reads [network] over what the stack holds of it.
func (l *loader) network(d *decoder, tree *syntax.Table) {
	e := tree.Get("network")
	if e == nil {
		return
	}
	d = d.at("network")
	t := d.table(e.Value, "a table of ranges")
	if t == nil {
		return
	}
	l.agreement.allOf(d, t, l.overlaid)
	n := l.stack.Network
	if n == nil {
		l.stack.Network = &Network{Pos: d.pos(e.KeySpan)}
		read(d, l.stack.Network, t, "[network]", networkWords)
		return
	}
	if l.overlaid {
		before := *n
		read(d, n, t, "[network]", networkWords)
		n.overrule(before.Pods, n.Pods)
		n.overrule(before.Services, n.Services)
		return
	}
	below := &Network{}
	read(d, below, t, "[network]", networkWords)
	n.overrule(below.Pods, n.Pods)
	n.overrule(below.Services, n.Services)
	if n.Machines == nil {
		n.Machines = below.Machines
	}
	if n.Pods == nil {
		n.Pods = below.Pods
	}
	if n.Services == nil {
		n.Services = below.Services
	}
	if !n.Subnet.Given() {
		n.Subnet = below.Subnet
	}
	if n.Backend.Value == "" {
		n.Backend = below.Backend
	}
	n.Allow = append(n.Allow, below.Allow...)
}

// overrule keeps a range for which another one stands.
func (n *Network) overrule(said, by *Param) {
	if said != nil && by != nil && said != by {
		n.overruled = append(n.overruled, said)
	}
}

// Ranges returns all declared ranges, in the order of the words.
func (n *Network) Ranges() []*Param {
	if n == nil {
		return nil
	}
	var list []*Param
	for _, p := range append(append([]*Param{}, n.Machines...), n.Pods, n.Services) {
		if p != nil && p.Value != nil {
			list = append(list, p)
		}
	}
	return list
}
