package pki

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// program plans what one command of Kubernetes looks for.
func (p *planner) program(c command) error {
	p.named(c, "client-ca-file", CACert)
	switch c.program {
	case apiserver:
		return p.apiserver(c)
	case controllerManager:
		p.named(c, "root-ca-file", CACert)
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
		cert.call(node, m.Hostname(), m.Address.Source(), m.Public.Source())
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
