package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// taplo returns the command line of taplo, which `make taplo` installs from npm in
// the version and with the checksum that cmd/tools/taplo says.
func taplo(t *testing.T) []string {
	t.Helper()
	var pinned struct{ Dependencies map[string]string }
	if err := json.Unmarshal([]byte(read(t, "../../cmd/tools/taplo/package.json")), &pinned); err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(cache, "stackc", "taplo-"+pinned.Dependencies["@taplo/cli"], "node_modules/@taplo/cli/dist/cli.js")
	if _, err := os.Stat(script); err != nil {
		t.Fatalf("taplo is not installed: run `make taplo` (%v)", err)
	}
	return []string{"node", script}
}

var refusedByTaplo = regexp.MustCompile(`invalid file error=schema validation failed path="([^"]+)"`)

// lint holds files of dir against the schema that each names in its first line,
// and returns those that taplo refuses.
func lint(t *testing.T, dir string, names []string) []string {
	t.Helper()
	args := append(taplo(t), "lint", "--no-auto-config", "--colors", "never")
	cmd := exec.Command(args[0], append(args[1:], names...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var refused []string
	for _, m := range refusedByTaplo.FindAllStringSubmatch(string(out), -1) {
		refused = append(refused, filepath.Base(m[1]))
	}
	if (err != nil) != (len(refused) > 0) || strings.Contains(string(out), "invalid schema") {
		t.Fatalf("taplo ends with %v:\n%.2000s", err, out)
	}
	slices.Sort(refused)
	return refused
}

// TestTaplo holds files against the schema as an editor does, by the #:schema line:
// what compiles is accepted, and of what is wrong taplo refuses all that the other
// validator does.
func TestTaplo(t *testing.T) {
	v, dir := newValidator(t), t.TempDir()
	for name, text := range schemas() {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var names, want []string
	add := func(s sample) {
		name, hint := fmt.Sprintf("%04d.toml", len(names)), "#:schema ./stackc.schema.json\n"
		if s.overlay != "" {
			hint = "#:schema ./overlay.schema.json\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(hint+s.text()), 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		if v.check(t, s) != nil {
			want = append(want, name)
		}
	}
	for _, s := range valid(t) {
		add(s)
		if strings.HasSuffix(s.name, "language.md") || strings.HasSuffix(s.name, "overlay") {
			for i, m := range mutations(t, s.text()) {
				if mutant := s.with(m.text); i%29 == 0 && isTOML(m.text) {
					add(mutant)
				}
			}
		}
	}
	if len(want) < 50 || len(names)-len(want) < 100 {
		t.Fatalf("%d of %d files are wrong: too few of one kind", len(want), len(names))
	}
	got := lint(t, dir, names)
	for _, name := range names {
		if refused := slices.Contains(got, name); refused != slices.Contains(want, name) {
			t.Errorf("taplo refuses: %v, the other validator: %v\n%s", refused, !refused, read(t, filepath.Join(dir, name)))
		}
	}
}
