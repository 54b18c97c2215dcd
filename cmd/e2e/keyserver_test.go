package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// keyServer is a place of the user's from which machines fetch their keys: over TLS, and
// each its own alone. It is late: what a machine asks for first it is told to ask again.
type keyServer struct {
	url  string
	http *http.Server
	dir  string
	may  map[string][]string // names of files by the addresses of machines

	mu    sync.Mutex
	asked map[string]map[string][]int // the codes of the answers, by address and name
}

// newKeyServer makes one with a certificate of its own, which it writes to a file.
func newKeyServer(t *testing.T, ca string) *keyServer {
	t.Helper()
	k := &keyServer{url: "https://" + lab.MirrorAddress + ":8443/keys", may: map[string][]string{}, asked: map[string]map[string][]int{}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "the server of keys"}, SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(lab.MirrorAddress)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	k.http = &http.Server{
		Handler: k, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
	}
	t.Cleanup(func() { k.http.Close() })
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return k
}

// give lets each machine have the files of a folder that belong on it.
func (k *keyServer) give(dir string, files []keyFile, nodes []lab.NodeConfig) {
	k.dir = dir
	for _, f := range files {
		for _, to := range f.To {
			for _, n := range nodes {
				if n.Name == to.Machine && !slices.Contains(k.may[n.Address], f.Name) {
					k.may[n.Address] = append(k.may[n.Address], f.Name)
				}
			}
		}
	}
}

// serve begins to listen beside the mirror.
func (k *keyServer) serve(ctx context.Context, l *lab.Lab) error {
	listener, err := l.Listen(ctx, "tcp", lab.MirrorAddress+":8443")
	if err != nil {
		return err
	}
	go func() { _ = k.http.ServeTLS(listener, "", "") }() // until the test ends
	return nil
}

func (k *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	name, code := path.Base(r.URL.Path), http.StatusOK
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil || r.URL.Path != "/keys/"+name || !slices.Contains(k.may[client], name):
		code = http.StatusForbidden
	case k.asked[client] == nil:
		code = http.StatusServiceUnavailable
	}
	if k.asked[client] == nil {
		k.asked[client] = map[string][]int{}
	}
	k.asked[client][name] = append(k.asked[client][name], code)
	if code != http.StatusOK {
		w.WriteHeader(code)
		return
	}
	http.ServeFile(w, r, filepath.Join(k.dir, name))
}

// gave holds that each machine has asked for what belongs on it, and nothing else, and
// has asked again where it was told to.
func (k *keyServer) gave(t *testing.T, nodes []lab.NodeConfig) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range nodes {
		want, got := slices.Sorted(slices.Values(k.may[n.Address])), slices.Sorted(maps.Keys(k.asked[n.Address]))
		if !slices.Equal(got, want) {
			t.Errorf("%s has asked for %q, and %q are its own", n.Name, got, want)
		}
		late := 0
		for name, codes := range k.asked[n.Address] {
			if codes[len(codes)-1] != http.StatusOK {
				t.Errorf("%s has not got %s: %v", n.Name, name, codes)
			}
			late += len(codes) - 1
		}
		if len(want) > 0 && late != 1 {
			t.Errorf("%s has asked again %d times: %v", n.Name, late, k.asked[n.Address])
		}
	}
}
