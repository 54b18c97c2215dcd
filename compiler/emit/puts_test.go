package emit_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// etcd answers PUT requests with one status after the other, and remembers them.
type etcd struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	requests []string // method, path and query
	values   []string
}

func newEtcd(t *testing.T, statuses ...int) *etcd {
	t.Helper()
	e := &etcd{statuses: statuses}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		e.requests = append(e.requests, r.Method+" "+r.URL.RequestURI())
		e.values = append(e.values, form.Get("value"))
		w.WriteHeader(e.statuses[min(len(e.requests), len(e.statuses))-1])
	}))
	t.Cleanup(e.Close)
	return e
}

// TestPuts holds that a key is put if it is absent, that one already there is
// success, and that everything else is tried again.
func TestPuts(t *testing.T) {
	for _, c := range []struct {
		name       string
		statuses   []int
		key, value string // as TOML
		request    string
		want       string
	}{
		{"created", []int{201}, `"/coreos.com/network/config"`, `{ Network = "10.1.0.0/16", Backend = { Type = "vxlan" } }`,
			"PUT /v2/keys/coreos.com/network/config?prevExist=false", `{"Network":"10.1.0.0/16","Backend":{"Type":"vxlan"}}`},
		{"already there", []int{412}, `"/a"`, `"x"`, "PUT /v2/keys/a?prevExist=false", "x"},
		{"no leader yet", []int{500, 503, 201}, `"/a"`, `7`, "PUT /v2/keys/a?prevExist=false", "7"},
		{"odd text", []int{201}, `"/with blank/%41?#"`, `"it's \"100%\" $HOME & a=b;\\"`, "PUT /v2/keys/with%20blank/%2541%3F%23?prevExist=false", `it's "100%" $HOME & a=b;\`},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := newEtcd(t, c.statuses...)
			set, _ := compiled(t, `
stack = "s"
[host.etcd]
unit = "etcd.service"
port = `+portOf(t, server.URL)+`
[unit.f]
[unit.f.etcd_put]
`+c.key+` = `+c.value+`
[unit.f.Service]
ExecStart = "/bin/f"
`)
			w := newWorld(t, func(int) {})
			out, code := w.run(preparations(t, set, "f.service")[0])
			if code != 0 || len(server.requests) != len(c.statuses) {
				t.Errorf("exit code %d after %d requests, want 0 after %d:\n%s", code, len(server.requests), len(c.statuses), out)
			}
			if slices.ContainsFunc(server.requests, func(r string) bool { return r != c.request }) {
				t.Errorf("requests are %q, want %q", server.requests, c.request)
			}
			if slices.ContainsFunc(server.values, func(v string) bool { return v != c.want }) {
				t.Errorf("values are %q, want %q", server.values, c.want)
			}
		})
	}
}

// TestEtcdWaiter holds that a readiness by key waits until etcd has the key.
func TestEtcdWaiter(t *testing.T) {
	server := newEtcd(t, 404, 500, 200)
	set, _ := compiled(t, `
stack = "s"
[host.etcd]
unit = "etcd.service"
port = `+portOf(t, server.URL)+`
[unit.x]
ready = { etcd = "/up/${{ self.name }}" }
[unit.x.Service]
ExecStart = "/bin/x"
[unit.f]
after = ["x"]
[unit.f.Service]
ExecStart = "/bin/f"
`)
	w := newWorld(t, func(int) {})
	out, code := w.run(preparations(t, set, "f.service")[0])
	if want := []string{"GET /v2/keys/up/x", "GET /v2/keys/up/x", "GET /v2/keys/up/x"}; code != 0 || !slices.Equal(server.requests, want) {
		t.Errorf("exit code %d, requests %q", code, server.requests)
	}
	wantTries(t, out, "f.service: waiting for x (etcd key /up/x)", 2)
}
