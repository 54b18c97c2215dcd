package compiler_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

const overlayFile = "overlay.toml"

// overlaid gives the files of a case and further ones.
func overlaid(t *testing.T, c testCase, more source.Map) source.Map {
	t.Helper()
	files, ok := c.options.Opener.(source.Map)
	if !ok {
		t.Fatalf("%s is not read from memory", c.path)
	}
	all := maps.Clone(files)
	maps.Copy(all, more)
	return all
}

// TestEmptyOverlay holds that an overlay which says nothing changes neither a unit
// nor a finding, in whatever stack.
func TestEmptyOverlay(t *testing.T) {
	for _, path := range archives(t, compileDir) {
		c := readCase(t, path)
		want := everything(c.compile())
		c.options.Opener = overlaid(t, c, source.Map{overlayFile: "# nothing\n"})
		c.options.Overlays = append(c.options.Overlays, overlayFile)
		if d := cmp.Diff(want, everything(c.compile())); d != "" {
			t.Errorf("%s: an empty overlay changes (-without +with):\n%s", path, d)
		}
	}
}

// TestOverlaysAddUp holds that overlays over different keys give the same in
// either order, and the same as one that says it all.
func TestOverlaysAddUp(t *testing.T) {
	const base = "stack = \"shop\"\n[params]\na = 1\nb = 1\n[unit.web]\nport = 80\n[unit.web.Service]\nExecStart = \"/bin/web ${{ a }} ${{ b }} ${{ self.port }}\"\nRestart = \"always\"\n"
	const first = "[params]\na = 2\n[unit.web]\nport = 81\n"
	const second = "[params]\nb = 2\n[unit.web.Service]\nRestart = \"on-failure\"\n"
	const both = "[params]\na = 2\nb = 2\n[unit.web]\nport = 81\n[unit.web.Service]\nRestart = \"on-failure\"\n"
	files := source.Map{stackFile: base, "1.toml": first, "2.toml": second, "12.toml": both}
	compile := func(overlays ...string) string {
		result, findings := compiler.Compile(stackFile, compiler.Options{Opener: files, Std: stacks.Library{}, Overlays: overlays})
		if len(findings) > 0 {
			t.Fatalf("%v: %s", overlays, diag.Short(findings))
		}
		return result.Set.Units[0].Text()
	}
	want := compile("12.toml")
	if !strings.Contains(want, "/bin/web 2 2 81") {
		t.Fatalf("the overlay is not laid over the stack:\n%s", want)
	}
	for _, overlays := range [][]string{{"1.toml", "2.toml"}, {"2.toml", "1.toml"}, {"1.toml", "12.toml"}} {
		if d := cmp.Diff(want, compile(overlays...)); d != "" {
			t.Errorf("%v differs from one overlay (-one +these):\n%s", overlays, d)
		}
	}
}

// TestOverlayMutations takes out and replaces each character of an overlay: the
// laws of every compile hold.
func TestOverlayMutations(t *testing.T) {
	c := readCase(t, compileDir+"/overlay_changes.txtar")
	name := c.options.Overlays[0]
	file, err := c.options.Opener.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text := file.Text()
	for i := range text {
		for _, by := range []string{"", "x", "\"", "\n", "9"} {
			mutated := text[:i] + by + strings.TrimPrefix(text[i:], text[i:i+1])
			c.options.Opener = overlaid(t, c, source.Map{name: mutated})
			result, findings := c.compile()
			checkLaws(t, result, findings)
			if t.Failed() {
				t.Fatalf("with the overlay\n%s", mutated)
			}
		}
	}
}
