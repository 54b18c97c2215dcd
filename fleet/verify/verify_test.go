package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/fleet/verify"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

var (
	a = fleet.Machine{ID: "aaaaaaaa1", IP: "10.0.0.1", Metadata: map[string]string{"role": "master"}}
	b = fleet.Machine{ID: "bbbbbbbb2", IP: "10.0.0.2", Metadata: map[string]string{"role": "node"}}
	c = fleet.Machine{ID: "cccccccc3", IP: "10.0.0.3", Metadata: map[string]string{"role": "node"}}

	onNodes  = units.Metadata{"role": {"node"}}
	onMaster = units.Metadata{"role": {"master"}}
)

// unitOf is a unit as compiled, and the same as the cluster has it.
func unitOf(name string, placement ...string) (units.Unit, fleet.Unit) {
	options := []units.Option{{Section: "Service", Name: "ExecStart", Value: "/opt/bin/x"}, {Section: "Service", Name: "Restart", Value: "always"}}
	for _, p := range placement {
		key, value, _ := strings.Cut(p, ":")
		options = append(options, units.Option{Section: "X-Fleet", Name: key, Value: value})
	}
	u := units.Unit{Name: units.Name(name), Options: options, Desired: units.Launched}
	return u, fleet.Unit{Name: u.Name, Options: options, Hash: units.Hash(options), Desired: units.Launched, Current: units.Launched}
}

func row(u fleet.Unit, m fleet.Machine, active string) fleet.UnitState {
	return fleet.UnitState{Unit: u.Name, Machine: m.ID, Hash: u.Hash, Load: "loaded", Active: active, Sub: map[string]string{"active": "running", "failed": "failed"}[active]}
}

// judged gives results as "RESULT NAME on ON: SEEN".
func judged(set []units.Unit, s *fleet.Snapshot, answers map[string]verify.Answer, list ...expect.Check) []string {
	var lines []string
	for _, r := range verify.Judge(list, units.NewSet("shop", set), verify.Cluster{Snapshot: s, Answers: answers, Here: []string{"10.0.0.1"}}) {
		line := string(r.Result) + " " + r.Name
		if r.On != "" {
			line += " on " + r.On
		}
		if r.Result == verify.Fails && r.Help == "" {
			line += " (no help)"
		}
		lines = append(lines, line+": "+r.Seen)
	}
	return lines
}

func TestJudge(t *testing.T) {
	machines := []fleet.Machine{a, b, c}
	none := fleet.NewSnapshot(machines, nil, nil)
	host := func(name, id string, metadata string, addresses ...string) expect.Check {
		m := map[string]string{}
		if metadata != "" {
			m["role"] = metadata
		}
		return expect.Check{Kind: expect.Machine, Name: name, Host: expect.Host{Name: name, ID: id, Addresses: addresses, Metadata: m}}
	}
	etcd := func(hosts ...string) expect.Check {
		return expect.Check{Kind: expect.Etcd, Name: "etcd", Ask: expect.Ask{Scheme: "http", Port: 4001, Where: expect.Where{Hosts: hosts}}}
	}
	listed := func(where string, set ...string) expect.Check {
		return expect.Check{Kind: expect.Declared, Name: "list", Ask: expect.Ask{Scheme: "http", URL: "http://x/"}, Want: expect.Want{Listed: true, List: where, Set: set}}
	}
	body := func(text string) map[string]verify.Answer {
		return map[string]verify.Answer{"http://x/": {Status: 200, Body: []byte(text)}}
	}
	quorum := func(host string, status int) map[string]verify.Answer {
		return map[string]verify.Answer{"http://" + host + ":4001/v2/keys/?quorum=true": {Status: status}}
	}
	members := func(m map[string]verify.Answer, host, text string) map[string]verify.Answer {
		m["http://"+host+":4001/v2/machines"] = verify.Answer{Status: 200, Body: []byte(text)}
		return m
	}
	key := expect.Check{Kind: expect.Declared, Name: "key", Ask: expect.Ask{Scheme: "http", Port: 4001, Key: "/k", Where: expect.Where{Hosts: []string{"10.0.0.1", "10.0.0.2"}}}, Want: expect.Want{Listed: true, Roles: []units.Metadata{onNodes}}}
	for _, tt := range []struct {
		name    string
		cluster *fleet.Snapshot
		answers map[string]verify.Answer
		list    []expect.Check
		want    []string
	}{
		{"machines by id, by address and by metadata", none, nil, []expect.Check{
			host("one", a.ID, "master", "10.0.0.1"), host("two", "", "node", "10.0.0.2"), host("three", "", "node"), {Kind: expect.Machines},
		}, []string{"ok one: at 10.0.0.1, with role=master, id aaaaaaaa", "ok two: at 10.0.0.2, with role=node", "ok three: at 10.0.0.3, with role=node", "ok : none"}},
		{"metadata that other machines of the inventory have", none, nil, []expect.Check{
			host("one", "", "", "10.0.0.1"), host("two", "", "node", "10.0.0.2"), host("three", "", "node", "10.0.0.3"),
		}, []string{"failed one: at 10.0.0.1, with role=master", "ok two: at 10.0.0.2, with role=node", "ok three: at 10.0.0.3, with role=node"}},
		{"metadata that mean nothing to the stack", none, nil, []expect.Check{host("one", "", "", "10.0.0.1")}, []string{"ok one: at 10.0.0.1, with role=master"}},
		{"networks that meet, machines in one that is not theirs and outside of theirs", none, nil, []expect.Check{{Kind: expect.Networks, Networks: []expect.Network{
			{Name: "machines", Range: "10.0.0.0/31", Machines: true}, {Name: "machines", Range: "10.0.0.2/32", Machines: true}, {Name: "pods", Range: "10.0.0.2/31"},
		}}}, []string{"failed : machine cccccccc/10.0.0.3, 10.0.0.3, is not in machines; pods meets machines; machine bbbbbbbb/10.0.0.2, 10.0.0.2, is in pods; machine cccccccc/10.0.0.3, 10.0.0.3, is in pods"}},
		{"roles", none, nil, []expect.Check{{Kind: expect.Role, Name: "node", Metadata: onNodes}, {Kind: expect.Role, Name: "other", Metadata: units.Metadata{"role": {"x"}}}},
			[]string{"ok node: bbbbbbbb/10.0.0.2, cccccccc/10.0.0.3", "failed other: none"}},

		{"etcd with its members and a leader", none, members(quorum("10.0.0.1", 200), "10.0.0.1", "http://10.0.0.1:2379, http://10.0.0.1:4001"), []expect.Check{etcd("10.0.0.1")},
			[]string{"ok leader on aaaaaaaa/10.0.0.1: HTTP 200", "ok members: 10.0.0.1"}},
		{"etcd without a leader", none, members(quorum("10.0.0.1", 500), "10.0.0.1", "http://10.0.0.1:2379"), []expect.Check{etcd("10.0.0.1")},
			[]string{"failed leader on aaaaaaaa/10.0.0.1: HTTP 500", "ok members: 10.0.0.1"}},
		{"a member too many, asked where one answers", none, members(quorum("10.0.0.2", 200), "10.0.0.2", "http://10.0.0.1:2379, http://10.0.0.2:2379, http://10.0.0.9:2379"), []expect.Check{etcd("10.0.0.1", "10.0.0.2")},
			[]string{"not asked leader on aaaaaaaa/10.0.0.1: was not asked", "ok leader on bbbbbbbb/10.0.0.2: HTTP 200", "failed members: 10.0.0.1, 10.0.0.2, 10.0.0.9"}},
		{"members that tell others their loopback address", none, members(quorum("10.0.0.1", 200), "10.0.0.1", "http://localhost:2379"), []expect.Check{etcd("10.0.0.1")},
			[]string{"ok leader on aaaaaaaa/10.0.0.1: HTTP 200", "not asked members: 127.0.0.1: what members tell their clients cannot be compared"}},
		{"no etcd answers", none, nil, []expect.Check{etcd("10.0.0.1")}, []string{"not asked leader on aaaaaaaa/10.0.0.1: was not asked", "not asked members: no etcd answers from here"}},

		{"a list in JSON", none, body(`{"items":[{"m":{"name":"b"}},{"m":{"name":"a"}}]}`), []expect.Check{listed("items[].m.name", "a", "b")}, []string{"ok list: a, b"}},
		{"numbers", none, body(`{"n":[1,2]}`), []expect.Check{listed("n[]", "2", "1")}, []string{"ok list: 1, 2"}},
		{"an element too few", none, body(`{"n":["a"]}`), []expect.Check{listed("n[]", "a", "b")}, []string{"failed list: a"}},
		{"a list that Go wrote without elements", none, body(`{"n":null}`), []expect.Check{listed("n[]", "a")}, []string{"failed list: an empty list"}},
		{"no such key", none, body(`{"m":[]}`), []expect.Check{listed("n[]", "a")}, []string{`failed list: an answer without "n" of "n[]"`}},
		{"no array", none, body(`{"n":{}}`), []expect.Check{listed("n[]", "a")}, []string{`failed list: an answer whose "n" of "n[]" is no array`}},
		{"no JSON", none, body("<html>"), []expect.Check{listed("n[]", "a")}, []string{`failed list: an answer that is no JSON: "<html>"`}},

		{"a key, of the address that answers", none, map[string]verify.Answer{
			"http://10.0.0.1:4001/v2/keys/k": {Err: "connection refused"},
			"http://10.0.0.2:4001/v2/keys/k": {Status: 200, Body: []byte(`{"node":{"dir":true,"nodes":[{"key":"/k/10.0.0.3"},{"key":"/k/10.0.0.2"}]}}`)},
		}, []expect.Check{key}, []string{"ok key on bbbbbbbb/10.0.0.2: 10.0.0.2, 10.0.0.3"}},
		{"a key that no address tells", none, map[string]verify.Answer{
			"http://10.0.0.1:4001/v2/keys/k": {Err: "connection refused"}, "http://10.0.0.2:4001/v2/keys/k": {Err: "connection refused"},
		}, []expect.Check{key}, []string{"failed key on aaaaaaaa/10.0.0.1: connection refused"}},
		{"a key that there is not", none, map[string]verify.Answer{"http://10.0.0.1:4001/v2/keys/k": {Status: 404}}, []expect.Check{key},
			[]string{"failed key on aaaaaaaa/10.0.0.1: there is no such key"}},

		{"a port of the loopback address, here and elsewhere", none, map[string]verify.Answer{"tcp://127.0.0.1:80": {}},
			[]expect.Check{{Kind: expect.Ready, Name: "x", Ask: expect.Ask{Scheme: "tcp", Port: 80, Loopback: true}}}, []string{
				"ok x on aaaaaaaa/10.0.0.1: it does",
				"not asked x on bbbbbbbb/10.0.0.2: it listens on 127.0.0.1 only: ask on bbbbbbbb/10.0.0.2 itself, or with --tunnel 10.0.0.2",
				"not asked x on cccccccc/10.0.0.3: it listens on 127.0.0.1 only: ask on cccccccc/10.0.0.3 itself, or with --tunnel 10.0.0.3",
			}},
		{"a port that may be closed to others", none, map[string]verify.Answer{"tcp://10.0.0.1:80": {Err: "connection refused"}},
			[]expect.Check{{Kind: expect.Ready, Name: "x", Ask: expect.Ask{Scheme: "tcp", Port: 80, Beside: true, Where: expect.Where{Metadata: onMaster}}}}, []string{
				"not asked x on aaaaaaaa/10.0.0.1: connection refused; all that need it are on its own machine, and it may listen there only",
			}},
		{"a unit that is on no machine", none, nil, []expect.Check{{Kind: expect.Ready, Name: "x", Ask: expect.Ask{Scheme: "tcp", Port: 80, Where: expect.Where{Unit: "x.service"}}}},
			[]string{"not asked x: it is on no machine"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := judged(nil, tt.cluster, tt.answers, tt.list...); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestJudgeUnits(t *testing.T) {
	proxy, liveProxy := unitOf("proxy.service", "Global:true", "MachineMetadata:role=node")
	api, liveAPI := unitOf("api.service", "MachineMetadata:role=master")
	side, liveSide := unitOf("side.service", "MachineOf:api.service")
	liveAPI.Machine, liveSide.Machine = a.ID, a.ID
	set := []units.Unit{proxy, api, side}
	live := []fleet.Unit{liveProxy, liveAPI, liveSide}
	check := func(name units.Name) expect.Check {
		return expect.Check{Kind: expect.Unit, Name: string(name), Unit: name}
	}
	strayed := liveSide
	strayed.Machine = b.ID
	loaded := liveAPI
	loaded.Desired = units.Loaded
	other := liveAPI
	other.Hash = "0123456789012345678901234567890123456789"
	for _, tt := range []struct {
		name, want string
		live       []fleet.Unit
		states     []fleet.UnitState
		check      units.Name
	}{
		{"everywhere", "ok proxy.service: up on bbbbbbbb/10.0.0.2, cccccccc/10.0.0.3", live, []fleet.UnitState{row(liveProxy, b, "active"), row(liveProxy, c, "active")}, proxy.Name},
		{"failed on one", "failed proxy.service: failed on cccccccc/10.0.0.3; up on bbbbbbbb/10.0.0.2", live, []fleet.UnitState{row(liveProxy, b, "active"), row(liveProxy, c, "failed")}, proxy.Name},
		{"not yet on one", "failed proxy.service: not started on cccccccc/10.0.0.3; up on bbbbbbbb/10.0.0.2", live, []fleet.UnitState{row(liveProxy, b, "active")}, proxy.Name},
		{"on its machine", "ok api.service: up on aaaaaaaa/10.0.0.1", live, []fleet.UnitState{row(liveAPI, a, "active")}, api.Name},
		{"on a machine without the metadata", "failed api.service: up on bbbbbbbb/10.0.0.2", live, []fleet.UnitState{row(liveAPI, b, "active")}, api.Name},
		{"beside its leader", "ok side.service: up on aaaaaaaa/10.0.0.1", live, []fleet.UnitState{row(liveAPI, a, "active"), row(liveSide, a, "active")}, side.Name},
		{"away from its leader", "failed side.service: up on bbbbbbbb/10.0.0.2", []fleet.Unit{liveAPI, strayed}, []fleet.UnitState{row(liveAPI, a, "active"), row(strayed, b, "active")}, side.Name},
		{"missing", "failed side.service: fleet does not have it", []fleet.Unit{liveAPI}, nil, side.Name},
		{"asked for otherwise", "failed api.service: fleet was asked for loaded", []fleet.Unit{loaded}, nil, api.Name},
		{"another content", "failed api.service: content 0123456", []fleet.Unit{other}, nil, api.Name},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := fleet.NewSnapshot([]fleet.Machine{a, b, c}, tt.live, tt.states)
			if got := judged(set, s, nil, check(tt.check)); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestQuestions: what is asked is what is judged, each question once.
func TestQuestions(t *testing.T) {
	s := fleet.NewSnapshot([]fleet.Machine{a, b}, nil, nil)
	list := []expect.Check{
		{Kind: expect.Ready, Name: "x", Ask: expect.Ask{Scheme: "tcp", Port: 80}},
		{Kind: expect.Ready, Name: "y", Ask: expect.Ask{Scheme: "tcp", Port: 80, Where: expect.Where{Metadata: onMaster}}},
		{Kind: expect.Declared, Name: "z", Ask: expect.Ask{Scheme: "http", URL: "http://x/"}},
	}
	cluster := verify.Cluster{Snapshot: s}
	got := verify.Questions(list, units.NewSet("shop", nil), cluster)
	if want := []string{"http://x/", "tcp://10.0.0.1:80", "tcp://10.0.0.2:80"}; !slices.Equal(got, want) {
		t.Fatalf("questions are %q, want %q", got, want)
	}
	cluster.Answers = map[string]verify.Answer{}
	for _, q := range got {
		cluster.Answers[q] = verify.Answer{}
	}
	if results := verify.Judge(list, units.NewSet("shop", nil), cluster); verify.Failed(results) {
		t.Errorf("with an answer to every question, %v", results)
	}
}

// TestUnasked: nobody is asked about a port of UDP, nor about several ports in a row, and
// that is told.
func TestUnasked(t *testing.T) {
	s := fleet.NewSnapshot([]fleet.Machine{a}, nil, nil)
	list := []expect.Check{{Kind: expect.Ready, Name: "flannel", UDP: "8472"}, {Kind: expect.Ready, Name: "proxy", Range: "30000-32767"}}
	want := []string{
		"not asked flannel: no answer of UDP tells an open port from a closed one; on the machine: ss -lnu",
		"not asked proxy: nothing says at which of them something listens; on the machine: ss -lnt",
	}
	if got := judged(nil, s, nil, list...); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if asked := verify.Questions(list, units.NewSet("shop", nil), verify.Cluster{Snapshot: s}); len(asked) > 0 {
		t.Errorf("asks %q", asked)
	}
}
