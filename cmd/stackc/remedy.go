package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/tunnel"
	"github.com/stackc/stackc/units/pattern"
)

// whereFleetIs says what to do when fleet cannot be reached.
func whereFleetIs(err error) string {
	var ssh *tunnel.Error
	var lookup *net.DNSError
	switch text := aboutTLS(err); {
	case errors.As(err, &ssh):
		return aboutSSH(ssh)
	case text != "":
		return text
	case errors.Is(err, fs.ErrPermission):
		return "the socket belongs to root: use sudo, or another --endpoint"
	case errors.Is(err, fleet.ErrWantsUser):
		return "write the user into the endpoint: http://user:password@host:2379"
	case fleet.KindOf(err) == fleet.Garbled && etcdPort().MatchString(err.Error()):
		return "that is a port of etcd: with --driver=etcd stackc works on fleet's registry there, or --endpoint says where fleet is"
	case fleet.KindOf(err) == fleet.Garbled:
		return "something else answers there; --endpoint or FLEETCTL_ENDPOINT says where fleet is"
	case fleet.KindOf(err) == fleet.Server && strings.Contains(err.Error(), "etcd member"):
		return "etcd answers, but cannot work: have its members a leader?"
	case fleet.KindOf(err) == fleet.Server:
		return "fleet answers, but cannot work: is its etcd running?"
	case errors.As(err, &lookup):
		return fmt.Sprintf("no address is known of %s: is the name in --endpoint or FLEETCTL_ENDPOINT right?", lookup.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there: is fleet running (systemctl status fleet.socket fleet)? --endpoint or FLEETCTL_ENDPOINT says where to find it"
	}
	return "is fleet running there? --endpoint or FLEETCTL_ENDPOINT says where to find it"
}

// etcdPort finds a port that is usually etcd's.
var etcdPort = pattern.New(`:(2379|4001)\b`)

// aboutTLS says what to do about https, "" when that is not what is wrong.
func aboutTLS(err error) string {
	var stranger x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &stranger):
		return "--ca-file (FLEETCTL_CA_FILE) names the file with the authority that signed the server's certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server needs a new certificate, or the clock of this machine is wrong"
	case errors.As(err, &name) && unnamed(name.Certificate):
		return "the certificate names its host as Common Name only, which is not looked at any more: make it anew with " + name.Host + " as subjectAltName"
	case errors.As(err, &name):
		return "the server's certificate is for another name: write that name in --endpoint, or make the certificate anew with " + name.Host + " as subjectAltName"
	case errors.As(err, &notTLS), errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak https: write http:// in --endpoint"
	case errors.Is(err, fleet.ErrWantsTLS):
		return "write https:// in --endpoint, and give --ca-file, --cert-file and --key-file where the server's certificate is not a public one"
	case fleet.IsTLSAlert(err):
		return "the server wants another client certificate: --cert-file and --key-file (FLEETCTL_CERT_FILE, FLEETCTL_KEY_FILE) name one that its authority has signed"
	}
	return ""
}

// unnamed reports whether a certificate has no subjectAltName at all.
func unnamed(c *x509.Certificate) bool {
	return len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) == 0
}

// aboutSSH says what to do about a tunnel.
func aboutSSH(e *tunnel.Error) string {
	switch e.Kind {
	case tunnel.UnknownKey:
		return "compare it with what ssh-keygen -lf says of the host's /etc/ssh/ssh_host_*_key.pub, and let ssh or --known-hosts-file know it"
	case tunnel.ChangedKey:
		return "only if the host was set up anew: remove the old key with ssh-keygen -R, and let ssh know the new one"
	case tunnel.NoKey:
		return "load a key into the agent (ssh-add), or name it in ~/.ssh/config (IdentityFile); --ssh-username says who logs in"
	case tunnel.NoServer:
		return "is fleet running on that host, and may the user open its socket? --endpoint names it as the host sees it; sshd must allow AllowStreamLocalForwarding, or have fleetctl"
	case tunnel.Forbidden:
		return "sshd_config of that host forbids it: AllowTcpForwarding, PermitOpen"
	case tunnel.Unusable:
		return "mend that file, or name another with --known-hosts-file"
	}
	return "does ssh get there? --tunnel or FLEETCTL_TUNNEL names the host"
}
