package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/units"
)

// storeStack is an etcd on two machines that talks to nobody without a certificate, and
// a unit elsewhere that waits for it and puts a key.
const storeStack = `
stack = "store"
[roles]
store = "role=store"
node  = "role=node"
[machine]
s1 = { role = "store", address = "NET.1" }
s2 = { role = "store", address = "NET.2" }
n1 = { role = "node", address = "NET.3" }
[host.etcd]
unit  = "etcd-member.service"
role  = "store"
port  = 2379
start = true
ready = { https = "/version", ca = "/etc/etcd/ca.crt", cert = "/etc/etcd/client.crt", key = "/etc/etcd/client.key" }
[unit.web]
role     = "node"
after    = ["etcd"]
etcd_put = { "/web" = "up" }
[unit.web.Service]
ExecStart = "/opt/bin/web --etcd=${{ etcd.url }}"
Restart   = "always"
`

// storeWays are who writes the unit of that etcd: the stack, or bootstrap.
var storeWays = map[string]string{
	"host": `
[bootstrap]
[host.etcd.Service]
ExecStart = """
  /usr/bin/etcd --name=${{ machine.name }} --enable-v2 --data-dir=/var/lib/etcd
  --listen-client-urls=https://${{ machine.address }}:2379 --advertise-client-urls=https://${{ machine.address }}:2379
  --listen-peer-urls=https://${{ machine.address }}:2380 --initial-advertise-peer-urls=https://${{ machine.address }}:2380
  --initial-cluster=s1=https://NET.1:2380,s2=https://NET.2:2380
  --cert-file=/etc/etcd/server.crt --key-file=/etc/etcd/server.key --trusted-ca-file=/etc/etcd/ca.crt --client-cert-auth
  --peer-cert-file=/etc/etcd/server.crt --peer-key-file=/etc/etcd/server.key --peer-trusted-ca-file=/etc/etcd/ca.crt --peer-client-cert-auth"""
Restart   = "always"
`,
	"bootstrap": `
[bootstrap.etcd]
unit    = "etcd-member.service"
members = "store"
cert    = "/etc/etcd/server.crt"
key     = "/etc/etcd/server.key"
command = "/usr/bin/etcd --enable-v2"
`,
}

// TestEtcdTLS: with what stackc pki makes real members of etcd find each other and
// serve units and stackc itself, and nobody who has no certificate of the CA.
func TestEtcdTLS(t *testing.T) {
	for way, text := range storeWays {
		t.Run(way, func(t *testing.T) { etcdTLS(t, storeStack+text) })
	}
}

func etcdTLS(t *testing.T, stack string) {
	pid := os.Getpid()
	net := fmt.Sprintf("127.%d.%d", 100+pid%100, pid/100%250) // no other run has it
	c := &cluster111{t: t, dir: t.TempDir(), places: map[string]string{}}
	c.addr = map[string]string{"s1": net + ".1", "s2": net + ".2", "n1": net + ".3"}
	write(t, filepath.Join(c.dir, "k8s.toml"), strings.ReplaceAll(stack, "NET", net))
	if err := json.Unmarshal([]byte(c.stackc("compile k8s.toml --output json")), &c.compile); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"tls.pki", "other.pki"} {
		c.stackc("pki init k8s.toml --dir " + dir)
		c.stackc("pki issue k8s.toml --dir " + dir)
	}
	c.stackc("bootstrap k8s.toml -o machines --pki tls.pki")
	c.bringFrom("tls.pki")

	for _, machine := range []string{"s1", "s2"} {
		c.startEtcd(machine)
	}
	url := "https://" + c.addr["s2"] + ":2379"
	client := func(folder string) *tls.Config { return c.showing(folder, "etcd-client") }
	eventually(t, "etcd is healthy", func() bool {
		code, _, err := c.answer(url+"/health", client("tls.pki"), "")
		return err == nil && code == http.StatusOK
	})
	for name, config := range map[string]*tls.Config{"nobody": {}, "a client of another CA": client("other.pki")} {
		if code, _, err := c.answer(url+"/version", config, ""); err == nil {
			t.Errorf("%s is answered: %d", name, code)
		}
	}

	for i, line := range c.unit("web.service", "ExecStartPre") {
		if out, err := c.script(t.Context(), "n1", line); err != nil || out != "" {
			t.Errorf("line %d of the unit: %v %s", i, err, out)
		}
	}
	if _, body, err := c.answer(url+"/v2/keys/web", client("tls.pki"), ""); err != nil || !strings.Contains(body, `"value":"up"`) {
		t.Errorf("etcd has %s (%v)", body, err)
	}
	const ask = "stackc machines --driver=etcd --endpoint "
	if code, out := call(t, c.dir, ask+url+" --ca-file tls.pki/ca.crt --cert-file tls.pki/admin.crt --key-file tls.pki/admin.key"); code != exitDone {
		t.Errorf("stackc asks etcd: exit code %d\n%s", code, out)
	}
	if code, out := call(t, c.dir, ask+url+" --ca-file tls.pki/ca.crt"); code != exitUnreachable {
		t.Errorf("stackc without a certificate: exit code %d\n%s", code, out)
	}

	text, err := os.ReadFile(filepath.Join(c.dir, "machines", "n1.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"etcd-servers: https://" + c.addr["s1"] + ":2379,https://" + c.addr["s2"] + ":2379", "etcd-cafile: /etc/etcd/ca.crt", "etcd-keyfile: /etc/etcd/client.key", "path: /etc/etcd/client.key"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("what n1 boots with has no %s", want)
		}
	}
}

// startEtcd runs the command of the unit that bootstrap has written for a machine.
func (c *cluster111) startEtcd(machine string) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "machines", machine+".yml"))
	if err != nil {
		c.t.Fatal(err)
	}
	line := regexp.MustCompile(`ExecStart=(/usr/bin/etcd .*)`).FindSubmatch(text)
	if line == nil {
		c.t.Fatalf("no etcd in\n%s", text)
	}
	words := strings.Fields(c.onMachine(machine, string(line[1])))
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = os.Environ()
	for _, variable := range regexp.MustCompile(`Environment=(ETCD_.*)`).FindAllSubmatch(text, -1) {
		// All machines have one loopback address here.
		cmd.Env = append(cmd.Env, strings.ReplaceAll(c.onMachine(machine, string(variable[1])), ",https://127.0.0.1:2379", ""))
	}
	log := &running{cmd: cmd}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("the certificates are tried with etcd (Debian's etcd-server): %v", err)
	}
	c.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if c.t.Failed() {
			c.t.Logf("etcd on %s:\n%s", machine, log.log.String())
		}
	})
}

// script runs an ExecStartPre of a unit as it is on a machine.
func (c *cluster111) script(ctx context.Context, machine, line string) (string, error) {
	c.t.Helper()
	commands, err := units.SplitExec(c.onMachine(machine, line))
	if err != nil {
		c.t.Fatal(err)
	}
	script, ok := commands[0].Words[2].Literal()
	if !ok {
		c.t.Fatalf("systemd would change %s", line)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/bin/sh", "-c", script).CombinedOutput()
	return string(out), err
}
