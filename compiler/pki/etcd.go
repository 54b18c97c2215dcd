package pki

import (
	"cmp"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// etcdClient is the name of the certificate that clients of etcd show, all the same:
// who reaches etcd may do everything there.
const etcdClient = "etcd-client"

// etcdHosts returns the etcd of host entries, by their command lines and by the
// variables that it takes for its flags (etcd Documentation, op-guide/configuration).
func etcdHosts(s *stack.Stack) []command {
	var list []command
	for _, h := range s.Hosts {
		if !isEtcd(h) {
			continue
		}
		c := command{program: etcd, flags: map[string]string{}, from: "host." + stack.Key(h.Key)}
		for _, w := range h.Roles {
			c.roles = append(c.roles, w.Value)
		}
		sections := h.Sections
		for _, in := range h.DropIns {
			sections = append(slices.Clone(sections), in.Sections...)
		}
		for _, line := range execStarts(sections) {
			if found, ok := commandOf(line); ok && found.program == etcd {
				for name, value := range found.flags {
					c.flags[name] = value
				}
			}
		}
		for _, v := range h.Environment {
			if name, ok := strings.CutPrefix(v.Name, "ETCD_"); ok {
				name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
				c.flags[name] = cmp.Or(c.flags[name], v.Value.Source()) // a flag wins over its variable
			}
		}
		list = append(list, c)
	}
	return list
}

// bootEtcd is the etcd that bootstrap sets up, by the flags that it is given there.
func bootEtcd(s *stack.Stack) []command {
	if s.Bootstrap == nil || s.Bootstrap.Etcd == nil || !s.Bootstrap.Etcd.TLS() {
		return nil
	}
	e := s.Bootstrap.Etcd
	c := command{program: etcd, flags: map[string]string{}, from: "bootstrap.etcd"}
	if !e.Command.Given() {
		c.owner = "etcd" // as whom the image's unit runs it
	}
	members := e.Members
	for _, h := range s.Hosts {
		if isEtcd(h) && h.Ready != nil {
			c.flags["trusted-ca-file"] = h.Ready.CA.Source()
		}
		if isEtcd(h) && len(members) == 0 {
			members = h.Roles
		}
	}
	for _, w := range members {
		c.roles = append(c.roles, w.Value)
	}
	if len(c.roles) > 0 { // without members all machines are
		for _, w := range e.Proxies {
			c.roles = append(c.roles, w.Value)
		}
	}
	c.flags["cert-file"], c.flags["key-file"] = e.Cert.Source(), e.Key.Source()
	return []command{c}
}

func isEtcd(h *stack.Host) bool {
	return h.Unit != "" && (h.Key == etcd || slices.Contains([]string{"etcd", "etcd2", "etcd-member"}, h.Unit.Base()))
}

// execStarts are the command lines of services, each as its words.
func execStarts(sections []*stack.Section) [][]string {
	var lines [][]string
	for _, s := range sections {
		for _, d := range s.Directives {
			if s.Name != "Service" || d.Name != "ExecStart" {
				continue
			}
			for _, v := range d.Values {
				lines = append(lines, commandLines(v.Source())...)
			}
		}
	}
	return lines
}

// servesTLS reports whether a command is an etcd that has a certificate.
func servesTLS(c command) bool {
	_, client := c.has("cert-file")
	_, peer := c.has("peer-cert-file")
	return c.program == etcd && (client || peer)
}

// etcd plans a certificate for each machine of an etcd: for clients and members alike,
// which a member also shows to the others.
func (p *planner) etcd(c command) error {
	on := p.machines(c)
	if len(on) == 0 {
		return fail(`name them, as in [machine.store-1] with address = "10.0.0.7"`,
			"%s: each etcd has a certificate of its own, and the stack names no machine that has one", c.from)
	}
	for _, m := range on {
		cert := Certificate{Name: "etcd-" + m.Name, Identity: Identity{User: "etcd-" + m.Name}, Server: true, Client: true}
		cert.callHere()
		for _, name := range c.roles {
			if r := p.stack.Role(name); r != nil && m.Has(name) {
				cert.call(r.Address.Source())
			}
		}
		cert.call(m.Address.Source(), m.Public.Source(), m.Hostname())
		p.certificate(cert)
		for _, of := range []string{"", "peer-"} {
			p.file(File{Machine: m.Name, Path: c.flags[of+"cert-file"], Name: cert.Name + CertSuffix, Owner: c.owner})
			p.file(File{Machine: m.Name, Path: c.flags[of+"key-file"], Name: cert.Name + KeySuffix, Owner: c.owner})
			p.file(File{Machine: m.Name, Path: c.flags[of+"trusted-ca-file"], Name: CACert, Owner: c.owner})
		}
	}
	return nil
}

// etcdClients plans what the clients of such an etcd check it by and show to it: the
// apiserver and flannel by their flags, units and fleet by what the host entry says.
func (p *planner) etcdClients(commands []command) error {
	show := func(c command, ca, cert, key string) {
		p.unlessThere(c, ca, CACert)
		p.unlessThere(c, cert, etcdClient+CertSuffix)
		p.unlessThere(c, key, etcdClient+KeySuffix)
		if cert != "" {
			p.certificate(Certificate{Name: etcdClient, Identity: Identity{User: etcdClient}, Client: true})
		}
	}
	for _, c := range commands {
		show(c, c.flags["etcd-cafile"], c.flags["etcd-certfile"], c.flags["etcd-keyfile"])
	}
	for _, h := range p.stack.Hosts {
		r := h.Ready
		if !isEtcd(h) || r == nil || r.Kind != stack.ReadyHTTPS {
			continue
		}
		if r.Cert.Given() && !r.Key.Given() {
			return fail("add key = \"…\" to ready", "host.%s: cert and key are files of their own here", stack.Key(h.Key))
		}
		show(command{}, r.CA.Source(), r.Cert.Source(), r.Key.Source())
	}
	return nil
}

// unlessThere plans a file for the machines of a command that have none at that place: a
// member of etcd may show what it has.
func (p *planner) unlessThere(c command, path, name string) {
	if path == "" {
		return
	}
	there := func(machine string) bool {
		return slices.ContainsFunc(p.plan.Files, func(f File) bool { return f.Machine == machine && f.Path == path })
	}
	on := p.machines(c)
	for _, m := range on {
		if !there(m.Name) {
			p.on(m, path, name)
		}
	}
	if len(on) == 0 {
		p.everywhere(c, path, name)
	}
}
