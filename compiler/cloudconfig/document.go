package cloudconfig

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// document is the YAML with its places.
type document struct {
	file     *source.File
	starts   []int // offset of each line
	findings diag.List
}

func newDocument(file *source.File) *document {
	d := &document{file: file, starts: []int{0}}
	for i, c := range []byte(file.Text()) {
		if c == '\n' {
			d.starts = append(d.starts, i+1)
		}
	}
	return d
}

// parse returns the first document, and nil after an error.
func (d *document) parse() *yaml.Node {
	loader, err := yaml.NewLoader(strings.NewReader(d.file.Text()))
	var doc yaml.Node
	if err == nil {
		err = loader.Load(&doc)
	}
	switch {
	case errors.Is(err, io.EOF):
		d.findings.Add(diag.Diagnostic{Severity: diag.Error, Code: diag.Syntax, Span: d.file.Span(0, 0), Message: "there is nothing in the cloud-config"})
		return nil
	case err != nil:
		d.fault(err)
		return nil
	case doc.Kind == yaml.DocumentNode && len(doc.Content) == 1:
		d.further(loader)
		return doc.Content[0]
	}
	return &doc
}

// fault tells where the YAML cannot be read.
func (d *document) fault(err error) {
	span, message := d.file.Span(0, 0), err.Error()
	var at *yaml.LoadError
	if errors.As(err, &at) {
		span, message = d.at(at.Mark.Line, at.Mark.Column), at.Message
		if at.ContextMsg != "" {
			message = at.ContextMsg + ": " + message
		}
	}
	help := ""
	if line := d.file.Line(span.Position().Line); strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
		help = "YAML is indented with spaces, never with tabs"
	}
	d.findings.Add(diag.Diagnostic{Severity: diag.Error, Code: diag.Syntax, Span: span, Message: "the YAML cannot be read: " + message, Help: help})
}

// further tells of documents behind the first, which nobody reads.
func (d *document) further(loader *yaml.Loader) {
	var next yaml.Node
	if err := loader.Load(&next); err == nil {
		d.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.UnknownKey, Span: d.at(next.Line, next.Column),
			Message: "coreos-cloudinit reads the first document only, and another one begins here"})
	}
}

// at is the place of a line and column, counted from 1, the column in characters.
func (d *document) at(line, column int) source.Span {
	if line < 1 || line > len(d.starts) {
		return d.file.Span(0, 0)
	}
	text, at := d.file.Text(), d.starts[line-1]
	for ; column > 1 && at < len(text) && text[at] != '\n'; column-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return d.file.Span(at, at)
}

// span is the place of a node: of a scalar on one line all of it, of others where they begin.
func (d *document) span(n *yaml.Node) source.Span {
	at := d.at(n.Line, n.Column)
	if n.Kind != yaml.ScalarNode {
		return at
	}
	rest := d.file.Text()[at.Start():]
	if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
		rest = rest[:i]
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0 || n.Style&yaml.SingleQuotedStyle != 0:
		if i := strings.IndexByte(rest[min(1, len(rest)):], rest[0]); i >= 0 {
			return d.file.Span(at.Start(), at.Start()+i+2)
		}
	case strings.HasPrefix(rest, n.Value):
		return d.file.Span(at.Start(), at.Start()+len(n.Value))
	}
	return d.file.Span(at.Start(), at.Start()+len(strings.TrimRight(rest, " \t")))
}

func (d *document) warn(code diag.Code, n *yaml.Node, format string, args ...any) {
	d.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: code, Span: d.span(n), Message: fmt.Sprintf(format, args...)})
}

func (d *document) fail(code diag.Code, n *yaml.Node, format string, args ...any) {
	d.findings.Add(diag.Diagnostic{Severity: diag.Error, Code: code, Span: d.span(n), Message: fmt.Sprintf(format, args...)})
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	for range 100 { // aliases of aliases; a ring of them is no tree
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// mapping returns the values of a mapping by key, "-" in keys read as "_", as
// coreos-cloudinit does (config.go, normalizeConfig). known are the keys that mean something, nil for any.
func (d *document) mapping(n *yaml.Node, what string, known []string) map[string]*yaml.Node {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!null" {
			d.fail(diag.WrongType, n, "%s is a mapping of keys to values", what)
		}
		return nil
	}
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := strings.ReplaceAll(n.Content[i].Value, "-", "_")
		if known != nil && !slices.Contains(known, key) {
			f := diag.Diagnostic{Severity: diag.Warning, Code: diag.UnknownKey, Span: d.span(n.Content[i]), Message: fmt.Sprintf("%s has no key %q, and coreos-cloudinit ignores it", what, n.Content[i].Value)}
			if near, ok := units.Suggest(key, known); ok {
				f.Help = fmt.Sprintf("did you mean %q?", strings.ReplaceAll(near, "_", "-"))
			}
			d.findings.Add(f)
		}
		if values[key] != nil {
			d.warn(diag.DuplicateKey, n.Content[i], "%q stands here twice; the last one counts", n.Content[i].Value)
		}
		values[key] = resolved(n.Content[i+1])
	}
	return values
}

func (d *document) sequence(n *yaml.Node, what string) []*yaml.Node {
	n = resolved(n)
	if n.Kind != yaml.SequenceNode {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!null" {
			d.fail(diag.WrongType, n, `%s is a list, each entry behind "- "`, what)
		}
		return nil
	}
	return n.Content
}

// name is the name of an entry, which every entry needs.
func (d *document) name(entry *yaml.Node, keys map[string]*yaml.Node, what string) *yaml.Node {
	name := keys["name"]
	if name == nil || name.Kind != yaml.ScalarNode || name.Value == "" {
		d.fail(diag.MissingKey, entry, "%s has no name", what)
		return nil
	}
	return name
}

var (
	trueWord  = pattern.New(`^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$`)
	falseWord = pattern.New(`^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$`)
)

// boolean reads a boolean of YAML 1.1, which is what coreos-cloudinit does.
func (d *document) boolean(n *yaml.Node) bool {
	switch {
	case n == nil:
		return false
	case plain(n) && trueWord().MatchString(n.Value):
		return true
	case !plain(n) || !falseWord().MatchString(n.Value):
		d.warn(diag.BadValue, n, "%q is no boolean, and coreos-cloudinit takes it for false; write true or false without quotes", n.Value)
	}
	return false
}

// plain reports whether a node is a scalar without quotes.
func plain(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// text reads a text of several lines.
func (d *document) text(n *yaml.Node) *Text {
	if n.Kind != yaml.ScalarNode {
		d.fail(diag.WrongType, n, "content is a text; begin it with | and indent its lines")
		return nil
	}
	t := &Text{Text: n.Value, Place: d.span(n)}
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		d.place(t, n)
	case n.Style&yaml.FoldedStyle != 0:
		d.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.ValueText, Span: t.Place,
			Message: "> joins the lines of the text, and a unit file needs them", Help: "write | in place of >"})
	case plain(n) && strings.Contains(n.Value, "["):
		d.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.ValueText, Span: t.Place,
			Message: "a text without | or quotes becomes one line, and a unit file needs its lines", Help: "begin it with | on the line of the key"})
	}
	return t
}

// place finds the lines of a literal text: they follow the indicator one by one.
func (d *document) place(t *Text, n *yaml.Node) {
	for i := range strings.Count(t.Text, "\n") + 1 {
		t.Lines = append(t.Lines, n.Line+1+i)
	}
	for i, line := range strings.Split(t.Text, "\n") {
		if line == "" {
			continue
		}
		whole := d.file.Line(n.Line + 1 + i)
		if indent, ok := strings.CutSuffix(whole, line); ok && strings.Trim(indent, " ") == "" {
			t.Indent = len(indent)
			return
		}
		t.Lines = nil // the lines are not those of the file, whatever the reason
		return
	}
}
