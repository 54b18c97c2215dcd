package check_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// listOf returns the checks of a stack that compiles, of some kinds.
func listOf(t *testing.T, text string, kinds ...expect.Kind) []expect.Check {
	t.Helper()
	result, findings := compiler.Compile("stack.toml", compiler.Options{Opener: source.Map{"stack.toml": "stack = \"shop\"\n" + text, "ranges.toml": ranges}})
	if findings.HasErrors() {
		t.Fatal(diag.Short(findings))
	}
	var list []expect.Check
	for _, c := range result.Checks {
		for _, k := range kinds {
			if c.Kind == k {
				list = append(list, c)
			}
		}
	}
	return list
}

const service = `Service = { ExecStart = "/opt/bin/x", Restart = "always" }
`

// ranges is a library with ranges of its own, one of which is for [network].
const ranges = `stack = "ranges"
[params]
pods     = { type = "cidr", default = "10.244.0.0/16" }
services = { type = "cidr", default = "10.100.0.0/16" }
[network]
services = "${{ services }}"
`

func TestList(t *testing.T) {
	master := units.Metadata{"role": {"master"}}
	for _, tt := range []struct {
		name, text string
		kinds      []expect.Kind
		want       []expect.Check
	}{
		{"a role that nothing has is not asked for", `
[roles]
master = "role=master"
other = "role=other"
[unit.x]
role = "master"
` + service, []expect.Kind{expect.Role, expect.Machine}, []expect.Check{
			{Kind: expect.Role, Name: "master", Metadata: master},
		}},
		{"an inventory takes the place of roles", `
[roles]
master = "role=master"
[machine.a]
role = "master"
address = "10.0.0.1"
public = "192.0.2.1"
id = "2ec5b0e5f1d34d9e8f6ab7c0d1e2f304"
[unit.x]
role = "master"
` + service, []expect.Kind{expect.Role, expect.Machine, expect.Machines}, []expect.Check{
			{Kind: expect.Machine, Name: "a", Host: expect.Host{Name: "a", ID: "2ec5b0e5f1d34d9e8f6ab7c0d1e2f304", Addresses: []string{"10.0.0.1", "192.0.2.1"}, Metadata: map[string]string{"role": "master"}}},
			{Kind: expect.Machines},
		}},
		{"networks once, whoever names them", `
[params]
pods = { type = "cidr", default = "10.244.0.0/16" }
[network]
machines = "10.0.0.0/24"
pods = "${{ pods }}"
[unit.x]
` + service, []expect.Kind{expect.Networks}, []expect.Check{
			{Kind: expect.Networks, Networks: []expect.Network{{Name: "pods", Range: "10.244.0.0/16"}, {Name: "machines", Range: "10.0.0.0/24", Machines: true}}},
		}},
		{"networks of a library that are the same, or for which others stand", `
use = [{ stack = "ranges.toml" }]
[network]
pods = "10.244.0.0/16"
services = "10.100.0.0/17"
[unit.x]
` + service, []expect.Kind{expect.Networks}, []expect.Check{
			{Kind: expect.Networks, Networks: []expect.Network{{Name: "pods", Range: "10.244.0.0/16"}, {Name: "services", Range: "10.100.0.0/17"}}},
		}},
		{"a port with no readiness takes a connection, a counted unit on each instance", `
[unit.x]
count = 2
port = 80
` + service, []expect.Kind{expect.Ready}, []expect.Check{
			{Kind: expect.Ready, Name: "x@1", Unit: "x@1.service", Ask: expect.Ask{Scheme: "tcp", Port: 80, Where: expect.Where{Unit: "x@1.service", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "x@2", Unit: "x@2.service", Ask: expect.Ask{Scheme: "tcp", Port: 80, Where: expect.Where{Unit: "x@2.service", Metadata: units.Metadata{}}}},
		}},
		{"several machines are asked at their one address, too", `
[roles]
master = { metadata = "role=master", address = "10.0.0.100" }
[machine]
a = { role = "master", address = "10.0.0.1" }
b = { role = "master", address = "10.0.0.2" }
[unit.x]
role = "master"
port = 80
ready = { http = "/ok" }
` + service + `
[unit.y]
after = ["x"]
allow = ["unused-dependency"]
` + service, []expect.Kind{expect.Ready}, []expect.Check{
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "http", Port: 80, Path: "/ok", Where: expect.Where{Unit: "x.service", Metadata: master}}},
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "http", Port: 80, Path: "/ok", Where: expect.Where{Hosts: []string{"10.0.0.100"}}}},
		}},
		{"the words of a readiness are the unit's own", `
[unit.x]
port = 80
ready = { https = "/${{ self.name }}/${{ self.port }}" }
` + service, []expect.Kind{expect.Ready}, []expect.Check{
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "https", Port: 80, Path: "/x/80", Where: expect.Where{Unit: "x.service", Metadata: units.Metadata{}}}},
		}},
		{"a unit that is not to run is not asked, nor one without a port", `
[unit.x]
port = 80
state = "loaded"
` + service + `
[unit.y]
` + service + `
[host.docker]
unit = "docker.service"
ready = { command = "true" }
`, []expect.Kind{expect.Ready}, nil},
		{"an address of its own, and the loopback address", `
[unit.x]
port = 80
listen = "10.0.0.5"
` + service + `
[unit.y]
port = 81
listen = "127.0.0.1"
` + service + `
[unit.z]
ready = { http = "http://localhost:82/a?b" }
` + service + `
[unit.w]
ready = { http = "http://shop.example.com/" }
` + service, []expect.Kind{expect.Ready}, []expect.Check{
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "tcp", Port: 80, Where: expect.Where{Hosts: []string{"10.0.0.5"}, Unit: "x.service", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "y", Unit: "y.service", Ask: expect.Ask{Scheme: "tcp", Port: 81, Loopback: true, Where: expect.Where{Unit: "y.service", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "z", Unit: "z.service", Ask: expect.Ask{Scheme: "http", Port: 82, Path: "/a?b", Loopback: true, Where: expect.Where{Unit: "z.service", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "w", Unit: "w.service", Ask: expect.Ask{Scheme: "http", URL: "http://shop.example.com/", Where: expect.Where{Unit: "w.service", Metadata: units.Metadata{}}}},
		}},
		{"a host entry that is needed on its own machine only may be closed to others", `
[host.etcd]
unit = "etcd.service"
port = 4001
ready = { http = "/version" }
[unit.x]
after = ["etcd"]
Service = { ExecStart = "/opt/bin/x ${{ etcd.url }}", Restart = "always" }
`, []expect.Kind{expect.Ready, expect.Etcd}, []expect.Check{
			{Kind: expect.Etcd, Name: "etcd", Ask: expect.Ask{Scheme: "http", Port: 4001, Beside: true, Where: expect.Where{Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "etcd", Unit: "etcd.service", Ask: expect.Ask{Scheme: "http", Port: 4001, Path: "/version", Beside: true, Where: expect.Where{Metadata: units.Metadata{}}}},
		}},
		{"UDP ports are told of once a unit, and a socket for datagrams takes no connection", `
[unit.x]
count = 2
ports = [{ port = 8472, protocol = "udp" }, { port = 9, from = "operator" }, { port = "300-302", protocol = "udp" }]
` + service + `
[unit.log]
state = "loaded"
ports = { port = 515, protocol = "udp" }
` + service + `
[unit."log.socket"]
machine_of = "log"
port = 514
[unit."log.socket".Socket]
ListenDatagram = ["0.0.0.0:${{ self.port }}", "/dev/log", "[::]:514", 516]
[unit.dns]
state = "loaded"
` + service + `
[unit."dns.socket"]
machine_of = "dns"
port = 53
[unit."dns.socket".Socket]
ListenDatagram = 53
ListenStream = 53
[host.ntp]
unit = "ntpd.service"
ports = { port = 123, protocol = "udp" }
`, []expect.Kind{expect.Ready}, []expect.Check{
			{Kind: expect.Ready, Name: "ntp", UDP: "123"},
			{Kind: expect.Ready, Name: "x@1", Unit: "x@1.service", Ask: expect.Ask{Scheme: "tcp", Port: 9, Where: expect.Where{Unit: "x@1.service", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "x@2", Unit: "x@2.service", Ask: expect.Ask{Scheme: "tcp", Port: 9, Where: expect.Where{Unit: "x@2.service", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "x", UDP: "8472"},
			{Kind: expect.Ready, Name: "x", UDP: "300-302"},
			{Kind: expect.Ready, Name: "log.socket", UDP: "514"},
			{Kind: expect.Ready, Name: "log.socket", UDP: "516"},
			{Kind: expect.Ready, Name: "dns.socket", Unit: "dns.socket", Ask: expect.Ask{Scheme: "tcp", Port: 53, Where: expect.Where{Unit: "dns.socket", Metadata: units.Metadata{}}}},
			{Kind: expect.Ready, Name: "dns.socket", UDP: "53"},
		}},
		{"further ports once each; what nobody elsewhere uses may be closed, and of several in a row nobody knows", `
[roles]
master = "role=master"
node = "role=node"
[host.registry]
unit = "registry.service"
role = "master"
port = 5000
ports = [{ port = 5000, from = "node" }, { port = 5001, from = "node" }, { port = 5002 }]
[unit.x]
role = "master"
port = 80
listen = "127.0.0.1"
ports = [{ port = 81, from = "beside" }, { port = 82, from = "beside" }, { port = 82, from = "there" }, { port = "300-302", from = "anyone" }]
` + service + `
[unit.beside]
machine_of = "x"
` + service + `
[unit.there]
role = "node"
global = true
ports = { port = 83, from = "there" }
` + service + `
[unit.away]
state = "loaded"
ports = { port = 84 }
` + service, []expect.Kind{expect.Ready}, []expect.Check{
			{Kind: expect.Ready, Name: "registry", Unit: "registry.service", Ask: expect.Ask{Scheme: "tcp", Port: 5000, Where: expect.Where{Metadata: master}}},
			{Kind: expect.Ready, Name: "registry", Unit: "registry.service", Ask: expect.Ask{Scheme: "tcp", Port: 5001, Where: expect.Where{Metadata: master}}},
			{Kind: expect.Ready, Name: "registry", Unit: "registry.service", Ask: expect.Ask{Scheme: "tcp", Port: 5002, Beside: true, Where: expect.Where{Metadata: master}}},
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "tcp", Port: 80, Loopback: true, Where: expect.Where{Unit: "x.service", Metadata: master}}},
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "tcp", Port: 81, Beside: true, Where: expect.Where{Unit: "x.service", Metadata: master}}},
			{Kind: expect.Ready, Name: "x", Unit: "x.service", Ask: expect.Ask{Scheme: "tcp", Port: 82, Where: expect.Where{Unit: "x.service", Metadata: master}}},
			{Kind: expect.Ready, Name: "x", Range: "300-302"},
			{Kind: expect.Ready, Name: "there", Unit: "there.service", Ask: expect.Ask{Scheme: "tcp", Port: 83, Where: expect.Where{Unit: "there.service", Metadata: units.Metadata{"role": {"node"}}}}},
		}},
		{"addresses of a role are those of the inventory", `
[roles]
node = "role=node"
[machine.a]
role = "node"
address = "10.0.0.2"
[check.list]
http = "http://10.0.0.1/"
list = "items"
addresses_of = "node"
help = "look"
`, []expect.Kind{expect.Declared}, []expect.Check{
			{Kind: expect.Declared, Name: "list", Help: "look", Ask: expect.Ask{Scheme: "http", URL: "http://10.0.0.1/"},
				Want: expect.Want{Listed: true, List: "items", Set: []string{"10.0.0.2"}, Roles: []units.Metadata{{"role": {"node"}}}}},
		}},
		{"without one they are fleet's", `
[roles]
node = "role=node"
[host.etcd]
address = "10.0.0.1"
port = 2379
ready = { https = "/version" }
[check.list]
etcd = "/registry"
addresses_of = "node"
`, []expect.Kind{expect.Declared}, []expect.Check{
			{Kind: expect.Declared, Name: "list", Ask: expect.Ask{Scheme: "https", Port: 2379, Key: "/registry", Where: expect.Where{Hosts: []string{"10.0.0.1"}, Metadata: units.Metadata{}}},
				Want: expect.Want{Listed: true, Roles: []units.Metadata{{"role": {"node"}}}}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, listOf(t, tt.text, tt.kinds...)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
