package box_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/fleet/client"
	"github.com/coreos/fleet/schema"
	"github.com/coreos/fleet/unit"

	"github.com/stackc/stackc/cmd/fleetbox/box"
	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

// TestMain runs the tests and then looks for goroutines of this module that a closed box left behind.
func TestMain(m *testing.M) {
	box.SetUp(nil)
	code := m.Run()
	if left := leftOver(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leftOver gives goroutines some time to end and returns those that do not. fleet's own are let
// alone: its publishers and reconcilers leave some behind when they are told to stop.
func leftOver() string {
	var left []string
	for range 100 {
		left = nil
		buf := make([]byte, 1<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "cmd/fleetbox/box.(*") || strings.Contains(stack, "cmd/fleetbox/sim.(*") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return strings.Join(left, "\n\n")
}

// cluster is a box and fleet's own client to it.
type cluster struct {
	*testing.T
	*box.Box
	fleet client.API
}

// patience is how long anything may take before a test gives up.
const patience = 30 * time.Second

func newCluster(t *testing.T, timing box.Timing, machines ...string) *cluster {
	t.Helper()
	t.Parallel()
	list, err := box.ParseMachines(machines)
	if err != nil {
		t.Fatal(err)
	}
	b, err := box.Start(box.Options{
		Machines: list, Listen: []string{filepath.Join(t.TempDir(), "fleet.sock"), "127.0.0.1:0"},
		Etcd: "127.0.0.1:0", Data: t.TempDir(), Timing: timing, HostUnits: []string{"docker.service"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{T: t, Box: b}
	c.fleet = c.client(b.FleetURLs()[0])
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *cluster) client(endpoint string) client.API {
	transport := &http.Transport{}
	if socket, ok := strings.CutPrefix(endpoint, "unix://"); ok {
		endpoint = "http://socket"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	c.Cleanup(transport.CloseIdleConnections)
	u, err := url.Parse(endpoint)
	if err != nil {
		c.Fatal(err)
	}
	api, err := client.NewHTTPClient(&http.Client{Transport: transport}, *u)
	if err != nil {
		c.Fatal(err)
	}
	return api
}

// put submits a unit with a desired state.
func (c *cluster) put(name, state, text string) {
	c.Helper()
	file, err := unit.NewUnitFile(text)
	if err != nil {
		c.Fatal(err)
	}
	err = c.fleet.CreateUnit(&schema.Unit{Name: name, DesiredState: state, Options: schema.MapUnitFileToSchemaUnitOptions(file)})
	if err != nil {
		c.Fatalf("put %s: %v", name, err)
	}
}

// eventually waits until check has no error.
func (c *cluster) eventually(check func() error) {
	c.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	c.Fatalf("after %v: %v", patience, err)
}

// rows are the states of a unit as the API gives them: "n1 loaded/active/running", sorted.
func (c *cluster) rows(name string) ([]string, error) {
	states, err := c.fleet.UnitStates()
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, m := range c.Machines() {
		names[m.ID] = m.Name
	}
	var out []string
	for _, s := range states {
		if s.Name == name {
			out = append(out, fmt.Sprintf("%s %s/%s/%s", names[s.MachineID], s.SystemdLoadState, s.SystemdActiveState, s.SystemdSubState))
		}
	}
	slices.Sort(out)
	return out, nil
}

func (c *cluster) expect(name string, want ...string) {
	c.Helper()
	c.eventually(func() error {
		got, err := c.rows(name)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("%s is %q, want %q", name, got, want)
		}
		return err
	})
}

// placed waits until a unit is scheduled and returns the name of its machine.
func (c *cluster) placed(name string) string {
	c.Helper()
	var id string
	c.eventually(func() error {
		u, err := c.fleet.Unit(name)
		if err != nil || u == nil || u.MachineID == "" {
			return fmt.Errorf("%s is not placed: %v, %v", name, u, err)
		}
		id = u.MachineID
		return nil
	})
	for _, m := range c.Machines() {
		if m.ID == id {
			return m.Name
		}
	}
	return id
}

func (c *cluster) events(machine, glob string) string {
	var out []string
	for _, e := range c.World().Journal(0, machine, glob) {
		out = append(out, string(e.Event))
	}
	return strings.Join(out, " ")
}

func (c *cluster) rule(r sim.Rule) int {
	c.Helper()
	id, err := c.World().AddRule(r)
	if err != nil {
		c.Fatal(err)
	}
	return id
}

// service is a unit file with lines in [X-Fleet].
func service(xfleet ...string) string {
	text := "[Service]\nExecStartPre=/bin/true\nExecStart=/bin/x\n"
	if len(xfleet) > 0 {
		text += "[X-Fleet]\n" + strings.Join(xfleet, "\n") + "\n"
	}
	return text
}
