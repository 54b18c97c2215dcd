package mirror

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

// Request is one request that a server has answered.
type Request struct {
	Client string // its address, without the port
	Method string
	Path   string // as it was asked for
	Status int
	Bytes  int64 // of the answer's content that were sent
}

// The patience of a server. How long a file may take is not bounded: a whole room
// of machines may be fetching at once.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	lastTime   = 10 * time.Second
)

// Serve answers requests for the files of a folder, whole or in ranges, until ctx
// ends; then requests under way have some seconds to come to their end. It serves
// regular files below the folder and nothing else: no lists of folders, and no
// symbolic link that leads out. log is called for each request, by several
// goroutines.
func Serve(ctx context.Context, listener net.Listener, dir *os.Root, log func(Request)) error {
	server := &http.Server{Handler: &server{dir, log}, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	err := server.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-ended // Serve has returned: nobody logs after it but requests that were cut off
	return err
}

// server answers requests.
type server struct {
	dir *os.Root
	log func(Request)
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &counting{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		client, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			client = r.RemoteAddr
		}
		s.log(Request{Client: client, Method: r.Method, Path: r.URL.EscapedPath(), Status: counted.status, Bytes: counted.bytes})
	}()
	s.answer(counted, r)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if !fs.ValidPath(name) || strings.HasSuffix(r.URL.Path, "/") || strings.HasSuffix(name, partSuffix) {
		http.NotFound(w, r)
		return
	}
	file, err := openFile(s.dir, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, info.ModTime(), file)
}

// counting notes status and length on their way.
type counting struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *counting) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// ReadFrom lets the operating system copy the file.
func (c *counting) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	c.bytes += n
	return n, err
}
