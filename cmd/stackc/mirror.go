package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/mirror"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	mirrored "github.com/stackc/stackc/compiler/mirror"
	"github.com/stackc/stackc/fleet"
)

// mirrorWork is what mirror was asked to do.
type mirrorWork struct {
	in       *input
	form     *format
	listen   string
	parallel int
}

// mirrorVerb is one thing that mirror can do.
type mirrorVerb struct {
	name string
	// takes are its arguments, the last of which may be left out when it stands in brackets.
	takes []string
	// flags are those that mean something to it; nil for all but listen.
	flags []string
	run   func(p *program, ctx context.Context, o *mirrorWork, args []string) error
}

func mirrorVerbs() []mirrorVerb {
	return []mirrorVerb{
		{"list", []string{"FILE", "[DIR|URL]"}, nil, (*program).listMirror},
		{"fetch", []string{"FILE", "DIR"}, nil, (*program).fetchMirror},
		{"check", []string{"FILE", "[DIR|URL]"}, nil, (*program).checkMirror},
		{"lock", []string{"FILE", "[DIR]"}, nil, (*program).lockMirror},
		{"serve", []string{"DIR"}, []string{"listen"}, (*program).serveMirror},
	}
}

func (p *program) mirror() *cli.Command {
	o := &mirrorWork{in: newInput(), form: newFormat()}
	flags := append(o.in.flags(), o.form.flag(),
		&cli.IntFlag{Name: "parallel", Value: 4, Destination: &o.parallel, Usage: "ask for at most `N` files at a time"},
		&cli.StringFlag{Name: "listen", Value: ":8080", Destination: &o.listen, Usage: "serve: answer at `ADDRESS`, HOST:PORT or :PORT"},
	)
	return &cli.Command{
		Name:      "mirror",
		Usage:     "list, fetch, check, lock and serve what a stack downloads",
		ArgsUsage: "VERB FILE|DIR [DIR|URL]",
		Description: `list FILE [DIR|URL]    the files that units, and machines before fleet, download: URL,
                       origin, sha256, who needs them; their sizes as DIR or URL has
                       them
fetch FILE DIR         bring all of them into DIR, from their origins
check FILE [DIR|URL]   hold each file against its sha256: in DIR, on the server at
                       URL, or where the stack says
lock FILE [DIR]        write the sha256 of each file that has none into FILE: as the file
                       is in DIR, or as its origin has it now
serve DIR              answer requests for the files of DIR until interrupted

A file whose download says origin = "https://…" is fetched from there, any other from
its url. What is there and right is left alone, half a file is gone on with, and a
file gets its name when it is whole and has its sha256.

examples:
  stackc mirror list k8s.toml
  stackc mirror list --output json k8s.toml

from the Internet into a room without it:
  laptop$ stackc mirror lock  k8s.toml
  laptop$ stackc mirror fetch k8s.toml www
  server$ stackc mirror serve www --listen :80
  server$ stackc mirror check k8s.toml

exit codes: 0 every file is right, or not pinned; 1 some are not, or an error;
6 nobody answers where they should be; 130 interrupted`,
		Flags:  flags,
		Action: func(ctx *cli.Context) error { return p.runMirror(ctx, o) },
	}
}

// runMirror carries out the verb that the first word is.
func (p *program) runMirror(ctx *cli.Context, o *mirrorWork) error {
	const help = "stackc mirror --help shows an example"
	names := make([]string, 0, len(mirrorVerbs()))
	for _, v := range mirrorVerbs() {
		names = append(names, v.name)
	}
	if !ctx.Args().Present() {
		return misuse(help, "mirror takes a verb: %s", strings.Join(names, ", "))
	}
	name := ctx.Args().First()
	i := slices.Index(names, name)
	if i < 0 {
		return misuse(help, "mirror cannot %q%s", name, didYouMean(name, names, "stackc mirror "))
	}
	verb, args := mirrorVerbs()[i], ctx.Args().Tail()
	for _, f := range ctx.Command.Flags {
		if flag := f.Names()[0]; ctx.IsSet(flag) && (flag == "listen" || verb.flags != nil) && !slices.Contains(verb.flags, flag) {
			return misuse(help, "--%s means nothing to mirror %s", flag, name)
		}
	}
	least := len(verb.takes)
	if strings.HasPrefix(verb.takes[least-1], "[") {
		least--
	}
	if len(args) < least || len(args) > len(verb.takes) {
		return wrongWords(ctx, name, strings.Join(verb.takes, " "), strings.Join(verb.takes, " "), args)
	}
	if o.parallel < 1 {
		return misuse(help, "--parallel cannot be %d: at least one file at a time", o.parallel)
	}
	return verb.run(p, ctx.Context, o, args)
}

// mirrorReport is the JSON form of the files of a mirror.
type mirrorReport struct {
	File     string            `json:"file"`
	Files    []view.MirrorFile `json:"files"`
	Findings []diag.Finding    `json:"findings"`
}

// mirrorFiles lists what the stack file downloads. That a file has no sha256 keeps
// nobody from having it: each verb says so itself.
func (p *program) mirrorFiles(o *mirrorWork, path string) ([]mirrored.File, *compiler.Result, diag.List, error) {
	result, findings := o.in.compile(p.console, path)
	findings = slices.DeleteFunc(findings, func(d diag.Diagnostic) bool { return d.Code == diag.Unverified })
	var files []mirrored.File
	if !findings.HasErrors() {
		var found diag.List
		files, found = mirrored.Files(result.Topology)
		findings = append(findings, found...)
	}
	switch {
	case !o.form.isJSON():
		o.in.show(p.console, findings)
	case findings.HasErrors():
		if err := p.json(mirrorReport{path, []view.MirrorFile{}, diag.Findings(findings)}); err != nil {
			return nil, nil, nil, err
		}
	}
	if findings.HasErrors() {
		return nil, nil, nil, exitWith(exitError)
	}
	return files, result, findings, nil
}

// mirrorView is a file as it is shown.
func mirrorView(f mirrored.File) view.MirrorFile {
	v := view.MirrorFile{Path: f.Path, URL: withoutSecrets(f.URL), SHA256: f.SHA256, Needs: []view.MirrorNeed{}}
	if f.Origin != f.URL {
		v.Origin = withoutSecrets(f.Origin)
	}
	for _, a := range f.Asks {
		v.Needs = append(v.Needs, view.MirrorNeed{Unit: string(a.Unit), Host: a.Host, To: a.To})
	}
	return v
}

// withoutSecrets writes a URL without the password that it may have.
func withoutSecrets(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	return address
}

// resultView adds what has become of a file.
func resultView(f mirrored.File, r mirror.Result) view.MirrorFile {
	v := mirrorView(f)
	v.State, v.Size, v.Found = string(r.State), r.Size, r.Sum
	if r.Err != nil {
		v.Reason = reasonOf(r)
	}
	return v
}

// reasonOf says why a file is not as it must be, and where.
func reasonOf(r mirror.Result) string {
	if r.URL == "" {
		return r.Err.Error()
	}
	return withoutSecrets(r.URL) + ": " + r.Err.Error()
}

// showMirror writes the files, as JSON or as the list that lines have not shown yet.
func (p *program) showMirror(o *mirrorWork, file string, files []view.MirrorFile, findings diag.List) error {
	if files == nil {
		files = []view.MirrorFile{}
	}
	if o.form.isJSON() {
		return p.json(mirrorReport{file, files, diag.Findings(findings)})
	}
	return nil
}

func (p *program) listMirror(ctx context.Context, o *mirrorWork, args []string) error {
	files, _, findings, err := p.mirrorFiles(o, args[0])
	if err != nil {
		return err
	}
	var list []view.MirrorFile
	for _, f := range files {
		list = append(list, mirrorView(f))
	}
	if len(args) > 1 {
		if err := p.addSizes(ctx, o, files, list, args[1]); err != nil {
			return err
		}
	}
	if o.form.isJSON() {
		return p.showMirror(o, args[0], list, findings)
	}
	loose := 0
	for _, f := range files {
		if f.SHA256 == "" {
			loose++
		}
	}
	if len(files) == 0 {
		return p.printf("%s: nothing is downloaded\n", args[0])
	}
	text := plural(len(files), "file", "files")
	if loose > 0 {
		text += ", " + plural(loose, "has", "have") + " no sha256"
	}
	return p.printf("%s\n%s: %s\n", view.MirrorList(list), args[0], text)
}

// addSizes looks how long the files are in a folder or on a server.
func (p *program) addSizes(ctx context.Context, o *mirrorWork, files []mirrored.File, list []view.MirrorFile, where string) error {
	if !isURL(where) {
		dir, err := openFolder(where)
		if err != nil {
			return err
		}
		defer dir.Close()
		for i, f := range files {
			if info, err := dir.Stat(f.Path); err == nil && info.Mode().IsRegular() {
				list[i].Size = info.Size()
			}
		}
		return nil
	}
	client := mirror.NewClient()
	defer client.Close()
	for i, size := range client.Sizes(ctx, wantsOf(files, func(f mirrored.File) string { return fileBelow(where, f.Path) }), o.parallel) {
		list[i].Size = size
	}
	return ctx.Err()
}

// openFolder opens a folder that the command line names.
func openFolder(name string) (*os.Root, error) {
	dir, err := os.OpenRoot(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, misuse("stackc mirror fetch FILE DIR makes one and fills it", "there is no folder %q", name)
	}
	return dir, err
}

// isURL reports whether a word of the command line is a URL, and not a folder.
func isURL(word string) bool { return strings.Contains(word, "://") }

// fileBelow is the URL of a file below another.
func fileBelow(base, path string) string {
	return strings.TrimSuffix(base, "/") + (&url.URL{Path: "/" + path}).EscapedPath()
}

// wantsOf are files as package mirror takes them, each from where address says.
func wantsOf(files []mirrored.File, address func(mirrored.File) string) []mirror.Want {
	wants := make([]mirror.Want, 0, len(files))
	for _, f := range files {
		w := mirror.Want{Path: f.Path, SHA256: f.SHA256}
		if address != nil {
			w.URL = address(f)
		}
		wants = append(wants, w)
	}
	return wants
}

// mirrorEnd is the exit code of results, with what to say when they are not all good.
func mirrorEnd(ctx context.Context, results []mirror.Result, where, help string) error {
	if ctx.Err() != nil {
		return &failure{code: exitInterrupted, err: errors.New("interrupted"), help: "the same command goes on from there", kind: kindInterrupted}
	}
	f := &failure{code: exitUnreachable, kind: string(fleet.Unreachable)}
	bad := 0
	for _, r := range results {
		if r.State.Good() {
			continue
		}
		bad++
		if r.State != mirror.Away {
			f.code, f.kind = exitError, kindError
		}
	}
	if bad == 0 {
		return nil
	}
	f.err = errors.New(plural(bad, "file", "files") + " of " + cmp.Or(where, "the mirror") + " " + map[bool]string{true: "is", false: "are"}[bad == 1] + " not as the stack says")
	f.help = help
	return f
}
