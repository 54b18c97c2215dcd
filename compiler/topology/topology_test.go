package topology

import (
	"slices"
	"testing"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// build returns the topology of a stack, and what was found.
func build(t *testing.T, text string) (*Topology, diag.List) {
	t.Helper()
	s, findings := stack.Load(stack.Input{Path: "stack.toml", Opener: source.Map{"stack.toml": text}})
	if len(findings) > 0 {
		t.Fatalf("the stack cannot be read:\n%s", diag.Short(findings))
	}
	return Build(s)
}

const places = `
stack = "places"

[roles]
master = { metadata = "role=master", address = "10.0.0.1" }
node   = { metadata = "role=node", address = "10.0.0.2" }
ssd    = ["role=node", "disk=ssd"]
edge   = "role=edge"

[host.everywhere]
unit = "everywhere.service"
[host.onnode]
unit = "onnode.service"
role = "node"
[host.onboth]
unit = "onboth.service"
role = ["master", "node"]
[host.outside]
address = "192.0.2.1"

[unit.anywhere]
[unit.master]
role = "master"
[unit.master2]
role = "master"
[unit.node]
role = "node"
[unit.ssd]
role = "ssd"
[unit.meta]
metadata = "role=node"
[unit.globalall]
global = true
[unit.globalnode]
role = "node"
global = true
[unit.globalboth]
role = ["master", "node"]
global = true
[unit.globalssd]
role = "ssd"
global = true
[unit.globalkept]
global = true
conflicts = "rival"
[unit.rival]
[unit.globalthreatened]
global = true
[unit.threat]
conflicts = "globalthr*"

[unit.leader]
role = "master"
listen = "10.0.0.1"
[unit.follower]
machine_of = "leader"
[unit.sibling]
machine_of = "leader"
[unit.grandchild]
machine_of = "follower"
[unit.rider]
machine_of = "globalnode"
[unit.rider2]
machine_of = "globalnode"

[unit.pinned]
machine_id = "0123456789abcdef0123456789abcdef"
[unit.pinned2]
machine_id = "0123456789abcdef0123456789abcdef"
[unit.pinnedof]
machine_of = "pinned"
[unit.elsewhere]
machine_id = "fedcba98"

[unit.web]
role = "node"
count = 2
[unit.websidekick]
machine_of = "web"
count = 2
[unit.webthird]
machine_of = "web"
count = 2
[unit.workers]
machine_of = "leader"
count = 3
`

func TestLocal(t *testing.T) {
	topo, findings := build(t, places)
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	const yes, no = true, false
	for _, c := range []struct {
		a, b     string
		ab, ba   bool
		why, yhw string // for ab and ba
	}{
		{"node", "everywhere", yes, no, `"everywhere" is on every machine`, `fleet may place "everywhere" and "node" on different machines`},
		{"node", "onnode", yes, no, `"onnode" is on every machine that "node" can be on`, `fleet may place "onnode" and "node" on different machines`},
		{"master", "onnode", no, no, `"onnode" is only on machines with role=node`, `fleet may place "onnode" and "master" on different machines`},
		{"anywhere", "onnode", no, no, `"onnode" is only on machines with role=node`, `fleet may place "onnode" and "anywhere" on different machines`},
		{"ssd", "onnode", yes, no, `"onnode" is on every machine that "ssd" can be on`, `fleet may place "onnode" and "ssd" on different machines`},
		{"meta", "onnode", yes, no, `"onnode" is on every machine that "meta" can be on`, `fleet may place "onnode" and "meta" on different machines`},
		{"master", "onboth", yes, no, `"onboth" is on every machine that "master" can be on`, `fleet may place "onboth" and "master" on different machines`},
		{"globalboth", "onboth", yes, yes, `"onboth" is on every machine that "globalboth" can be on`, `"globalboth" is global on every machine that "onboth" can be on`},
		{"globalboth", "onnode", no, yes, `"onnode" is only on machines with role=node`, `"globalboth" is global on every machine that "onnode" can be on`},
		{"follower", "onboth", yes, no, `"onboth" is on every machine that "follower" can be on`, `fleet may place "onboth" and "follower" on different machines`},
		{"pinned", "onnode", no, no, `"onnode" is only on machines with role=node`, `fleet may place "onnode" and "pinned" on different machines`},
		{"onnode", "onboth", yes, no, `"onboth" is on every machine that "onnode" can be on`, `"onnode" is only on machines with role=node`},
		{"everywhere", "onnode", no, yes, `"onnode" is only on machines with role=node`, `"everywhere" is on every machine`},
		{"node", "outside", no, no, `"outside" is outside of the cluster`, `fleet may place "outside" and "node" on different machines`},

		{"master", "master2", no, no, `fleet may place "master" and "master2" on different machines`, `fleet may place "master2" and "master" on different machines`},
		{"anywhere", "node", no, no, `fleet may place "anywhere" and "node" on different machines`, `fleet may place "node" and "anywhere" on different machines`},
		{"node", "node", yes, yes, "they are one unit", "they are one unit"},

		{"node", "globalnode", yes, no, `"globalnode" is global on every machine that "node" can be on`, `"globalnode" is on every machine of its role, "node" on one of them`},
		{"node", "globalall", yes, no, `"globalall" is global on every machine that "node" can be on`, `"globalall" is on every machine of its role, "node" on one of them`},
		{"master", "globalnode", no, no, `"globalnode" is only on machines with role=node`, `"globalnode" is on every machine of its role, "master" on one of them`},
		{"globalnode", "globalall", yes, no, `"globalall" is global on every machine that "globalnode" can be on`, `"globalnode" is only on machines with role=node`},
		{"globalnode", "globalboth", yes, no, `"globalboth" is global on every machine that "globalnode" can be on`, `"globalnode" is only on machines with role=node`},
		{"globalssd", "globalnode", yes, no, `"globalnode" is global on every machine that "globalssd" can be on`, `"globalssd" is only on machines with disk=ssd and role=node`},
		{"node", "globalkept", no, no, `conflicts can keep "globalkept" off a machine`, `"globalkept" is on every machine of its role, "node" on one of them`},
		{"node", "globalthreatened", no, no, `conflicts can keep "globalthreatened" off a machine`, `"globalthreatened" is on every machine of its role, "node" on one of them`},
		{"follower", "globalboth", yes, no, `"globalboth" is global on every machine that "follower" can be on`, `"globalboth" is on every machine of its role, "follower" on one of them`},

		{"follower", "leader", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"follower", "sibling", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"grandchild", "leader", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"grandchild", "sibling", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"rider", "globalnode", yes, no, "machine_of joins them", `"globalnode" is on every machine of its role, "rider" on one of them`},
		{"rider", "rider2", no, no, `fleet may place "rider" and "rider2" on different machines`, `fleet may place "rider2" and "rider" on different machines`},

		{"pinned", "pinned2", yes, yes, "both are on machine 0123456789abcdef0123456789abcdef", "both are on machine 0123456789abcdef0123456789abcdef"},
		{"pinnedof", "pinned2", yes, yes, "both are on machine 0123456789abcdef0123456789abcdef", "both are on machine 0123456789abcdef0123456789abcdef"},
		{"pinned", "elsewhere", no, no, `fleet may place "pinned" and "elsewhere" on different machines`, `fleet may place "elsewhere" and "pinned" on different machines`},

		{"web", "websidekick", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"webthird", "websidekick", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"node", "web", no, no, "their instances can be on different machines", "their instances can be on different machines"},
		{"web", "onnode", yes, no, `"onnode" is on every machine that "web" can be on`, "their instances can be on different machines"},
		{"workers", "leader", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"workers", "follower", yes, yes, "machine_of joins them", "machine_of joins them"},
		{"workers", "web", no, no, "their instances can be on different machines", "their instances can be on different machines"},
	} {
		t.Run(c.a+" and "+c.b, func(t *testing.T) {
			a, b := topo.Node(c.a), topo.Node(c.b)
			if local, why := topo.Local(a, b); local != c.ab || why.String() != c.why {
				t.Errorf("%s sees %s: %v, %s", c.a, c.b, local, why)
			}
			if local, why := topo.Local(b, a); local != c.ba || why.String() != c.yhw {
				t.Errorf("%s sees %s: %v, %s", c.b, c.a, local, why)
			}
		})
	}
}

func TestAddressOf(t *testing.T) {
	topo, _ := build(t, places+`
[unit.lo]
role = "master"
listen = "::1"
[unit.wild]
role = "master"
listen = "::"
[unit.rolefree]
[unit.edge]
role = "edge"
[unit.tworoles]
role = ["master", "node"]
`)
	for _, c := range []struct {
		from, to   string
		host, role string
		why        string
	}{
		{from: "node", to: "onnode", host: "127.0.0.1"},
		{from: "follower", to: "leader", host: "10.0.0.1"},
		{from: "leader", to: "follower", host: "127.0.0.1"},
		{from: "node", to: "leader", host: "10.0.0.1", role: "master"},
		{from: "node", to: "wild", host: "10.0.0.1", role: "master"},
		{from: "node", to: "follower", host: "10.0.0.1", role: "master"},
		{from: "node", to: "grandchild", host: "10.0.0.1", role: "master"},
		{from: "node", to: "master", host: "10.0.0.1", role: "master"},
		{from: "node", to: "web", host: "10.0.0.2", role: "node"},
		{from: "node", to: "outside", host: "192.0.2.1"},
		{from: "lo", to: "lo", host: "::1"},
		{from: "wild", to: "wild", host: "127.0.0.1"},
		{from: "node", to: "lo", why: `"lo" listens on ::1 only, and "node" can be on another machine`},
		{from: "node", to: "rolefree", why: `"rolefree" is not on the machine of "node" (fleet may place "node" and "rolefree" on different machines), and it has no role that could give an address`},
		{from: "node", to: "edge", why: `"edge" is not on the machine of "node" (fleet may place "node" and "edge" on different machines), and role "edge" has no address`},
		{from: "node", to: "tworoles", why: `"tworoles" is not on the machine of "node" (fleet may place "node" and "tworoles" on different machines), and it can run in several roles`},
		{from: "master", to: "globalnode", why: `"globalnode" is not on the machine of "master" ("globalnode" is only on machines with role=node), and a global unit has no one address`},
		{from: "master", to: "onnode", host: "10.0.0.2", role: "node"},
	} {
		t.Run(c.from+" finds "+c.to, func(t *testing.T) {
			a := topo.AddressOf(topo.Node(c.from), topo.Node(c.to))
			if a.Host != c.host || a.Role != c.role || a.Why != c.why {
				t.Errorf("host %q, role %q, why %s", a.Host, a.Role, a.Why)
			}
			if (a.Host == "") != (a.Help != "") {
				t.Errorf("help is %q", a.Help)
			}
		})
	}
}

func TestInside(t *testing.T) {
	type m = units.Metadata
	for _, c := range []struct {
		name string
		a, b m
		want bool
	}{
		{"anything is inside everywhere", m{"role": {"a"}}, m{}, true},
		{"everywhere is not inside a role", m{}, m{"role": {"a"}}, false},
		{"the same", m{"role": {"a"}}, m{"role": {"a"}}, true},
		{"one of several", m{"role": {"a"}}, m{"role": {"a", "b"}}, true},
		{"several are not inside one", m{"role": {"a", "b"}}, m{"role": {"a"}}, false},
		{"more keys are narrower", m{"role": {"a"}, "disk": {"ssd"}}, m{"role": {"a"}}, true},
		{"fewer keys are wider", m{"role": {"a"}}, m{"role": {"a"}, "disk": {"ssd"}}, false},
		{"another key", m{"disk": {"ssd"}}, m{"role": {"a"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := inside(c.a, c.b); got != c.want {
				t.Errorf("%v in %v: %v", c.a, c.b, got)
			}
		})
	}
}

func TestDiffersIn(t *testing.T) {
	type m = units.Metadata
	for _, c := range []struct {
		name string
		a, b m
		key  string
		ok   bool
	}{
		{"nothing", m{"role": {"a"}}, m{"role": {"a"}}, "", true},
		{"one key", m{"role": {"a"}}, m{"role": {"b"}}, "role", true},
		{"the order of values is none", m{"role": {"a", "b"}}, m{"role": {"b", "a"}}, "", true},
		{"one of two keys", m{"role": {"a"}, "disk": {"ssd"}}, m{"role": {"b"}, "disk": {"ssd"}}, "role", true},
		{"two keys", m{"role": {"a"}, "disk": {"ssd"}}, m{"role": {"b"}, "disk": {"hdd"}}, "", false},
		{"another key", m{"role": {"a"}}, m{"disk": {"ssd"}}, "", false},
		{"more keys", m{"role": {"a"}}, m{"role": {"a"}, "disk": {"ssd"}}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if key, ok := differsIn(c.a, c.b); ok != c.ok || ok && key != c.key {
				t.Errorf("%q, %v", key, ok)
			}
		})
	}
}

func TestLookups(t *testing.T) {
	topo, _ := build(t, places+`
[unit.listens]
port = 80
[unit.waits]
after = ["listens", "docker.service", "everywhere"]
`)
	web := topo.Node("web")
	for name, want := range map[units.Name]*Node{
		"web@.service": web, "web@2.service": web, "web.service": nil, "websidekick@9.service": topo.Node("websidekick"),
		"node.service": topo.Node("node"), "node@1.service": nil, "everywhere.service": topo.Node("everywhere"), "": nil,
	} {
		if got := topo.ByName(name); got != want {
			t.Errorf("ByName(%q) is %v", name, got)
		}
	}
	listens, waits := topo.Node("listens"), topo.Node("waits")
	if got := topo.OnPort(80); !slices.Equal(got, []*Node{listens}) {
		t.Errorf("on port 80: %v", got)
	}
	if waits.Waits(listens) == nil || waits.Waits(web) != nil || !waits.Unresolved {
		t.Errorf("edges of waits: %v, unresolved %v", waits.Edges, waits.Unresolved)
	}
	if topo.Nodes()[0] != topo.Node("everywhere") {
		t.Error("hosts do not come first")
	}
}
