package bootstrap

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

const (
	etcdUnit  = "etcd.service"  // etcd 0.4, as CoreOS has it
	etcd2Unit = "etcd2.service" // etcd 2
	oldEtcd   = "etcd"          // its section
	newEtcd   = "etcd2"
	// clientCertAuth makes it ask clients for a certificate.
	clientCertAuth = "client-cert-auth"
)

// part is what a host is to the etcd cluster.
type part int

const (
	stranger part = iota // has no etcd
	member
	proxy
)

func (b *builder) part() part {
	e := b.stack.Bootstrap.Etcd
	switch {
	case e == nil:
		return stranger
	case b.is(b.members()):
		return member
	case b.has(e.Proxies):
		return proxy
	}
	return stranger
}

// members are the roles whose machines are members: those that the stack says, or
// those that the host entry of the same unit says.
func (c *common) members() []stack.Word {
	e := c.stack.Bootstrap.Etcd
	if e != nil && len(e.Members) > 0 {
		return e.Members
	}
	if h := c.etcdHost(); h != nil {
		return h.Roles
	}
	return nil
}

// etcdHost is the host entry of etcd, nil when there is none.
func (c *common) etcdHost() *stack.Host {
	for _, h := range c.stack.Hosts {
		if h.Unit == etcdUnit || h.Unit == etcd2Unit || c.stack.Bootstrap.Etcd != nil && h.Unit != "" && h.Unit == c.stack.Bootstrap.Etcd.Unit {
			return h
		}
	}
	return nil
}

// etcdName is the unit of etcd.
func (c *common) etcdName() string {
	if e := c.stack.Bootstrap.Etcd; e != nil && e.Unit != "" {
		return string(e.Unit)
	}
	if h := c.etcdHost(); h != nil {
		return string(h.Unit)
	}
	return etcd2Unit
}

// memberMachines are the members of the inventory.
func (c *common) memberMachines() []*stack.Machine {
	roles := c.members()
	return slices.DeleteFunc(slices.Clone(c.stack.Machines), func(m *stack.Machine) bool {
		return len(roles) > 0 && !slices.ContainsFunc(roles, func(w stack.Word) bool { return m.Has(w.Value) })
	})
}

// ports returns the ports for clients, or for members.
func (c *common) ports(peers bool) []int {
	e, old := c.stack.Bootstrap.Etcd, c.etcdName() == etcdUnit
	given := e.Ports
	if peers {
		given = e.PeerPorts
	}
	var list []int
	for _, p := range given {
		list = append(list, p.Value)
	}
	h := c.etcdHost()
	switch {
	case len(list) > 0:
	case peers && old:
		list = []int{7001}
	case peers:
		list = []int{2380}
	case h != nil && h.Port.Given():
		list = []int{h.Port.Value}
	case old:
		list = []int{4001}
	default:
		list = []int{2379, 4001} // what fleet asks by itself: 4001 before v0.11, 2379 since
	}
	if !peers && h != nil && h.Port.Given() && !slices.Contains(list, h.Port.Value) {
		c.errorf(diag.UndeclaredPort, h.Port.Pos, "host."+h.Key+".port", "etcd does not listen on %d", h.Port.Value).
			note(e.Pos.Span, "its ports").help("add it to ports in [bootstrap.etcd], or correct it")
	}
	return list
}

// urls are those of an etcd that bootstrap sets up.
func (c *common) urls(host string, ports ...int) string {
	scheme := "http://"
	if e := c.stack.Bootstrap.Etcd; e != nil && e.TLS() {
		scheme = "https://"
	}
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = scheme + hostPort(host, p)
	}
	return strings.Join(list, ",")
}

// hostPort joins the two; words that are put in later hold no IPv6 address.
func hostPort(host string, port int) string {
	if strings.HasPrefix(host, "$") {
		return host + ":" + strconv.Itoa(port)
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// etcd is what etcd is told, nil for a machine without it.
func (b *builder) etcd() *Program {
	p := &Program{Section: newEtcd, Unit: b.etcdName(), Prefix: "ETCD_"}
	switch b.part() {
	case stranger:
		if b.stack.Bootstrap.Etcd != nil {
			b.unit(p.Unit).mask = true // nothing may take the ports, nor be taken for the cluster
		}
		return nil
	case proxy:
		p.Settings = b.etcdProxy()
	case member:
		p.Settings = b.etcdMember()
	}
	if p.Unit == etcdUnit {
		p.Section, p.Settings = oldEtcd, b.oldEtcd()
	}
	u := b.unit(p.Unit)
	u.start = true
	if e := b.stack.Bootstrap.Etcd; e.Command.Given() {
		u.program("etcd, before fleet", b.text(e.Command))
		u.enable = true
		p.Settings = append(p.Settings, Setting{"data-dir", "/var/lib/etcd"})
	}
	return p
}

// name is what a member is called; what is made for several machines leaves it to
// the unit of the image, which takes the machine's id.
func (b *builder) memberName() []Setting {
	if b.stack.Bootstrap.Etcd.Discovery.Given() {
		return nil
	}
	m := b.machine
	if list := b.memberMachines(); m == nil && len(list) == 1 {
		m = list[0]
	}
	if m == nil {
		return nil
	}
	return []Setting{{"name", m.Name}}
}

func (b *builder) etcdMember() []Setting {
	e := b.stack.Bootstrap.Etcd
	client, peer := b.ports(false), b.ports(true)
	list := append(b.memberName(), b.cluster()...)
	list = append(list,
		Setting{"advertise-client-urls", b.urls(b.own(side(e.Advertise)), client[0])},
		Setting{"initial-advertise-peer-urls", b.urls(b.own("private"), peer[0])},
		Setting{"listen-client-urls", b.listen(client)},
		Setting{"listen-peer-urls", b.urls(b.own("private"), peer...)},
	)
	return append(list, b.etcdTLS()...)
}

func (b *builder) etcdProxy() []Setting {
	list := []Setting{{"proxy", "on"}}
	for _, s := range b.cluster() {
		if s.Key == "discovery" || s.Key == "initial-cluster" {
			list = append(list, s)
		}
	}
	list = append(list, Setting{"listen-client-urls", b.listen(b.ports(false))})
	return append(list, b.etcdTLS()...)
}

// etcdTLS are the files of an etcd that serves https. It asks for a certificate whoever
// comes: without that TLS would keep nobody out.
func (b *builder) etcdTLS() []Setting {
	e := b.stack.Bootstrap.Etcd
	if !e.TLS() {
		return nil
	}
	h := b.etcdHost()
	if h == nil || !overTLS(h) || !h.Ready.CA.Given() || !h.Ready.Cert.Given() {
		b.errorf(diag.MissingKey, e.Cert.Pos, "bootstrap.etcd.cert", "etcd asks for certificates, and nothing says which its clients have").
			help(`declare it: [host.etcd] unit = "%s", port = 2379, ready = { https = "/version", ca = "/etc/etcd/ca.crt", cert = "/etc/etcd/client.crt", key = "/etc/etcd/client.key" }`, b.etcdName())
		return nil
	}
	cert, key, ca := b.text(e.Cert), b.text(e.Key), b.text(h.Ready.CA)
	return []Setting{
		{"cert-file", cert}, {"key-file", key}, {"trusted-ca-file", ca}, {clientCertAuth, "true"},
		{"peer-cert-file", cert}, {"peer-key-file", key}, {"peer-trusted-ca-file", ca}, {"peer-" + clientCertAuth, "true"},
	}
}

// listen is where clients are served: at the address that the stack says, or at the
// machine's own; and always on the machine itself, for fleet.
func (b *builder) listen(ports []int) string {
	at := b.text(b.stack.Bootstrap.Etcd.Listen)
	switch at {
	case "":
		at = b.own("private")
	case "0.0.0.0", "::", "127.0.0.1":
		return b.urls(at, ports...)
	}
	return b.urls(at, ports...) + "," + b.urls("127.0.0.1", ports...)
}

// cluster says who is in the cluster.
func (b *builder) cluster() []Setting {
	e := b.stack.Bootstrap.Etcd
	if e.Discovery.Given() {
		return []Setting{{"discovery", b.text(e.Discovery)}}
	}
	token := b.text(e.Token)
	if token == "" {
		token = b.stack.Name
	}
	list := b.memberMachines()
	peer := b.ports(true)[0]
	if len(list) > 1 && b.machine == nil && b.part() == member {
		b.errorf(diag.NoAddress, e.Pos, "bootstrap.etcd", "the members of a cluster have a name each, and %s is of several machines", b.what()).
			help("ask for one machine of the inventory, or give etcd a discovery URL")
	}
	var members []string
	for _, m := range list {
		if m.Address.Given() {
			members = append(members, m.Name+"="+b.urls(m.Address.Expand(nil), peer))
			continue
		}
		if m != b.machine || len(list) > 1 {
			b.errorf(diag.NoAddress, m.Pos, "machine."+m.Name, "machine %q is a member of etcd's cluster, and has no address", m.Name).
				help("add address = \"…\" to it, or give etcd a discovery URL")
			continue
		}
		members = append(members, m.Name+"="+b.urls(b.own("private"), peer))
	}
	if len(list) == 0 {
		b.errorf(diag.NoAddress, e.Pos, "bootstrap.etcd", "the members of etcd's cluster are not known").
			help("declare them: [machine.NAME] with an address, or give etcd a discovery URL")
	}
	return []Setting{{"initial-cluster-token", token}, {"initial-cluster", strings.Join(members, ",")}, {"initial-cluster-state", "new"}}
}

// oldEtcd is what etcd 0.4 is told, which has other words.
func (b *builder) oldEtcd() []Setting {
	e := b.stack.Bootstrap.Etcd
	client, peer := b.ports(false), b.ports(true)
	if e.TLS() {
		b.errorf(diag.BadValue, e.Cert.Pos, "bootstrap.etcd.cert", "etcd 0.4 takes certificates by other rules").
			help("use etcd2.service")
	}
	if b.part() == proxy {
		b.errorf(diag.BadValue, e.Pos, "bootstrap.etcd.proxies", "etcd 0.4 has no proxies").
			help("leave proxies out: fleet then asks the members; or use etcd2.service")
		return nil
	}
	bind := b.text(e.Listen)
	if bind == "" {
		bind = "0.0.0.0" // one address is all that it binds, and fleet asks the loopback one
	}
	list := b.memberName()
	list = append(list, Setting{"addr", hostPort(b.own("private"), client[0])}, Setting{"peer-addr", hostPort(b.own("private"), peer[0])}, Setting{"bind-addr", bind})
	if e.Discovery.Given() {
		return append(list, Setting{"discovery", b.text(e.Discovery)})
	}
	var peers []string
	for _, m := range b.memberMachines() {
		if m != b.machine && m.Address.Given() {
			peers = append(peers, hostPort(m.Address.Expand(nil), peer[0]))
		}
	}
	b.cluster() // for what it reports
	if len(peers) > 0 {
		list = append(list, Setting{"peers", strings.Join(peers, ",")})
	}
	return list
}

// side is which of its addresses a machine tells.
func side(w stack.Word) string {
	if w.Value == "public" {
		return "public"
	}
	return "private"
}

// endpoints are the URLs at which the host finds etcd, "" when they are not known.
func (b *builder) endpoints() string {
	if b.stack.Bootstrap.Etcd == nil {
		return b.givenEndpoints()
	}
	port := b.ports(false)[0]
	if b.part() != stranger {
		return b.urls("127.0.0.1", port)
	}
	var list []string
	for _, m := range b.memberMachines() {
		if !m.Address.Given() {
			list = nil
			break
		}
		list = append(list, b.urls(m.Address.Expand(nil), port))
	}
	if len(list) == 0 {
		b.errorf(diag.NoAddress, b.stack.Bootstrap.Etcd.Pos, "bootstrap.etcd", "%s has no etcd, and where the members are is not known", b.what()).
			help("make it one of the proxies, or give the members addresses in the inventory")
	}
	return strings.Join(list, ",")
}

// givenEndpoints are those of an etcd that is there already.
func (b *builder) givenEndpoints() string {
	h := b.givenEtcd()
	if h == nil {
		return ""
	}
	at := func(host string) string {
		if overTLS(h) {
			return "https://" + hostPort(host, h.Port.Value)
		}
		return "http://" + hostPort(host, h.Port.Value)
	}
	switch {
	case h.Unit != "" && h.On(b.roles):
		return at("127.0.0.1")
	case len(h.Addresses) > 0:
		var list []string
		for _, a := range h.Addresses {
			list = append(list, at(a.Expand(nil)))
		}
		return strings.Join(list, ",")
	}
	return at(b.stack.Role(h.Roles[0].Value).Address.Expand(nil))
}

// givenEtcd is the host entry of an etcd that is there already, and that this host
// finds; nil when there is none.
func (b *builder) givenEtcd() *stack.Host {
	for _, h := range b.stack.Hosts {
		switch {
		case !isEtcd(h) || !h.Port.Given():
		case h.Unit != "" && h.On(b.roles), len(h.Addresses) > 0:
			return h
		case len(h.Roles) == 1:
			if r := b.stack.Role(h.Roles[0].Value); r != nil && r.Address.Given() {
				return h
			}
		}
	}
	return nil
}

func isEtcd(h *stack.Host) bool {
	return h.Key == "etcd" || h.Unit == units.Name(etcdUnit) || h.Unit == units.Name(etcd2Unit)
}

func overTLS(h *stack.Host) bool { return h.Ready != nil && h.Ready.Kind == stack.ReadyHTTPS }

// etcdFiles are the files with which clients of etcd on this host check it, and with
// what they show to it: by the names that the programs have for them, and as curl takes
// them.
func (b *builder) etcdFiles() (settings []Setting, curl string) {
	h := b.givenEtcd()
	if e := b.stack.Bootstrap.Etcd; e != nil {
		h = b.etcdHost()
		if h != nil && overTLS(h) && !e.TLS() {
			b.errorf(diag.BadValue, h.Ready.Pos, "host."+h.Key+".ready", "etcd is asked over https, and bootstrap sets one up that serves http").
				note(e.Pos.Span, "here").help(`add its certificate: cert = "/etc/etcd/server.crt", key = "/etc/etcd/server.key"`)
		}
	}
	if h == nil || !overTLS(h) {
		return nil, ""
	}
	key := h.Ready.Key
	if !key.Given() {
		key = h.Ready.Cert // in which both are
	}
	for _, f := range []struct {
		setting, option string
		file            stack.Text
	}{{"etcd-cafile", "--cacert", h.Ready.CA}, {"etcd-certfile", "--cert", h.Ready.Cert}, {"etcd-keyfile", "--key", key}} {
		if f.file.Given() {
			settings = append(settings, Setting{f.setting, b.text(f.file)})
			curl += f.option + " " + units.ShellQuote(b.text(f.file)) + " "
		}
	}
	return settings, curl
}
