package emit_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of this test alone.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// path is a file of the authority.
func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// sign writes NAME.crt and NAME.key. The first one signs itself, and all others.
func (a *authority) sign(name string, c *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if a.cert == nil {
		a.cert, a.key = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, a.path(name+".crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(a.t, a.path(name+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text})))
}

// client is one that shows a certificate, or none.
func (a *authority) client(name string) *http.Client {
	a.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.parsed("ca"))
	config := &tls.Config{RootCAs: roots}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.path(name+".crt"), a.path(name+".key"))
		if err != nil {
			a.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
}

func (a *authority) parsed(name string) *x509.Certificate {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.path(name+".crt"), a.path(name+".key"))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair.Leaf
}

// startTLS is an etcd that serves nobody without a certificate of the authority.
func (a *authority) startTLS() realEtcd {
	a.t.Helper()
	a.sign("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	port, peer := reserve(a.t), "http://127.0.0.1:"+reserve(a.t)
	e := realEtcd{a.t, "https://127.0.0.1:" + port, port}
	cmd := exec.Command("etcd", "--data-dir="+a.t.TempDir(), "--enable-v2", "--logger=zap", "--log-level=error",
		"--listen-client-urls="+e.url, "--advertise-client-urls="+e.url,
		"--cert-file="+a.path("server.crt"), "--key-file="+a.path("server.key"), "--trusted-ca-file="+a.path("ca.crt"), "--client-cert-auth",
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	if err := cmd.Start(); err != nil {
		a.t.Fatalf("the scripts are tried against etcd (Debian's etcd-server): %v", err)
	}
	a.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	for range 600 {
		if resp, err := a.client("client").Get(e.url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return e
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	a.t.Fatal("etcd does not come up")
	return e
}

// TestEtcdTLS: what is waited for and put over TLS checks the server and shows a
// certificate, be it there from the beginning or not.
func TestEtcdTLS(t *testing.T) {
	a := newAuthority(t)
	etcd := a.startTLS()
	if resp, err := a.client("").Get(etcd.url + "/version"); err == nil {
		t.Fatalf("etcd serves who shows no certificate: %s", resp.Status)
	}
	set, _ := compiled(t, fmt.Sprintf(`
stack = "s"
[host.etcd]
unit  = "etcd.service"
port  = %s
ready = { https = "/version", ca = %q, cert = %q, key = %q }
[unit.x]
after    = ["etcd"]
etcd_put = { "/up" = "yes" }
[unit.x.Service]
ExecStart = "/bin/x --etcd=${{ etcd.url }}"
`, etcd.port, a.path("ca.crt"), a.path("late.crt"), a.path("late.key")))
	w := newWorld(t, func(n int) {
		if n == 2 {
			a.sign("late", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		}
	})
	pre := preparations(t, set, "x.service")
	if len(pre) != 2 {
		t.Fatalf("the lines are %q", pre)
	}
	out, code := w.run(pre[0])
	if code != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	wantTries(t, out, "x.service: waiting for etcd (https://127.0.0.1:"+etcd.port+"/version)", 2)
	if out, code := w.run(pre[1]); code != 0 || out != "" {
		t.Errorf("the key is put with exit code %d: %s", code, out)
	}
	resp, err := a.client("client").Get(etcd.url + "/v2/keys/up?" + url.Values{"quorum": {"true"}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), `"value":"yes"`) {
		t.Errorf("etcd has %s (%v)", body, err)
	}
}
