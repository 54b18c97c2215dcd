package keyring

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/stackc/stackc/compiler/pki"
)

// Status is what is the matter with a file.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Missing Status = "missing"
	// Expires is a certificate that ends soon, Expired one that has ended.
	Expires Status = "expires"
	Expired Status = "expired"
	// Changed is one that no longer says what the stack asks for.
	Changed Status = "changed"
	// Foreign is a certificate of another CA or for another key.
	Foreign Status = "foreign"
	// Open is a file that others than its owner may read.
	Open Status = "open"
)

// Entry is a file of the folder as it is.
type Entry struct {
	// Name is that of the file: "apiserver.crt".
	Name string `json:"name"`
	// User and Groups are whom it makes of its owner, DNS and IP how a server that
	// shows it may be called.
	User   string   `json:"user,omitempty"`
	Groups []string `json:"groups,omitempty"`
	DNS    []string `json:"dns,omitempty"`
	IP     []string `json:"ip,omitempty"`
	// Until is when it ends.
	Until  *time.Time `json:"until,omitempty"`
	Status Status     `json:"status"`
	// Note says it in words.
	Note string `json:"note,omitempty"`
	// To is where it belongs.
	To []Place `json:"to"`
}

// Place is a file on machines.
type Place struct {
	Machine string `json:"machine,omitempty"`
	Role    string `json:"role,omitempty"`
	Path    string `json:"path"`
	// Owner is the user whose file it is there, "" for root.
	Owner string `json:"owner,omitempty"`
}

// State looks at all files of the plan, in the order in which they are made. within
// is how long before its end a certificate expires.
func (f *Folder) State(within time.Duration) ([]Entry, error) {
	if err := f.private(); err != nil {
		return nil, err
	}
	ca, entry, err := f.caState(within)
	if err != nil {
		return nil, err
	}
	list := []Entry{entry, f.plain(pki.CAKey)}
	for _, c := range f.Plan.Certificates {
		e, err := f.certState(ca, c, within)
		if err != nil {
			return nil, err
		}
		list = append(list, e, f.plain(c.Name+pki.KeySuffix))
		if c.Kubeconfig {
			e, err := f.kubeconfigState(c)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
	}
	if f.Plan.ServiceAccounts {
		list = append(list, f.plain(pki.ServiceAccountKey))
	}
	for _, t := range f.tables() {
		e, err := f.tableState(t)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// plain is the state of a file as far as it shows from outside.
func (f *Folder) plain(name string) Entry {
	e := Entry{Name: name, Status: OK, To: []Place{}}
	for _, x := range f.Plan.Files {
		if x.Name == name {
			e.To = append(e.To, Place{Machine: x.Machine, Role: x.Role, Path: x.Path, Owner: x.Owner})
		}
	}
	info, err := os.Stat(f.path(name))
	switch {
	case err != nil:
		e.Status, e.Note = Missing, "stackc pki issue makes it"
		if name == pki.CACert || name == pki.CAKey {
			e.Note = "stackc pki init makes it"
		}
	case info.Mode().Perm()&0o077 != 0:
		e.Status, e.Note = Open, fmt.Sprintf("mode %#o lets others read it: chmod 600", info.Mode().Perm())
	}
	return e
}

// caState returns the CA's certificate as well, nil when there is none.
func (f *Folder) caState(within time.Duration) (*x509.Certificate, Entry, error) {
	e := f.plain(pki.CACert)
	text, err := f.Read(pki.CACert)
	if err != nil || text == nil {
		return nil, e, err
	}
	cert, err := parseCert(f.path(pki.CACert), text)
	if err != nil {
		return nil, e, err
	}
	e.User, e.Until = cert.Subject.CommonName, &cert.NotAfter
	if !cert.IsCA {
		e.Status, e.Note = Foreign, "it is the certificate of no CA"
	}
	f.judgeEnd(&e, cert, within)
	return cert, e, nil
}

// judgeEnd judges when a certificate ends, unless there is worse to tell.
func (f *Folder) judgeEnd(e *Entry, cert *x509.Certificate, within time.Duration) {
	left := cert.NotAfter.Sub(f.Now)
	switch {
	case e.Status != OK:
	case left <= 0:
		e.Status, e.Note = Expired, "it has ended on "+cert.NotAfter.Format(time.DateOnly)
	case left <= within:
		e.Status, e.Note = Expires, fmt.Sprintf("it ends in %s, on %s", daysOf(left), cert.NotAfter.Format(time.DateOnly))
	}
}

// daysOf writes a length of time in whole days.
func daysOf(d time.Duration) string {
	if n := int(d / day); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "1 day"
}

func (f *Folder) certState(ca *x509.Certificate, c pki.Certificate, within time.Duration) (Entry, error) {
	e := f.plain(c.Name + pki.CertSuffix)
	e.User, e.Groups, e.DNS = c.User, c.Groups, c.DNS
	for _, ip := range c.IP {
		e.IP = append(e.IP, ip.String())
	}
	text, err := f.Read(e.Name)
	if err != nil || text == nil {
		return e, err
	}
	cert, err := parseCert(f.path(e.Name), text)
	if err != nil {
		return e, err
	}
	e.Until = &cert.NotAfter
	if e.Status != OK {
		return e, nil
	}
	pem, err := f.Read(c.Name + pki.KeySuffix)
	if err != nil {
		return e, err
	}
	switch {
	case ca != nil && cert.CheckSignatureFrom(ca) != nil:
		e.Status, e.Note = Foreign, "it is not of this CA; stackc pki renew signs it anew"
	case pem != nil:
		key, err := parseKey(f.path(c.Name+pki.KeySuffix), pem)
		if err != nil {
			return e, err
		}
		if !matches(cert, key) {
			e.Status, e.Note = Foreign, "it is for another key; stackc pki renew signs it anew"
		}
	}
	if e.Status == OK && !says(cert, c) {
		e.Status, e.Note = Changed, "the stack asks for other names; stackc pki renew signs it anew"
	}
	f.judgeEnd(&e, cert, within)
	return e, nil
}
