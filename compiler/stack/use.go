package stack

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units/pattern"
)

// Use is one `use` entry: the library that a thing came from, and who used it.
type Use struct {
	Library string
	Span    source.Span
	Parent  *Use
	// Prefix stands before the name of every unit that came in by the use, those of
	// the uses around it included.
	Prefix string
	// Declared is what the library says of itself, nil when it says nothing.
	Declared *Declared
	// Source names the file for the lock: "std:NAME", or a path seen from the folder
	// of the stack file.
	Source string
	// File is what the library was read from: the source itself, or a vendored copy.
	File *source.File

	versions *semver.Constraints // what the entry asks for, nil for any
	wants    Word                // the same as it is written
	also     []*Use              // entries with the same parameters: the library is in once
}

// parents are the files that use the library: nil is the stack file.
func (u *Use) parents() []*Use {
	list := make([]*Use, 1, 1+len(u.also))
	list[0] = u.Parent
	for _, other := range u.also {
		list = append(list, other.Parent)
	}
	return list
}

// uses reports whether the file that came in by user has brought in, directly
// or not, the file that came in by used.
func uses(user, used *Use) bool {
	return used != nil && slices.ContainsFunc(used.parents(), func(p *Use) bool { return p == user || uses(user, p) })
}

// prefix returns what stands before the names of units of the file that came in by u.
func (u *Use) prefix() string {
	if u == nil {
		return ""
	}
	return u.Prefix
}

// exports reports whether the library lets those who use it name the unit or host
// entry of that key in the whole stack.
func (u *Use) exports(key string) bool {
	return u.Declared.Exported(key) || u.Declared.Exported(strings.TrimPrefix(key, u.Prefix))
}

// sees reports whether the file that came in by viewer may name a thing of the
// file that came in by owner: a library what its users have, a file what the
// libraries between the two export.
func sees(viewer, owner *Use, key string) bool {
	if owner == nil || viewer == owner || uses(owner, viewer) {
		return true
	}
	return owner.exports(key) && slices.ContainsFunc(owner.parents(), func(p *Use) bool { return sees(viewer, p, key) })
}

// hider returns the library that keeps a thing of owner from viewer.
func hider(viewer, owner *Use, key string) *Use {
	for owner.exports(key) {
		owner = owner.Parent
	}
	return owner
}

// notExported reports that the file of d names what a library keeps to itself.
func notExported(u *Use, key string) (message, help string) {
	message = "library " + quote(u.Library) + " keeps " + quote(key) + " to itself"
	var names []string
	for _, w := range u.Declared.Exports {
		names = append(names, u.Prefix+w.Value)
	}
	if len(names) == 0 {
		return message, "it exports nothing; the library's author can list the name under exports"
	}
	return message, "it exports " + oneOf(names)
}

var prefixPattern = pattern.New(`^[A-Za-z0-9:_.-]+$`)

// prefixWord reads the prefix of a use entry.
func (d *decoder) prefixWord(w Word) string {
	if w.Value != "" && !prefixPattern().MatchString(w.Value) {
		d.errorf(diag.BadValue, w.Pos.Span, "%q cannot begin the name of a unit", w.Value).help(`use letters, digits, : _ . and -, like "blue-"`)
		return ""
	}
	return w.Value
}

// fits reports whether the library is one that the use entry takes, which d reads,
// and no other version of what the stack has already.
func (l *loader) fits(d *decoder, u *Use) bool {
	lib := u.Declared
	if u.versions != nil && lib == nil {
		d.errorf(diag.LibraryVersion, u.wants.Pos.Span, "library %q does not say its version, and the entry wants %s", u.Library, u.wants.Value).
			help("add [library] with a version to it, or leave the constraint out")
		return false
	}
	if lib == nil || lib.parsed == nil {
		return true
	}
	other := l.named[lib.Name]
	if other == nil {
		l.named[lib.Name] = u // even one that does not fit: it is not missing as well
	}
	if u.versions != nil {
		if ok, why := u.versions.Validate(lib.parsed); !ok {
			d.errorf(diag.LibraryVersion, u.wants.Pos.Span, "library %q has version %s, and the entry wants %s: %s", u.Library, lib.Version.Value, u.wants.Value, lowered(why[0])).
				note(lib.Version.Pos.Span, "the version").help("%s", l.versionHelp(u))
			return false
		}
	}
	if other == nil {
		return true
	}
	if other.Declared.Version.Value != lib.Version.Value {
		d.errorf(diag.LibraryVersion, u.Span, "library %q is here in version %s, and in version %s elsewhere", lib.Name, lib.Version.Value, other.Declared.Version.Value).
			note(other.Span, "version "+other.Declared.Version.Value+" is used here").
			note(lib.Version.Pos.Span, "the version here").note(other.Declared.Version.Pos.Span, "the version elsewhere").
			help("let both use the same one")
		return false
	}
	if other.Source != u.Source && other.File.Text() != u.File.Text() {
		d.errorf(diag.LibraryVersion, u.Span, "library %q in version %s is not the same in %q and %q", lib.Name, lib.Version.Value, u.Source, other.Source).
			note(other.Span, "used here first").help("let both use the same file")
		return false
	}
	return true
}

// versionHelp says where another version may come from.
func (l *loader) versionHelp(u *Use) string {
	if u.File.Name() != u.Source && l.lock.vendored(u.Source) {
		return "the file is a vendored copy; stackc library vendor " + l.in.Path + " takes the source anew"
	}
	return "use a library of such a version, or change what the entry wants"
}
