package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/stackc/stackc/cmd/stackc/mirror"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	mirrored "github.com/stackc/stackc/compiler/mirror"
)

// fetchMirror fills a folder with the files of a mirror.
func (p *program) fetchMirror(ctx context.Context, o *mirrorWork, args []string) error {
	files, _, findings, err := p.mirrorFiles(o, args[0])
	if err != nil {
		return err
	}
	where := args[1]
	if isURL(where) {
		return misuse("stackc mirror check "+args[0]+" "+where+" looks what is there", "mirror fetch fills a folder, and %s is a URL", where)
	}
	if err := os.MkdirAll(where, 0o777); err != nil {
		return err
	}
	dir, err := os.OpenRoot(where)
	if err != nil {
		return err
	}
	defer dir.Close()
	p.tellServers(args[0], files)
	client := mirror.NewClient()
	defer client.Close()
	watch := p.newMirrorWatch(o, files)
	results := client.Fetch(ctx, dir, wantsOf(files, func(f mirrored.File) string { return f.Origin }), o.parallel, watch)
	watch.close()
	return p.endMirror(ctx, o, mirrorRun{args[0], where, files, results, findings}, "the same command fetches what is lacking")
}

// tellServers says when the machines ask several servers, for whom one folder stands then.
func (p *program) tellServers(file string, files []mirrored.File) {
	var servers []string
	for _, f := range files {
		if s := withoutSecrets(f.Server()); !slices.Contains(servers, s) {
			servers = append(servers, s)
		}
	}
	if len(servers) > 1 {
		slices.Sort(servers)
		p.remark("%s: the machines ask %d servers, %s; the folder has the files of all", file, len(servers), strings.Join(servers, " and "))
	}
}

// checkMirror looks whether all files are where the machines ask for them, or in a
// folder or below a URL that is to become the mirror.
func (p *program) checkMirror(ctx context.Context, o *mirrorWork, args []string) error {
	files, _, findings, err := p.mirrorFiles(o, args[0])
	if err != nil {
		return err
	}
	where := ""
	if len(args) > 1 {
		where = args[1]
	}
	watch := p.newMirrorWatch(o, files)
	check := checkServer
	if where != "" && !isURL(where) {
		check = checkFolder
	}
	results, err := check(ctx, o, where, files, watch)
	watch.close()
	if err != nil {
		return err
	}
	return p.endMirror(ctx, o, mirrorRun{args[0], where, files, results, findings}, "stackc mirror fetch "+args[0]+" DIR fills the folder of the mirror")
}

// checkServer asks servers: the one at a URL, or with "" those that the machines ask.
func checkServer(ctx context.Context, o *mirrorWork, where string, files []mirrored.File, watch *mirrorWatch) ([]mirror.Result, error) {
	client := mirror.NewClient()
	defer client.Close()
	return client.CheckServer(ctx, wantsOf(files, func(f mirrored.File) string {
		if where == "" {
			return f.URL
		}
		return fileBelow(where, f.Path)
	}), o.parallel, watch), nil
}

// checkFolder reads the files of a folder.
func checkFolder(ctx context.Context, o *mirrorWork, where string, files []mirrored.File, watch *mirrorWatch) ([]mirror.Result, error) {
	dir, err := openFolder(where)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return mirror.CheckFolder(ctx, dir, wantsOf(files, nil), o.parallel, watch), nil
}

// mirrorRun is a run over all files of a mirror that has come to its end.
type mirrorRun struct {
	file    string // the stack file
	where   string // the folder or URL, "" for where the machines ask
	files   []mirrored.File
	results []mirror.Result // of each file
	// findings are those of the stack file.
	findings diag.List
}

// endMirror tells how a run ended. help is what to do when a file is not as it should be.
func (p *program) endMirror(ctx context.Context, o *mirrorWork, run mirrorRun, help string) error {
	end := mirrorEnd(ctx, run.results, run.where, help)
	switch {
	case ctx.Err() == nil && o.form.isJSON():
		list := make([]view.MirrorFile, len(run.results))
		for i, r := range run.results {
			list[i] = resultView(run.files[i], r)
		}
		if err := p.showMirror(o, run.file, list, run.findings); err != nil || end == nil {
			return err
		}
		return exitWith(judge(end).code)
	case end != nil:
		return end
	}
	return p.printf("%s: %s\n", cmp.Or(run.where, run.file), run.tally())
}

// tally counts the files of a run at whose end all are good.
func (r mirrorRun) tally() string {
	fetched, loose, size := 0, 0, int64(0)
	for _, one := range r.results {
		size += one.Size
		if one.State == mirror.Fetched {
			fetched++
		}
		if one.SHA256 == "" {
			loose++
		}
	}
	text := plural(len(r.results), "file", "files") + ", " + view.Size(size)
	if fetched > 0 {
		text += fmt.Sprintf(", %d fetched", fetched)
	}
	if loose > 0 {
		text += ", " + plural(loose, "has", "have") + " no sha256"
	}
	return text
}
