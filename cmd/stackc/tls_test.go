package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stackc/stackc/units"
)

// cluster111 is a cluster of the library for Kubernetes 1.11 on loopback: the
// stand-in programs as processes, with the command lines of the compiled units and
// the files of stackc pki where those name them. Each machine has an address and a
// folder of its own.
type cluster111 struct {
	t       *testing.T
	dir     string
	binary  string
	etcd    string
	addr    map[string]string // by machine
	places  map[string]string // name of a file and machine: where it belongs
	compile compiled
}

const stack111 = `
stack = "tls"
[[use]]
stack = "std:kubernetes/1.11"
[use.params]
mirror     = "http://10.0.0.9"
master     = "NET.1"
unverified = true
[machine.m]
role    = "master"
address = "NET.1"
[machine.n1]
role    = "node"
address = "NET.2"
[machine.n2]
role    = "node"
address = "NET.3"
`

func newCluster111(t *testing.T) *cluster111 {
	t.Helper()
	pid := os.Getpid()
	net := fmt.Sprintf("127.%d.%d", 100+pid%100, pid/100%250) // no other run has it
	c := &cluster111{t: t, dir: t.TempDir(), places: map[string]string{}}
	c.addr = map[string]string{"m": net + ".1", "n1": net + ".2", "n2": net + ".3"}
	write(t, filepath.Join(c.dir, "k8s.toml"), strings.ReplaceAll(stack111, "NET", net))
	c.binary = filepath.Join(c.dir, "hyperkube")
	build := exec.Command("go", "build", "-ldflags=-X main.release=1.11", "-o", c.binary, "../kube-standin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	etcd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	t.Cleanup(etcd.Close)
	c.etcd = etcd.URL
	c.recompile()
	c.passwords()
	return c
}

func (c *cluster111) recompile() {
	c.t.Helper()
	c.compile = compiled{}
	if err := json.Unmarshal([]byte(c.stackc("compile k8s.toml --output json")), &c.compile); err != nil {
		c.t.Fatal(err)
	}
}

// passwords lets the apiserver of the library take passwords too, as an operator does.
func (c *cluster111) passwords() {
	c.t.Helper()
	path := filepath.Join(c.dir, "k8s.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	command := c.unit("kube-apiserver.service", "ExecStart")[0] + " --basic-auth-file=/srv/kubernetes/basic_auth.csv"
	write(c.t, path, string(text)+"[unit.kube-apiserver.Service]\nExecStart = '"+command+"'\n")
	c.recompile()
}

// secretOf is what the row of a user in a table of the PKI begins with.
func (c *cluster111) secretOf(table, user string) string {
	c.t.Helper()
	for line := range strings.Lines(string(c.file(table))) {
		if fields := strings.Split(line, ","); fields[1] == user {
			return fields[0]
		}
	}
	c.t.Fatalf("%s has no row of %s", table, user)
	return ""
}

// stackc runs a command that must succeed.
func (c *cluster111) stackc(line string) string {
	c.t.Helper()
	code, out := call(c.t, c.dir, "stackc "+line)
	if code != exitDone {
		c.t.Fatalf("stackc %s: exit code %d\n%s", line, code, out)
	}
	return out
}

// bring puts the files of the PKI where stackc pki list says.
func (c *cluster111) bring() { c.bringFrom("tls.pki") }

func (c *cluster111) bringFrom(dir string) {
	c.t.Helper()
	var report keysReport
	if err := json.Unmarshal([]byte(c.stackc("pki list k8s.toml --output json --dir "+dir)), &report); err != nil {
		c.t.Fatal(err)
	}
	for _, f := range report.Files {
		text, err := os.ReadFile(filepath.Join(c.dir, report.Dir, f.Name))
		if err != nil {
			c.t.Fatal(err)
		}
		for _, to := range f.To {
			path := filepath.Join(c.dir, to.Machine, to.Path)
			write(c.t, path, string(text))
			c.places[to.Machine+" "+f.Name] = path
		}
	}
}

// onMachine is a text of a unit as it is on a machine: its paths in the folder of
// that, variables and listeners with its address.
func (c *cluster111) onMachine(machine, text string) string {
	text = regexp.MustCompile(`/srv/kubernetes|/var/lib|/etc/etcd`).ReplaceAllString(text, filepath.Join(c.dir, machine)+"$0")
	text = strings.NewReplacer("${DEFAULT_IPV4}", c.addr[machine], "0.0.0.0", c.addr[machine], "--insecure-bind-address=127.0.0.1", "--insecure-bind-address="+c.addr[machine]).Replace(text)
	return regexp.MustCompile(`--etcd-servers=\S+`).ReplaceAllString(text, "--etcd-servers="+c.etcd)
}

// unit is a directive of a compiled unit.
func (c *cluster111) unit(name, directive string) []string {
	c.t.Helper()
	for _, u := range c.compile.Units {
		if string(u.Name) == name {
			parsed, _ := units.Parse(u.Text)
			return units.Get(parsed.Options(), "Service", directive)
		}
	}
	c.t.Fatalf("no unit %s", name)
	return nil
}

// running is a process of the cluster.
type running struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *running) says(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(r.log.String(), text)
}

// start runs the program of a unit on a machine, with more arguments behind.
func (c *cluster111) start(machine, unit string, more ...string) *running {
	c.t.Helper()
	words := strings.Fields(c.onMachine(machine, c.unit(unit, "ExecStart")[0]))
	r := &running{cmd: exec.Command(c.binary, append(words[1:], more...)...)}
	r.cmd.Env = append(os.Environ(), "KUBE_STANDIN_DELAY=0")
	r.cmd.Stdout, r.cmd.Stderr = r, r
	if err := r.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		r.cmd.Process.Signal(syscall.SIGTERM)
		r.cmd.Wait()
		if c.t.Failed() {
			c.t.Logf("%s on %s:\n%s", unit, machine, r.log.String())
		}
	})
	return r
}

// eventually waits for something that takes a moment; the limit is for what hangs.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// answer asks a server over TLS, and returns the status and the body.
func (c *cluster111) answer(url string, config *tls.Config, authorization string) (int, string, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.file("ca.crt"))
	config.RootCAs = roots
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: 10 * time.Second}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// file is one of the PKI.
func (c *cluster111) file(name string) []byte {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "tls.pki", name))
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// showing is a client with a certificate of a folder.
func (c *cluster111) showing(folder, name string) *tls.Config {
	c.t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.dir, folder, name+".crt"), filepath.Join(c.dir, folder, name+".key"))
	if err != nil {
		c.t.Fatal(err)
	}
	// Shown whatever the server asks for, as by a client that means harm.
	return &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}
}

// TestTLS: with what stackc pki makes the apiserver serves HTTPS, kubelets and
// proxies come in by their kubeconfigs, and who has no certificate does not.
func TestTLS(t *testing.T) {
	c := newCluster111(t)
	c.stackc("pki init k8s.toml")
	c.stackc("pki issue k8s.toml")
	c.stackc("pki init k8s.toml --dir other.pki") // a CA of somebody else
	c.stackc("pki issue k8s.toml --dir other.pki")
	c.bring()
	c.openssl()

	api := "https://" + c.addr["m"] + ":6443"
	c.start("m", "kube-apiserver.service")
	eventually(t, "the apiserver answers", func() bool {
		code, _, err := c.answer(api+"/healthz", &tls.Config{}, "")
		return err == nil && code == http.StatusOK
	})
	c.waiterPasses()

	own := []string{"--healthz-bind-address=" + c.addr["n1"]}
	c.start("n1", "kube-kubelet.service", own...)
	c.start("n2", "kube-kubelet.service", "--healthz-bind-address="+c.addr["n2"])
	proxy := c.start("n1", "kube-proxy.service", "--bind-address="+c.addr["n1"])
	admin := c.showing("tls.pki", "admin")
	eventually(t, "both kubelets register", func() bool {
		_, body, err := c.answer(api+"/api/v1/nodes", admin, "")
		return err == nil && strings.Contains(body, c.addr["n1"]) && strings.Contains(body, c.addr["n2"])
	})
	eventually(t, "the proxy is healthy", func() bool { return proxy.says("healthy\n") })

	// The kubeconfig of one node does not make another.
	thief := c.start("n1", "kube-kubelet.service", "--hostname-override="+c.addr["m"], "--address="+c.addr["m"], "--healthz-bind-address="+c.addr["m"])
	eventually(t, "a node in another's name is refused", func() bool { return thief.says("403 Forbidden") })

	token, password := c.secretOf("known_tokens.csv", "admin"), c.secretOf("basic_auth.csv", "admin")
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	tests := []struct {
		name, url string
		config    *tls.Config
		shows     string
		want      int
	}{
		{"nobody, is it up", api + "/healthz", &tls.Config{}, "", http.StatusOK},
		{"nobody, for nodes", api + "/api/v1/nodes", &tls.Config{}, "", http.StatusForbidden},
		{"a certificate of another CA", api + "/api/v1/nodes", c.showing("other.pki", "admin"), "", http.StatusUnauthorized},
		{"the server's own certificate", api + "/api/v1/nodes", c.showing("tls.pki", "apiserver"), "", http.StatusUnauthorized},
		{"admin", api + "/api/v1/nodes", admin, "", http.StatusOK},
		{"admin's token", api + "/api/v1/nodes", &tls.Config{}, "Bearer " + token, http.StatusOK},
		{"a wrong token", api + "/api/v1/nodes", &tls.Config{}, "Bearer " + token + "0", http.StatusUnauthorized},
		{"admin's password", api + "/api/v1/nodes", &tls.Config{}, basic("admin", password), http.StatusOK},
		{"a wrong password", api + "/api/v1/nodes", &tls.Config{}, basic("admin", token), http.StatusUnauthorized},
		{"another's password", api + "/api/v1/nodes", &tls.Config{}, basic("root", password), http.StatusUnauthorized},
		{"a kubelet, without a certificate", "https://" + c.addr["n1"] + ":10250/healthz", &tls.Config{}, "", http.StatusUnauthorized},
		{"a kubelet, by the apiserver", "https://" + c.addr["n1"] + ":10250/healthz", c.showing("tls.pki", "kubelet-client"), "", http.StatusOK},
	}
	for _, tt := range tests {
		if code, body, err := c.answer(tt.url, tt.config, tt.shows); err != nil || code != tt.want {
			t.Errorf("%s: %d %s (%v), want %d", tt.name, code, strings.TrimSpace(body), err, tt.want)
		}
	}
	// Clients check the server as well.
	if _, _, err := c.answer("https://"+c.addr["n1"]+":10250/healthz", &tls.Config{ServerName: c.addr["n2"]}, ""); err == nil || !strings.Contains(err.Error(), "certificate is valid for") {
		t.Errorf("one kubelet in the place of another: %v", err)
	}
	c.secretsStay(token, password)
}

// waiterPasses runs the waiter for the apiserver that the kubelets' unit has.
func (c *cluster111) waiterPasses() {
	c.t.Helper()
	pre := c.unit("kube-kubelet.service", "ExecStartPre")
	i := slices.IndexFunc(pre, func(s string) bool { return strings.Contains(s, "waiting for kube-apiserver") })
	if i < 0 {
		c.t.Fatalf("no waiter among %q", pre)
	}
	if !strings.Contains(pre[i], "--cacert") {
		c.t.Fatalf("the waiter checks no certificate: %s", pre[i])
	}
	if out, err := c.script(c.t.Context(), "n1", pre[i]); err != nil || out != "" {
		c.t.Errorf("the waiter: %v %s", err, out)
	}
}

// openssl asks OpenSSL, which is what curl and docker of the time have, where there is one.
func (c *cluster111) openssl() {
	c.t.Helper()
	binary, err := exec.LookPath("openssl")
	if errors.Is(err, exec.ErrNotFound) {
		c.t.Log("there is no openssl here to ask")
		return
	}
	for name, purpose := range map[string]string{"apiserver": "sslserver", "kubelet-n1": "sslclient", "admin": "sslclient"} {
		cert := filepath.Join(c.dir, "tls.pki", name+".crt")
		out, err := exec.Command(binary, "verify", "-x509_strict", "-purpose", purpose, "-CAfile", filepath.Join(c.dir, "tls.pki", "ca.crt"), cert).CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), ": OK\n") {
			c.t.Errorf("openssl verify of %s: %v %s", name, err, out)
		}
	}
}

// secretsStay: no command that shows a stack, its units or its PKI shows a key, a token or a password.
func (c *cluster111) secretsStay(secrets ...string) {
	c.t.Helper()
	entries, err := os.ReadDir(filepath.Join(c.dir, "tls.pki"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".key") {
			continue
		}
		text := c.file(e.Name())
		secrets = append(secrets, strings.Split(string(text), "\n")[1], base64.StdEncoding.EncodeToString(text))
	}
	if len(secrets) < 10 {
		c.t.Fatalf("only %d secrets are known", len(secrets))
	}
	for _, line := range []string{
		"compile k8s.toml", "compile k8s.toml --output json", "check k8s.toml --output json", "explain k8s.toml kube-apiserver", "graph k8s.toml",
		"params k8s.toml", "pki list k8s.toml", "pki list k8s.toml --output json", "pki check k8s.toml --output json", "pki issue k8s.toml --output json",
		"pki renew k8s.toml admin", "diff k8s.toml k8s.toml --set services=10.97.0.0/16 2>&1 || true",
	} {
		_, out := call(c.t, c.dir, "stackc "+line)
		for _, s := range secrets {
			if strings.Contains(out, s) {
				c.t.Errorf("stackc %s shows a secret", line)
			}
		}
	}
}
