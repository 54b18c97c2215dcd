package bootstrap

import (
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// endpoints are the URLs at which the host finds etcd, "" when they are not known.
func (b *builder) endpoints() string {
	if b.stack.Bootstrap.Etcd == nil {
		return b.givenEndpoints()
	}
	port := b.clientPorts()[0]
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
	scheme := "http://"
	if overTLS(h) {
		scheme = "https://"
	}
	at := func(host string) string { return scheme + hostPort(host, h.Port.Value) }
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

// isEtcd reports whether a host entry is of etcd, by its key or by its unit.
func isEtcd(h *stack.Host) bool { return h.Key == "etcd" || imageEtcd(h) }

// imageEtcd reports whether its unit is one of those that images have for etcd.
func imageEtcd(h *stack.Host) bool {
	return h.Unit == etcdUnit || h.Unit == etcd2Unit || h.Unit == memberUnit
}

// overTLS reports whether clients are to ask over https.
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
