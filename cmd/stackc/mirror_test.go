package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMirrorFetchEnded ends a fetch in the middle of a file, with Ctrl-C and
// without a warning. What came stays beside the file's place, nothing has its name, and
// the next run asks for the rest alone.
func TestMirrorFetchEnded(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, exitInterrupted, "error: interrupted\n help: the same command goes on from there\n"},
		{syscall.SIGTERM, exitInterrupted, "error: interrupted\n help: the same command goes on from there\n"},
		{syscall.SIGKILL, -1, ""},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			half := strings.Repeat("half of it ", 10000)
			sent := make(chan bool)
			var mu sync.Mutex
			var ranges []string
			origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				ranges = append(ranges, r.Header.Get("Range"))
				first := len(ranges) == 1
				mu.Unlock()
				if !first {
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(half+half))
					return
				}
				w.Header().Set("Content-Length", fmt.Sprint(2*len(half)))
				io.WriteString(w, half)
				w.(http.Flusher).Flush()
				close(sent)
				<-r.Context().Done()
			}))
			defer origin.Close()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "s.toml"), fmt.Sprintf(`
stack = "s"
[unit.a]
download = { url = "%s/a", to = "/opt/a", sha256 = "%s" }
Service  = { ExecStart = "/opt/a", Restart = "always" }
`, origin.URL, sumOfText(half+half)))
			cmd := exec.Command("stackc", "mirror", "fetch", "s.toml", "www")
			cmd.Dir = dir
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-sent
			part := filepath.Join(dir, "www", "a.part")
			for { // what was sent is there once the program has taken it
				if info, err := os.Stat(part); err == nil && info.Size() == int64(len(half)) {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code || stderr.String() != c.says {
				t.Errorf("exit code %d, want %d; stderr is\n%s", code, c.code, stderr.String())
			}
			if text, err := os.ReadFile(part); err != nil || string(text) != half {
				t.Errorf("%d bytes are there, %v", len(text), err)
			}
			if _, err := os.Stat(filepath.Join(dir, "www", "a")); !os.IsNotExist(err) {
				t.Errorf("the file has its name already: %v", err)
			}
			if code, out := call(t, dir, "stackc mirror fetch s.toml www"); code != exitDone || ranges[1] != fmt.Sprintf("bytes=%d-", len(half)) {
				t.Errorf("the next run ends with %d after ranges %q:\n%s", code, ranges, out)
			}
			if text, err := os.ReadFile(filepath.Join(dir, "www", "a")); err != nil || string(text) != half+half {
				t.Errorf("the file has %d bytes, %v", len(text), err)
			}
		})
	}
}

func sumOfText(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
