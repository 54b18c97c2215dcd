package ports

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// chain holds the rules, apart from those of docker and of the machine's own.
const chain = "STACKC"

// family is a version of IP, as the files of rules have it: each has a program and a
// file of its own.
type family struct {
	tables string // "iptables", which its programs, services and folders are called by
	suffix string // of a file with its rules
	always string // rules that stand in each file
	holds  func(netip.Addr) bool
}

// The two versions. That of six finds its neighbours by ICMP; whether a machine may have
// its address from DHCP is said there, for no rule of iptables meets that of four.
var (
	four = family{"iptables", ".rules", "-A " + chain + " -p icmp -j ACCEPT\n", netip.Addr.Is4}
	six  = family{"ip6tables", ".rules6", "-A " + chain + " -p ipv6-icmp -j ACCEPT\n-A " + chain + " -s fe80::/10 -p udp --dport 546 -j ACCEPT\n",
		func(a netip.Addr) bool { return a.Is6() && a.Zone() == "" }}
)

// has reports whether an address, or a network, is of the version.
func (f family) has(s string) bool {
	address, _, _ := strings.Cut(s, "/")
	a, err := netip.ParseAddr(address)
	return err == nil && f.holds(a)
}

// iptables writes a file for iptables-restore, or for ip6tables-restore: a chain of its
// own, which INPUT leads to first. With --noflush it leaves other chains alone, and
// empties its own, so that it may be read again and again. What is not let in is dropped;
// ssh always is, whoever comes, for a file must not lock out who wrote it.
func (w *writer) iptables(g *Group, f family) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `# What machines of stack %s let in: %s.
# Now, beside other rules:    %[4]s-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/%[4]s/rules-save and %[4]s-restore.service
*filter
:%[3]s - [0:0]
-I INPUT -j %[3]s
-A %[3]s -i lo -j ACCEPT
-A %[3]s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
%[5]s-A %[3]s -p tcp --dport 22 -j ACCEPT
`, line(w.list.Stack), line(w.title(g)), chain, f.tables, f.always)
	for _, o := range g.Openings {
		if !o.Open() || o.First == 22 && o.Last == 22 && o.Protocol == "tcp" {
			continue
		}
		from, left, err := w.addresses(g, o, f)
		if err != nil {
			return "", err
		}
		what := line(strings.Join(o.What, "; "))
		if left {
			fmt.Fprintf(&b, "# %s/%s (%s) for operators: say their network with --operator\n", o.Port("-"), o.Protocol, what)
		}
		if len(from) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# %s\n", what)
		rule := fmt.Sprintf("-p %s --dport %s -j ACCEPT", o.Protocol, o.Port(":"))
		if slices.Contains(from, everywhere) {
			fmt.Fprintf(&b, "-A %s %s\n", chain, rule)
			continue
		}
		for _, source := range from {
			fmt.Fprintf(&b, "-A %s -s %s %s\n", chain, source, rule)
		}
	}
	fmt.Fprintf(&b, "-A %s -j DROP\nCOMMIT\n", chain)
	return b.String(), nil
}

// title says which machines a file is for.
func (w *writer) title(g *Group) string {
	if len(g.Machines) == 0 {
		return g.Name
	}
	var names []string
	for _, m := range g.Machines {
		names = append(names, m.Name)
	}
	list := strings.Join(names, ", ")
	if list == g.Name || g.Name == everyMachine {
		return list
	}
	return g.Name + " (" + list + ")"
}

// line is text that cannot leave the line of a comment.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }

// addresses are the networks of one version that a port is used from, sorted. left says
// that operators use it, of whom nothing is known.
func (w *writer) addresses(g *Group, o *Opening, f family) (from []string, left bool, err error) {
	add := func(network string) {
		if f.has(network) && !slices.Contains(from, network) {
			from = append(from, network)
		}
	}
	for _, u := range o.Uses {
		switch u.Kind {
		case Anyone:
			return []string{everywhere}, false, nil
		case Operator:
			left = left || len(w.operators) == 0
			for _, n := range w.operators {
				add(n)
			}
		case Address:
			add(u.Address)
		case Machines:
			list, known := w.machines(u.Group, f)
			if !known {
				return nil, false, &Error{
					fmt.Sprintf("where %s is that uses %s/%s of %s is not known", u.Group.Name, o.Port("-"), o.Protocol, g.Name),
					`give each [machine.NAME] its address, or say [network] machines = "10.0.0.0/24"`,
				}
			}
			for _, a := range list {
				add(a)
			}
			if !u.Alone {
				add(w.list.Pods) // none without any; containers on the machine itself come as they are
			}
		}
	}
	slices.Sort(from)
	return from, left, nil
}

// machines are the addresses of one version that a group has: of its machines where all
// are known, else the ranges that they are from. known is false when neither tells.
func (w *writer) machines(g *Group, f family) (list []string, known bool) {
	ranges := slices.DeleteFunc(slices.Clone(w.list.Ranges), func(r string) bool { return !f.has(r) })
	if len(g.Machines) == 0 {
		return ranges, len(w.list.Ranges) > 0
	}
	for _, m := range g.Machines {
		address := m.Address.Literal()
		switch {
		case f.has(address):
		case len(ranges) > 0:
			return ranges, true
		case !isAddress(address) && len(w.list.Ranges) == 0:
			return nil, false
		}
		for _, a := range []string{address, m.Public.Literal()} {
			if f.has(a) {
				list = append(list, a)
			}
		}
	}
	return list, true
}

func isAddress(s string) bool { return four.has(s) || six.has(s) }

// hasIPv6 reports whether machines, or those who use their ports from elsewhere, have
// addresses of IPv6. Without any, a file for it would shut what the stack knows nothing of.
func (w *writer) hasIPv6() bool {
	for _, g := range w.list.Groups {
		for _, m := range g.Machines {
			if six.has(m.Address.Literal()) || six.has(m.Public.Literal()) {
				return true
			}
		}
		for _, o := range g.Openings {
			if slices.ContainsFunc(o.Uses, func(u Use) bool { return u.Kind == Address && six.has(u.Address) }) {
				return true
			}
		}
	}
	return slices.ContainsFunc(slices.Concat(w.list.Ranges, w.operators), six.has)
}
