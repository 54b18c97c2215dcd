package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// LockName is the name of the lock file, which stands beside the stack files that
// it is for.
const LockName = "stackc.lock"

// Lock says which content each library of the stack files of one folder must
// have. The nil Lock holds nothing.
type Lock struct {
	Libraries []Locked
}

// Locked is one library of a lock.
type Locked struct {
	// Source is where the library comes from: "std:NAME", or a path seen from the
	// folder of the lock.
	Source string
	// Name and Version are what the library says of itself, "" when it says nothing.
	Name, Version string
	// SHA256 is the checksum of its text, in lower case hexadecimal digits.
	SHA256 string
	// Vendored is the path of the copy that is used in the place of the source, ""
	// for none.
	Vendored string
	// Stacks are the stack files that use it, sorted.
	Stacks []string
}

// Sum returns the checksum of a library's text.
func Sum(f *source.File) string {
	sum := sha256.Sum256([]byte(f.Text()))
	return hex.EncodeToString(sum[:])
}

// Find returns the library of that source, nil when the lock has none.
func (k *Lock) Find(src string) *Locked {
	if k == nil {
		return nil
	}
	if i := slices.IndexFunc(k.Libraries, func(l Locked) bool { return l.Source == src }); i >= 0 {
		return &k.Libraries[i]
	}
	return nil
}

func (k *Lock) vendored(src string) bool {
	e := k.Find(src)
	return e != nil && e.Vendored != ""
}

// covers reports whether the lock was written for a stack file of that name.
func (k *Lock) covers(name string) bool {
	return k != nil && slices.ContainsFunc(k.Libraries, func(l Locked) bool { return slices.Contains(l.Stacks, name) })
}

// lockHead stands at the top of every lock file.
const lockHead = `# What the libraries of the stack files here must be. Written by stackc library lock
# and stackc library vendor; keep it in version control, and do not edit it.
format = 1
`

// Text writes the lock: the same libraries give the same bytes.
func (k *Lock) Text() string {
	list := slices.Clone(k.Libraries)
	slices.SortFunc(list, func(a, b Locked) int { return strings.Compare(a.Source, b.Source) })
	var b strings.Builder
	b.WriteString(lockHead)
	for _, l := range list {
		b.WriteString("\n[[library]]\n")
		for _, line := range []struct{ key, value string }{
			{"name    ", l.Name}, {"version ", l.Version}, {"source  ", l.Source}, {"sha256  ", l.SHA256}, {"vendored", l.Vendored},
		} {
			if line.value != "" {
				b.WriteString(line.key + " = " + quote(line.value) + "\n")
			}
		}
		words := make([]string, len(l.Stacks))
		for i, s := range slices.Sorted(slices.Values(l.Stacks)) {
			words[i] = quote(s)
		}
		b.WriteString("stacks   = [" + strings.Join(words, ", ") + "]\n")
	}
	return b.String()
}

// ReadLock reads the lock of a folder of stack files. Both are nil when there is none.
func ReadLock(o source.Opener, dir string) (*Lock, diag.List) {
	name := path.Join(dir, LockName)
	file, err := o.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diag.List{{Severity: diag.Error, Code: diag.LibraryLock, Message: "the lock file cannot be read: " + err.Error()}}
	}
	tree, findings := syntax.Parse(file)
	if tree == nil || findings.HasErrors() {
		return nil, findings
	}
	d := &decoder{scope: &scope{}, findings: &findings}
	k := &Lock{}
	if f := tree.Get("format"); f == nil || f.Value.Kind != syntax.Integer || f.Value.Int != 1 {
		d.badLock(file.Span(0, 0), "this is no lock file of a form that this stackc knows: it does not say format = 1")
		return nil, findings
	}
	if e := tree.Get("library"); e != nil && e.Value.Kind == syntax.Array {
		for _, v := range e.Value.Elems {
			d.locked(k, v)
		}
	}
	return k, findings
}

// locked reads one library of a lock.
func (d *decoder) locked(k *Lock, v *syntax.Value) {
	if v.Kind != syntax.KindTable {
		d.badLock(v.Span, "a library of the lock file is a table")
		return
	}
	var l Locked
	fields := map[string]*string{"name": &l.Name, "version": &l.Version, "source": &l.Source, "sha256": &l.SHA256, "vendored": &l.Vendored}
	for _, e := range v.Table.Entries {
		field := fields[e.Key]
		switch {
		case field != nil && e.Value.Kind == syntax.String:
			*field = e.Value.Str
		case e.Key == "stacks" && e.Value.Kind == syntax.Array:
			for _, s := range e.Value.Elems {
				l.Stacks = append(l.Stacks, s.Str)
			}
		default:
			d.badLock(e.KeySpan, "a lock file has no such line")
		}
	}
	switch {
	case l.Source == "" || !isSHA256(l.SHA256):
		d.badLock(v.Span, "a library of the lock file needs its source and its sha256")
	case k.Find(l.Source) != nil:
		d.badLock(v.Span, "the library "+quote(l.Source)+" stands in the lock file twice")
	default:
		k.Libraries = append(k.Libraries, l)
	}
}

func (d *decoder) badLock(span source.Span, message string) {
	d.errorf(diag.LibraryLock, span, "%s", message).
		help("take it from version control again, or remove it and run stackc library lock")
}

// sourceOf returns the name for the lock of a library that the file which came in
// by user calls library.
func sourceOf(user *Use, library string) string {
	if strings.HasPrefix(library, StdPrefix) {
		return library
	}
	p := filepath.ToSlash(library)
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	if user != nil && !strings.HasPrefix(user.Source, StdPrefix) {
		return path.Join(path.Dir(user.Source), p)
	}
	return path.Clean(p)
}

// dir is the folder of the stack file.
func (l *loader) dir() string { return path.Dir(filepath.ToSlash(l.in.Path)) }

// locks reads the lock file when the first library needs it.
func (l *loader) locks() *Lock {
	if !l.lockRead && !l.in.Unlocked {
		var findings diag.List
		l.lock, findings = ReadLock(l.in.Opener, l.dir())
		l.findings.Add(findings...)
	}
	l.lockRead = true
	return l.lock
}

// source opens what the lock has for a library: its vendored copy, or the source
// itself, which open opens. It reports once of each whether the content is the one of
// the lock.
func (l *loader) source(d *decoder, src string, span source.Span, open func() *source.File) *source.File {
	entry := l.locks().Find(src)
	again := "stackc library lock " + l.in.Path
	if l.unlike[src] {
		return nil
	}
	if entry == nil {
		if !l.missed[src] && l.lock.covers(path.Base(filepath.ToSlash(l.in.Path))) {
			l.missed[src] = true
			d.errorf(diag.LibraryLock, span, "library %q is not in %s", src, LockName).help("run %s", l.relock())
		}
		return open()
	}
	if entry.Vendored != "" {
		again = "stackc library vendor " + l.in.Path
		name := entry.Vendored
		if !path.IsAbs(name) {
			name = path.Join(l.dir(), name)
		}
		open = func() *source.File {
			f, err := l.in.Opener.Open(name)
			if err != nil {
				l.unlike[src] = true
				d.errorf(diag.LibraryLock, span, "the vendored copy of library %q cannot be read: %s", src, notFound(name, err).Message).
					help("run %s to copy it anew", again)
			}
			return f
		}
	}
	file := open()
	if file == nil || Sum(file) == entry.SHA256 {
		return file
	}
	l.unlike[src] = true
	if entry.Vendored != "" {
		d.errorf(diag.LibraryLock, span, "the vendored copy of library %q is not what was copied: its sha256 differs from that in %s", src, LockName).
			note(file.Span(0, 0), "the copy").help("take back what was changed in it, or run %s to copy the library anew", again)
	} else {
		d.errorf(diag.LibraryLock, span, "library %q has changed since it was locked: its sha256 differs from that in %s", src, LockName).
			note(file.Span(0, 0), "the library").help("look at what has changed; %s takes it as it is now", again)
	}
	return nil
}

// relock is the command that brings the lock file up to date.
func (l *loader) relock() string {
	for _, e := range l.lock.Libraries {
		if e.Vendored != "" {
			return "stackc library vendor " + l.in.Path
		}
	}
	return "stackc library lock " + l.in.Path
}
