// Package bootstrap makes of a stack what each of its machines needs before fleet:
// etcd, fleet itself with the machine's metadata, flannel, docker that waits for
// it, the hosts' own units, files and keys. [Hosts] gives that as values, which
// [Host.CloudConfig] and [Host.Ignition] write down.
//
// Nothing hangs on the order in which a machine starts what it is given: a unit
// that needs another wants it and comes after it, and waits for what that makes.
package bootstrap

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
)

// Format is a form in which machines are configured.
type Format string

// The forms.
const (
	CloudConfig Format = "cloud-config" // for coreos-cloudinit
	Ignition2   Format = "ignition2"    // spec 2.2.0, for Container Linux
	Ignition3   Format = "ignition3"    // spec 3.0.0, for Fedora CoreOS and Flatcar
)

// Formats returns all forms, in the order in which they are documented.
func Formats() []Format { return []Format{CloudConfig, Ignition2, Ignition3} }

// Extension is what the names of files of the format end in.
func (f Format) Extension() string {
	if f == CloudConfig {
		return ".yml"
	}
	return ".ign"
}

// Options says for which machines, and how.
type Options struct {
	Format Format
	// Machine names the one that is wanted, Role those that have one role and are all
	// given the same; with neither it is every machine of the inventory, or without
	// one every role.
	Machine, Role string
	// Opener gives the files that the stack names beside itself.
	Opener source.Opener
	// Extra are files that do not stand in the stack, by the name of the machine that
	// is given them: certificates and keys.
	Extra map[string][]Extra
}

// Extra is a file beside those of the stack.
type Extra struct {
	File
	// URL is where the machine fetches it, and SHA256 its checksum; with "" it is
	// given the Content.
	URL, SHA256 string
}

// Host is what one machine is given, or every machine of a role. It does not change
// after [Hosts].
type Host struct {
	// Name is that of the machine, the role, or the stack.
	Name string
	// Machine is the one of the inventory, nil for what machines of a role share.
	Machine *stack.Machine
	// Roles are all roles of the machine.
	Roles []string
	// Metadata are fleet's key=value pairs, in the order of the keys.
	Metadata []string
	// Hostname is "" for what several machines share.
	Hostname string
	SSHKeys  []string
	Update   Update
	// Programs are told what they must know by environment variables, in this order.
	Programs []Program
	// Units are in an order in which each comes behind what it needs.
	Units []Unit
	Files []File
}

// Update is how the operating system is renewed; what is "" is left to the image.
type Update struct{ Group, Reboot, Server string }

// Given reports whether the stack says anything of it.
func (u Update) Given() bool { return u != Update{} }

// Program is one of those that coreos-cloudinit has a section for.
type Program struct {
	Section  string // of a cloud-config: "etcd2"
	Unit     string
	Prefix   string // of its environment variables: "ETCD_"
	Settings []Setting
}

// Setting is one option of a program, by its name in a cloud-config.
type Setting struct{ Key, Value string }

// Variable is the name of the environment variable of a setting.
func (p Program) Variable(s Setting) string {
	if p.Section == "flannel" && s.Key == "interface" {
		return "FLANNELD_IFACE"
	}
	return p.Prefix + strings.ToUpper(strings.ReplaceAll(s.Key, "-", "_"))
}

// Setting returns the value under that key, "" for none.
func (p Program) Setting(key string) string {
	for _, s := range p.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// Program returns the program of that section, the zero Program when the host has none.
func (h *Host) Program(section string) Program {
	for _, p := range h.Programs {
		if p.Section == section {
			return p
		}
	}
	return Program{}
}

// Unit is a unit of the machine.
type Unit struct {
	Name string
	// Content is all of it, "" for one that the image has.
	Content             string
	DropIns             []DropIn
	Mask, Enable, Start bool
}

// DropIn is a piece that is laid over a unit.
type DropIn struct{ Name, Content string }

// Unit returns the unit of that name, the zero Unit when the host has none.
func (h *Host) Unit(name string) Unit {
	for _, u := range h.Units {
		if u.Name == name {
			return u
		}
	}
	return Unit{}
}

// File is a file of the machine.
type File struct {
	Path, Content string
	// Mode is octal digits, "0644". Owner is "user" or "user:group".
	Mode, Owner string
}

// Hosts returns what the machines that o asks for are given. With an error among
// the findings there is nothing.
func Hosts(s *stack.Stack, o Options) ([]*Host, diag.List) {
	c := &common{stack: s, options: o, told: map[string]bool{}}
	if s.Bootstrap == nil {
		c.errorf(diag.MissingKey, s.Pos, "bootstrap", "stack %q does not say what its machines need", s.Name).
			help(`add [bootstrap], with etcd = {} for an etcd on every machine`)
		return nil, c.findings
	}
	var hosts []*Host
	for _, w := range c.wanted() {
		hosts = append(hosts, c.host(w))
	}
	if c.findings.HasErrors() {
		return nil, c.findings.Canonical()
	}
	return hosts, c.findings.Canonical()
}

// common is what making the hosts of one stack shares.
type common struct {
	stack    *stack.Stack
	options  Options
	findings diag.List
	told     map[string]bool // findings that are the same for every host
}

// want is one host that is asked for.
type want struct {
	machine *stack.Machine
	role    *stack.Role
}

// wanted are the hosts that the options ask for.
func (c *common) wanted() []want {
	s, o := c.stack, c.options
	var list []want
	switch {
	case o.Machine != "":
		m := s.Machine(o.Machine)
		if m == nil {
			c.add(s.NoMachine(o.Machine))
			return nil
		}
		return []want{{machine: m}}
	case o.Role != "":
		r := s.Role(o.Role)
		if r == nil {
			c.add(s.NoRole(o.Role))
			return nil
		}
		return []want{{role: r}}
	}
	for _, m := range s.Machines {
		list = append(list, want{machine: m})
	}
	if len(list) > 0 {
		return list
	}
	for _, r := range s.Roles {
		list = append(list, want{role: r})
	}
	if len(list) == 0 {
		list = []want{{}}
	}
	return list
}

// builder makes one host.
type builder struct {
	*common
	machine *stack.Machine // nil for what several machines share
	role    *stack.Role
	roles   []string
	units   map[string]*unit
	order   []string // names of units, each behind what it needs
	files   []File
}

func (c *common) host(w want) *Host {
	b := &builder{common: c, machine: w.machine, role: w.role, units: map[string]*unit{}}
	h := &Host{Name: c.stack.Name, Machine: w.machine}
	switch {
	case w.machine != nil:
		h.Name, h.Hostname, h.Metadata = w.machine.Name, w.machine.Hostname(), w.machine.Pairs()
		for _, r := range w.machine.Roles {
			b.roles = append(b.roles, r.Value)
		}
	case w.role != nil:
		h.Name, b.roles = w.role.Name, []string{w.role.Name}
		h.Metadata = b.roleMetadata()
		b.otherRoles(h.Metadata)
	}
	h.Roles = b.roles
	b.ownAddress()
	h.Programs = b.programs(h.Metadata)
	b.docker()
	b.hostUnits()
	b.stackFiles()
	b.extraFiles()
	h.SSHKeys, h.Update = b.keys(), b.update()
	h.Units, h.Files = b.written(), b.files
	slices.SortStableFunc(h.Files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	return h
}

// otherRoles warns of machines of the role that have others as well: what all
// machines of the role share is not enough for them.
func (b *builder) otherRoles(shared []string) {
	for _, m := range b.stack.MachinesOf(b.role.Name) {
		if !slices.Equal(m.Pairs(), shared) {
			b.add(stack.Finding(diag.Warning, diag.MetadataClash, m.Pos, "machine."+m.Name, "machine %q has the metadata %s, and what is written for role %q says %s", m.Name, strings.Join(m.Pairs(), ","), b.role.Name, strings.Join(shared, ",")).
				WithHelp("write what is for the machine: --machine " + m.Name))
		}
	}
}

// roleMetadata is the metadata that all machines of a role have.
func (b *builder) roleMetadata() []string {
	var pairs []string
	for key, values := range b.role.Metadata {
		if len(values) > 1 {
			b.errorf(diag.MetadataClash, b.role.Pos, "roles."+b.role.Name, "role %q is %s=%s, and which of them a machine has is not said", b.role.Name, key, strings.Join(values, " or ")).
				help("ask for one machine of the inventory, or for another role")
		}
		pairs = append(pairs, key+"="+values[0])
	}
	slices.Sort(pairs)
	return pairs
}

func (b *builder) keys() []string {
	var list []string
	for _, t := range b.stack.Bootstrap.SSHKeys {
		list = append(list, b.text(t))
	}
	return list
}

func (b *builder) update() Update {
	u := b.stack.Bootstrap.Update
	if u == nil {
		return Update{}
	}
	return Update{Group: b.text(u.Group), Reboot: u.Reboot.Value, Server: b.text(u.Server)}
}

// is reports whether the host has one of roles, or they name none.
func (b *builder) is(roles []stack.Word) bool {
	return len(roles) == 0 || b.has(roles)
}

func (b *builder) has(roles []stack.Word) bool {
	return slices.ContainsFunc(roles, func(w stack.Word) bool { return slices.Contains(b.roles, w.Value) })
}

// Bytes writes the host in a format.
func (h *Host) Bytes(f Format) ([]byte, error) {
	if f == CloudConfig {
		return h.CloudConfig()
	}
	return h.Ignition(f)
}

// Private reports whether the host has a file that not everybody may read there.
func (h *Host) Private() bool {
	return slices.ContainsFunc(h.Files, func(f File) bool { return !strings.ContainsAny(f.Mode[len(f.Mode)-1:], "4567") })
}
