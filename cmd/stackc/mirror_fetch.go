package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stackc/stackc/cmd/stackc/mirror"
	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/compiler/diag"
	mirrored "github.com/stackc/stackc/compiler/mirror"
)

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
	return p.mirrorDone(ctx, o, args[0], where, files, results, findings, "the same command fetches what is lacking")
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
	var results []mirror.Result
	if where == "" || isURL(where) {
		client := mirror.NewClient()
		defer client.Close()
		results = client.CheckServer(ctx, wantsOf(files, func(f mirrored.File) string {
			if where == "" {
				return f.URL
			}
			return fileBelow(where, f.Path)
		}), o.parallel, watch)
	} else {
		dir, err := openFolder(where)
		if err != nil {
			watch.close()
			return err
		}
		defer dir.Close()
		results = mirror.CheckFolder(ctx, dir, wantsOf(files, nil), o.parallel, watch)
	}
	watch.close()
	return p.mirrorDone(ctx, o, args[0], where, files, results, findings, "stackc mirror fetch "+args[0]+" DIR fills the folder of the mirror")
}

// mirrorDone tells how a run over all files ended.
func (p *program) mirrorDone(ctx context.Context, o *mirrorWork, file, where string, files []mirrored.File, results []mirror.Result, findings diag.List, help string) error {
	end := mirrorEnd(ctx, results, where, help)
	if o.form.isJSON() {
		if ctx.Err() != nil {
			return end
		}
		var list []view.MirrorFile
		for i, r := range results {
			list = append(list, resultView(files[i], r))
		}
		if err := p.showMirror(o, file, list, findings); err != nil {
			return err
		}
		if end != nil {
			return exitWith(judge(end).code)
		}
		return nil
	}
	if end != nil {
		return end
	}
	counts, loose, size := map[mirror.State]int{}, 0, int64(0)
	for _, r := range results {
		counts[r.State]++
		size += r.Size
		if r.SHA256 == "" {
			loose++
		}
	}
	text := plural(len(results), "file", "files") + ", " + view.Size(size)
	if counts[mirror.Fetched] > 0 {
		text += fmt.Sprintf(", %d fetched", counts[mirror.Fetched])
	}
	if loose > 0 {
		text += ", " + plural(loose, "has", "have") + " no sha256"
	}
	if where == "" {
		where = file
	}
	return p.printf("%s: %s\n", where, text)
}

// mirrorWatch shows files as they come in. On a terminal it is a block of those on
// their way, with a line above it for each that has ended; elsewhere the lines alone.
type mirrorWatch struct {
	block *block // nil for lines alone
	out   io.Writer
	files []mirrored.File
	width int  // of the column of paths
	quiet bool // no line for a file that has ended
	lines sync.Mutex

	mu    sync.Mutex
	onWay map[int]*view.Incoming
	done  int
	came  int64
}

// newMirrorWatch chooses the display. JSON has stdout for itself, so that the lines go to stderr.
func (p *program) newMirrorWatch(o *mirrorWork, files []mirrored.File) *mirrorWatch {
	w := &mirrorWatch{files: files, out: p.stdout(), onWay: map[int]*view.Incoming{}}
	for _, f := range files {
		w.width = max(w.width, len(f.Path))
	}
	switch {
	case o.form.isJSON():
		w.out = p.stderr()
	case p.live():
		w.block = p.newBlock(w.picture)
		go w.block.run()
	}
	return w
}

// Begun implements mirror.Watcher.
func (w *mirrorWatch) Begun(i int, have, total int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onWay[i] = &view.Incoming{Path: w.files[i].Path, Have: have, Total: total}
}

// Came implements mirror.Watcher.
func (w *mirrorWatch) Came(i int, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.came += n
	if f := w.onWay[i]; f != nil {
		f.Have += n
	}
}

// Ended implements mirror.Watcher.
func (w *mirrorWatch) Ended(i int, r mirror.Result) {
	w.mu.Lock()
	delete(w.onWay, i)
	w.done++
	w.mu.Unlock() // the block locks itself first, and then asks for the picture
	if w.quiet || errors.Is(r.Err, context.Canceled) {
		return
	}
	line := view.MirrorLine(resultView(w.files[i], r), w.width)
	if w.block != nil {
		w.block.leave(line)
		return
	}
	w.lines.Lock()
	defer w.lines.Unlock()
	io.WriteString(w.out, line+"\n")
}

func (w *mirrorWatch) picture(width, height int, elapsed time.Duration) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []view.Incoming
	for i := range w.files {
		if f := w.onWay[i]; f != nil {
			list = append(list, *f)
		}
	}
	return view.Fetching(list, w.done, len(w.files), w.came, elapsed, width, height)
}

func (w *mirrorWatch) close() {
	if w.block != nil {
		w.block.close()
	}
}

func (p *program) serveMirror(ctx context.Context, o *mirrorWork, args []string) error {
	dir, err := openFolder(args[0])
	if err != nil {
		return err
	}
	defer dir.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return misuse("--listen HOST:PORT or :PORT says where; ports below 1024 take root", "%w", err)
	}
	if err := p.printf("serving %s at http://%s\n", args[0], listener.Addr()); err != nil {
		listener.Close()
		return err
	}
	var mu sync.Mutex
	return mirror.Serve(ctx, listener, dir, func(r mirror.Request) {
		mu.Lock()
		defer mu.Unlock()
		// A log that nobody reads any more must not end the service.
		_ = p.printf("%s %s %s %s %d %d\n", p.now().Format(time.TimeOnly), r.Client, r.Method, r.Path, r.Status, r.Bytes)
	})
}
