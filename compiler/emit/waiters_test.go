package emit_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// follower is a stack in which a unit waits for another, whose table is given.
const follower = `
stack = "s"
[unit.x]
global = true
%s
[unit.x.Service]
ExecStart = "/bin/x"
Restart = "always"
[unit.f]
after = ["x"]
%s
[unit.f.Service]
ExecStart = "/bin/f"
Restart = "always"
`

// TestWaiters runs the waiter of each kind of readiness in a world in which that
// comes only after two tries: it must wait, say so once a try, and end well.
func TestWaiters(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "it's 100% $HOME.env")
	closed := reserve(t)
	for _, c := range []struct {
		name, unit string
		come       func(t *testing.T)
	}{
		{"file", `ready = { file = '''` + file + `''' }`, func(t *testing.T) { write(t, file, "x") }},
		{"contains", `ready = { file = "` + dir + `/c", contains = "--max=[a.c]*'$A%'" }`, func(t *testing.T) { write(t, dir+"/c", "no\na --max=[a.c]*'$A%' b\n") }},
		{"command", `ready = { command = '''test "$(cat ` + dir + `/d)" = "50%" && echo "it's"''' }`, func(t *testing.T) { write(t, dir+"/d", "50%") }},
		{"tcp", `ready = { tcp = true }
port = ` + closed, func(t *testing.T) { listen(t, closed) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, _ := compiled(t, fmt.Sprintf(follower, c.unit, ""))
			w := newWorld(t, func(n int) {
				if n == 2 {
					c.come(t)
				}
			})
			pre := preparations(t, set, "f.service")
			if len(pre) != 1 {
				t.Fatalf("%d preparations, want the one waiter", len(pre))
			}
			out, code := w.run(pre[0])
			if code != 0 || w.ticks.Load() != 2 {
				t.Errorf("exit code %d after %d tries, want 0 after 2", code, w.ticks.Load())
			}
			wantTries(t, out, "f.service: waiting for x (", 2)
		})
	}
}

// wantTries holds that a script said one line for each try, with its number.
func wantTries(t *testing.T, out, begin string, tries int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != tries {
		t.Fatalf("%d lines for %d tries:\n%s", len(lines), tries, out)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, begin) || !strings.HasSuffix(line, fmt.Sprintf(", try %d", i+1)) {
			t.Errorf("line %d is %q", i+1, line)
		}
	}
}

// reserve returns a port of the loopback address on which nobody listens.
func reserve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return portOf(t, l.Addr().String())
}

func listen(t *testing.T, port string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { l.Close() })
}

// TestHTTPWaiter holds that an error page is no answer, and that the path and
// query arrive as they were written.
func TestHTTPWaiter(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/healthz?a=it's&b=100%25" {
			t.Errorf("asked for %s", r.URL.RequestURI())
		}
		w.WriteHeader([]int{http.StatusNotFound, http.StatusInternalServerError, http.StatusOK}[asked.Add(1)-1])
	}))
	defer server.Close()
	set, _ := compiled(t, fmt.Sprintf(follower, `ready = { http = "/healthz?a=it's&b=100%25" }
port = `+portOf(t, server.URL), ""))
	w := newWorld(t, func(int) {})
	out, code := w.run(preparations(t, set, "f.service")[0])
	if code != 0 || asked.Load() != 3 {
		t.Errorf("exit code %d after %d requests, want 0 after 3", code, asked.Load())
	}
	wantTries(t, out, "f.service: waiting for x (http://127.0.0.1:", 2)
}

// TestUnitWaiter holds that every instance of a counted unit is asked for by itself.
func TestUnitWaiter(t *testing.T) {
	set, _ := compiled(t, `
stack = "s"
[unit.main.Service]
ExecStart = "/bin/main"
[unit.x]
count = 2
machine_of = "main"
ready = { unit = true }
[unit.x.Service]
ExecStart = "/bin/x"
[unit.f]
machine_of = "main"
after = ["x"]
[unit.f.Service]
ExecStart = "/bin/f"
`)
	active := t.TempDir()
	w := newWorld(t, func(n int) { write(t, filepath.Join(active, fmt.Sprintf("x@%d.service", n)), "") })
	w.program("systemctl", `shift 2; for u in "$@"; do [ -e `+active+`/$u ] && exit 0; done; exit 3`)
	out, code := w.run(preparations(t, set, "f.service")[0])
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantTries(t, out, "f.service: waiting for x (unit x@1.service x@2.service)", 2)
}

// TestEnvWaiter holds that a variable counts when it has a value.
func TestEnvWaiter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	set, _ := compiled(t, `
stack = "s"
[unit.f]
env = { ADDRESS = "`+file+`" }
[unit.f.Service]
ExecStart = "/bin/f"
`)
	texts := []string{"MY_ADDRESS=x\n", "ADDRESS=\n", "A=1\nADDRESS=10.0.0.1\n"}
	w := newWorld(t, func(n int) { write(t, file, texts[n-1]) })
	out, code := w.run(preparations(t, set, "f.service")[0])
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantTries(t, out, "f.service: waiting for ADDRESS in "+file, 3)
}

// TestBoundedWaiter holds that wait = "…" ends a waiter with exit code 1 and a
// line that says what was missing.
func TestBoundedWaiter(t *testing.T) {
	dir := t.TempDir()
	set, _ := compiled(t, fmt.Sprintf(follower, `ready = { file = "`+dir+`/never" }`, `wait = "25s"`))
	w := newWorld(t, func(int) {})
	write(t, dir+"/now", "1000\n")
	w.program("date", fmt.Sprintf(`n=$(cat %[1]s/now); echo $n; echo $((n+10)) >%[1]s/now`, dir))
	out, code := w.run(preparations(t, set, "f.service")[0])
	if code != 1 || w.ticks.Load() != 2 {
		t.Errorf("exit code %d after %d tries, want 1 after 2", code, w.ticks.Load())
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if want := "f.service: gave up waiting for x (file " + dir + "/never) after 25s"; lines[len(lines)-1] != want {
		t.Errorf("the last line is %q, want %q", lines[len(lines)-1], want)
	}
}
