package stack

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// partFields are the words of a machine that its part of the pod network gives.
var partFields = []string{"pods", "bridge"}

// partUse is a text of the hosts that asks for a machine's part of the pod network.
type partUse struct {
	field string
	pos   Pos
	path  string
	on    func(*Machine) bool // whether the text is for the machine
}

// podPart reads a machine's part of the pod network.
func (d *decoder) podPart(v *syntax.Value) Word {
	w := d.word(v)
	if why := checkTyped(TypeCIDR, w.Value); w.Value != "" && why != "" {
		d.errorf(diag.BadValue, v.Span, "%q is not a range of addresses: %s", w.Value, why)
		return Word{Pos: w.Pos}
	}
	if part, err := netip.ParsePrefix(w.Value); err == nil {
		w.Value = part.String() // one range is one, however it is written
	}
	return w
}

// divided returns the pod network and how many bits name a part of it; ok is false
// when there is no such network, or none that has parts, which is reported.
func (n *Network) divided() (pods netip.Prefix, bits int, ok bool) {
	pods, ok = n.PodRange()
	bits = n.SubnetBits()
	return pods, bits, ok && bits > pods.Bits() && bits <= pods.Addr().BitLen()
}

// Part returns the part of the pod network whose number stands in the last bits of a
// machine's own address: of 10.244.0.0/16 in parts of /24 the machine 10.20.30.41 has
// 10.244.41.0/24. It hangs on nothing but that address and the two sizes, so that a
// machine more or less, or another order of them, never moves the part of another
// one, under a cluster that runs. ok is false when the network has no parts. The part
// of the number 0, which flannel leaves free (flannel v0.5.5 subnet/config.go), is no
// machine's; that is for the caller to see.
func (n *Network) Part(machine netip.Addr) (part netip.Prefix, ok bool) {
	pods, bits, ok := n.divided()
	if !ok || !machine.IsValid() {
		return netip.Prefix{}, false
	}
	from, to := machine.Unmap().AsSlice(), pods.Addr().AsSlice()
	for i := range min(bits-pods.Bits(), 8*len(from)) { // from the last bit of both towards the first
		if from[len(from)-1-i/8]&(1<<(i%8)) != 0 {
			to[(bits-1-i)/8] |= 0x80 >> ((bits - 1 - i) % 8)
		}
	}
	addr, ok := netip.AddrFromSlice(to)
	return netip.PrefixFrom(addr, bits), ok
}

// Part returns the machine's part of the pod network: what the stack says, or else
// that of [Network.Part]. It is the zero Prefix for a machine that has none.
func (m *Machine) Part() netip.Prefix { return m.part }

// Bridge returns the first address of the machine's part, with the bits of the part,
// as what makes a bridge wants it: 10.244.3.1/24. It is the zero Prefix without a
// part, and for one with no address for a bridge beside a container.
func (m *Machine) Bridge() netip.Prefix {
	if !m.part.IsValid() || m.part.Bits() > m.part.Addr().BitLen()-2 {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(m.part.Addr().Next(), m.part.Bits())
}

// prefixText is how a range reads in a text, "" for none.
func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// parts gives the machines their parts of the pod network, and reports those that
// cannot be: what the stack says always, what is worked out where a text asks for it.
func (l *loader) parts() {
	for _, m := range l.stack.Machines {
		if m.Pods.Given() {
			l.givenPart(m)
		} else if addr, err := netip.ParseAddr(m.Address.known()); err == nil {
			m.part, _ = l.stack.Network.Part(addr)
		}
	}
	if l.stack.Network.pods() == nil {
		l.noPods()
		return
	}
	if _, _, ok := l.stack.Network.divided(); !ok {
		return
	}
	taken, told := map[netip.Prefix]*Machine{}, map[*Machine]bool{}
	for _, m := range l.stack.Machines {
		if m.Pods.Given() {
			_, again := taken[m.part] // of two that say the same the one is reported already
			taken[m.part], told[m] = m, again || !m.part.IsValid()
		}
	}
	for _, use := range l.partUses {
		for _, m := range l.stack.Machines {
			if told[m] || !use.on(m) {
				continue
			}
			if d, bad := l.partFault(use, m, taken[m.part]); bad {
				told[m] = true
				l.findings.Add(d)
				continue
			}
			taken[m.part] = m
		}
	}
}

// givenPart takes the part that the stack says, and reports one that cannot be.
func (l *loader) givenPart(m *Machine) {
	part, err := netip.ParsePrefix(m.Pods.Value)
	if err != nil {
		return // reported where it is read
	}
	n, path := l.stack.Network, "machine."+Key(m.Name)+".pods"
	pods, bits, ok := n.divided()
	fault := func(code diag.Code, format string, args ...any) diag.Diagnostic {
		return Finding(diag.Error, code, m.Pods.Pos, path, format, args...)
	}
	switch {
	case n.pods() == nil && !l.in.Alone:
		l.findings.Add(fault(diag.MissingKey, "machine %q has a part of the pods, and the stack has no network of them", m.Name).
			WithHelp(`declare it: [network] pods = "…"`))
	case !ok:
	case l.flannelOn(m) != nil:
		l.findings.Add(flannelGives(fault, m, l.flannelOn(m)))
	case !pods.Overlaps(part) || part.Bits() <= pods.Bits():
		l.findings.Add(fault(diag.BadValue, "%s is no part of the pod network %s", part, pods).
			WithNote(n.Pods.Pos.Span, "the network").WithHelp(fmt.Sprintf("write a /%d of it", bits)))
	case part.Bits() != bits:
		l.findings.Add(fault(diag.BadValue, "a machine's part of the pod network is a /%d, and this is a /%d", bits, part.Bits()).
			WithNote(n.Pods.Pos.Span, "the network").WithHelp(fmt.Sprintf("write a /%d, or give all machines a part of that size: subnet = %d in [network]", bits, part.Bits())))
	default:
		m.part = part
	}
}

// noPods reports texts that ask for parts of a network that there is not.
func (l *loader) noPods() {
	for _, use := range l.partUses {
		if !l.in.Alone {
			l.findings.Add(Finding(diag.Error, diag.UnknownName, use.pos, use.path, `there are no parts of the network "pods": the stack has none`).
				WithHelp(`declare it: [network] pods = "…"`))
		}
	}
}

// partFault is why the machine cannot have what a text asks for; bad is false when
// it can. other is the machine that has its part, nil for none so far.
func (l *loader) partFault(use partUse, m, other *Machine) (d diag.Diagnostic, bad bool) {
	pods, bits, _ := l.stack.Network.divided()
	fault := func(code diag.Code, format string, args ...any) diag.Diagnostic {
		return Finding(diag.Error, code, use.pos, use.path, format, args...)
	}
	say := fmt.Sprintf("say which one it has: pods = \"…\" in [machine.%s], a /%d of %s", Key(m.Name), bits, pods)
	switch address := m.Address.known(); {
	case l.flannelOn(m) != nil:
		return flannelGives(fault, m, l.flannelOn(m)), true
	case m.part.IsValid() && !m.Pods.Given() && m.part.Addr() == pods.Addr():
		return fault(diag.BadValue, "the last bits of its address give machine %q the first part of the pods, %s, which is left free", m.Name, m.part).
			WithNote(m.Address.Pos.Span, "the address").WithHelp(say), true
	case m.part.IsValid() && other != nil && other != m:
		return fault(diag.MachineClash, "machines %q and %q would have the same part of the pods, %s", other.Name, m.Name, m.part).
			WithNote(other.partFrom(), "that of the one").WithNote(m.partFrom(), "that of the other, by the last bits of its address").WithHelp(say), true
	case m.part.IsValid() && use.field == "bridge" && !m.Bridge().IsValid():
		return fault(diag.BadValue, "machine %q has %s of the pods, in which there is no address for a bridge", m.Name, m.part).
			WithNote(l.stack.Network.Pos.Span, "the ranges").WithHelp("give machines larger parts: a smaller subnet in [network]"), true
	case m.part.IsValid() && use.field == RoutesField && !routable(address, pods):
		return fault(diag.NoAddress, "machine %q has no address through which there is a route to its part of the pods, %s", m.Name, m.part).
			WithNote(m.Pos.Span, "declared here").WithHelp("write its " + family(pods) + " address, not a name"), true
	case m.part.IsValid():
		return d, false
	case !m.Address.Given():
		return fault(diag.NoAddress, "machine %q has no address, of which the last bits would say which part of the pods it has", m.Name).
			WithNote(m.Pos.Span, "declared here").WithHelp(say), true
	case address == "":
		return d, false // it is at fault, which is reported
	}
	return fault(diag.NoAddress, "machine %q is found by a name, and the last bits of an address would say which part of the pods it has", m.Name).
		WithNote(m.Address.Pos.Span, "the name").WithHelp(say), true
}

// partFrom is where it is said which part the machine has.
func (m *Machine) partFrom() source.Span {
	if m.Pods.Given() {
		return m.Pods.Pos.Span
	}
	return m.Address.Pos.Span
}

// flannelGives reports a part of a machine that flannel gives one by itself.
func flannelGives(fault func(diag.Code, string, ...any) diag.Diagnostic, m *Machine, by *flannel) diag.Diagnostic {
	return fault(diag.BadValue, "flannel gives machine %q its part of the pods when it runs, whichever is free", m.Name).
		WithNote(by.pos.Span, "flannel is here").
		WithHelp("read FLANNEL_SUBNET from /run/flannel/subnet.env, or keep flannel from the machine: " + by.away)
}

// flannel is what gives a machine its part of the pods, and how that is kept away.
type flannel struct {
	pos  Pos
	away string
}

// flannelOn returns the flannel of a machine, that of [bootstrap] or a unit whose
// release says that it is one; nil when there is none.
func (l *loader) flannelOn(m *Machine) *flannel {
	if b := l.stack.Bootstrap; b != nil && b.Flannel != nil && m.hasAny(b.Flannel.Roles) {
		return &flannel{b.Flannel.Pos, "role in [bootstrap.flannel] says who has it"}
	}
	for _, u := range l.stack.Units {
		if program, _, _ := strings.Cut(u.Release.Value, "/"); program == "flannel" && m.hasAny(u.Roles) && m.carries(u.Metadata) {
			away := "role in [unit." + Key(u.Key) + "] says who has it"
			if u.Pos.Via != nil {
				away = "unit." + Key(u.Key) + " = false takes that of the library out"
			}
			return &flannel{u.Pos, away}
		}
	}
	return nil
}

// carries reports whether the machine has one of the key=value pairs, or there is none.
func (m *Machine) carries(pairs []Word) bool {
	return len(pairs) == 0 || slices.ContainsFunc(pairs, func(w Word) bool { return slices.Contains(m.Pairs(), w.Value) })
}
