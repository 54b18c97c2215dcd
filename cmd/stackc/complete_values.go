package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// values lists what a flag can be, behind what stands before it already.
func (c *completing) values(found *candidates, f cli.Flag, before string) {
	if g, ok := f.(*cli.GenericFlag); ok {
		if words, ok := g.Value.(*choice); ok {
			for _, w := range words.words {
				found.add(before+w, "")
			}
			return
		}
	}
	switch placeholderOf(f) {
	case "NAME=VALUE":
		c.parameters(found, before)
	case "NAME":
		c.machines(found, f.Names()[0], before)
	case "LIBRARY":
		libraryNames(found, before)
		found.files("toml")
	case "DIR":
		found.files("dirs")
	case "FILE":
		if slices.Contains([]string{"params", "overlay", "o"}, f.Names()[0]) || strings.HasSuffix(f.Names()[0], "-overlay") {
			found.files("toml")
		} else {
			found.files("any")
		}
	}
}

// libraryNames lists the libraries that come with stackc.
func libraryNames(found *candidates, before string) {
	for _, name := range (stacks.Library{}).Names() {
		found.add(before+stack.StdPrefix+name, "")
	}
}

// argument lists what can stand where a command takes its next argument, as its
// usage tells: "FILE [UNIT]".
func (c *completing) argument(found *candidates) {
	for _, what := range c.wanted() {
		switch what {
		case "FILE", "OLD", "NEW":
			if c.command.Name == "library" && slices.Contains([]string{"show", "check", "test"}, c.words[0]) {
				libraryNames(found, "")
			}
			if c.command.Name == "import" {
				found.files("any")
			} else {
				found.files("toml")
			}
		case "DIR":
			found.files("dirs")
		case "UNIT":
			c.units(found)
		case "VERB":
			for _, verb := range verbsOf(c.command.Name) {
				found.add(verb, "")
			}
		case "PAGE":
			for _, command := range c.app.VisibleCommands() {
				found.add(command.Name, command.Usage)
			}
		case "SHELL":
			for _, shell := range shells() {
				found.add(shell, "")
			}
		}
	}
}

// verbsOf are the verbs of a command that takes one.
func verbsOf(command string) []string {
	var names []string
	switch command {
	case "library":
		for _, v := range libraryVerbs() {
			names = append(names, v.name)
		}
	case "mirror":
		for _, v := range mirrorVerbs() {
			names = append(names, v.name)
		}
	}
	return names
}

// flagUsage is a flag among the arguments of a usage.
var flagUsage = pattern.New(`\[-\w+ \w+\]`)

// wanted is what the next argument may be.
func (c *completing) wanted() []string {
	usage := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(flagUsage().ReplaceAllString(c.command.ArgsUsage, "")))
	if len(usage) == 0 {
		return nil
	}
	i := min(len(c.words), len(usage)-1)
	word, more := strings.CutSuffix(usage[i], "...")
	if len(c.words) >= len(usage) && !more {
		return nil
	}
	return strings.Split(word, "|")
}

// stackFile is the first stack file among the arguments, "" when there is none.
func (c *completing) stackFile() string {
	for _, w := range c.words {
		if isFile(w) && w != "-" {
			return w
		}
	}
	return ""
}

// compiled compiles the stack file of the line, with what the line says of it. There is no
// result without a file, and only a part of one for a file that is wrong.
func (c *completing) compiled() *compiler.Result {
	path := c.stackFile()
	if path == "" {
		return &compiler.Result{}
	}
	in := newInput()
	in.overlays.given = c.given["overlay"]
	for _, text := range c.given["set"] {
		if strings.Contains(text, "=") {
			in.settings.given = append(in.settings.given, given{text: text})
		}
	}
	for _, file := range c.given["params"] {
		in.settings.given = append(in.settings.given, given{text: file, isFile: true})
	}
	result, _ := in.compile(c.console, path)
	return result
}

// machines lists what --machine and --role can name: machines of the inventory, roles.
func (c *completing) machines(found *candidates, flag, before string) {
	result := c.compiled()
	if result.Topology == nil {
		return
	}
	switch flag {
	case "machine":
		for _, m := range result.Topology.Stack.Machines {
			found.add(before+m.Name, strings.Join(m.Pairs(), ","))
		}
	case "role":
		for _, r := range result.Topology.Stack.Roles {
			found.add(before+r.Name, "")
		}
	}
}

// units lists the units of the stack file.
func (c *completing) units(found *candidates) {
	result := c.compiled()
	if result.Set == nil {
		return
	}
	for _, u := range result.Set.Units {
		about, _ := units.Last(u.Options, "Unit", "Description")
		if !slices.Contains(c.words, string(u.Name)) {
			found.add(string(u.Name), about)
		}
	}
}

// parameters lists the parameters of the stack file, each with what it can be.
func (c *completing) parameters(found *candidates, before string) {
	result := c.compiled()
	if result.Topology == nil {
		return
	}
	found.files("nospace")
	for _, p := range result.Topology.Stack.Params {
		found.add(before+p.Name+"=", string(p.Type)+aboutParam(p))
		for _, value := range valuesOf(p) {
			found.add(before+p.Name+"="+value, "")
		}
	}
}

func aboutParam(p *stack.Param) string {
	if p.Help == "" {
		return ""
	}
	return ": " + p.Help
}

// valuesOf are values that a parameter can have, as far as they can be listed.
func valuesOf(p *stack.Param) []string {
	var list []string
	for _, v := range p.Values {
		list = append(list, settingText(v))
	}
	if p.Type == stack.TypeBool {
		list = append(list, "true", "false")
	}
	return list
}

// settingText is a value as --set takes it.
func settingText(v *syntax.Value) string {
	if v.Kind == syntax.String {
		return v.Str
	}
	return v.Span.Text()
}
