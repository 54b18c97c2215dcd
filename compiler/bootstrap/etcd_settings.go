package bootstrap

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

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
	if b.isOldEtcd() { // what etcd 2 misses, it misses too
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

// memberName is what a member is called; what is made for several machines leaves it to
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

// etcdMember is what a member of etcd 2 is told.
func (b *builder) etcdMember() []Setting {
	e := b.stack.Bootstrap.Etcd
	client, peer := b.clientPorts(), b.peerPorts()
	list := append(b.memberName(), b.cluster()...)
	list = append(list,
		Setting{"advertise-client-urls", b.urls(b.own(side(e.Advertise)), client[0])},
		Setting{"initial-advertise-peer-urls", b.urls(b.own("private"), peer[0])},
		Setting{"listen-client-urls", b.listen(client)},
		Setting{"listen-peer-urls", b.urls(b.own("private"), peer...)},
	)
	return append(list, b.etcdTLS()...)
}

// etcdProxy is what a proxy of etcd 2 is told: a proxy has no name, and needs to know
// the members alone.
func (b *builder) etcdProxy() []Setting {
	list := []Setting{{"proxy", "on"}}
	for _, s := range b.cluster() {
		if s.Key == "discovery" || s.Key == "initial-cluster" {
			list = append(list, s)
		}
	}
	list = append(list, Setting{"listen-client-urls", b.listen(b.clientPorts())})
	return append(list, b.etcdTLS()...)
}

// etcdTLS are the files of an etcd that serves https. It asks everybody for a
// certificate: without that TLS would keep nobody out.
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

// cluster says who is in the cluster, or which service tells it.
func (b *builder) cluster() []Setting {
	e := b.stack.Bootstrap.Etcd
	if e.Discovery.Given() {
		return []Setting{{"discovery", b.text(e.Discovery)}}
	}
	token := b.text(e.Token)
	if token == "" {
		token = b.stack.Name
	}
	return []Setting{{"initial-cluster-token", token}, {"initial-cluster", strings.Join(b.initialMembers(), ",")}, {"initial-cluster-state", "new"}}
}

// initialMembers are the members as NAME=URL. Each must be known by its address; the
// only one of a cluster may be told its own when it boots.
func (b *builder) initialMembers() []string {
	e, list := b.stack.Bootstrap.Etcd, b.memberMachines()
	if len(list) > 1 && b.machine == nil && b.part() == member {
		b.errorf(diag.NoAddress, e.Pos, "bootstrap.etcd", "the members of a cluster have a name each, and %s is of several machines", b.what()).
			help("ask for one machine of the inventory, or give etcd a discovery URL")
	}
	if len(list) == 0 {
		b.errorf(diag.NoAddress, e.Pos, "bootstrap.etcd", "the members of etcd's cluster are not known").
			help("declare them: [machine.NAME] with an address, or give etcd a discovery URL")
	}
	port := b.peerPorts()[0]
	var members []string
	for _, m := range list {
		switch {
		case m.Address.Given():
			members = append(members, m.Name+"="+b.urls(m.Address.Expand(nil), port))
		case m == b.machine && len(list) == 1:
			members = append(members, m.Name+"="+b.urls(b.own("private"), port))
		default:
			b.errorf(diag.NoAddress, m.Pos, "machine."+m.Name, "machine %q is a member of etcd's cluster, and has no address", m.Name).
				help("add address = \"…\" to it, or give etcd a discovery URL")
		}
	}
	return members
}

// oldEtcd is what etcd 0.4 is told, which has other words.
func (b *builder) oldEtcd() []Setting {
	e := b.stack.Bootstrap.Etcd
	client, peer := b.clientPorts(), b.peerPorts()
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
	list := append(b.memberName(),
		Setting{"addr", hostPort(b.own("private"), client[0])},
		Setting{"peer-addr", hostPort(b.own("private"), peer[0])},
		Setting{"bind-addr", bind})
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
