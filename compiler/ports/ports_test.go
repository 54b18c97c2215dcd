package ports_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/ports"
	"github.com/stackc/stackc/compiler/source"
)

// listOf returns the ports of a stack that compiles.
func listOf(t *testing.T, text string) *ports.List {
	t.Helper()
	result, findings := compiler.Compile("stack.toml", compiler.Options{Opener: source.Map{"stack.toml": "stack = \"shop\"\n" + text}})
	if findings.HasErrors() {
		t.Fatal(diag.Short(findings))
	}
	return ports.Of(result.Topology, result.Checks)
}

// shown writes a list as text, ssh left out, which is everywhere.
func shown(l *ports.List) string {
	var b strings.Builder
	groups := l.Groups
	if l.Server != nil {
		groups = append(groups, l.Server)
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "%s\n", g.Name)
		for _, o := range g.Openings {
			if o.First == 22 {
				continue
			}
			fmt.Fprintf(&b, "  %s/%s %s", o.Port("-"), o.Protocol, strings.Join(o.What, "; "))
			for _, s := range l.Sources(o) {
				fmt.Fprintf(&b, " < %s", strings.TrimSpace(s.From+" "+strings.Join(s.Who, ",")))
			}
			if len(o.Here) > 0 {
				fmt.Fprintf(&b, " = %s", strings.Join(o.Here, ","))
			}
			if o.Loopback {
				b.WriteString(" lo")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// service is enough of a unit.
const service = "Service = { ExecStart = \"/opt/bin/x\", Restart = \"always\" }\n"

// asksAPI is enough of one that talks to api.
const asksAPI = "Service = { ExecStart = \"/opt/bin/x ${{ api.url }}\", Restart = \"always\" }\n"

// otherEtcd is an etcd of the hosts that is asked for its keys alone.
const otherEtcd = `
[host.etcd]
unit  = "other.service"
role  = "master"
port  = 2379
ready = { http = "/version" }
`

// twoRoles are a master and nodes, without an inventory.
const twoRoles = `
[roles]
master = { metadata = "role=master", address = "10.0.0.1" }
node   = "role=node"
`

// inventory is a master and two nodes.
const inventory = `
[roles]
master = "role=master"
node   = "role=node"
[machine.m]
role    = "master"
address = "10.0.0.1"
[machine.a]
role    = "node"
address = "10.0.0.2"
[machine.b]
role    = "node"
address = "10.0.0.3"
`

func TestList(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"one who waits on another machine, and one who does so beside it", twoRoles + `
[unit.api]
role  = "master"
port  = 8080
ready = { http = "/healthz" }
` + service + `
[unit.agent]
role  = "node"
after = ["api"]
` + asksAPI + `
[unit.beside]
machine_of = "api"
after = ["api"]
` + asksAPI, `master
  8080/tcp api.service < node agent < operator stackc verify = beside
node
`},
		{"what listens on the loopback address is for its own machine", twoRoles + `
[unit.api]
role   = "master"
port   = 8080
listen = "127.0.0.1"
ready  = { http = "/healthz" }
` + service + `
[unit.beside]
machine_of = "api"
after = ["api"]
` + asksAPI, `master
  8080/tcp api.service = beside lo
node
`},
		{"an edge to a unit of the hosts that is everywhere", twoRoles + `
[host.etcd]
unit  = "other.service"
port  = 4001
ready = { http = "/version" }
[unit.x]
after = ["etcd"]
Service = { ExecStart = "/opt/bin/x ${{ etcd.url }}", Restart = "always" }
`, `master
  4001/tcp other.service = x
node
  4001/tcp other.service = x
other machines
  4001/tcp other.service = x
`},
		{"a role with one machine needs nothing of itself", inventory + `
[unit.x]
role  = "master"
port  = 80
ready = { tcp = true }
` + service + `
[unit.y]
role  = "master"
after = ["x"]
Service = { ExecStart = "/opt/bin/x ${{ x.address }}", Restart = "always" }
`, `master
  80/tcp x.service < operator stackc verify = y
node
`},
		{"etcd of several machines: members ask members, fleet elsewhere asks them", twoRoles + `
[host.etcd]
unit  = "etcd.service"
role  = "master"
port  = 4001
ready = { http = "/version" }
`, `master
  4001/tcp etcd.service, for clients < node fleet < operator stackc verify
  7001/tcp etcd.service, for members < master etcd
node
`},
		{"members, proxies and machines without etcd", `
[roles]
master = "m=true"
worker = "w=true"
other  = "o=true"
[machine.m1]
role = "master"
address = "10.0.0.1"
[machine.m2]
role = "master"
address = "10.0.0.2"
[machine.w1]
role = "worker"
address = "10.0.0.3"
[machine.o1]
role = "other"
address = "10.0.0.4"
[bootstrap.etcd]
members    = "master"
proxies    = "worker"
ports      = [2379, 4001]
peer_ports = [2380, 7001]
`, `master
  2379/tcp etcd2.service, for clients < worker etcd's proxy < other fleet < operator stackc
  2380/tcp etcd2.service, for members < master etcd < worker etcd's proxy
  4001/tcp etcd2.service, for clients < worker etcd's proxy < other fleet < operator stackc
  7001/tcp etcd2.service, for members < master etcd < worker etcd's proxy
worker
  2379/tcp etcd2.service, for clients
  4001/tcp etcd2.service, for clients
other
`},
		{"machines without roles", `
[bootstrap.etcd]
discovery = "https://discovery.etcd.io/x"
`, `every machine
  2379/tcp etcd2.service, for clients < operator stackc
  2380/tcp etcd2.service, for members < every machine etcd
  4001/tcp etcd2.service, for clients < operator stackc
`},
		{"fleet's API where it is asked for, not on the loopback address", `
[bootstrap.fleet]
listen = ["49153", "127.0.0.1:49154", "/run/other.sock"]
`, `every machine
  49153/tcp fleet.socket < operator stackc
  49154/tcp fleet.socket lo
`},
		{"fleet's socket with a piece of the stack's own", twoRoles + `
[host.fleet]
unit = "fleet.socket"
role = "master"
[host.fleet.drop_in."10-port.conf".Socket]
ListenStream = 49153
`, `master
  49153/tcp fleet.socket < operator stackc
node
`},
		{"an etcd that serves clients on its own machine alone", `
[bootstrap.etcd]
unit       = "etcd.service"
listen     = "127.0.0.1"
`, `every machine
  4001/tcp etcd.service, for clients lo
  7001/tcp etcd.service, for members < every machine etcd
`},
		{"flannel of the hosts, by what carries its packets", inventory + `
[network]
pods    = "10.1.0.0/16"
backend = "vxlan"
[bootstrap.flannel]
role = "node"
`, `master
node
  8472/udp flannel, vxlan < node flannel
`},
		{"flannel is udp without a word, and needs no port with host-gw", `
[network]
pods = "10.1.0.0/16"
[bootstrap]
flannel = {}
[unit.x]
etcd_put = { "/other/network/config" = { Network = "10.2.0.0/16", Backend = { Type = "host-gw" } } }
after = ["etcd"]
` + service + `
[host.etcd]
address = "192.0.2.1"
port    = 2379
ready   = { http = "/version" }
`, `every machine
  8285/udp flannel, udp < every machine flannel
`},
		{"flannel that fleet places, by what it puts into etcd", inventory + otherEtcd + `
[unit.flannel]
role     = "node"
global   = true
after    = ["etcd"]
etcd_put = { "/coreos.com/network/config" = { Network = "10.1.0.0/16", Backend = { Type = "vxlan", Port = 4789 } } }
Service  = { ExecStart = "/opt/bin/flanneld ${{ etcd.url }}", Restart = "always" }
`, `master
  2379/tcp other.service < node flannel < operator stackc verify
node
  4789/udp flannel.service, vxlan < node flannel
`},
		{"ports that a unit says: units, roles, operators, anyone, nobody", twoRoles + `
[unit.api]
role = "master"
` + service + `
[unit.agent]
role   = "node"
global = true
port   = 10250
ports  = [
  { port = 10250, from = "api" },
  { port = 10248, from = ["api", "operator"], for = "health" },
  { port = 53, protocol = "udp", from = "master" },
  { port = "30000-32767", from = "anyone" },
  { port = 10249, for = "profiles" },
]
` + service, `master
node
  53/udp agent.service < master
  10248/tcp agent: health < master api < operator stackc verify
  10249/tcp agent: profiles
  10250/tcp agent.service < master api < operator stackc verify
  30000-32767/tcp agent.service < anyone
`},
		{"who asks every unit asks the one beside it as well, but for machine_of", inventory + `
[unit.api]
role = "master"
` + service + `
[unit.everywhere]
global = true
ports  = [{ port = 81, from = "api" }]
` + service + `
[unit.side]
machine_of = "api"
ports      = [{ port = 82, from = "api" }]
` + service, `master
  81/tcp everywhere.service < operator stackc verify = api
  82/tcp side.service = api
node
  81/tcp everywhere.service < master api < operator stackc verify
`},
		{"an address outside of the cluster is a machine when a machine has it", inventory + `
[host.api]
address = "10.0.0.1"
port    = 6443
ready   = { https = "/healthz" }
[host.shop]
address = "192.0.2.9"
port    = 80
ready   = { tcp = true }
[unit.agent]
role   = "node"
global = true
after  = ["api", "shop"]
port   = 10250
ports  = [{ port = 10250, from = ["api", "shop"] }]
Service = { ExecStart = "/opt/bin/x ${{ api.url }} ${{ shop.url }}", Restart = "always" }
`, `master
  6443/tcp api < node agent < operator stackc verify
node
  10250/tcp agent.service < master api < 192.0.2.9 shop < operator stackc verify
`},
		{"an announced unit is asked where it is, and etcd by those that follow it", twoRoles + otherEtcd + `
[unit.api]
role     = "node"
port     = 8080
announce = true
` + service + `
[unit.agent]
role  = "master"
after = ["api"]
` + asksAPI, `master
  2379/tcp other.service < node api-announce < operator stackc verify = agent,api-follow
node
  8080/tcp api.service < master agent < operator stackc verify = api-announce
`},
		{"sockets of units and of hosts", `
[host.docker]
unit = "docker-tcp.socket"
[host.docker.Socket]
ListenStream = ["127.0.0.1:2375", "/run/docker.sock"]
[host.wide]
unit = "wide.socket"
[host.wide.Socket]
ListenStream = "[::]:2376"
[unit."log.socket"]
machine_of = "log"
ports = [{ port = 514, protocol = "udp", from = "anyone" }]
[unit."log.socket".Socket]
ListenDatagram = 514
[unit.log]
` + service, `every machine
  514/udp log.socket < anyone
  2375/tcp docker-tcp.socket lo
  2376/tcp wide.socket
`},
		{"a socket for datagrams at the port that it says", twoRoles + `
[unit."log.socket"]
machine_of = "log"
port       = 514
[unit."log.socket".Socket]
ListenDatagram = "0.0.0.0:${{ self.port }}"
[unit."dns.socket"]
machine_of = "log"
port       = 53
[unit."dns.socket".Socket]
ListenDatagram = 53
ListenStream   = 53
[unit.log]
role = "master"
` + service + `
[unit.dns]
machine_of = "log"
` + service, `master
  53/tcp dns.socket < operator stackc verify
  53/udp dns.socket
  514/udp log.socket
node
`},
		{"what a check asks at another port, and at a URL", inventory + `
[unit.api]
role = "master"
port = 8080
` + service + `
[check.health]
of   = "api"
port = 8081
http = "/healthz"
[check.scheduler]
http = "http://10.0.0.1:10251/healthz"
[check.front]
http = "https://shop.example.com/"
`, `master
  8080/tcp api.service < operator stackc verify
  8081/tcp check health < operator stackc verify
  10251/tcp check scheduler < operator stackc verify
node
`},
		{"a key that a check asks for, and another port of what a balancer is before", inventory + `
[host.etcd]
unit    = "other.service"
role    = "master"
address = "10.9.9.9"
port    = 2379
ready   = { http = "/version" }
[check.keys]
etcd   = "/a"
equals = ["b"]
[check.metrics]
of   = "etcd"
port = 2381
http = "/metrics"
`, `master
  2379/tcp other.service < operator stackc verify
  2381/tcp check metrics < operator stackc verify
node
`},
		{"ports that commands name by hand", inventory + `
[unit.api]
role  = "master"
port  = 8080
ports = [{ port = 8443 }]
` + service + `
[unit.agent]
role  = "node"
allow = ["undeclared-port", "missing-dependency"]
Service = { ExecStart = "/opt/bin/x --api=10.0.0.1:8080 --more=http://10.0.0.1:8443,10.0.0.1:7000 --listen=10.0.0.2:9000 --out=192.0.2.1:80", Environment = "PEER=10.0.0.3:9001", Restart = "always" }
`, `master
  7000/tcp what agent names < node agent
  8080/tcp api.service < node agent < operator stackc verify
  8443/tcp api.service < node agent
node
  9001/tcp what agent names < node agent
`},
		{"a balancer before machines that have the same port", inventory + `
[unit.api]
role  = "node"
port  = 8080
` + service + `
[unit.balancer]
role  = "master"
port  = 8080
allow = ["missing-dependency"]
Service = { ExecStart = "/opt/bin/x 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080", Restart = "always" }
`, `master
  8080/tcp balancer.service < operator stackc verify
node
  8080/tcp api.service < master balancer < operator stackc verify
`},
		{"a readiness that is asked at another port", twoRoles + `
[unit.api]
role  = "master"
port  = 8080
ready = { http = "http://10.0.0.1:9000/up" }
` + service + `
[unit.agent]
role  = "node"
after = ["api"]
` + asksAPI, `master
  8080/tcp api.service < node agent
  9000/tcp api.service < node agent < operator stackc verify
node
`},
		{"machines of one set of roles that differ in what can be on them", inventory + `
[machine.c]
role     = "node"
address  = "10.0.0.4"
metadata = "disk=ssd"
[unit.cache]
metadata = "disk=ssd"
port     = 11211
` + service, `master
a, b
c
  11211/tcp cache.service < operator stackc verify
`},
		{"a place of which no role tells", twoRoles + `
[unit.cache]
metadata = "role=edge"
port     = 11211
` + service, `master
node
machines with role=edge
  11211/tcp cache.service < operator stackc verify
`},
		{"a server for machines that start over the network", inventory + `
[network]
machines = "10.0.0.0/24"
[machine.d]
role    = "node"
address = "10.0.0.5"
mac     = "52:54:00:00:00:01"
[bootstrap.fleet]
[pxe]
server  = "10.0.0.9"
version = "717.3.0"
`, `master
node
server 10.0.0.9
  67/udp DHCP < node PXE
  69/udp TFTP < node PXE
  80/tcp HTTP < node PXE
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, shown(listOf(t, tt.text))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestSSH finds ssh open to operators everywhere.
func TestSSH(t *testing.T) {
	for _, g := range listOf(t, inventory+"[unit.x]\n"+service).Groups {
		if o := g.Openings[0]; o.First != 22 || len(o.Uses) != 1 || o.Uses[0].Kind != ports.Operator {
			t.Errorf("%s: %+v", g.Name, o)
		}
	}
}

// TestSaid says sources in the words of the stack.
func TestSaid(t *testing.T) {
	l := listOf(t, `
[roles]
master = "master=true"
minion = "minion=true"
spare  = "spare=true"
[machine.a]
role = ["master", "minion"]
[machine.b]
role = "minion"
[machine.d]
role = "minion"
[machine.c]
role = "spare"
[unit.x]
port  = 80
ports = [{ port = 80, from = "minion" }, { port = 81, from = "master" }, { port = 82, from = ["minion", "spare"] }, { port = 83, from = ["master", "spare"] }]
`+service)
	var got []string
	for _, o := range l.Groups[1].Openings {
		for _, s := range l.Sources(o) {
			got = append(got, o.Port("-")+" "+s.From)
		}
	}
	want := []string{"22 operator", "80 minion", "80 operator", "81 master", "81 operator", "82 every machine", "82 operator", "83 master", "83 spare", "83 operator"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
