package pxe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// Image is one of the system's images as the server fetches it.
type Image struct {
	Name, URL string
	// SHA256 is "" when the stack does not say.
	SHA256 string
}

// Images are the kernel and the system.
func Images(p *stack.PXE) []Image {
	var list []Image
	for i, given := range []*stack.PXEImage{p.Kernel, p.Initrd} {
		image := Image{Name: stack.PXEImages[i], URL: p.ImagesURL() + "/" + stack.PXEImages[i]}
		if given != nil {
			image.SHA256 = given.SHA256.Source()
		}
		list = append(list, image)
	}
	return list
}

// step is one thing that must hold on the server: a shell test, and what makes it so.
type step struct{ what, test, act string }

// pxelinuxFiles are what PXELINUX consists of. From syslinux 5 on it needs some
// libraries besides, which 4 does not have (syslinux NEWS, 5.00).
const pxelinuxFiles = "pxelinux.0 menu.c32 memdisk mboot.c32 chain.c32"

// script writes the steps in an order in which each has what it needs: a service starts
// when its configuration is there, and comes back at the next boot.
func (m maker) script() string {
	var b strings.Builder
	b.WriteString(scriptHead)
	for _, s := range m.steps() {
		fmt.Fprintf(&b, "step %s \\\n     %s \\\n     %s\n", units.ShellQuote(s.what), units.ShellQuote(s.test), units.ShellQuote(s.act))
	}
	b.WriteString(scriptTail)
	return b.String()
}

func (m maker) steps() []step {
	tftp, http := "$R"+m.p.TFTP(), "$R"+m.p.HTTP()
	conf := "$R/etc/dhcp/stackc-" + strings.ReplaceAll(m.s.Name, "/", "-") + ".conf"
	list := []step{
		{"packages: tftp-server, xinetd, dhcp, syslinux, httpd", `command -v dhcpd && command -v httpd && command -v xinetd && [ -e "$R/usr/share/syslinux/pxelinux.0" ] && [ -e "$R/usr/sbin/in.tftpd" ]`, "yum install -y tftp-server xinetd dhcp syslinux httpd"},
		{"PXELINUX in " + m.p.TFTP(), all(pxelinuxFiles, `[ -e "`+tftp+`/%s" ]`), `mkdir -p "` + tftp + `" && cd "$R/usr/share/syslinux" && cp ` + pxelinuxFiles + ` "` + tftp + `" && for f in ldlinux.c32 libcom32.c32 libutil.c32; do [ ! -e $f ] || cp $f "` + tftp + `"; done`},
		{"TFTP serves " + m.p.TFTP(), `grep -q "server_args.*-s ` + m.p.TFTP() + `\$" "$R/etc/xinetd.d/tftp" && grep -q "disable.*= no" "$R/etc/xinetd.d/tftp"`, `printf '%s\n' 'service tftp' '{' '  socket_type = dgram' '  protocol = udp' '  wait = yes' '  user = root' '  server = /usr/sbin/in.tftpd' '  server_args = -s ` + m.p.TFTP() + `' '  disable = no' '}' > "$R/etc/xinetd.d/tftp"`},
		{"what each machine starts", m.same(tftpDir, tftp), `mkdir -p "` + tftp + `" && cp -a tftp/. "` + tftp + `"`},
	}
	images := Images(m.p)
	if slices.ContainsFunc(images, m.signed) {
		list = append(list, step{"the key that images are signed with", "gpg --list-keys buildbot@coreos.com", "curl -fsS https://coreos.com/security/image-signing-key/CoreOS_Image_Signing_Key.asc | gpg --import"})
	}
	for _, i := range images {
		list = append(list, m.image(i, tftp+"/"+imageDir))
	}
	return append(list,
		step{"configurations of the machines", m.same(httpDir, http), `mkdir -p "` + http + `" && cp -a http/. "` + http + `"`},
		step{"no page of httpd's own at /", `[ ! -e "$R/etc/httpd/conf.d/welcome.conf" ]`, `rm "$R/etc/httpd/conf.d/welcome.conf"`},
		step{"DHCP knows the machines", `cmp -s dhcpd.conf "` + conf + `"`, `mkdir -p "$R/etc/dhcp" && cp dhcpd.conf "` + conf + `"`},
		step{"dhcpd.conf takes that in", `grep -q "include \"` + strings.TrimPrefix(conf, "$R") + `\"" "$R/etc/dhcp/dhcpd.conf"`, `echo 'include "` + strings.TrimPrefix(conf, "$R") + `";' >> "$R/etc/dhcp/dhcpd.conf"`},
		step{"dhcpd takes its configuration", `dhcpd -t -cf "$R/etc/dhcp/dhcpd.conf"`, `dhcpd -t -cf "$R/etc/dhcp/dhcpd.conf"`},
		step{"services run, and start with the machine", "serve check", "serve install"},
		step{"a configuration comes over HTTP", "curl -fsS -o /dev/null " + m.configURL(Configs(m.s)[0]), "curl -fsS -o /dev/null " + m.configURL(Configs(m.s)[0])},
	)
}

// same is the test that all files of a folder are where they are served from.
func (m maker) same(dir, where string) string {
	return `(cd ` + dir + ` && find . -type f -o -type l) | while read -r f; do cmp -s "` + dir + `/$f" "` + where + `/$f" || exit 1; done`
}

// signed reports whether an image is checked by the vendor's signature: always when it
// is fetched from the vendor. One of a place of one's own, which may have none, and from
// which nobody reaches the vendor's key, is checked by its sum where that is known.
func (m maker) signed(i Image) bool { return i.SHA256 == "" || !m.p.Images.Given() }

// image fetches an image beside its place and moves it there when it is right: half a
// one, or one of another, is never served.
func (m maker) image(i Image, dir string) step {
	test := `[ -s "` + dir + "/" + i.Name + `" ]`
	part := i.Name + ".part"
	act := `mkdir -p "` + dir + `" && cd "` + dir + `" && curl -fsS -o ` + part + " " + units.ShellQuote(i.URL)
	if m.signed(i) {
		act += " && curl -fsS -O " + units.ShellQuote(i.URL+".sig") + " && gpg --verify " + i.Name + ".sig " + part
	}
	if i.SHA256 != "" {
		sum := func(file string) string { return `echo "` + i.SHA256 + "  " + file + `" | sha256sum -c --status` }
		test = sum(dir + "/" + i.Name)
		act += " && " + sum(part)
	}
	return step{"image " + path.Base(i.Name) + " of " + m.p.Version.Source(), test, act + " && mv " + part + " " + i.Name}
}

// all joins a test of each word.
func all(words, test string) string {
	var parts []string
	for _, w := range strings.Fields(words) {
		parts = append(parts, fmt.Sprintf(test, w))
	}
	return strings.Join(parts, " && ")
}

const (
	scriptHead = `#!/bin/sh
# What a server needs so that machines start from it: sh server.sh tells what is
# missing and by which command it comes, sh server.sh install does that as root.
# Exit code 0: nothing is missing. ROOT is put before the paths of the server.
set -u
cd "$(dirname "$0")" || exit 1
mode=${1:-check}
R=${ROOT:-}
missing=0

# step TEXT TEST ACT
step() {
  if (eval "$2") >/dev/null 2>&1; then echo "ok       $1"; return; fi
  if [ "$mode" = install ] && (eval "$3") && (eval "$2") >/dev/null 2>&1; then echo "done     $1"; return; fi
  printf "missing  %s\n         %s\n" "$1" "$3"
  missing=$((missing + 1))
}

# serve check|install
serve() {
  for s in dhcpd xinetd httpd; do
    if command -v systemctl >/dev/null; then
      [ "$1" = check ] || { systemctl enable $s && systemctl restart $s; }
      systemctl -q is-enabled $s && systemctl -q is-active $s || return 1
    else
      [ "$1" = check ] || { /sbin/chkconfig $s on && /sbin/service $s restart; }
      /sbin/chkconfig $s && /sbin/service $s status || return 1
    fi
  done
}

`
	scriptTail = `
[ $missing = 0 ] || { echo "$missing missing"; exit 1; }
`
)
