// Package schema writes the language down as JSON Schema, draft-07, which is what
// editors read. All of it comes from the tables that the decoder reads by
// (compiler/stack) and from those of systemd's directives (units).
//
// A schema sees one file, without its libraries and without values of parameters.
// It accepts every file that compiles, with one exception: a directive that
// systemd does not have needs its allow = ["unknown-directive"] in the same file.
package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units/pattern"
)

// draft is the version of JSON Schema; no editor for TOML reads a later one as well.
const draft = "http://json-schema.org/draft-07/schema#"

// Stack returns the schema of stack files, which libraries are too.
func Stack() []byte {
	return write(stack.File(), "urn:stackc:schema:stack", "stackc stack file", "Units of a fleet cluster, for stackc.")
}

// Overlay returns the schema of overlays.
func Overlay() []byte {
	return write(stack.Overlay(), "urn:stackc:schema:overlay", "stackc overlay", "What is different from a stack file in one environment, for stackc.")
}

// node is one schema. Its keys are written in this order, those of maps in
// alphabetical order.
type node struct {
	Schema      string `json:"$schema,omitempty"`
	ID          string `json:"$id,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Ref         string `json:"$ref,omitempty"`

	Type  any      `json:"type,omitempty"` // a string, or several
	Const any      `json:"const,omitempty"`
	Enum  []string `json:"enum,omitempty"`
	Not   *node    `json:"not,omitempty"`

	Minimum   *int64 `json:"minimum,omitempty"`
	Maximum   *int64 `json:"maximum,omitempty"`
	MinLength int    `json:"minLength,omitempty"`
	Pattern   string `json:"pattern,omitempty"`

	Items    *node `json:"items,omitempty"`
	MinItems int   `json:"minItems,omitempty"`
	Contains *node `json:"contains,omitempty"`

	Properties    map[string]*node    `json:"properties,omitempty"`
	Patterns      map[string]*node    `json:"patternProperties,omitempty"`
	Additional    any                 `json:"additionalProperties,omitempty"` // false, or a node
	PropertyNames *node               `json:"propertyNames,omitempty"`
	Required      []string            `json:"required,omitempty"`
	Dependencies  map[string][]string `json:"dependencies,omitempty"`

	AllOf []*node `json:"allOf,omitempty"`
	AnyOf []*node `json:"anyOf,omitempty"`
	OneOf []*node `json:"oneOf,omitempty"`
	If    *node   `json:"if,omitempty"`
	Then  *node   `json:"then,omitempty"`
	Else  *node   `json:"else,omitempty"`

	Examples    []any            `json:"examples,omitempty"`
	Definitions map[string]*node `json:"definitions,omitempty"`
}

// write renders the schema of a file whose keys are those of table.
func write(table stack.Table, id, title, description string) []byte {
	w := &writer{definitions: map[string]*node{}}
	root := w.table(table)
	root.Type = "object"
	root.Schema, root.ID, root.Title, root.Description = draft, id, title, description
	w.onlyKnown(root, table)
	root.Definitions = w.definitions
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		panic(err) // nodes always encode
	}
	return b.Bytes()
}

// writer makes nodes of shapes, and the definitions that they share.
type writer struct {
	definitions map[string]*node
	sections    []string // those of a unit
}

// notInName are the characters that a reference could not hold as they are.
var notInName = pattern.New(`[^A-Za-z0-9]+`)

// define enters a definition, once, and returns a reference to it. Different ones
// of one title get a number.
func (w *writer) define(title string, n *node) *node {
	base := notInName().ReplaceAllString(title, "-")
	name := base
	for i := 2; ; i++ {
		known := w.definitions[name]
		if known == nil {
			w.definitions[name] = n
		}
		if known == nil || reflect.DeepEqual(known, n) {
			return &node{Ref: "#/definitions/" + name}
		}
		name = base + "-" + strconv.Itoa(i)
	}
}

// onlyKnown refuses directives that systemd does not have, in all units of a file
// that does not allow them.
func (w *writer) onlyKnown(root *node, table stack.Table) {
	names := map[string]*node{}
	for _, s := range w.sections {
		names[s] = w.define("known in "+s, knownNames(s))
	}
	known := w.define("known directives", &node{If: allowsUnknown(), Then: &node{}, Else: &node{Properties: names}})
	units := map[string]*node{"unit": {Additional: known}}
	root.If, root.Then, root.Else = allowsUnknown(), &node{}, &node{Properties: units}
}

// allowsUnknown matches a table that allows unknown directives.
func allowsUnknown() *node {
	code := &node{Const: string(diag.UnknownDirective)}
	return &node{
		Properties: map[string]*node{"allow": {AnyOf: []*node{code, {Type: "array", Contains: code}}}},
		Required:   []string{"allow"},
	}
}
