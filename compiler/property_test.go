package compiler_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// drawnHead declares the roles and hosts that drawn units use.
const drawnHead = `stack = "drawn"
[roles]
master = { metadata = "role=master", address = "10.0.0.1" }
node = { metadata = "role=node", address = "10.0.0.2" }
edge = "role=edge"
ssd = ["role=node", "disk=ssd"]
[host.etcd]
unit = "etcd.service"
role = "master"
port = 2379
ready = { http = "/version" }
[host.docker]
unit = "docker.service"
role = ["master", "node"]
ready = { command = "docker version" }
[host.agent]
unit = "agent.service"
[host.outside]
address = "192.0.2.1"
port = 443
ready = { https = "/" }
`

// hostRoles are the constraints of the hosts in drawnHead: any of the sets.
var hostRoles = map[units.Name][]map[string]string{
	"etcd.service":   {{"role": "master"}},
	"docker.service": {{"role": "master"}, {"role": "node"}},
	"agent.service":  {{}},
}

// drawUnits draws the tables of some units, each of which waits for hosts and for
// units before it.
func drawUnits(r *rapid.T) []string {
	n := rapid.IntRange(1, 6).Draw(r, "units")
	var tables []string
	keys := []string{"etcd", "docker", "agent", "outside"}
	announced := map[string]bool{}
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "[unit.u%d]\n", i)
		place, key := drawPlacement(r, i), fmt.Sprintf("u%d", i)
		b.WriteString(place)
		if announced[key] = !strings.Contains(place, "global") && !strings.Contains(place, "count") && rapid.IntRange(0, 2).Draw(r, "announce") == 0; announced[key] {
			b.WriteString("announce = true\n")
		}
		command := "/bin/u"
		if after := rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 3, rapid.ID).Draw(r, "after"); len(after) > 0 {
			fmt.Fprintf(&b, "after = [\"%s\"]\n", strings.Join(after, "\", \""))
			for _, to := range after {
				if announced[to] {
					command += " ${{ " + to + ".address }}"
				}
			}
		}
		b.WriteString(rapid.SampledFrom([]string{
			"", "ready = { http = \"/\" }\n", "ready = { https = \"/\" }\n", "ready = { tcp = true }\n", "ready = { etcd = \"/k\" }\n",
			"ready = { file = \"/run/x\" }\n", "ready = { command = \"true\" }\n", "ready = { unit = true }\n",
		}).Draw(r, "ready"))
		fmt.Fprintf(&b, "port = %d\n[unit.u%d.Service]\nExecStart = \"%s\"\n", 1000+i, i, command)
		tables = append(tables, b.String())
		keys = append(keys, key)
	}
	return tables
}

// drawPlacement draws where unit i may run.
func drawPlacement(r *rapid.T, i int) string {
	roles := []string{"", "role = \"master\"\n", "role = \"node\"\n", "role = \"edge\"\n", "role = \"ssd\"\n", "role = [\"master\", \"node\"]\n", "metadata = \"disk=ssd\"\n"}
	place := rapid.SampledFrom(roles).Draw(r, "role")
	other := rapid.IntRange(0, max(i-1, 0)).Draw(r, "other")
	switch rapid.IntRange(0, 9).Draw(r, "kind") {
	case 0, 1, 2:
		place += "global = true\n"
	case 3, 4:
		if i > 0 {
			place = fmt.Sprintf("machine_of = \"u%d\"\n", other)
		}
	case 5:
		place = fmt.Sprintf("machine_id = \"0000000%d\"\n", rapid.IntRange(0, 1).Draw(r, "id"))
	case 6:
		place += "count = 2\n"
	case 7:
		if i > 0 {
			place = fmt.Sprintf("count = %d\nmachine_of = \"u%d\"\n", rapid.IntRange(1, 3).Draw(r, "count"), other)
		}
	}
	if i > 0 && rapid.IntRange(0, 5).Draw(r, "conflicts") == 0 {
		place += fmt.Sprintf("conflicts = \"u%d\"\n", other)
	}
	return place
}

func compileTables(tables []string) (*compiler.Result, diag.List) {
	return compiler.Compile(stackFile, compiler.Options{Opener: source.Map{stackFile: drawnHead + strings.Join(tables, "")}})
}

// TestDrawnStacks holds on stacks of units with any placement and edges:
//   - the laws of every compile;
//   - no Wants= or After= leads to a unit that could be on another machine;
//   - an edge that is not local gives exactly one waiter, or an error;
//   - where a unit follows one that is announced, its machine learns the address;
//   - the order of the tables in the file changes nothing.
func TestDrawnStacks(t *testing.T) {
	compiled, related, waits, followed := 0, 0, 0, 0
	held := func() bool { return compiled > 0 && related > 0 && waits > 0 && followed > 0 }
	law := func(r *rapid.T) {
		tables := drawUnits(r)
		result, findings := compileTables(tables)
		checkLaws(r, result, findings)
		checkEdges(r, result, findings)
		if result.Set != nil {
			compiled++
			related += checkRelations(r, result.Set)
			followed += checkFollowers(r, result)
			for _, u := range result.Set.Units {
				waits += len(u.Waits)
			}
		}
		shuffled, found := compileTables(rapid.Permutation(tables).Draw(r, "order"))
		checkSame(r, result, shuffled, findings, found)
	}
	for range 50 { // a hundred draws may well hold none that follows, and with -short these are twenty
		if rapid.Check(t, law); held() || t.Failed() {
			return
		}
	}
	if !held() {
		t.Errorf("nothing was held: %d stacks without fault, %d relations, %d waiters, %d that follow", compiled, related, waits, followed)
	}
}

// checkEdges holds that each edge of after that is not local has its one waiter.
func checkEdges(t reporter, result *compiler.Result, findings diag.List) {
	t.Helper()
	for _, n := range result.Topology.Nodes() {
		for _, e := range n.Edges {
			if n.Unit == nil || e.Local {
				continue
			}
			atWord := slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return d.Severity == diag.Error && d.Span == e.Word.Pos.Span })
			if e.To.Ready() == nil && !e.To.Announces() && !atWord {
				t.Errorf("%s waits for %s, which is elsewhere and says no readiness, and nothing is said", n.Key, e.To.Key)
			}
			if result.Set == nil {
				continue
			}
			for _, u := range result.Set.Units {
				if waits := waitsFor(u, e.To.Key); (u.Name == n.Name() || u.Group == n.Key) && waits != 1 {
					t.Errorf("%s has %d waiters for %s", u.Name, waits, e.To.Key)
				}
			}
		}
	}
}

func waitsFor(u units.Unit, subject string) int {
	n := 0
	for _, w := range u.Waits {
		if w.Subject == subject {
			n++
		}
	}
	return n
}

// checkSame holds that two orders of the same tables give the same units, and
// findings of the same kinds.
func checkSame(t reporter, a, b *compiler.Result, x, y diag.List) {
	t.Helper()
	if codes(x) != codes(y) {
		t.Errorf("in one order\n%s\nin another\n%s", diag.Short(x), diag.Short(y))
	}
	if a.Set == nil || b.Set == nil {
		return
	}
	if !slices.Equal(a.Set.Names(), b.Set.Names()) {
		t.Errorf("units %v and %v", a.Set.Names(), b.Set.Names())
		return
	}
	for i, u := range a.Set.Units {
		if u.Hash() != b.Set.Units[i].Hash() {
			t.Errorf("%s is\n%v\nor\n%v", u.Name, u.Options, b.Set.Units[i].Options)
		}
	}
}

func codes(l diag.List) string {
	var list []string
	for _, d := range l {
		list = append(list, string(d.Code))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// machine is one of the machines on which drawn units may find themselves.
type machine struct {
	number   int
	metadata map[string]string
}

// drawnMachines are two of each kind, so that two units of one role may part.
func drawnMachines() []machine {
	var list []machine
	for _, role := range []string{"", "master", "node", "edge"} {
		for _, disk := range []string{"", "ssd"} {
			for range 2 {
				m := machine{number: len(list), metadata: map[string]string{}}
				if role != "" {
					m.metadata["role"] = role
				}
				if disk != "" {
					m.metadata["disk"] = disk
				}
				list = append(list, m)
			}
		}
	}
	return list
}

// cluster knows where fleet may put the units of a set. It looks at what stands
// in the units alone, by fleet's rules, and so judges the compiler from outside.
type cluster struct {
	set      *units.Set
	machines []machine
	places   map[units.Name]units.Placement
}

// checkRelations holds that what a unit wants or starts after is on its machine,
// wherever fleet puts them, and returns how many relations that were.
func checkRelations(t reporter, set *units.Set) int {
	t.Helper()
	relations := 0
	c := &cluster{set: set, machines: drawnMachines(), places: map[units.Name]units.Placement{}}
	for _, u := range set.Units {
		place, losses := units.ParsePlacement(u.Name, u.Options)
		if len(losses) > 0 {
			t.Errorf("%s: %v", u.Name, losses)
		}
		c.places[u.Name] = place
	}
	for _, u := range set.Units {
		for _, e := range units.Edges(u.Name, u.Options) {
			relations++
			if where := c.apart(u.Name, e.Target); where != "" {
				t.Errorf("%s says %s=%s, but %s", u.Name, e.Relation, e.Target, where)
			}
		}
	}
	return relations
}

// checkFollowers holds that on each machine on which a unit needs an announced
// address a unit learns it, which starts that unit again if it reads the address
// at its start. It returns how many units that were.
func checkFollowers(t reporter, result *compiler.Result) int {
	t.Helper()
	followers := 0
	c := &cluster{set: result.Set, machines: drawnMachines(), places: map[units.Name]units.Placement{}}
	for _, u := range result.Set.Units {
		c.places[u.Name], _ = units.ParsePlacement(u.Name, u.Options)
	}
	for _, u := range result.Set.Units {
		for _, file := range units.Values(u.Options, "Service", "EnvironmentFile") {
			key := strings.TrimSuffix(path.Base(file), ".env")
			followers++
			watcher, ok := result.Set.Lookup(units.Name(key + "-follow.service"))
			if !ok {
				t.Errorf("%s reads %s, which nobody writes", u.Name, file)
				return followers
			}
			if command := units.Values(watcher.Options, "Service", "ExecStart")[0]; !strings.Contains(command, string(u.Name)) && (u.Group == "" || !strings.Contains(command, u.Group+"@*.service")) {
				t.Errorf("%s reads the address of %s, and is not started again when that moves:\n%s", u.Name, key, command)
			}
			there := c.runs(watcher.Name, machine{})
			for _, first := range c.machines {
				for _, m := range c.runs(u.Name, first) {
					if !slices.Contains(there, m) {
						t.Errorf("%s can be on machine %d %v, where nobody learns the address of %s", u.Name, m, c.machines[m].metadata, key)
					}
				}
			}
		}
	}
	return followers
}

// apart tells of a placement in which a runs on a machine without b, "" when
// there is none.
func (c *cluster) apart(a, b units.Name) string {
	if roles, ok := hostRoles[b]; ok {
		return c.withoutHost(a, b, roles)
	}
	if _, ok := c.set.Lookup(b); !ok {
		return "there is no such unit"
	}
	if c.places[b].Global && !slices.Contains(c.chain(a), b) && c.rivals(b) {
		return "conflicts can keep it off a machine"
	}
	for _, first := range c.machines {
		for _, second := range c.machines {
			if c.tied(a, b) && first.number != second.number {
				continue
			}
			there := c.runs(b, second)
			for _, m := range c.runs(a, first) {
				if !slices.Contains(there, m) && (len(there) > 0 || c.places[b].Global) {
					return fmt.Sprintf("the one can be on machine %d %v and the other on %v", m, c.machines[m].metadata, there)
				}
			}
		}
	}
	return ""
}

func (c *cluster) withoutHost(a, host units.Name, roles []map[string]string) string {
	for _, first := range c.machines {
		for _, m := range c.runs(a, first) {
			has := slices.ContainsFunc(roles, func(role map[string]string) bool {
				for k, v := range role {
					if c.machines[m].metadata[k] != v {
						return false
					}
				}
				return true
			})
			if !has {
				return fmt.Sprintf("%s can be on a machine %v that has no %s", a, c.machines[m].metadata, host)
			}
		}
	}
	return ""
}

// chain is a unit and those that it goes after, one behind the other.
func (c *cluster) chain(name units.Name) []units.Name {
	chain := []units.Name{name}
	for len(c.places[name].MachineOf) > 0 {
		name = units.Name(c.places[name].MachineOf[0])
		chain = append(chain, name)
	}
	return chain
}

// placed is the unit for which fleet chooses the machine on which name runs: the
// first of its chain that goes after none, or after one that is everywhere.
func (c *cluster) placed(name units.Name) units.Name {
	for _, n := range c.chain(name) {
		if c.places[n].Global {
			break
		}
		name = n
	}
	return name
}

// tied reports whether one choice of a machine places both.
func (c *cluster) tied(a, b units.Name) bool {
	a, b = c.placed(a), c.placed(b)
	id := c.places[a].MachineID
	return a == b && !c.places[a].Global || id != "" && id == c.places[b].MachineID
}

// runs returns the numbers of the machines on which a unit runs when its leader
// was put on m.
func (c *cluster) runs(name units.Name, m machine) []int {
	if c.places[name].Global {
		var all []int
		for _, m := range c.machines {
			if c.places[name].Metadata.Matches(m.metadata) {
				all = append(all, m.number)
			}
		}
		return all
	}
	for _, n := range c.chain(name) {
		if !c.places[n].Metadata.Matches(m.metadata) {
			return nil
		}
	}
	return []int{m.number}
}

// rivals reports whether a conflict of any unit is about name, or one of its own
// about any unit.
func (c *cluster) rivals(name units.Name) bool {
	for other := range maps.Keys(c.places) {
		if other != name && (matches(c.places[other].Conflicts, name) || matches(c.places[name].Conflicts, other)) {
			return true
		}
	}
	return false
}

func matches(patterns []string, name units.Name) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, string(name))
		return ok || err != nil
	})
}
