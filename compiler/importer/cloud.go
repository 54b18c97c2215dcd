package importer

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/cloudconfig"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// embedded is where a unit's text stands in a file that holds more than it.
type embedded struct {
	file   *source.File
	lines  []int // of the file, for each line of the text; none when they cannot be told
	indent int   // columns before each line
	place  source.Span
}

// claim is a unit that a cloud-config has, and whose it is.
type claim struct {
	config *cloudconfig.Config
	unit   *cloudconfig.Unit
	// reason says why it stays the host's, "" when fleet can have it.
	reason string
}

// ownUnits are those that come with CoreOS or that its cloud-config starts from
// sections of their own, as patterns of path.Match. fleet would link its unit over the vendor's.
var ownUnits = []string{
	"etcd.service", "etcd2.service", "etcd-member.service", "fleet.service", "fleet.socket", "docker.service", "docker.socket",
	"early-docker.*", "flanneld.service", "flannel-docker-opts.service", "locksmithd.service", "update-engine.service", "sshd.*",
	"ntpd.service", "rpcbind.*", "rpc-statd.service", "rkt-*", "systemd-*", "coreos-*", "oem-*", "system-cloudinit@*", "user-cloudinit@*", "dbus.*",
}

// beforeFleet are the units without which fleet is not there.
var beforeFleet = []string{"fleet.service", "etcd.service", "etcd2.service", "etcd-member.service"}

// takeConfigs sorts the units of cloud-configs into those for fleet and those of the hosts.
func (i *importer) takeConfigs(configs []*cloudconfig.Config) (files []File) {
	var claims []*claim
	for _, c := range configs {
		for _, u := range c.Units {
			claims = append(claims, &claim{config: c, unit: u, reason: ownReason(u)})
		}
		i.notes = append(i.notes, remarks(c)...)
	}
	needed(claims)
	hosts := map[string]bool{}
	for _, c := range claims {
		hosts[c.unit.Name] = hosts[c.unit.Name] || c.reason != ""
	}
	seen := map[string]string{}
	for _, c := range claims {
		switch {
		case hosts[c.unit.Name]:
			i.host(c)
		case seen[c.unit.Name] == c.unit.Content.Text && seen[c.unit.Name] != "": // of another machine, and the same
		default:
			seen[c.unit.Name] = c.unit.Content.Text
			files = append(files, i.fileOf(c))
		}
	}
	return files
}

// ownReason tells why a unit stays the host's, as far as that is in the unit itself.
func ownReason(u *cloudconfig.Unit) string {
	name, err := units.ParseName(u.Name)
	switch {
	case u.Mask:
		return "it is masked there, and nothing can start it"
	case err != nil || !units.FleetType(name.Type()):
		return "fleet takes no such unit"
	case slices.ContainsFunc(ownUnits, func(p string) bool { ok, _ := path.Match(p, u.Name); return ok }):
		return "it comes with the system"
	case u.Content == nil:
		return "the file has only its name"
	case u.Enable && strings.Contains(u.Content.Text, "[Install]"):
		return "systemd starts it at boot, by its [Install]"
	}
	return ""
}

// needed gives the hosts what etcd and fleet need, which must be there before fleet.
func needed(claims []*claim) {
	type end struct{ config, name string }
	early := map[end]string{}
	for _, c := range claims {
		if slices.Contains(beforeFleet, c.unit.Name) {
			early[end{c.config.File.Name(), c.unit.Name}] = c.unit.Name
		}
	}
	for changed := true; changed; {
		changed = false
		for _, c := range claims {
			if c.unit.Content == nil {
				continue
			}
			here := c.config.File.Name()
			parsed, _ := units.Parse(c.unit.Content.Text)
			for _, e := range units.Edges(units.Name(c.unit.Name), parsed.Options()) {
				from, to := end{here, c.unit.Name}, end{here, string(e.Target)}
				if e.Relation == units.Before {
					from, to = to, from
				} else if !e.Relation.Pulls() && e.Relation != units.After {
					continue
				}
				if early[from] != "" && early[to] == "" {
					early[to] = string(from.name)
					changed = true
				}
			}
		}
	}
	for _, c := range claims {
		if by := early[end{c.config.File.Name(), c.unit.Name}]; c.reason == "" && by != "" {
			c.reason = by + " needs it, which is there before fleet"
		}
	}
}

// host makes a [host] entry of a claim, or adds to the one that is there.
func (i *importer) host(c *claim) {
	u := c.unit
	at := fmt.Sprintf("%s:%d", c.config.File.Name(), u.Place.Position().Line)
	reason := c.reason
	if reason == "" {
		reason = "another machine has it before fleet"
	}
	notes := []string{fmt.Sprintf("# %s stays with the hosts (%s): %s", u.Name, at, reason)}
	notes = append(notes, quoted("its unit file there", u.Content)...)
	for _, d := range u.DropIns {
		notes = append(notes, quoted("drop-in "+d.Name, d.Content)...)
	}
	name, err := units.ParseName(u.Name)
	if err != nil || u.Mask || !units.FleetType(name.Type()) {
		i.notes = append(i.notes, notes...)
		return
	}
	for n, h := range i.hosts {
		if h.name == name {
			i.hosts[n].notes = append(h.notes, notes...)
			return
		}
	}
	i.hosts = append(i.hosts, host{key: keyOf(name), name: name, notes: notes, place: u.Place})
}

// quoted carries a text as comments.
func quoted(what string, t *cloudconfig.Text) []string {
	if t == nil || strings.TrimSpace(t.Text) == "" {
		return nil
	}
	list := []string{"# " + what + ":"}
	for line := range strings.SplitSeq(strings.TrimRight(t.Text, "\n"), "\n") {
		list = append(list, comment("#   "+line))
	}
	return list
}

// cloudVariable is what coreos-cloudinit puts addresses in for (initialize/env.go).
var cloudVariable = pattern.New(`\$(public|private)_ipv[46]`)

// fileOf makes a file to import of a claim.
func (i *importer) fileOf(c *claim) File {
	u := c.unit
	f := File{Path: c.config.File.Name(), Name: u.Name, Text: u.Content.Text, State: units.Launched}
	if !starts(u) {
		f.State = units.Loaded
	}
	if units.Name(u.Name).IsTemplate() {
		f.State = units.Inactive
	}
	f.in = &embedded{file: c.config.File, lines: u.Content.Lines, indent: u.Content.Indent, place: u.Place}
	for _, d := range u.DropIns {
		f.head = append(f.head, quoted("drop-in "+d.Name+", which fleet cannot have", d.Content)...)
		i.findings.Add(diag.Diagnostic{
			Severity: diag.Warning, Code: diag.UnitText, Span: d.Place,
			Message: fmt.Sprintf("fleet takes no drop-ins: %s of %s is kept as a comment only", d.Name, u.Name),
			Help:    "put its lines into the unit",
		})
	}
	for n, line := range strings.Split(u.Content.Text, "\n") {
		if v := cloudVariable().FindString(line); v != "" && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			span := u.Content.Place
			if n < len(u.Content.Lines) {
				span = lineSpan(c.config.File, u.Content.Lines[n])
			}
			i.findings.Add(diag.Diagnostic{
				Severity: diag.Warning, Code: diag.UnexpandedVar, Span: span,
				Message: fmt.Sprintf("coreos-cloudinit puts an address in for %s, and fleet does not", v),
				Help:    "use ${COREOS_" + strings.ToUpper(v[1:]) + "} with EnvironmentFile=/etc/environment",
			})
		}
	}
	return f
}

// starts reports whether the machine starts the unit by itself. A unit that is only
// written to a folder without any command may be one to be submitted.
func starts(u *cloudconfig.Unit) bool {
	if u.Path != "" && !strings.Contains(u.Path, "/systemd/system/") {
		return true
	}
	return u.Enable || u.Command == "start" || strings.HasSuffix(u.Command, "restart")
}

// lineSpan is a line without the blanks before it.
func lineSpan(f *source.File, line int) source.Span {
	at := 0
	text := f.Text()
	for range line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	whole := f.Line(line)
	bare := strings.TrimLeft(whole, " ")
	return f.Span(at+len(whole)-len(bare), at+len(whole))
}

var fleetMetadata = pattern.New(`FLEET_METADATA=([^"'\s]+)`)

// remarks is what a cloud-config says that no unit has, as comments.
func remarks(c *cloudconfig.Config) (notes []string) {
	metadata, line := c.Metadata, c.MetadataPlace.Position().Line
	for _, u := range c.Units {
		texts := []*cloudconfig.Text{u.Content}
		for _, d := range u.DropIns {
			texts = append(texts, d.Content)
		}
		for _, t := range texts {
			if t == nil || metadata != "" {
				continue
			}
			if m := fleetMetadata().FindStringSubmatch(t.Text); m != nil {
				metadata, line = m[1], t.Place.Position().Line
			}
		}
	}
	if metadata != "" {
		notes = append(notes, comment(fmt.Sprintf("# The machines of %s:%d have %s; with that as metadata a unit stays on them.", c.File.Name(), line, metadata)))
	}
	for _, w := range c.Written {
		notes = append(notes, comment(fmt.Sprintf("# %s:%d writes %s there, which stays with the hosts.", c.File.Name(), w.Place.Position().Line, w.Path)))
	}
	return notes
}
