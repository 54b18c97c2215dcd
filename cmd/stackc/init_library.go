package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
	"github.com/stackc/stackc/units"
)

// bodyFrom is what follows the name of the stack in a file that uses a library. A
// library that downloads programs without their checksums is told to.
func (p *program) bodyFrom(library, file string) (string, error) {
	name := fromFile(library, file)
	lib, err := p.inspect(name, file)
	if err != nil {
		return "", err
	}
	b := &libraryBody{name: name, lib: lib, program: p, file: file}
	text := b.text()
	_, findings := p.compileText(file, "stack = \"x\"\n"+text)
	unpinned := func(d diag.Diagnostic) bool { return d.Code == diag.Unverified }
	takes := slices.ContainsFunc(lib.Params, func(p *stack.Param) bool { return p.Name == unverifiedParam })
	if takes && slices.ContainsFunc(findings, unpinned) {
		b.unverified = true
		text = b.text()
	}
	return text, nil
}

// fromFile is how a file names a library whose path is seen from here.
func fromFile(library, file string) string {
	if strings.HasPrefix(library, stack.StdPrefix) || filepath.IsAbs(library) {
		return library
	}
	if seen, err := filepath.Rel(filepath.Dir(file), library); err == nil {
		return filepath.ToSlash(seen)
	}
	return library
}

// inspect loads a library, to see what it takes and needs.
func (p *program) inspect(name, file string) (stack.Used, error) {
	result, findings := p.compileText(file, "stack = \"x\"\nuse = [{ stack = "+tomlString(name)+" }]\n")
	if result.Topology == nil || len(result.Topology.Stack.Used) == 0 {
		for _, d := range findings {
			if d.Severity == diag.Error {
				return stack.Used{}, misuse(d.Help, "%s", d.Message)
			}
		}
		return stack.Used{}, misuse("", "library %q cannot be used", name)
	}
	return result.Topology.Stack.Used[0], nil
}

// compileText compiles a text as if it stood in that file.
func (p *program) compileText(file, text string) (*compiler.Result, diag.List) {
	return compiler.Compile(file, compiler.Options{
		Opener: drafted{opener: opener{stdin: p.in}, path: file, text: text}, Std: stacks.Library{}, Unlocked: true,
	})
}

// drafted opens one file that is not written yet, and all others as they are.
type drafted struct {
	opener
	path, text string
}

// Open implements source.Opener.
func (d drafted) Open(path string) (*source.File, error) {
	if path == d.path {
		return source.NewFile(path, d.text), nil
	}
	return d.opener.Open(path)
}

// libraryBody writes the stack that uses a library.
type libraryBody struct {
	name       string
	lib        stack.Used
	program    *program
	file       string
	unverified bool // programs run without checksums until somebody fills them in
}

// unverifiedParam is how libraries call the parameter that lets programs run
// without their checksums.
const unverifiedParam = "unverified"

func (b *libraryBody) text() string {
	var t strings.Builder
	if params := b.required(); len(params) > 0 {
		t.WriteString("\n# What the library must be told. The values are examples: put in your own, or leave them to\n# --set NAME=VALUE and --overlay FILE.\n[params]\n")
		for _, p := range params {
			fmt.Fprintf(&t, "%s = { type = %q, default = %s", stack.Key(p.Name), p.Type, placeholder(p))
			if p.Help != "" {
				t.WriteString(", help = " + tomlString(p.Help))
			}
			t.WriteString(" }\n")
		}
	}
	b.needs(&t)
	if about := b.lib.Use.Declared; about != nil && about.Description != "" {
		fmt.Fprintf(&t, "\n# %s.", strings.TrimSuffix(about.Description, "."))
	}
	fmt.Fprintf(&t, "\n[[use]]\nstack = %s\n", tomlString(b.name))
	b.values(&t)
	t.WriteString("\n# What the library brings can be changed here, key by key, and more can be added:\n#\n#   [unit.NAME.Service]\n#   RestartSec = 30\n")
	return t.String()
}

// values writes what the library is given, and as comments what it may be given.
func (b *libraryBody) values(t *strings.Builder) {
	if len(b.lib.Params) == 0 {
		return
	}
	t.WriteString("[use.params]\n")
	for _, p := range b.required() {
		fmt.Fprintf(t, "%s = %s\n", stack.Key(p.Name), tomlString("${{ "+p.Name+" }}"))
	}
	if b.unverified {
		fmt.Fprintf(t, "\n# The checksums below are empty. Fill them in, and take this out.\n%s = true\n", unverifiedParam)
	}
	t.WriteString("\n# What it takes besides, with its defaults:\n")
	for _, p := range b.lib.Params {
		if p.Required() || b.unverified && p.Name == unverifiedParam {
			continue
		}
		value := p.Default.Span.Text()
		if strings.Contains(value, "\n") {
			value = "…"
		}
		fmt.Fprintf(t, "# %s = %s", stack.Key(p.Name), value)
		if p.Help != "" {
			t.WriteString("   # " + strings.Join(strings.Fields(p.Help), " "))
		}
		t.WriteByte('\n')
	}
}

// required are the parameters that the library must be given.
func (b *libraryBody) required() []*stack.Param {
	return slices.DeleteFunc(slices.Clone(b.lib.Params), func(p *stack.Param) bool { return !p.Required() })
}

// needs writes what must be in the stack for the library: a library of stackc's own
// that brings it, or else an entry to look at.
func (b *libraryBody) needs(t *strings.Builder) {
	if b.lib.Use.Declared == nil {
		return
	}
	var uses []string
	var entries strings.Builder
	for _, n := range b.lib.Use.Declared.Needs.Hosts {
		if std, ok := b.brought(n.Name); ok {
			uses = append(uses, std)
			continue
		}
		fmt.Fprintf(&entries, "\n# %s needs it: %s.\n[host.%s]\nunit = %s\n", b.name, strings.TrimSuffix(n.Says.Value, "."), stack.Key(n.Name), tomlString(units.Complete(n.Name)))
	}
	for _, n := range b.lib.Use.Declared.Needs.Libraries {
		if std, ok := b.brought(n.Name); ok {
			uses = append(uses, std)
			continue
		}
		fmt.Fprintf(&entries, "\n# %s needs library %s, %s. Say where it is:\n#\n#   [[use]]\n#   stack = %s\n", b.name, n.Name, n.Says.Value, tomlString(n.Name+".toml"))
	}
	slices.Sort(uses)
	for _, std := range slices.Compact(uses) {
		fmt.Fprintf(t, "\n# %s needs it.\n[[use]]\nstack = %s\n", b.name, tomlString(std))
	}
	t.WriteString(entries.String())
}

// brought returns the library of stackc's own that brings what has that name: it is
// called so, or exports it and must be told nothing.
func (b *libraryBody) brought(name string) (std string, ok bool) {
	for _, n := range (stacks.Library{}).Names() {
		std := stack.StdPrefix + n
		if std == b.name {
			continue
		}
		other, err := b.program.inspect(std, b.file)
		if err != nil || other.Use.Declared == nil {
			continue
		}
		exported := slices.ContainsFunc(other.Use.Declared.Exports, func(w stack.Word) bool { return w.Value == name })
		if other.Use.Declared.Name == name || exported && !slices.ContainsFunc(other.Params, (*stack.Param).Required) {
			return std, true
		}
	}
	return "", false
}

// placeholder is a value that a parameter can have, as TOML.
func placeholder(p *stack.Param) string {
	if len(p.Values) > 0 {
		value := p.Values[0].Span.Text()
		if p.Type == stack.TypeList {
			value = "[" + value + "]"
		}
		return value
	}
	switch p.Type {
	case stack.TypeInt:
		return "1"
	case stack.TypeBool:
		return "false"
	case stack.TypeList:
		return "[]"
	case stack.TypeCIDR:
		return `"10.1.0.0/16"`
	case stack.TypeURL:
		return `"http://10.0.0.1"`
	case stack.TypeHost:
		return `"10.0.0.1"`
	case stack.TypeDuration:
		return `"30s"`
	case stack.TypePath:
		return `"/srv"`
	}
	return `"example"`
}

// tomlString writes a string as TOML; JSON's escapes are among TOML's.
func tomlString(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}
