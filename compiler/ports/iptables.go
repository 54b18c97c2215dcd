package ports

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// chain holds the rules, apart from those of docker and of the machine's own.
const chain = "STACKC"

// iptables writes a file for iptables-restore: a chain of its own, which INPUT leads
// to first. With --noflush it leaves other chains alone, and empties its own, so that it
// may be read again and again. What is not let in is dropped; ssh always is, whoever
// comes, for a file must not lock out who wrote it.
func (w *writer) iptables(g *Group) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `# What machines of stack %s let in: %s.
# Now, beside other rules:    iptables-restore --noflush FILE
# At every boot of CoreOS:    /var/lib/iptables/rules-save and iptables-restore.service
*filter
:%[3]s - [0:0]
-I INPUT -j %[3]s
-A %[3]s -i lo -j ACCEPT
-A %[3]s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A %[3]s -p icmp -j ACCEPT
-A %[3]s -p tcp --dport 22 -j ACCEPT
`, line(w.list.Stack), line(w.title(g)), chain)
	for _, o := range g.Openings {
		if !o.Open() || o.First == 22 && o.Last == 22 && o.Protocol == "tcp" {
			continue
		}
		from, left, err := w.addresses(g, o)
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

// addresses are the networks that a port is used from, sorted. left says that
// operators use it, of whom nothing is known.
func (w *writer) addresses(g *Group, o *Opening) (from []string, left bool, err error) {
	add := func(network string) {
		if !slices.Contains(from, network) {
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
			list := w.machines(u.Group)
			if len(list) == 0 {
				return nil, false, &Error{
					fmt.Sprintf("where %s is that uses %s/%s of %s is not known", u.Group.Name, o.Port("-"), o.Protocol, g.Name),
					`give each [machine.NAME] its address, or say [network] machines = "10.0.0.0/24"`,
				}
			}
			for _, a := range list {
				add(a)
			}
			if w.list.Pods != "" && !u.Alone {
				add(w.list.Pods) // containers on the machine itself come as they are
			}
		}
	}
	slices.Sort(from)
	return from, left, nil
}

// machines are the addresses of a group: of its machines where all are known, else of
// the ranges that they are from.
func (w *writer) machines(g *Group) []string {
	var list []string
	for _, m := range g.Machines {
		address := m.Address.Literal()
		if !isIPv4(address) {
			return w.ranges()
		}
		list = append(list, address)
		if public := m.Public.Literal(); isIPv4(public) {
			list = append(list, public)
		}
	}
	if len(list) == 0 {
		return w.ranges()
	}
	return list
}

func (w *writer) ranges() []string {
	return slices.DeleteFunc(slices.Clone(w.list.Ranges), func(r string) bool {
		p, err := netip.ParsePrefix(r)
		return err != nil || !p.Addr().Is4()
	})
}

func isIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}
