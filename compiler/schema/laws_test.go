package schema_test

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/schema"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// validator holds a file against the schema of its kind.
type validator struct{ stack, overlay *jsonschema.Schema }

func newValidator(t testing.TB) validator {
	return validator{compiled(t, schema.Stack()), compiled(t, schema.Overlay())}
}

func (v validator) check(t testing.TB, s sample) error {
	t.Helper()
	if s.overlay != "" {
		return v.overlay.Validate(instance(t, s.text()))
	}
	return v.stack.Validate(instance(t, s.text()))
}

// TestValid: what compiles is accepted.
func TestValid(t *testing.T) {
	v := newValidator(t)
	overlays := 0
	for _, s := range valid(t) {
		if s.overlay != "" {
			overlays++
		}
		if err := v.check(t, s); err != nil {
			t.Errorf("%s compiles, and the schema refuses it: %v\n%s", s.name, err, s.text())
		}
	}
	if overlays == 0 {
		t.Error("no sample is an overlay")
	}
}

// TestMutations changes every key and every value of every example of the
// documents, one at a time: what the compiler refuses for an unknown key or a wrong
// type is refused by the schema as well, and what it accepts is accepted. A schema
// cannot know what a parameter of another file may be, nor who uses this one's.
func TestMutations(t *testing.T) {
	v := newValidator(t)
	refused, accepted := 0, 0
	for _, s := range valid(t) {
		if !strings.HasPrefix(s.name, "../../docs/") {
			continue
		}
		for i, m := range mutations(t, s.text()) {
			if i%2 > 0 { // every second is enough, and the neighbour of each is much like it
				continue
			}
			text, mutant := m.text, s.with(m.text)
			if !isTOML(text) {
				continue
			}
			findings, err := mutant.compile(), v.check(t, mutant)
			switch {
			case !findings.HasErrors():
				accepted++
				if err != nil {
					t.Errorf("%s: this compiles, and the schema refuses it: %v\n%s", s.name, err, text)
				}
			case m.found(s.about(), findings):
				refused++
				if err == nil {
					t.Errorf("%s: the schema accepts what the compiler refuses: %s\n%s", s.name, diag.Short(findings), text)
				}
			}
		}
	}
	t.Logf("%d mutants refused, %d accepted", refused, accepted)
	if refused < 800 || accepted < 100 {
		t.Errorf("only %d mutants are refused, and %d accepted", refused, accepted)
	}
}

func isTOML(text string) bool {
	_, findings := syntax.Parse(source.NewFile("x.toml", text))
	return !findings.HasErrors()
}

// overlayFile is the name of overlays among the examples.
const overlayFile = "over.toml"

// mutant is a text with a change from start to end.
type mutant struct {
	text       string
	start, end int
}

// found reports whether the compiler finds an unknown key or a wrong type at the change.
func (m mutant) found(file string, findings diag.List) bool {
	for _, f := range findings {
		kind := f.Code == diag.UnknownKey || f.Code == diag.WrongType || f.Code == diag.UnknownSection
		here := !f.Span.IsZero() && f.Span.File().Name() == file && m.start <= f.Span.Start() && f.Span.Start() <= m.end
		foreign := strings.HasPrefix(f.Message, "parameter ") && (len(f.Notes) > 0 || file == overlayFile)
		if f.Severity == diag.Error && kind && here && !foreign {
			return true
		}
	}
	return false
}

// mutations returns text with one key or value changed, in every way.
func mutations(t testing.TB, text string) []mutant {
	t.Helper()
	file := source.NewFile("x.toml", text)
	tree, findings := syntax.Parse(file)
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	var list []mutant
	replace := func(s source.Span, by string) {
		list = append(list, mutant{text[:s.Start()] + by + text[s.End():], s.Start(), s.Start() + len(by)})
	}
	var walk func(t *syntax.Table)
	var change func(v *syntax.Value)
	change = func(v *syntax.Value) {
		if !strings.Contains(v.Span.Text(), "\n") && v.Span.Text() != "" && strings.ContainsAny(v.Span.Text()[:1], "\"'[{0123456789tf+-") {
			for _, other := range []string{`7`, `-1`, `2.5`, `true`, `false`, `"x"`, `["x"]`, `[]`, `[7]`, `[["x"]]`, `{ zzz = 1 }`, `[{ zzz = "x" }]`, `"${{ nope }}"`} {
				replace(v.Span, other)
			}
		}
		for _, e := range v.Elems {
			change(e)
		}
		if v.Table != nil {
			walk(v.Table)
		}
	}
	walk = func(t *syntax.Table) {
		for _, e := range t.Entries {
			replace(e.KeySpan, "zzz")
			replace(e.KeySpan, "Zzz")
			change(e.Value)
		}
	}
	walk(tree)
	return list
}

// TestDirectiveTypes asks for each directive of which types it can be: the schema
// accepts what the table of directives takes, and refuses what it refuses.
func TestDirectiveTypes(t *testing.T) {
	v := newValidator(t)
	for _, section := range []string{"Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Install"} {
		for _, key := range units.DirectiveKeys(section) {
			d, _ := units.LookupDirective(section, key)
			for text, value := range map[string]any{"true": true, "-1": int64(-1), "7": int64(7), "70000": int64(70000), "2.5": 2.5} {
				unit := map[string]any{"web": map[string]any{section: map[string]any{key: value}}}
				err := v.stack.Validate(map[string]any{"stack": "x", "unit": unit})
				faults := d.CheckValue(text)
				words := d.Kind == units.KindMode || d.Words() != nil // not all numbers between two right ones are right
				if (err != nil) != (len(faults) > 0) && !(err == nil && words && text != "true" && text != "2.5") {
					t.Errorf("[%s] %s = %s: the table finds %v, the schema %v", section, key, text, faults, err)
				}
			}
		}
	}
}
