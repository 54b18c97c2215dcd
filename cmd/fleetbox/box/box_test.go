package box_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/fleet/client"
	"github.com/coreos/fleet/machine"
	"github.com/coreos/fleet/unit"

	"github.com/stackc/stackc/cmd/fleetbox/box"
	"github.com/stackc/stackc/cmd/fleetbox/sim"
)

func TestMachines(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "role=master@10.20.30.40", "b:role=node,disk=ssd@10.0.0.2", "0123456789abcdef0123456789abcdef:")
	got, err := c.fleet.Machines()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b machine.MachineState) int { return strings.Compare(b.ID, a.ID) })
	want := []machine.MachineState{
		{PublicIP: "10.20.30.40", Metadata: map[string]string{"role": "master"}},
		{PublicIP: "10.0.0.2", Metadata: map[string]string{"role": "node", "disk": "ssd"}},
		{PublicIP: "10.20.30.42", ID: "0123456789abcdef0123456789abcdef"},
	}
	slices.SortFunc(got[:2], func(a, b machine.MachineState) int { return strings.Compare(a.ID, b.ID) })
	if len(got) != len(want) {
		t.Fatalf("machines are %v", got)
	}
	for i, m := range got {
		if m.PublicIP != want[i].PublicIP || !maps.Equal(m.Metadata, want[i].Metadata) || want[i].ID != "" && m.ID != want[i].ID {
			t.Errorf("machine %d is %+v, want %+v", i, m, want[i])
		}
	}
}

func TestPlacement(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "role=master", "role=node", "role=node")
	const running = " loaded/active/running"
	c.put("api.service", "launched", service("MachineMetadata=role=master"))
	c.put("peer.service", "launched", service("MachineOf=api.service"))
	c.put("all.service", "launched", service("Global=true", "MachineMetadata=role=node"))
	c.put("one@1.service", "launched", service("Conflicts=one@*"))
	c.put("one@2.service", "launched", service("Conflicts=one@*"))
	c.put("one@3.service", "launched", service("Conflicts=one@*"))
	c.put("nowhere.service", "launched", service("MachineMetadata=role=none"))
	c.expect("api.service", "n1"+running)
	c.expect("peer.service", "n1"+running)
	c.expect("all.service", "n2"+running, "n3"+running)
	on := []string{c.placed("one@1.service"), c.placed("one@2.service"), c.placed("one@3.service")}
	slices.Sort(on)
	if !slices.Equal(on, []string{"n1", "n2", "n3"}) {
		t.Errorf("units in conflict are on %q", on)
	}
	if u, err := c.fleet.Unit("nowhere.service"); err != nil || u.MachineID != "" {
		t.Errorf("unit for no machine: %+v, %v", u, err)
	}
}

func TestReplaceInPlaceAndDestroy(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "", "", "")
	c.put("x.service", "launched", service())
	c.put("y.service", "launched", service())
	on := c.placed("x.service")
	c.expect("x.service", on+" loaded/active/running")
	c.expect("y.service", c.placed("y.service")+" loaded/active/running")
	text := strings.ReplaceAll(service(), "/bin/x", "/bin/x --new")
	c.put("x.service", "launched", text)
	file, err := unit.NewUnitFile(text)
	if err != nil {
		t.Fatal(err)
	}
	c.eventually(func() error {
		states, err := c.fleet.UnitStates()
		for _, s := range states {
			if s.Name == "x.service" && s.Hash == file.Hash().String() && s.SystemdSubState == "running" {
				return nil
			}
		}
		return fmt.Errorf("no state with the new hash: %v", err)
	})
	if now := c.placed("x.service"); now != on {
		t.Errorf("moved from %s to %s", on, now)
	}
	if got := c.events("", "x.service"); got != "load start up stop stopped unload load start up" {
		t.Errorf("x: %s", got)
	}
	if got := c.events("", "y.service"); got != "load start up" {
		t.Errorf("y: %s", got)
	}
	if err := c.fleet.DestroyUnit("x.service"); err != nil {
		t.Fatal(err)
	}
	c.expect("x.service")
	c.eventually(func() error {
		if left := c.World().Units("", "x.service"); len(left) > 0 {
			return fmt.Errorf("left: %+v", left)
		}
		return nil
	})
}

func TestUnloadableUnitBlocksItsMachine(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	c.put("bad.service", "launched", service()+"[Install]\nWantedBy=multi-user\n")
	c.put("good.service", "launched", service())
	c.placed("good.service")
	passes := strings.Count(c.events("", "bad.service"), "load-error")
	c.eventually(func() error {
		if got := c.events("", "bad.service"); strings.Count(got, "load-error") < passes+3 {
			return fmt.Errorf("bad: %s", got)
		}
		return nil
	})
	if got := c.events("", "good.service"); got != "" {
		t.Errorf("the good unit got through: %s", got)
	}
	if err := c.fleet.DestroyUnit("bad.service"); err != nil {
		t.Fatal(err)
	}
	c.expect("good.service", "n1 loaded/active/running")
}

func TestStatesOfServices(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	c.rule(sim.Rule{Unit: "held.service", Hold: true})
	c.rule(sim.Rule{Unit: "failed.service", Fail: true})
	c.rule(sim.Rule{Unit: "again.service", Fail: true})
	c.put("held.service", "launched", service())
	c.put("failed.service", "launched", service())
	c.put("again.service", "launched", service()+"[Service]\nRestart=always\nRestartSec=1h\n")
	c.put("once.service", "launched", "[Service]\nType=oneshot\nExecStart=/bin/x\n")
	c.put("broken.service", "launched", "[Service]\nUser=x\n")
	c.put("alone.service", "launched", "[Unit]\nRequires=absent.service\n"+service())
	c.put("loaded.service", "loaded", service())
	c.expect("held.service", "n1 loaded/activating/start-pre")
	c.expect("failed.service", "n1 loaded/failed/failed")
	c.expect("again.service", "n1 loaded/activating/auto-restart")
	c.expect("once.service", "n1 loaded/inactive/dead")
	c.expect("broken.service", "n1 bad-setting/inactive/dead")
	c.expect("alone.service", "n1 loaded/inactive/dead")
	c.expect("loaded.service", "n1 loaded/inactive/dead")
	if n := c.World().Release("", "held.service"); n != 1 {
		t.Errorf("%d released", n)
	}
	c.expect("held.service", "n1 loaded/active/running")
}

func TestMachineIsKilledAndComesBack(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "role=node", "role=node")
	c.put("x.service", "launched", service())
	on := c.placed("x.service")
	c.expect("x.service", on+" loaded/active/running")
	if err := c.StopMachine(on, box.Kill); err != nil {
		t.Fatal(err)
	}
	other := map[string]string{"n1": "n2", "n2": "n1"}[on]
	c.eventually(func() error {
		if now := c.placed("x.service"); now != other {
			return fmt.Errorf("still on %s", now)
		}
		return nil
	})
	c.expect("x.service", other+" loaded/active/running")
	if err := c.StartMachine(on, ""); err != nil {
		t.Fatal(err)
	}
	c.eventually(func() error {
		list, err := c.fleet.Machines()
		if err == nil && len(list) != 2 {
			err = fmt.Errorf("machines: %v", list)
		}
		return err
	})
	if now := c.placed("x.service"); now != other {
		t.Errorf("went back to %s", now)
	}
}

func TestMachineStopsGracefully(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "", "")
	c.put("x.service", "launched", service())
	on := c.placed("x.service")
	c.expect("x.service", on+" loaded/active/running")
	if err := c.StopMachine(on, box.Graceful); err != nil {
		t.Fatal(err)
	}
	if list, err := c.fleet.Machines(); err != nil || len(list) != 1 {
		t.Errorf("machines: %v, %v", list, err)
	}
	if got := c.events(on, "x.service"); got != "load start up stop stopped unload" {
		t.Errorf("events: %s", got)
	}
}

func TestDaemonDiesAndItsUnitsRunOn(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	c.put("x.service", "launched", service())
	c.expect("x.service", "n1 loaded/active/running")
	if err := c.StopMachine("n1", box.Crash); err != nil {
		t.Fatal(err)
	}
	if got := c.Machines()[0]; got.State != box.Stopped || len(got.Units) != 1 || got.Units[0].Active != "active" {
		t.Errorf("machine: %+v", got)
	}
}

func TestMachineIsCutOff(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "", "")
	c.put("x.service", "launched", service())
	on := c.placed("x.service")
	c.expect("x.service", on+" loaded/active/running")
	if err := c.CutMachine(on, true); err != nil {
		t.Fatal(err)
	}
	c.eventually(func() error { // one of each, as long as the cut lasts
		units := c.World().Units("", "x.service")
		if len(units) != 2 || units[0].Active != "active" || units[1].Active != "active" {
			return fmt.Errorf("units: %+v", units)
		}
		return nil
	})
	if err := c.CutMachine(on, false); err != nil {
		t.Fatal(err)
	}
	c.eventually(func() error {
		if units := c.World().Units("", "x.service"); len(units) != 1 || units[0].Machine == on {
			return fmt.Errorf("units: %+v", units)
		}
		return nil
	})
}

func TestPages(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	for i := range 101 {
		c.put(fmt.Sprintf("x%03d.service", i), "inactive", service())
	}
	c.Requests(true)
	list, err := c.fleet.Units()
	if err != nil || len(list) != 101 {
		t.Errorf("%d units, %v", len(list), err)
	}
	got := c.Requests(true)
	if got.Pages != 2 || got.Reads != 2 || got.Writes != 0 || got.Classes["GET /units"].Status["200"] != 2 {
		t.Errorf("requests: %+v", got)
	}
	if got := c.Requests(false); got.Total != 0 {
		t.Errorf("after reset: %+v", got)
	}
}

func TestFaults(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	add := func(f box.Fault) {
		t.Helper()
		if _, err := c.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	add(box.Fault{Method: "GET", Path: "/units/*", Status: 503, Message: "busy", Times: 1})
	_, err := c.fleet.Unit("x.service")
	if err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("first: %v", err)
	}
	if _, err = c.fleet.Unit("x.service"); err != nil {
		t.Errorf("second: %v", err)
	}
	add(box.Fault{Path: "/machines", Drop: true})
	if _, err = c.fleet.Machines(); err == nil {
		t.Error("dropped request was answered")
	}
	if got := c.Requests(false).Classes["GET /machines"].Status["0"]; got == 0 {
		t.Errorf("requests: %+v", c.Requests(false))
	}
	if n := c.RemoveFault(0); n != 2 || len(c.Faults()) != 0 {
		t.Errorf("%d removed, left %v", n, c.Faults())
	}
	if _, err = c.fleet.Machines(); err != nil {
		t.Error(err)
	}
	if _, err := c.AddFault(box.Fault{Status: 42}); err == nil {
		t.Error("status 42 was taken")
	}
}

func TestEtcdOutage(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	c.put("x.service", "launched", service())
	c.expect("x.service", "n1 loaded/active/running")
	c.CutEtcd(true)
	if _, err := c.fleet.Units(); err == nil {
		t.Error("units without etcd")
	}
	c.eventually(func() error {
		_, err := c.fleet.Units()
		if err == nil || !strings.Contains(err.Error(), "unable to communicate with etcd") {
			return fmt.Errorf("error is %v", err)
		}
		return nil
	})
	c.CutEtcd(false)
	c.expect("x.service", "n1 loaded/active/running")
	if got := c.events("", "x.service"); got != "load start up" {
		t.Errorf("events: %s", got)
	}
}

func TestAPIIsCut(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	tcp := c.client(c.FleetURLs()[1])
	for _, cut := range []bool{false, true, false} {
		c.CutAPI(cut)
		for i, api := range []client.API{c.fleet, tcp} {
			if _, err := api.Machines(); (err != nil) != cut {
				t.Errorf("cut %v, endpoint %d: %v", cut, i, err)
			}
		}
	}
}

func TestFleetsOwnTiming(t *testing.T) {
	c := newCluster(t, box.FleetTiming(), "role=master", "role=node")
	c.put("x.service", "launched", service("MachineMetadata=role=node"))
	c.expect("x.service", "n2 loaded/active/running")
	if err := c.fleet.SetUnitTargetState("x.service", "loaded"); err != nil {
		t.Fatal(err)
	}
	c.expect("x.service", "n2 loaded/inactive/dead")
}

func TestUnknownMachine(t *testing.T) {
	c := newCluster(t, box.FastTiming(), "")
	for _, err := range []error{c.StopMachine("n9", box.Kill), c.StartMachine("n9", ""), c.CutMachine("n9", true)} {
		if !errors.Is(err, box.ErrNoMachine) {
			t.Errorf("error is %v", err)
		}
	}
	if err := c.StopMachine("n1", "hard"); err == nil {
		t.Error("stopped hard")
	}
}

func TestSockets(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := box.Listen(path); err == nil {
		l.Close()
		t.Error("took a socket in use")
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	l, err := box.Listen(path)
	if err != nil {
		t.Fatalf("stale socket: %v", err)
	}
	if got := box.URL(l); got != "unix://"+path {
		t.Errorf("URL is %s", got)
	}
	l.Close()
	if _, err := os.Stat(path); err == nil {
		t.Error("socket is left behind")
	}
	if _, err := box.Listen(filepath.Join(dir, strings.Repeat("x", 108))); err == nil || !strings.Contains(err.Error(), "107") {
		t.Errorf("long path: %v", err)
	}
}

func TestParseMachines(t *testing.T) {
	for _, bad := range [][]string{{"role"}, {"role=a,b"}, {"role=a@nowhere"}, {"m:", "m:"}, {"=a"}} {
		if got, err := box.ParseMachines(bad); err == nil {
			t.Errorf("%q gives %+v", bad, got)
		}
	}
	got, err := box.ParseMachines([]string{"role=a:b,mail=x@y@10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	want := box.Machine{Name: "n1", ID: got[0].ID, Address: "10.0.0.1", Metadata: map[string]string{"role": "a:b", "mail": "x@y"}}
	if m := got[0]; m.Name != want.Name || m.Address != want.Address || !maps.Equal(m.Metadata, want.Metadata) || !strings.HasPrefix(m.ID, "f1ee7001") || len(m.ID) != 32 {
		t.Errorf("machine is %+v, want %+v", m, want)
	}
}
