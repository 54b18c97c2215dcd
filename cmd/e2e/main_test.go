package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stackc/stackc/cmd/fleetlab/lab"
)

// program is the stackc that TestMain built.
var program string

func TestMain(m *testing.M) {
	// Clusters wait for each other's machines far more than they compute.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "stackc-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "stackc")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "../stackc")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	code := 1
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building stackc:", err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// binaries are what all clusters are made of, built once.
var binaries = sync.OnceValues(func() (lab.Binaries, error) { return lab.Build(context.Background(), "") })

// The exit codes of stackc.
const (
	done        = 0
	badInput    = 1
	changes     = 2
	unitFailed  = 3
	unplaceable = 4
	unreachable = 6
	interrupted = 130
)

// patience is how long a test waits for what must come. It is long because the
// machine may be busy, and costs nothing when all is well.
const patience = 3 * time.Minute

// within gives a context that ends with the test, or when patience does.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually calls f until it returns nil.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// step runs one part of a test that builds on the parts before it.
func step(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	if !t.Run(name, f) {
		t.FailNow()
	}
}

// run is one run of stackc, or one that goes on.
type run struct {
	cmd            *exec.Cmd
	args           []string
	stdout, stderr locked
	began          time.Time
	took           time.Duration
	code           int
	err            error         // what Wait returned
	ended          chan struct{} // closed when all above is known
}

// locked is text that grows while it is read.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns what has been written so far.
func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start begins a run of stackc in an environment that says nothing about clusters.
func start(t *testing.T, args ...string) *run {
	t.Helper()
	return begin(t, exec.CommandContext(within(t), program, args...), args)
}

// begin starts a command that is stackc with these arguments.
func begin(t *testing.T, cmd *exec.Cmd, args []string) *run {
	t.Helper()
	r := &run{cmd: cmd, args: args, began: time.Now(), ended: make(chan struct{})}
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		r.took, r.code = time.Since(r.began), r.cmd.ProcessState.ExitCode()
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
	})
	return r
}

// over reports whether the run has ended.
func (r *run) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// wait returns when the run has ended with the code, and fails the test otherwise.
func (r *run) wait(t *testing.T, code int) *run {
	t.Helper()
	<-r.ended
	var exit *exec.ExitError
	if r.err != nil && !errors.As(r.err, &exit) {
		t.Fatal(r.err)
	}
	if strings.Contains(r.stdout.String()+r.stderr.String(), "\x1b") {
		t.Errorf("there are escape sequences in a pipe:\n%q", r)
	}
	if r.code != code {
		t.Fatalf("exit code %d, want %d\n%s", r.code, code, r)
	}
	return r
}

// meanwhile waits like eventually, for what must be seen while the run goes on.
func (r *run) meanwhile(t *testing.T, what string, f func() error) {
	t.Helper()
	eventually(t, what, func() error {
		if r.over() {
			t.Fatalf("%s: not seen before the end of\n%s", what, r)
		}
		return f()
	})
}

// interrupt does what Ctrl-C does.
func (r *run) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// String is what a person would have seen.
func (r *run) String() string {
	text := fmt.Sprintf("$ stackc %s\n%s%s", strings.Join(r.args, " "), r.stdout.String(), r.stderr.String())
	if r.over() {
		text += fmt.Sprintf("=> %d after %s", r.code, r.took.Round(10*time.Millisecond))
	}
	return text
}

// says fails the test unless the output, of both streams, has all the words.
func (r *run) says(t *testing.T, words ...string) {
	t.Helper()
	text := r.stdout.String() + r.stderr.String()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the output does not say %q:\n%s", w, r)
		}
	}
}

// silent fails the test if the output has one of the words.
func (r *run) silent(t *testing.T, words ...string) {
	t.Helper()
	text := r.stdout.String() + r.stderr.String()
	for _, w := range words {
		if strings.Contains(text, w) {
			t.Errorf("the output says %q:\n%s", w, r)
		}
	}
}

// decode reads the standard output as JSON.
func (r *run) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.stdout.String()), into); err != nil {
		t.Fatalf("%v in\n%s", err, r)
	}
}

// writeFile writes a file of the test and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// readFile returns a file's text.
func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
