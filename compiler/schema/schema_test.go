package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stackc/stackc/compiler/schema"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

var update = flag.Bool("update", false, "write the schemas anew")

// schemas are what the package makes, by the names that users give the files.
func schemas() map[string][]byte {
	return map[string][]byte{"stackc.schema.json": schema.Stack(), "overlay.schema.json": schema.Overlay()}
}

// golden is the schema of stack files as it was last looked at.
const golden = "testdata/stackc.schema.json"

// TestGolden shows what a change of the tables does to the schema.
func TestGolden(t *testing.T) {
	if *update {
		if err := os.WriteFile(golden, schema.Stack(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := strings.Split(read(t, golden), "\n")
	if d := cmp.Diff(want, strings.Split(string(schema.Stack()), "\n")); d != "" {
		t.Errorf("%s is not what the tables give; go test ./compiler/schema -update writes it (-file +tables):\n%s", golden, d)
	}
}

// TestSameEveryTime: nothing in a schema depends on the order of a map.
func TestSameEveryTime(t *testing.T) {
	if !bytes.Equal(schema.Stack(), schema.Stack()) {
		t.Error("the schema comes out in two ways")
	}
}

// compiled returns the validator of a schema, which must itself be valid draft-07.
func compiled(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("file:///schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDescribed: everything that a person can write has a text for editors.
func TestDescribed(t *testing.T) {
	var doc struct {
		Definitions map[string]struct {
			Properties map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(schema.Stack(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, section := range units.Sections(units.TypeService) {
		for key, p := range doc.Definitions[section].Properties {
			if p.Description == "" {
				t.Errorf("[%s] %s has no description", section, key)
			}
		}
	}
	for _, w := range stack.UnitWords() {
		if doc.Definitions["a-unit"].Properties[w].Description == "" {
			t.Errorf("%s has no description", w)
		}
	}
}

// TestDirectivesHelp: each line of the table of descriptions is about directives
// that there are.
func TestDirectivesHelp(t *testing.T) {
	text, err := os.ReadFile("directives.tsv")
	if err != nil {
		t.Fatal(err)
	}
	sections := []string{"Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Install"}
	there := func(key string) bool {
		for _, s := range sections {
			if _, ok := units.LookupDirective(s, key); ok {
				return true
			}
		}
		return false
	}
	for line := range strings.Lines(string(text)) {
		name, sentence, ok := strings.Cut(strings.TrimSpace(line), "\t")
		section, key, own := strings.Cut(name, ".")
		known := there(name) || there("Condition"+strings.TrimPrefix(name, "…"))
		if own {
			_, known = units.LookupDirective(section, key)
		}
		if !ok || !known || sentence == "" || strings.HasSuffix(sentence, ".") {
			t.Errorf("directives.tsv: %q", line)
		}
	}
}
