package stack

import (
	"regexp"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// Bootstrap is what every machine needs so that fleet runs on it: who may log in,
// how it knows its own address, and what etcd, fleet, flannel and docker are told.
type Bootstrap struct {
	Pos Pos
	// Address is how a machine knows its own address: one of [AddressWays], "" for
	// the inventory where it has the address and the platform where it has not.
	Address Word
	// Network is the program of [AddressProgram], nil for none.
	Network *Download
	SSHKeys []Text
	Update  *OSUpdate
	Etcd    *BootEtcd
	Fleet   *BootFleet
	Flannel *BootFlannel
	Docker  *BootDocker
}

// The ways in which a machine can know its own address.
const (
	// AddressInventory: it stands in the stack, and is written out.
	AddressInventory = "inventory"
	// AddressPlatform: the cloud tells it; in a cloud-config it is $private_ipv4.
	AddressPlatform = "platform"
	// AddressProgram: setup-network-environment asks the kernel at every boot, and
	// writes /etc/network-environment.
	AddressProgram = "setup-network-environment"
)

// AddressWays returns the ways in which a machine can know its own address.
func AddressWays() []string { return []string{AddressInventory, AddressPlatform, AddressProgram} }

// OSUpdate is how the machines' operating system is renewed.
type OSUpdate struct {
	Pos Pos
	// Group is the channel: "stable"; the empty Text for the image's own.
	Group Text
	// Reboot is what happens when there is an update: one of [RebootStrategies].
	Reboot Word
	// Server is an update server of one's own, the empty Text for the vendor's.
	Server Text
}

// RebootStrategies returns what locksmith can do when there is an update
// (coreos-cloudinit v1.14.0 config/update.go).
func RebootStrategies() []string { return []string{"etcd-lock", "reboot", "off"} }

// BootEtcd is etcd as the hosts run it.
type BootEtcd struct {
	Pos Pos
	// Unit is "etcd2.service", or "etcd.service" for etcd 0.4.
	Unit units.Name
	// Members and Proxies are the roles whose machines are members of the cluster, and
	// those that pass requests on to them. Without members all machines are.
	Members, Proxies []Word
	// Discovery is the URL at which the members find each other, the empty Text when
	// the inventory says who they are.
	Discovery Text
	// Token tells clusters apart, the empty Text for the name of the stack.
	Token Text
	// Ports and PeerPorts are those that clients and members talk to, the first of
	// each being the one that is told to others.
	Ports, PeerPorts []Int
	// Listen is the address that clients are served at, the empty Text for the
	// machine's own and the loopback address.
	Listen Text
	// Advertise is which of its addresses a member tells clients: "private" or "public".
	Advertise Word
	// Command runs etcd where the image has no unit for it; then that is written whole.
	Command Text
	// Cert and Key are the files with the certificate that it shows to clients and to
	// other members; the empty Text for an etcd that serves http. Then clients show one
	// too, and all are checked by the ca of the host entry's readiness.
	Cert, Key Text
}

// TLS reports whether it serves https.
func (e *BootEtcd) TLS() bool { return e.Cert.Given() && e.Key.Given() }

// BootFleet is fleet as the hosts run it.
type BootFleet struct {
	Pos Pos
	// PublicIP is which of its addresses a machine tells the cluster.
	PublicIP Word
	// Command runs fleet where the image has none; then the units are written whole.
	Command Text
	// Listen are further places of fleet's API, as ListenStream= takes them.
	Listen []Text
}

// BootFlannel is flannel as the hosts run it, before fleet.
type BootFlannel struct {
	Pos       Pos
	Unit      units.Name
	Roles     []Word
	Interface Word // "private" or "public"
	// Command runs flannel where the image has no unit for it; then that is written whole.
	Command Text
}

// BootDocker is the hosts' docker in flannel's network.
type BootDocker struct {
	Pos   Pos
	Unit  units.Name
	Roles []Word
	// Command replaces that of the image, the empty Text to keep it.
	Command Text
}

// bootstrapWords are the keys of [bootstrap].
var bootstrapWords = []keyword[Bootstrap]{
	key("address", oneWordOf(AddressWays), func(b *Bootstrap) *Word { return &b.Address },
		"how a machine knows its own address", `"platform"`),
	key("setup_network_environment", form[*Download]{downloadShape(), (*decoder).oneDownload}, func(b *Bootstrap) **Download { return &b.Network },
		"where the program comes from that asks the kernel for the address", `{ url = "http://10.0.0.1/setup-network-environment", to = "/opt/bin/setup-network-environment", unverified = true }`),
	listKey("ssh_keys", form[[]Text]{manyShape(stringShape(NotEmpty)), (*decoder).sshKeys}, func(b *Bootstrap) *[]Text { return &b.SSHKeys },
		"the public keys that may log in", `["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJp core@lab"]`),
	part1("update", "[bootstrap.update]", osUpdateWords, func(b *Bootstrap) **OSUpdate { return &b.Update }, func(u *OSUpdate, p Pos) { u.Pos = p },
		"how the operating system is renewed", `{ group = "stable", reboot = "etcd-lock" }`),
	part1("etcd", "[bootstrap.etcd]", etcdWords, func(b *Bootstrap) **BootEtcd { return &b.Etcd }, func(e *BootEtcd, p Pos) { e.Pos = p },
		"etcd as the hosts run it", `{ members = "master" }`),
	part1("fleet", "[bootstrap.fleet]", fleetWords, func(b *Bootstrap) **BootFleet { return &b.Fleet }, func(f *BootFleet, p Pos) { f.Pos = p },
		"fleet as the hosts run it", `{ public_ip = "private" }`),
	part1("flannel", "[bootstrap.flannel]", flannelWords, func(b *Bootstrap) **BootFlannel { return &b.Flannel }, func(f *BootFlannel, p Pos) { f.Pos = p },
		"flannel as the hosts run it, with the pods of [network]", `{ interface = "private" }`),
	part1("docker", "[bootstrap.docker]", dockerWords, func(b *Bootstrap) **BootDocker { return &b.Docker }, func(x *BootDocker, p Pos) { x.Pos = p },
		"docker in flannel's network: it waits for the machine's part of it", `{ role = "node" }`),
}

var osUpdateWords = []keyword[OSUpdate]{
	key("group", matching(NotEmpty, filled), func(u *OSUpdate) *Text { return &u.Group }, "the channel that updates come from", `"stable"`),
	key("reboot", oneWordOf(RebootStrategies), func(u *OSUpdate) *Word { return &u.Reboot }, "when a machine starts again for an update", `"etcd-lock"`),
	key("server", matching(`://`, withScheme), func(u *OSUpdate) *Text { return &u.Server }, "an update server of one's own", `"http://10.0.0.1:8000/v1/update/"`),
}

var etcdWords = []keyword[BootEtcd]{
	key("unit", hostUnitForm(), func(e *BootEtcd) *units.Name { return &e.Unit }, "etcd2.service, or etcd.service for etcd 0.4", `"etcd2.service"`),
	key("members", names(), func(e *BootEtcd) *[]Word { return &e.Members }, "the roles whose machines are members; without it all machines", `"master"`),
	key("proxies", names(), func(e *BootEtcd) *[]Word { return &e.Proxies }, "the roles whose machines pass requests on to the members", `"worker"`),
	key("discovery", matching(`://`, withScheme), func(e *BootEtcd) *Text { return &e.Discovery }, "the URL of a discovery service, instead of the inventory", `"https://discovery.etcd.io/9a6b7af06c8a677b4e5f76ae9ce0da9c"`),
	key("token", matching(NotEmpty, filled), func(e *BootEtcd) *Text { return &e.Token }, "what tells this cluster from others; the stack's name when it is not said", `"etcd-cluster-1"`),
	key("ports", portsForm(), func(e *BootEtcd) *[]Int { return &e.Ports }, "the ports for clients, the first being the one that is told", `[2379, 4001]`),
	key("peer_ports", portsForm(), func(e *BootEtcd) *[]Int { return &e.PeerPorts }, "the ports for members, the first being the one that is told", `[2380, 7001]`),
	key("listen", address(), func(e *BootEtcd) *Text { return &e.Listen }, "the address at which clients are served", `"0.0.0.0"`),
	key("advertise", oneWordOf(sides), func(e *BootEtcd) *Word { return &e.Advertise }, "which of its addresses a member tells clients", `"public"`),
	key("command", matching(slashPattern, absolute), func(e *BootEtcd) *Text { return &e.Command }, "what runs etcd on an image that has no unit for it", `"/usr/bin/etcd2"`),
	key("cert", matching(slashPattern, absolute), func(e *BootEtcd) *Text { return &e.Cert }, "the file with its certificate, for clients and members; then it serves https to those who show one", `"/etc/etcd/server.crt"`),
	key("key", matching(slashPattern, absolute), func(e *BootEtcd) *Text { return &e.Key }, "the file with the key of cert", `"/etc/etcd/server.key"`),
}

var fleetWords = []keyword[BootFleet]{
	key("public_ip", oneWordOf(sides), func(f *BootFleet) *Word { return &f.PublicIP }, "which of its addresses a machine tells the cluster", `"public"`),
	key("command", matching(slashPattern, absolute), func(f *BootFleet) *Text { return &f.Command }, "what runs fleet on an image that has no units for it", `"/usr/bin/fleetd"`),
	key("listen", form[[]Text]{manyShape(stringShape(NotEmpty)), (*decoder).texts}, func(f *BootFleet) *[]Text { return &f.Listen },
		"further places of fleet's API, as ListenStream= takes them", `["0.0.0.0:49153"]`),
}

var flannelWords = []keyword[BootFlannel]{
	key("unit", hostUnitForm(), func(f *BootFlannel) *units.Name { return &f.Unit }, "flannel's unit in the image", `"flanneld.service"`),
	key("role", names(), func(f *BootFlannel) *[]Word { return &f.Roles }, "the roles whose machines run it; without it all machines", `"node"`),
	key("interface", oneWordOf(sides), func(f *BootFlannel) *Word { return &f.Interface }, "which of its addresses a machine is found at", `"public"`),
	key("command", matching(slashPattern, absolute), func(f *BootFlannel) *Text { return &f.Command }, "what runs flannel on an image that has no unit for it", `"/opt/bin/flanneld"`),
}

var dockerWords = []keyword[BootDocker]{
	key("unit", hostUnitForm(), func(x *BootDocker) *units.Name { return &x.Unit }, "docker's unit in the image", `"docker.service"`),
	key("role", names(), func(x *BootDocker) *[]Word { return &x.Roles }, "the roles whose machines run it; without it all machines", `"node"`),
	key("command", matching(slashPattern, absolute), func(x *BootDocker) *Text { return &x.Command }, "what runs docker, when the image's own command does not take flannel's options",
		`"/usr/bin/docker -d --bip=${FLANNEL_SUBNET} --mtu=${FLANNEL_MTU} -H fd://"`),
}

// The patterns of matching, compiled.
var (
	filled     = pattern.New(NotEmpty)
	absolute   = pattern.New(slashPattern)
	withScheme = pattern.New(`://`)
	folderPath = pattern.New(folderPattern)
)

// matching is a string in which expressions may stand, and which must match a
// pattern unless they do; fits is the same, compiled.
func matching(expr string, fits func() *regexp.Regexp) form[Text] {
	hints := map[string]string{NotEmpty: "write something, or leave it out", slashPattern: "it begins with a /", `://`: `it is a URL, like "http://10.0.0.1/"`}
	return form[Text]{stringShape(expr), func(d *decoder, v *syntax.Value) Text {
		t := d.text(v)
		if t.sound() && (v.Kind != syntax.String || !strings.Contains(v.Str, exprOpen)) && !fits().MatchString(t.Source()) {
			d.errorf(diag.BadValue, v.Span, "%q cannot stand here", t.Source()).help("%s", hints[expr])
			return Text{}
		}
		return t
	}}
}

// sides are the two addresses of a machine.
func sides() []string { return []string{"private", "public"} }

// oneWordOf is one word of a list.
func oneWordOf(words func() []string) form[Word] {
	return form[Word]{choiceShape(words()...), func(d *decoder, v *syntax.Value) Word {
		w := d.word(v)
		if w.Value != "" && !slices.Contains(words(), w.Value) {
			d.errorf(diag.BadValue, v.Span, "%q cannot stand here", w.Value).suggest(w.Value, words()).orHelp("it is one of %s", oneOf(words()))
			return Word{Pos: w.Pos}
		}
		return w
	}}
}

// part1 makes the keyword of a table of its own, which later layers add to.
func part1[O, P any](name, what string, words []keyword[P], field func(*O) **P, place func(*P, Pos), help, example string) keyword[O] {
	return keyword[O]{
		Keyword{Name: name, Help: help, Shape: tableShape(Table{Name: what, Keys: keywordsOf(words)}), Example: example},
		func(d *decoder, o *O, v *syntax.Value) {
			t := d.table(v, "a table")
			if t == nil {
				return
			}
			if *field(o) == nil {
				*field(o) = new(P)
				place(*field(o), d.pos(v.Span))
			}
			read(d, *field(o), t, what, words)
		},
	}
}

func hostUnitForm() form[units.Name] {
	return form[units.Name]{stringShape(NotEmpty), (*decoder).hostUnitName}
}

// portsForm is one port, or several.
func portsForm() form[[]Int] {
	return form[[]Int]{manyShape(port().shape), func(d *decoder, v *syntax.Value) []Int {
		elems := []*syntax.Value{v}
		if r, ok := d.resolve(v); ok && r.Kind == syntax.Array {
			elems = r.Elems
		}
		var list []Int
		for i, e := range elems {
			if n := d.index(i).number(e, 1, 65535); n.Value > 0 {
				list = append(list, n)
			}
		}
		return list
	}}
}

// texts reads one string, or several.
func (d *decoder) texts(v *syntax.Value) []Text {
	var list []Text
	for _, w := range d.words(v) {
		list = append(list, plainText(w.Pos, nil, w.Value))
	}
	return list
}

// oneDownload reads a download that stands alone.
func (d *decoder) oneDownload(v *syntax.Value) *Download {
	if dl, ok := d.download(v); ok {
		return &dl
	}
	return nil
}

// sshKeys reads public keys. A private one must not get into a file that machines
// fetch over the network.
func (d *decoder) sshKeys(v *syntax.Value) []Text {
	list := d.texts(v)
	for i, t := range list {
		if why := badSSHKey(t.Source()); why != "" {
			d.index(i).errorf(diag.BadValue, t.Pos.Span, "this is no public key of ssh: %s", why).
				help("write the line of a file such as ~/.ssh/id_ed25519.pub")
		}
	}
	return list
}

// bootstrap reads [bootstrap] over what the stack holds of it.
func (l *loader) bootstrap(d *decoder, tree *syntax.Table) {
	e := tree.Get("bootstrap")
	if e == nil {
		return
	}
	d = d.at("bootstrap")
	t := d.table(e.Value, "a table")
	if t == nil {
		return
	}
	if l.stack.Bootstrap == nil {
		l.stack.Bootstrap = &Bootstrap{Pos: d.pos(e.KeySpan)}
	}
	l.agreement.allOf(d, t, l.overlaid, "setup_network_environment")
	read(d, l.stack.Bootstrap, t, "[bootstrap]", bootstrapWords)
}

// checkBootstrap reports roles that there are not.
func (l *loader) checkBootstrap() {
	b := l.stack.Bootstrap
	if b == nil {
		return
	}
	if e := b.Etcd; e != nil {
		l.knownRoles("bootstrap.etcd.members", e.Members)
		l.knownRoles("bootstrap.etcd.proxies", e.Proxies)
		if e.Cert.Given() != e.Key.Given() {
			l.findings.Add(Finding(diag.Error, diag.MissingKey, e.Pos, "bootstrap.etcd", "[bootstrap.etcd] says one of cert and key, and needs both").
				WithHelp(`write cert = "/etc/etcd/server.crt" and key = "/etc/etcd/server.key"`))
		}
	}
	if b.Flannel != nil {
		l.knownRoles("bootstrap.flannel.role", b.Flannel.Roles)
	}
	if b.Docker != nil {
		l.knownRoles("bootstrap.docker.role", b.Docker.Roles)
		l.hostText("bootstrap.docker.command", b.Docker.Command, func(m *Machine) bool { return m.hasAny(b.Docker.Roles) })
	}
	if b.Etcd != nil {
		l.hostText("bootstrap.etcd.command", b.Etcd.Command, func(*Machine) bool { return true })
	}
	if b.Flannel != nil {
		l.hostText("bootstrap.flannel.command", b.Flannel.Command, func(m *Machine) bool { return m.hasAny(b.Flannel.Roles) })
	}
	if b.Fleet != nil {
		l.hostText("bootstrap.fleet.command", b.Fleet.Command, func(*Machine) bool { return true })
	}
}
