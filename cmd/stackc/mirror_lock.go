package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stackc/stackc/cmd/stackc/mirror"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	mirrored "github.com/stackc/stackc/compiler/mirror"
	"github.com/stackc/stackc/compiler/source"
)

// What lock says of a file, besides the states of package mirror.
const (
	mirrorWritten = "written" // its sha256 is in the stack file now
	mirrorLeft    = "left"    // it could not be written there
)

// pinned is what lock has found out.
type pinned struct {
	file  string
	todo  []mirrored.File
	shown []view.MirrorFile
	sums  map[string]string // by the paths of files
	bad   int
}

// lockMirror writes the sha256 of every file that has none into the stack file: as
// the file is in a folder, or as its origin has it now.
func (p *program) lockMirror(ctx context.Context, o *mirrorWork, args []string) error {
	if args[0] == "-" {
		return misuse("give the path of the stack file", "mirror lock writes into the stack file, and takes no standard input")
	}
	files, result, findings, err := p.mirrorFiles(o, args[0])
	if err != nil {
		return err
	}
	l := &pinned{file: args[0], sums: map[string]string{}}
	for _, f := range files {
		if f.Loose() {
			l.todo = append(l.todo, f)
		}
	}
	where := ""
	if len(args) > 1 {
		where = args[1]
	}
	if err := p.findSums(ctx, o, l, where); err != nil {
		return err
	}
	if err := p.writeSums(o, l, result, files); err != nil {
		return err
	}
	return p.lockDone(o, l, files, findings)
}

// findSums reads the files whose sha256 the stack says nowhere.
func (p *program) findSums(ctx context.Context, o *mirrorWork, l *pinned, where string) error {
	var unknown []mirrored.File
	for _, f := range l.todo {
		if l.sums[f.Path] = f.SHA256; f.SHA256 == "" {
			unknown = append(unknown, f)
		}
	}
	watch := p.newMirrorWatch(o, unknown)
	watch.quiet = true // what is written is told in the end
	var results []mirror.Result
	if where == "" {
		client := mirror.NewClient()
		defer client.Close()
		results = client.CheckServer(ctx, wantsOf(unknown, func(f mirrored.File) string { return f.Origin }), o.parallel, watch)
	} else {
		dir, err := openFolder(where)
		if err != nil {
			watch.close()
			return err
		}
		defer dir.Close()
		results = mirror.CheckFolder(ctx, dir, wantsOf(unknown, nil), o.parallel, watch)
	}
	watch.close()
	if ctx.Err() != nil {
		return mirrorEnd(ctx, results, where, "")
	}
	open := 0
	for i, r := range results {
		if !r.State.Good() {
			l.bad++
			l.shown = append(l.shown, resultView(unknown[i], r))
			continue
		}
		l.sums[r.Path] = r.Sum
		if strings.HasPrefix(r.URL, "http://") {
			open++
		}
	}
	if open > 0 {
		p.remark("%s came over http, where anybody on the way can change it: hold the sums against what the makers say", plural(open, "file", "files"))
	}
	return nil
}

// writeSums puts the sums into the stack file, and makes sure that the file then
// says them.
func (p *program) writeSums(o *mirrorWork, l *pinned, result *compiler.Result, files []mirrored.File) error {
	_, old, err := p.readText(l.file)
	if err != nil {
		return err
	}
	text, leftOver, findings := mirrored.Pin(result.Topology.Stack, source.NewFile(l.file, old), l.todo, l.sums)
	if findings.HasErrors() {
		return errors.New(findings[0].Message)
	}
	unwritten := map[string]string{}
	for _, f := range leftOver {
		unwritten[f.Path] = f.Why
	}
	fresh, _ := o.in.compileFrom(replaced{opener{stdin: p.in}, l.file, text}, p.console, l.file)
	again, faults := mirroredFiles(fresh)
	if len(again) != len(files) || len(faults) > 0 {
		return fmt.Errorf("%s would mean something else with the sums written into it, so it stays as it is", l.file)
	}
	for i, f := range again {
		sum := l.sums[f.Path]
		if sum != "" && unwritten[f.Path] == "" && (f.SHA256 != sum || f.Loose()) || f.Origin != files[i].Origin || f.URL != files[i].URL {
			return fmt.Errorf("%s would not say the sha256 of %s with it written into it, so it stays as it is", l.file, f.Path)
		}
	}
	for _, f := range l.todo {
		sum := l.sums[f.Path]
		if sum == "" {
			continue
		}
		v := mirrorView(f)
		v.State, v.Found = mirrorWritten, sum
		if why := unwritten[f.Path]; why != "" {
			v.State, v.Reason = mirrorLeft, why
			l.bad++
		}
		l.shown = append(l.shown, v)
	}
	if strings.HasPrefix(old, "\uFEFF") {
		text = "\uFEFF" + text
	}
	if text == old {
		return nil
	}
	return replaceFile(l.file, text)
}

func mirroredFiles(r *compiler.Result) ([]mirrored.File, diag.List) {
	if r.Topology == nil {
		return nil, diag.List{{Severity: diag.Error}}
	}
	return mirrored.Files(r.Topology)
}

// replaced opens one file with another text than it has, and all others as they are.
type replaced struct {
	source.Opener
	path, text string
}

// Open implements source.Opener.
func (r replaced) Open(path string) (*source.File, error) {
	if filepath.Clean(path) == filepath.Clean(r.path) {
		return source.NewFile(path, r.text), nil
	}
	return r.Opener.Open(path)
}

// lockDone tells what became of each file.
func (p *program) lockDone(o *mirrorWork, l *pinned, files []mirrored.File, findings diag.List) error {
	end := func() error {
		if l.bad > 0 {
			return &failure{code: exitError, err: errors.New(plural(l.bad, "file has", "files have") + " no sha256 in " + l.file + " yet")}
		}
		return nil
	}()
	if o.form.isJSON() {
		if err := p.showMirror(o, l.file, l.shown, findings); err != nil || end == nil {
			return err
		}
		return exitWith(exitError)
	}
	width := 0
	for _, f := range l.shown {
		width = max(width, len(f.Path))
	}
	for _, f := range l.shown {
		if err := p.printf("%s\n", view.MirrorLine(f, width)); err != nil {
			return err
		}
	}
	if end != nil {
		return end
	}
	if len(l.todo) == 0 {
		return p.printf("%s: %s, nothing to write\n", l.file, plural(len(files), "file", "files"))
	}
	return p.printf("%s: %s written\n", l.file, plural(len(l.shown), "sha256", "sha256"))
}
