package bootstrap_test

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
)

// podNetwork is a pod network with parts of one size.
type podNetwork struct {
	pods   netip.Prefix
	subnet int
}

// part is the part of a number, by arithmetic on the whole address.
func (n podNetwork) part(number int) netip.Prefix {
	bytes := n.pods.Addr().AsSlice()
	sum := new(big.Int).Lsh(big.NewInt(int64(number)), uint(8*len(bytes)-n.subnet))
	addr, _ := netip.AddrFromSlice(sum.Add(sum, new(big.Int).SetBytes(bytes)).FillBytes(bytes))
	return netip.PrefixFrom(addr, n.subnet)
}

// number is that of the part of a machine with the address.
func (n podNetwork) number(addr netip.Addr) int {
	sizes := new(big.Int).Lsh(big.NewInt(1), uint(n.subnet-n.pods.Bits()))
	return int(new(big.Int).Mod(new(big.Int).SetBytes(addr.AsSlice()), sizes).Int64())
}

// podMachine is a machine with an address, and the part that the stack says of it, if any.
type podMachine struct {
	name string
	addr netip.Addr
	said netip.Prefix
}

func (m podMachine) part(n podNetwork) netip.Prefix {
	if m.said.IsValid() {
		return m.said
	}
	return n.part(n.number(m.addr))
}

// refused reports whether there is a reason to refuse the machines.
func (n podNetwork) refused(list []podMachine) bool {
	seen := map[netip.Prefix]bool{}
	for _, m := range list {
		part := m.part(n)
		if seen[part] || !m.said.IsValid() && part.Addr() == n.pods.Addr() {
			return true
		}
		seen[part] = true
	}
	return false
}

// podParts returns what bootstrap writes as the part and the bridge of each machine,
// nil when the stack is refused.
func podParts(t *rapid.T, n podNetwork, list []podMachine) map[string][2]string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack = \"drawn\"\n[bootstrap]\naddress = \"inventory\"\n[network]\npods = %q\nsubnet = %d\nallow = [\"network-capacity\"]\n", n.pods, n.subnet)
	b.WriteString("[file.\"/etc/pods.env\"]\ncontent = \"${{ machine.pods }} ${{ machine.bridge }}\"\n")
	for _, m := range list {
		fmt.Fprintf(&b, "[machine.%s]\naddress = %q\n", m.name, m.addr)
		if m.said.IsValid() {
			fmt.Fprintf(&b, "pods = %q\n", m.said)
		}
	}
	o := source.Map{"stack.toml": b.String()}
	s, findings := stack.Load(stack.Input{Path: "stack.toml", Opener: o, Std: stacks.Library{}})
	if refused := findings.HasErrors(); refused != n.refused(list) {
		t.Fatalf("refused: %v, and there is a reason to: %v\n%s\n%s", refused, !refused, diag.Short(findings), b.String())
	} else if refused {
		return nil
	}
	hosts, findings := bootstrap.Hosts(s, bootstrap.Options{Format: bootstrap.CloudConfig, Opener: o})
	if findings.HasErrors() {
		t.Fatalf("%s\n%s", diag.Short(findings), b.String())
	}
	parts := map[string][2]string{}
	for _, h := range hosts {
		for _, f := range h.Files {
			if f.Path == "/etc/pods.env" {
				part, bridge, _ := strings.Cut(f.Content, " ")
				parts[h.Name] = [2]string{part, bridge}
			}
		}
	}
	return parts
}

// TestPodParts: each machine has a part of the pod network of its own, which no
// other machine can move, be one put in, taken out or set elsewhere in the inventory.
func TestPodParts(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]podNetwork{
			{netip.MustParsePrefix("10.244.0.0/16"), 24}, {netip.MustParsePrefix("10.240.0.0/13"), 25}, {netip.MustParsePrefix("10.244.8.0/21"), 26},
			{netip.MustParsePrefix("10.244.0.0/16"), 30}, {netip.MustParsePrefix("fd00:10:244::/48"), 64}, {netip.MustParsePrefix("fd00:10:244:a0::/59"), 66},
		}).Draw(t, "network")
		last := 1<<(n.subnet-n.pods.Bits()) - 1
		list := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) podMachine {
			base := rapid.SampledFrom([]string{"172.20.0.0", "172.20.30.0", "2001:db8::1:0"}).Draw(t, "base")
			bytes := netip.MustParseAddr(base).AsSlice()
			bytes[len(bytes)-1] = byte(rapid.IntRange(0, 255).Draw(t, "host"))
			addr, _ := netip.AddrFromSlice(bytes)
			m := podMachine{name: "m" + strings.NewReplacer(".", "-", ":", "-").Replace(addr.String()), addr: addr}
			if rapid.IntRange(0, 3).Draw(t, "said") == 0 {
				m.said = n.part(rapid.IntRange(0, last).Draw(t, "number"))
			}
			return m
		}), 1, 8, func(m podMachine) string { return m.name }).Draw(t, "machines")
		parts := podParts(t, n, list)
		if parts == nil {
			return
		}
		accepted++
		taken := []netip.Prefix{}
		for _, m := range list {
			part := netip.MustParsePrefix(parts[m.name][0])
			switch bridge := netip.MustParsePrefix(parts[m.name][1]); {
			case part.Bits() != n.subnet || part != part.Masked() || !n.pods.Contains(part.Addr()):
				t.Fatalf("%s has %s, which is no part of %s", m.name, part, n.pods)
			case m.said.IsValid() && part != m.said:
				t.Fatalf("%s has %s, and the stack says %s", m.name, part, m.said)
			case !m.said.IsValid() && part.Addr() == n.pods.Addr():
				t.Fatalf("%s has the first part", m.name)
			case slices.ContainsFunc(taken, part.Overlaps):
				t.Fatalf("%s has %s, which is another machine's", m.name, part)
			case bridge.Masked() != part || bridge.Addr() != part.Addr().Next():
				t.Fatalf("the bridge of %s in %s has %s", m.name, part, bridge)
			}
			taken = append(taken, part)
		}
		fewer := rapid.Permutation(list).Draw(t, "order")[:rapid.IntRange(1, len(list)).Draw(t, "left")]
		for name, part := range podParts(t, n, fewer) {
			if part != parts[name] {
				t.Fatalf("%s has %s beside %v, and %s beside %v", name, parts[name], list, part, fewer)
			}
		}
	})
	if accepted == 0 {
		t.Error("no inventory was accepted")
	}
}
