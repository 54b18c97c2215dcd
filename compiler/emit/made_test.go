package emit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackc/stackc/units"
)

// realEtcd is an etcd of this test alone, with the API that fleet uses.
type realEtcd struct {
	t    *testing.T
	url  string
	port string
}

func startEtcd(t *testing.T) realEtcd {
	t.Helper()
	client, peer := "127.0.0.1:"+reserve(t), "127.0.0.1:"+reserve(t)
	cmd := exec.Command("etcd", "--data-dir="+t.TempDir(), "--enable-v2", "--logger=zap", "--log-level=error",
		"--listen-client-urls=http://"+client, "--advertise-client-urls=http://"+client,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer, "--initial-cluster=default=http://"+peer)
	if err := cmd.Start(); err != nil {
		t.Fatalf("the scripts are tried against etcd (Debian's etcd-server): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	_, port, _ := net.SplitHostPort(client)
	e := realEtcd{t, "http://" + client, port}
	for range 600 {
		if resp, err := http.Get(e.url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return e
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("etcd does not come up")
	return e
}

// do sends a request for a key and returns the node that etcd answers with.
func (e realEtcd) do(method, key string, form url.Values) (value string, ttl, status int) {
	e.t.Helper()
	req, err := http.NewRequest(method, e.url+"/v2/keys"+key, strings.NewReader(form.Encode()))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var answer struct {
		Node struct {
			Value string
			TTL   int
		}
	}
	if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil {
		e.t.Fatal(err)
	}
	return answer.Node.Value, answer.Node.TTL, resp.StatusCode
}

func (e realEtcd) put(key, value string) { e.do(http.MethodPut, key, url.Values{"value": {value}}) }

// wants holds that a key has a value, "" for none.
func (e realEtcd) wants(when, key, want string) {
	e.t.Helper()
	value, ttl, status := e.do(http.MethodGet, key, nil)
	if value != want || want == "" && status != http.StatusNotFound {
		e.t.Errorf("%s: %s is %q (%d), want %q", when, key, value, status, want)
	}
	if want != "" && (ttl < 1 || ttl > 20) {
		e.t.Errorf("%s: the lease of %s is %d s, want at most 20", when, key, ttl)
	}
}

// program returns the script of a unit's ExecStart, with paths below /run/stackc
// moved into dir.
func programOf(t *testing.T, set *units.Set, name units.Name, dir string) []string {
	t.Helper()
	u, ok := set.Lookup(name)
	if !ok {
		t.Fatalf("no unit %s", name)
	}
	args := arguments(t, units.Values(u.Options, "Service", "ExecStart")[0])
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "/run/stackc", dir)
	}
	return args
}

// rounds runs a script that goes on for ever: when it sleeps, the next of the
// rounds is called, and in the last one it is ended as systemd does.
func rounds(t *testing.T, w *world, args []string, list ...func()) string {
	t.Helper()
	var done atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		i := int(done.Add(1))
		if i <= len(list) {
			list[i-1]()
		}
		if i >= len(list) {
			rw.WriteHeader(http.StatusGone)
		}
	}))
	defer server.Close()
	w.program("sleep", fmt.Sprintf("/usr/bin/curl -fs %s || kill -TERM $PPID", server.URL))
	out, _ := w.run(args)
	if int(done.Load()) != len(list) {
		t.Errorf("%d rounds, want %d:\n%s", done.Load(), len(list), out)
	}
	return out
}

// announced is a stack with a unit that is announced, whose words are given, and
// one that follows it.
func announced(etcd, words string) string {
	return `
stack = "shop"
[roles]
master = "role=master"
node = "role=node"
[host.etcd]
unit = "etcd.service"
port = ` + etcd + `
[unit.api]
role = "master"
` + words + `
[unit.api.Service]
ExecStart = "/bin/api"
Restart = "always"
[unit.agent]
role = "node"
global = true
after = ["api"]
[unit.agent.Service]
ExecStart = "/bin/agent ${{ api.host }}"
Restart = "always"
[unit.pool]
role = "node"
count = 2
after = ["api"]
[unit.pool.Service]
ExecStart = "/bin/pool ${{ api.host }}"
Restart = "always"
[unit.waits]
role = "node"
after = ["api"]
[unit.waits.Service]
ExecStart = "/bin/waits"
Restart = "always"
`
}

const (
	announceKey = "/stackc/shop/announce/api"
	machineKey  = "/_coreos.com/fleet/machines/0123abcd/object"
)

// machineObject is what fleet v1.0.0 keeps of a machine.
func machineObject(address string) string {
	return fmt.Sprintf(`{"ID":"0123abcd","PublicIP":%q,"Metadata":{"role":"master"},"Version":"1.0.0"}`, address)
}

// TestAnnouncer runs the unit beside one that announces itself: the key is there
// while that is up, is let go of when it is not, and goes with the unit.
func TestAnnouncer(t *testing.T) {
	etcd := startEtcd(t)
	var up atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !up.Load() || r.URL.Path != "/healthz" {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	port := portOf(t, server.URL)
	set, _ := compiled(t, announced(etcd.port, "announce = true\nport = "+port+"\nready = { http = \"/healthz\" }"))
	w := newWorld(t, func(int) {})
	w.program("cat", `[ "$1" = /etc/machine-id ] && echo 0123abcd`)
	want := "HOST=127.0.0.1 ADDRESS=127.0.0.1:" + port + " URL=http://127.0.0.1:" + port
	out := rounds(t, w, programOf(t, set, "api-announce.service", ""),
		func() { etcd.wants("no address", announceKey, ""); etcd.put(machineKey, machineObject("127.0.0.1")) },
		func() { etcd.wants("not up", announceKey, ""); up.Store(true) },
		func() { etcd.wants("up", announceKey, want) },
		func() {
			etcd.wants("up, put again", announceKey, want)
			etcd.do(http.MethodDelete, announceKey, nil) // as when the lease ends
			up.Store(false)
		},
		func() { etcd.wants("not up any more", announceKey, ""); up.Store(true) },
		func() { etcd.wants("up again", announceKey, want); etcd.put(announceKey, "HOST=10.0.0.1") },
		func() { etcd.do(http.MethodDelete, announceKey, nil) },
		func() { etcd.wants("the other has gone", announceKey, want) },
	)
	etcd.wants("ended", announceKey, "")
	wantLines(t, out,
		"api-announce.service: fleet has put no address of this machine into etcd",
		"api-announce.service: api is not up, or not at 127.0.0.1:"+port,
		"api-announce.service: announces "+want,
		"api-announce.service: api is not up, or not at 127.0.0.1:"+port,
		"api-announce.service: announces "+want,
		"api-announce.service: another machine announces api",
		"api-announce.service: announces "+want,
	)
}

// wantLines holds that a script wrote these lines and no others.
func wantLines(t *testing.T, out string, want ...string) {
	t.Helper()
	if got := strings.Split(strings.TrimSpace(out), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the journal has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAnnouncerOfOtherKinds holds that what cannot be asked over the network is
// asked beside the unit, and that a variable of the machine can give its address.
func TestAnnouncerOfOtherKinds(t *testing.T) {
	etcd, dir := startEtcd(t), t.TempDir()
	for _, c := range []struct{ name, words string }{
		{"file", `ready = { file = "` + dir + `/file" }`},
		{"command", `ready = { command = "test -e '` + dir + `/command'" }`},
		{"unit", `ready = { unit = true }`},
		{"none", ``},
		{"etcd", `ready = { etcd = "/up" }`},
	} {
		t.Run(c.name, func(t *testing.T) {
			etcd.do(http.MethodDelete, "/up", nil)
			set, _ := compiled(t, announced(etcd.port, "announce = { env = { MY_ADDRESS = \"/etc/my\" } }\nport = 80\n"+c.words))
			u, _ := set.Lookup("api-announce.service")
			if got := units.Values(u.Options, "Service", "EnvironmentFile"); len(got) != 1 || got[0] != "-/etc/my" {
				t.Errorf("the variable comes from %q", got)
			}
			w := newWorld(t, func(int) {})
			w.program("systemctl", `[ "$*" = "is-active --quiet api.service" ] && [ -e `+dir+`/`+c.name+` ]`)
			args := programOf(t, set, "api-announce.service", "")
			args = append([]string{"/usr/bin/env", "MY_ADDRESS=fd00::1"}, args...)
			out := rounds(t, w, args,
				func() {
					etcd.wants("not up", announceKey, "")
					write(t, filepath.Join(dir, c.name), "x")
					etcd.put("/up", "x")
				},
				func() { etcd.wants("up", announceKey, "HOST=fd00::1 ADDRESS=[fd00::1]:80 URL=http://[fd00::1]:80") },
			)
			wantLines(t, out, "api-announce.service: api is not up, or not at [fd00::1]:80",
				"api-announce.service: announces HOST=fd00::1 ADDRESS=[fd00::1]:80 URL=http://[fd00::1]:80")
		})
	}
}

// TestSeveralEtcds holds that of several etcds one that answers is taken, for the
// announcement, for those that follow it, and for keys.
func TestSeveralEtcds(t *testing.T) {
	etcd, dir := startEtcd(t), t.TempDir()
	set, _ := compiled(t, `
stack = "shop"
[host.etcd]
address = ["127.255.255.254", "127.0.0.1", "127.255.255.253"]
port = `+etcd.port+`
ready = { http = "/version" }
[unit.api]
announce = { env = { MY_ADDRESS = "/etc/my" } }
after = ["etcd"]
etcd_put = { "/put" = "x" }
[unit.api.Service]
ExecStart = "/bin/api"
Restart = "always"
[unit.agent]
after = ["api"]
[unit.agent.Service]
ExecStart = "/bin/agent ${{ api.host }}"
Restart = "always"
`)
	w := newWorld(t, func(int) {})
	w.program("systemctl", "exit 0")
	for _, pre := range preparations(t, set, "api.service") {
		if out, code := w.run(pre); code != 0 || out != "" {
			t.Errorf("exit code %d: %s", code, out)
		}
	}
	if value, _, _ := etcd.do(http.MethodGet, "/put", nil); value != "x" {
		t.Errorf("the key has %q", value)
	}
	args := append([]string{"/usr/bin/env", "MY_ADDRESS=10.0.0.1"}, programOf(t, set, "api-announce.service", dir)...)
	rounds(t, w, args,
		func() {
			etcd.wants("up", announceKey, "HOST=10.0.0.1")
			inner := newWorld(t, func(int) {})
			rounds(t, inner, programOf(t, set, "api-follow.service", dir), func() {
				if got, err := os.ReadFile(filepath.Join(dir, "shop", "api.env")); err != nil || string(got) != "STACKC_API_HOST=10.0.0.1\n" {
					t.Errorf("the file has %q, %v", got, err)
				}
			})
			pre := preparations(t, set, "agent.service")[0]
			pre[2] = strings.ReplaceAll(pre[2], "/run/stackc", dir)
			if out, code := inner.run(pre); code != 0 || out != "" {
				t.Errorf("exit code %d: %s", code, out)
			}
		},
	)
	etcd.wants("ended", announceKey, "")
}

// TestWatcher runs the unit on the machines of followers: they are started again
// when the address is another one, and only then.
func TestWatcher(t *testing.T) {
	etcd, dir := startEtcd(t), t.TempDir()
	set, _ := compiled(t, announced(etcd.port, "announce = true\nport = 80\nready = { tcp = true }"))
	w := newWorld(t, func(int) {})
	calls := filepath.Join(dir, "calls")
	w.program("systemctl", `if [ "$1" = list-units ]; then
  [ -e `+dir+`/deaf ] && exit 1
  [ "$*" = "list-units --no-legend --full --state=active,activating,reloading agent.service pool@*.service" ] || exit 1
  echo "  agent.service  loaded active     running what it is"
  echo "  pool@2.service loaded activating auto-restart"
else echo "$*" >>`+calls+`; fi`)
	file := filepath.Join(dir, "shop", "api.env")
	restarts := func(when, want string) {
		t.Helper()
		got, err := os.ReadFile(calls)
		if string(got) != want || err != nil && want != "" {
			t.Errorf("%s: systemctl was called with %q, %v, want %q", when, got, err, want)
		}
	}
	both := "--no-block try-restart agent.service\n--no-block try-restart pool@2.service\n"
	first, second := "HOST=10.0.0.1 ADDRESS=10.0.0.1:80 URL=http://10.0.0.1:80", "HOST=10.0.0.2 ADDRESS=10.0.0.2:80 URL=http://10.0.0.2:80"
	variables := func(when, address string) {
		t.Helper()
		want := fmt.Sprintf("STACKC_API_HOST=%[1]s\nSTACKC_API_ADDRESS=%[1]s:80\nSTACKC_API_URL=http://%[1]s:80\n", address)
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s: the file has %q, %v, want %q", when, got, err, want)
		}
	}
	out := rounds(t, w, programOf(t, set, "api-follow.service", dir),
		func() {
			if _, err := os.Stat(file); err == nil {
				t.Error("there is an address that nobody has announced")
			}
			etcd.put(announceKey, "HOST=$(touch "+dir+"/bad)")
		},
		func() { etcd.put(announceKey, first) },
		func() { variables("the first", "10.0.0.1"); restarts("the first", "") },
		func() { restarts("the same", ""); etcd.do(http.MethodDelete, announceKey, nil) },
		func() { variables("gone from etcd", "10.0.0.1"); etcd.put(announceKey, first) },
		func() { restarts("back in etcd", ""); etcd.do(http.MethodDelete, announceKey, nil) },
		func() {
			variables("gone from etcd", "10.0.0.1")
			write(t, filepath.Join(dir, "deaf"), "")
			etcd.put(announceKey, second)
		},
		func() {
			restarts("systemd does not answer", "")
			if err := os.Remove(filepath.Join(dir, "deaf")); err != nil {
				t.Error(err)
			}
		},
		func() { variables("the second", "10.0.0.2"); restarts("the second", both) },
		func() { restarts("the second again", both) },
	)
	wantLines(t, out,
		"api-follow.service: etcd has no address of api",
		"api-follow.service: api is at "+first,
		"api-follow.service: etcd has no address of api",
		"api-follow.service: api is at "+first,
		"api-follow.service: etcd has no address of api",
		"api-follow.service: api is at "+second,
	)
	out = rounds(t, w, programOf(t, set, "api-follow.service", dir), func() { restarts("another run", both) })
	wantLines(t, out, "api-follow.service: api is at "+second)
}

// TestFollowersWaiter holds that a follower waits until it has an address and is
// answered there, and that it goes with the address while it waits.
func TestFollowersWaiter(t *testing.T) {
	etcd := startEtcd(t)
	for _, c := range []struct{ name, ready string }{
		{"http", `ready = { http = "/it's" }`},
		{"tcp", `ready = { tcp = true }`},
		{"file", `ready = { file = "/nowhere" }`},
		{"none", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			etcd.do(http.MethodDelete, announceKey, nil)
			dir := t.TempDir()
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/it's" {
					t.Errorf("asked for %s", r.URL)
				}
			}))
			defer server.Close()
			port := portOf(t, server.URL)
			set, _ := compiled(t, announced(etcd.port, "announce = true\nport = "+port+"\n"+c.ready))
			pre := preparations(t, set, "waits.service")
			if len(pre) != 1 {
				t.Fatalf("%d preparations, want the one waiter", len(pre))
			}
			args := pre[0]
			args[2] = strings.ReplaceAll(args[2], "/run/stackc", dir)
			file := filepath.Join(dir, "shop", "api.env")
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			address := func(host string) {
				write(t, file, fmt.Sprintf("STACKC_API_HOST=%[1]s\nSTACKC_API_ADDRESS=%[1]s:%[2]s\n", host, port))
			}
			w := newWorld(t, func(n int) {
				switch n {
				case 1:
					address("127.255.255.254") // nobody is there any more
				case 2:
					address("127.0.0.1")
					etcd.put(announceKey, "HOST=127.0.0.1")
				}
			})
			out, code := w.run(args)
			if code != 0 {
				t.Errorf("exit code %d", code)
			}
			wantTries(t, out, "waits.service: waiting for api (", 2)
		})
	}
}
