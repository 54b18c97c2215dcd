package stack

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units"
)

// inventory is what is worked out of the machines once all files are in.
func (l *loader) inventory() {
	l.machineRoles()
	for _, m := range l.stack.Machines {
		l.metadataOf(m)
	}
	l.sameMachine()
	l.roleAddresses()
	l.facts.hold(l)
	l.checkFiles()
	l.checkHosts()
	l.checkBootstrap()
	l.checkAgreement()
	l.parts()
	l.checkPXE()
	l.stack.Networks = append(l.stack.Networks, l.stack.Network.Ranges()...)
}

// machineRoles reports roles of machines that there are not.
func (l *loader) machineRoles() {
	for _, m := range l.stack.Machines {
		l.knownRoles("machine."+m.Name+".role", m.Roles)
	}
}

// knownRoles reports words that name no role.
func (l *loader) knownRoles(path string, words []Word) {
	if l.lost {
		return
	}
	for _, w := range words {
		if l.stack.roles[w.Value] == nil {
			l.findings.Add(Suggest(Finding(diag.Error, diag.UnknownRole, w.Pos, path, "there is no role %q", w.Value),
				w.Value, l.roleNames(), "declare it in [roles]"))
		}
	}
}

func (l *loader) roleNames() []string {
	var list []string
	for _, r := range l.stack.Roles {
		list = append(list, r.Name)
	}
	return list
}

// metadataOf puts the metadata of all roles of a machine together. fleet keeps one
// value for each key (fleet v1.0.0 machine/state.go), so that two roles may not
// want different ones.
func (l *loader) metadataOf(m *Machine) {
	m.Metadata = map[string]string{}
	given := map[string]Word{}
	set := func(pair, giver Word, path string) {
		key, value, _ := strings.Cut(pair.Value, "=")
		old, taken := m.Metadata[key]
		if taken && old != value {
			l.findings.Add(Finding(diag.Error, diag.MetadataClash, giver.Pos, path, "machine %q would have the metadata %s=%s and %s=%s, and fleet keeps one value of a key", m.Name, key, old, key, value).
				WithNote(given[key].Pos.Span, "the one is from here").
				WithHelp("give each role a key of its own, so that a machine can have both: " + ownKeys(old, value)))
			return
		}
		m.Metadata[key], given[key] = value, giver
	}
	path := "machine." + m.Name
	for _, w := range m.Extra {
		set(w, w, path+".metadata")
	}
	var open []Word
	for _, w := range m.Roles {
		r := l.stack.roles[w.Value]
		if r == nil || r.Broken {
			continue
		}
		for _, pair := range r.Pairs {
			if key, _, _ := strings.Cut(pair.Value, "="); len(r.Metadata[key]) > 1 {
				open = append(open, w)
				continue
			}
			set(pair, w, path+".role")
		}
	}
	l.chosenMetadata(m, open)
}

// ownKeys shows how two roles can be said with a key each.
func ownKeys(a, b string) string { return a + "=true and " + b + "=true" }

// chosenMetadata reports roles with several values of one key of which the machine has none.
func (l *loader) chosenMetadata(m *Machine, open []Word) {
	told := map[string]bool{}
	for _, w := range open {
		r := l.stack.roles[w.Value]
		for key, values := range r.Metadata {
			if slices.Contains(values, m.Metadata[key]) || told[w.Value+key] {
				continue
			}
			told[w.Value+key] = true
			l.findings.Add(Finding(diag.Error, diag.MetadataClash, w.Pos, "machine."+m.Name+".role", "role %q is %s=%s, and which of them machine %q has is not said", r.Name, key, strings.Join(values, " or "), m.Name).
				WithNote(r.Pos.Span, "declared here").
				WithHelp("say it: metadata = " + quote(key+"="+values[0]) + ", or give the machine a role that does"))
		}
	}
}

// sameMachine reports what two machines cannot share.
func (l *loader) sameMachine() {
	type fact struct{ what, value string }
	first := map[fact]Pos{}
	name := map[fact]string{}
	for _, m := range l.stack.Machines {
		hostname := m.hostname
		if hostname.Value == "" {
			hostname = Word{Value: m.Name, Pos: m.Pos}
		}
		for _, f := range []struct {
			key, what, value string
			pos              Pos
		}{
			{"address", "address", m.Address.known(), m.Address.Pos}, {"public", "public address", m.Public.known(), m.Public.Pos},
			{"mac", "hardware address", m.MAC.Value, m.MAC.Pos}, {"id", "machine id", m.ID.Value, m.ID.Pos},
			{"pods", "part of the pods", m.Pods.Value, m.Pods.Pos}, {"hostname", "host name", hostname.Value, hostname.Pos},
		} {
			id := fact{f.what, f.value}
			if other, taken := name[id]; taken && f.value != "" {
				l.findings.Add(Finding(diag.Error, diag.MachineClash, f.pos, "machine."+m.Name+"."+f.key, "machines %q and %q have the same %s, %s", other, m.Name, f.what, f.value).
					WithNote(first[id].Span, "the other one").WithHelp("each machine needs its own"))
				continue
			}
			first[id], name[id] = f.pos, m.Name
		}
	}
}

// known is an address that is not at fault.
func (t Text) known() string {
	if s := t.Literal(); s != faultyAddress {
		return s
	}
	return ""
}

// roleAddresses gives a role that does not say its address that of its one
// machine, and host entries those of the machines that have them. An address that
// is not that of the role's one machine is a finding. With several machines it may be
// that of a balancer before them, which is nobody's; so may a name.
func (l *loader) roleAddresses() {
	for _, r := range l.stack.Roles {
		list := l.stack.MachinesOf(r.Name)
		switch {
		case len(list) == 0:
		case !r.Address.Given():
			if len(list) == 1 && list[0].Address.known() != "" {
				r.Address = list[0].Address
			}
		case len(list) == 1 && isIP(r.Address.known()) && !atOneOf(list, r.Address.known()):
			l.findings.Add(Finding(diag.Error, diag.MachineClash, r.Address.Pos, "roles."+r.Name+".address", "role %q is at %s, and no machine of the role has that address", r.Name, r.Address.known()).
				WithNote(list[0].Pos.Span, "a machine of the role").WithHelp("leave the address out: the inventory says it"))
		}
	}
	for _, h := range l.stack.Hosts {
		if h.Unit == "" || len(h.Addresses) > 0 || len(h.Roles) != 1 {
			continue
		}
		r, list := l.stack.roles[h.Roles[0].Value], l.stack.MachinesOf(h.Roles[0].Value)
		if r == nil || r.Address.Given() && !l.stack.Balanced(r) {
			continue
		}
		for _, m := range list {
			if m.Address.known() == "" {
				h.Addresses = nil
				break
			}
			h.Addresses = append(h.Addresses, m.Address)
		}
	}
}

// Balanced reports whether the address of a role is that of something before its
// several machines: none of them has it.
func (s *Stack) Balanced(r *Role) bool {
	list := s.MachinesOf(r.Name)
	return len(list) > 1 && r.Address.known() != "" && !atOneOf(list, r.Address.known())
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// atOneOf reports whether an address is that of one of the machines, or may be: one
// whose own is not known here.
func atOneOf(list []*Machine, address string) bool {
	return slices.ContainsFunc(list, func(m *Machine) bool {
		return m.Address.known() == "" || m.Address.known() == address || m.Public.known() == address || m.Hostname() == address
	})
}

// MachinesOf returns the machines that have a role, in the order of the inventory.
func (s *Stack) MachinesOf(role string) []*Machine {
	var list []*Machine
	for _, m := range s.Machines {
		if m.Has(role) {
			list = append(list, m)
		}
	}
	return list
}

// Machine returns the machine of that name, nil when there is none.
func (s *Stack) Machine(name string) *Machine { return s.machines[name] }

// Matches reports whether units of a role can be on the machine.
func (m *Machine) Matches(metadata units.Metadata) bool {
	for key, values := range metadata {
		if !slices.Contains(values, m.Metadata[key]) {
			return false
		}
	}
	return true
}

// machineShape is what may stand behind the name of a machine.
func machineShape() Shape {
	return eitherShape(tableShape(Table{Name: "a machine", Keys: keywordsOf(machineWords)}), Shape{Kind: ShapeFalse})
}

// NoMachine is the finding of somebody who asks for a machine that the stack has not.
func (s *Stack) NoMachine(name string) diag.Diagnostic {
	var known []string
	for _, m := range s.Machines {
		known = append(known, m.Name)
	}
	return s.none(diag.UnknownMachine, "machine", "machine", name, known)
}

// NoRole is the finding of somebody who asks for a role that the stack has not.
func (s *Stack) NoRole(name string) diag.Diagnostic {
	var known []string
	for _, r := range s.Roles {
		known = append(known, r.Name)
	}
	return s.none(diag.UnknownRole, "roles", "role", name, known)
}

func (s *Stack) none(code diag.Code, path, what, name string, known []string) diag.Diagnostic {
	otherwise := "the stack has no " + what + "s"
	if len(known) > 0 {
		otherwise = "the " + what + "s are " + strings.Join(known, ", ")
	}
	return Suggest(Finding(diag.Error, code, s.Pos, path, "there is no %s %q", what, name), name, known, otherwise)
}

// Loopback reports whether a host is the machine itself on every machine.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
