package keyring

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/stackc/stackc/compiler/pki"
)

// kubeconfig writes a client's configuration with everything in it, so that one
// file is all that has to be brought to a machine. JSON's strings are YAML's.
func kubeconfig(p *pki.Plan, c pki.Certificate, ca, cert, key []byte) []byte {
	cluster := strings.ReplaceAll(p.Stack, "/", "-")
	data := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: %[1]q
  cluster:
    server: %[2]q
    certificate-authority-data: %[4]s
users:
- name: %[3]q
  user:
    client-certificate-data: %[5]s
    client-key-data: %[6]s
contexts:
- name: "%[3]s@%[1]s"
  context:
    cluster: %[1]q
    user: %[3]q
current-context: "%[3]s@%[1]s"
`, cluster, p.Server, c.User, data(ca), data(cert), data(key))
}

// wanted is the kubeconfig for a certificate that is there, nil without one.
func (f *Folder) wanted(c pki.Certificate) ([]byte, error) {
	var parts [3][]byte
	for i, name := range []string{pki.CACert, c.Name + pki.CertSuffix, c.Name + pki.KeySuffix} {
		text, err := f.Read(name)
		if err != nil || text == nil {
			return nil, err
		}
		parts[i] = text
	}
	return kubeconfig(f.Plan, c, parts[0], parts[1], parts[2]), nil
}

func (f *Folder) kubeconfigState(c pki.Certificate) (Entry, error) {
	e := f.plain(c.Name + pki.KubeconfigSuffix)
	if e.Status != OK {
		return e, nil
	}
	want, err := f.wanted(c)
	if err != nil {
		return e, err
	}
	got, err := f.Read(e.Name)
	if err == nil && want != nil && !bytes.Equal(got, want) {
		e.Status, e.Note = Changed, "it is not what the certificate and the stack say; stackc pki issue writes it anew"
	}
	return e, err
}

// writeKubeconfig writes it where it is not what it should be.
func (f *Folder) writeKubeconfig(c pki.Certificate) (bool, error) {
	want, err := f.wanted(c)
	if err != nil {
		return false, err
	}
	got, err := f.Read(c.Name + pki.KubeconfigSuffix)
	if err != nil || bytes.Equal(got, want) {
		return false, err
	}
	return true, f.replace(c.Name+pki.KubeconfigSuffix, want)
}
