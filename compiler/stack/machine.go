package stack

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// Machine is one machine of the inventory: what bootstrap writes a configuration
// for, and what a role's machines are counted by.
type Machine struct {
	Name string
	Pos  Pos
	// Address is where the other machines find it, the empty Text when only the
	// platform knows.
	Address Text
	// Public is where it is found from outside, the empty Text when that is not said.
	Public Text
	// MAC is the hardware address of the interface that it boots from, in lower
	// case and with colons, "" when the stack does not say.
	MAC Word
	// Roles are all roles that it has.
	Roles []Word
	// ID is what /etc/machine-id holds, by which fleet tells machines apart, "" for
	// one that the machine makes up itself.
	ID Word
	// Disk is the device that it is installed on, the empty Text for none: then it
	// runs from memory.
	Disk Text
	// Pods is its part of the pod network where the stack says it; [Machine.Part] is
	// the one that it has.
	Pods Word
	// Extra are key=value pairs of metadata that no role gives.
	Extra []Word
	// Metadata is what its fleet says of it: one value a key, of all roles together.
	Metadata map[string]string

	hostname Word
	part     netip.Prefix
}

// Hostname is the name that the machine has for itself.
func (m *Machine) Hostname() string {
	if m.hostname.Value != "" {
		return m.hostname.Value
	}
	return m.Name
}

// Called reports whether a host is one of the machine's own addresses, or its name.
func (m *Machine) Called(host string) bool {
	return host != "" && slices.Contains([]string{m.Address.Source(), m.Public.Source(), m.Hostname()}, host)
}

// Has reports whether the inventory gives the machine that role.
func (m *Machine) Has(role string) bool {
	return slices.ContainsFunc(m.Roles, func(w Word) bool { return w.Value == role })
}

// hasAny reports whether the machine has one of the roles, or none is named.
func (m *Machine) hasAny(roles []Word) bool {
	return len(roles) == 0 || slices.ContainsFunc(roles, func(w Word) bool { return m.Has(w.Value) })
}

func (m *Machine) roleNames() []string {
	names := make([]string, len(m.Roles))
	for i, w := range m.Roles {
		names[i] = w.Value
	}
	return names
}

// Word returns what ${{ machine.NAME }} stands for in the texts of the machine, ""
// for what the stack does not say.
func (m *Machine) Word(name string) string {
	switch name {
	case "name":
		return m.Name
	case "address":
		return m.Address.Source()
	case "public":
		return m.Public.Source()
	case "mac":
		return m.MAC.Value
	case "id":
		return m.ID.Value
	case "hostname":
		return m.Hostname()
	case "pods":
		return prefixText(m.Part())
	case "bridge":
		return prefixText(m.Bridge())
	}
	return ""
}

// Pairs returns the metadata as fleet takes it, key=value, in the order of the keys.
func (m *Machine) Pairs() []string {
	var pairs []string
	for k, v := range m.Metadata {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return pairs
}

// machineWords are the keys of a machine.
var machineWords = []keyword[Machine]{
	listKey("role", names(), func(m *Machine) *[]Word { return &m.Roles },
		"its role, or all of its roles", `["master", "minion"]`),
	key("address", address(), func(m *Machine) *Text { return &m.Address },
		"where the other machines find it, without a port", `"10.0.0.1"`),
	key("public", address(), func(m *Machine) *Text { return &m.Public },
		"where it is found from outside", `"192.0.2.1"`),
	key("mac", form[Word]{stringShape(macPattern), (*decoder).mac}, func(m *Machine) *Word { return &m.MAC },
		"the hardware address that it boots from", `"52:54:00:00:00:01"`),
	key("hostname", form[Word]{stringShape(NotEmpty), (*decoder).hostName}, func(m *Machine) *Word { return &m.hostname },
		"its name for itself; the name of the table when it is not said", `"core-01"`),
	key("id", form[Word]{stringShape(idPattern), (*decoder).machineID}, func(m *Machine) *Word { return &m.ID },
		"what its /etc/machine-id holds, by which fleet knows it", `"2ec5b0e5f1d34d9e8f6ab7c0d1e2f304"`),
	key("disk", form[Text]{stringShape(`^/dev/`), (*decoder).disk}, func(m *Machine) *Text { return &m.Disk },
		"the device that it is installed on; without one it runs from memory", `"/dev/sda"`),
	key("pods", form[Word]{stringShape(`/[0-9]+$`), (*decoder).podPart}, func(m *Machine) *Word { return &m.Pods },
		"its part of the pod network; by the last bits of its address when it is not said", `"10.244.3.0/24"`),
	listKey("metadata", pairs(), func(m *Machine) *[]Word { return &m.Extra },
		"further key=value pairs of fleet's metadata", `"disk=ssd"`),
}

const (
	macPattern = `^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$`
	idPattern  = `^[0-9a-f]{32}$`
)

var (
	macAddress  = pattern.New(macPattern)
	machineIDOf = pattern.New(idPattern)
)

// mac reads a hardware address, in lower case and with colons.
func (d *decoder) mac(v *syntax.Value) Word {
	w := d.word(v)
	if w.Value != "" && !macAddress().MatchString(w.Value) {
		d.errorf(diag.BadValue, v.Span, "%q is not a hardware address", w.Value).help(`write six pairs of hexadecimal digits, like "52:54:00:00:00:01"`)
		return Word{Pos: w.Pos}
	}
	w.Value = strings.ToLower(strings.ReplaceAll(w.Value, "-", ":"))
	return w
}

// hostName reads the name of a machine.
func (d *decoder) hostName(v *syntax.Value) Word {
	w := d.word(v)
	if w.Value != "" && !validHostName(w.Value) {
		d.errorf(diag.BadValue, v.Span, "%q cannot be the name of a machine", w.Value).help("use letters, digits and -, at most 64 of them, and dots between such names")
		return Word{Pos: w.Pos}
	}
	return w
}

// validHostName: 64 bytes are what Linux takes (uname(2)).
func validHostName(s string) bool { return len(s) <= 64 && hostName().MatchString(s) }

// disk reads the name of a device.
func (d *decoder) disk(v *syntax.Value) Text {
	t := d.text(v)
	if s, ok := d.closed(t); ok && (!strings.HasPrefix(s, "/dev/") || strings.ContainsAny(s, " \t\n")) {
		d.errorf(diag.BadValue, v.Span, "%q is not a device", s).help(`write it like "/dev/sda"`)
		return Text{}
	}
	return t
}

func (d *decoder) machineID(v *syntax.Value) Word {
	w := d.word(v)
	if w.Value != "" && !machineIDOf().MatchString(w.Value) {
		d.errorf(diag.BadValue, v.Span, "%q is not a machine id: 32 hexadecimal digits in lower case", w.Value).
			help("systemd-id128 new prints one; without an id the machine makes up its own")
		return Word{Pos: w.Pos}
	}
	return w
}

// machines reads [machine.*]; `machine.X = false` removes one that a library brings.
// A file is read before the libraries that it uses, so that its use entries may name
// what the machines are; what it says of a machine therefore stays.
func (l *loader) machines(d *decoder, tree *syntax.Table) {
	d = d.at("machine")
	for _, e := range d.tableOf(tree, "machine").Entries {
		l.machine(d.at(e.Key), e)
	}
	l.stack.Machines = slices.DeleteFunc(l.stack.Machines, func(m *Machine) bool { return l.stack.machines[m.Name] != m })
}

func (l *loader) machine(d *decoder, e *syntax.Entry) {
	m, known := l.stack.machines[e.Key]
	if e.Value.Kind == syntax.Bool && !e.Value.Bool {
		l.stack.machines[e.Key] = nil // known to be none, whatever a library says
		return
	}
	body := d.table(e.Value, "a table, or false to leave a machine of a library out")
	if body == nil || known && m == nil && !l.overlaid {
		return
	}
	var before []Word
	if m != nil {
		before = m.Roles
	}
	switch {
	case m == nil:
		m = &Machine{Name: e.Key, Pos: d.pos(e.KeySpan)}
		l.stack.machines[e.Key] = m
		l.stack.Machines = append(l.stack.Machines, m)
		l.machineFrom[m] = d.scope.use
		if !validHostName(e.Key) {
			d.errorf(diag.BadValue, e.KeySpan, "%q cannot be the name of a machine", e.Key).help("use letters, digits and -, at most 64 of them, and dots between such names")
		}
		read(d, m, body, "a machine", machineWords)
	case l.overlaid:
		read(d, m, body, "a machine", machineWords)
	default:
		below := &Machine{}
		read(d, below, body, "a machine", machineWords)
		if !uses(l.machineFrom[m], d.scope.use) && m.differs(below) {
			d.clash("machine", m.Name, e, m.Pos, "declare it in one of them, or in the file that uses both")
			return
		}
		m.fill(below)
	}
	l.facts.late(d, m, before)
}

// differs reports whether two say something else of one thing of a machine.
func (m *Machine) differs(o *Machine) bool {
	words := func(list []Word) string {
		var b strings.Builder
		for _, w := range list {
			b.WriteString(w.Value + "\n")
		}
		return b.String()
	}
	for _, pair := range [][2]string{
		{m.Address.Source(), o.Address.Source()}, {m.Public.Source(), o.Public.Source()}, {m.Disk.Source(), o.Disk.Source()},
		{m.MAC.Value, o.MAC.Value}, {m.ID.Value, o.ID.Value}, {m.hostname.Value, o.hostname.Value}, {m.Pods.Value, o.Pods.Value}, {words(m.Roles), words(o.Roles)}, {words(m.Extra), words(o.Extra)},
	} {
		if pair[0] != "" && pair[1] != "" && pair[0] != pair[1] {
			return true
		}
	}
	return false
}

// fill takes what m does not say from what a library says of the same machine.
func (m *Machine) fill(below *Machine) {
	for _, t := range []struct{ of, from *Text }{{&m.Address, &below.Address}, {&m.Public, &below.Public}, {&m.Disk, &below.Disk}} {
		if !t.of.Given() {
			*t.of = *t.from
		}
	}
	for _, w := range []struct{ of, from *Word }{{&m.MAC, &below.MAC}, {&m.ID, &below.ID}, {&m.hostname, &below.hostname}, {&m.Pods, &below.Pods}} {
		if w.of.Pos.Span.IsZero() {
			*w.of = *w.from
		}
	}
	if m.Roles == nil {
		m.Roles = below.Roles
	}
	if m.Extra == nil {
		m.Extra = below.Extra
	}
}
