package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler/cloudconfig"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// importing is what import was asked to do.
type importing struct {
	in          *input // only how findings are written
	file        string
	name        string
	force       bool
	fromCluster bool
	idiomatic   bool
	output      *format
}

func (p *program) imports() *cli.Command {
	o := &importing{in: newInput(), output: newFormat()}
	return &cli.Command{
		Name:      "import",
		Usage:     "make a stack file of unit files, or of the units in the cluster",
		ArgsUsage: "DIR|FILE... [-o FILE]",
		Description: `Writes a stack that compiles to the same units: the same options in the same order,
with the same hash, so that a plan against the cluster they came from is empty. Of
a DIR it takes the unit files and cloud-configs, not those in folders below. Units
are written in tables, and as their text where tables would change them. What is
wrong with them is reported at its line and keeps nothing from being imported. Of a
cloud-config, what fleet cannot have becomes host entries and comments. Units that
carry the mark of a stack are left in that stack when they come from the cluster.
With --idiomatic the units change: every change is listed on stderr with its line.

examples:
  stackc import units/ -o web.toml
  stackc import units/web.service user-data.yaml
  stackc import --from-cluster --name web -o web.toml
  stackc import units/ --idiomatic -o shop.toml

exit codes: 0 done; 1 an error, or a unit had to be left out; 6 the cluster cannot
be reached`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "o", Destination: &o.file, Usage: "write the stack into `FILE`, which must not be there yet"},
			&cli.BoolFlag{Name: "force", Destination: &o.force, DisableDefaultText: true, Usage: "replace the file that is there"},
			&cli.StringFlag{Name: "name", Destination: &o.name, Usage: "call the stack `NAME`, otherwise as its file or the DIR is called"},
			&cli.BoolFlag{Name: "from-cluster", Destination: &o.fromCluster, DisableDefaultText: true, Usage: "import the units that fleet holds, and no files"},
			&cli.BoolFlag{Name: "idiomatic", Destination: &o.idiomatic, DisableDefaultText: true, Usage: "say roles, order, waiting and downloads in stackc's words, and list what changes"},
			o.output.flag(),
			&cli.GenericFlag{Name: "findings", Value: &o.in.form, DefaultText: "rich on a terminal, otherwise short",
				Usage: "write findings as `FORM`: rich, short or json"},
		},
		Action: func(ctx *cli.Context) error { return p.importUnits(ctx, o) },
	}
}

func (p *program) importUnits(ctx *cli.Context, o *importing) error {
	const help = "stackc import --help shows an example"
	args := ctx.Args().Slice()
	switch {
	case o.fromCluster && len(args) > 0:
		return misuse(help, "import takes files or --from-cluster, and %s as well", givenWords(args))
	case !o.fromCluster && len(args) == 0:
		return wrongArguments(ctx, "at least one DIR or FILE, or --from-cluster", nil)
	case o.force && o.file == "":
		return misuse(help, "--force needs -o FILE")
	}
	if err := o.free(); err != nil {
		return err
	}
	request, findings, err := p.unitsToImport(ctx, o, args)
	if err != nil {
		return err
	}
	request.Stack, request.Idiomatic = o.stackName(args), o.idiomatic
	result := importer.Import(request)
	result.Findings = append(findings, result.Findings...).Canonical()
	if !o.output.isJSON() {
		o.in.show(p.console, result.Findings)
		p.tellLifts(result)
	}
	if len(result.Units)+result.Hosts == 0 {
		if o.output.isJSON() {
			o.in.show(p.console, result.Findings)
		}
		return &failure{code: exitError, err: errors.New("no unit could be imported, and nothing is written")}
	}
	if err := p.writeStack(o, request.Stack, result); err != nil {
		return err
	}
	if result.Findings.HasErrors() {
		return exitWith(exitError)
	}
	return nil
}

// free reports a file that is in the way, before anything is read.
func (o *importing) free() error {
	if o.file == "" || o.force {
		return nil
	}
	if _, err := os.Lstat(o.file); !errors.Is(err, fs.ErrNotExist) {
		return misuse("choose another name, or replace it with --force", "%s is there already", o.file)
	}
	return nil
}

func (p *program) unitsToImport(ctx *cli.Context, o *importing, args []string) (r importer.Request, findings diag.List, err error) {
	if o.fromCluster {
		err = p.withCluster(ctx, func(conn *fleet.Conn) error {
			r.Files, err = p.clusterUnits(ctx.Context, conn)
			return err
		})
		return r, nil, err
	}
	s := &sources{program: p}
	for _, arg := range args {
		if err := s.take(arg); err != nil {
			return r, nil, err
		}
	}
	return s.request, s.findings, nil
}

// clusterUnits are the units that fleet holds and that no stack has marked.
func (p *program) clusterUnits(ctx context.Context, client fleet.Client) ([]importer.File, error) {
	list, err := client.Units(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b fleet.Unit) int { return strings.Compare(string(a.Name), string(b.Name)) })
	var files []importer.File
	owned := map[string]int{}
	for _, u := range list {
		if owner := u.Owner(); owner != "" {
			owned[owner]++
			continue
		}
		text := units.Unit{Options: u.Options}.Text()
		files = append(files, importer.File{Path: string(u.Name), Name: string(u.Name), Text: text, State: u.Desired})
	}
	for _, stack := range sortedKeys(owned) {
		p.remark("left out: %s of stack %s, which carry its mark", plural(owned[stack], "unit", "units"), stack)
	}
	if len(files) == 0 {
		return nil, &failure{code: exitError, err: errors.New("the cluster holds no unit that belongs to no stack")}
	}
	return files, nil
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// sources are the files to import, as they are read.
type sources struct {
	*program
	request  importer.Request
	findings diag.List
}

// take reads one FILE, or the unit files and cloud-configs of one DIR.
func (s *sources) take(arg string) error {
	entries, err := os.ReadDir(arg)
	if err != nil {
		return s.file(arg) // no folder, then
	}
	before := len(s.request.Files) + len(s.request.Configs) + len(s.findings)
	for _, e := range entries {
		name := filepath.Join(arg, e.Name())
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			s.passedOver(name)
			continue
		}
		if !unitSuffix(e.Name()) && !yamlSuffix(e.Name()) {
			continue
		}
		if err := s.file(name); err != nil {
			return err
		}
	}
	if len(s.request.Files)+len(s.request.Configs)+len(s.findings) == before {
		return &failure{code: exitError, err: fmt.Errorf("there is no unit file in %s", arg), help: foldersBelow(arg, entries)}
	}
	return nil
}

// foldersBelow is the command that takes the folders of a folder without units, "" when it
// has none.
func foldersBelow(dir string, entries []os.DirEntry) string {
	words := []string{"stackc import"}
	for _, e := range entries {
		if e.IsDir() {
			words = append(words, shellWord(filepath.Join(dir, e.Name())))
		}
	}
	if len(words) == 1 {
		return ""
	}
	return "its folders are taken by " + strings.Join(words, " ")
}

// file reads a unit file, or a cloud-config: what says so in its first line, or is
// called as YAML is.
func (s *sources) file(name string) error {
	text, err := readFile(name)
	switch {
	case err != nil:
		return err
	case cloudconfig.Is(string(text)):
		config, findings := cloudconfig.Read(source.NewFile(name, string(text)))
		s.findings.Add(findings...)
		if config != nil {
			s.request.Configs = append(s.request.Configs, config)
		}
	case yamlSuffix(name):
		file := source.NewFile(name, string(text))
		s.findings.Add(diag.Diagnostic{
			Severity: diag.Error, Code: diag.Syntax, Span: file.Span(0, len(file.Line(1))),
			Message: "it is YAML and no cloud-config: that begins with the line #cloud-config",
		})
	default:
		s.request.Files = append(s.request.Files, importer.File{Path: name, Name: filepath.Base(name), Text: string(text)})
	}
	return nil
}

func yamlSuffix(file string) bool {
	ext := path.Ext(file)
	return ext == ".yml" || ext == ".yaml"
}

// passedOver tells of folders that are not looked into.
func (p *program) passedOver(dir string) {
	if base, ok := strings.CutSuffix(dir, ".d"); ok && unitSuffix(base) {
		p.remark("left out: %s, for fleet takes no drop-ins", dir)
		return
	}
	p.remark("left out: %s, a folder of its own", dir)
}

// unitSuffix reports whether a file is called as units are.
func unitSuffix(name string) bool {
	_, err := units.ParseName("unit" + path.Ext(name))
	return err == nil
}

// stackName is what the stack is called: as asked for, as its file, or as the
// folder of its units.
func (o *importing) stackName(args []string) string {
	if o.name != "" {
		return o.name
	}
	name := "imported"
	switch {
	case o.file != "":
		name = strings.TrimSuffix(filepath.Base(o.file), ".toml")
	case len(args) == 1 && !unitSuffix(args[0]):
		if abs, err := filepath.Abs(args[0]); err == nil {
			name = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(abs), ".yaml"), ".yml")
		}
	}
	return plainName(name, "imported")
}

// plainName makes the name of a stack of the name of a file, or returns otherwise
// when nothing is left of it.
func plainName(name, otherwise string) string {
	letter := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }
	name = strings.Map(func(r rune) rune {
		if letter(r) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '-'
	}, name)
	name = strings.Trim(name[:min(len(name), 64)], "-_.")
	if name == "" {
		return otherwise
	}
	return name
}

// writeStack writes the stack where it belongs, and says on how many units.
func (p *program) writeStack(o *importing, name string, r importer.Result) error {
	if o.file != "" {
		if err := o.save(r.Text); err != nil {
			return err
		}
	}
	switch {
	case o.output.isJSON():
		return p.json(importReport(o.file, name, r))
	case o.file == "":
		_, err := p.out.Write([]byte(r.Text))
		return err
	}
	text := fmt.Sprintf("%s: %s", o.file, plural(len(r.Units), "unit", "units"))
	if r.Hosts > 0 {
		text += fmt.Sprintf(", %s of the hosts", plural(r.Hosts, "unit", "units"))
	}
	if r.Verbatim > 0 {
		text += fmt.Sprintf(", %d of them as their text", r.Verbatim)
	}
	if summary := diag.Summary(r.Findings); summary != "" {
		text += "; " + summary
	}
	return p.printf("%s\n", text)
}

// save never writes over a file that was not there a moment ago.
func (o *importing) save(text string) error {
	f, err := os.OpenFile(o.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) && o.force {
		return replaceFile(o.file, text)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
