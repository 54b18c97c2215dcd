package state

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stackc/stackc/units"
)

// box is a cluster in one process, with a real etcd 3.3.
type box struct {
	path          string
	etcd, control string
	hold          io.Closer
	cmd           *exec.Cmd
}

// shared is the box of all tests.
var shared *box

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("rapid.nofailfile", "true"); err != nil {
		panic(err)
	}
	code := 1
	func() {
		dir, err := os.MkdirTemp("", "state-test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if shared, err = startBox(dir); err != nil {
			panic(err)
		}
		defer shared.stop()
		code = m.Run()
	}()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func startBox(dir string) (*box, error) {
	b := &box{path: filepath.Join(dir, "fleetbox")}
	if out, err := exec.Command("go", "build", "-C", "../../cmd/fleetbox", "-o", b.path, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s", out)
	}
	b.cmd = exec.Command(b.path, "--fast", "--until-eof", "--machine", "role=any")
	b.cmd.Stderr = os.Stderr
	hold, err := b.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	b.hold = hold
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var ready struct{ Etcd, Control string }
	if err := json.Unmarshal(line, &ready); err != nil {
		return nil, err
	}
	b.etcd, b.control = ready.Etcd, ready.Control
	return b, nil
}

func (b *box) stop() {
	b.hold.Close()
	b.cmd.Wait()
}

// call uses the control API.
func (b *box) call(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(b.path, append([]string{"control", b.control}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("control %v: %s", args, out)
	}
}

// open gives a store of its own for a test.
func open(t *testing.T, c Config) *Store {
	t.Helper()
	if c.Endpoints == nil {
		c.Endpoints = []string{shared.etcd}
	}
	if c.Prefix == "" {
		c.Prefix = "/test/" + t.Name()
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func acquire(t *testing.T, s *Store, stack string) *Lease {
	t.Helper()
	l, err := s.Acquire(context.Background(), stack, anna)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Release(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

var anna = Holder{Who: "anna", Host: "n1", PID: 4711, Doing: "submit"}

func wantKind(t *testing.T, err error, want Kind) {
	t.Helper()
	if KindOf(err) != want {
		t.Fatalf("error %v is of kind %q, want %q", err, KindOf(err), want)
	}
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func someUnits(names ...string) []Unit {
	var list []Unit
	for _, n := range names {
		list = append(list, Unit{Name: units.Name(n + ".service"), Desired: units.Launched,
			Options: [][3]string{{"Service", "ExecStart", "/bin/" + n + " \"ä\" <&> %i"}}, Waits: [][3]string{{"db.service", "db", "tcp 10.0.0.1:1"}}})
	}
	return list
}
