package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/stackc/stackc/cmd/stackc/review"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

// clusterWord names the cluster where a side of a comparison is asked for.
const clusterWord = "cluster"

// sideWords are what holds for one side of a comparison alone.
type sideWords struct {
	which    string // "old" or "new"
	settings settings
	overlays paths
}

// side is one side of a comparison, read.
type side struct {
	review.Side
	result   *compiler.Result // nil unless it is a stack file
	findings diag.List
	cluster  bool
}

// readSide reads one side that is no cluster: a stack file, a folder of unit files,
// a saved plan, or one of them in a git revision. missing says that a file that is not there
// stands for no units.
func (p *program) readSide(ctx context.Context, in *input, word string, missing bool) (side, error) {
	files, name := p.filesOf(ctx, word)
	folder, err := files.isDir(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && missing:
		return p.absentSide(ctx, in, files, name, word)
	case err != nil:
		return side{}, err
	case folder:
		return p.unitSide(files, name, word)
	case strings.HasSuffix(name, ".json"):
		return planSide(files, name, word)
	}
	result, findings := in.compileFrom(files, p.console, name)
	if findings.HasErrors() {
		return side{findings: findings}, nil
	}
	s := side{result: result, findings: findings}
	s.Source = review.Source{Kind: "stack", Name: word}
	s.Set = result.Set
	s.Locate = func(unit units.Name, index int) *review.Place { return locate(result, unit, index) }
	return s, nil
}

// absentSide stands for a file that a revision does not have: the one that it was there
// before git saw it renamed, or else no units, and then it is said how to name another.
func (p *program) absentSide(ctx context.Context, in *input, files files, name, word string) (side, error) {
	g, ok := files.(gitFiles)
	if !ok {
		return emptySide(word), nil
	}
	if old := g.renamed(name); old != "" {
		p.remark("note: git says that %s was %s in %s", name, old, g.revision)
		return p.readSide(ctx, in, "git:"+g.revision+":"+old, false)
	}
	p.remark("%s is not there: the file is compared with nothing", word)
	named := shellWord("git:" + g.revision + ":NAME")
	p.remark(" help: if it had another name there: stackc diff %s %s, or stackc check --baseline %[1]s %[2]s", named, shellWord(name))
	return emptySide(word), nil
}

// planSide reads a saved plan: the units as it leaves them.
func planSide(from files, name, word string) (side, error) {
	file, err := from.Open(name)
	if err != nil {
		return side{}, err
	}
	saved, err := fleet.DecodePlan([]byte(file.Text()))
	if err != nil {
		return side{}, fmt.Errorf("%s: %w", word, err)
	}
	var list []units.Unit
	for _, u := range saved.Plan.Units {
		if len(u.Content) == 0 {
			continue
		}
		unit := units.Unit{Name: u.Unit, Desired: u.To, Group: u.Group}
		for _, o := range u.Content {
			unit.Options = append(unit.Options, units.Option(o))
		}
		for _, w := range u.Waits {
			unit.Waits = append(unit.Waits, units.Wait(w))
		}
		list = append(list, unit)
	}
	var s side
	s.Source = review.Source{Kind: "plan", Name: word}
	s.Set = units.NewSet(saved.Plan.Stack, list)
	return s, nil
}

func emptySide(word string) side {
	var s side
	s.Source = review.Source{Kind: "stack", Name: word}
	s.Set = units.NewSet("", nil)
	return s
}

// files is where a side is read from.
type files interface {
	source.Opener
	isDir(name string) (bool, error)
	list(dir string) ([]string, error)
}

// filesOf tells where the files of a side are: "git:REV:PATH" is in a revision.
func (p *program) filesOf(ctx context.Context, word string) (files, string) {
	if rest, ok := strings.CutPrefix(word, "git:"); ok {
		if i := strings.LastIndexByte(rest, ':'); i > 0 {
			return gitFiles{ctx: ctx, revision: rest[:i]}, rest[i+1:]
		}
	}
	return opener{stdin: p.in}, word
}

func (o opener) isDir(name string) (bool, error) {
	if name == "-" {
		return false, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return false, nil // the compiler tells of a file that is not there
	}
	return info.IsDir(), nil
}

func (o opener) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, filepath.Join(dir, e.Name()))
	}
	return names, nil
}

// unitSide reads the unit files of a folder. Each is to be launched, templates
// aside, which are only stored, unless the other side says otherwise.
func (p *program) unitSide(from files, dir, word string) (side, error) {
	names, err := from.list(dir)
	if err != nil {
		return side{}, err
	}
	var list []units.Unit
	places := map[units.Name]*units.File{}
	paths := map[units.Name]string{}
	for _, path := range names {
		name, err := units.ParseName(filepath.Base(path))
		if folder, _ := from.isDir(path); err != nil || folder {
			continue
		}
		file, err := from.Open(path)
		if err != nil {
			return side{}, err
		}
		parsed, faults := units.Parse(file.Text())
		for _, f := range faults {
			p.remark("%s:%s", path, f)
		}
		u := units.Unit{Name: name, Options: heldOf(file.Text(), parsed), Desired: units.Launched}
		if name.IsTemplate() {
			u.Desired = units.Inactive
		}
		list = append(list, u)
		places[name], paths[name] = parsed, path
	}
	if len(list) == 0 {
		return side{}, &failure{code: exitError, err: fmt.Errorf("there is no unit file in %s", word)}
	}
	var s side
	s.Source = review.Source{Kind: "units", Name: word}
	s.Set = compare.WithWaits(units.NewSet("", list))
	s.Locate = func(unit units.Name, index int) *review.Place {
		f := places[unit]
		switch {
		case f == nil:
			return nil
		case index < 0 || index >= len(f.Lines):
			return &review.Place{File: paths[unit], Line: 1, Column: 1}
		}
		return &review.Place{File: paths[unit], Line: f.Lines[index].Line, Column: f.Lines[index].Column}
	}
	return s, nil
}

// heldOf are the options of a unit file as fleet holds them, as long as these are
// those that systemd reads: a value over several lines keeps its lines in them, so
// that a unit that is sent as it is compares as the same.
func heldOf(text string, parsed *units.File) []units.Option {
	read := parsed.Options()
	held, err := units.ParseAsFleet(text)
	same := func(a, b units.Option) bool { return a.Section == b.Section && a.Name == b.Name }
	if err != nil || !slices.EqualFunc(held, read, same) {
		return read
	}
	return held
}

// statesOf gives the units of a folder the states that the other side has, for a
// folder does not tell any.
func (s *side) statesOf(other *units.Set) {
	if s.Source.Kind != "units" {
		return
	}
	list := slices.Clone(s.Set.Units)
	for i, u := range list {
		if same, ok := other.Lookup(u.Name); ok {
			list[i].Desired = same.Desired
		}
	}
	s.Set = units.NewSet(s.Set.Stack, list, s.Set.Addresses...)
}

// locate tells where in the stack file a line of a unit comes from.
func locate(r *compiler.Result, unit units.Name, index int) *review.Place {
	if index < 0 {
		node := r.Topology.ByName(unit)
		if node == nil {
			return nil
		}
		at := placeOf(node.Pos())
		return reviewPlace(at.File, at.Line, at.Column, nil)
	}
	origins := r.Origins[unit]
	if index >= len(origins) {
		return nil
	}
	at := placeOf(origins[index].Pos)
	var via []string
	for _, u := range at.Via {
		via = append(via, u.Library)
	}
	return reviewPlace(at.File, at.Line, at.Column, via)
}

func reviewPlace(file string, line, column int, via []string) *review.Place {
	if file == "" {
		return nil
	}
	return &review.Place{File: file, Line: line, Column: column, Via: via}
}

// sideFlags are --old-set and --old-overlay, or those of the new side.
func (w *sideWords) flags(which string) []cli.Flag {
	w.which = which
	return []cli.Flag{
		&cli.GenericFlag{Name: which + "-set", Value: &settingFlag{settings: &w.settings}, Usage: "as --set, for the " + which + " side alone: `NAME=VALUE` (repeatable)"},
		&cli.GenericFlag{Name: which + "-overlay", Value: &w.overlays, Usage: "as --overlay, for the " + which + " side alone: `FILE` (repeatable)"},
	}
}

// given is the flag that says something of this side, "" when none does.
func (w *sideWords) given() string {
	switch {
	case len(w.settings.given) > 0:
		return "--" + w.which + "-set"
	case len(w.overlays.given) > 0:
		return "--" + w.which + "-overlay"
	}
	return ""
}

// with gives what holds for both sides together with what holds for one.
func (in *input) with(w *sideWords) *input {
	both := *in
	both.settings = settings{given: append(append([]given{}, in.settings.given...), w.settings.given...)}
	both.overlays = paths{given: append(append([]string{}, in.overlays.given...), w.overlays.given...)}
	return &both
}
