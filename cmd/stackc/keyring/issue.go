package keyring

import (
	"crypto"
	"slices"
	"time"

	"github.com/stackc/stackc/compiler/pki"
)

// Init makes the folder and the CA, which ends after so many days. A CA that is
// there stays.
func (f *Folder) Init(days int) ([]string, error) {
	if err := f.make(); err != nil {
		return nil, err
	}
	cert, err := f.exists(pki.CACert)
	if err != nil {
		return nil, err
	}
	key, err := f.exists(pki.CAKey)
	switch {
	case err != nil:
		return nil, err
	case cert && key:
		return nil, fail("every certificate of the cluster hangs on it; stackc pki issue goes on with it", "there is a CA in %s, and it is not written over", f.Dir)
	case cert:
		return nil, fail("put the key beside it, or move it away", "%s is there without its key", f.path(pki.CACert))
	case key:
		return nil, fail("put the certificate beside it, or move it away", "%s is there without its certificate", f.path(pki.CAKey))
	}
	return f.newCA(days)
}

func (f *Folder) newCA(days int) ([]string, error) {
	key, text, err := newKey()
	if err != nil {
		return nil, err
	}
	cert, err := newAuthority(f.Plan.Stack, key, f.Now, days, f.Random)
	if err != nil {
		return nil, err
	}
	if err := f.create(pki.CAKey, text); err != nil {
		return nil, err
	}
	return []string{pki.CACert, pki.CAKey}, f.create(pki.CACert, cert)
}

// authority reads the CA.
func (f *Folder) authority() (*authority, error) {
	if err := f.private(); err != nil {
		return nil, err
	}
	cert, err := f.Read(pki.CACert)
	if err != nil {
		return nil, err
	}
	key, err := f.Read(pki.CAKey)
	if err != nil {
		return nil, err
	}
	if cert == nil || key == nil {
		return nil, fail("stackc pki init makes one; or put ca.crt and ca.key of your own there", "there is no CA in %s", f.Dir)
	}
	a := &authority{pem: cert}
	if a.cert, err = parseCert(f.path(pki.CACert), cert); err != nil {
		return nil, err
	}
	if a.key, err = parseKey(f.path(pki.CAKey), key); err != nil {
		return nil, err
	}
	switch {
	case !matches(a.cert, a.key):
		return nil, fail("bring the two files of one CA", "%s is not the key of %s", f.path(pki.CAKey), f.path(pki.CACert))
	case !a.cert.IsCA:
		return nil, fail("bring a CA's", "%s is the certificate of no CA", f.path(pki.CACert))
	case f.Now.After(a.cert.NotAfter):
		return nil, fail("move the folder away and begin with stackc pki init: every machine needs new files", "the CA has ended on %s", a.cert.NotAfter.Format(time.DateOnly))
	}
	return a, nil
}

// Issue makes what is missing. Certificates end after so many days, or with the CA.
// It returns the names of the files that it wrote.
func (f *Folder) Issue(days int) ([]string, error) {
	return f.sign(days, func(Entry) bool { return false })
}

// Renew makes what is missing as well, and signs anew what has ended or ends
// within that time, what is no longer as the stack says, and what names lists. The
// CA and all keys stay.
func (f *Folder) Renew(days int, within time.Duration, names []string) ([]string, error) {
	for _, name := range names {
		if _, ok := f.Plan.Certificate(name); !ok {
			return nil, fail("stackc pki list shows them, without .crt", "the stack has no certificate %q", name)
		}
	}
	state, err := f.State(within)
	if err != nil {
		return nil, err
	}
	due := map[string]bool{}
	for _, e := range state {
		due[e.Name] = slices.Contains([]Status{Expires, Expired, Changed, Foreign}, e.Status)
	}
	for _, name := range names {
		due[name+pki.CertSuffix] = true
	}
	return f.sign(days, func(e Entry) bool { return due[e.Name] })
}

// sign makes all that is missing, and again the certificates that are due.
func (f *Folder) sign(days int, due func(Entry) bool) ([]string, error) {
	ca, err := f.authority()
	if err != nil {
		return nil, err
	}
	var made []string
	did := func(name string, done bool, err error) error {
		if done && err == nil {
			made = append(made, name)
		}
		return err
	}
	for _, c := range f.Plan.Certificates {
		key, fresh, err := f.key(c.Name + pki.KeySuffix)
		if err := did(c.Name+pki.KeySuffix, fresh, err); err != nil {
			return made, err
		}
		done, err := f.certificate(ca, c, key, days, func(e Entry) bool { return fresh || due(e) })
		if err := did(c.Name+pki.CertSuffix, done, err); err != nil {
			return made, err
		}
		if c.Kubeconfig {
			done, err := f.writeKubeconfig(c)
			if err := did(c.Name+pki.KubeconfigSuffix, done, err); err != nil {
				return made, err
			}
		}
	}
	if f.Plan.ServiceAccounts {
		_, fresh, err := f.key(pki.ServiceAccountKey)
		if err := did(pki.ServiceAccountKey, fresh, err); err != nil {
			return made, err
		}
	}
	for _, t := range f.tables() {
		done, err := f.fill(t)
		if err := did(t.name, done, err); err != nil {
			return made, err
		}
	}
	return made, nil
}

// key returns the key of that name, making it when there is none.
func (f *Folder) key(name string) (crypto.Signer, bool, error) {
	text, err := f.Read(name)
	if err != nil {
		return nil, false, err
	}
	if text != nil {
		key, err := parseKey(f.path(name), text)
		return key, false, err
	}
	key, text, err := newKey()
	if err != nil {
		return nil, false, err
	}
	return key, true, f.create(name, text)
}

// certificate signs one that is missing or due.
func (f *Folder) certificate(ca *authority, c pki.Certificate, key crypto.Signer, days int, due func(Entry) bool) (bool, error) {
	name := c.Name + pki.CertSuffix
	there, err := f.exists(name)
	if err != nil || there && !due(Entry{Name: name}) {
		return false, err
	}
	text, err := ca.sign(c, key.Public(), f.Now, days, f.Random)
	if err != nil {
		return false, err
	}
	return true, f.replace(name, text)
}
