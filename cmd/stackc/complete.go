package main

import (
	"io"
	"slices"
	"strings"

	"github.com/stackc/stackc/units/pattern"
	"github.com/urfave/cli/v2"
)

// completeWord is what the completion scripts of shells call: stackc __complete --
// WORDS..., the last of which is the one to complete. The answer has a line for
// each thing that may stand there, VALUE TAB DESCRIPTION, and last a line of words
// behind a colon: toml, any or dirs for names of files, nospace when more follows.
const completeWord = "__complete"

// completing works out what may stand at the end of a command line.
type completing struct {
	*program
	app     *cli.App
	command *cli.Command
	seen    []string            // names of flags that are given
	given   map[string][]string // their values
	words   []string            // neither flags nor the command
	literal bool                // behind "--"
	lost    bool                // no command has the name that is given
}

// candidates are what may stand there.
type candidates struct {
	list  []candidate
	modes []string
}

type candidate struct{ value, about string }

func (c *candidates) add(value, about string) { c.list = append(c.list, candidate{value, about}) }

// files adds names of files: toml, any or dirs.
func (c *candidates) files(kind string) { c.modes = append(c.modes, kind) }

// text is the answer to the script: of the candidates those that begin with current.
func (c *candidates) text(current string) string {
	var b strings.Builder
	for _, x := range c.list {
		if strings.HasPrefix(x.value, current) {
			b.WriteString(x.value + "\t" + strings.Join(strings.Fields(x.about), " ") + "\n")
		}
	}
	b.WriteString(":" + strings.Join(c.modes, " ") + "\n")
	return b.String()
}

// answerShell writes the answer for words, of which the last is unfinished.
func (p *program) answerShell(app *cli.App, words []string) error {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	c := &completing{program: p, app: app, given: map[string][]string{}}
	current := words[len(words)-1]
	waiting := c.read(words[:len(words)-1])
	_, err := io.WriteString(p.out, c.answer(waiting, current).text(current))
	return err
}

// read takes the finished words. It returns the flag whose value comes next, nil
// when none waits for one.
func (c *completing) read(words []string) cli.Flag {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case c.literal || len(word) < 2 || word[0] != '-':
			c.word(word)
			continue
		case word == "--":
			c.literal = true
			continue
		}
		name, value, inline := strings.Cut(strings.TrimLeft(word, "-"), "=")
		c.seen = append(c.seen, name)
		f := c.flag(name)
		if f == nil || !takesValue(f) {
			continue
		}
		if !inline {
			if i++; i == len(words) {
				return f
			}
			value = words[i]
		}
		c.given[f.Names()[0]] = append(c.given[f.Names()[0]], value)
	}
	return nil
}

func (c *completing) word(word string) {
	switch {
	case c.command != nil:
		c.words = append(c.words, word)
	case word != "help":
		c.command = c.app.Command(word)
		c.lost = c.lost || c.command == nil
	}
}

// flags are those that may stand here.
func (c *completing) flags() []cli.Flag {
	flags := c.app.Flags
	if c.command != nil {
		flags = append(slices.Clone(c.command.Flags), flags...)
	}
	return slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool {
		v, ok := f.(cli.VisibleFlag)
		return ok && !v.IsVisible()
	})
}

func (c *completing) flag(name string) cli.Flag {
	for _, f := range c.flags() {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// answer lists what may stand in the place of current.
func (c *completing) answer(waiting cli.Flag, current string) *candidates {
	found := &candidates{}
	name, _, inline := strings.Cut(strings.TrimLeft(current, "-"), "=")
	switch {
	case c.lost:
	case waiting != nil:
		c.values(found, waiting, "")
	case !c.literal && strings.HasPrefix(current, "-") && inline:
		if f := c.flag(name); f != nil && takesValue(f) {
			c.values(found, f, current[:strings.Index(current, "=")+1])
		}
	case !c.literal && strings.HasPrefix(current, "-"):
		c.flagNames(found)
	case c.command == nil:
		for _, command := range c.app.VisibleCommands() {
			found.add(command.Name, command.Usage)
		}
	default:
		c.argument(found)
	}
	return found
}

// flagNames lists the flags that are not given yet, or may be given again.
func (c *completing) flagNames(found *candidates) {
	for _, f := range c.flags() {
		given := slices.ContainsFunc(f.Names(), func(n string) bool { return slices.Contains(c.seen, n) })
		if given && !repeatable(f) {
			continue
		}
		for _, name := range f.Names() {
			found.add(dashed(name), usageOf(f))
		}
	}
	found.add("--help", "show help")
}

// repeatable reports whether a flag may be given several times.
func repeatable(f cli.Flag) bool {
	g, ok := f.(*cli.GenericFlag)
	if !ok {
		return false
	}
	switch g.Value.(type) {
	case *settingFlag, *paths:
		return true
	}
	return false
}

// dashed writes a flag as it is given.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func usageOf(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	return strings.ReplaceAll(d.GetUsage(), "`", "")
}

// placeholder is what the help calls the value of a flag: FILE in "lay a `FILE` over it".
var placeholderWord = pattern.New("`([^`]+)`")

func placeholderOf(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	m := placeholderWord().FindStringSubmatch(d.GetUsage())
	if m == nil {
		return ""
	}
	return m[1]
}
