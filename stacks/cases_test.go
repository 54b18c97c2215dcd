package stacks_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler/cases"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// beside opens paths seen from a folder, and shows them so.
type beside string

func (b beside) Open(name string) (*source.File, error) {
	f, err := source.Dir{}.Open(filepath.Join(string(b), name))
	if err != nil {
		return nil, err
	}
	return source.NewFile(name, f.Text()), nil
}

// TestCases runs the cases that each library ships; "stackc library test --update
// stacks" writes them anew.
func TestCases(t *testing.T) {
	for _, name := range (stacks.Library{}).Names() {
		library := name + ".toml"
		list, err := cases.Find(os.DirFS("."), library)
		if err != nil || len(list) == 0 {
			t.Errorf("%s ships no case (%v)", library, err)
		}
		for _, path := range list {
			t.Run(strings.TrimSuffix(path, ".txtar"), func(t *testing.T) {
				archive, err := txtar.ParseFile(path)
				if err != nil {
					t.Fatal(err)
				}
				c := cases.Case{Library: cases.Seen(library), Archive: archive, Disk: beside(filepath.Dir(path)), Std: stacks.Library{}}
				r := c.Run()
				if r.Reason != "" {
					t.Error(r.Reason)
				}
				for _, d := range r.Differences {
					t.Errorf("%s (-want +got):\n%s", d.File, cmp.Diff(d.Want, d.Got))
				}
			})
		}
	}
}
