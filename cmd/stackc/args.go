package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange puts arguments into the order that the flag parser needs, which stops
// at the first word that is no flag: global flags, the command, its flags, "--"
// and the rest. So flags may stand before and after a FILE, and global ones behind the
// command. It finds unknown commands and flags itself, to say what was meant.
func arrange(app *cli.App, args []string) ([]string, error) {
	a := arguments{app: app}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return a.finish(args[i+1:])
		case len(arg) < 2 || arg[0] != '-':
			if err := a.word(arg); err != nil {
				return nil, err
			}
		default:
			used, err := a.flag(arg, args[i+1:])
			if err != nil {
				return nil, err
			}
			i += used
		}
	}
	return a.finish(nil)
}

// errNoCommand says that there are no arguments beside global flags.
var errNoCommand = errors.New("no command is given")

// arguments is what arrange has understood so far.
type arguments struct {
	app     *cli.App
	command *cli.Command
	help    bool
	global  []string // flags
	own     []string // flags of the command
	words   []string // neither flags nor the command
	given   []string // the first names of all flags, without those that are =false
}

// word takes an argument that is no flag: the command, or what it is about.
func (a *arguments) word(arg string) error {
	switch {
	case a.command != nil:
		a.words = append(a.words, arg)
	case arg == "help":
		a.help = true
	default:
		if a.command = a.app.Command(arg); a.command == nil {
			return misuse("stackc --help lists the commands", "there is no command %q%s", arg, didYouMean(arg, commandNames(a.app), "stackc "))
		}
	}
	return nil
}

// flag takes a flag and, if it stands in the next argument, its value. It
// returns how many further arguments it has used.
func (a *arguments) flag(arg string, next []string) (int, error) {
	name, value, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	switch name {
	case "help", "h":
		a.help = true
		return 0, nil
	case "version":
		a.command = a.app.Command("version")
		return 0, nil
	}
	list, found := &a.own, a.find(a.commandFlags(), name)
	if found == nil {
		list, found = &a.global, a.find(a.app.Flags, name)
	}
	if found == nil {
		return 0, a.unknown(arg, name)
	}
	*list = append(*list, arg)
	if on, err := strconv.ParseBool(value); takesValue(found) || !inline || err != nil || on {
		a.given = append(a.given, found.Names()[0])
	}
	if inline || !takesValue(found) {
		return 0, nil
	}
	if len(next) == 0 {
		return 0, misuse("", "%s needs a value", arg)
	}
	*list = append(*list, next[0])
	return 1, nil
}

func (a *arguments) commandFlags() []cli.Flag {
	if a.command == nil {
		return nil
	}
	return a.command.Flags
}

func (a *arguments) find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// unknown says what may have been meant by a flag that does not exist here.
func (a *arguments) unknown(arg, name string) error {
	dashes := arg[:len(arg)-len(strings.TrimLeft(arg, "-"))]
	if a.command == nil {
		for _, c := range a.app.Commands {
			if a.find(c.Flags, name) != nil {
				return misuse("", "%s%s belongs to a command and stands behind it, as in: stackc %s %s%s", dashes, name, c.Name, dashes, name)
			}
		}
		return misuse("stackc --help lists the global flags", "there is no global flag %s%s%s", dashes, name, didYouMean(name, flagNames(a.app.Flags), "--"))
	}
	known := append(flagNames(a.command.Flags), append(flagNames(a.app.Flags), "help")...)
	return misuse("stackc "+a.command.Name+" --help lists its flags",
		"%s has no flag %s%s%s", a.command.Name, dashes, name, didYouMean(name, known, "--"))
}

// finish adds what stands behind "--" and gives the result.
func (a *arguments) finish(rest []string) ([]string, error) {
	if a.command == nil && len(rest) > 0 {
		if err := a.word(rest[0]); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	switch {
	case a.help:
		return a.helping(), nil
	case a.command == nil:
		return nil, errNoCommand
	}
	if err := a.contradiction(); err != nil {
		return nil, err
	}
	out := append(slices.Clone(a.global), a.command.Name)
	out = append(append(out, a.own...), "--")
	return append(append(out, a.words...), rest...), nil
}

// helping asks for help on the command, or on all when there is none.
func (a *arguments) helping() []string {
	if a.command == nil {
		return []string{"--help"}
	}
	return []string{a.command.Name, "--help"}
}

func commandNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}

// flagNames lists the names that are offered; hidden flags are not.
func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		names = append(names, f.Names()...)
	}
	return names
}
