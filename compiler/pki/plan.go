package pki

import (
	"cmp"
	"fmt"
	"slices"
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
	commands := commandsOf(t, set)
	p := &planner{stack: t.Stack, plan: &Plan{Stack: t.Stack.Name}, domain: clusterDomain(commands)}
	server := slices.IndexFunc(commands, command.isServer)
	stores := slices.DeleteFunc(slices.Clone(commands), func(c command) bool { return !servesTLS(c) })
	if server < 0 {
		if err := refuseOpen(commands); err != nil {
			return nil, err
		}
		if len(stores) == 0 {
			return nil, fail(`a certificate is what --tls-cert-file of an apiserver or --cert-file of an etcd names; std:kubernetes/1.11 with security = "https" has one`,
				"stack %q has no kube-apiserver or etcd with a certificate, so that it needs none", t.Stack.Name)
		}
	}
	if server >= 0 {
		if err := p.kubernetes(commands, server); err != nil {
			return nil, err
		}
	}
	if len(stores) > 0 {
		if err := p.stores(stores, commands); err != nil {
			return nil, err
		}
	}
	p.certificate(Certificate{Name: Admin, Identity: Identity{"admin", []string{Masters}}, Client: true, Kubeconfig: server >= 0})
	p.sort()
	return p.plan, nil
}

// clusterDomain is that of the names of services: what a command line says last, or
// what Kubernetes takes by itself.
func clusterDomain(commands []command) string {
	domain := "cluster.local"
	for _, c := range commands {
		if d, ok := c.has("cluster-domain"); ok {
			domain = strings.Trim(d, ".")
		}
	}
	return domain
}

// kubernetes plans for all programs of Kubernetes. The server comes first: whether a
// path holds its key or one of service accounts is told by what it has there.
func (p *planner) kubernetes(commands []command, server int) error {
	if err := p.program(commands[server]); err != nil {
		return err
	}
	for i, c := range commands {
		if i == server {
			continue
		}
		if err := p.program(c); err != nil {
			return err
		}
	}
	return nil
}

// stores plans for each etcd that serves TLS, and for the clients of all of them.
func (p *planner) stores(stores, commands []command) error {
	for _, c := range stores {
		if err := p.etcd(c); err != nil {
			return err
		}
	}
	return p.etcdClients(commands)
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

// named plans a file where a flag of the command says that it looks for one.
func (p *planner) named(c command, flag, name string) {
	if path, ok := c.has(flag); ok {
		p.everywhere(c, path, name)
	}
}

// everywhere plans a file for all machines on which a command may run, and for the
// command's roles while the inventory has none of these.
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

// on plans a file for one machine.
func (p *planner) on(m *stack.Machine, path, name string) {
	p.file(File{Machine: m.Name, Path: path, Name: name})
}

// file plans a file once, however many programs look for it; a path of "" is none.
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

// certificate plans a certificate, unless there is one of its name.
func (p *planner) certificate(c Certificate) {
	if _, ok := p.plan.Certificate(c.Name); !ok {
		p.plan.Certificates = append(p.plan.Certificates, c)
	}
}

// token gives somebody a token, once.
func (p *planner) token(who Identity) {
	if !slices.ContainsFunc(p.plan.Tokens, func(t Identity) bool { return t.User == who.User }) {
		p.plan.Tokens = append(p.plan.Tokens, who)
	}
}
