package cloudconfig

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/units/pattern"
)

// trap is a scalar without quotes that YAML 1.1, which coreos-cloudinit and most
// tools of its time read, takes for something else than YAML 1.2 does.
type trap struct {
	pattern func() *regexp.Regexp
	says    string
	help    string
}

var traps = []trap{
	{pattern.New(`^(?:y|Y|yes|Yes|YES|on|On|ON)$`), "%s is true to YAML 1.1 and a word to YAML 1.2", "write true, or %q for the word"},
	{pattern.New(`^(?:n|N|no|No|NO|off|Off|OFF)$`), "%s is false to YAML 1.1 and a word to YAML 1.2", "write false, or %q for the word"},
	{pattern.New(`^0[0-7]+$`), "%s is an octal number to YAML 1.1 and a decimal one to YAML 1.2", "write %q"},
	{pattern.New(`^[1-9][0-9_]*(?::[0-5]?[0-9])+$`), "%s is a number of base 60 to YAML 1.1 and text to YAML 1.2", "write %q"},
	{pattern.New(`^[1-9][0-9]*(?:_[0-9]+)+$`), "%s is a number to YAML 1.1 and text to YAML 1.2", "write %q"},
}

// traps reports every such scalar of the document: a tool that reads the file and
// writes it again would change it.
func (d *document) traps(n *yaml.Node) {
	if plain(n) {
		for _, t := range traps {
			if t.pattern().MatchString(n.Value) {
				d.findings.Add(diag.Diagnostic{Severity: diag.Warning, Code: diag.BadValue, Span: d.span(n),
					Message: fmt.Sprintf(t.says, n.Value), Help: fmt.Sprintf(t.help, n.Value)})
				break
			}
		}
	}
	for i, child := range n.Content { // an alias has none: what it stands for is looked at in its own place
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		d.traps(child)
	}
}

// largest bounds what a compressed file may become.
const largest = 1 << 20

// decoded is the content of a file of write_files (config/decode.go).
func (d *document) decoded(keys map[string]*yaml.Node) *Text {
	c := keys["content"]
	if c == nil {
		return &Text{}
	}
	t := d.text(c)
	e := keys["encoding"]
	if t == nil || e == nil || e.Value == "" {
		return t
	}
	data, err := decode(strings.TrimSpace(t.Text), e.Value)
	if err != nil {
		d.fail(diag.BadValue, e, "the content cannot be decoded as %s: %v", e.Value, err)
		return nil
	}
	return &Text{Text: data, Place: t.Place}
}

func decode(text, encoding string) (string, error) {
	data := []byte(text)
	var err error
	switch encoding {
	case "b64", "base64", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64":
		if data, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err != nil {
			return "", err
		}
	case "gz", "gzip":
	default:
		return "", fmt.Errorf("it is none of base64, gzip and gzip+base64")
	}
	if !strings.HasPrefix(encoding, "gz") {
		return string(data), nil
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	plain, err := io.ReadAll(io.LimitReader(r, largest))
	return string(plain), err
}
