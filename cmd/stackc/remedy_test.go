package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for one test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := certificate(func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.BasicConstraintsValid = true, x509.KeyUsageCertSign, true
	})
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certificate is one that is good for this machine for an hour.
func certificate(change func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fleet.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(c)
	}
	return c
}

// sign makes a certificate with its key, and files of both in PEM.
func (a *authority) sign(t *testing.T, dir string, change func(*x509.Certificate)) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, certificate(change), a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, certFile, keyFile
}

// file writes the authority's certificate.
func (a *authority) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})))
	return path
}

// fleetHandler answers as a fleet of one machine does.
var fleetHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/fleet/v1/machines") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"machines":[{"id":"m1","primaryIP":"10.0.0.1"}]}`)
})

// TestTLSRemedies meets each way in which https can fail, and wants to be told what
// to do about it.
func TestTLSRemedies(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	tests := []struct {
		name   string
		change func(*x509.Certificate)
		plain  bool // the server speaks http
		client *authority
		args   string // CA, CERT and KEY are files
		want   string // in the output, "" when all is well
		help   string
	}{
		{name: "good", args: "--ca-file CA"},
		{name: "authority is not known", want: "certificate signed by unknown authority", help: "--ca-file (FLEETCTL_CA_FILE)"},
		{name: "expired", change: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, args: "--ca-file CA",
			want: "certificate has expired", help: "the server needs a new certificate, or the clock"},
		{name: "Common Name only", change: func(c *x509.Certificate) { c.IPAddresses = nil }, args: "--ca-file CA",
			want: "x509:", help: "the certificate names its host as Common Name only"},
		{name: "another name", change: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"fleet.example"} }, args: "--ca-file CA",
			want: "127.0.0.1", help: "the server's certificate is for another name"},
		{name: "wants a client certificate", client: ours, args: "--ca-file CA",
			want: "certificate required", help: "the server wants another client certificate: --cert-file and --key-file"},
		{name: "has a client certificate", client: ours, args: "--ca-file CA --cert-file CERT --key-file KEY"},
		{name: "client certificate of a stranger", client: other, args: "--ca-file CA --cert-file CERT --key-file KEY",
			want: "remote error: tls:", help: "the server wants another client certificate"},
		{name: "https to http", plain: true, args: "--ca-file CA",
			want: "first record does not look like a TLS handshake", help: "the server does not speak https: write http://"},
		{name: "http to https", args: "HTTP", want: "the server wants https, and the endpoint says http", help: "write https:// in --endpoint"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pair, _, _ := ours.sign(t, t.TempDir(), tt.change)
			_, certFile, keyFile := ours.sign(t, t.TempDir(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
			server := httptest.NewUnstartedServer(fleetHandler)
			defer server.Close()
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
			if tt.client != nil {
				server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
				server.TLS.ClientCAs.AddCert(tt.client.cert)
			}
			endpoint := "https://"
			if tt.plain {
				server.Start()
			} else {
				server.StartTLS()
			}
			if tt.args == "HTTP" {
				endpoint, tt.args = "http://", ""
			}
			args := strings.NewReplacer("CA", ours.file(t), "CERT", certFile, "KEY", keyFile).Replace(tt.args)
			code, out := call(t, t.TempDir(), "stackc machines --endpoint "+endpoint+server.Listener.Addr().String()+" "+args)
			if tt.want == "" {
				if code != exitDone || !strings.Contains(out, "10.0.0.1") {
					t.Errorf("exit code %d, and\n%s", code, out)
				}
				return
			}
			if code != exitUnreachable || !strings.Contains(out, tt.want) || !strings.Contains(out, "help: "+tt.help) {
				t.Errorf("exit code %d, want 6, %q and %q, and\n%s", code, tt.want, tt.help, out)
			}
		})
	}
}
