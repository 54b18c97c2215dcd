// Package cases runs the cases that a library ships: a stack that uses it, or
// values for its parameters, and the units or findings that must come of them.
//
// A case is one txtar archive. Its files are
//
//	stack.toml    a stack that uses the library, by a path seen from the archive's folder
//	params.toml   values for parameters: of stack.toml, or without one of the library itself
//	overlay.toml  an overlay over the stack
//	findings      what the compiler is to say, in its short form; of files outside of
//	              the archive without line and column
//	units/NAME    a unit that must come out; all of them must be there
//
// and whatever else the stack names. The text before the first file says what the
// case shows.
package cases

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// The files of an archive that mean something by their names.
const (
	stackFile   = "stack.toml"
	paramsFile  = "params.toml"
	overlayFile = "overlay.toml"
	findings    = "findings"
	unitsDir    = "units/"
)

// Case is one case of a library.
type Case struct {
	// Library is the path of the library, seen from the archive's folder.
	Library string
	Archive *txtar.Archive
	// Disk opens paths seen from the archive's folder.
	Disk source.Opener
	Std  stack.Library
}

// Difference is a file that is not what the case says: Want is "" for one that is
// not expected, Got for one that does not come.
type Difference struct {
	File string `json:"file"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Result is what came of a case.
type Result struct {
	// Reason says in a few words why the case fails, "" when it does not.
	Reason      string
	Differences []Difference

	got map[string]string
}

// Find returns the archives of the library at path, in files, by their order: those of
// web.toml are tests/web/*.txtar beside it.
func Find(files fs.FS, library string) ([]string, error) {
	name := strings.TrimSuffix(path.Base(library), path.Ext(library))
	return fs.Glob(files, path.Join(path.Dir(library), "tests", name, "*.txtar"))
}

// Seen returns the path of a library as seen from the folder of its cases.
func Seen(library string) string { return "../../" + path.Base(library) }

// Run compiles the case and holds what comes out against what it says.
func (c Case) Run() Result {
	files, want := source.Map{}, map[string]string{}
	for _, f := range c.Archive.Files {
		if expected(f.Name) {
			want[f.Name] = string(f.Data)
		} else {
			files[f.Name] = string(f.Data)
		}
	}
	got := c.compile(files)
	r := Result{got: got}
	if len(want) == 0 {
		r.Reason = "it says neither units nor findings"
		return r
	}
	for _, name := range slices.SortedFunc(maps.Keys(joined(want, got)), byName) {
		if want[name] != got[name] {
			r.Differences = append(r.Differences, Difference{File: name, Want: want[name], Got: got[name]})
		}
	}
	if len(r.Differences) > 0 {
		r.Reason = reason(r.Differences, want, got)
	}
	return r
}

func reason(list []Difference, want, got map[string]string) string {
	words := make([]string, len(list))
	for i, d := range list {
		_, wanted := want[d.File]
		_, came := got[d.File]
		switch {
		case !came:
			words[i] = fmt.Sprintf("%s does not come", d.File)
		case !wanted:
			words[i] = fmt.Sprintf("%s is not expected", d.File)
		default:
			words[i] = d.File + " differs"
		}
	}
	if len(words) > 3 {
		words = append(words[:2], fmt.Sprintf("and %d more", len(list)-2))
	}
	return strings.Join(words, ", ")
}

// expected reports whether a file of an archive says what must come out.
func expected(name string) bool { return name == findings || strings.HasPrefix(name, unitsDir) }

// byName puts findings before units.
func byName(a, b string) int {
	return cmp.Or(strings.Compare(path.Dir(a), path.Dir(b)), strings.Compare(a, b))
}

func joined(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// places finds where a finding is, and its notes are. Lines of the library itself
// are left out of what a case expects: they change with every edit of it.
var places = pattern.New(`(?m)^( *\S+):\d+:\d+: `)

// compile gives what comes out, under the names that an archive has for it.
func (c Case) compile(files source.Map) map[string]string {
	path, o := c.Library, compiler.Options{Opener: opener{files, c.Disk}, Std: c.Std}
	if _, ok := files[stackFile]; ok {
		path = stackFile
	}
	if _, ok := files[overlayFile]; ok {
		o.Overlays = []string{overlayFile}
	}
	values, list := settings(files)
	o.Settings = values
	result := &compiler.Result{}
	if !list.HasErrors() {
		result, list = compiler.Compile(path, o)
	}
	got := map[string]string{}
	if len(list) > 0 {
		got[findings] = places().ReplaceAllStringFunc(diag.Short(list), func(at string) string {
			name := places().FindStringSubmatch(at)[1]
			if _, own := files[strings.TrimSpace(name)]; own {
				return at
			}
			return name + ": "
		})
	}
	if result.Set != nil {
		for _, u := range result.Set.Units {
			got[unitsDir+string(u.Name)] = text(u)
		}
	}
	return got
}

// text is a unit as it goes to fleet, below its desired state when that is not
// the usual one.
func text(u units.Unit) string {
	if u.Desired != units.Launched {
		return fmt.Sprintf("# %s\n%s", u.Desired, u.Text())
	}
	return u.Text()
}

// settings reads params.toml.
func settings(files source.Map) ([]stack.Setting, diag.List) {
	f, err := files.Open(paramsFile)
	if err != nil {
		return nil, nil
	}
	tree, list := syntax.Parse(f)
	if tree == nil || list.HasErrors() {
		return nil, list
	}
	var values []stack.Setting
	for _, e := range tree.Entries {
		values = append(values, stack.Setting{Name: e.Key, Span: e.KeySpan, Value: e.Value})
	}
	return values, list
}

// opener opens files of the archive, then those beside it. A lock is only for
// stacks that are kept.
type opener struct {
	archive source.Map
	disk    source.Opener
}

// Open implements source.Opener.
func (o opener) Open(name string) (*source.File, error) {
	if f, err := o.archive.Open(name); err == nil {
		return f, nil
	}
	if name == stack.LockName {
		return nil, fs.ErrNotExist
	}
	return o.disk.Open(name)
}

// Update returns the archive with what came out as what must.
func (c Case) Update(r Result) *txtar.Archive {
	a := &txtar.Archive{Comment: c.Archive.Comment}
	for _, f := range c.Archive.Files {
		if !expected(f.Name) {
			a.Files = append(a.Files, f)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.got), byName) {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(r.got[name])})
	}
	return a
}
