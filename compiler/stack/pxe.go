package stack

import (
	"net/netip"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// PXE is how machines start over the network: from one server with DHCP, TFTP and
// HTTP, on which everything is made of this.
type PXE struct {
	Pos Pos
	// Server is where TFTP and HTTP are served, Router the way out, the empty Text for
	// none. DNS are name servers, the server when there are none.
	Server, Router Text
	DNS            []Text
	// Subnet is the range that DHCP gives addresses in; nil for the one of the
	// machines in [network].
	Subnet *Param
	// TFTPRoot and HTTPRoot are the folders that are served; Folder is where the
	// machines' configurations are below HTTPRoot, without slashes around it.
	TFTPRoot, HTTPRoot, Folder Text
	// Channel and Version say which images of the system; Images is a URL below which
	// they are, the empty Text for the vendor's.
	Channel, Version, Images Text
	// Kernel and Initrd are what the images must be.
	Kernel, Initrd *PXEImage
	// Consoles are what the kernel writes to.
	Consoles []Word
	// Autologin lets everybody in who reaches a console.
	Autologin Flag
	// Root is the root file system, "LABEL=ROOT"; without it the system runs from
	// memory and forgets all at a reboot.
	Root Text
	// By is whether a machine's configuration is its own, "machine", or that of its
	// role, "role".
	By    Word
	Allow []*Allowance
}

// PXEImage is one of the images.
type PXEImage struct {
	Pos    Pos
	SHA256 Text
}

// defaults of [pxe]: where CentOS, as the guides use it, has its web server's files,
// and the folder of TFTP that server.sh sets up.
const (
	pxeTFTPRoot = "/tftpboot"
	pxeHTTPRoot = "/var/www/html"
	pxeFolder   = "coreos"
	pxeChannel  = "stable"
)

// PXEImages are the names of the images, kernel first (coreos/docs
// os/booting-with-pxe.md).
var PXEImages = [2]string{"coreos_production_pxe.vmlinuz", "coreos_production_pxe_image.cpio.gz"}

// PXEImageKeys are the words of [pxe] for the images, in that order.
var PXEImageKeys = [2]string{"kernel", "initrd"}

// ImagesURL is the URL below which the images are.
func (p *PXE) ImagesURL() string {
	if p.Images.Given() {
		return p.Images.Source()
	}
	return "http://" + or(p.Channel, pxeChannel) + ".release.core-os.net/amd64-usr/" + p.Version.Source()
}

// TFTP, HTTP and HTTPFolder are the folders, with what holds where the stack does not say.
func (p *PXE) TFTP() string       { return or(p.TFTPRoot, pxeTFTPRoot) }
func (p *PXE) HTTP() string       { return or(p.HTTPRoot, pxeHTTPRoot) }
func (p *PXE) HTTPFolder() string { return or(p.Folder, pxeFolder) }

// ByRole reports whether machines of a role share their configuration.
func (p *PXE) ByRole() bool { return p.By.Value == pxeBy()[1] }

// Range is the range that DHCP gives addresses in. ok is false when the stack does not say.
func (s *Stack) Range() (p netip.Prefix, ok bool) {
	var given *Param
	switch {
	case s.PXE != nil && s.PXE.Subnet != nil:
		given = s.PXE.Subnet
	case s.Network != nil && len(s.Network.Machines) == 1:
		given = s.Network.Machines[0]
	}
	if given == nil || given.Value == nil {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(given.Value.Str)
	return p.Masked(), err == nil
}

// Boots lists the machines that start over the network: those with a hardware address.
func (s *Stack) Boots() []*Machine {
	var list []*Machine
	for _, m := range s.Machines {
		if m.MAC.Value != "" {
			list = append(list, m)
		}
	}
	return list
}

func or(t Text, otherwise string) string {
	if t.Given() && t.Source() != "" {
		return t.Source()
	}
	return otherwise
}

func pxeBy() []string { return []string{"machine", "role"} }

// The patterns of names in paths that TFTP and HTTP serve.
const (
	versionWord   = `^[0-9]+(\.[0-9]+)+$`
	folderPattern = `^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`
)

// pxeWords are the keys of [pxe].
var pxeWords = []keyword[PXE]{
	key("server", address(), func(p *PXE) *Text { return &p.Server }, "the machine with DHCP, TFTP and HTTP", `"10.20.30.242"`),
	key("version", form[Text]{stringShape(versionWord), (*decoder).pxeVersion}, func(p *PXE) *Text { return &p.Version }, "the version of the system's images", `"717.3.0"`),
	key("channel", matching(folderPattern, folderPath), func(p *PXE) *Text { return &p.Channel }, "the channel that the images are from; stable when it is not said", `"beta"`),
	key("images", matching(`://`, withScheme), func(p *PXE) *Text { return &p.Images }, "the URL below which the images are, in place of the vendor's", `"http://10.0.0.9/coreos"`),
	pxeImage(PXEImageKeys[0], func(p *PXE) **PXEImage { return &p.Kernel }, "what the kernel must be"),
	pxeImage(PXEImageKeys[1], func(p *PXE) **PXEImage { return &p.Initrd }, "what the image with the system must be"),
	key("subnet", oneRange("subnet"), func(p *PXE) **Param { return &p.Subnet }, "the range of DHCP; that of the machines in [network] when it is not said", `"10.20.30.0/24"`),
	key("router", address(), func(p *PXE) *Text { return &p.Router }, "the way out of the subnet", `"10.20.30.1"`),
	key("dns", addresses(), func(p *PXE) *[]Text { return &p.DNS }, "the name server, or several; the server when it is not said", `"10.20.30.242"`),
	key("tftp", matching(slashPattern, absolute), func(p *PXE) *Text { return &p.TFTPRoot }, "the folder that TFTP serves; /tftpboot when it is not said", `"/var/lib/tftpboot"`),
	key("http", matching(slashPattern, absolute), func(p *PXE) *Text { return &p.HTTPRoot }, "the folder that HTTP serves; /var/www/html when it is not said", `"/srv/www"`),
	key("folder", matching(folderPattern, folderPath), func(p *PXE) *Text { return &p.Folder }, "where machines' configurations are below it; coreos when it is not said", `"hosts"`),
	key("by", oneWordOf(pxeBy), func(p *PXE) *Word { return &p.By }, "whether each machine has a configuration of its own, or those of a role share one; machine when it is not said", `"role"`),
	key("console", names(), func(p *PXE) *[]Word { return &p.Consoles }, "the consoles that the kernel writes to; tty0 and ttyS0 when it is not said", `["tty0", "ttyS0"]`),
	key("autologin", flag(), func(p *PXE) *Flag { return &p.Autologin }, "true: who reaches a console needs no password", `true`),
	key("root", matching(NotEmpty, filled), func(p *PXE) *Text { return &p.Root }, "the root file system on a disk of the machines; without it they run from memory", `"LABEL=ROOT"`),
	key("allow", allowances(), func(p *PXE) *[]*Allowance { return &p.Allow }, "codes of findings that are right as they are about this", `["runs-from-memory"]`),
}

var pxeImageWords = []keyword[PXEImage]{
	key("sha256", form[Text]{stringShape(sumPattern), (*decoder).text}, func(i *PXEImage) *Text { return &i.SHA256 }, "its SHA-256", `"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`),
}

func pxeImage(name string, field func(*PXE) **PXEImage, help string) keyword[PXE] {
	return part1(name, name, pxeImageWords, field, func(i *PXEImage, at Pos) { i.Pos = at }, help,
		`{ sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }`)
}

var pxeVersionOf = pattern.New(versionWord)

// pxeVersion reads the version of the images. "current" is another one tomorrow.
func (d *decoder) pxeVersion(v *syntax.Value) Text {
	t := d.text(v)
	if s, ok := d.closed(t); ok && !pxeVersionOf().MatchString(s) {
		d.errorf(diag.BadValue, v.Span, "%q is no version of the images", s).help(`pin one, like "717.3.0": machines that start on different days must start the same system`)
		return Text{}
	}
	return t
}

// pxe reads [pxe] over what the stack holds of it.
func (l *loader) pxe(d *decoder, tree *syntax.Table) {
	e := tree.Get("pxe")
	if e == nil {
		return
	}
	d = d.at("pxe")
	t := d.table(e.Value, "a table")
	if t == nil {
		return
	}
	if l.stack.PXE == nil {
		l.stack.PXE = &PXE{Pos: d.pos(e.KeySpan)}
	}
	l.agreement.allOf(d, t, l.overlaid)
	read(d, l.stack.PXE, t, "[pxe]", pxeWords)
}

// checkPXE reports what the files together do not say.
func (l *loader) checkPXE() {
	p := l.stack.PXE
	if p == nil || l.lost || l.findings.HasErrors() {
		return
	}
	for _, w := range []struct {
		given        bool
		key, example string
	}{{p.Server.Given(), "server", "10.20.30.242"}, {p.Version.Given(), "version", "717.3.0"}} {
		if !w.given {
			l.findings.Add(Finding(diag.Error, diag.MissingKey, p.Pos, "pxe", "[pxe] does not say the %s", w.key).WithHelp("add " + w.key + " = " + quote(w.example)))
		}
	}
}
