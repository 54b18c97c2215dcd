package main

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	style "github.com/stackc/stackc/compiler/format"
	"github.com/stackc/stackc/compiler/source"
)

// starting is what init was asked for.
type starting struct {
	name, from string
}

// defaultFile is where init writes when it is not said.
const defaultFile = "stack.toml"

func (p *program) init() *cli.Command {
	o := &starting{}
	return &cli.Command{
		Name:      "init",
		Usage:     "write a first stack file, with comments that explain it",
		ArgsUsage: "[FILE]",
		Description: `Writes a small stack into FILE, otherwise stack.toml: two services, one of which waits
for the other on another machine. With --from it is a stack that uses that library,
with the values that the library needs, and all others as comments. A FILE without
extension gets .toml. A file that is there is never replaced. "-" is the standard output.

examples:
  stackc init shop.toml
  stackc init cluster.toml --from std:kubernetes/0.15

exit codes: 0 done; 1 error`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Destination: &o.name, Usage: "call the stack `NAME`, otherwise as FILE is called"},
			&cli.StringFlag{Name: "from", Destination: &o.from, Usage: "use the `LIBRARY`: std:NAME, or the path of one"},
		},
		Action: func(ctx *cli.Context) error {
			switch args := ctx.Args(); args.Len() {
			case 0:
				return p.writeFirst(o, defaultFile)
			case 1:
				return p.writeFirst(o, args.First())
			}
			return wrongArguments(ctx, "one FILE or none", ctx.Args().Slice())
		},
	}
}

// writeFirst writes the first stack into a file that is not there yet.
func (p *program) writeFirst(o *starting, path string) error {
	path, err := freshPath(path)
	if err != nil {
		return err
	}
	file := path
	if path == "-" {
		file = defaultFile
	}
	text, err := p.firstStack(o, file)
	if err != nil {
		return err
	}
	if path == "-" {
		_, err := io.WriteString(p.out, text)
		return err
	}
	if err := writeNew(path, text); err != nil {
		return err
	}
	schema := filepath.Join(filepath.Dir(path), "stackc.schema.json")
	steps := [][2]string{
		{"stackc schema > " + shellWord(schema), "for editors, which then complete and check it"},
		{"stackc check " + shellWord(path), "what is wrong with it?"},
		{"stackc params " + shellWord(path), "what can be set?"},
		{"stackc plan " + shellWord(path), "what would it change, and where would it run?"},
	}
	width := 0
	for _, s := range steps {
		width = max(width, len(s[0]))
	}
	next := path + " is written. What comes next:\n"
	for _, s := range steps {
		next += fmt.Sprintf("  %-*s   %s\n", width, s[0], s[1])
	}
	return p.printf("%s", next)
}

// freshPath is where a stack file that is called path goes. It ends in .toml, by which
// status and others know a FILE from the name of a STACK; nothing may be there.
func freshPath(path string) (string, error) {
	if path == "-" {
		return path, nil
	}
	given, name := path, filepath.Base(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() || strings.HasSuffix(path, "/") {
		return "", misuse("name a file in it: stackc init "+shellWord(filepath.Join(path, defaultFile)), "%s is a folder", path)
	}
	switch ext := filepath.Ext(name); {
	case ext == ".toml" && name != ext:
	case ext == "" && name != "":
		path += ".toml"
	default:
		base := cmp.Or(strings.TrimSuffix(name, ext), "stack")
		return "", misuse("write stackc init "+shellWord(filepath.Join(filepath.Dir(path), base+".toml")), "the name of a stack file ends in .toml, and that of %s does not", path)
	}
	for _, there := range []string{given, path} {
		if _, err := os.Lstat(there); !errors.Is(err, fs.ErrNotExist) {
			return "", misuse("choose another name", "%s is there already", there)
		}
	}
	return path, nil
}

// firstStack returns the text, in the common style.
func (p *program) firstStack(o *starting, file string) (string, error) {
	name := o.name
	if name == "" {
		name = plainName(strings.TrimSuffix(filepath.Base(file), ".toml"), "stack")
	}
	if _, findings := p.compileText(file, "stack = "+tomlString(name)+"\n"); findings.HasErrors() {
		return "", misuse(findings[0].Help, "%s", findings[0].Message)
	}
	text := head(name, file) + firstBody(file)
	if o.from != "" {
		body, err := p.bodyFrom(o.from, file)
		if err != nil {
			return "", err
		}
		text = head(name, file) + body
	}
	styled, findings := style.Format(source.NewFile(file, text))
	if len(findings) > 0 { // a name or a library's text that is no TOML
		return "", errors.New(findings[0].Message)
	}
	return string(styled), nil
}

// firstFile is the stack that init writes, with NAME for its name and FILE for its file.
//
//go:embed first.toml
var firstFile string

// head is how every file of init begins, up to the name of the stack.
func head(name, file string) string {
	top, _, _ := strings.Cut(firstFile, `"NAME"`)
	return strings.ReplaceAll(top, "FILE", shellWord(file)) + tomlString(name) + "\n"
}

// firstBody is what follows the name in the stack without a library.
func firstBody(file string) string {
	_, body, _ := strings.Cut(firstFile, `"NAME"`)
	return strings.ReplaceAll(strings.TrimPrefix(body, "\n"), "FILE", shellWord(file))
}

// writeNew writes a file that must not be there.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
