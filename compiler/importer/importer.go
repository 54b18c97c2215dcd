// Package importer makes a stack file of unit files: one that compiles to the
// same options in the same order, so that fleet sees the units it already has.
// It is pure: texts come in, a text and findings go out.
package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/cloudconfig"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/format"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

// File is one unit as it is found on a disk or in a cluster.
type File struct {
	// Path is what messages call the file.
	Path string
	Name string
	Text string
	// State is what fleet is asked for; "" is launched, and inactive for a template.
	State units.State

	in   *embedded // the file that the text stands in, when that holds more
	head []string  // comments to put before the unit
}

// Request is what is to be imported.
type Request struct {
	// Stack is the name of the stack.
	Stack string
	Files []File
	// Configs are cloud-configs. Units in them that fleet can have are imported; of
	// the others the stack tells as of units of the hosts.
	Configs []*cloudconfig.Config
	// Idiomatic asks for stackc's words in place of systemd's where they say the
	// same or better. Units then change, as the Lifts of the Result list.
	Idiomatic bool
}

// Result is an imported stack.
type Result struct {
	// Text is the stack file; it compiles, and has no units when none could be kept.
	Text string
	// Units are the names of the units in it, in their order.
	Units []units.Name
	// Verbatim counts those that are kept as their text.
	Verbatim int
	// Hosts counts the units that cloud-configs leave to the hosts.
	Hosts int
	// Lifts are what an idiomatic import says in stackc's words, and Left what it does
	// not, each in the order of places.
	Lifts []Lift
	Left  []Left
	// Findings tell what is wrong with the files, at their lines. What is an error in
	// a stack is a warning here; an error is a unit that had to be left out.
	Findings diag.List
}

// rounds bounds how often the stack is compiled on the way to one that is right. Every
// round but the last adds an allowance, gives up tables or leaves out a unit, mostly for all units at once.
const rounds = 50

// stackPath is the name of the text on its way through the compiler.
const stackPath = "stack.toml"

// Import makes a stack of units.
func Import(r Request) Result {
	i := &importer{stack: r.Stack, keys: map[string]*unit{}}
	for _, f := range slices.Concat(r.Files, i.takeConfigs(r.Configs)) {
		i.take(f)
	}
	i.nameHosts()
	i.judge()
	left := rounds
	if r.Idiomatic {
		left += i.idiomatic()
	}
	for range left {
		text := i.text()
		if i.settled(compiler.Compile(stackPath, compiler.Options{Opener: source.Map{stackPath: text}})) {
			return i.result(text)
		}
	}
	i.appease(nil, diag.Diagnostic{Code: diag.Internal, Message: "the stack does not come to rest; please report it with the files"})
	return i.result(i.text())
}

// text is the stack file in the common style.
func (i *importer) text() string {
	text, _ := i.write()
	styled, _ := format.Format(source.NewFile(stackPath, text))
	return string(styled)
}

type importer struct {
	stack    string
	units    []*unit
	keys     map[string]*unit
	hosts    []host
	notes    []string // comments at the head of the stack
	findings diag.List

	// The stack's own words, of an idiomatic import.
	idiomatics bool
	roles      []role
	addresses  map[string]string     // of roles
	ready      map[string]*readiness // of units and host entries, by key
	outside    []outside
	found      map[subject][]node // what brings about what loops wait for
	left       []Left
}

// take reads one file, and leaves it out when fleet would not have it.
func (i *importer) take(f File) {
	u := newUnit(f)
	name, err := units.ParseName(f.Name)
	if err != nil {
		i.leaveOut(u, diag.UnitName, err.Error())
		return
	}
	if other := i.keys[keyOf(name)]; other != nil {
		i.leaveOut(u, diag.DuplicateUnit, fmt.Sprintf("%s is imported from %s already", name, other.file.Path))
		return
	}
	u.name, u.key = name, keyOf(name)
	code, reason := u.read()
	i.findings.Add(u.findings...)
	if reason != "" {
		i.leaveOut(u, code, reason)
		return
	}
	i.units = append(i.units, u)
	i.keys[u.key] = u
}

// leaveOut tells why a unit is not in the stack.
func (i *importer) leaveOut(u *unit, code diag.Code, reason string) {
	i.findings.Add(diag.Diagnostic{
		Severity: diag.Error, Code: code, Span: u.top(),
		Message: fmt.Sprintf("%s is left out: %s", u.file.Name, reason),
	})
}

// keyOf is the key of a unit in a stack: the name, without the suffix that is added
// anyway. With a further dot in it the whole name is clearer, and never taken for
// a mistyped suffix.
func keyOf(name units.Name) string {
	if key := strings.TrimSuffix(string(name), ".service"); !strings.Contains(key, ".") && units.Complete(key) == string(name) {
		return key
	}
	return string(name)
}

// settled looks at what the stack compiles to. When that is not yet what was
// imported it changes how units are written, and reports false.
func (i *importer) settled(result *compiler.Result, findings diag.List) bool {
	settled, changed := true, map[*unit]bool{}
	for _, d := range findings {
		if d.Severity != diag.Error {
			continue
		}
		settled = false
		u := i.unitOf(d.Path)
		if changed[u] {
			continue
		}
		switch i.giveUp(u, d) {
		case gaveUpOne:
			changed[u] = true
		case gaveUpMany: // what else is said counts words that are no longer there
			return false
		default:
			changed[u] = i.appease(u, d)
		}
	}
	if !settled || result.Set == nil {
		return false
	}
	for _, u := range slices.Clone(i.units) {
		compiled, _ := result.Set.Lookup(u.name)
		switch {
		case u.idiom != nil:
			if i.asksElsewhere(u, compiled) {
				settled = false
			} else if !i.agrees(u, compiled, result) {
				i.asItWas(u, 0, "in stackc's words it would be another unit")
				settled = false
			}
		case !units.Equal(compiled.Options, u.want):
			i.appease(u, diag.Diagnostic{Code: diag.UnitText, Message: "it does not compile to what it was"})
			settled = false
		}
	}
	return settled
}

// appease changes how a unit is written so that the compiler takes it: what may be
// allowed is allowed, else its text is kept, else it is left out. It reports
// whether the unit is another now, so that further findings say nothing about it.
func (i *importer) appease(u *unit, d diag.Diagnostic) bool {
	switch {
	case u == nil: // the stack as a whole is at fault: no unit can be blamed
		i.units = nil
		i.findings.Add(diag.Diagnostic{Severity: diag.Error, Code: d.Code, Message: "nothing is imported: " + d.Message})
	case diag.Allowable(d.Code):
		if !slices.Contains(u.allow, string(d.Code)) {
			u.allow = append(u.allow, string(d.Code))
			slices.Sort(u.allow)
		}
		return false
	case u.tables:
		if u.tables, u.allow = false, nil; i.idiomatics {
			i.keepText(u, u.lineOfPath(d.Path), d.Message)
		}
	default:
		i.units = slices.DeleteFunc(i.units, func(other *unit) bool { return other == u })
		i.left = slices.DeleteFunc(i.left, func(l Left) bool { return l.Unit == u.name })
		i.leaveOut(u, d.Code, d.Message)
	}
	return true
}

// unitOf returns the unit that a logical path is about, of several the one with
// the longest key.
func (i *importer) unitOf(path string) *unit {
	rest, ok := strings.CutPrefix(path, "unit.")
	if !ok {
		return nil
	}
	for end := len(rest); end > 0; end = strings.LastIndexAny(rest[:end], ".[") {
		if u := i.keys[rest[:end]]; u != nil {
			return u
		}
	}
	return nil
}

func (i *importer) result(text string) Result {
	r := Result{Text: text, Findings: i.findings.Canonical(), Lifts: i.lifted(), Left: i.left}
	slices.SortStableFunc(r.Left, func(a, b Left) int { return byPlace(a.Place, b.Place) })
	for _, h := range i.hosts {
		if len(h.notes) > 0 {
			r.Hosts++
		}
	}
	for _, u := range i.units {
		r.Units = append(r.Units, u.name)
		if u.verbatim() {
			r.Verbatim++
		}
	}
	return r
}
