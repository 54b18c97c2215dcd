package bootstrap

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/units"
)

// The documents of Ignition, as far as they are written here
// (Ignition spec 2.2.0 and 3.0.0).
type (
	ignition struct {
		Ignition struct {
			Version string `json:"version"`
		} `json:"ignition"`
		Passwd   ignPasswd   `json:"passwd,omitzero"`
		Storage  ignStorage  `json:"storage,omitzero"`
		Systemd  ignSystemd  `json:"systemd,omitzero"`
		Networkd ignNetworkd `json:"networkd,omitzero"` // of spec 2 alone
	}
	ignPasswd struct {
		Users []ignUser `json:"users"`
	}
	ignUser struct {
		Name string   `json:"name"`
		Keys []string `json:"sshAuthorizedKeys"`
	}
	ignStorage struct {
		Files []ignFile `json:"files"`
	}
	ignFile struct {
		Filesystem string `json:"filesystem,omitempty"` // of spec 2 alone
		Path       string `json:"path"`
		Overwrite  bool   `json:"overwrite,omitempty"` // of spec 3 alone, where a file that is there is a fault
		Mode       int    `json:"mode"`
		Contents   struct {
			Source string `json:"source"`
		} `json:"contents"`
		User  *ignName `json:"user,omitempty"`
		Group *ignName `json:"group,omitempty"`
	}
	ignName struct {
		Name string `json:"name"`
	}
	ignSystemd struct {
		Units []ignUnit `json:"units"`
	}
	ignUnit struct {
		Name     string      `json:"name"`
		Enabled  bool        `json:"enabled,omitempty"`
		Mask     bool        `json:"mask,omitempty"`
		Contents string      `json:"contents,omitempty"`
		DropIns  []ignDropIn `json:"dropins,omitempty"`
	}
	ignDropIn struct {
		Name     string `json:"name"`
		Contents string `json:"contents"`
	}
	ignNetworkd struct {
		Units []ignDropIn `json:"units"`
	}
)

// ignitionVersion is the version of the spec of a format, "" for one that is none of
// Ignition's.
func (f Format) ignitionVersion() string {
	switch f {
	case Ignition2:
		return "2.2.0"
	case Ignition3:
		return "3.0.0"
	}
	return ""
}

// Ignition writes the host for Ignition; f is [Ignition2] or [Ignition3].
func (h *Host) Ignition(f Format) ([]byte, error) {
	var doc ignition
	if doc.Ignition.Version = f.ignitionVersion(); doc.Ignition.Version == "" {
		return nil, fmt.Errorf("%q is no format of Ignition", f)
	}
	if len(h.SSHKeys) > 0 {
		doc.Passwd.Users = []ignUser{{Name: "core", Keys: h.SSHKeys}}
	}
	doc.Systemd.Units = h.ignitionUnits()
	var networks []File
	for _, u := range h.Units {
		switch {
		case !networkd(u.Name):
		case f == Ignition2:
			doc.Networkd.Units = append(doc.Networkd.Units, ignDropIn{u.Name, u.Content})
		default:
			networks = append(networks, File{Path: "/etc/systemd/network/" + u.Name, Content: u.Content, Mode: "0644", Owner: "root"})
		}
	}
	for _, file := range slices.Concat(h.Files, networks, h.ignitionFiles()) {
		doc.Storage.Files = append(doc.Storage.Files, file.ignition(f))
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("ignition of %s: %w", h.Name, err)
	}
	return append(text, '\n'), nil
}

// ignitionUnits are those of systemd, with what their programs are told. A cloud-config
// has a key for reboots; here the unit that would reboot the machine is masked.
func (h *Host) ignitionUnits() []ignUnit {
	told := map[string]Program{}
	for _, p := range h.Programs {
		told[p.Unit] = p
	}
	var list []ignUnit
	for _, u := range h.Units {
		if networkd(u.Name) {
			continue
		}
		i := ignUnit{
			Name: u.Name, Contents: installed(u), Mask: u.Mask,
			Enabled: u.Enable || u.Start, // what is started now has to be started at every boot: Ignition runs once
		}
		if p, ok := told[u.Name]; ok {
			i.DropIns = append(i.DropIns, ignDropIn{"20-stackc.conf", environmentOf(p)})
		}
		for _, d := range u.DropIns {
			i.DropIns = append(i.DropIns, ignDropIn{d.Name, d.Content})
		}
		list = append(list, i)
	}
	if h.Update.Reboot == "off" {
		list = append(list, ignUnit{Name: "locksmithd.service", Mask: true})
	}
	return list
}

// installed is the text of a unit that is to start: systemd enables one by its [Install].
func installed(u Unit) string {
	if !u.Start || u.Content == "" || strings.Contains(u.Content, "\n[Install]\n") {
		return u.Content
	}
	return u.Content + "\n[Install]\nWantedBy=multi-user.target\n"
}

// networkd reports whether a file is one of networkd's.
func networkd(name string) bool {
	return strings.HasSuffix(name, ".network") || strings.HasSuffix(name, ".netdev") || strings.HasSuffix(name, ".link")
}

// environmentOf is the piece of a unit that says what coreos-cloudinit would write
// of a program's section.
func environmentOf(p Program) string {
	var b strings.Builder
	b.WriteString("[Service]\n")
	for _, s := range p.Settings {
		b.WriteString("Environment=" + units.QuoteWords(p.Variable(s)+"="+s.Value) + "\n")
	}
	return b.String()
}

// ignitionFiles are what a cloud-config has keys for.
func (h *Host) ignitionFiles() []File {
	var list []File
	if h.Hostname != "" {
		list = append(list, File{Path: "/etc/hostname", Content: h.Hostname + "\n", Mode: "0644", Owner: "root"})
	}
	if h.Machine != nil && h.Machine.ID.Value != "" {
		list = append(list, File{Path: "/etc/machine-id", Content: h.Machine.ID.Value + "\n", Mode: "0444", Owner: "root"})
	}
	if h.Update.Given() {
		var b strings.Builder
		for _, line := range [][2]string{{"GROUP", h.Update.Group}, {"REBOOT_STRATEGY", h.Update.Reboot}, {"SERVER", h.Update.Server}} {
			if line[1] != "" {
				b.WriteString(line[0] + "=" + line[1] + "\n")
			}
		}
		list = append(list, File{Path: "/etc/coreos/update.conf", Content: b.String(), Mode: "0644", Owner: "root"})
	}
	return list
}

// ignition writes a file; modes are decimal numbers there.
func (f File) ignition(format Format) ignFile {
	i := ignFile{Path: f.Path}
	mode, err := strconv.ParseInt(f.Mode, 8, 32)
	if err != nil {
		panic(err) // the stack takes octal digits only
	}
	i.Mode = int(mode)
	i.Contents.Source = "data:," + strings.ReplaceAll(url.QueryEscape(f.Content), "+", "%20")
	if format == Ignition2 {
		i.Filesystem = "root"
	} else {
		i.Overwrite = true
	}
	user, group, _ := strings.Cut(f.Owner, ":")
	if user != "root" || group != "" {
		i.User = &ignName{user}
	}
	if group != "" {
		i.Group = &ignName{group}
	}
	return i
}
