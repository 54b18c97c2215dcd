// Package pxe makes what a server needs so that machines start from it over the
// network: the folders of TFTP and HTTP, the fragment of dhcpd's configuration, and a
// script that sets the server up and tells what is missing. All paths come from one
// place, so that they meet. It reads and writes nothing.
package pxe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/stack"
)

// File is one file, or a link.
type File struct {
	// Path is relative, with slashes: "tftp/pxelinux.cfg/default".
	Path string
	Text string
	// Link is what a symbolic link points to, "" for a file.
	Link string
	// Run says that the file is a program, Private that it is not for everybody.
	Run, Private bool
}

// The names in the output.
const (
	tftpDir  = "tftp"
	httpDir  = "http"
	menuDir  = "pxelinux.cfg"
	imageDir = "images/coreos"
	dhcpFile = "dhcpd.conf"
	// Script is what is run on the server.
	Script = "server.sh"
)

// Configs names what machines are given: one name for each, or for each role.
func Configs(s *stack.Stack) []string {
	var list []string
	seen := map[string]bool{}
	for _, m := range s.Boots() {
		if name := configOf(s.PXE, m); !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}

// configOf is the name of what a machine is given.
func configOf(p *stack.PXE, m *stack.Machine) string {
	if p.ByRole() {
		return m.Roles[0].Value
	}
	return m.Name
}

// Files makes all files, in the order of their folders. hosts gives what each of
// [Configs] is, as bootstrap makes it.
func Files(s *stack.Stack, hosts map[string]*bootstrap.Host) ([]File, error) {
	m := maker{s: s, p: s.PXE, hosts: hosts}
	files := []File{{Path: dhcpFile, Text: m.dhcp()}}
	for _, name := range Configs(s) {
		text, err := hosts[name].Bytes(bootstrap.CloudConfig)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: path.Join(httpDir, m.configPath(name)), Text: string(text), Private: hosts[name].Private()})
	}
	files = append(files, File{Path: path.Join(tftpDir, menuDir, "default"), Text: m.menu()})
	for _, name := range Configs(s) {
		files = append(files, File{Path: path.Join(tftpDir, menuDir, name), Text: m.boot(name)})
	}
	for _, machine := range s.Boots() {
		files = append(files, File{Path: path.Join(tftpDir, menuDir, macLink(machine)), Link: configOf(s.PXE, machine)})
	}
	return append(files, File{Path: Script, Text: m.script(), Run: true}), nil
}

// macLink is the name under which PXELINUX asks for a machine's configuration: 01 is
// Ethernet (syslinux doc/pxelinux.txt).
func macLink(m *stack.Machine) string { return "01-" + strings.ReplaceAll(m.MAC.Value, ":", "-") }

type maker struct {
	s     *stack.Stack
	p     *stack.PXE
	hosts map[string]*bootstrap.Host
}

// configPath is where a configuration is below the folder of HTTP.
func (m maker) configPath(name string) string {
	return path.Join(m.p.HTTPFolder(), m.hosts[name].FileName(bootstrap.CloudConfig))
}

func (m maker) configURL(name string) string {
	u := m.p.Server.Source()
	if a, err := netip.ParseAddr(u); err == nil && a.Is6() {
		u = "[" + u + "]"
	}
	return "http://" + u + "/" + m.configPath(name)
}

// kernelLine is what the kernel is told.
func (m maker) kernelLine(name string) string {
	words := []string{"initrd=" + path.Join(imageDir, stack.PXEImages[1]), "cloud-config-url=" + m.configURL(name)}
	if m.p.Root.Given() {
		words = append(words, "root="+m.p.Root.Source())
	}
	consoles := []string{"tty0", "ttyS0"}
	if len(m.p.Consoles) > 0 {
		consoles = nil
		for _, w := range m.p.Consoles {
			consoles = append(consoles, w.Value)
		}
	}
	for _, c := range consoles {
		words = append(words, "console="+c)
	}
	if m.p.Autologin.Set {
		for _, c := range consoles {
			name, _, _ := strings.Cut(c, ",")
			if name == "tty0" { // the console that is shown, on which nobody can be logged in
				name = "tty1"
			}
			words = append(words, "coreos.autologin="+name)
		}
	}
	return strings.Join(words, " ")
}

// boot is the configuration of PXELINUX for machines that have a link to it.
func (m maker) boot(name string) string {
	return "default coreos\nprompt 1\ntimeout 15\n\nlabel coreos\n    menu default\n" +
		"    kernel " + path.Join(imageDir, stack.PXEImages[0]) + "\n    append " + m.kernelLine(name) + "\n"
}

// menu is for machines that have no link: they start from their disk, unless somebody
// chooses.
func (m maker) menu() string {
	var b strings.Builder
	b.WriteString("default menu.c32\nprompt 0\ntimeout 300\nontimeout local\n\nmenu title Main Menu\n\nlabel local\n    menu label Boot local hard drive\n    localboot 0\n\nmenu begin coreos\n    menu title CoreOS\n")
	for _, name := range Configs(m.s) {
		fmt.Fprintf(&b, "\n    label coreos-%s\n        menu label CoreOS %s\n        kernel %s\n        append %s\n", name, name, path.Join(imageDir, stack.PXEImages[0]), m.kernelLine(name))
	}
	return b.String() + "menu end\n"
}

// dhcp is the fragment for dhcpd (dhcpd.conf(5)).
func (m maker) dhcp() string {
	r, _ := m.s.Range()
	var b strings.Builder
	fmt.Fprintf(&b, "subnet %s netmask %s {\n", r.Addr(), mask(r))
	fmt.Fprintf(&b, "        next-server %s;\n        option broadcast-address %s;\n", m.p.Server.Source(), broadcast(r))
	for _, machine := range m.s.Boots() {
		fmt.Fprintf(&b, "\n        host %s {\n                hardware ethernet %s;\n", machine.Name, machine.MAC.Value)
		if m.p.Router.Given() {
			fmt.Fprintf(&b, "                option routers %s;\n", m.p.Router.Source())
		}
		fmt.Fprintf(&b, "                fixed-address %s;\n                option domain-name-servers %s;\n                filename \"/pxelinux.0\";\n        }\n", machine.Address.Source(), strings.Join(m.dns(), ", "))
	}
	return b.String() + "}\n"
}

func (m maker) dns() []string {
	if len(m.p.DNS) == 0 {
		return []string{m.p.Server.Source()}
	}
	var list []string
	for _, t := range m.p.DNS {
		list = append(list, t.Source())
	}
	return list
}

// mask is the netmask of an IPv4 range.
func mask(r netip.Prefix) netip.Addr {
	return addr(^uint32(0) << (32 - r.Bits()))
}

// broadcast is its last address.
func broadcast(r netip.Prefix) netip.Addr {
	a := r.Addr().As4()
	return addr(binary.BigEndian.Uint32(a[:]) | ^(^uint32(0) << (32 - r.Bits())))
}

func addr(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}
