package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// every says after which requests a submit is killed: every so manieth.
var every = flag.Int("every", 5, "kill a submit after every N-th request")

// The stack before and after: one unit changes, one that is bound to it is brought
// up again, one moves, one is new, one goes, one changes its state, one stays.
const (
	killedBefore = `
stack = "k%[1]d"
[roles]
one = "role=one"
two = "role=two"
[unit.k%[1]d-change]
role = "one"
[unit.k%[1]d-change.Service]
ExecStart = "/usr/bin/change --level=1"
Restart = "always"
[unit.k%[1]d-bound]
machine_of = "k%[1]d-change"
[unit.k%[1]d-bound.Unit]
BindsTo = "k%[1]d-change.service"
[unit.k%[1]d-bound.Service]
ExecStart = "/usr/bin/bound"
Restart = "always"
[unit.k%[1]d-move]
role = "one"
[unit.k%[1]d-move.Service]
ExecStart = "/usr/bin/move"
Restart = "always"
[unit.k%[1]d-state]
state = "loaded"
[unit.k%[1]d-state.Service]
ExecStart = "/usr/bin/state"
Restart = "always"
[unit.k%[1]d-stay.Service]
ExecStart = "/usr/bin/stay"
Restart = "always"
[unit.k%[1]d-gone.Service]
ExecStart = "/usr/bin/gone"
Restart = "always"
`
	killedOld = "\n[unit.k%[1]d-gone.Service]\nExecStart = \"/usr/bin/gone\"\nRestart = \"always\"\n"
	killedNew = "\n[unit.k%[1]d-new.Service]\nExecStart = \"/usr/bin/new\"\nRestart = \"always\"\n"
)

// killedAfter is the changed form of killedBefore.
func killedAfter() string {
	text := strings.Replace(killedBefore, killedOld, killedNew, 1)
	text = strings.Replace(text, "--level=1", "--level=2", 1)
	text = strings.Replace(text, "[unit.k%[1]d-move]\nrole = \"one\"", "[unit.k%[1]d-move]\nrole = \"two\"", 1)
	return strings.Replace(text, "state = \"loaded\"\n", "state = \"launched\"\n", 1)
}

// counter stands between stackc and a server. The request with a certain number
// reaches the server and is done there; then the program is killed, and nobody hears
// the answer.
type counter struct {
	seen   *atomic.Int64 // requests of all servers of a run
	at     int64
	kill   func()
	target http.Handler
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("wait") == "true" { // a watch, which tells nothing by itself
		c.target.ServeHTTP(w, r)
		return
	}
	mine := c.seen.Add(1)
	if mine < c.at {
		c.target.ServeHTTP(w, r)
		return
	}
	if mine == c.at {
		c.target.ServeHTTP(httptest.NewRecorder(), r)
		c.kill()
	}
	panic(http.ErrAbortHandler)
}

// forward gives a handler for a server at an endpoint.
func forward(t *testing.T, endpoint string) http.Handler {
	if path, ok := strings.CutPrefix(endpoint, "unix://"); ok {
		target := &url.URL{Scheme: "http", Host: "fleet"}
		proxy := httputil.NewSingleHostReverseProxy(target)
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		proxy.Transport = transport
		return proxy
	}
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}

// submitKilled submits a file, and kills the program after its request with the given
// number. It is false when there are not so many.
func submitKilled(t *testing.T, file string, at int64) bool {
	t.Helper()
	var seen atomic.Int64
	var run *started
	ready := make(chan struct{})
	kill := func() {
		<-ready
		run.killed = true
		run.cmd.Process.Kill()
		<-run.ended
	}
	var env []string
	for name, endpoint := range map[string]string{"FLEETCTL_ENDPOINT": os.Getenv("FLEETCTL_ENDPOINT"), "STACKC_ETCD": os.Getenv("STACKC_ETCD")} {
		server := httptest.NewServer(&counter{seen: &seen, at: at, kill: kill, target: forward(t, endpoint)})
		server.Config.ErrorLog = nil
		defer server.Close()
		env = append(env, name+"="+server.URL)
	}
	run = begin(t, env, "submit", file, "--prune")
	close(ready)
	code := run.code()
	if !run.killed && code != exitDone {
		t.Errorf("killed after request %d, and before that it ended with %d:\n%s", at, code, run.text())
	}
	return run.killed
}

// TestKilled kills a submit after each of its requests to fleet and etcd. The next one
// brings the cluster to exactly what the file says, with no unit lost and none twice.
func TestKilled(t *testing.T) {
	startBox(t, "one", "two", "two")
	dir := t.TempDir()
	var mu sync.Mutex
	next, last, tried := int64(1), int64(1)<<62, 0
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for {
				mu.Lock()
				at := next
				next += int64(*every)
				over := at >= last
				mu.Unlock()
				if over || t.Failed() {
					return
				}
				killed := killedRound(t, dir, at)
				mu.Lock()
				if !killed {
					last = min(last, at)
				} else {
					tried++
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if tried < 20 / *every {
		t.Errorf("killed after %d requests only", tried)
	}
	t.Logf("killed after %d different requests of up to %d; converged %d of %d", tried, last, tried, tried)
}

// killedRound is one stack's: it is brought up, changed by a run that is killed, and
// then by one that is not.
func killedRound(t *testing.T, dir string, at int64) bool {
	stack := fmt.Sprintf("k%d", at)
	before, after := filepath.Join(dir, stack+"-before.toml"), filepath.Join(dir, stack+"-after.toml")
	write(t, before, fmt.Sprintf(killedBefore, at))
	write(t, after, fmt.Sprintf(killedAfter(), at))
	want(t, exitDone, "submit", before)
	if !submitKilled(t, after, at) {
		want(t, exitDone, "destroy", stack, "--no-wait", "--yes")
		return false
	}
	want(t, exitDone, "lock", "steal", stack)
	want(t, exitDone, "submit", after, "--prune")
	var plan struct {
		Units []struct{ Unit, Action string }
	}
	if err := json.Unmarshal([]byte(onlyJSON(want(t, exitDone, "plan", after, "--prune", "--output", "json"))), &plan); err != nil {
		t.Error(err)
	}
	for _, u := range plan.Units {
		if u.Action != "none" {
			t.Errorf("killed after request %d: %s is left to %s", at, u.Unit, u.Action)
		}
	}
	if len(plan.Units) != 6 {
		t.Errorf("killed after request %d: %d units, want 6", at, len(plan.Units))
	}
	wantRight(t, after)
	wantOnce(t, stack, at)
	if out := want(t, exitDone, "lock", "show", stack); !strings.Contains(out, "is not locked") {
		t.Error(out)
	}
	want(t, exitDone, "destroy", stack, "--no-wait", "--yes")
	return true
}

// wantRight asks for the status until it is right: the row of a unit that has moved is
// away for a while although it runs.
func wantRight(t *testing.T, file string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		s := begin(t, nil, "status", file)
		code := s.code()
		if code == exitDone {
			return
		}
		if code != exitFailed || time.Now().After(end) {
			t.Errorf("status ends with %d\n%s", code, s.text())
			return
		}
	}
}

// onlyJSON leaves out what the other stream said before.
func onlyJSON(text string) string { return text[strings.IndexByte(text, '{'):] }

// wantOnce looks at what runs on the machines: each unit of the stack once, as soon as
// they have stopped what is to go.
func wantOnce(t *testing.T, stack string, at int64) {
	t.Helper()
	got := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var there []struct{ Unit, Active string }
		inBox(t, "GET", "/units?unit="+stack+"-*", "", &there)
		var running []string
		for _, u := range there {
			running = append(running, strings.TrimSuffix(strings.TrimPrefix(u.Unit, stack+"-"), ".service")+" "+u.Active)
		}
		slices.Sort(running)
		if got = strings.Join(running, ", "); got == "bound active, change active, move active, new active, state active, stay active" {
			return
		}
	}
	t.Errorf("killed after request %d: the machines have %s", at, got)
}
