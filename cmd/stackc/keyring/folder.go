// Package keyring makes the keys and certificates that a plan of compiler/pki asks
// for, and keeps them in a folder that nobody but its owner reads. A key that is
// there is never written over: what is renewed is the certificate for it.
package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stackc/stackc/compiler/pki"
)

// Folder is where the files of one plan lie.
type Folder struct {
	Dir  string
	Plan *pki.Plan
	// Now is the time by which certificates begin, end and are judged.
	Now time.Time
	// Random is where serial numbers and tokens come from. The keys themselves are
	// from the system's source whatever it is, as crypto/ecdsa has it.
	Random io.Reader
}

// Error says why something was not done, and what to do about it.
type Error struct{ Message, Help string }

func (e *Error) Error() string { return e.Message }

func fail(help, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Help: help}
}

func (f *Folder) path(name string) string { return filepath.Join(f.Dir, name) }

// exists reports whether the folder has a file of that name.
func (f *Folder) exists(name string) (bool, error) {
	_, err := os.Lstat(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// make makes the folder. What is in it is no business of a version control.
func (f *Folder) make() error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	if err := f.private(); err != nil {
		return err
	}
	ignored, err := f.exists(".gitignore")
	if err != nil || ignored {
		return err
	}
	return f.create(".gitignore", []byte("*\n"))
}

// private refuses a folder that others may look into.
func (f *Folder) private() error {
	info, err := os.Stat(f.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("stackc pki init makes it", "there is no folder %s", f.Dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fail("name another with --dir", "%s is no folder", f.Dir)
	case info.Mode().Perm()&0o077 != 0:
		return fail("chmod 700 "+f.Dir, "%s is open to others: mode %#o", f.Dir, info.Mode().Perm())
	}
	return nil
}

// create writes a file that must not be there yet, whole or not at all: a link is
// refused where something is, and nothing is ever lost.
func (f *Folder) create(name string, data []byte) error {
	fresh, err := f.written(data)
	if err != nil {
		return err
	}
	defer os.Remove(fresh)
	if err := os.Link(fresh, f.path(name)); errors.Is(err, fs.ErrExist) {
		return fail("move it away if it is to be made anew", "%s is there, and is not written over", f.path(name))
	} else if err != nil {
		return err
	}
	return nil
}

// replace writes a file over what is there, at once. It is for what can be made
// again: certificates, kubeconfigs, and tokens that hold those before.
func (f *Folder) replace(name string, data []byte) error {
	fresh, err := f.written(data)
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, f.path(name)); err != nil {
		os.Remove(fresh)
		return err
	}
	return nil
}

// written puts data into a new file of the folder, and returns its path.
func (f *Folder) written(data []byte) (string, error) {
	file, err := os.CreateTemp(f.Dir, ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// Read returns a file of the folder, nil when it is not there.
func (f *Folder) Read(name string) ([]byte, error) {
	data, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
