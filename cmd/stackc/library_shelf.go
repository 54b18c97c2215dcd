package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/stacks"
)

// shelf is where a library stands with its cases.
type shelf struct {
	files  fs.FS
	file   string // the library, in files
	folder string // files on the disk; "" for those that come with stackc
	below  func(dir string) source.Opener
}

// shelfOf returns the shelf of a library, which is std:NAME or a path.
func shelfOf(library string) shelf {
	if name, ok := strings.CutPrefix(library, stack.StdPrefix); ok {
		return shelf{stacks.Files(), name + ".toml", "", func(dir string) source.Opener { return within(dir) }}
	}
	folder := filepath.Dir(library)
	return shelf{os.DirFS(folder), filepath.Base(library), folder, func(dir string) source.Opener {
		return below(filepath.Join(folder, filepath.FromSlash(dir)))
	}}
}

// isStd reports whether a word of the command line names a library that comes with stackc.
func isStd(word string) bool { return strings.HasPrefix(word, stack.StdPrefix) }

// stdLibrary returns the word of that verb itself when there is such a library.
func stdLibrary(verb, word string) ([]string, error) {
	names := (stacks.Library{}).Names()
	for i, name := range names {
		names[i] = stack.StdPrefix + name
		if names[i] == word {
			return []string{word}, nil
		}
	}
	return nil, misuse("stackc library list lists them", "no library %q comes with stackc%s", word, didYouMean(word, names, "stackc library "+verb+" "))
}

// within opens paths seen from a folder of the files that come with stackc, and
// shows them so.
type within string

// Open implements source.Opener.
func (w within) Open(name string) (*source.File, error) {
	text, err := fs.ReadFile(stacks.Files(), path.Join(string(w), name))
	if err != nil {
		return nil, fs.ErrNotExist
	}
	return source.NewFile(name, string(text)), nil
}
