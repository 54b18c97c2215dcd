package pki

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// Error says why there is no plan, and what to do about it.
type Error struct{ Message, Help string }

func (e *Error) Error() string { return e.Message }

func fail(help, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Help: help}
}

// planner makes a plan.
type planner struct {
	stack  *stack.Stack
	plan   *Plan
	domain string // of the cluster's names
}

// Of returns what the programs of a compiled stack need. A stack without an
// apiserver or an etcd that has a certificate needs nothing: that is an *Error, as are
// addresses and machines that the stack does not tell.
func Of(t *topology.Topology, set *units.Set) (*Plan, error) {
	p := &planner{stack: t.Stack, plan: &Plan{Stack: t.Stack.Name}, domain: "cluster.local"}
	commands := commandsOf(t, set)
	for _, c := range commands {
		if d, ok := c.has("cluster-domain"); ok {
			p.domain = strings.Trim(d, ".")
		}
	}
	i := slices.IndexFunc(commands, func(c command) bool {
		_, ok := c.has("tls-cert-file")
		return ok && c.program == apiserver
	})
	stores := slices.DeleteFunc(slices.Clone(commands), func(c command) bool { return !servesTLS(c) })
	if c, flag := openly(commands); i < 0 && flag != "" {
		return nil, fail("give it --tls-cert-file and --tls-private-key-file, or take the flag out",
			"%s: --%s is for clients of the HTTPS port, and without --tls-cert-file none of them can tell to whom it shows its secret", c.from, flag)
	}
	if i < 0 && len(stores) == 0 {
		return nil, fail(`a certificate is what --tls-cert-file of an apiserver or --cert-file of an etcd names; std:kubernetes/1.11 with security = "https" has one`,
			"stack %q has no kube-apiserver or etcd with a certificate, so that it needs none", t.Stack.Name)
	}
	if i >= 0 {
		for _, c := range append([]command{commands[i]}, slices.Delete(slices.Clone(commands), i, i+1)...) {
			if err := p.command(c); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range stores {
		if err := p.etcd(c); err != nil {
			return nil, err
		}
	}
	if len(stores) > 0 {
		if err := p.etcdClients(commands); err != nil {
			return nil, err
		}
	}
	p.certificate(Certificate{Name: Admin, Identity: Identity{"admin", []string{Masters}}, Client: true, Kubeconfig: i >= 0})
	p.sort()
	return p.plan, nil
}

// openly finds an apiserver whose clients would show a token or a password to a
// server that anybody may be: without a certificate of its own it makes one that nobody
// knows.
func openly(commands []command) (c command, flag string) {
	for _, c := range commands {
		for _, flag := range []string{"token-auth-file", "basic-auth-file"} {
			if _, ok := c.has(flag); ok && c.program == apiserver {
				return c, flag
			}
		}
	}
	return command{}, ""
}

// sort puts everything into its one order.
func (p *planner) sort() {
	slices.SortFunc(p.plan.Certificates, func(a, b Certificate) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(p.plan.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Machine, b.Machine), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Path, b.Path))
	})
	if !slices.ContainsFunc(p.plan.Files, func(f File) bool { return f.Name == Tokens }) {
		p.plan.Tokens = nil
	}
}

func (p *planner) command(c command) error {
	if path, ok := c.has("client-ca-file"); ok {
		p.everywhere(c, path, CACert)
	}
	switch c.program {
	case apiserver:
		return p.apiserver(c)
	case controllerManager:
		if path, ok := c.has("root-ca-file"); ok {
			p.everywhere(c, path, CACert)
		}
		p.serviceAccounts(c, "service-account-private-key-file")
		p.client(c, "controller-manager", Identity{User: "system:kube-controller-manager"})
	case scheduler:
		p.client(c, "scheduler", Identity{User: "system:kube-scheduler"})
	case proxy:
		p.client(c, "kube-proxy", Identity{"system:kube-proxy", []string{"system:node-proxier"}})
	case kubelet:
		return p.kubelets(c)
	}
	return nil
}

// apiserver plans the server's own certificate, and what it shows to kubelets.
func (p *planner) apiserver(c command) error {
	cert := Certificate{Name: "apiserver", Identity: Identity{User: apiserver}, Server: true}
	cert.DNS = []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + p.domain, "localhost"}
	cert.IP = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	if value, ok := c.has("service-cluster-ip-range"); ok {
		services, err := netip.ParsePrefix(value)
		if err != nil {
			return fail("", "%s: --service-cluster-ip-range=%s is no range of addresses", c.from, value)
		}
		cert.call(services.Masked().Addr().Next().String()) // the service "kubernetes" has the first one
	}
	host := ""
	for _, name := range c.roles {
		if r := p.stack.Role(name); r != nil && r.Address.Given() {
			host = cmp.Or(host, r.Address.Source())
			cert.call(r.Address.Source())
		}
	}
	if v, ok := c.has("advertise-address"); ok {
		switch _, err := netip.ParseAddr(v); {
		case err == nil:
			cert.call(v)
		case !strings.Contains(v, "$"): // a variable is one of the machine's own addresses
			return fail("give it an address of the machine, or of a balancer; a name for clients is the address of the role: [roles] master = { metadata = \"role=master\", address = "+strconv.Quote(v)+" }",
				"%s: --advertise-address=%s is no IP address, and the apiserver takes no other", c.from, v)
		}
	}
	on := p.machines(c)
	for _, m := range on {
		cert.call(m.Address.Source())
		cert.call(m.Public.Source())
		cert.call(m.Hostname())
	}
	if host == "" && len(on) == 1 {
		host = on[0].Address.Source()
	}
	if err := severalAt(c, on, host); err != nil {
		return err
	}
	if host == "" {
		return fail(`say it where the role is declared, as in master = { metadata = "role=master", address = "10.0.0.1" }`,
			"%s: nothing tells at which address its clients find it", c.from)
	}
	p.plan.Server = "https://" + net.JoinHostPort(host, cmp.Or(c.flags["secure-port"], "6443"))
	p.certificate(cert)
	p.everywhere(c, c.flags["tls-cert-file"], cert.Name+CertSuffix)
	if path, ok := c.has("tls-private-key-file"); ok {
		p.everywhere(c, path, cert.Name+KeySuffix)
	}
	if path, ok := c.has("kubelet-certificate-authority"); ok {
		p.everywhere(c, path, CACert)
	}
	if path, ok := c.has("kubelet-client-certificate"); ok {
		client := Certificate{Name: "kubelet-client", Identity: Identity{"kube-apiserver-kubelet-client", []string{Masters}}, Client: true}
		p.certificate(client)
		p.everywhere(c, path, client.Name+CertSuffix)
		p.everywhere(c, c.flags["kubelet-client-key"], client.Name+KeySuffix)
	}
	p.serviceAccounts(c, "service-account-key-file")
	if path, ok := c.has("token-auth-file"); ok {
		p.everywhere(c, path, Tokens)
		p.token(Identity{"admin", []string{Masters}})
	}
	if path, ok := c.has("basic-auth-file"); ok {
		p.everywhere(c, path, Passwords)
		// Programs have certificates: a password is for a person and a browser.
		p.plan.Passwords = []Identity{{"admin", []string{Masters}}}
	}
	return nil
}

// severalAt refuses kubeconfigs that would name one of several machines on which the
// apiserver can be: a kubeconfig has one server, and its client no way to the others.
func severalAt(c command, on []*stack.Machine, host string) error {
	if len(on) < 2 {
		return nil
	}
	help := `let the address of their role be a name or an address of its own, of a balancer before them: master = { metadata = "role=master", address = "api.example.com" }`
	var names []string
	at := ""
	for _, m := range on {
		names = append(names, m.Name)
		if host != "" && slices.Contains([]string{m.Address.Source(), m.Public.Source(), m.Hostname()}, host) {
			at = m.Name
		}
	}
	switch {
	case host == "":
		return fail(help, "%s can be on %s, and nothing tells at which address its clients find it", c.from, strings.Join(names, ", "))
	case at != "":
		return fail(help, "%s can be on %s, and all kubeconfigs would name %s, which is %s alone", c.from, strings.Join(names, ", "), host, at)
	}
	return nil
}

// serviceAccounts plans the key of service accounts, unless the file is one that
// is there for something else: the guide takes the server's own key.
func (p *planner) serviceAccounts(c command, flag string) {
	path, ok := c.has(flag)
	if !ok || slices.ContainsFunc(p.plan.Files, func(f File) bool { return f.Path == path && f.Name != ServiceAccountKey }) {
		return
	}
	p.plan.ServiceAccounts = true
	p.everywhere(c, path, ServiceAccountKey)
}

// client plans the certificate of a program that is the same on all machines.
func (p *planner) client(c command, name string, who Identity) {
	path, ok := c.has("kubeconfig")
	if !ok {
		return
	}
	p.certificate(Certificate{Name: name, Identity: who, Client: true, Kubeconfig: true})
	p.token(who)
	p.everywhere(c, path, name+KubeconfigSuffix)
}

// kubelets plans a certificate for each machine: the apiserver lets a kubelet do
// what concerns its own node (kubernetes.io, "Using Node Authorization").
func (p *planner) kubelets(c command) error {
	config, client := c.has("kubeconfig")
	shown, server := c.has("tls-cert-file")
	if !client && !server {
		return nil
	}
	on := p.machines(c)
	if len(on) == 0 {
		return fail(`name them, as in [machine.node-1] with address = "10.0.0.2" and role = "node"`,
			"%s: each kubelet has a certificate of its own, and the stack names no machine that has one", c.from)
	}
	for _, m := range on {
		node := nodeName(c, m)
		if node == "" {
			return fail("add the address: by it the node is known", "%s: machine %q has no address", c.from, m.Name)
		}
		cert := Certificate{
			Name: "kubelet-" + m.Name, Identity: Identity{"system:node:" + node, []string{"system:nodes"}},
			Server: server, Client: client, Kubeconfig: client,
		}
		for _, name := range []string{node, m.Hostname(), m.Address.Source(), m.Public.Source()} {
			cert.call(name)
		}
		p.certificate(cert)
		if client {
			p.token(cert.Identity)
			p.on(m, config, cert.Name+KubeconfigSuffix)
		}
		if server {
			p.on(m, shown, cert.Name+CertSuffix)
			p.on(m, c.flags["tls-private-key-file"], cert.Name+KeySuffix)
		}
	}
	return nil
}

// nodeName is what a kubelet calls its node: its host's name, unless it is told
// otherwise. A variable of systemd's is the machine's own address.
func nodeName(c command, m *stack.Machine) string {
	name, ok := c.has("hostname-override")
	switch {
	case !ok:
		return strings.ToLower(m.Hostname())
	case strings.Contains(name, "$"):
		return m.Address.Source()
	}
	return name
}

// machines are those of the inventory on which a command may run.
func (p *planner) machines(c command) []*stack.Machine {
	var list []*stack.Machine
	for _, m := range p.stack.Machines {
		if len(c.roles) == 0 || slices.ContainsFunc(c.roles, m.Has) {
			list = append(list, m)
		}
	}
	return list
}

// everywhere plans a file for all machines on which a command may run.
func (p *planner) everywhere(c command, path, name string) {
	on := p.machines(c)
	for _, m := range on {
		p.on(m, path, name)
	}
	if len(on) > 0 {
		return
	}
	roles := c.roles
	if len(roles) == 0 {
		roles = []string{""}
	}
	for _, role := range roles {
		p.file(File{Role: role, Path: path, Name: name})
	}
}

func (p *planner) on(m *stack.Machine, path, name string) {
	p.file(File{Machine: m.Name, Path: path, Name: name})
}

func (p *planner) file(f File) {
	if f.Path == "" {
		return
	}
	for i, have := range p.plan.Files {
		if have.Machine == f.Machine && have.Role == f.Role && have.Path == f.Path && have.Name == f.Name {
			p.plan.Files[i].Owner = cmp.Or(have.Owner, f.Owner) // root reads what is another's
			return
		}
	}
	p.plan.Files = append(p.plan.Files, f)
}

func (p *planner) certificate(c Certificate) {
	if _, ok := p.plan.Certificate(c.Name); !ok {
		p.plan.Certificates = append(p.plan.Certificates, c)
	}
}

func (p *planner) token(who Identity) {
	if !slices.ContainsFunc(p.plan.Tokens, func(t Identity) bool { return t.User == who.User }) {
		p.plan.Tokens = append(p.plan.Tokens, who)
	}
}

// call adds a name or an address by which the server is called.
func (c *Certificate) call(name string) {
	if name == "" {
		return
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		if !slices.Contains(c.IP, addr) {
			c.IP = append(c.IP, addr)
		}
	} else if !slices.Contains(c.DNS, name) {
		c.DNS = append(c.DNS, name)
	}
}
