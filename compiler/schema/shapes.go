package schema

import (
	"math"
	"slices"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
)

// expression matches a string with `${{ }}` in it.
const expression = `\$\{\{`

// parameter matches a string that is one expression, which may be of any type.
const parameter = `^\$\{\{[^}]*\}\}$`

// table returns the schema of a table with known keys, without its type: so it may
// be said of a value that can be something else as well.
func (w *writer) table(t stack.Table) *node {
	n := &node{Properties: map[string]*node{}, Additional: false}
	for _, k := range t.Keys {
		n.Properties[k.Name] = w.keyword(k)
		if k.Required {
			n.Required = append(n.Required, k.Name)
		}
		if k.With != "" {
			n.Dependencies = map[string][]string{k.Name: {k.With}}
		}
	}
	for _, key := range t.One {
		n.OneOf = append(n.OneOf, &node{Required: []string{key}})
	}
	for _, key := range t.Some {
		n.AnyOf = append(n.AnyOf, &node{Required: []string{key}})
	}
	for _, c := range t.Cases {
		n.AllOf = append(n.AllOf, &node{
			If:   &node{Properties: map[string]*node{c.If: {Const: c.Is}}, Required: []string{c.If}},
			Then: &node{Properties: map[string]*node{c.Then: w.shape(c.Shape)}},
		})
	}
	if t.Sections != nil {
		w.addSections(n, t.Sections)
	}
	return n
}

// keyword returns the schema of what stands behind a key.
func (w *writer) keyword(k stack.Keyword) *node {
	n := w.shape(k.Shape)
	n.Description = k.Help
	n.Examples = []any{example(k)}
	return n
}

// example returns the example of a keyword as JSON has it.
func example(k stack.Keyword) any {
	tree, _ := syntax.Parse(source.NewFile("example.toml", "x = "+k.Example))
	return plain(tree.Get("x").Value)
}

// plain returns a TOML value as encoding/json takes it.
func plain(v *syntax.Value) any {
	switch v.Kind {
	case syntax.String:
		return v.Str
	case syntax.Integer:
		return v.Int
	case syntax.Bool:
		return v.Bool
	case syntax.Float:
		return v.Float
	case syntax.Array:
		list := make([]any, len(v.Elems))
		for i, e := range v.Elems {
			list[i] = plain(e)
		}
		return list
	case syntax.KindTable:
		table := map[string]any{}
		for _, e := range v.Table.Entries {
			table[e.Key] = plain(e.Value)
		}
		return table
	}
	return v.Span.Text()
}

// shape returns the schema of a value.
func (w *writer) shape(s stack.Shape) *node {
	switch s.Kind {
	case stack.ShapeString:
		return stringNode(s)
	case stack.ShapeInteger:
		return open(s, &node{Type: "integer", Minimum: bound(s.Low, math.MinInt64), Maximum: bound(s.High, math.MaxInt64)})
	case stack.ShapeNumber:
		return open(s, &node{Type: "number"})
	case stack.ShapeBool:
		return open(s, &node{Type: "boolean"})
	case stack.ShapeTrue:
		return open(s, &node{Type: "boolean", Not: &node{Const: false}})
	case stack.ShapeFalse:
		return open(s, &node{Type: "boolean", Not: &node{Const: true}})
	case stack.ShapeArray:
		n := &node{Type: "array", Items: w.shape(*s.Elem)}
		if s.Filled {
			n.MinItems = 1
		}
		return n
	case stack.ShapeMap:
		n := &node{Type: "object", Additional: w.shape(*s.Elem)}
		if s.Pattern != "" {
			n.PropertyNames = &node{Pattern: s.Pattern}
		}
		return n
	case stack.ShapeTable:
		// What stands beside a $ref is not read in draft-07, so it stands by itself.
		return &node{Type: "object", AllOf: []*node{w.define(s.Table.Name, w.table(*s.Table))}}
	case stack.ShapeEither:
		return w.either(s.Either)
	}
	return &node{}
}

// bound returns a limit, nil for one that limits nothing.
func bound(limit, none int64) *int64 {
	if limit == none {
		return nil
	}
	return &limit
}

// stringNode returns the schema of a string. The words that it may be are listed
// for editors to offer.
func stringNode(s stack.Shape) *node {
	n := &node{Type: "string"}
	switch {
	case s.Choices != nil && s.Open:
		n.AnyOf = []*node{{Enum: s.Choices}, {Pattern: expression}}
	case s.Choices != nil:
		n.Enum = s.Choices
	case s.Pattern == stack.NotEmpty:
		n.MinLength = 1
	case s.Pattern != "" && s.Open:
		n.Pattern = s.Pattern + "|" + expression
	default:
		n.Pattern = s.Pattern
	}
	return n
}

// open lets a parameter stand in the place of a value that is no string.
func open(s stack.Shape, n *node) *node {
	if s.Open {
		n.Type, n.Pattern = []string{n.Type.(string), "string"}, parameter
	}
	return n
}

// either returns the schema of several shapes. Keywords of JSON Schema that
// concern one type pass over values of the others, so shapes of different types are
// written as one, for which validators have the better messages.
func (w *writer) either(shapes []stack.Shape) *node {
	all := make([]*node, len(shapes))
	var types []string
	apart := true
	for i, s := range shapes {
		all[i] = w.shape(s)
		apart = apart && all[i].Type != nil && all[i].AnyOf == nil && all[i].Enum == nil
		for _, t := range typesOf(all[i]) {
			apart = apart && !slices.Contains(types, t)
			types = append(types, t)
		}
	}
	if !apart {
		return &node{AnyOf: all}
	}
	merged := &node{Type: types}
	for _, n := range all {
		merge(merged, n)
	}
	return merged
}

func typesOf(n *node) []string {
	if one, ok := n.Type.(string); ok {
		return []string{one}
	}
	several, _ := n.Type.([]string)
	return several
}

// merge adds to n what concerns the types of one that has no type in common with it.
func merge(n, of *node) {
	n.AllOf = append(n.AllOf, of.AllOf...)
	n.Not = or(n.Not, of.Not)
	n.Minimum, n.Maximum = or(n.Minimum, of.Minimum), or(n.Maximum, of.Maximum)
	n.MinLength = max(n.MinLength, of.MinLength)
	n.Pattern += of.Pattern
	n.Items, n.MinItems = or(n.Items, of.Items), max(n.MinItems, of.MinItems)
	if of.Additional != nil {
		n.Additional, n.PropertyNames = of.Additional, of.PropertyNames
	}
}

func or[T any](a, b *T) *T {
	if a == nil {
		return b
	}
	return a
}
