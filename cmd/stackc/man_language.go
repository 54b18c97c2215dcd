package main

import (
	"strings"

	"github.com/stackc/stackc/compiler/stack"
)

// languagePage is stackc(5): every key of the language, from the tables that the
// decoder reads by.
func languagePage() string {
	r := newRoff("stackc", 5)
	r.section("Name")
	r.line("stackc - stack files, from which stackc makes systemd units for fleet")
	r.section("Description")
	r.paragraph("A stack file is a TOML 1.0 file that describes the units of one fleet cluster. What begins with a small letter is stackc's own, and described here. " +
		"What begins with a capital letter is a section or a directive of systemd's, and stands in the unit as it is written. What is unknown is an error.")
	r.paragraph("A string may hold ${{ NAME }}, a parameter of the file, ${{ self.WORD }} and ${{ UNIT.WORD }} for what a unit says of itself, such as its port, address or url, and ${{ stack.name }}.")
	done := map[string]bool{}
	keys(r, stack.File(), "A stack file", done)
	r.section("Types of parameters")
	var types []string
	for _, t := range stack.ParamTypes() {
		types = append(types, string(t))
	}
	r.paragraph(strings.Join(types, ", ") + ".")
	r.section("Overlays")
	r.paragraph("A file for --overlay has the keys of a stack file without use, and params holds values. It changes key by key what the stack file says.")
	r.section("See also")
	r.line("stackc(1), systemd.unit(5), systemd.service(5)")
	return r.b.String()
}

// keys writes a table of keys, and then those that stand below it, each once.
func keys(r *roff, t stack.Table, title string, done map[string]bool) {
	done[t.Name] = true
	r.section(title)
	for _, k := range t.Keys {
		about := k.Help
		if k.Required {
			about += "; it must be there"
		}
		r.item(k.Name, "", about)
		r.example(k.Name + " = " + k.Example)
	}
	for _, k := range t.Keys {
		for _, below := range tablesIn(k.Shape) {
			if !done[below.Name] {
				keys(r, below, strings.TrimPrefix(below.Name, "a "), done)
			}
		}
	}
}

// tablesIn are the tables that may stand in a value.
func tablesIn(s stack.Shape) []stack.Table {
	var list []stack.Table
	for _, of := range s.Either {
		list = append(list, tablesIn(of)...)
	}
	if s.Elem != nil {
		list = append(list, tablesIn(*s.Elem)...)
	}
	if s.Table != nil {
		list = append(list, *s.Table)
	}
	return list
}
