package fleet

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

var update = flag.Bool("update", false, "write the golden files")

// TestPlanJSON holds the form of a saved plan.
func TestPlanJSON(t *testing.T) {
	api := fleetUnit("api", "MachineMetadata=role=master")
	oldProxy := fleetUnit("proxy", "Global=true")
	proxy := waits(unit("proxy", "[Unit] Wants=api.service", "ExecStart=/bin/proxy --new", "[X-Fleet] Global=true"), "api.service")
	proxy.Group = "proxy"
	sidekick := unit("sidekick", "[Unit] BindsTo=proxy.service", "ExecStart=/bin/sidekick", "[X-Fleet] MachineID=n2")
	backup := unit("backup.timer", "[Timer] OnCalendar=daily")
	s := NewSnapshot(threeMachines(),
		[]Unit{on(oldProxy, ""), on(sidekick, "n2"), on(unit("old"), "n3")},
		[]UnitState{row(oldProxy, "n1", "loaded/active/running"), row(sidekick, "n2", "loaded/active/running")})
	want := units.NewSet("s", []units.Unit{api, proxy, sidekick, backup, loaded(unit("backup"))},
		units.Address{Role: "master", Host: "10.9.9.9", Metadata: units.Metadata{"role": {"master"}}})
	changes, refusals := Diff(s, want, DiffOptions{Prune: true})
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	p := NewPlan(s, want, changes, Place(s, want, changes))
	got, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.json", append(got, '\n'))
	var back Plan
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, &back); d != "" {
		t.Errorf("a plan that was saved and read again is another (-made +read):\n%s", d)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestConsequences(t *testing.T) {
	master := "MachineMetadata=role=master"
	tests := []struct {
		name string
		live []Unit
		want []units.Unit
		o    DiffOptions
		// said are the consequences of unit a.
		said []string
	}{
		{"create sure", nil, []units.Unit{fleetUnit("a", master)}, DiffOptions{}, []string{"starts on n1/10.0.0.1"}},
		{"create alone", nil, []units.Unit{fleetUnit("a")}, DiffOptions{}, []string{"starts on n1/10.0.0.1"}},
		{"create predicted", nil, []units.Unit{fleetUnit("a"), fleetUnit("b")}, DiffOptions{}, []string{"starts on n1/10.0.0.1 (prediction, or n2/10.0.0.2 or n3/10.0.0.3)"}},
		{"create where others push", nil, []units.Unit{fleetUnit("a", "Conflicts=b.service", master), fleetUnit("b", master)}, DiffOptions{}, []string{"starts on n1/10.0.0.1 (prediction, or on none)"}},
		{"create global", nil, []units.Unit{fleetUnit("a", "Global=true")}, DiffOptions{}, []string{"starts on n1/10.0.0.1, n2/10.0.0.2 and n3/10.0.0.3"}},
		{"create loaded", nil, []units.Unit{loaded(fleetUnit("a"))}, DiffOptions{}, []string{"is loaded, not started, on n1/10.0.0.1"}},
		{"create inactive", nil, []units.Unit{inactive(fleetUnit("a"))}, DiffOptions{}, []string{"is stored, on no machine"}},
		{"create nowhere", nil, []units.Unit{fleetUnit("a", "MachineID=n9")}, DiffOptions{}, []string{"no machine can run it"}},
		{"replace", []Unit{on(unit("a", "Nice=1"), "n2")}, []units.Unit{unit("a", "Nice=2")}, DiffOptions{}, []string{"restarts in place on n2/10.0.0.2"}},
		{"replace placement only", []Unit{on(fleetUnit("a"), "n1")}, []units.Unit{fleetUnit("a", master)}, DiffOptions{},
			[]string{"restarts in place on n1/10.0.0.1", "only where it may run changes; fleet restarts it all the same"}},
		{"replace and move", []Unit{on(fleetUnit("a"), "n3")}, []units.Unit{fleetUnit("a", master)}, DiffOptions{}, []string{"moves from n3/10.0.0.3 to n1/10.0.0.1: metadata role=node, needs role=master"}},
		{"replace global", []Unit{on(fleetUnit("a", "Global=true"), "")}, []units.Unit{unit("a", "Nice=2", "[X-Fleet] Global=true", "[X-Fleet] MachineMetadata=role=node")}, DiffOptions{},
			[]string{"restarts in place on 2 machines at once: n2/10.0.0.2 and n3/10.0.0.3", "leaves n1/10.0.0.1"}},
		{"replace global and widen", []Unit{on(fleetUnit("a", "Global=true", master), "")}, []units.Unit{fleetUnit("a", "Global=true")}, DiffOptions{},
			[]string{"restarts in place on n1/10.0.0.1", "starts newly on n2/10.0.0.2 and n3/10.0.0.3",
				"only where it may run changes; fleet restarts it all the same"}},
		{"replace and stop", []Unit{on(unit("a", "Nice=1"), "n2")}, []units.Unit{loaded(unit("a", "Nice=2"))}, DiffOptions{}, []string{"stops on n2/10.0.0.2 and stays loaded"}},
		{"replace and unload", []Unit{on(unit("a", "Nice=1"), "n2")}, []units.Unit{inactive(unit("a", "Nice=2"))}, DiffOptions{}, []string{"stops and leaves n2/10.0.0.2"}},
		{"replace global with one", []Unit{on(fleetUnit("a", "Global=true", "MachineMetadata=role=node"), "")}, []units.Unit{fleetUnit("a", "MachineMetadata=role=node")}, DiffOptions{},
			[]string{"restarts in place on n2/10.0.0.2 and stops on n3/10.0.0.3 (prediction)", "only where it may run changes; fleet restarts it all the same"}},
		{"replace global with one elsewhere", []Unit{on(fleetUnit("a", "Global=true", "MachineMetadata=role=node"), "")}, []units.Unit{fleetUnit("a", master)}, DiffOptions{},
			[]string{"moves from n2/10.0.0.2 and n3/10.0.0.3 to n1/10.0.0.1: metadata role=node, needs role=master"}},
		{"replace global elsewhere", []Unit{on(fleetUnit("a", "Global=true", "MachineMetadata=role=node"), "")}, []units.Unit{fleetUnit("a", "Global=true", master)}, DiffOptions{},
			[]string{"moves from n2/10.0.0.2 and n3/10.0.0.3 to n1/10.0.0.1: metadata role=node, needs role=master"}},
		{"replace and stop global", []Unit{on(unit("a", "[X-Fleet] Global=true", "Nice=1"), "")}, []units.Unit{loaded(unit("a", "[X-Fleet] Global=true", "Nice=2"))}, DiffOptions{},
			[]string{"stops on n1/10.0.0.1, n2/10.0.0.2 and n3/10.0.0.3 and stays loaded"}},
		{"replace and start", []Unit{on(loaded(unit("a", "Nice=1")), "n2")}, []units.Unit{unit("a", "Nice=2")}, DiffOptions{}, []string{"starts on n2/10.0.0.2"}},
		{"replace loaded", []Unit{on(loaded(unit("a", "Nice=1")), "n2")}, []units.Unit{loaded(unit("a", "Nice=2"))}, DiffOptions{}, []string{"is loaded anew, not started, on n2/10.0.0.2"}},
		{"replace, stop and move", []Unit{on(fleetUnit("a"), "n3")}, []units.Unit{loaded(fleetUnit("a", master))}, DiffOptions{}, []string{"stops on n3/10.0.0.3 and is loaded, not started, on n1/10.0.0.1"}},
		{"replace loaded and unload", []Unit{on(loaded(unit("a", "Nice=1")), "n2")}, []units.Unit{inactive(unit("a", "Nice=2"))}, DiffOptions{}, []string{"leaves n2/10.0.0.2"}},
		{"unload loaded", []Unit{on(loaded(unit("a")), "n2")}, []units.Unit{inactive(unit("a"))}, DiffOptions{}, []string{"leaves n2/10.0.0.2"}},
		{"delete loaded", []Unit{on(loaded(unit("a")), "n2")}, []units.Unit{unit("b")}, DiffOptions{Prune: true}, []string{"leaves n2/10.0.0.2 and is removed"}},
		{"replace what is nowhere", []Unit{on(inactive(unit("a", "Nice=1")), "")}, []units.Unit{unit("a", "Nice=2")}, DiffOptions{}, []string{"starts on n1/10.0.0.1"}},
		{"launch", []Unit{on(loaded(unit("a")), "n2")}, []units.Unit{unit("a")}, DiffOptions{}, []string{"starts on n2/10.0.0.2"}},
		{"stop", []Unit{on(unit("a"), "n2")}, []units.Unit{loaded(unit("a"))}, DiffOptions{}, []string{"stops on n2/10.0.0.2 and stays loaded"}},
		{"unload", []Unit{on(unit("a"), "n2")}, []units.Unit{inactive(unit("a"))}, DiffOptions{}, []string{"stops and leaves n2/10.0.0.2"}},
		{"adopt", []Unit{on(marked(unit("a"), "web"), "n2")}, []units.Unit{unit("a")}, DiffOptions{Adopt: true}, []string{`is taken over from stack "web" as it is, and runs on`}},
		{"adopt nobody's", []Unit{on(marked(unit("a"), ""), "n2")}, []units.Unit{unit("a")}, DiffOptions{Adopt: true}, []string{"is taken over from nobody as it is, and runs on"}},
		{"orphan", []Unit{on(unit("a"), "n2")}, []units.Unit{unit("b")}, DiffOptions{}, []string{"is not in the stack any more and stays; pruning removes it"}},
		{"delete", []Unit{on(unit("a"), "n2")}, []units.Unit{unit("b")}, DiffOptions{Prune: true}, []string{"stops on n2/10.0.0.2 and is removed"}},
		{"delete with a neighbour", []Unit{on(unit("a"), "n2"), on(unit("b", "[Unit] Requires=a.service"), "n2")}, []units.Unit{unit("b", "[Unit] Requires=a.service")}, DiffOptions{Prune: true},
			[]string{"stops on n2/10.0.0.2 and is removed", "takes down b.service, which names it in Requires= and is not started again"}},
		{"delete what is nowhere", []Unit{on(inactive(unit("a")), "")}, []units.Unit{unit("b")}, DiffOptions{Prune: true}, []string{"is removed"}},
		{"nothing", []Unit{on(unit("a"), "n2")}, []units.Unit{unit("a")}, DiffOptions{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSnapshot(threeMachines(), tt.live, nil)
			s.Machines[2].Metadata["disk"] = "ssd"
			want := set(tt.want...)
			changes, _ := Diff(s, want, tt.o)
			u, _ := NewPlan(s, want, changes, Place(s, want, changes)).Unit("a.service")
			wantList(t, "said", u.Consequences, tt.said...)
		})
	}
}

func TestAddressWarnings(t *testing.T) {
	node, master, tape := units.Metadata{"role": {"node"}}, units.Metadata{"role": {"master"}}, units.Metadata{"disk": {"tape"}}
	tests := []struct {
		name    string
		address units.Address
		text    string
	}{
		{"right", units.Address{Role: "m", Host: "10.0.0.1", Metadata: master}, ""},
		{"another", units.Address{Role: "m", Host: "10.9.9.9", Metadata: master}, "its machine publishes another: n1/10.0.0.1"},
		{"a name", units.Address{Role: "m", Host: "master.example", Metadata: master}, ""},
		{"nobody", units.Address{Role: "t", Host: "10.0.0.1", Metadata: tape}, "no machine has its metadata disk=tape"},
		{"several", units.Address{Role: "n", Host: "10.0.0.2", Metadata: node}, "2 machines have its metadata: n2/10.0.0.2 and n3/10.0.0.3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSnapshot(threeMachines(), nil, nil)
			warnings := NewPlan(s, units.NewSet("s", nil, tt.address), nil, nil).Warnings
			switch {
			case tt.text == "" && len(warnings) > 0:
				t.Errorf("warned: %v", warnings)
			case tt.text != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].Text, tt.text)):
				t.Errorf("warnings %v, want %q", warnings, tt.text)
			}
		})
	}
}

func TestPlanQueries(t *testing.T) {
	s := NewSnapshot(threeMachines(), []Unit{on(unit("b"), "n1")}, nil)
	s.Partial = true
	want := set(unit("a"), fleetUnit("c", "MachineID=n9"), unit("b"))
	changes, _ := Diff(s, want, DiffOptions{})
	p := NewPlan(s, want, changes, Place(s, want, changes))
	if p.Count(Create) != 2 || p.Count(None) != 1 || len(p.Unplaceable()) != 1 || p.Unplaceable()[0].Unit != "c.service" {
		t.Errorf("%d created, %d left, %v unplaceable", p.Count(Create), p.Count(None), p.Unplaceable())
	}
	if _, ok := p.Unit("z.service"); ok {
		t.Error("the plan has a unit that it has not")
	}
	if !slices.ContainsFunc(p.Warnings, func(w Warning) bool { return strings.Contains(w.Text, "orphans") }) {
		t.Errorf("a partial snapshot goes unnoticed: %v", p.Warnings)
	}
}
