package emit_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// compiled returns the units of a stack, which must be without fault.
func compiled(t *testing.T, text string) (*units.Set, emit.Origins) {
	t.Helper()
	s, findings := stack.Load(stack.Input{Path: "stack.toml", Opener: source.Map{"stack.toml": text}})
	topo, found := topology.Build(s)
	findings.Add(found...)
	set, origins, found := emit.Units(topo)
	findings.Add(found...)
	if len(findings) > 0 {
		t.Fatalf("the stack is at fault:\n%s", diag.Short(findings))
	}
	return set, origins
}

// preparations returns the argument lists of a unit's ExecStartPre, as systemd
// passes them on: quotes, "$$" and "%%" resolved.
func preparations(t *testing.T, set *units.Set, name units.Name) [][]string {
	t.Helper()
	u, ok := set.Lookup(name)
	if !ok {
		t.Fatalf("no unit %s", name)
	}
	var list [][]string
	for _, value := range units.Values(u.Options, "Service", "ExecStartPre") {
		list = append(list, arguments(t, value))
	}
	return list
}

func arguments(t *testing.T, value string) []string {
	t.Helper()
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 {
		t.Fatalf("%s: %d commands, %v", value, len(commands), err)
	}
	var args []string
	for _, w := range commands[0].Words {
		arg, ok := w.Literal()
		if !ok {
			t.Fatalf("%s: systemd would change %q", value, w.Text)
		}
		args = append(args, arg)
	}
	return args
}

// world is the machine that a script runs on: a folder of programs before those
// of the machine. Its sleep does not sleep: it tells the test, which changes the
// world and lets the script go on. So nothing depends on how long anything takes.
type world struct {
	t     *testing.T
	bin   string
	path  string
	ticks atomic.Int32
	clock *httptest.Server
}

// newWorld makes a world; at each sleep tick is called with how many there were.
// A script that sleeps on after ten is stopped, by a sleep that fails the test.
func newWorld(t *testing.T, tick func(n int)) *world {
	t.Helper()
	for _, program := range []string{"curl", "wget", "bash", "sha256sum", "timeout"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("the scripts of units need %s: %v", program, err)
		}
	}
	w := &world{t: t, bin: t.TempDir()}
	w.path = w.bin + ":" + os.Getenv("PATH")
	w.clock = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := int(w.ticks.Add(1))
		if n > 10 {
			t.Error("the script never ends")
			rw.WriteHeader(http.StatusGone)
			return
		}
		tick(n)
	}))
	t.Cleanup(w.clock.Close)
	w.program("sleep", fmt.Sprintf(`/usr/bin/curl -fs %s || kill -9 $PPID`, w.clock.URL))
	return w
}

// program puts a shell script into the world.
func (w *world) program(name, script string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// only takes every program of the machine away but these.
func (w *world) only(programs ...string) {
	w.t.Helper()
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(w.bin, name)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.path = w.bin
}

// run runs a command and returns what it wrote and its exit code.
func (w *world) run(args []string) (output string, code int) {
	w.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + w.path}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// portOf returns the port of a server in this world.
func portOf(t *testing.T, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}
