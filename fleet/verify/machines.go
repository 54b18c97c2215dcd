package verify

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// inventory is which machine of fleet is which of the inventory.
type inventory struct {
	hosts map[string]expect.Host   // by the ID of the machine
	found map[string]fleet.Machine // by the name of the host
	keys  map[string]bool          // of metadata that mean something in the inventory
	any   bool
}

// match finds the machines of the inventory among those of fleet: by their ID, else
// by an address, and those that have neither by their metadata.
func match(list []expect.Check, machines []fleet.Machine) inventory {
	inv := inventory{hosts: map[string]expect.Host{}, found: map[string]fleet.Machine{}, keys: map[string]bool{}}
	var hosts []expect.Host
	for _, c := range list {
		if c.Kind == expect.Machine {
			hosts = append(hosts, c.Host)
			for key := range c.Host.Metadata {
				inv.keys[key] = true
			}
		}
	}
	inv.any = len(hosts) > 0
	for _, same := range []func(expect.Host, fleet.Machine) bool{
		func(h expect.Host, m fleet.Machine) bool { return h.ID != "" && h.ID == m.ID },
		func(h expect.Host, m fleet.Machine) bool { return slices.Contains(h.Addresses, m.IP) },
		func(h expect.Host, m fleet.Machine) bool {
			return h.ID == "" && len(h.Addresses) == 0 && maps.Equal(h.Metadata, m.Metadata)
		},
	} {
		for _, h := range hosts {
			for _, m := range machines {
				_, placed := inv.found[h.Name]
				_, taken := inv.hosts[m.ID]
				if !placed && !taken && same(h, m) {
					inv.found[h.Name], inv.hosts[m.ID] = m, h
				}
			}
		}
	}
	return inv
}

// label is what a machine is called: as in the inventory, or by ID and address.
func (e *eye) label(id string) string {
	if h, ok := e.known.hosts[id]; ok {
		return h.Name
	}
	m, ok := e.Snapshot.Machine(id)
	switch {
	case !ok:
		return fleet.Machine{ID: id}.Short()
	case m.IP == "":
		return m.Short()
	}
	return m.Short() + "/" + m.IP
}

// labels are the names of machines, in one order.
func (e *eye) labels(ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = e.label(id)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// addressOf is where a machine is found: as the inventory says, or as fleet does.
func (e *eye) addressOf(m fleet.Machine) string {
	if h, ok := e.known.hosts[m.ID]; ok && len(h.Addresses) > 0 {
		return h.Addresses[0]
	}
	return m.IP
}

func pairs(metadata map[string]string) string {
	if len(metadata) == 0 {
		return "no metadata"
	}
	var list []string
	for k, v := range metadata {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// described is a machine in words: address and metadata, and its ID where that is known beforehand.
func described(id string, addresses []string, metadata map[string]string) string {
	words := make([]string, 0, 3)
	if len(addresses) > 0 && addresses[0] != "" {
		words = append(words, "at "+strings.Join(addresses, " or "))
	}
	words = append(words, "with "+pairs(metadata))
	if id != "" {
		words = append(words, "id "+fleet.Machine{ID: id}.Short())
	}
	return strings.Join(words, ", ")
}

func (e *eye) machine(c expect.Check) {
	h := c.Host
	r := Result{On: "", Expected: described(h.ID, h.Addresses, h.Metadata)}
	m, there := e.known.found[h.Name]
	if !there {
		r.Result, r.Seen = Fails, "fleet has no such machine"
		r.Help = "is it up, and does its fleet reach etcd? On it: journalctl -u fleet. stackc machines lists those that fleet has"
		e.tell(c, r)
		return
	}
	id := ""
	if h.ID != "" {
		id = m.ID
	}
	r.Seen = described(id, []string{m.IP}, m.Metadata)
	sameID := h.ID == "" || h.ID == m.ID
	sameAddress := len(h.Addresses) == 0 || slices.Contains(h.Addresses, m.IP)
	switch {
	case !sameID:
		r.Help = "its /etc/machine-id is new, as after a boot without a disk: to fleet it is another machine. Install it on a disk, or take id out of the inventory"
	case !sameAddress:
		r.Help = "fleet publishes another address: public-ip in its configuration says which; or correct address in the inventory"
	case !e.sameMetadata(h.Metadata, m.Metadata):
		r.Help = "units go by what fleet says: correct metadata in its configuration, FLEET_METADATA, and restart fleet.service on it; or correct its roles in the inventory"
	}
	r.Result = verdict(r.Help == "")
	e.tell(c, r)
}

// sameMetadata reports whether a machine has what it must, and no other of the keys
// that mean something to the stack.
func (e *eye) sameMetadata(want, have map[string]string) bool {
	for key := range e.known.keys {
		if want[key] != have[key] {
			return false
		}
	}
	return true
}

func (e *eye) machines(c expect.Check) {
	var strangers []string
	for _, m := range e.Snapshot.Machines {
		if _, known := e.known.hosts[m.ID]; !known {
			strangers = append(strangers, e.label(m.ID)+" with "+pairs(m.Metadata))
		}
	}
	r := Result{Expected: "no machine that the inventory lacks", Result: verdict(len(strangers) == 0), Seen: "none"}
	if len(strangers) > 0 {
		r.Seen = strings.Join(strangers, "; ")
		r.Help = "fleet places units there too: add the machine to the inventory as [machine.NAME], or stop fleet.service on it"
	}
	e.tell(c, r)
}

func (e *eye) role(c expect.Check) {
	var ids []string
	for _, m := range e.Snapshot.Machines {
		if c.Metadata.Matches(m.Metadata) {
			ids = append(ids, m.ID)
		}
	}
	r := Result{Expected: "a machine with " + c.Metadata.String(), Result: verdict(len(ids) > 0), Seen: e.labels(ids)}
	if len(ids) == 0 {
		r.Seen = "none"
		r.Help = "give a machine that metadata in its fleet configuration, FLEET_METADATA; stackc machines lists what they have"
	}
	e.tell(c, r)
}

// networks holds the ranges against each other and against the machines.
func (e *eye) networks(c expect.Check) {
	var names, wrong []string
	for i, n := range c.Networks {
		names = append(names, n.Name+" "+n.Range)
		p, err := netip.ParsePrefix(n.Range)
		if err != nil {
			continue
		}
		for _, other := range c.Networks[:i] {
			if q, err := netip.ParsePrefix(other.Range); err == nil && p.Overlaps(q) {
				wrong = append(wrong, fmt.Sprintf("%s meets %s", n.Name, other.Name))
			}
		}
		wrong = append(wrong, e.inRange(n, p, c.Networks)...)
	}
	r := Result{Expected: "apart: " + strings.Join(names, ", "), Seen: "apart, and machines in none that is not theirs", Result: verdict(len(wrong) == 0)}
	if len(wrong) > 0 {
		r.Seen = strings.Join(wrong, "; ")
		r.Help = "an address in two ranges belongs to two things: choose other ranges, or give the machine another address"
	}
	e.tell(c, r)
}

// inRange lists machines whose address is in a range that is not theirs, or outside of
// all that are.
func (e *eye) inRange(n expect.Network, p netip.Prefix, all []expect.Network) []string {
	var wrong []string
	first := slices.IndexFunc(all, func(o expect.Network) bool { return o.Machines })
	for _, m := range e.Snapshot.Machines {
		a, err := netip.ParseAddr(m.IP)
		if err != nil {
			continue
		}
		switch in := p.Contains(a.Unmap()); {
		case in && !n.Machines:
			wrong = append(wrong, fmt.Sprintf("machine %s, %s, is in %s", e.label(m.ID), m.IP, n.Name))
		case n.Machines && all[first] == n && !home(a.Unmap(), all):
			wrong = append(wrong, fmt.Sprintf("machine %s, %s, is not in %s", e.label(m.ID), m.IP, n.Name))
		}
	}
	return wrong
}

// home reports whether an address is in one of the machines' ranges.
func home(a netip.Addr, all []expect.Network) bool {
	return slices.ContainsFunc(all, func(n expect.Network) bool {
		p, err := netip.ParsePrefix(n.Range)
		return n.Machines && err == nil && p.Contains(a)
	})
}

// withMetadata are the machines that have any of some metadata.
func (e *eye) withMetadata(any ...units.Metadata) []fleet.Machine {
	var list []fleet.Machine
	for _, m := range e.Snapshot.Machines {
		if slices.ContainsFunc(any, func(want units.Metadata) bool { return want.Matches(m.Metadata) }) {
			list = append(list, m)
		}
	}
	return list
}
