package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/ports"
)

// bootstrapOptions says for which machines, in which form, and where it goes.
type bootstrapOptions struct {
	machine, role, dir string
	pki, pkiURL        string
	kind, how          choice
}

func (p *program) bootstrap() *cli.Command {
	in, form := newInput(), newFormat()
	o := &bootstrapOptions{kind: newChoice(string(bootstrap.CloudConfig), words(bootstrap.Formats())...), how: newChoice("", bootstrap.Platforms()...)}
	return &cli.Command{
		Name:      "bootstrap",
		Usage:     "write what machines need before fleet: cloud-configs or Ignition files",
		ArgsUsage: "FILE [-o DIR] [--machine M | --role R]",
		Description: `Writes one file for each machine of the inventory, or for each role where the stack
has no machines: etcd, fleet with the machine's metadata, flannel, docker that waits
for it, units of the hosts, files and keys. --pki puts in what "stackc pki" has made for
each machine, or with --pki-url where it fetches that; then -o is needed. Without -o the file of one machine is
printed. --how prints what to do with the files: the command that installs from the
ISO, that starts machines at Amazon or Google, or a template's piece.

examples:
  stackc bootstrap lab.toml -o machines/
  stackc bootstrap lab.toml --machine core-01 --format ignition3
  stackc bootstrap lab.toml --role node
  stackc bootstrap lab.toml -o machines/ --how iso

exit codes: 0 done; 1 error`,
		Flags: append(in.flags(), form.flag(),
			&cli.StringFlag{Name: "o", Aliases: []string{"output-dir"}, Destination: &o.dir, Usage: "write one file per machine into `DIR`, which is made if needed"},
			&cli.StringFlag{Name: "machine", Destination: &o.machine, Usage: "write that of the one machine of that `NAME`"},
			&cli.StringFlag{Name: "role", Destination: &o.role, Usage: "write what is the same for all machines of a role, by its `NAME`"},
			&cli.StringFlag{Name: "pki", Destination: &o.pki, Usage: "put in the certificates and keys of `DIR`, which stackc pki has made"},
			&cli.StringFlag{Name: "pki-url", Destination: &o.pkiURL, Usage: "with --pki: let the machines fetch the files of that folder from below `URL`"},
			&cli.GenericFlag{Name: "format", Value: &o.kind, Usage: "write `FORM`: " + orList(words(bootstrap.Formats()))},
			&cli.GenericFlag{Name: "how", Value: &o.how, Usage: "print how the files come to machines of the `KIND` " + orList(bootstrap.Platforms())},
		),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE")
			if err != nil {
				return err
			}
			if err := o.checkPKI(form); err != nil {
				return err
			}
			return p.bootstrapFile(in, form, o, path)
		},
	}
}

// words are the values of a list of named strings.
func words[S ~string](list []S) []string {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return plain
}

// hostFile is what one machine is given, and its JSON form.
type hostFile struct {
	Name     string   `json:"name"`
	File     string   `json:"file"`
	Machine  string   `json:"machine,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	Metadata []string `json:"metadata,omitempty"`
	Text     string   `json:"text"`
	How      []string `json:"how,omitempty"`

	private bool // it holds a file that is not for everybody
}

// hostsReport is the JSON form of all of them.
type hostsReport struct {
	Stack    string         `json:"stack"`
	Format   string         `json:"format"`
	Hosts    []hostFile     `json:"hosts"`
	Findings []diag.Finding `json:"findings"`
}

func (p *program) bootstrapFile(in *input, form *format, o *bootstrapOptions, path string) error {
	result, findings, err := in.loadResult(p.console, path, form)
	if err != nil {
		return err
	}
	s := result.Topology.Stack
	if err := named(s, o.machine, o.role); err != nil {
		return err
	}
	kind := bootstrap.Format(o.kind.value)
	extra, err := p.pkiFiles(o, result)
	if err != nil {
		return notMade(err)
	}
	hosts, found := bootstrap.Hosts(s, bootstrap.Options{
		Format: kind, Machine: o.machine, Role: o.role, Opener: opener{stdin: p.in, texts: in.texts}, Extra: extra,
	})
	findings = append(findings, found...)
	if found.HasErrors() {
		if form.isJSON() {
			if err := p.json(fileReport(path, result, findings)); err != nil {
				return err
			}
		} else {
			in.show(p.console, found)
		}
		return exitWith(exitError)
	}
	if !form.isJSON() {
		in.show(p.console, found)
	}
	files, err := hostFiles(hosts, kind, o, ports.Of(result.Topology, result.Checks))
	if err != nil {
		return err
	}
	if o.dir == "" && len(files) > 1 && !form.isJSON() {
		return misuse("write them into a folder with -o DIR, or ask for one with --machine or --role", "there are %d files, one for each of %s", len(files), namesOf(files))
	}
	if o.dir != "" {
		if err := writeHosts(o.dir, files); err != nil {
			return err
		}
	}
	switch {
	case form.isJSON():
		return p.json(hostsReport{Stack: s.Name, Format: o.kind.value, Hosts: files, Findings: diag.Findings(findings)})
	case o.dir != "":
		return p.printf("%s", toldHosts(files))
	case o.how.value != "":
		return p.printf("%s", strings.Join(files[0].How, ""))
	}
	return p.printf("%s", files[0].Text)
}

// hostFiles writes each host in its format.
func hostFiles(hosts []*bootstrap.Host, kind bootstrap.Format, o *bootstrapOptions, open *ports.List) ([]hostFile, error) {
	var files []hostFile
	for _, h := range hosts {
		text, err := h.Bytes(kind)
		if err != nil {
			return nil, err
		}
		f := hostFile{Name: h.Name, File: filepath.Join(o.dir, h.FileName(kind)), Roles: h.Roles, Metadata: h.Metadata, Text: string(text), private: h.Private()}
		if h.Machine != nil {
			f.Machine = h.Machine.Name
		}
		if o.how.value != "" {
			how, err := h.How(o.how.value, f.File, f.Text, wallOf(h, open))
			if err != nil {
				return nil, misuse("", "%v", err)
			}
			f.How = append(f.How, how)
		}
		files = append(files, f)
	}
	return files, nil
}

// wallOf is what "stackc ports" calls the rules for the machines of a host.
func wallOf(h *bootstrap.Host, open *ports.List) bootstrap.Firewall {
	groups := open.Groups
	switch {
	case h.Machine != nil:
		groups = open.WithMachine(h.Machine.Name)
	case len(h.Roles) > 0:
		groups = open.WithRole(h.Roles[0])
	}
	if len(groups) != 1 {
		return bootstrap.Firewall{}
	}
	return bootstrap.Firewall{Group: groups[0].ID, Resource: groups[0].Resource()}
}

func namesOf(files []hostFile) string {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// toldHosts tells what was written, and what to do with it.
func toldHosts(files []hostFile) string {
	var b strings.Builder
	for _, f := range files {
		what := "role " + f.Name
		switch {
		case f.Machine != "":
			what = "machine " + f.Machine
		case len(f.Roles) == 0:
			what = "every machine"
		}
		if len(f.Metadata) > 0 {
			what += " with " + strings.Join(f.Metadata, ",")
		}
		fmt.Fprintf(&b, "%s: %s\n", f.File, what)
	}
	for _, f := range files {
		b.WriteString(strings.Join(f.How, ""))
	}
	return b.String()
}

// writeHosts makes dir hold the files. One in which a file is that others may not
// read on the machine is kept from others here as well.
func writeHosts(dir string, files []hostFile) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		mode := fs.FileMode(0o666)
		if f.private {
			mode = 0o600
		}
		if err := replaceHost(f.File, f.Text, mode); err != nil {
			return err
		}
	}
	return nil
}

// replaceHost puts a new text in the place of an old one at once or not at all.
func replaceHost(path, text string, mode fs.FileMode) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(fresh, []byte(text), mode); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}
