// Package pki tells which certificates, keys, tokens and kubeconfigs the programs
// of a stack name on their command lines, whom each is for and where it belongs.
// It makes none: that is the business of who has a source of randomness and a disk.
package pki

import (
	"net/netip"
	"slices"
)

// Plan is all that a stack needs to talk over TLS. Everything in it follows from
// the stack, so that two runs give the same.
type Plan struct {
	// Stack is the name of the stack, and of the cluster in kubeconfigs.
	Stack string
	// Server is where clients find the apiserver, "https://10.0.0.1:6443".
	Server string
	// Certificates are what the CA signs, sorted by name. The CA itself is none of them.
	Certificates []Certificate
	// ServiceAccounts says that a key is needed that signs tokens of service accounts.
	ServiceAccounts bool
	// Tokens are who may show a token in place of a certificate, Passwords who may
	// give a name and a password.
	Tokens, Passwords []Identity
	// Files are what belongs on machines, sorted by machine and path.
	Files []File
}

// Identity is whom the apiserver takes a client for, by the rules of Kubernetes:
// the name of a certificate is the user, its organizations are the groups
// (kubernetes.io, "Authenticating", X509 client certs).
type Identity struct {
	User   string
	Groups []string
}

// Certificate is one certificate with its key.
type Certificate struct {
	// Name is that of its files, without an ending: "kubelet-node-1".
	Name string
	Identity
	// DNS and IP are the names by which clients may call the server that shows it.
	DNS []string
	IP  []netip.Addr
	// Server and Client say what it is good for.
	Server, Client bool
	// Kubeconfig says that a kubeconfig of the same name holds it.
	Kubeconfig bool
}

// File is what belongs on a machine.
type File struct {
	// Machine is a name of the inventory, "" for every machine of Role when the stack
	// has no inventory for it.
	Machine string
	// Role is the role by which it belongs there, "" for a machine that needs none.
	Role string
	// Path is where the program looks for it.
	Path string
	// Name is what it is called among the made files: "ca.crt".
	Name string
	// Owner is the user whose file it is there, "" for root.
	Owner string
}

// Mode is that of every file, on machines and where they are made: nobody but the
// owner reads one.
const Mode = 0o600

// The names of files that are there once.
const (
	CACert            = "ca.crt"
	CAKey             = "ca.key"
	ServiceAccountKey = "service-account.key"
	Tokens            = "known_tokens.csv"
	Passwords         = "basic_auth.csv"
)

// Endings of the files of a certificate.
const (
	CertSuffix       = ".crt"
	KeySuffix        = ".key"
	KubeconfigSuffix = ".kubeconfig"
)

// Admin is the name of the certificate for a person, who may do everything. Its
// kubeconfig goes onto no machine.
const Admin = "admin"

// Masters is the group that may do everything (RBAC's default role cluster-admin).
const Masters = "system:masters"

// Certificate returns the one of that name.
func (p *Plan) Certificate(name string) (Certificate, bool) {
	i := slices.IndexFunc(p.Certificates, func(c Certificate) bool { return c.Name == name })
	if i < 0 {
		return Certificate{}, false
	}
	return p.Certificates[i], true
}

// callHere adds what a server is called by who is on its own machine.
func (c *Certificate) callHere() { c.call("localhost", "127.0.0.1") }

// call adds names and addresses by which the server is called, each once; "" is none.
func (c *Certificate) call(names ...string) {
	for _, name := range names {
		addr, err := netip.ParseAddr(name)
		switch {
		case name == "":
		case err == nil && !slices.Contains(c.IP, addr):
			c.IP = append(c.IP, addr)
		case err != nil && !slices.Contains(c.DNS, name):
			c.DNS = append(c.DNS, name)
		}
	}
}
