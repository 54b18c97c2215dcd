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
	"github.com/stackc/stackc/compiler/pxe"
	"github.com/stackc/stackc/compiler/stack"
)

func (p *program) pxe() *cli.Command {
	in, form, dir := newInput(), newFormat(), ""
	return &cli.Command{
		Name:      "pxe",
		Usage:     "write what a server needs so that machines start from it over the network",
		ArgsUsage: "FILE [-o DIR]",
		Description: `Writes into DIR the folders that TFTP and HTTP serve, with the cloud-config of each
machine that has a mac, a menu and a link for each, a fragment for dhcpd, and
server.sh, which run on the server tells what is missing there and, with "install",
does it. Without -o the names of the files are listed.

examples:
  stackc pxe room.toml
  stackc pxe room.toml -o pxe/

exit codes: 0 done; 1 error`,
		Flags: append(in.flags(), form.flag(),
			&cli.StringFlag{Name: "o", Aliases: []string{"output-dir"}, Destination: &dir, Usage: "write the files into `DIR`, which is made if needed"}),
		Action: func(ctx *cli.Context) error {
			path, err := oneFile(ctx, "FILE")
			if err != nil {
				return err
			}
			result, findings, err := in.loadResult(p.console, path, form)
			if err != nil {
				return err
			}
			s := result.Topology.Stack
			files, found, err := pxeFiles(s, opener{stdin: p.in, texts: in.texts})
			if err != nil {
				return err
			}
			if found.HasErrors() {
				return p.refused(in, form, path, found)
			}
			if !form.isJSON() {
				in.show(p.console, found)
			}
			if dir != "" {
				if err := writePXE(dir, files); err != nil {
					return err
				}
			}
			return p.toldPXE(s, form, dir, files, append(findings, found...))
		},
	}
}

// refused tells of findings that come behind those of the stack itself.
func (p *program) refused(in *input, form *format, path string, found diag.List) error {
	if form.isJSON() {
		if err := p.json(fileResult{File: path, Findings: diag.Findings(found)}); err != nil {
			return err
		}
	} else {
		in.show(p.console, found)
	}
	return exitWith(exitError)
}

// pxeFiles makes the files, with what bootstrap gives each machine or role.
func pxeFiles(s *stack.Stack, files opener) ([]pxe.File, diag.List, error) {
	if s.PXE == nil {
		return nil, diag.List{stack.Finding(diag.Error, diag.MissingKey, s.Pos, "pxe", "stack %q does not say how machines start over the network", s.Name).
			WithHelp(`add [pxe] with server = "…" and version = "…"`)}, nil
	}
	hosts := map[string]*bootstrap.Host{}
	var served diag.List
	for _, name := range pxe.Configs(s) {
		o := bootstrap.Options{Format: bootstrap.CloudConfig, Machine: name, Opener: files}
		if s.PXE.ByRole() {
			o.Machine, o.Role = "", name
		}
		list, found := bootstrap.Hosts(s, o)
		if found.HasErrors() {
			return nil, found, nil
		}
		hosts[name] = list[0]
		if list[0].Private() {
			served.Add(stack.Finding(diag.Warning, diag.Secret, s.PXE.Pos, "pxe", "what %q is given holds a file that only its owner may read there, and HTTP gives it to whoever asks", name).
				WithHelp("bring that file to the machine in another way, or keep others out of the subnet"))
		}
	}
	made, err := pxe.Files(s, hosts)
	return made, served, err
}

// pxeReport is the JSON form of what was made.
type pxeReport struct {
	Stack    string         `json:"stack"`
	Files    []pxeFile      `json:"files"`
	Images   []pxeImage     `json:"images"`
	Findings []diag.Finding `json:"findings"`
}

// pxeFile is a file or a link, and pxeImage an image that the server fetches.
type (
	pxeFile struct {
		Path string `json:"path"`
		Link string `json:"link,omitempty"`
		Text string `json:"text,omitempty"`
	}
	pxeImage struct {
		Name   string `json:"name"`
		URL    string `json:"url"`
		SHA256 string `json:"sha256,omitempty"`
	}
)

func (p *program) toldPXE(s *stack.Stack, form *format, dir string, files []pxe.File, findings diag.List) error {
	report := pxeReport{Stack: s.Name, Findings: diag.Findings(findings)}
	var b strings.Builder
	for _, f := range files {
		at := filepath.Join(dir, filepath.FromSlash(f.Path))
		report.Files = append(report.Files, pxeFile{at, f.Link, f.Text})
		if f.Link != "" {
			at += " -> " + f.Link
		}
		b.WriteString(at + "\n")
	}
	for _, i := range pxe.Images(s.PXE) {
		report.Images = append(report.Images, pxeImage(i))
		fmt.Fprintf(&b, "%s: fetched by %s\n", i.URL, pxe.Script)
	}
	if form.isJSON() {
		return p.json(report)
	}
	return p.printf("%s", b.String())
}

// writePXE makes dir hold the files; others there stay.
func writePXE(dir string, files []pxe.File) error {
	for _, f := range files {
		at := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
			return err
		}
		if f.Link != "" {
			if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := os.Symlink(f.Link, at); err != nil {
				return err
			}
			continue
		}
		mode := fs.FileMode(0o666)
		switch {
		case f.Private:
			mode = 0o600
		case f.Run:
			mode = 0o777
		}
		if err := replaceHost(at, f.Text, mode); err != nil {
			return err
		}
	}
	return nil
}
