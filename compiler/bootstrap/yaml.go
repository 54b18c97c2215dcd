package bootstrap

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/stackc/stackc/units/pattern"
)

// CloudConfig writes the host as a cloud-config for coreos-cloudinit.
func (h *Host) CloudConfig() ([]byte, error) {
	core := mapping()
	for _, p := range h.Programs {
		section := mapping()
		for _, s := range p.Settings {
			value := scalar(s.Value)
			if strings.HasSuffix(s.Key, clientCertAuth) { // a flag there, and no string (coreos-cloudinit v1.14.0 config/etcd2.go)
				value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: s.Value}
			}
			add(section, s.Key, value)
		}
		add(core, p.Section, section)
	}
	if h.Update.Given() {
		add(core, "update", pairs("group", h.Update.Group, "reboot-strategy", h.Update.Reboot, "server", h.Update.Server))
	}
	if list := sequence(); len(h.Units) > 0 {
		for _, u := range h.Units {
			list.Content = append(list.Content, unitNode(u))
		}
		add(core, "units", list)
	}
	root := pairs("hostname", h.Hostname)
	if len(core.Content) > 0 {
		add(root, "coreos", core)
	}
	if files := sequence(); len(h.Files) > 0 {
		for _, f := range h.Files {
			files.Content = append(files.Content, fileNode(f))
		}
		add(root, "write_files", files)
	}
	if len(h.SSHKeys) > 0 {
		keys := sequence()
		for _, k := range h.SSHKeys {
			keys.Content = append(keys.Content, scalar(k))
		}
		add(root, "ssh_authorized_keys", keys)
	}
	var b bytes.Buffer
	b.WriteString("#cloud-config\n")
	d, err := yaml.NewDumper(&b, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, fmt.Errorf("cloud-config of %s: %w", h.Name, err)
	}
	if err := errors.Join(d.Dump(root), d.Close()); err != nil {
		return nil, fmt.Errorf("cloud-config of %s: %w", h.Name, err)
	}
	return b.Bytes(), nil
}

func unitNode(u Unit) *yaml.Node {
	n := pairs("name", u.Name)
	flag := func(key string, set bool) {
		if set {
			add(n, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
		}
	}
	flag("mask", u.Mask)
	flag("enable", u.Enable)
	if u.Start {
		add(n, "command", scalar("start"))
	}
	if u.Content != "" {
		add(n, "content", scalar(u.Content))
	}
	if len(u.DropIns) > 0 {
		list := sequence()
		for _, d := range u.DropIns {
			list.Content = append(list.Content, pairs("name", d.Name, "content", d.Content))
		}
		add(n, "drop-ins", list)
	}
	return n
}

func fileNode(f File) *yaml.Node {
	n := pairs("path", f.Path)
	add(n, "permissions", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: f.Mode})
	add(n, "owner", scalar(f.Owner))
	if utf8.ValidString(f.Content) && !strings.ContainsFunc(f.Content, unprintable) {
		add(n, "content", scalar(f.Content))
		return n
	}
	add(n, "encoding", scalar("base64"))
	add(n, "content", scalar(base64.StdEncoding.EncodeToString([]byte(f.Content))))
	return n
}

// unprintable are what YAML 1.1 takes for the end of a line, or does not take at
// all (YAML 1.1, 5.1 and 5.4): a text with them is kept byte for byte in base64.
func unprintable(r rune) bool {
	return r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r != '\n' && r != '\t' && unicode.IsControl(r)
}

func mapping() *yaml.Node  { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }
func sequence() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"} }

func add(n *yaml.Node, key string, value *yaml.Node) {
	n.Content = append(n.Content, scalar(key), value)
}

// pairs makes a mapping of keys and values; those that are "" are left out.
func pairs(words ...string) *yaml.Node {
	n := mapping()
	for i := 0; i < len(words); i += 2 {
		if words[i+1] != "" {
			add(n, words[i], scalar(words[i+1]))
		}
	}
	return n
}

// scalar is a string that every reader takes for a string: coreos-cloudinit reads
// YAML 1.1, in which off, 010, 1e3 and 12:30 are none.
func scalar(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case strings.Contains(s, "\n"):
		n.Style = yaml.LiteralStyle
	case resolves().MatchString(s):
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// resolves matches plain scalars that YAML 1.1 or 1.2 reads as something else than
// a string: yaml.org/type bool, null, int, float, timestamp, merge and value, more
// rather than less.
var resolves = pattern.New(`(?i)^(|~|<<|=|y|n|yes|no|on|off|true|false|null|[-+]?\.?(inf|nan)|[-+]?[0-9.][0-9a-fx_.,:eoTtZz +-]*)$`)
