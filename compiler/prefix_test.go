package compiler_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// lawPrefix stands in no text of the archives. Variables that are called after a
// unit have it in capital letters.
const lawPrefix = "zz9-"

var withoutPrefix = strings.NewReplacer(lawPrefix, "", "ZZ9_", "")

// TestPrefixLaw: a prefix changes nothing but names. Each stack of the archives, used
// as a library with one, gives the units that it gives without, once the prefix is
// taken out of them again; what cannot be renamed is a finding.
func TestPrefixLaw(t *testing.T) {
	held, renamed := 0, 0
	for _, path := range archives(t, compileDir) {
		c := readCase(t, path)
		files := maps.Clone(c.options.Opener.(source.Map))
		use := func(prefix string) (map[string]string, diag.List) {
			files["law.toml"] = "stack = \"law\"\nuse = [{ stack = \"" + stackFile + "\"" + prefix + " }]\n"
			result, findings := compiler.Compile("law.toml", compiler.Options{Opener: files, Std: stacks.Library{}})
			if result.Set == nil {
				return nil, findings
			}
			texts := map[string]string{}
			for _, u := range result.Set.Units {
				texts[string(u.Name)] = u.Text()
			}
			return texts, findings
		}
		plain, _ := use("")
		if plain == nil {
			continue // the archive is about errors, or needs values
		}
		prefixed, findings := use(`, prefix = "` + lawPrefix + `"`)
		if prefixed == nil {
			if !slices.ContainsFunc(findings, func(d diag.Diagnostic) bool { return d.Code == diag.PrefixRefused }) {
				t.Errorf("%s: with a prefix it is refused:\n%s", filepath.Base(path), diag.Short(findings))
			}
			continue
		}
		stripped := map[string]string{}
		for name, text := range prefixed {
			if !strings.HasPrefix(name, lawPrefix) {
				t.Errorf("%s: unit %s has no prefix", filepath.Base(path), name)
			}
			stripped[withoutPrefix.Replace(name)] = withoutPrefix.Replace(text)
			renamed++
		}
		if diff := cmp.Diff(plain, stripped); diff != "" {
			t.Errorf("%s: with a prefix it is another stack (-without +with):\n%s", filepath.Base(path), diff)
		}
		held++
	}
	if held < 20 || renamed < 50 {
		t.Errorf("only %d stacks with %d units were renamed", held, renamed)
	}
}
