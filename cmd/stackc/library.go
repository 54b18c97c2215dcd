package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
)

// libraryWork is what library was asked to do.
type libraryWork struct {
	in     *input
	form   *format
	dir    string
	update bool
}

// libraryVerb is one thing that library can do.
type libraryVerb struct {
	name string
	// usage and takes are its arguments, as help and as messages write them; there are
	// least of them at least, and at most most, any number when that is less.
	usage, takes string
	least, most  int
	// flags are those that mean something to it, besides --output and --findings.
	flags []string
	run   func(p *program, o *libraryWork, args []string) error
}

func libraryVerbs() []libraryVerb {
	return []libraryVerb{
		{"list", "[FILE]", "one FILE or none", 0, 1, nil, (*program).listLibraries},
		{"show", "LIBRARY", "one LIBRARY", 1, 1, nil, (*program).showLibrary},
		{"lock", "FILE...", "at least one FILE", 1, 0, nil, (*program).lockLibraries},
		{"vendor", "FILE...", "at least one FILE", 1, 0, []string{"dir"}, (*program).vendorLibraries},
		{"check", "FILE...", "at least one FILE", 1, 0, []string{"set", "params"}, (*program).checkLibraries},
		{"test", "[DIR|FILE...]", "any DIR or FILE", 0, -1, []string{"update"}, (*program).testLibraries},
	}
}

func (p *program) library() *cli.Command {
	o := &libraryWork{in: newInput(), form: newFormat()}
	flags := append(o.in.settings.flags(),
		&cli.StringFlag{Name: "dir", Destination: &o.dir, Usage: "vendor: copy into `DIR`, otherwise vendor beside FILE"},
		&cli.BoolFlag{Name: "update", Destination: &o.update, DisableDefaultText: true, Usage: "test: write what comes out into the cases"},
		o.in.findingsFlag(), o.form.flag())
	return &cli.Command{
		Name:      "library",
		Usage:     "list, show, lock, copy, check and test libraries",
		ArgsUsage: "VERB [FILE...]",
		Description: `list [FILE]      the libraries that FILE uses, or those that come with stackc
show LIBRARY     what a library says of itself: parameters, exports, needs
lock FILE...     write stackc.lock: the libraries of FILE must be what they are now
vendor FILE...   copy the libraries of FILE beside it, and lock the copies
check FILE...    hold libraries against the lock, or compile a library alone
test [DIR|FILE]  run the cases that libraries ship, those of stackc as std:NAME

A LIBRARY is a path, or std:NAME. Once there is a stackc.lock beside FILE, every
command refuses a library that is not what it says. vendor replaces the copies and
the lock as one: before it is done, what was there still holds. check takes a FILE with
[library] alone: what it needs is taken to be there, and parameters without a
default have some value unless --set gives one.

examples:
  stackc library list
  stackc library show std:flannel
  stackc library lock k8s.toml
  stackc library vendor k8s.toml
  stackc library check k8s.toml
  stackc library test stacks

exit codes: 0 done; 1 an error, a library that is not what it must be, or a case that
fails`,
		Flags:  flags,
		Action: func(ctx *cli.Context) error { return p.runLibrary(ctx, o) },
	}
}

// runLibrary carries out the verb that the first word is.
func (p *program) runLibrary(ctx *cli.Context, o *libraryWork) error {
	const help = "stackc library --help lists the verbs"
	names := make([]string, 0, len(libraryVerbs()))
	for _, v := range libraryVerbs() {
		names = append(names, v.name)
	}
	if !ctx.Args().Present() {
		return misuse(help, "library takes a verb: %s", strings.Join(names, ", "))
	}
	name := ctx.Args().First()
	i := slices.Index(names, name)
	if i < 0 {
		return misuse(help, "library cannot %q%s", name, didYouMean(name, names, "stackc library "))
	}
	verb := libraryVerbs()[i]
	for _, flag := range []string{"set", "params", "dir", "update"} {
		if ctx.IsSet(flag) && !slices.Contains(verb.flags, flag) {
			return misuse(help, "--%s means nothing to library %s", flag, name)
		}
	}
	args := ctx.Args().Tail()
	if len(args) < verb.least || len(args) > verb.most && verb.most >= verb.least {
		return wrongWords(ctx, name, verb.usage, verb.takes, args)
	}
	return verb.run(p, o, args)
}

// options are how libraries are read, with values for parameters.
func (o *libraryWork) options(c *console, values []stack.Setting) compiler.Options {
	return compiler.Options{Opener: opener{stdin: c.in}, Std: stacks.Library{}, Settings: values}
}

// stdOpener opens a library that comes with stackc as if it were a stack file.
type stdOpener struct{ stacks.Library }

// Open implements source.Opener; there is no lock beside such a file.
func (o stdOpener) Open(name string) (*source.File, error) { return o.Library.Open(name) }

// target turns a LIBRARY of the command line into what the compiler takes.
func (o *libraryWork) target(c *console, name string, values []stack.Setting) (string, compiler.Options) {
	options := o.options(c, values)
	if std, ok := strings.CutPrefix(name, stack.StdPrefix); ok {
		options.Opener = stdOpener{}
		return std, options
	}
	return name, options
}
