package gc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/registry"
	fleetunit "github.com/coreos/fleet/unit"
	etcd "go.etcd.io/etcd/client/v2"
	"go.uber.org/goleak"

	"github.com/stackc/stackc/fleet/state"
)

// box is a cluster in one process: fleet's own code on a real etcd 3.3.
type box struct {
	Fleet         []string
	Control, Etcd string
}

// boxPath is the program of all boxes.
var boxPath string

func TestMain(m *testing.M) {
	if url := os.Getenv(childEtcd); url != "" {
		os.Exit(child(url))
	}
	code := 1
	func() {
		dir, err := os.MkdirTemp("", "gc-test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		boxPath = filepath.Join(dir, "fleetbox")
		if out, err := exec.Command("go", "build", "-C", "../../cmd/fleetbox", "-o", boxPath, ".").CombinedOutput(); err != nil {
			panic(string(out))
		}
		code = m.Run()
	}()
	if code == 0 {
		http.DefaultClient.CloseIdleConnections()
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// startBox gives a test a cluster of its own.
func startBox(t *testing.T) *box {
	t.Helper()
	b, cmd := &box{}, exec.Command(boxPath, "--fast", "--until-eof", "--machine", "role=any")
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close(); cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *box) store(t *testing.T) *state.Store { return openStore(t, b.Etcd) }

func openStore(t *testing.T, url string) *state.Store {
	t.Helper()
	s, err := state.Open(state.Config{Endpoints: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// keys is an etcd client of a test's own.
func (b *box) keys(t *testing.T) etcd.KeysAPI {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := etcd.New(etcd.Config{Endpoints: []string{b.Etcd}, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return etcd.NewKeysAPI(c)
}

// gate is an etcd client that stops between the steps in which fleet writes a unit:
// before the job is written, between is called.
type gate struct {
	etcd.KeysAPI
	between func()
}

// Set implements etcd.KeysAPI.
func (g *gate) Set(ctx context.Context, key, value string, o *etcd.SetOptions) (*etcd.Response, error) {
	if filepath.Base(key) == objectKey {
		g.between()
	}
	return g.KeysAPI.Set(ctx, key, value, o)
}

// create writes a unit with fleet's own code.
func create(t *testing.T, keys etcd.KeysAPI, name, text string) {
	t.Helper()
	file, err := fleetunit.NewUnitFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.NewEtcdRegistry(keys, registry.DefaultKeyPrefix).CreateUnit(&job.Unit{Name: name, Unit: *file, TargetState: job.JobStateInactive}); err != nil {
		t.Error(err)
	}
}

// destroy removes a unit with fleet's own code.
func destroy(t *testing.T, keys etcd.KeysAPI, name string) {
	t.Helper()
	if err := registry.NewEtcdRegistry(keys, registry.DefaultKeyPrefix).DestroyUnit(name); err != nil {
		t.Error(err)
	}
}

// text is that of a unit, one of many.
func text(n int) string { return fmt.Sprintf("[Service]\nExecStart=/usr/bin/work --number=%d\n", n) }

func hashOf(t *testing.T, n int) string {
	t.Helper()
	file, err := fleetunit.NewUnitFile(text(n))
	if err != nil {
		t.Fatal(err)
	}
	return file.Hash().String()
}

// missing lists the hashes that jobs name and that are not there.
func missing(t *testing.T, store *state.Store) []string {
	t.Helper()
	now, err := newRegistry(store, "").read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for hash := range now.live {
		if _, there := now.contents[hash]; !there {
			list = append(list, hash)
		}
	}
	return list
}

// run is Run with what tests want: no age, and no time that passes for nothing.
func run(t *testing.T, store *state.Store, change func(*Options)) Report {
	t.Helper()
	o := Options{Rate: 1e6, Observe: time.Nanosecond, Settle: time.Millisecond, Holder: state.Holder{Who: "anna", Host: "n1", Doing: "gc"}}
	if change != nil {
		change(&o)
	}
	r, err := Run(context.Background(), store, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
