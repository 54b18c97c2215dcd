package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/stackc/stackc/cmd/stackc/mirror"
	"github.com/stackc/stackc/cmd/stackc/view"
	mirrored "github.com/stackc/stackc/compiler/mirror"
)

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
