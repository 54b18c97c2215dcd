package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"strings"
	"testing"
)

// TestReason: what is said of a server's certificate fits what is wrong with it.
func TestReason(t *testing.T) {
	cert := &x509.Certificate{IPAddresses: []net.IP{{10, 0, 0, 9}}}
	tests := []struct {
		name string
		err  error
		want string // how the reason ends
	}{
		{"unknown authority", x509.UnknownAuthorityError{Cert: cert}, "; --ca-file says whom to trust"},
		{"other address", x509.HostnameError{Certificate: cert, Host: "10.0.0.1"}, "valid for 10.0.0.9, not 10.0.0.1; the server needs one with it: stackc pki check tells more"},
		{"ended", x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}, "; the server needs a new one, or the clock of this machine is wrong"},
		{"not for servers", x509.CertificateInvalidError{Cert: cert, Reason: x509.IncompatibleUsage}, "incompatible key usage"},
	}
	for _, tt := range tests {
		err := &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/healthz", Err: &tls.CertificateVerificationError{Err: tt.err}}
		if got := reason(err); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %q, want it to end with %q", tt.name, got, tt.want)
		}
	}
}
