package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// MirrorRequest is one request the mirror has answered.
type MirrorRequest struct {
	Time   time.Time
	Client string // address without port
	Method string
	Path   string
	Status int
	Bytes  int64 // of the body
}

// MirrorDir is the directory the mirror serves; what is put there is served at once.
func (l *Lab) MirrorDir() string { return l.state.Mirror }

func (l *Lab) mirrorLog() string { return filepath.Join(l.Dir, "mirror.log") }

// startMirror runs the mirror in the switch's namespace, as a process of its own, so that it lives as long as the lab and not as long as who made it.
func (l *Lab) startMirror(ctx context.Context) error {
	if err := os.MkdirAll(l.MirrorDir(), 0o755); err != nil {
		return err
	}
	dir := filepath.Join(l.cgroup, "mirror")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	group, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer group.Close()
	log, err := os.OpenFile(l.mirrorLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	// A file and not a pipe: the mirror may outlive this process.
	stderr, err := os.Create(filepath.Join(l.Dir, "mirror.err"))
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd := exec.Command("nsenter", "--net="+filepath.Join(netnsDir, l.netns(switchName)), "--",
		l.state.Binaries.Fleetlab, "serve-mirror", "--listen", MirrorAddress+":80", l.MirrorDir())
	cmd.Stdout, cmd.Stderr = log, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if err := cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		err := cmd.Wait()
		// Read only for the message; it is gone when the lab is.
		said, _ := os.ReadFile(stderr.Name())
		cancel(fmt.Errorf("the mirror ended: %w: %s", err, bytes.TrimSpace(said)))
	}()
	return poll(ctx, func() error {
		conn, err := l.DialContext(ctx, "tcp", MirrorAddress+":80")
		if err != nil {
			return fmt.Errorf("the mirror does not answer: %w", err)
		}
		return conn.Close()
	})
}

// MirrorRequests returns what the mirror has answered so far, oldest first.
func (l *Lab) MirrorRequests() ([]MirrorRequest, error) {
	f, err := os.Open(l.mirrorLog())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []MirrorRequest
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r MirrorRequest
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", l.mirrorLog(), err)
		}
		all = append(all, r)
	}
	return all, lines.Err()
}

// ServeMirror serves a directory at an address and writes one JSON line per answered request to log, until ctx ends. fleetlab runs itself for it.
func ServeMirror(ctx context.Context, address, dir string, log io.Writer) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	m := &mirror{files: http.FileServer(http.Dir(dir)), log: json.NewEncoder(log)}
	server := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// mirror is a file server that remembers its answers.
type mirror struct {
	files http.Handler
	mu    sync.Mutex
	log   *json.Encoder
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &countingWriter{ResponseWriter: w, status: http.StatusOK}
	m.files.ServeHTTP(counted, r)
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		client = r.RemoteAddr
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// Nobody is left to be told when the log cannot be written.
	_ = m.log.Encode(MirrorRequest{Time: time.Now().UTC(), Client: client, Method: r.Method, Path: r.URL.Path, Status: counted.status, Bytes: counted.bytes})
}

// countingWriter notes status and length on their way.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}
