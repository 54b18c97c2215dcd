package pki_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/pki"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// planOf compiles a stack and plans what it needs.
func planOf(t *testing.T, text string) (*pki.Plan, error) {
	t.Helper()
	result, findings := compiler.Compile("s.toml", compiler.Options{Opener: source.Map{"s.toml": text}, Std: stacks.Library{}})
	if result.Set == nil {
		t.Fatalf("does not compile: %v", findings)
	}
	return pki.Of(result.Topology, result.Set)
}

// written is a plan as lines.
func written(p *pki.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server %s\n", p.Server)
	for _, c := range p.Certificates {
		fmt.Fprintf(&b, "cert %s: %s %v", c.Name, c.User, c.Groups)
		for _, name := range c.DNS {
			b.WriteString(" " + name)
		}
		for _, ip := range c.IP {
			b.WriteString(" " + ip.String())
		}
		switch {
		case c.Server && c.Client:
			b.WriteString(" both\n")
		case c.Server:
			b.WriteString(" server\n")
		case c.Client:
			b.WriteString(" client\n")
		}
	}
	if p.ServiceAccounts {
		b.WriteString("service accounts\n")
	}
	for _, who := range p.Tokens {
		fmt.Fprintf(&b, "token %s %v\n", who.User, who.Groups)
	}
	for _, who := range p.Passwords {
		fmt.Fprintf(&b, "password %s %v\n", who.User, who.Groups)
	}
	for _, f := range p.Files {
		where := f.Machine
		if where == "" {
			where = "every " + f.Role
		}
		fmt.Fprintf(&b, "%s %s %s\n", where, f.Path, f.Name)
	}
	return b.String()
}

const library = `
stack = "prod"
[[use]]
stack = "std:kubernetes/1.11"
[use.params]
mirror     = "http://10.0.0.9"
master     = "10.0.0.1"
domain     = "prod.example.com"
services   = "10.96.0.0/12"
unverified = true

[machine.m]
role     = "master"
address  = "10.0.0.1"
public   = "192.0.2.1"
[machine.n1]
role     = "node"
address  = "10.0.0.2"
hostname = "worker-1"
[machine.n2]
role    = "node"
address = "10.0.0.3"
`

// TestLibrary is the plan of the library for 1.11.
func TestLibrary(t *testing.T) {
	p, err := planOf(t, library)
	if err != nil {
		t.Fatal(err)
	}
	want := `server https://10.0.0.1:6443
cert admin: admin [system:masters] client
cert apiserver: kube-apiserver [] kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.prod.example.com localhost m 127.0.0.1 10.96.0.1 10.0.0.1 192.0.2.1 server
cert kube-proxy: system:kube-proxy [system:node-proxier] client
cert kubelet-client: kube-apiserver-kubelet-client [system:masters] client
cert kubelet-n1: system:node:10.0.0.2 [system:nodes] worker-1 10.0.0.2 both
cert kubelet-n2: system:node:10.0.0.3 [system:nodes] n2 10.0.0.3 both
service accounts
token admin [system:masters]
token system:node:10.0.0.2 [system:nodes]
token system:node:10.0.0.3 [system:nodes]
token system:kube-proxy [system:node-proxier]
m /srv/kubernetes/ca.crt ca.crt
m /srv/kubernetes/known_tokens.csv known_tokens.csv
m /srv/kubernetes/kubelet-client.crt kubelet-client.crt
m /srv/kubernetes/kubelet-client.key kubelet-client.key
m /srv/kubernetes/server.cert apiserver.crt
m /srv/kubernetes/server.key apiserver.key
m /srv/kubernetes/service-account.key service-account.key
n1 /srv/kubernetes/ca.crt ca.crt
n1 /srv/kubernetes/kubelet.crt kubelet-n1.crt
n1 /srv/kubernetes/kubelet.key kubelet-n1.key
n1 /var/lib/kube-proxy/kubeconfig kube-proxy.kubeconfig
n1 /var/lib/kubelet/kubeconfig kubelet-n1.kubeconfig
n2 /srv/kubernetes/ca.crt ca.crt
n2 /srv/kubernetes/kubelet.crt kubelet-n2.crt
n2 /srv/kubernetes/kubelet.key kubelet-n2.key
n2 /var/lib/kube-proxy/kubeconfig kube-proxy.kubeconfig
n2 /var/lib/kubelet/kubeconfig kubelet-n2.kubeconfig
`
	if d := cmp.Diff(want, written(p)); d != "" {
		t.Errorf("the plan is (-want +got):\n%s", d)
	}
}

// own is a stack without the library: other paths, flags in two words, an apiserver
// as static pod, programs under their own names, and no inventory of the master.
const own = `
stack = "own"

[roles]
master = { metadata = "role=master", address = "api.example.com" }
node   = "role=node"

[file."/etc/kubernetes/manifests/apiserver.json"]
role    = "master"
content = '''
{"kind": "Pod", "spec": {"containers": [{"command": ["/hyperkube", "apiserver", "--secure-port=443", "--service-cluster-ip-range=fd00::/112",
 "--tls-cert-file=/srv/kubernetes/server.cert", "--tls-private-key-file=/srv/kubernetes/server.key", "--token-auth-file=/dev/null", "--basic-auth-file=/srv/kubernetes/basic_auth.csv"]}]}}
'''

[unit.manager]
role = "master"
[unit.manager.Service]
ExecStart = "/opt/bin/kube-controller-manager --kubeconfig /etc/manager --service_account_private_key_file=/srv/kubernetes/server.key"
Restart   = "always"

[unit.scheduler]
machine_of = "manager"
[unit.scheduler.Service]
ExecStart = "/opt/bin/kube-scheduler --kubeconfig=/etc/scheduler"
Restart   = "always"

[unit.kubelet]
role   = "node"
global = true
[unit.kubelet.Service]
ExecStart = "/opt/bin/kubelet --kubeconfig=/etc/kubelet"
Restart   = "always"

[machine.Blue]
role    = "node"
address = "10.0.0.2"
`

func TestOwn(t *testing.T) {
	p, err := planOf(t, own)
	if err != nil {
		t.Fatal(err)
	}
	want := `server https://api.example.com:443
cert admin: admin [system:masters] client
cert apiserver: kube-apiserver [] kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local localhost api.example.com 127.0.0.1 fd00::1 server
cert controller-manager: system:kube-controller-manager [] client
cert kubelet-Blue: system:node:blue [system:nodes] blue Blue 10.0.0.2 client
cert scheduler: system:kube-scheduler [] client
password admin [system:masters]
every master /etc/manager controller-manager.kubeconfig
every master /etc/scheduler scheduler.kubeconfig
every master /srv/kubernetes/basic_auth.csv basic_auth.csv
every master /srv/kubernetes/server.cert apiserver.crt
every master /srv/kubernetes/server.key apiserver.key
Blue /etc/kubelet kubelet-Blue.kubeconfig
`
	if d := cmp.Diff(want, written(p)); d != "" {
		t.Errorf("the plan is (-want +got):\n%s", d)
	}
}

// store is an etcd by its command line, with other files for members than for clients, and
// clients that show what the members have.
const store = `
stack = "store"
[roles]
store = { metadata = "role=store", address = "etcd.example.com" }
[host.etcd]
unit  = "etcd2.service"
role  = "store"
port  = 2379
ready = { https = "/version", ca = "/etc/ssl/ca.crt", cert = "/etc/ssl/etcd.crt", key = "/etc/ssl/etcd.key" }
[host.etcd.Service]
ExecStart = "/usr/bin/etcd2 --name ${{ machine.name }} --cert-file /etc/ssl/etcd.crt --key-file=/etc/ssl/etcd.key --trusted-ca-file=/etc/ssl/ca.crt --client-cert-auth"
[host.etcd.drop_in."10-peers.conf".Service]
ExecStart = "/usr/bin/etcd2 --peer-cert-file=/etc/peer/etcd.crt --peer-key-file=/etc/peer/etcd.key --peer-trusted-ca-file=/etc/peer/ca.crt"
[machine]
a = { role = "store", address = "10.0.0.7", hostname = "store-a" }
b = { role = "store", address = "10.0.0.8" }
n = { address = "10.0.0.9" }
[unit.web]
after   = ["etcd"]
Service = { ExecStart = "/opt/web ${{ etcd.url }}", Restart = "always" }
`

func TestEtcd(t *testing.T) {
	p, err := planOf(t, store)
	if err != nil {
		t.Fatal(err)
	}
	want := `server 
cert admin: admin [system:masters] client
cert etcd-a: etcd-a [] localhost etcd.example.com store-a 127.0.0.1 10.0.0.7 both
cert etcd-b: etcd-b [] localhost etcd.example.com b 127.0.0.1 10.0.0.8 both
cert etcd-client: etcd-client [] client
a /etc/peer/ca.crt ca.crt
a /etc/peer/etcd.crt etcd-a.crt
a /etc/peer/etcd.key etcd-a.key
a /etc/ssl/ca.crt ca.crt
a /etc/ssl/etcd.crt etcd-a.crt
a /etc/ssl/etcd.key etcd-a.key
b /etc/peer/ca.crt ca.crt
b /etc/peer/etcd.crt etcd-b.crt
b /etc/peer/etcd.key etcd-b.key
b /etc/ssl/ca.crt ca.crt
b /etc/ssl/etcd.crt etcd-b.crt
b /etc/ssl/etcd.key etcd-b.key
n /etc/ssl/ca.crt ca.crt
n /etc/ssl/etcd.crt etcd-client.crt
n /etc/ssl/etcd.key etcd-client.key
`
	if d := cmp.Diff(want, written(p)); d != "" {
		t.Errorf("the plan is (-want +got):\n%s", d)
	}
	for _, c := range p.Certificates {
		if c.Kubeconfig {
			t.Errorf("%s is to have a kubeconfig, and no apiserver is there", c.Name)
		}
	}
}

// TestBootEtcd: what bootstrap sets up has the same, with its proxies, and its own
// files are those of the user as whom the image runs it.
func TestBootEtcd(t *testing.T) {
	before, _, _ := strings.Cut(store, "[host.etcd.Service]")
	_, machines, _ := strings.Cut(store, "[machine]")
	boot := before + "[bootstrap.etcd]\ncert = \"/etc/etcd/server.crt\"\nkey = \"/etc/etcd/server.key\"\n"
	for command, owner := range map[string]string{"": "etcd", "command = \"/usr/bin/etcd\"\n": ""} {
		p, err := planOf(t, boot+command+"[machine]"+machines)
		if err != nil {
			t.Fatal(err)
		}
		text := written(p)
		for _, want := range []string{
			"cert etcd-a: etcd-a [] localhost etcd.example.com store-a 127.0.0.1 10.0.0.7 both\n", "a /etc/etcd/server.key etcd-a.key\n",
			"b /etc/ssl/etcd.crt etcd-client.crt\n", "n /etc/ssl/ca.crt ca.crt\n",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		if strings.Contains(text, "n /etc/etcd/server") {
			t.Errorf("who has no etcd has its files:\n%s", text)
		}
		for _, f := range p.Files {
			own := f.Machine != "n" && (strings.HasPrefix(f.Path, "/etc/etcd/") || f.Name == pki.CACert)
			if own && f.Owner != owner || !own && f.Owner != "" {
				t.Errorf("%s of %s is %q's", f.Path, f.Machine, f.Owner)
			}
		}
	}
}

// TestRefusals: what the stack does not tell.
func TestRefusals(t *testing.T) {
	cut := func(from, until string) string {
		before, rest, _ := strings.Cut(library, from)
		_, after, _ := strings.Cut(rest, until)
		return before + after
	}
	tests := []struct{ name, stack, says string }{
		{"no apiserver", "stack = \"s\"\n[unit.x.Service]\nExecStart = \"/bin/x\"\nRestart = \"always\"\n", "no kube-apiserver or etcd with a certificate"},
		{"behind a firewall", strings.Replace(library, "unverified", "security = \"firewall\"\nunverified", 1), "no kube-apiserver or etcd with a certificate"},
		{"no machines", cut("[machine.m]", "\x00"), "names no machine that has one"},
		{"no address", strings.Replace(own, `, address = "api.example.com"`, "", 1), "nothing tells at which address"},
		{"tokens without TLS", strings.Replace(own, `"--tls-cert-file=/srv/kubernetes/server.cert", "--tls-private-key-file=/srv/kubernetes/server.key", "--token-auth-file=/dev/null", "--basic-auth-file=/srv/kubernetes/basic_auth.csv"`, `"--token-auth-file=/srv/tokens"`, 1), "--token-auth-file is for clients of the HTTPS port"},
		{"passwords without TLS", strings.Replace(own, `"--tls-cert-file=/srv/kubernetes/server.cert", "--tls-private-key-file=/srv/kubernetes/server.key", `, `"--basic-auth-file=/srv/passwords", `, 1), "--basic-auth-file is for clients of the HTTPS port"},
		{"services", strings.Replace(own, "fd00::/112", "fd00::", 1), "--service-cluster-ip-range=fd00:: is no range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := planOf(t, tt.stack)
			var told *pki.Error
			if !errors.As(err, &told) || !strings.Contains(told.Message, tt.says) {
				t.Errorf("the error is %v, want %q", err, tt.says)
			}
		})
	}
}

// TestBalanced: with several masters the certificate holds what each is called, and
// the server is that of which none is.
func TestBalanced(t *testing.T) {
	several := strings.Replace(library, "[machine.n1]", "[machine.m2]\nrole = \"master\"\naddress = \"10.0.0.4\"\n[machine.n1]", 1)
	for address, says := range map[string]string{
		"10.0.0.1":   "all kubeconfigs would name 10.0.0.1, which is m alone",
		"192.0.2.1":  "which is m alone",
		"10.0.0.4":   "which is m2 alone",
		"10.0.0.100": "",
	} {
		p, err := planOf(t, strings.Replace(several, `master     = "10.0.0.1"`, `master = "`+address+`"`, 1))
		switch {
		case says == "" && err != nil, says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%s: %v, want %q", address, err, says)
		case err == nil:
			want := "localhost m m2 127.0.0.1 10.96.0.1 10.0.0.100 10.0.0.1 192.0.2.1 10.0.0.4 server"
			if text := written(p); !strings.HasPrefix(text, "server https://10.0.0.100:6443\n") || !strings.Contains(text, want) {
				t.Errorf("the plan is\n%s", text)
			}
		}
	}
	nowhere := strings.Replace(own, `, address = "api.example.com"`, "", 1) + "\n[machine]\na = { role = \"master\", address = \"10.0.0.7\" }\nb = { role = \"master\", address = \"10.0.0.8\" }\n"
	if _, err := planOf(t, nowhere); err == nil || !strings.Contains(err.Error(), "can be on a, b, and nothing tells at which address") {
		t.Errorf("no address for several: %v", err)
	}
}

// TestSamePlan: two runs give the same.
func TestSamePlan(t *testing.T) {
	first, err := planOf(t, library)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := planOf(t, library)
		if err != nil || written(first) != written(again) {
			t.Fatalf("another plan (%v):\n%s", err, cmp.Diff(written(first), written(again)))
		}
	}
}
