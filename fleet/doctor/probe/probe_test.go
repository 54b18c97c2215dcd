package probe

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/stackc/stackc/fleet/doctor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begun is the Date of all answers, and expires when registrations of half a minute
// made then run out.
var (
	begun   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	expires = begun.Add(30 * time.Second)
)

// patience is how long a change that etcd remembers may take on a machine that is busy.
const patience = time.Second

// change is an event that etcd remembers.
type change struct {
	index      uint64
	key, value string
}

// etcd answers as etcd 2 and 3.3 do over the v2 API: keys as they lie, changes from an index on.
type etcd struct {
	keys      map[string]string
	index     uint64
	changes   []change
	forgotten uint64            // changes up to this index are forgotten
	answers   map[string]string // by path and query, in place of all else
	user      string            // who may ask, "" for everybody

	mu    sync.Mutex
	asked []string
}

// registered is a machine as fleet registers it.
func registered(id, ip, version string) string {
	return fmt.Sprintf(`{"ID":%q,"PublicIP":%q,"Metadata":{},"Version":%q}`, id, ip, version)
}

// job is a unit as fleet keeps it: a name and the hash of its content, as numbers.
func job(name string, hash ...byte) string {
	var whole [20]byte
	copy(whole[:], hash)
	text, err := json.Marshal(map[string]any{"Name": name, "UnitHash": whole})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// content is the key of a content.
func content(hash ...byte) string {
	return "/fleet/unit/" + fmt.Sprintf("%x", hash) + strings.Repeat("0", 40-2*len(hash))
}

// newEtcd has two machines, three contents of which one has a job, and an engine.
func newEtcd() *etcd {
	a, b := registered("aaaa", "10.0.0.1", "1.0.0"), registered("bbbb", "10.0.0.2", "0.13.0")
	return &etcd{index: 7, keys: map[string]string{
		"/fleet/machines/bbbb/object":   b,
		"/fleet/machines/aaaa/object":   a,
		"/fleet/machines/aaaa/metadata": `{"role":"node"}`,
		content(1):                      `{"Raw":"x"}`,
		content(2):                      `{"Raw":"yy"}`,
		content(3):                      `{"Raw":"zzz"}`,
		"/fleet/job/x.service/object":   job("x.service", 2),
		"/fleet/job/x.service/target":   "aaaa",
		"/fleet/lease/engine-leader":    `{"MachineID":"bbbb","Version":1}`,
	}, changes: []change{
		{2, "/fleet/machines/aaaa/object", a}, {3, "/fleet/machines/aaaa/metadata", `{"role":"node"}`}, {5, "/fleet/machines/bbbb/object", b}, {6, "/fleet/machines/aaaa/object", a},
	}}
}

func (e *etcd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.asked = append(e.asked, r.URL.RequestURI())
	e.mu.Unlock()
	w.Header().Set("Date", begun.Format(http.TimeFormat))
	w.Header().Set("X-Etcd-Index", strconv.FormatUint(e.index, 10))
	if name, _, _ := r.BasicAuth(); e.user != "" && name != e.user {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errorCode":110,"message":"The request requires user authentication","cause":"Insufficient credentials"}`)
		return
	}
	key, isKey := strings.CutPrefix(r.URL.Path, "/v2/keys")
	for _, at := range []string{r.URL.RequestURI(), r.URL.Path} {
		if text, ok := e.answers[at]; ok {
			fmt.Fprint(w, text)
			return
		}
	}
	switch {
	case !isKey:
		http.NotFound(w, r)
	case r.FormValue("wait") == "true":
		e.wait(w, r)
	default:
		n, ok := e.node(key)
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"errorCode":100,"message":"Key not found","cause":%q,"index":%d}`, key, e.index)
			return
		}
		reply(w, map[string]any{"action": "get", "node": n})
	}
}

// wait answers with the first change from an index on, or not before the other side goes.
func (e *etcd) wait(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.ParseUint(r.FormValue("waitIndex"), 10, 64)
	if from <= e.forgotten {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"errorCode":401,"message":"The event in requested index is outdated and cleared","cause":"","index":%d}`, e.index)
		return
	}
	for _, c := range e.changes {
		if c.index >= from {
			reply(w, map[string]any{"action": "set", "node": map[string]any{"key": c.key, "value": c.value, "modifiedIndex": c.index, "expiration": expires, "ttl": 30}})
			return
		}
	}
	<-r.Context().Done()
}

func reply(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// node is a key with all below it.
func (e *etcd) node(key string) (map[string]any, bool) {
	if value, ok := e.keys[key]; ok {
		return map[string]any{"key": key, "value": value, "modifiedIndex": e.index}, true
	}
	below := map[string]bool{}
	for k := range e.keys {
		if rest, ok := strings.CutPrefix(k, key+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			below[path.Join(key, first)] = true
		}
	}
	var nodes []map[string]any
	for _, k := range slices.Sorted(maps.Keys(below)) {
		n, _ := e.node(k)
		nodes = append(nodes, n)
	}
	return map[string]any{"key": key, "dir": true, "nodes": nodes}, len(nodes) > 0
}

// serve serves an etcd to a config that asks for it.
func serve(t *testing.T, e *etcd) Config {
	t.Helper()
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return Config{
		Client: s.Client(), Endpoints: []string{s.URL}, Prefix: "/fleet", Timeout: time.Minute, instant: patience,
		Watching: func(time.Duration) { t.Error("it waits for registrations") },
	}
}

// beatsOf writes registrations in short.
func beatsOf(r *doctor.Registry) string {
	var list []string
	for _, b := range r.Beats {
		list = append(list, b.ID)
		if !b.At.Equal(begun) || b.Lasts != 30*time.Second || b.IP == "" || b.Whole == "" {
			list = append(list, fmt.Sprintf("%+v", b))
		}
	}
	return strings.Join(list, " ")
}

// TestRegistry reads a whole registry.
func TestRegistry(t *testing.T) {
	t.Parallel()
	e := newEtcd()
	c := serve(t, e)
	r, clocks, err := Registry(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got := beatsOf(r); got != "aaaa bbbb aaaa" {
		t.Errorf("registrations %s", got)
	}
	r.Beats = nil
	want := &doctor.Registry{
		Endpoint: c.Endpoints[0], Began: true, Engine: "bbbb", Unread: map[doctor.Condition]string{},
		Contents: doctor.Contents{Total: 3, Dead: 2, DeadBytes: len(`{"Raw":"x"}`) + len(`{"Raw":"zzz"}`), Prefix: "/fleet"},
		Members:  []doctor.Member{{ID: "aaaa", IP: "10.0.0.1", Version: "1.0.0"}, {ID: "bbbb", IP: "10.0.0.2", Version: "0.13.0"}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(clocks) != 1 || clocks[0].Where != c.Endpoints[0] || clocks[0].Skew() >= 0 || clocks[0].Most > time.Until(begun)+time.Minute {
		t.Errorf("clocks %+v", clocks)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, at := range e.asked {
		if !strings.HasPrefix(at, "/v2/keys/fleet/") {
			t.Errorf("asked for %s", at)
		}
	}
}

// TestUnread: what cannot be read is noted with its reason, and all else is read.
func TestUnread(t *testing.T) {
	t.Parallel()
	none := map[doctor.Condition]string{}
	for name, tt := range map[string]struct {
		change func(*etcd)
		want   map[doctor.Condition]string
	}{
		"all is there": {func(*etcd) {}, none},
		"no contents, no jobs, no engine": {func(e *etcd) {
			maps.DeleteFunc(e.keys, func(k, _ string) bool { return !strings.HasPrefix(k, "/fleet/machines") })
		}, none},
		"a registration": {func(e *etcd) { e.keys["/fleet/machines/bbbb/object"] = "{" }, map[doctor.Condition]string{
			doctor.SameID: "the registration /fleet/machines/bbbb/object cannot be read", doctor.MixedVersions: "the registration /fleet/machines/bbbb/object cannot be read"}},
		"a job": {func(e *etcd) { e.keys["/fleet/job/x.service/object"] = "x" }, map[doctor.Condition]string{
			doctor.DeadContents: "what /fleet/job/x.service/object refers to cannot be read", doctor.NoContent: "what /fleet/job/x.service/object refers to cannot be read"}},
		"contents": {func(e *etcd) { e.answers = map[string]string{"/v2/keys/fleet/unit": "<html>"} }, map[doctor.Condition]string{
			doctor.DeadContents: "the answer is not etcd's: 200 OK", doctor.NoContent: "the answer is not etcd's: 200 OK"}},
		"jobs": {func(e *etcd) {
			e.answers = map[string]string{"/v2/keys/fleet/job": `{"errorCode":110,"message":"no","cause":"guest"}`}
		}, map[doctor.Condition]string{doctor.DeadContents: "no (guest)", doctor.NoContent: "no (guest)"}},
		"changes": {func(e *etcd) {
			e.answers = map[string]string{"/v2/keys/fleet/machines?wait=true&recursive=true&waitIndex=3": `{"errorCode":300,"message":"raft"}`}
		}, map[doctor.Condition]string{doctor.SameID: "raft"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEtcd()
			tt.change(e)
			r, _, err := Registry(t.Context(), serve(t, e))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, r.Unread); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r.NoLeader != "" || r.Lost != nil {
				t.Errorf("no leader: %q, %v", r.NoLeader, r.Lost)
			}
		})
	}
}

// TestMissing: a unit names a content that is not there; one that came after the contents
// were read is.
func TestMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*etcd)
		want    []string
		journal bool
	}{
		"all there":      {func(*etcd) {}, nil, false},
		"of one":         {func(e *etcd) { delete(e.keys, content(2)) }, []string{"x.service"}, false},
		"of two":         {func(e *etcd) { e.keys["/fleet/job/a.service/object"] = job("a.service", 9); delete(e.keys, content(2)) }, []string{"a.service", "x.service"}, false},
		"none is named":  {func(e *etcd) { e.keys["/fleet/job/a.service/object"] = job("a.service") }, []string{"a.service"}, false},
		"with a journal": {func(e *etcd) { delete(e.keys, content(2)); e.keys["/notes/journal/1"] = "x" }, []string{"x.service"}, true},
		"came meanwhile": {func(e *etcd) {
			e.answers = map[string]string{"/v2/keys/fleet/unit": `{"node":{"key":"/fleet/unit","dir":true}}`}
		}, nil, false},
		"another's notes": {func(e *etcd) { e.keys["/notes/journal/1"] = "x" }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEtcd()
			tt.change(e)
			c := serve(t, e)
			c.Journal = "/notes/journal"
			r, _, err := Registry(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Contents.Missing, tt.want) || r.Contents.Journal != tt.journal || len(r.Unread) > 0 {
				t.Errorf("missing %v, journal %v, unread %v", r.Contents.Missing, r.Contents.Journal, r.Unread)
			}
		})
	}
}

// TestEndpoints asks the next one where one does not answer, and tells no password.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	guarded := newEtcd()
	guarded.user = "doctor"
	good, closed := serve(t, newEtcd()).Endpoints[0], serve(t, guarded).Endpoints[0]
	with := func(at, user string) string { return strings.Replace(at, "://", "://"+user+"@", 1) }
	for name, tt := range map[string]struct {
		endpoints []string
		endpoint  string
		clocks    []string
		fails     string
	}{
		"first":             {[]string{good + "/", gone.URL}, good, []string{good}, ""},
		"second":            {[]string{gone.URL, good}, good, []string{good}, ""},
		"clocks of all":     {[]string{good, closed}, good, []string{good}, ""},
		"user for all":      {[]string{good, with(closed, "doctor:secret")}, good, []string{good, closed}, ""},
		"wrong user":        {[]string{with(closed, "me:secret")}, "", nil, closed + ": The request requires user authentication (Insufficient credentials)"},
		"none":              {[]string{gone.URL}, "", nil, gone.URL + ": dial tcp "},
		"two that are gone": {[]string{gone.URL, with(gone.URL, "me:secret")}, "", nil, "refused\n" + gone.URL + ": dial tcp "},
		"no URL":            {[]string{"user:secret@10.0.0.1"}, "", nil, "an endpoint of etcd is not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			r, clocks, err := Registry(t.Context(), Config{Client: client, Endpoints: tt.endpoints, Prefix: "fleet", Timeout: time.Minute, instant: patience})
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var where []string
			for _, c := range clocks {
				where = append(where, c.Where)
			}
			if r.Endpoint != tt.endpoint || !slices.Equal(where, tt.clocks) {
				t.Errorf("endpoint %s, clocks of %v", r.Endpoint, where)
			}
		})
	}
}

// TestNoLeader: a read that needs the majority fails, and the members that are gone are named.
func TestNoLeader(t *testing.T) {
	t.Parallel()
	other := newEtcd()
	other.answers = map[string]string{"/version": `{"etcdserver":"2.3.8"}`}
	there := serve(t, other).Endpoints[0]
	const quorum = "/v2/keys/fleet/machines?quorum=true"
	const failed = `{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out"}`
	members := func(client string) string {
		return `{"members":[{"id":"1","name":"n1","peerURLs":["http://10.0.0.1:2380"],"clientURLs":["http://127.0.0.1:1"]},` +
			`{"id":"2","name":"n2","peerURLs":["http://10.0.0.2:2380"],"clientURLs":["http://127.0.0.1:1","` + client + `"]},` +
			`{"id":"3","name":"","peerURLs":["http://[fd00::3]:2380"],"clientURLs":[]}]}`
	}
	for name, tt := range map[string]struct {
		answers map[string]string
		lost    []doctor.Peer
	}{
		"one is gone": {map[string]string{quorum: failed, "/v2/members": members(there), "/v2/stats/self": `{"id":"1"}`}, []doctor.Peer{{Host: "fd00::3"}}},
		"two are gone": {map[string]string{quorum: failed, "/v2/members": members("http://127.0.0.1:1"), "/v2/stats/self": `{"id":"1"}`},
			[]doctor.Peer{{Name: "n2", Host: "10.0.0.2"}, {Host: "fd00::3"}}},
		"nobody tells":    {map[string]string{quorum: failed}, nil},
		"no word of self": {map[string]string{quorum: failed, "/v2/members": members(there)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEtcd()
			e.answers = tt.answers
			r, _, err := Registry(t.Context(), serve(t, e))
			if err != nil {
				t.Fatal(err)
			}
			if r.NoLeader != "Raft Internal Error (etcdserver: request timed out)" || !slices.Equal(r.Lost, tt.lost) {
				t.Errorf("no leader: %q, %v", r.NoLeader, r.Lost)
			}
			if want := "etcd has no leader, so that no machine can register"; r.Unread[doctor.SameID] != want || len(r.Unread) != 1 || r.Beats != nil {
				t.Errorf("unread %v, registrations %v", r.Unread, r.Beats)
			}
		})
	}
}

// TestBeats reads the registrations that etcd remembers, and waits only where these are
// too few and may be more.
func TestBeats(t *testing.T) {
	t.Parallel()
	a, b := registered("aaaa", "10.0.0.1", "1.0.0"), registered("bbbb", "10.0.0.2", "1.0.0")
	old := func(e *etcd, list ...change) {
		e.index, e.changes = 5000, list
	}
	for name, tt := range map[string]struct {
		change func(*etcd)
		want   string
		began  bool
		waits  bool
	}{
		"since the beginning": {func(*etcd) {}, "aaaa bbbb aaaa", true, false},
		"those of a thousand changes": {func(e *etcd) {
			old(e, change{3000, "/fleet/machines/aaaa/object", b}, change{4001, "/fleet/machines/aaaa/object", a}, change{4002, "/fleet/machines/bbbb/object", b},
				change{4200, "/fleet/machines/aaaa/object", a}, change{4201, "/fleet/machines/bbbb/object", b}, change{4202, "/fleet/machines/aaaa/object", a}, change{5000, "/fleet/machines/bbbb/object", b})
		}, "aaaa bbbb aaaa bbbb aaaa bbbb", false, false},
		"some are forgotten": {func(e *etcd) {
			old(e, change{4100, "/fleet/machines/aaaa/object", a}, change{4500, "/fleet/machines/aaaa/object", a}, change{4501, "/fleet/machines/aaaa/object", a}, change{5000, "/fleet/machines/aaaa/object", a})
			e.forgotten = 4400
			delete(e.keys, "/fleet/machines/bbbb/object")
		}, "aaaa aaaa aaaa", false, false},
		"too few": {func(e *etcd) {
			old(e, change{4500, "/fleet/machines/aaaa/object", a}, change{5002, "/fleet/machines/bbbb/object", b})
		}, "aaaa bbbb", false, true},
		"what is none": {func(e *etcd) {
			e.changes = []change{{1, "/fleet/machines/aaaa/object", ""}, {2, "/fleet/machines/aaaa/object", "{"}, {3, "/fleet/machines/aaaa/object", "{}"}, {7, "/fleet/machines/aaaa/object", a}}
		}, "aaaa", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEtcd()
			tt.change(e)
			c := serve(t, e)
			waits := false
			c.Watch, c.Watching = patience, func(d time.Duration) { waits = d == patience }
			r, _, err := Registry(t.Context(), c)
			if err != nil || len(r.Unread) > 0 {
				t.Fatalf("%v, %v", err, r.Unread)
			}
			if got := beatsOf(r); got != tt.want || r.Began != tt.began || waits != tt.waits {
				t.Errorf("registrations %s, since the beginning %v, waited %v", got, r.Began, waits)
			}
		})
	}
}
