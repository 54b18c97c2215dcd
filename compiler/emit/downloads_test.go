package emit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

const content = "#!/bin/sh\necho the right one\n"

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// mirror serves answers one after the other, the last one again and again.
type mirror struct {
	*httptest.Server
	asked   atomic.Int32
	answers []string // a text, or "" for 404
}

func newMirror(t *testing.T, answers ...string) *mirror {
	t.Helper()
	m := &mirror{answers: answers}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := min(int(m.asked.Add(1)), len(m.answers))
		if m.answers[n-1] == "" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, m.answers[n-1])
	}))
	t.Cleanup(m.Close)
	return m
}

// fetched runs the download of a unit, and returns what was said and the exit code.
func fetched(t *testing.T, w *world, from *mirror, to, more string) (output string, code int) {
	t.Helper()
	set, _ := compiled(t, `
stack = "s"
[unit.f]
download = [{ url = "`+from.URL+`/it's?v=1&x=%20", to = "`+to+`", `+more+` }]
[unit.f.Service]
ExecStart = "/bin/f"
`)
	return w.run(preparations(t, set, "f.service")[0])
}

// wantFile holds that a file has that text and mode, and is alone in its folder.
func wantFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text || info.Mode() != mode {
		t.Errorf("%s has mode %v and holds %q", path, info.Mode(), got)
	}
	wantAlone(t, path)
}

func wantAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestDownload(t *testing.T) {
	pinned := `sha256 = "` + sum(content) + `"`
	for _, c := range []struct {
		name, more, old string
		answers         []string
		code            int
		asked           int32
		want            string
		mode            os.FileMode
	}{
		{name: "fetches", more: pinned, answers: []string{content}, asked: 1, want: content, mode: 0o755},
		{name: "has the mode that is said", more: pinned + `, mode = "0600"`, answers: []string{content}, asked: 1, want: content, mode: 0o600},
		{name: "tries again", more: pinned, answers: []string{"", "", content}, asked: 3, want: content, mode: 0o755},
		{name: "replaces another file", more: pinned, old: "old", answers: []string{content}, asked: 1, want: content, mode: 0o755},
		{name: "skips the right file, and makes it executable", more: pinned, old: content, answers: []string{"other"}, asked: 0, want: content, mode: 0o755},
		{name: "refuses a wrong file", more: pinned, answers: []string{"wrong"}, code: 1, asked: 1},
		{name: "keeps the old file when the new one is wrong", more: pinned, old: "old", answers: []string{"wrong"}, code: 1, asked: 1, want: "old", mode: 0o644},
		{name: "unverified takes what comes", more: "unverified = true", old: "old", answers: []string{"anything"}, asked: 1, want: "anything", mode: 0o755},
		{name: "unverified waits for a first file", more: "unverified = true", answers: []string{"", content}, asked: 2, want: content, mode: 0o755},
		{name: "unverified keeps the file it has when the server is away", more: "unverified = true", old: "old", answers: []string{""}, asked: 1, want: "old", mode: 0o644},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "my $HOME 100%", "file")
			if c.old != "" {
				if err := os.Mkdir(filepath.Dir(to), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, to, c.old)
			}
			from := newMirror(t, c.answers...)
			out, code := fetched(t, newWorld(t, func(int) {}), from, to, c.more)
			if code != c.code || from.asked.Load() != c.asked {
				t.Errorf("exit code %d after %d requests, want %d after %d:\n%s", code, from.asked.Load(), c.code, c.asked, out)
			}
			if c.want == "" {
				if entries, err := os.ReadDir(filepath.Dir(to)); err != nil || len(entries) > 0 {
					t.Errorf("%v was left behind, %v", entries, err)
				}
				return
			}
			wantFile(t, to, c.want, c.mode)
		})
	}
}

// TestDownloadIsAtomic holds that as long as the file is not whole, what stands in
// its place is the old one.
func TestDownloadIsAtomic(t *testing.T) {
	to := filepath.Join(t.TempDir(), "file")
	write(t, to, "old")
	var server *httptest.Server
	var asked atomic.Int32
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		if asked.Add(1) == 1 {
			fmt.Fprint(w, content[:10]) // the connection breaks in the middle
			return
		}
		fmt.Fprint(w, content)
	}))
	defer server.Close()
	between := ""
	w := newWorld(t, func(int) {
		text, err := os.ReadFile(to)
		if err != nil {
			t.Error(err)
		}
		between += string(text)
	})
	out, code := fetched(t, w, &mirror{Server: server}, to, `sha256 = "`+sum(content)+`"`)
	if code != 0 || between != "old" {
		t.Errorf("exit code %d, between the tries the file held %q:\n%s", code, between, out)
	}
	wantFile(t, to, content, 0o755)
}

// TestDownloadWithoutCurl holds that wget serves as well.
func TestDownloadWithoutCurl(t *testing.T) {
	to := filepath.Join(t.TempDir(), "opt", "file")
	from := newMirror(t, "", content)
	w := newWorld(t, func(int) {})
	w.only("sh", "wget", "sha256sum", "chmod", "mv", "mkdir", "rm")
	out, code := fetched(t, w, from, to, `sha256 = "`+sum(content)+`"`)
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if !strings.Contains(out, "f.service: waiting for download "+from.URL) {
		t.Errorf("it does not say what it waits for:\n%s", out)
	}
	wantFile(t, to, content, 0o755)
}
