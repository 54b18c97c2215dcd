package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stackc/stackc/fleet"
)

// boxReady is what a cluster in a box says when it is up.
type boxReady struct {
	Fleet         []string
	Etcd, Control string
	Machines      []struct{ Name, ID string }
}

// launchBox starts a cluster in a box with fleetbox's flags; what the flags name is
// below dir. stop ends it.
func launchBox(path, dir string, args ...string) (ready boxReady, stop func(), err error) {
	cmd := exec.Command(path, append([]string{"--fast", "--until-eof"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return ready, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return ready, nil, err
	}
	if err := cmd.Start(); err != nil {
		return ready, nil, err
	}
	stop = func() {
		hold.Close()
		io.Copy(io.Discard, stdout)
		cmd.Wait()
	}
	if err := json.NewDecoder(stdout).Decode(&ready); err != nil {
		stop()
		return ready, nil, fmt.Errorf("fleetbox ended before it was ready: %w", err)
	}
	return ready, stop, nil
}

// runBox starts a cluster in a box until the test ends.
func runBox(t *testing.T, args ...string) boxReady {
	t.Helper()
	path, err := buildBox(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ready, stop, err := launchBox(path, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return ready
}

// truthBox is a cluster in a box of which a test knows what its machines did.
type truthBox struct {
	conn     *fleet.Conn
	control  string
	machines []string // IDs
	id       map[string]string
}

func startTruthBox(t *testing.T) *truthBox {
	t.Helper()
	// With a longer TTL than usual a busy machine is not taken for gone; with one that
	// is much longer, rows that fleet has lost take as long to come back.
	ready := runBox(t, "--ttl", "8s", "--machine", "m1:role=a", "--machine", "m2:role=b", "--machine", "m3:role=b", "--machine", "m4:role=c")
	conn, err := fleet.Dial(fleet.Config{Endpoint: ready.Fleet[0]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	b := &truthBox{conn: conn, control: ready.Control, id: map[string]string{}}
	for _, m := range ready.Machines {
		b.machines = append(b.machines, m.ID)
		b.id[m.Name] = m.ID
	}
	return b
}

func (b *truthBox) get(t *testing.T, path string, into any) {
	t.Helper()
	resp, err := http.Get(b.control + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// call calls the control API.
func (b *truthBox) call(t *testing.T, method, path, body string) {
	req, err := http.NewRequest(method, b.control+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s", method, path, resp.Status)
	}
}

// running are the units that are active, and where.
func (b *truthBox) running(t *testing.T) map[spot]bool {
	t.Helper()
	var list []struct{ Machine, Unit, Active string }
	b.get(t, "/units", &list)
	active := map[spot]bool{}
	for _, u := range list {
		if u.Active == "active" {
			active[spot{u.Unit, b.id[u.Machine]}] = true
		}
	}
	return active
}

// event is a line of the journal of what the machines did.
type event struct {
	Seq                  int
	Machine, Unit, Event string
}

func (b *truthBox) lastEvent(t *testing.T) int {
	t.Helper()
	var list []event
	b.get(t, "/journal", &list)
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Seq
}

// stopped are the units that were stopped since then, and where.
func (b *truthBox) stopped(t *testing.T, since int) map[spot]bool {
	t.Helper()
	var list []event
	b.get(t, fmt.Sprintf("/journal?after=%d", since), &list)
	down := map[spot]bool{}
	for _, e := range list {
		if e.Event == "stop" || e.Event == "stopped" {
			down[spot{e.Unit, b.id[e.Machine]}] = true
		}
	}
	return down
}
