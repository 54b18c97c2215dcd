package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// wrongArguments says that a command takes other arguments than it was given: takes are
// those it takes, in words, and args those that were given.
func wrongArguments(ctx *cli.Context, takes string, args []string) error {
	return wrongWords(ctx, "", ctx.Command.ArgsUsage, takes, args)
}

// wrongWords is wrongArguments for a verb of a command, whose arguments usage writes.
func wrongWords(ctx *cli.Context, verb, usage, takes string, args []string) error {
	name := strings.TrimSpace(ctx.Command.Name + " " + verb)
	help := fmt.Sprintf("usage: %s; stackc %s --help shows an example", strings.TrimSpace("stackc "+name+" "+usage), ctx.Command.Name)
	return misuse(help, "%s takes %s, and %s", name, takes, givenWords(args))
}

// namedWords is how many arguments a message names one by one: a pattern of the shell may
// stand for hundreds.
const namedWords = 4

// givenWords says what was given.
func givenWords(args []string) string {
	switch n := len(args); {
	case n == 0:
		return "nothing is given"
	case n == 1:
		return strconv.Quote(args[0]) + " is given"
	case n > namedWords:
		return fmt.Sprintf("%s and %d more are given", quoted(args[:namedWords-1]), n-namedWords+1)
	}
	last := len(args) - 1
	return fmt.Sprintf("%s and %q are given", quoted(args[:last]), args[last])
}

// quoted writes words with commas between.
func quoted(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = strconv.Quote(w)
	}
	return strings.Join(list, ", ")
}

// oneFile returns the one positional argument of a command.
func oneFile(ctx *cli.Context, what string) (string, error) {
	if ctx.Args().Len() != 1 {
		return "", wrongArguments(ctx, "one "+what, ctx.Args().Slice())
	}
	return ctx.Args().First(), nil
}

// noArguments refuses positional arguments.
func noArguments(ctx *cli.Context) error {
	if ctx.Args().Present() {
		return wrongArguments(ctx, "no arguments", ctx.Args().Slice())
	}
	return nil
}
