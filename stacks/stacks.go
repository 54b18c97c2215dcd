// Package stacks holds the stack libraries that come with stackc: what the
// hand-written guides for Kubernetes on CoreOS became. A stack names them with
// `use = [{ stack = "std:kubernetes/0.15" }]`.
package stacks

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/source"
)

// files are the libraries and their cases alone: the examples beside them (k8s.toml
// and the like) use libraries, and nobody uses an example.
//
//go:embed etcd.toml flannel.toml tests kubernetes lab
var files embed.FS

// Files holds the libraries, NAME.toml, and beside them their cases.
func Files() fs.FS { return files }

// Library gives the embedded libraries by name.
type Library struct{}

// Open returns the library of that name ("kubernetes/0.15"). Messages show it as
// "<stacks>/kubernetes/0.15.toml".
func (Library) Open(name string) (*source.File, error) {
	text, err := files.ReadFile(name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("library %q: %w", name, fs.ErrNotExist)
	}
	return source.NewFile("<stacks>/"+name+".toml", string(text)), nil
}

// Names returns the names of all libraries, sorted.
func (Library) Names() []string {
	var names []string
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, ".toml"); ok && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		panic(err) // embedded files can be walked
	}
	slices.Sort(names)
	return names
}
