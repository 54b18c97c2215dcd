package pki

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// isServer reports whether a command is an apiserver that has a certificate.
func (c command) isServer() bool {
	_, ok := c.has("tls-cert-file")
	return ok && c.program == apiserver
}

// refuseOpen refuses an apiserver without a certificate of its own whose clients would
// show it a token or a password: it makes a certificate that nobody knows, so that
// anybody may be the server.
func refuseOpen(commands []command) error {
	for _, c := range commands {
		for _, flag := range []string{"token-auth-file", "basic-auth-file"} {
			if _, ok := c.has(flag); ok && c.program == apiserver {
				return fail("give it --tls-cert-file and --tls-private-key-file, or take the flag out",
					"%s: --%s is for clients of the HTTPS port, and without --tls-cert-file none of them can tell to whom it shows its secret", c.from, flag)
			}
		}
	}
	return nil
}

// apiserver plans the server's own certificate, where its clients find it, and what it
// looks at to tell them apart.
func (p *planner) apiserver(c command) error {
	on := p.machines(c)
	cert, err := p.serverCertificate(c, on)
	if err != nil {
		return err
	}
	host, err := p.serverHost(c, on)
	if err != nil {
		return err
	}
	p.plan.Server = "https://" + net.JoinHostPort(host, cmp.Or(c.flags["secure-port"], "6443"))
	p.certificate(cert)
	p.everywhere(c, c.flags["tls-cert-file"], cert.Name+CertSuffix)
	p.named(c, "tls-private-key-file", cert.Name+KeySuffix)
	p.kubeletClient(c)
	p.serviceAccounts(c, "service-account-key-file")
	p.knownUsers(c)
	return nil
}

// serverCertificate holds every name and address by which a client may call the server:
// those of Kubernetes itself, its roles', and its machines'.
func (p *planner) serverCertificate(c command, on []*stack.Machine) (Certificate, error) {
	cert := Certificate{Name: "apiserver", Identity: Identity{User: apiserver}, Server: true}
	cert.call("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc."+p.domain)
	cert.callHere()
	if value, ok := c.has("service-cluster-ip-range"); ok {
		services, err := netip.ParsePrefix(value)
		if err != nil {
			return Certificate{}, fail("", "%s: --service-cluster-ip-range=%s is no range of addresses", c.from, value)
		}
		cert.call(services.Masked().Addr().Next().String()) // the service "kubernetes" has the first one
	}
	cert.call(p.roleAddresses(c)...)
	if v, ok := c.has("advertise-address"); ok {
		switch _, err := netip.ParseAddr(v); {
		case err == nil:
			cert.call(v)
		case !strings.Contains(v, "$"): // a variable is one of the machine's own addresses
			return Certificate{}, fail("give it an address of the machine, or of a balancer; a name for clients is the address of the role: [roles] master = { metadata = \"role=master\", address = "+strconv.Quote(v)+" }",
				"%s: --advertise-address=%s is no IP address, and the apiserver takes no other", c.from, v)
		}
	}
	for _, m := range on {
		cert.call(m.Address.Source(), m.Public.Source(), m.Hostname())
	}
	return cert, nil
}

// roleAddresses are those that the roles of a command have of their own.
func (p *planner) roleAddresses(c command) []string {
	var list []string
	for _, name := range c.roles {
		if r := p.stack.Role(name); r != nil && r.Address.Given() {
			list = append(list, r.Address.Source())
		}
	}
	return list
}

// serverHost is what every kubeconfig calls the server: the address of its role, or of
// the one machine on which it can be.
func (p *planner) serverHost(c command, on []*stack.Machine) (string, error) {
	host := cmp.Or(p.roleAddresses(c)...)
	if host == "" && len(on) == 1 {
		host = on[0].Address.Source()
	}
	if err := severalAt(c, on, host); err != nil {
		return "", err
	}
	if host == "" {
		return "", fail(`say it where the role is declared, as in master = { metadata = "role=master", address = "10.0.0.1" }`,
			"%s: nothing tells at which address its clients find it", c.from)
	}
	return host, nil
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
		if m.Called(host) {
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

// kubeletClient plans what the server shows to kubelets, and what it checks them by.
func (p *planner) kubeletClient(c command) {
	p.named(c, "kubelet-certificate-authority", CACert)
	path, ok := c.has("kubelet-client-certificate")
	if !ok {
		return
	}
	client := Certificate{Name: "kubelet-client", Identity: Identity{"kube-apiserver-kubelet-client", []string{Masters}}, Client: true}
	p.certificate(client)
	p.everywhere(c, path, client.Name+CertSuffix)
	p.everywhere(c, c.flags["kubelet-client-key"], client.Name+KeySuffix)
}

// knownUsers plans the files in which the server looks up who shows no certificate.
func (p *planner) knownUsers(c command) {
	if path, ok := c.has("token-auth-file"); ok {
		p.everywhere(c, path, Tokens)
		p.token(Identity{"admin", []string{Masters}})
	}
	if path, ok := c.has("basic-auth-file"); ok {
		p.everywhere(c, path, Passwords)
		// Programs have certificates: a password is for a person and a browser.
		p.plan.Passwords = []Identity{{"admin", []string{Masters}}}
	}
}
