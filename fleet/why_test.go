package fleet

import (
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/units"
)

// TestWhy looks at what keeps a unit from running, in clusters of two machines.
func TestWhy(t *testing.T) {
	tests := []struct {
		name string
		// cluster has lines "NAME DESIRED CURRENT MACHINE LOAD/ACTIVE/SUB [OPTION]..."; a
		// dash stands for no machine or no row. The first one is asked about.
		cluster []string
		good    bool
		cause   string
		next    string
		refused string // of n2
	}{
		{"up", []string{"a launched launched n1 loaded/active/running"}, true, "", "", ""},
		{"Requires= on another machine", []string{
			"a launched launched n1 loaded/inactive/dead [Unit]_Requires=b.service", "b launched launched n2 loaded/active/running"},
			false, "it names b.service in Requires=: it is not on that machine", "stackc restart a.service", ""},
		{"went down with a neighbour", []string{
			"a launched launched n1 loaded/inactive/dead [Unit]_PartOf=b.service", "b launched launched n1 loaded/failed/failed"},
			false, "it goes down with b.service (PartOf=), which is failed", "stackc restart a.service", ""},
		{"ended by itself", []string{"a launched launched n1 loaded/inactive/dead"}, false, "it has ended by itself", "stackc restart a.service", ""},
		{"held up by another", []string{"a launched loaded n1 -", "b launched loaded n1 bad-setting/inactive/dead"},
			false, "b.service cannot be loaded on n1/10.0.0.1, which ends each pass", "ssh core@10.0.0.1 journalctl", ""},
		{"cannot be loaded", []string{"a launched loaded n1 bad-setting/inactive/dead"}, false, "systemd cannot load it on n1/10.0.0.1 (bad-setting/inactive/dead)", "", ""},
		{"queued", []string{"a launched loaded n1 loaded/inactive/dead [Unit]_After=b.service", "b launched launched n1 loaded/activating/start"},
			false, "it may be queued behind b.service, which is starting", "", ""},
		{"no machine", []string{"a launched inactive - - [X-Fleet]_MachineMetadata=role=none"}, false, "no machine can run it", "", "metadata role=node, needs role=none"},
		{"not placed yet", []string{"a launched inactive - -"}, false, "fleet has not chosen a machine yet", "", ""},
		{"peer not there", []string{"a launched inactive - - [X-Fleet]_MachineOf=b.service"}, false, "no machine can run it", "", "b.service (MachineOf) is not in the cluster"},
		{"machine gone", []string{"a launched launched n9 -"}, false, "its machine n9 is gone", "", ""},
		{"tries again", []string{"a launched launched n1 loaded/activating/auto-restart"}, false, "its process ends again and again on n1", "", ""},
		{"starts", []string{"a launched launched n1 loaded/activating/start"}, false, "systemd waits for it to say that it is ready", "", ""},
		{"loaded", []string{"a loaded loaded n1 loaded/inactive/dead"}, true, "it was asked to be loaded", "stackc start a.service", ""},
		{"pulled in", []string{"a loaded loaded n1 loaded/active/running"}, false, "another unit has started it", "", ""},
		{"global, one machine dead", []string{"a launched - - loaded/inactive/dead [X-Fleet]_Global=true"}, false, "it has ended by itself", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := clusterOf(t, tt.cluster...)
			d := Why(s, "a.service", nil)
			if d.Good != tt.good || !strings.Contains(strings.Join(d.Causes, "\n"), tt.cause) || !strings.Contains(strings.Join(d.Next, "\n"), tt.next) {
				t.Errorf("good %v, causes %q, next %q", d.Good, d.Causes, d.Next)
			}
			if tt.good != (len(d.Causes) == 0) && tt.cause == "" {
				t.Errorf("causes %q", d.Causes)
			}
			if tt.refused != "" && !slices.Contains(d.Machines, Eligible{Machine: "n2", Refused: tt.refused}) {
				t.Errorf("machines %+v, want n2 refused: %s", d.Machines, tt.refused)
			}
		})
	}
}

// clusterOf makes a snapshot of the lines of TestWhy.
func clusterOf(t *testing.T, lines ...string) *Snapshot {
	t.Helper()
	machines := []Machine{{ID: "n1", IP: "10.0.0.1", Metadata: map[string]string{"role": "master"}}, {ID: "n2", IP: "10.0.0.2", Metadata: map[string]string{"role": "node"}}}
	var list []Unit
	var rows []UnitState
	for _, line := range lines {
		f := strings.Fields(strings.ReplaceAll(line, " - ", " _ "))
		items := []string{"ExecStart=/bin/x"}
		for _, item := range f[5:] {
			items = append(items, strings.Replace(item, "]_", "] ", 1))
		}
		u := unit(f[0], items...)
		live := Unit{Name: u.Name, Options: u.Options, Hash: u.Hash(), Desired: units.State(f[1]), Current: units.State(f[2]), Machine: strings.Trim(f[3], "_-")}
		list = append(list, live)
		if row := strings.Trim(f[4], "_-"); row != "" {
			r := rowOf(u, row, false)
			if live.Machine != "" {
				r.Machine = live.Machine
			}
			rows = append(rows, r)
		}
	}
	return NewSnapshot(machines, list, rows)
}

func TestWhyFile(t *testing.T) {
	s := clusterOf(t, "a launched launched n1 loaded/activating/start-pre", "b launched launched n2 loaded/failed/failed")
	want := waits(unit("a", "ExecStart=/bin/x"), "etcd.service", "b.service", "c.service")
	tests := []struct {
		name  string
		set   *units.Set
		cause string
	}{
		{"host units are not asked after", set(waits(unit("a", "ExecStart=/bin/x"), "etcd.service")), "it waits on n1/10.0.0.1 for etcd.service (tcp 10.0.0.1:80)"},
		{"one that failed", set(want, unit("b")), "it waits on n1/10.0.0.1 for b.service (tcp 10.0.0.1:80), which is failed"},
		{"one that is not there", set(waits(unit("a", "ExecStart=/bin/x"), "c.service"), unit("c")), "it waits on n1/10.0.0.1 for c.service (tcp 10.0.0.1:80), which is not in the cluster"},
		{"other content", set(unit("a", "ExecStart=/bin/y")), "the cluster has another content than the file"},
		{"other state", set(inactive(unit("a", "ExecStart=/bin/x"))), "fleet was asked for launched, and the file says inactive"},
	}
	for _, tt := range tests {
		if d := Why(s, "a.service", tt.set); d.Good || !slices.Contains(d.Causes, tt.cause) {
			t.Errorf("%s: causes %q, want %q", tt.name, d.Causes, tt.cause)
		}
	}
	if d := Why(s, "x.service", nil); d.Good || d.Spots[0].State != IsMissing {
		t.Errorf("%+v", d)
	}
}
