package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"

	"github.com/stackc/stackc/cmd/stackc/keyring"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/pki"
)

// checkPKI refuses what would show keys, or leave them open on their way.
func (o *bootstrapOptions) checkPKI(form *format) error {
	if o.pki == "" {
		if o.pkiURL != "" {
			return misuse("the sums are those of its files", "--pki-url needs --pki DIR")
		}
		return nil
	}
	switch {
	case o.role != "":
		return misuse("ask for all machines, or for one with --machine", "--pki and --role exclude each other: certificates are a machine's own")
	case o.dir == "" || form.isJSON():
		return misuse("write files with -o DIR; they get mode 0600", "keys are not printed")
	}
	if o.pkiURL == "" {
		return nil
	}
	u, err := url.Parse(o.pkiURL)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return misuse("keys are fetched over https alone, as in https://10.0.0.9/k8s.pki", "--pki-url cannot be %q", o.pkiURL)
	}
	return nil
}

// pkiFiles are the files of a PKI that belong on each machine. All of them must be
// there: a machine without one of them is found out only when it is needed.
func (p *program) pkiFiles(o *bootstrapOptions, result *compiler.Result) (map[string][]bootstrap.Extra, error) {
	if o.pki == "" {
		return nil, nil
	}
	plan, err := pki.Of(result.Topology, result.Set)
	if err != nil {
		return nil, err
	}
	folder := &keyring.Folder{Dir: o.pki, Plan: plan, Now: p.now(), Random: p.random}
	state, err := folder.State(0)
	if err != nil {
		return nil, err
	}
	for _, e := range state {
		if e.Status != keyring.OK {
			return nil, misuse("stackc pki check tells more", "%s: %s: %s", o.pki, e.Name, e.Note)
		}
	}
	files := map[string][]bootstrap.Extra{}
	for _, f := range plan.Files {
		if f.Machine == "" {
			return nil, misuse("name its machines, as in [machine.master]", "the stack names no machine with role %q, on which %s belongs", f.Role, f.Path)
		}
		text, err := folder.Read(f.Name)
		if err != nil {
			return nil, err
		}
		x := bootstrap.Extra{File: bootstrap.File{Path: f.Path, Mode: "0600", Owner: cmp.Or(f.Owner, "root")}}
		if o.pkiURL == "" {
			x.Content = string(text)
		} else {
			sum := sha256.Sum256(text)
			x.SHA256 = hex.EncodeToString(sum[:])
			if x.URL, err = url.JoinPath(o.pkiURL, f.Name); err != nil {
				return nil, err
			}
		}
		files[f.Machine] = append(files[f.Machine], x)
	}
	return files, nil
}
