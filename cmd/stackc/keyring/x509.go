package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/stackc/stackc/compiler/pki"
)

// early is how long before its making a certificate begins, for machines whose
// clocks are behind.
const early = time.Hour

const day = 24 * time.Hour

// authority is the CA with its key.
type authority struct {
	cert *x509.Certificate
	pem  []byte
	key  crypto.Signer
}

// newKey makes a key on P-256, which every Go since 1.2, OpenSSL 1.0 and the
// programs of all releases take, and its text as those before PKCS #8 read it.
func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// parseKey reads a key of any of the usual kinds: one may bring the CA's own.
func parseKey(name string, text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fail("it may be half written: move it away, and issue makes it anew", "%s holds no key", name)
	}
	var key any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		// The error of the parser is left out: it may quote what it has read.
		return nil, fail("a key is PEM without a password: EC, RSA or PKCS #8", "%s holds no key that can be read", name)
	}
	return signer, nil
}

func parseCert(name string, text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fail("move it away, and issue makes it anew", "%s holds no certificate", name)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fail("move it away, and issue makes it anew", "%s holds no certificate: %v", name, err)
	}
	return cert, nil
}

// serial is a number that no other certificate of the CA has.
func serial(random io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, err
	}
	b[0] &= 0x7f // positive
	return new(big.Int).SetBytes(b[:]), nil
}

// newAuthority signs a CA with its own key.
func newAuthority(stack string, key crypto.Signer, now time.Time, days int, random io.Reader) ([]byte, error) {
	number, err := serial(random)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: stack + " CA"},
		NotBefore: now.Add(-early), NotAfter: now.Add(time.Duration(days) * day),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

// sign makes a certificate of the plan for a key. It ends no later than the CA.
func (a *authority) sign(c pki.Certificate, key crypto.PublicKey, now time.Time, days int, random io.Reader) ([]byte, error) {
	number, err := serial(random)
	if err != nil {
		return nil, err
	}
	end := now.Add(time.Duration(days) * day)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: c.User, Organization: c.Groups},
		NotBefore: now.Add(-early), NotAfter: end,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: usages(c),
		BasicConstraintsValid: true, DNSNames: c.DNS,
	}
	for _, ip := range c.IP {
		template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

func usages(c pki.Certificate) []x509.ExtKeyUsage {
	var list []x509.ExtKeyUsage
	if c.Server {
		list = append(list, x509.ExtKeyUsageServerAuth)
	}
	if c.Client {
		list = append(list, x509.ExtKeyUsageClientAuth)
	}
	return list
}

// says reports whether a certificate is what the plan asks for.
func says(cert *x509.Certificate, c pki.Certificate) bool {
	var want, got []string
	for _, ip := range c.IP {
		want = append(want, ip.String())
	}
	for _, ip := range cert.IPAddresses {
		got = append(got, ip.String())
	}
	return cert.Subject.CommonName == c.User && sameSet(cert.Subject.Organization, c.Groups) &&
		sameSet(cert.DNSNames, c.DNS) && sameSet(got, want) && slices.Equal(cert.ExtKeyUsage, usages(c))
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// matches reports whether a certificate is for the key.
func matches(cert *x509.Certificate, key crypto.Signer) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(cert.PublicKey)
}
