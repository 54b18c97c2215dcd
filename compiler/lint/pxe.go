package lint

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// pxe holds [pxe] against the inventory.
func (c *checker) pxe() {
	p := c.t.Stack.PXE
	if p == nil {
		return
	}
	boots := c.t.Stack.Boots()
	if len(boots) == 0 {
		c.add(stack.Finding(diag.Error, diag.MissingKey, p.Pos, "pxe", "no machine of the inventory has a mac, so that none starts over the network").
			WithHelp(`say it: [machine.NAME] mac = "52:54:00:00:00:01"`))
		return
	}
	r, known := c.t.Stack.Range()
	switch {
	case !known && p.Subnet == nil:
		c.add(stack.Finding(diag.Error, diag.MissingKey, p.Pos, "pxe", "the range that DHCP gives addresses in is not said").
			WithHelp(`add subnet = "10.20.30.0/24", or machines = "…" to [network]`))
	case known && !r.Addr().Is4():
		c.add(stack.Finding(diag.Error, diag.BadValue, p.Pos, "pxe.subnet", "machines start over IPv4, and %s is another range", r).WithHelp(`add subnet = "10.20.30.0/24"`))
	case known:
		c.inSubnet(r, p.Router, "pxe.router", "the router")
		for _, m := range boots {
			c.boots(r, m)
		}
	}
	c.shared(p, boots)
	c.fromMemory(p, boots)
	if p.Autologin.Set {
		c.add(permitted(stack.Finding(diag.Warning, diag.OpenDoor, p.Autologin.Pos, "pxe.autologin", "who reaches a console of a machine is logged in, and may do what root may").
			WithHelp(`take it out; allow = ["open-door"] when nobody reaches them`), p.Allow))
	}
}

// boots holds a machine that starts over the network against the subnet.
func (c *checker) boots(r netip.Prefix, m *stack.Machine) {
	if !m.Address.Given() {
		c.add(stack.Finding(diag.Error, diag.NoAddress, m.Pos, "machine."+m.Name, "machine %q starts over the network, and DHCP must give it an address", m.Name).WithHelp(`add address = "…" to it`))
		return
	}
	c.inSubnet(r, m.Address, "machine."+m.Name+".address", "machine "+m.Name)
}

// inSubnet reports an address that those in the subnet cannot have or reach.
func (c *checker) inSubnet(r netip.Prefix, t stack.Text, path, who string) {
	a, err := netip.ParseAddr(t.Source())
	if !t.Given() || err == nil && r.Contains(a) {
		return
	}
	c.add(stack.Finding(diag.Error, diag.BadValue, t.Pos, path, "%s is at %s, and DHCP serves %s", who, t.Source(), r).
		WithHelp("give it an address of the subnet, or correct subnet in [pxe]"))
}

// shared reports machines of several roles where those of a role share a configuration.
func (c *checker) shared(p *stack.PXE, boots []*stack.Machine) {
	for _, m := range boots {
		if p.ByRole() && len(m.Roles) != 1 {
			c.add(stack.Finding(diag.Error, diag.BadValue, m.Pos, "machine."+m.Name+".role", "machine %q has %d roles, and the machines of a role share a configuration", m.Name, len(m.Roles)).
				WithNote(p.By.Pos.Span, "said here").WithHelp(`say by = "machine" in [pxe], or give it one role`))
		}
	}
}

// fromMemory: a system without a root file system forgets all at a reboot (coreos/docs
// os/booting-with-pxe.md), of etcd its data, and fleet's registry with it.
func (c *checker) fromMemory(p *stack.PXE, boots []*stack.Machine) {
	if p.Root.Given() {
		return
	}
	var members, others []string
	for _, m := range boots {
		if c.etcdMember(m) {
			members = append(members, m.Name)
		} else {
			others = append(others, m.Name)
		}
	}
	help := `add root = "LABEL=ROOT" to [pxe], with a disk that has such a file system; allow = ["runs-from-memory"] when nothing there is to be kept`
	if len(members) > 0 {
		c.add(permitted(stack.Finding(diag.Error, diag.RunsFromMemory, p.Pos, "pxe", "members of etcd run from memory: at a reboot %s would lose all that etcd and fleet hold", strings.Join(members, ", ")).WithHelp(help), p.Allow))
		return
	}
	c.add(permitted(stack.Finding(diag.Warning, diag.RunsFromMemory, p.Pos, "pxe", "%s run from memory: after a reboot each has a new machine id, and downloads all again", strings.Join(others, ", ")).WithHelp(help), p.Allow))
}

// etcdMember reports whether [bootstrap] makes a machine a member of etcd.
func (c *checker) etcdMember(m *stack.Machine) bool {
	b := c.t.Stack.Bootstrap
	if b == nil || b.Etcd == nil {
		return false
	}
	has := func(w stack.Word) bool { return m.Has(w.Value) }
	if len(b.Etcd.Members) == 0 {
		return !slices.ContainsFunc(b.Etcd.Proxies, has)
	}
	return slices.ContainsFunc(b.Etcd.Members, has)
}
