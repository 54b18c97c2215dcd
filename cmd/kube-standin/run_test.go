package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// journal collects what a stand-in writes and can be waited on.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// eventually polls until ok or the deadline of a hung test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// started is a stand-in that runs in this process.
type started struct {
	log  *journal
	etc  string
	stop context.CancelFunc
	code chan int
}

// start runs a stand-in with loopback ports of the system's choosing.
func start(t *testing.T, release string, env map[string]string, args ...string) *started {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &started{log: &journal{}, etc: t.TempDir(), stop: stop, code: make(chan int, 1)}
	if delay, ok := env["delay file"]; ok {
		write(t, filepath.Join(s.etc, args[0]+".delay"), delay)
	}
	if why, ok := env["fail file"]; ok {
		write(t, filepath.Join(s.etc, args[0]+".fail"), why)
	}
	getenv := func(key string) string { return env[key] }
	h := host{args: append([]string{"/opt/bin/" + args[0]}, args[1:]...), release: release, stdout: s.log, stderr: s.log, getenv: getenv, etc: s.etc}
	go func() { s.code <- run(ctx, h) }()
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("journal of %s:\n%s", args[0], s.log)
		}
	})
	return s
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// address returns the n-th address the program listens on.
func (s *started) address(t *testing.T, n int) string {
	t.Helper()
	var found []string
	eventually(t, fmt.Sprintf("listening on %d addresses", n+1), func() bool {
		found = nil
		for _, line := range strings.Split(s.log.String(), "\n") {
			if at, ok := strings.CutPrefix(line, "listens on "); ok {
				found = append(found, at)
			}
		}
		return len(found) > n
	})
	return found[n]
}

// ends stops the program and returns its exit code.
func (s *started) ends() int {
	s.stop()
	return <-s.code
}

func healthz(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

func healthy(t *testing.T, address string) func() bool {
	return func() bool { code, _ := healthz(t, address); return code == http.StatusOK }
}

// answering is a server that answers every path with 200 or 503.
func answering(t *testing.T, up *atomic.Bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		code  int
		says  string
		extra map[string]string
	}{
		{"unknown flag", []string{"kube-apiserver", "--service-cluster-ip-range=10.0.0.0/16"}, exitUsage, "unknown flag: --service-cluster-ip-range", nil},
		{"required flag missing", []string{"kube-apiserver", "--etcd_servers=http://127.0.0.1:1"}, exitFailed, "no --portal_net", nil},
		{"unknown program", []string{"kube-dns"}, exitUsage, `no stand-in for a program named "kube-dns"`, nil},
		{"help", []string{"kubelet", "--help"}, exitOK, "not Kubernetes", nil},
		{"version", []string{"kubelet", "--version"}, exitOK, "stand-in for kubelet of release 0.15: not Kubernetes", nil},
		{"told to fail", []string{"kube-scheduler", "--master=127.0.0.1:1"}, exitFailed, "told to fail: out of cheese", map[string]string{"fail file": "out of cheese\n"}},
		{"hyperkube of another release", []string{"hyperkube", "kubelet"}, exitUsage, `no stand-in for a program named "hyperkube"`, nil},
		{"nothing to read from", []string{"kube-proxy"}, exitFailed, "nothing to read from", nil},
		{"delay is no number", []string{"kube-scheduler", "--master=127.0.0.1:1"}, exitFailed, `"soon" is not a number`, map[string]string{"KUBE_STANDIN_DELAY": "soon"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, "0.15", tt.extra, tt.args...)
			if code := <-s.code; code != tt.code || !strings.Contains(s.log.String(), tt.says) {
				t.Errorf("exit code %d, want %d; want %q in\n%s", code, tt.code, tt.says, s.log)
			}
		})
	}
}

// TestHealthFollowsNeeds runs each server against a dependency that is down, comes up and goes down again.
func TestHealthFollowsNeeds(t *testing.T) {
	tests := []struct {
		name, release string
		args          []string // URL is replaced by the dependency's
		health        int      // which of its addresses is asked
	}{
		{"apiserver needs etcd", "0.15", []string{"kube-apiserver", "--port=0", "--portal_net=10.100.0.0/16", "--etcd_servers=URL"}, 0},
		{"apiserver 0.7", "0.7", []string{"kube-apiserver", "-port=0", "-portal_net=10.100.0.0/16", "-etcd_servers=URL"}, 0},
		{"controller-manager needs the apiserver", "0.15", []string{"kube-controller-manager", "--port=0", "--master=URL"}, 0},
		{"scheduler needs the apiserver", "0.15", []string{"kube-scheduler", "--port=0", "--master=URL"}, 0},
		{"kubelet 0.15 needs the apiserver", "0.15", []string{"kubelet", "--address=127.0.0.1", "--port=0", "--healthz_port=0", "--api_servers=URL"}, 1},
		{"kubelet 0.7 needs etcd", "0.7", []string{"kubelet", "-port=0", "-etcd_servers=URL"}, 0},
		{"proxy 0.15 needs the apiserver", "0.15", []string{"kube-proxy", "--bind_address=127.0.0.1", "--healthz_port=0", "--master=URL"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var up atomic.Bool
			args := slices.Clone(tt.args)
			args[len(args)-1] = strings.Replace(args[len(args)-1], "URL", answering(t, &up), 1)
			s := start(t, tt.release, map[string]string{"KUBE_STANDIN_DELAY": "0"}, args...)
			at := s.address(t, tt.health)
			eventually(t, "a line that says what is missing", func() bool { return strings.Contains(s.log.String(), "not healthy: ") })
			if code, body := healthz(t, at); code != http.StatusServiceUnavailable {
				t.Errorf("healthz is %d %q while the dependency is down", code, body)
			}
			up.Store(true)
			eventually(t, "healthy", healthy(t, at))
			up.Store(false)
			eventually(t, "unhealthy again", func() bool { return !healthy(t, at)() })
			if code := s.ends(); code != exitOK {
				t.Errorf("exit code %d when it is stopped", code)
			}
		})
	}
}

// TestDelay holds that a program which is to be late listens and is not healthy, though all it needs is there.
func TestDelay(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	s := start(t, "0.15", map[string]string{"delay file": "3600\n", "KUBE_STANDIN_DELAY": "0"}, "kube-scheduler", "--port=0", "--master="+answering(t, &up))
	if code, body := healthz(t, s.address(t, 0)); code != http.StatusServiceUnavailable || body != "starting" {
		t.Errorf("healthz is %d %q, want 503 starting", code, body)
	}
	if code := s.ends(); code != exitOK {
		t.Errorf("exit code %d when it is stopped", code)
	}
}

// etcdKeys is as much of etcd's v2 keys API as flannel needs.
type etcdKeys struct {
	mu   sync.Mutex
	keys map[string]string
}

func (e *etcdKeys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/v2/keys")
	if r.Method == http.MethodPut {
		e.keys[key] = r.FormValue("value")
	}
	value, ok := e.keys[key]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, `{"action":"get","node":{"key":%q,"value":%q}}`, key, value)
}

func (e *etcdKeys) set(key, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keys[key] = value
}

func (e *etcdKeys) get(key string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.keys[key]
}

func TestFlannel(t *testing.T) {
	etcd := &etcdKeys{keys: map[string]string{}}
	server := httptest.NewServer(etcd)
	defer server.Close()
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	file := filepath.Join(dir, "run", "subnet.env")
	env := map[string]string{"KUBE_STANDIN_DELAY": "0", "NOTIFY_SOCKET": filepath.Join(dir, "notify")}
	s := start(t, "0.15", env, "flanneld", "-etcd-endpoints", "http://127.0.0.1:1,"+server.URL, "-iface=127.0.0.1", "-subnet-file="+file)

	eventually(t, "a line that says what it waits for", func() bool { return strings.Contains(s.log.String(), "waits for its configuration") })
	if _, err := os.Stat(file); err == nil {
		t.Fatal("the subnet file is there before the configuration")
	}
	etcd.set("/coreos.com/network/config", `{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}`)

	if err := notify.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, 100)
	n, err := notify.Read(message)
	if err != nil || string(message[:n]) != "READY=1" {
		t.Fatalf("systemd was told %q, %v", message[:n], err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "FLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n"; string(got) != want {
		t.Errorf("subnet file is %q, want %q", got, want)
	}
	if lease := etcd.get("/coreos.com/network/subnets/10.244.1.0-24"); lease != `{"PublicIP":"127.0.0.1"}` {
		t.Errorf("lease is %q", lease)
	}
	if code := s.ends(); code != exitOK {
		t.Errorf("exit code %d when it is stopped", code)
	}
}

func TestFlannelRefusesInterface(t *testing.T) {
	for _, iface := range []string{"nosuch0", "192.0.2.1"} {
		s := start(t, "0.7", nil, "flannel", "-iface="+iface)
		if code := <-s.code; code != exitFailed || !strings.Contains(s.log.String(), iface) {
			t.Errorf("-iface=%s: exit code %d", iface, code)
		}
	}
}

func TestLeaseOfSmallNetwork(t *testing.T) {
	for _, network := range []string{"10.1.0.0/20", "fd00::/16", "ten"} {
		if got, err := leaseFor(network, netip.MustParseAddr("10.20.30.41")); err == nil {
			t.Errorf("a lease of %s: %s", network, got)
		}
	}
}

// TestRegister runs kube-register against a fleet, two kubelets of which one is up, and the apiserver's stand-in.
func TestRegister(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	kubelet := answering(t, &up)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(kubelet, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	// Nothing listens on the port at 127.0.0.2: that kubelet is not up.
	fleet := fleetServer(t, `{"machines":[
		{"id":"a","primaryIP":"127.0.0.1","metadata":{"role":"node"}},
		{"id":"b","primaryIP":"127.0.0.2","metadata":{"role":"node"}},
		{"id":"c","primaryIP":"127.0.0.1","metadata":{"role":"master"}}]}`)
	api := start(t, "0.15", map[string]string{"KUBE_STANDIN_DELAY": "0"}, "kube-apiserver", "--port=0", "--portal_net=10.100.0.0/16", "--etcd_servers="+kubelet)
	at := api.address(t, 0)
	s := start(t, "0.15", map[string]string{"KUBE_STANDIN_DELAY": "0"}, "kube-register", "--metadata=role=node", "--fleet-endpoint=unix://"+fleet, "--healthz-port="+port, "--api-endpoint=http://"+at)
	eventually(t, "registered", func() bool { return strings.Contains(s.log.String(), "registered 127.0.0.1\n") })

	data, err := get(t.Context(), http.DefaultClient, "http://"+at+minionsPath)
	if err != nil {
		t.Fatal(err)
	}
	var list minionList
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if want := []minion{{"127.0.0.1"}}; !slices.Equal(list.Items, want) {
		t.Errorf("minions are %v, want %v", list.Items, want)
	}
	if code := s.ends(); code != exitOK {
		t.Errorf("exit code %d when it is stopped", code)
	}
}

// fleetServer answers GET /fleet/v1/machines at a unix socket and returns its path.
func fleetServer(t *testing.T, machines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fleet.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fleet/v1/machines", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, machines) })
	server := httptest.NewUnstartedServer(mux)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return path
}

func TestNetworkEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "network-environment")
	s := start(t, "0.15", nil, "setup-network-environment", "-o", file)
	if code := <-s.code; code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "LO_IPV4=127.0.0.1\n") {
		t.Errorf("loopback is missing in\n%s", data)
	}
}

// TestHyperkube: of 1.11 the first word names the program, with or without "kube-".
func TestHyperkube(t *testing.T) {
	for word, program := range map[string]string{"apiserver": "kube-apiserver", "kube-scheduler": "kube-scheduler", "kubelet": "kubelet", "proxy": "kube-proxy"} {
		s := start(t, "1.11", nil, "hyperkube", word, "--version")
		if code := <-s.code; code != exitOK || !strings.Contains(s.log.String(), "stand-in for "+program+" of release 1.11") {
			t.Errorf("hyperkube %s: exit code %d, %s", word, code, s.log)
		}
	}
}
