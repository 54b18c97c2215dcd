package schema

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// extension matches the names of sections and directives that systemd passes over.
const extension = "^X-"

// addSections adds the sections of systemd's to the table of a unit.
func (w *writer) addSections(n *node, names []string) {
	for _, s := range names {
		if s == units.FleetSection {
			n.Properties[s] = &node{Not: &node{}, Description: "placement is said with stackc's own words: role, metadata, global, machine_of, machine_id, conflicts"}
			continue
		}
		if len(units.DirectiveKeys(s)) > 0 && !slices.Contains(w.sections, s) {
			w.sections = append(w.sections, s)
		}
		n.Properties[s] = &node{
			Type:        "object",
			Description: "systemd's own words: they stand in the unit as they are written here",
			AllOf:       []*node{w.define(s, w.section(s))},
		}
	}
	n.Patterns = map[string]*node{extension: w.extensions()}
}

// section returns the schema of the directives of a section. One that systemd does
// not have is refused by [writer.onlyKnown].
func (w *writer) section(name string) *node {
	n := &node{Properties: map[string]*node{}, Additional: w.anyValue()}
	for _, key := range units.DirectiveKeys(name) {
		d, _ := units.LookupDirective(name, key)
		n.Properties[key] = w.directive(d)
	}
	return n
}

// knownNames returns a schema that has nothing but the names of a section's directives.
func knownNames(section string) *node {
	n := &node{Properties: map[string]*node{}, Patterns: map[string]*node{extension: {}}, Additional: false}
	for _, key := range units.DirectiveKeys(section) {
		n.Properties[key] = &node{}
	}
	return n
}

// extensions returns the schema of a section that systemd passes over.
func (w *writer) extensions() *node {
	return &node{Type: "object", Additional: w.anyValue()}
}

// directive returns the schema of the value of a directive.
func (w *writer) directive(d units.Directive) *node {
	single := types(d)
	title := strings.Join(typesOf(single), " ")
	switch words := d.Words(); {
	case words != nil:
		single.AnyOf = []*node{{Type: "integer"}, {Enum: words}, {Pattern: apart}}
		title = d.Key
	case d.Kind == units.KindBool:
		single.Pattern, title = boolPattern(), "boolean"
	case single.Minimum != nil && single.Maximum != nil:
		title += fmt.Sprintf(" from %d to %d", *single.Minimum, *single.Maximum)
	case single.Minimum != nil:
		title += fmt.Sprintf(" from %d", *single.Minimum)
	}
	return &node{Description: describe(d), AllOf: []*node{w.value(title, single)}}
}

// types returns which types of TOML the directive can have, by asking what checks
// its values.
func types(d units.Directive) *node {
	takes := func(value string) bool { return d.CheckValue(value) == nil }
	n := &node{}
	types := []string{"string"}
	if takes("true") || takes("false") {
		types = append(types, "boolean")
	}
	whole := func(i int64) bool { return takes(strconv.FormatInt(i, 10)) }
	for _, seed := range []int64{10, 1, 0} {
		if whole(seed) {
			types = append(types, "integer")
			if d.Kind != units.KindMode && d.Words() == nil { // of these some numbers between are wrong
				n.Minimum, n.Maximum = bound(edge(whole, seed, -1), seed-farthest), bound(edge(whole, seed, 1), seed+farthest)
			}
			break
		}
	}
	if takes("2.5") {
		types = append(types, "number")
	}
	n.Type = types
	return n
}

// farthest is how far edge looks: no directive has a bound beyond.
const farthest = int64(1) << 40

// edge returns the last number from seed on into one direction that is right,
// the one farthest away when there is no end.
func edge(right func(int64) bool, seed, direction int64) int64 {
	step := int64(1)
	for ; right(seed + direction*step); step *= 2 {
		if step >= farthest {
			return seed + direction*farthest
		}
	}
	low, high := step/2, step // low is right, high is not
	for low+1 < high {
		if middle := (low + high) / 2; right(seed + direction*middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return seed + direction*low
}

// value defines a kind of values: one, an array of them, or a table of additions
// to what an earlier layer says.
func (w *writer) value(title string, single *node) *node {
	n := *single
	n.Type = append(typesOf(single), "array")
	n.Items = single
	if n.AnyOf != nil {
		n.AnyOf = append([]*node{{Type: []string{"array", "object"}}}, n.AnyOf...)
	}
	list := n
	addition := w.table(stack.Additions())
	for _, of := range addition.Properties {
		of.AllOf, of.Examples = []*node{w.define("values "+title, &list)}, nil
	}
	n.Type = append(typesOf(&n), "object")
	n.AllOf = []*node{w.define("additions "+title, addition)}
	return w.define("value "+title, &n)
}

// anyValue is the value of a directive of which nothing is known.
func (w *writer) anyValue() *node {
	return w.value("of any type", &node{Type: []string{"string", "boolean", "integer", "number"}})
}

// apart matches what the table of directives does not judge: nothing at all, and
// text with a specifier or with an expression.
const apart = `^\s*$|%|` + expression

// boolPattern matches a boolean as systemd reads it: with capital letters too.
func boolPattern() string {
	var words []string
	for _, word := range []string{"1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off"} {
		if _, ok := units.ParseBool(word); ok {
			words = append(words, eitherCase(word))
		}
	}
	return `^\s*(` + strings.Join(words, "|") + `)\s*$|` + apart
}

// eitherCase matches a word in capital and small letters.
func eitherCase(word string) string {
	var b strings.Builder
	for _, c := range word {
		if upper := unicode.ToUpper(c); upper != c {
			b.WriteString("[" + string(c) + string(upper) + "]")
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// describe says what a directive is, what its value is, and which systemd has it.
func describe(d units.Directive) string {
	var parts []string
	if help := helpOf(d.Section, d.Key); help != "" {
		parts = append(parts, help)
	}
	kind := string(d.Kind)
	if d.Many {
		kind += ", may be given several times"
	}
	parts = append(parts, kind)
	switch {
	case d.Since > 0 && d.LastIn > 0:
		parts = append(parts, fmt.Sprintf("only in systemd %d to %d", d.Since, d.LastIn))
	case d.Since > 0:
		parts = append(parts, fmt.Sprintf("since systemd %d", d.Since))
	case d.LastIn > 0:
		parts = append(parts, fmt.Sprintf("last in systemd %d", d.LastIn))
	}
	if d.IgnoredSince > 0 {
		parts = append(parts, fmt.Sprintf("without effect since systemd %d", d.IgnoredSince))
	}
	return strings.Join(parts, "; ")
}

// directivesHelp has a line for each directive that is worth a sentence: its name,
// or SECTION.NAME where sections differ, and the sentence.
//
//go:embed directives.tsv
var directivesHelp string

// help is read on first use.
var help = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(directivesHelp) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		m[name] = text
	}
	return m
})

// helpOf returns the sentence on a directive, "" when there is none.
func helpOf(section, key string) string {
	if text := help()[section+"."+key]; text != "" {
		return text
	}
	if text := help()[key]; text != "" {
		return text
	}
	if rest, ok := strings.CutPrefix(key, "Condition"); ok && help()["…"+rest] != "" {
		return "start only " + help()["…"+rest] + "; otherwise it counts as done"
	}
	if rest, ok := strings.CutPrefix(key, "Assert"); ok && help()["…"+rest] != "" {
		return "fail to start unless it is so: start only " + help()["…"+rest]
	}
	return ""
}
