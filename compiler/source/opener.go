package source

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Opener gives the compiler the files that it names. The compiler itself never
// touches a disk.
type Opener interface {
	// Open returns the file of that path, or an error that wraps fs.ErrNotExist
	// when there is none.
	Open(path string) (*File, error)
}

// Dir opens paths of the operating system's file system, as the working directory resolves them.
type Dir struct{}

// Limit is how many bytes a file may have: more than any stack, and less than
// what a device without an end or a mistaken path would give.
const Limit = 64 << 20

// Open reads the file at path.
func (Dir) Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, Limit+1))
	if err != nil {
		return nil, err
	}
	if len(text) > Limit {
		return nil, fmt.Errorf("%s has more than %d MiB, which is no text that people write", path, Limit>>20)
	}
	return NewFile(path, string(text)), nil
}

// Map is an Opener over texts in memory, for tests and for text that came over a pipe.
type Map map[string]string

// Open returns the text under that path.
func (m Map) Open(path string) (*File, error) {
	text, ok := m[path]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
	}
	return NewFile(path, text), nil
}
