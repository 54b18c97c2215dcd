package review

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

// randomSet makes a set that shares names and lines with others made so.
func randomSet(r *rand.Rand) *units.Set {
	names := []units.Name{"a.service", "b.service", "c.timer", "d@1.service", `e-\x2d.mount`, "f:g.service"}
	values := []string{"1", "/bin/x --a", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "ä ö", "\\ No newline", "", "a  b\tc"}
	var list []units.Unit
	for _, name := range names {
		if r.IntN(3) == 0 {
			continue
		}
		u := units.Unit{Name: name, Desired: units.Launched}
		for range r.IntN(14) {
			u.Options = append(u.Options, units.Option{
				Section: []string{"Unit", "Service", "X-Fleet"}[r.IntN(3)], Name: []string{"A", "B", "-x", "+y"}[r.IntN(4)], Value: values[r.IntN(len(values))],
			})
		}
		list = append(list, u)
	}
	return units.NewSet("s", list)
}

// filesOf are the unit files of a set that have any lines: patch(1) removes a file
// that becomes empty, and cannot make an empty one.
func filesOf(s *units.Set) map[string]string {
	files := map[string]string{}
	for _, u := range s.Units {
		if text := u.Text(); text != "" {
			files[string(u.Name)] = text
		}
	}
	return files
}

// TestPatch gives 1,000 patches between random sets to patch(1), and wants the new
// files of the old ones.
func TestPatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		old, new := randomSet(r), randomSet(r)
		text := Patch(old, new, r.IntN(5))
		dir := t.TempDir()
		for name, file := range filesOf(old) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(file), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("patch", "-p1", "--batch", "--fuzz=0", "-E", "--quiet")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("pair %d: patch: %v\n%s\n%s", i, err, out, text)
		}
		got := map[string]string{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			file, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[e.Name()] = string(file)
		}
		if d := cmp.Diff(filesOf(new), got); d != "" {
			t.Fatalf("pair %d (-want +got):\n%s\n%s", i, d, text)
		}
		os.RemoveAll(dir)
	}
}

func TestSecretUnits(t *testing.T) {
	unit := func(name units.Name, value string) units.Unit {
		return units.Unit{Name: name, Options: []units.Option{{Section: "Service", Name: "ExecStart", Value: value}}}
	}
	old := units.NewSet("s", []units.Unit{unit("a.service", "/x --token=abc"), unit("b.service", "/x --token=abc"), unit("c.service", "/x")})
	new := units.NewSet("s", []units.Unit{unit("a.service", "/x --token=abc"), unit("b.service", "/x"), unit("c.service", "/y"), unit("d.service", "/x password=1")})
	if got := fmt.Sprint(SecretUnits(old, new)); got != "[b.service d.service]" {
		t.Errorf("got %s", got)
	}
}
