// Package cloudconfig reads the systemd units out of a #cloud-config, the YAML
// with which CoreOS machines are set up, and tells on which line each line of them
// stands. What it is about is coreos-cloudinit v1.14.0 (config/config.go).
package cloudconfig

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// Config is what a cloud-config says of units.
type Config struct {
	File *source.File
	// Units has one entry for each name, in the order of their first mention; what
	// several entries say of one name is put together.
	Units []*Unit
	// Metadata is what fleet's machines are to have, as "role=master,disk=ssd", with
	// its place; "" when the file does not say.
	Metadata      string
	MetadataPlace source.Span
	// Written are the paths of files that hold no unit.
	Written []Written
}

// Written is a file that the machine is given.
type Written struct {
	Path  string
	Place source.Span
}

// Unit is what the file says of one unit.
type Unit struct {
	Name  string
	Place source.Span
	// Content is its unit file, nil when the file has only the name of a unit that is
	// there anyway.
	Content *Text
	// Command is what is done with it at boot: start, restart, stop or the like, or "".
	Command string
	// Enable says that systemd starts it by its [Install], Mask that nothing can, and
	// Runtime that it is gone with the next boot.
	Enable, Mask, Runtime bool
	DropIns               []DropIn
	// Path is where write_files puts it, "" for one of coreos.units.
	Path string
}

// DropIn is a file that changes a unit of the machine.
type DropIn struct {
	Name    string
	Place   source.Span
	Content *Text
}

// Text is a text of several lines in the YAML.
type Text struct {
	Text string
	// Lines are the lines of the file that the lines of the text stand on, counted
	// from 1, and Indent the columns before them. Without Lines all of it is at Place.
	Lines  []int
	Indent int
	Place  source.Span
}

// header begins every cloud-config, by which it is told from a script.
const header = "#cloud-config"

// Is reports whether a text says that it is a cloud-config (coreos-cloudinit
// config.IsCloudConfig: its first line, without blanks behind it, is the header).
func Is(text string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	return strings.TrimRight(first, " \t\r") == header
}

// Read reads a file. With a fault of the YAML itself there is no Config, and one
// error; an entry that cannot be a unit is an error of its own, and what is odd a warning.
func Read(file *source.File) (*Config, diag.List) {
	r := &reader{document: newDocument(file), config: &Config{File: file}, byName: map[string]*Unit{}}
	root := r.parse()
	if root == nil {
		return nil, r.findings.Canonical()
	}
	r.traps(root)
	top := r.mapping(root, "a cloud-config", nil)
	if coreos := top["coreos"]; coreos != nil {
		r.coreos(coreos)
	}
	if list := top["write_files"]; list != nil {
		r.writeFiles(list)
	}
	return r.config, r.findings.Canonical()
}

type reader struct {
	*document
	config *Config
	byName map[string]*Unit
}

func (r *reader) coreos(n *yaml.Node) {
	keys := r.mapping(n, "coreos", nil)
	if fleet := keys["fleet"]; fleet != nil {
		if m := r.mapping(fleet, "coreos.fleet", nil)["metadata"]; m != nil {
			r.config.Metadata, r.config.MetadataPlace = m.Value, r.span(m)
		}
	}
	if list := keys["units"]; list != nil {
		for _, entry := range r.sequence(list, "coreos.units") {
			r.unit(entry)
		}
	}
}

// unitKeys are the keys of an entry of coreos.units (config/unit.go).
var unitKeys = []string{"name", "mask", "enable", "runtime", "content", "command", "drop_ins"}

// commands are what may be done with a unit at boot (config/unit.go).
var commands = []string{"start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart"}

func (r *reader) unit(entry *yaml.Node) {
	keys := r.mapping(entry, "an entry of coreos.units", unitKeys)
	if keys == nil {
		return
	}
	name := r.name(entry, keys, "an entry of coreos.units")
	if name == nil {
		return
	}
	u := r.entry(name.Value, r.span(name))
	u.Enable = r.boolean(keys["enable"]) || u.Enable
	u.Mask = r.boolean(keys["mask"]) || u.Mask
	u.Runtime = r.boolean(keys["runtime"]) || u.Runtime
	if c := keys["command"]; c != nil {
		u.Command = c.Value
		if !slices.Contains(commands, c.Value) {
			r.warn(diag.BadValue, c, "command %q is not one of %s", c.Value, strings.Join(commands, ", "))
		}
	}
	if c := keys["content"]; c != nil {
		r.content(u, r.text(c))
	}
	if list := keys["drop_ins"]; list != nil {
		for _, d := range r.sequence(list, "drop-ins") {
			r.dropIn(u, d)
		}
	}
}

// entry is what is known of a name; a file may speak of one in several places.
func (r *reader) entry(name string, place source.Span) *Unit {
	if u := r.byName[name]; u != nil {
		return u
	}
	u := &Unit{Name: name, Place: place}
	r.byName[name] = u
	r.config.Units = append(r.config.Units, u)
	return u
}

// content gives a unit its text. Of two the last is what the machine has.
func (r *reader) content(u *Unit, t *Text) {
	if t == nil {
		return
	}
	if u.Content != nil && u.Content.Text != t.Text {
		r.findings.Add(diag.Diagnostic{
			Severity: diag.Warning, Code: diag.DuplicateUnit, Span: t.Place,
			Message: u.Name + " has another content before; the last one counts",
			Notes:   []diag.Note{{Message: "the first one", Span: u.Content.Place}},
		})
	}
	u.Content = t
}

func (r *reader) dropIn(u *Unit, entry *yaml.Node) {
	keys := r.mapping(entry, "a drop-in", []string{"name", "content"})
	if keys == nil {
		return
	}
	if name := r.name(entry, keys, "a drop-in"); name != nil {
		d := DropIn{Name: name.Value, Place: r.span(name)}
		if c := keys["content"]; c != nil {
			d.Content = r.text(c)
		}
		u.DropIns = append(u.DropIns, d)
	}
}

// unitPath is a unit below systemd's folders, or a drop-in of one, or what systemd
// starts at boot because it is linked there.
var unitPath = pattern.New(`^/(?:etc|run|usr/lib|lib)/systemd/system/(?:([^/]+)\.d/)?(?:[^/]+\.(?:wants|requires)/)?([^/]+)$`)

// writeFiles takes the units among the files that the machine is given.
func (r *reader) writeFiles(list *yaml.Node) {
	for _, entry := range r.sequence(list, "write_files") {
		keys := r.mapping(entry, "an entry of write_files", []string{"path", "content", "encoding", "owner", "permissions"})
		if keys == nil {
			continue
		}
		at := keys["path"]
		if at == nil || at.Value == "" {
			r.fail(diag.MissingKey, entry, "an entry of write_files has no path")
			continue
		}
		if !r.writtenUnit(keys, at) {
			r.config.Written = append(r.config.Written, Written{Path: at.Value, Place: r.span(at)})
		}
	}
}

// writtenUnit reports whether a file is a unit or a drop-in, and takes it.
func (r *reader) writtenUnit(keys map[string]*yaml.Node, at *yaml.Node) bool {
	base := path.Base(at.Value)
	m := unitPath().FindStringSubmatch(at.Value)
	dropIn := m != nil && m[1] != "" && strings.HasSuffix(base, ".conf")
	if !dropIn {
		if _, err := units.ParseName(base); err != nil || path.Ext(base) == ".device" {
			return false
		}
	}
	text := r.decoded(keys)
	if text == nil {
		return true
	}
	if dropIn {
		u := r.entry(m[1], r.span(at))
		u.DropIns = append(u.DropIns, DropIn{Name: base, Place: r.span(at), Content: text})
		return true
	}
	if !strings.Contains(text.Text, "[") { // called as a unit, and none
		return false
	}
	u := r.entry(base, r.span(at))
	u.Path = at.Value
	r.content(u, text)
	return true
}
