package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
)

// locked is the JSON form of what lock and vendor have done.
type locked struct {
	Lock      string         `json:"lock"`
	Libraries []lockedEntry  `json:"libraries"`
	Findings  []diag.Finding `json:"findings"`
}

// lockedEntry is one library of a lock file.
type lockedEntry struct {
	Source   string   `json:"source"`
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	SHA256   string   `json:"sha256"`
	Vendored string   `json:"vendored,omitempty"`
	Stacks   []string `json:"stacks"`
}

// locking is a lock file on its way to a new content.
type locking struct {
	folder string // of the stack files and the lock
	names  []string
	old    *stack.Lock
	fresh  *stack.Lock
	// texts are the vendored copies by their paths, seen from the folder.
	texts map[string]string
	// written are the copies that were not there so.
	written map[string]bool
}

func (p *program) lockLibraries(o *libraryWork, args []string) error {
	k, findings, err := p.startLocking(o, "lock", args, "")
	if err != nil || findings.HasErrors() {
		return p.unlockable(o, findings, err)
	}
	if i := slices.IndexFunc(lockedOf(k.old), func(l stack.Locked) bool { return l.Vendored != "" }); i >= 0 {
		return misuse("stackc library vendor "+strings.Join(args, " ")+" copies them anew; without "+stack.LockName+" they are no copies any more",
			"the libraries here are vendored, and lock would lose the copies")
	}
	return p.finishLocking(o, k)
}

func (p *program) vendorLibraries(o *libraryWork, args []string) error {
	k, findings, err := p.startLocking(o, "vendor", args, o.dir)
	if err != nil || findings.HasErrors() {
		return p.unlockable(o, findings, err)
	}
	return p.finishLocking(o, k)
}

// unlockable tells why nothing was locked.
func (p *program) unlockable(o *libraryWork, findings diag.List, err error) error {
	if err != nil {
		return err
	}
	if o.form.isJSON() {
		err = p.json(locked{Libraries: []lockedEntry{}, Findings: diag.Findings(findings)})
	} else {
		o.in.show(p.console, findings)
	}
	if err != nil {
		return err
	}
	return exitWith(exitError)
}

// startLocking reads the libraries of stack files of one folder as they are now.
// With a verb of vendor each gets a copy in dir.
func (p *program) startLocking(o *libraryWork, verb string, args []string, dir string) (*locking, diag.List, error) {
	k := &locking{folder: filepath.Dir(args[0]), fresh: &stack.Lock{}, texts: map[string]string{}, written: map[string]bool{}}
	var findings diag.List
	var all []compiler.Library
	stacksOf := map[string][]string{}
	for _, file := range args {
		if file == "-" {
			return nil, nil, misuse("give the path of the stack file", "library %s takes no standard input: a lock stands beside the stack file", verb)
		}
		if filepath.Dir(file) != k.folder {
			return nil, nil, misuse("call it once for each folder", "a lock is for stack files of one folder, and %s is not in %s", file, k.folder)
		}
		k.names = append(k.names, filepath.Base(file))
		options := o.options(p.console, nil)
		options.Unlocked = true
		list, _, found := compiler.Libraries(file, options)
		findings.Add(found...)
		for _, l := range list {
			if stacksOf[l.Source] = append(stacksOf[l.Source], filepath.Base(file)); len(stacksOf[l.Source]) == 1 {
				all = append(all, l)
			}
		}
	}
	old, found := stack.ReadLock(opener{}, filepath.ToSlash(k.folder))
	findings.Add(found...)
	if findings.HasErrors() {
		return nil, findings.Canonical(), nil
	}
	k.old = old
	folder, err := k.vendorFolder(verb, dir)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range all {
		e := stack.Locked{Source: l.Source, Name: l.Name(), Version: l.Version(), SHA256: stack.Sum(l.File), Stacks: stacksOf[l.Source]}
		if folder != "" {
			e.Vendored = path.Join(folder, copyName(e))
			k.texts[e.Vendored] = l.File.Text()
		}
		k.fresh.Libraries = append(k.fresh.Libraries, e)
	}
	k.keepOthers()
	return k, findings, nil
}

// vendorFolder is where copies go, seen from the folder of the lock: as asked for,
// or where they are, or a folder called vendor.
func (k *locking) vendorFolder(verb, dir string) (string, error) {
	if verb != "vendor" {
		return "", nil
	}
	if dir != "" {
		rel, err := filepath.Rel(k.folder, dir)
		if err != nil { // one is absolute and the other is not
			rel, err = filepath.Abs(dir)
		}
		return filepath.ToSlash(rel), err
	}
	if old := k.old; old != nil {
		for _, l := range old.Libraries {
			if l.Vendored != "" {
				return path.Dir(l.Vendored), nil
			}
		}
	}
	return "vendor", nil
}

// copyName is the name of a vendored copy: another content has another name, so
// that a new copy never stands in the place of one that a lock file means.
func copyName(l stack.Locked) string {
	name := strings.NewReplacer("/", "-", ":", "-", `\`, "-").Replace(l.Name)
	if l.Version != "" {
		name += "-" + l.Version
	}
	return name + "-" + l.SHA256[:8] + ".toml"
}

// keepOthers takes over what the lock has for stack files that were not given.
func (k *locking) keepOthers() {
	if k.old == nil {
		return
	}
	for _, l := range k.old.Libraries {
		others := slices.DeleteFunc(slices.Clone(l.Stacks), func(s string) bool { return slices.Contains(k.names, s) })
		if len(others) == 0 {
			continue
		}
		if e := k.fresh.Find(l.Source); e != nil {
			e.Stacks = append(slices.Clone(e.Stacks), others...)
			continue
		}
		l.Stacks = others
		k.fresh.Libraries = append(k.fresh.Libraries, l)
	}
}

func lockedOf(k *stack.Lock) []stack.Locked {
	if k == nil {
		return nil
	}
	return k.Libraries
}

// write puts copies in their places, then the lock, then removes the copies that
// only the old lock meant. Whenever it is stopped, the lock that is there means
// copies that are there.
func (k *locking) write() error {
	for _, name := range slices.Sorted(maps.Keys(k.texts)) {
		file := k.at(name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		before, err := os.ReadFile(file)
		k.written[name] = err != nil || string(before) != k.texts[name]
		if err := writeIfChanged(file, k.texts[name]); err != nil {
			return err
		}
	}
	lock := filepath.Join(k.folder, stack.LockName)
	if len(k.fresh.Libraries) == 0 {
		if err := os.Remove(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	} else if err := writeIfChanged(lock, k.fresh.Text()); err != nil {
		return err
	}
	for _, l := range lockedOf(k.old) {
		kept := slices.ContainsFunc(k.fresh.Libraries, func(f stack.Locked) bool { return f.Vendored == l.Vendored })
		if l.Vendored == "" || kept {
			continue
		}
		if err := os.Remove(k.at(l.Vendored)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (k *locking) at(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(k.folder, filepath.FromSlash(name))
}

// finishLocking writes the lock and tells of it.
func (p *program) finishLocking(o *libraryWork, k *locking) error {
	if err := k.write(); err != nil {
		return err
	}
	done := locked{Lock: filepath.Join(k.folder, stack.LockName), Libraries: []lockedEntry{}, Findings: []diag.Finding{}}
	for _, l := range k.fresh.Libraries {
		if slices.ContainsFunc(l.Stacks, func(s string) bool { return slices.Contains(k.names, s) }) {
			done.Libraries = append(done.Libraries, lockedEntry(l))
		}
	}
	if o.form.isJSON() {
		return p.json(done)
	}
	if len(done.Libraries) == 0 {
		return p.printf("%s: no library to lock\n", strings.Join(k.names, ", "))
	}
	for _, l := range done.Libraries {
		if err := p.printf("%s\n", k.change(l)); err != nil {
			return err
		}
	}
	return p.printf("%s: %s\n", done.Lock, plural(len(done.Libraries), "library", "libraries"))
}

// change says what the lock has now for a library, and had before.
func (k *locking) change(l lockedEntry) string {
	text := strings.TrimSpace(l.Source + " " + l.Version)
	if l.Vendored != "" {
		text += " in " + l.Vendored
	}
	old := k.old.Find(l.Source)
	switch {
	case old == nil:
		return "new      " + text
	case old.SHA256 == l.SHA256 && l.Vendored != "" && old.Vendored == l.Vendored && k.written[l.Vendored]:
		return "restored " + text
	case old.SHA256 == l.SHA256:
		return "same     " + text
	case old.Version != l.Version:
		return "changed  " + text + ", was " + old.Version
	}
	return "changed  " + text
}
