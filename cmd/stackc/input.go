package main

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// input is how the commands that take a FILE compile it.
type input struct {
	settings settings
	overlays paths
	strict   bool
	form     choice
	texts    *texts
}

func newInput() *input {
	return &input{texts: &texts{}, form: newChoice("auto", "auto", "rich", "short", "json")}
}

func (in *input) flags() []cli.Flag {
	return append(in.settings.flags(),
		&cli.GenericFlag{Name: "overlay", Value: &in.overlays, Usage: "lay the changes of a TOML `FILE` over the stack (repeatable)"},
		&cli.BoolFlag{Name: "strict", Destination: &in.strict, Usage: "make every warning an error", DisableDefaultText: true},
		in.findingsFlag(),
	)
}

func (in *input) findingsFlag() cli.Flag {
	return &cli.GenericFlag{Name: "findings", Value: &in.form, DefaultText: "rich on a terminal, otherwise short",
		Usage: "write findings as `FORM`: rich, short or json"}
}

// compile compiles the stack file of that path, "-" being the standard input.
// The findings are not shown yet.
func (in *input) compile(c *console, path string) (*compiler.Result, diag.List) {
	return in.compileFrom(opener{stdin: c.in, texts: in.texts}, c, path)
}

// compileFrom compiles a stack file that, with all that it names, comes from files.
// What flags name is on the disk.
func (in *input) compileFrom(files source.Opener, c *console, path string) (*compiler.Result, diag.List) {
	values, findings := in.settings.read(opener{stdin: c.in, texts: in.texts})
	if findings.HasErrors() {
		return &compiler.Result{}, findings.Canonical()
	}
	result, found := compiler.Compile(path, compiler.Options{
		Opener: files, Std: stacks.Library{}, Settings: values, Overlays: in.overlays.given, Strict: in.strict,
	})
	return result, append(findings, found...)
}

// ofNoFile refuses flags that say how a file is compiled where word is none, but the
// name of a stack or unit: what they say would have no effect.
func (in *input) ofNoFile(word string) error {
	flag := ""
	switch {
	case len(in.overlays.given) > 0:
		flag = "--overlay"
	case len(in.settings.given) > 0 && in.settings.given[0].isFile:
		flag = "--params"
	case len(in.settings.given) > 0:
		flag = "--set"
	default:
		return nil
	}
	return misuse("give the FILE, whose name ends in .toml, or leave "+flag+" out", "%s says how a stack file is compiled, and %q is none", flag, word)
}

// load compiles a file and shows the findings, as loadResult does.
func (in *input) load(c *console, path string, f *format) (*units.Set, diag.List, error) {
	result, findings, err := in.loadResult(c, path, f)
	if err != nil {
		return nil, nil, err
	}
	return result.Set, findings, nil
}

// loadResult compiles a file and shows the findings. With an error among them it
// returns one that says no more than that. When the command writes JSON the
// findings are part of that, and only errors are shown here.
func (in *input) loadResult(c *console, path string, f *format) (*compiler.Result, diag.List, error) {
	result, findings := in.compile(c, path)
	switch {
	case f.isJSON() && findings.HasErrors():
		if err := c.json(fileReport(path, result, findings)); err != nil {
			return nil, nil, err
		}
	case !f.isJSON():
		in.show(c, findings)
	}
	if findings.HasErrors() {
		return nil, nil, exitWith(exitError)
	}
	return result, findings, nil
}

// show writes findings on stderr.
func (in *input) show(c *console, findings diag.List) {
	if len(findings) == 0 {
		return
	}
	w := c.stderr()
	switch in.form.value {
	case "json":
		w.Write(diag.JSON(findings))
	case "short":
		io.WriteString(w, diag.Short(findings))
	case "rich":
		c.rich(w, findings)
	default:
		if !c.errTerminal {
			io.WriteString(w, diag.Short(findings))
			return
		}
		c.rich(w, findings)
	}
}

// rich writes findings with their source lines, and a blank line after them.
func (c *console) rich(w io.Writer, findings diag.List) {
	columns, _ := c.size()
	io.WriteString(w, diag.Rich(findings, diag.Colour(columns))+"\n")
}

// opener opens files of the disk, and the standard input as "-".
type opener struct {
	disk  source.Dir
	stdin io.Reader
	texts *texts
}

// Open implements source.Opener.
func (o opener) Open(path string) (*source.File, error) {
	file, err := o.open(path)
	if err == nil && o.texts != nil {
		o.texts.note(file)
	}
	return file, err
}

func (o opener) open(path string) (*source.File, error) {
	if path != "-" {
		return o.disk.Open(path)
	}
	text, err := io.ReadAll(o.stdin)
	if err != nil {
		return nil, err
	}
	return source.NewFile(stdinName, string(text)), nil
}

// readFile reads a file that the command line names.
func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	return text, absent(path, err)
}

// absent says of a file that is not there what the compiler says of one.
func absent(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return misuse("", "there is no file %q", path)
	}
	return err
}

// shownPath is how messages call a FILE.
func shownPath(path string) string {
	if path == "-" {
		return stdinName
	}
	return path
}

// stdinName is what findings call the standard input.
const stdinName = "<stdin>"
