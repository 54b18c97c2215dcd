package stack

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// Input is what a stack is loaded from.
type Input struct {
	Path   string
	Opener source.Opener
	// Std may be nil: then there are no libraries but those on a path.
	Std Library
	// Settings are parameter values from outside, the last one winning.
	Settings []Setting
	// Overlays are the paths of files that are laid over the stack, the last one
	// winning. Settings win over the values that they give.
	Overlays []string
	// Alone is for a library that is looked at without a stack: what it needs is
	// taken to be there, and parameters that must be given have some value.
	Alone bool
	// Unlocked takes the libraries as they are now, whatever the lock file says.
	Unlocked bool
}

// Load reads the stack file at in.Path with everything that it uses. The Stack
// is nil only when the file cannot be read at all; with errors in the list it
// holds what could be understood, so that later checks may go on.
func Load(in Input) (*Stack, diag.List) {
	var findings diag.List
	l := &loader{
		in:       in,
		findings: &findings,
		used:     map[string]*Use{},
		named:    map[string]*Use{},
		from:     map[*Unit]*Use{},
		hostFrom: map[*Host][]*Use{},
		roleFrom: map[*Role][]*Use{},

		machineFrom: map[*Machine]*Use{},
		fileFrom:    map[*HostFile]*Use{},
		doubled:     map[[2]*Use]bool{},
		missed:      map[string]bool{},
		unlike:      map[string]bool{},
		agreement:   agreement{said: map[string][]saying{}},
		stack: &Stack{
			Mark:  true,
			roles: map[string]*Role{}, hosts: map[string]*Host{}, units: map[string]*Unit{},
			machines: map[string]*Machine{}, files: map[string]*HostFile{},
		},
	}
	l.facts = &facts{stack: l.stack, alone: in.Alone, asked: map[string]Pos{}}
	file, err := in.Opener.Open(in.Path)
	if err != nil {
		findings.Add(notFound(in.Path, err))
		return nil, findings
	}
	l.layers(file)
	return l.stack, findings
}

func notFound(name string, err error) diag.Diagnostic {
	why := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		why = fmt.Sprintf("there is no file %q", name)
	}
	return diag.Diagnostic{Severity: diag.Error, Code: diag.FileNotFound, Message: why}
}

// loader collects the layers of a stack: libraries first, then the stack file,
// overlays last.
type loader struct {
	in       Input
	findings *diag.List
	stack    *Stack
	used     map[string]*Use // library and parameters that are already in
	named    map[string]*Use // libraries that say their version, by their names
	open     []string        // paths of the files being loaded, outermost first
	overlaid bool            // an overlay is being laid over the rest
	overlays []overlay       // those that could be read
	facts    *facts
	partUses []partUse

	agreement agreement

	born     []*Unit          // every unit that a file gave, be it removed later
	from     map[*Unit]*Use   // which file first gave a unit
	hostFrom map[*Host][]*Use // the libraries that share a host entry
	roleFrom map[*Role][]*Use

	machineFrom map[*Machine]*Use  // which file first gave a machine
	fileFrom    map[*HostFile]*Use // and a file of the hosts
	doubled     map[[2]*Use]bool   // uses that bring the same unit, which is reported

	lost     bool // a library could not be read, which is reported
	lock     *Lock
	lockRead bool
	missed   map[string]bool // sources that the lock does not have, which is reported
	unlike   map[string]bool // sources that are not what the lock has, which is reported
}

// file loads one file as a layer over what the stack holds. It returns what names
// mean in it, nil when the file is no TOML.
// of is the decoder of the use entry that names the file, nil for the stack file.
func (l *loader) file(file *source.File, use *Use, settings []Setting, of *decoder) *scope {
	tree, findings := syntax.Parse(file)
	l.findings.Add(findings...)
	if tree == nil || findings.HasErrors() {
		l.lost = true
		return nil
	}
	d := &decoder{scope: &scope{use: use}, findings: l.findings}
	tree = d.onlyKeys(tree, "a stack file", topWords().Names())
	l.header(d, file, tree)
	if l.declaration(d, tree); use != nil && !l.fits(of, use) {
		l.lost = true
		return nil
	}
	l.params(d, tree, settings)
	d.scope.facts = l.facts
	l.network(d, tree)
	l.machines(d, tree)
	if use == nil {
		l.overlaidInventory(d.scope)
	}
	l.libraries(d, tree)
	l.layer(d, tree)
	return d.scope
}

// layer reads what the stack is made of, of which an overlay may say something again.
func (l *loader) layer(d *decoder, tree *syntax.Table) {
	l.roles(d, tree)
	l.hosts(d, tree)
	l.units(d, tree)
	l.files(d, tree)
	l.bootstrap(d, tree)
	l.checks(d, tree)
	l.mirror(d, tree)
	l.pxe(d, tree)
}
