package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// counts is a watcher that adds up what it is told.
type counts struct {
	mu    sync.Mutex
	came  int64
	begun []int64 // how much was there, at each beginning
	ended []Result
}

func (c *counts) Begun(_ int, have, _ int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = append(c.begun, have)
}

func (c *counts) Came(_ int, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.came += n
}

func (c *counts) Ended(_ int, r Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, r)
}

// eager is a client that hardly waits.
func eager(t *testing.T) *Client {
	t.Helper()
	c := NewClient()
	c.first = time.Millisecond
	t.Cleanup(c.Close)
	return c
}

func folder(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	for name, text := range files {
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// wantFiles holds that a folder has these files and no others.
func wantFiles(t *testing.T, dir *os.Root, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir.Name(), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir.Name(), path)
		got[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s holds %.40q, want %.40q", name, got[name], text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s was left behind", name)
		}
	}
}

// content is longer than one packet.
var content = strings.Repeat("0123456789abcdef", 4096)

// origin serves content with ranges; before may answer in its stead.
type origin struct {
	*httptest.Server
	asked  atomic.Int32
	ranges []string
	mu     sync.Mutex
}

func newOrigin(t *testing.T, text string, before func(n int, w http.ResponseWriter, r *http.Request) bool) *origin {
	t.Helper()
	o := &origin{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.ranges = append(o.ranges, r.Header.Get("Range")+r.Header.Get("If-Range"))
		o.mu.Unlock()
		n := int(o.asked.Add(1))
		if before != nil && before(n, w, r) {
			return
		}
		http.ServeContent(w, r, "file", time.Time{}, strings.NewReader(text))
	}))
	t.Cleanup(o.Close)
	return o
}

func status(codes ...int) func(int, http.ResponseWriter, *http.Request) bool {
	return func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n > len(codes) || codes[n-1] == 0 {
			return false
		}
		w.WriteHeader(codes[n-1])
		return true
	}
}

// cut sends half of what is asked for and breaks the connection, the first so many times.
func cut(times int) func(int, http.ResponseWriter, *http.Request) bool {
	return func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > times {
			return false
		}
		rest, code := content, http.StatusOK
		var from int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
			rest, code = content[from:], http.StatusPartialContent
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
		w.WriteHeader(code)
		io.WriteString(w, rest[:len(rest)/2])
		return true
	}
}

func TestFetch(t *testing.T) {
	half := content[:len(content)/2]
	for _, c := range []struct {
		name   string
		loose  bool
		before func(int, http.ResponseWriter, *http.Request) bool
		there  map[string]string
		state  State
		asked  int32
		ranges []string
		want   map[string]string
		err    string
	}{
		{name: "fetches", state: Fetched, asked: 1, want: map[string]string{"a/file": content}},
		{name: "keeps what is right", there: map[string]string{"a/file": content}, state: Kept, want: map[string]string{"a/file": content}},
		{name: "replaces what is wrong", there: map[string]string{"a/file": "old"}, state: Fetched, asked: 1, want: map[string]string{"a/file": content}},
		{name: "keeps what may be anything", loose: true, there: map[string]string{"a/file": "old"}, state: Kept, want: map[string]string{"a/file": "old"}},
		{name: "fetches what may be anything", loose: true, state: Fetched, asked: 1, want: map[string]string{"a/file": content}},
		{name: "goes on from an earlier run", there: map[string]string{"a/file.part": half}, state: Fetched, asked: 1,
			ranges: []string{fmt.Sprintf("bytes=%d-", len(half))}, want: map[string]string{"a/file": content}},
		{name: "what is not pinned begins anew", loose: true, there: map[string]string{"a/file.part": "other"}, state: Fetched, asked: 1,
			ranges: []string{""}, want: map[string]string{"a/file": content}},
		{name: "an earlier run had something else", there: map[string]string{"a/file.part": "other"}, state: Fetched, asked: 2,
			ranges: []string{"bytes=5-", ""}, want: map[string]string{"a/file": content}},
		{name: "an earlier run had all", there: map[string]string{"a/file.part": content}, state: Fetched, asked: 1, want: map[string]string{"a/file": content}},
		{name: "an earlier run had more", there: map[string]string{"a/file.part": content + "x"}, state: Fetched, asked: 2, want: map[string]string{"a/file": content}},
		{name: "goes on when the connection breaks", before: cut(2), state: Fetched, asked: 3,
			ranges: []string{"", fmt.Sprintf(`bytes=%d-"one"`, len(content)/2), fmt.Sprintf(`bytes=%d-"one"`, len(content)*3/4)}, want: map[string]string{"a/file": content}},
		{name: "as long as something comes", before: cut(2 * maxTries), state: Fetched, asked: 2*maxTries + 1, want: map[string]string{"a/file": content}},
		{name: "tries again", before: status(503, 429, 500), state: Fetched, asked: 4, want: map[string]string{"a/file": content}},
		{name: "gives up", before: status(503, 503, 503, 503, 503, 503), state: Failed, asked: maxTries, err: "the server answers 503 Service Unavailable"},
		{name: "there is none", before: status(404), state: Missing, asked: 1, err: "the server answers 404 Not Found"},
		{name: "it may not", before: status(403), state: Failed, asked: 1, err: "the server answers 403 Forbidden"},
		{name: "a server without ranges", there: map[string]string{"a/file.part": half}, before: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			io.WriteString(w, content)
			return true
		}, state: Fetched, asked: 1, want: map[string]string{"a/file": content}},
		{name: "another file", before: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			io.WriteString(w, "another")
			return true
		}, there: map[string]string{"a/file": "old"}, state: Wrong, asked: 1, want: map[string]string{"a/file": "old"},
			err: "its sha256 is " + sum("another") + ", and must be " + sum(content)},
		{name: "what is called compressed comes as it is", before: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, content)
			return true
		}, state: Fetched, asked: 1, want: map[string]string{"a/file": content}},
		{name: "a folder is in the way", there: map[string]string{"a/file/x": ""}, state: Failed, want: map[string]string{"a/file/x": ""}, err: "a/file is not a file: d---------"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, dir := newOrigin(t, content, c.before), folder(t, c.there)
			w := Want{Path: "a/file", URL: o.URL + "/file", SHA256: sum(content)}
			if c.loose {
				w.SHA256 = ""
			}
			watch := &counts{}
			r := eager(t).Fetch(t.Context(), dir, []Want{w}, 1, watch)[0]
			if r.State != c.state || o.asked.Load() != c.asked {
				t.Errorf("state %s after %d requests, want %s after %d: %v", r.State, o.asked.Load(), c.state, c.asked, r.Err)
			}
			if c.ranges != nil && !slices.Equal(o.ranges, c.ranges) {
				t.Errorf("asked for %q, want %q", o.ranges, c.ranges)
			}
			if c.err != "" && (r.Err == nil || r.Err.Error() != c.err) || c.err == "" && r.Err != nil {
				t.Errorf("error %v, want %q", r.Err, c.err)
			}
			if r.State.Good() && (r.Size != int64(len(c.want["a/file"])) || r.Sum != sum(c.want["a/file"])) {
				t.Errorf("size %d and sum %s of another file", r.Size, r.Sum)
			}
			if len(watch.ended) != 1 {
				t.Errorf("ended %d times", len(watch.ended))
			}
			wantFiles(t, dir, c.want)
		})
	}
}

// TestFetchInterrupted holds that a run that is ended leaves what it has, and that
// the next goes on from there.
func TestFetchInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan bool)
	o := newOrigin(t, content, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		io.WriteString(w, content[:1000])
		w.(http.Flusher).Flush()
		<-sent
		stop()
		<-r.Context().Done()
		return true
	})
	dir := folder(t, nil)
	w := Want{Path: "file", URL: o.URL, SHA256: sum(content)}
	c := eager(t)
	r := c.Fetch(ctx, dir, []Want{w, {Path: "next", URL: o.URL, SHA256: sum(content)}}, 1, &onCame{once: sync.OnceFunc(func() { close(sent) })})
	if r[0].State != Failed || r[1].State != Failed || o.asked.Load() != 1 {
		t.Errorf("%v and %v after %d requests, want failed and failed after 1", r[0].State, r[1].State, o.asked.Load())
	}
	wantFiles(t, dir, map[string]string{"file.part": content[:1000]})
	if r := c.Fetch(t.Context(), dir, []Want{w}, 1, &counts{}); r[0].State != Fetched || o.ranges[1] != "bytes=1000-" {
		t.Errorf("the next run is %v with ranges %q", r[0], o.ranges)
	}
	wantFiles(t, dir, map[string]string{"file": content})
}

// onCame calls once as soon as anything has come and been written.
type onCame struct {
	counts
	once func()
}

func (c *onCame) Came(int, int64) { c.once() }

// TestFetchStalled holds that a server which sends nothing more is given up, and
// that what came counts.
func TestFetchStalled(t *testing.T) {
	o := newOrigin(t, content, func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		io.WriteString(w, content[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	})
	c, dir := eager(t), folder(t, nil)
	c.stall = 50 * time.Millisecond
	r := c.Fetch(t.Context(), dir, []Want{{Path: "file", URL: o.URL, SHA256: sum(content)}}, 1, &counts{})
	if r[0].State != Fetched || !slices.Equal(o.ranges, []string{"", "bytes=1000-"}) {
		t.Errorf("%v with ranges %q", r[0], o.ranges)
	}
}

// TestFetchBound holds that no more files are asked for at a time than is said.
func TestFetchBound(t *testing.T) {
	var now, most atomic.Int32
	gate := make(chan bool)
	o := newOrigin(t, "", func(_ int, w http.ResponseWriter, r *http.Request) bool {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		gate <- true // two at a time, as both are wanted
		io.WriteString(w, r.URL.Path)
		return true
	})
	var wants []Want
	want := map[string]string{}
	for i := range 20 {
		name := fmt.Sprintf("f%d", i)
		wants = append(wants, Want{Path: name, URL: o.URL + "/" + name, SHA256: sum("/" + name)})
		want[name] = "/" + name
	}
	go func() {
		for range wants {
			<-gate
		}
	}()
	dir := folder(t, nil)
	for i, r := range eager(t).Fetch(t.Context(), dir, wants, 3, &counts{}) {
		if r.State != Fetched || r.Path != wants[i].Path {
			t.Errorf("result %d is %v", i, r)
		}
	}
	if most.Load() > 3 {
		t.Errorf("%d at a time", most.Load())
	}
	wantFiles(t, dir, want)
}

// TestFetchStaysInside holds that no path leads out of the folder, by itself or
// through a symbolic link.
func TestFetchStaysInside(t *testing.T) {
	o, dir := newOrigin(t, content, nil), folder(t, nil)
	outside := t.TempDir()
	if err := dir.Symlink(outside, "out"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../x", "out/x"} {
		r := eager(t).Fetch(t.Context(), dir, []Want{{Path: path, URL: o.URL}}, 1, &counts{})
		if r[0].State != Failed {
			t.Errorf("%s is %s", path, r[0].State)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("%v came out, %v", entries, err)
	}
}

func TestFetchRefusals(t *testing.T) {
	plain := newOrigin(t, content, nil)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	trusting := eager(t)
	trusting.http.Transport = secure.Client().Transport
	for _, c := range []struct {
		name, url string
		client    *Client
		state     State
		err       string
	}{
		{"another scheme", "ftp://10.0.0.9/x", eager(t), Failed, "is fetched by the machines alone"},
		{"a certificate of nobody", secure.URL, eager(t), Failed, "certificate"},
		{"from https to http", secure.URL, trusting, Failed, "it sends on from https to http://"},
		{"nobody is there", closed.URL, eager(t), Away, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.client.http.CheckRedirect = follow
			dir := folder(t, nil)
			r := c.client.Fetch(t.Context(), dir, []Want{{Path: "x", URL: c.url}}, 1, &counts{})[0]
			if r.State != c.state || r.Err == nil || !strings.Contains(r.Err.Error(), c.err) {
				t.Errorf("%s: %v, want %s: …%s…", r.State, r.Err, c.state, c.err)
			}
			wantFiles(t, dir, nil)
		})
	}
	if n := plain.asked.Load(); n > 0 {
		t.Errorf("http was asked %d times", n)
	}
}

func TestCheck(t *testing.T) {
	files := map[string]string{"right": content, "wrong": "x" + content[1:], "loose": "any", "d/x": ""}
	wants := []Want{{Path: "right", SHA256: sum(content)}, {Path: "wrong", SHA256: sum(content)}, {Path: "loose"}, {Path: "missing", SHA256: sum(content)}, {Path: "d"}}
	dir := folder(t, files)
	server := httptest.NewServer(&server{dir, func(Request) {}})
	t.Cleanup(server.Close)
	for i := range wants {
		wants[i].URL = server.URL + "/" + wants[i].Path
	}
	for name, check := range map[string]struct {
		f    func(Watcher) []Result
		last State
	}{
		"folder": {func(w Watcher) []Result { return CheckFolder(t.Context(), dir, wants, 2, w) }, Failed},
		"server": {func(w Watcher) []Result { return eager(t).CheckServer(t.Context(), wants, 2, w) }, Missing},
	} {
		t.Run(name, func(t *testing.T) {
			var states []State
			for _, r := range check.f(&counts{}) {
				states = append(states, r.State)
				if r.State.Good() != (r.Err == nil) {
					t.Errorf("%s is %s: %v", r.Path, r.State, r.Err)
				}
			}
			if want := []State{Right, Wrong, Loose, Missing, check.last}; !slices.Equal(states, want) {
				t.Errorf("%s, want %s", states, want)
			}
		})
	}
}

func TestServe(t *testing.T) {
	dir := folder(t, map[string]string{"kubelet": content, "a b/ü": "name", "x.part": "half"})
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := dir.Symlink(secret, "link"); err != nil {
		t.Fatal(err)
	}
	if err := dir.Symlink("kubelet", "inside"); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	requests := make(chan Request, 100)
	ended := make(chan error)
	go func() { ended <- Serve(ctx, listener, dir, func(r Request) { requests <- r }) }()
	for _, c := range []struct {
		method, path, ranged string
		status               int
		body                 string
	}{
		{"GET", "/kubelet", "", 200, content},
		{"HEAD", "/kubelet", "", 200, ""},
		{"GET", "/kubelet", "bytes=10-19", 206, content[10:20]},
		{"GET", "/kubelet", "bytes=99999999-", 416, "invalid range: failed to overlap\n"},
		{"GET", "/kubelet?v=1", "", 200, content},
		{"GET", "/a%20b/%C3%BC", "", 200, "name"},
		{"GET", "/inside", "", 200, content},
		{"GET", "/link", "", 404, "404 page not found\n"},
		{"GET", "/x.part", "", 404, "404 page not found\n"},
		{"GET", "/", "", 404, "404 page not found\n"},
		{"GET", "/a%20b", "", 404, "404 page not found\n"},
		{"GET", "/kubelet/", "", 404, "404 page not found\n"},
		{"GET", "/../../../../etc/passwd", "", 404, "404 page not found\n"},
		{"GET", "/%2e%2e/%2e%2e/etc/passwd", "", 404, "404 page not found\n"},
		{"GET", "/..%2f..%2fetc/passwd", "", 404, "404 page not found\n"},
		{"PUT", "/kubelet", "", 405, "only GET and HEAD\n"},
	} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ranged := ""
		if c.ranged != "" {
			ranged = "Range: " + c.ranged + "\r\n"
		}
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", c.method, c.path, ranged)
		answer, err := io.ReadAll(conn)
		conn.Close()
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
		if !bytes.HasPrefix(head, fmt.Appendf(nil, "HTTP/1.1 %d ", c.status)) || string(body) != c.body {
			t.Errorf("%s %s %s:\n%s\n%.60q", c.method, c.path, c.ranged, head, body)
		}
		path, _, _ := strings.Cut(c.path, "?")
		if r := <-requests; r != (Request{Client: "127.0.0.1", Method: c.method, Path: path, Status: c.status, Bytes: int64(len(c.body))}) {
			t.Errorf("%s %s was noted as %v", c.method, c.path, r)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestServeEndsInPeace holds that a request under way is answered to its end when
// the server is told to end, and that nobody is let in any more.
func TestServeEndsInPeace(t *testing.T) {
	long := strings.Repeat(content, 512) // more than the network keeps by itself
	dir := folder(t, map[string]string{"long": long})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	noted := make(chan Request, 1)
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, dir, func(r Request) { noted <- r }) }()
	response, err := http.Get("http://" + listener.Addr().String() + "/long")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	stop()
	for { // the listener is closed soon after
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != long {
		t.Errorf("%d bytes came, %v", len(body), err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r := <-noted; r.Bytes != int64(len(long)) {
		t.Errorf("noted was %v", r)
	}
}
