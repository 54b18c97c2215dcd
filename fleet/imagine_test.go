package fleet

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

// said gives the consequences of each unit that has some.
func saidOf(p *Plan) map[units.Name]string {
	said := map[units.Name]string{}
	for _, u := range p.Units {
		if len(u.Consequences) > 0 {
			said[u.Unit] = strings.Join(u.Consequences, "; ")
		}
	}
	return said
}

func TestPlanBetween(t *testing.T) {
	old := set(
		unit("a", "ExecStart=/bin/a", "[X-Fleet] MachineMetadata=role=front"),
		unit("b", "ExecStart=/bin/b", "[X-Fleet] MachineOf=a.service"),
		unit("c", "ExecStart=/bin/c", "[X-Fleet] Global=true"),
		unit("d", "ExecStart=/bin/d", "[Unit] Requires=e.service"),
		unit("e", "ExecStart=/bin/e"),
		unit("f", "ExecStart=/bin/f"),
		unit("g", "ExecStart=/bin/g", "Nice=1"),
		unit("h", "ExecStart=/bin/h"),
	)
	new := set(
		unit("a", "ExecStart=/bin/a", "[X-Fleet] MachineMetadata=role=back"),
		unit("b", "ExecStart=/bin/b", "[X-Fleet] MachineOf=a.service"),
		unit("c", "ExecStart=/bin/c2", "[X-Fleet] Global=true"),
		unit("d", "ExecStart=/bin/d", "[Unit] Requires=e.service"),
		unit("e", "ExecStart=/bin/e2"),
		unit("f", "ExecStart=/bin/f", "[Unit] After=e.service"),
		unit("g", "Nice=1", "ExecStart=/bin/g"),
		unit("i", "ExecStart=/bin/i"),
	)
	p, refusals := PlanBetween(nil, old, new, DiffOptions{Prune: true})
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	want := map[units.Name]string{
		"a.service": "moves to another machine: needs MachineMetadata=role=back, needed role=front",
		"c.service": "restarts in place on all its machines at once",
		"d.service": "restarts: it goes down with e.service, which it names in Requires=",
		"e.service": "restarts in place",
		"f.service": "restarts in place; only its order changes, which counts when both start at one time; fleet restarts it all the same",
		"g.service": "restarts in place; the same lines stand in another order; fleet restarts it all the same",
		"h.service": "stops and is removed",
		"i.service": "starts",
	}
	if d := cmp.Diff(want, saidOf(p)); d != "" {
		t.Errorf("consequences (-want +got):\n%s", d)
	}
	fates := map[units.Name]Fate{}
	for _, u := range p.Units {
		fates[u.Unit] = p.Effect(u).Fate
	}
	wantFates := map[units.Name]Fate{"a.service": Moves, "b.service": Moves, "c.service": Restarts, "d.service": Restarts,
		"e.service": Restarts, "f.service": Restarts, "g.service": Restarts, "h.service": Stops, "i.service": Starts}
	if d := cmp.Diff(wantFates, fates); d != "" {
		t.Errorf("fates (-want +got):\n%s", d)
	}
	if p, _ := PlanBetween(nil, old, new, DiffOptions{}); p.Effect(p.Units[slices.IndexFunc(p.Units, func(u UnitPlan) bool { return u.Unit == "h.service" })]).Fate != Orphaned {
		t.Error("without prune a unit that is gone stays")
	}
}

func TestImagine(t *testing.T) {
	machines := []Machine{{ID: "n1", Metadata: map[string]string{"role": "front"}}, {ID: "n2", Metadata: map[string]string{"role": "back"}}}
	old := set(unit("a", "ExecStart=/bin/a", "[X-Fleet] MachineMetadata=role=front"))
	new := set(unit("a", "ExecStart=/bin/a", "[X-Fleet] MachineMetadata=role=back"), unit("b", "ExecStart=/bin/b", "[X-Fleet] MachineMetadata=role=none"))
	p, _ := PlanBetween(machines, old, new, DiffOptions{})
	want := map[units.Name]Effect{
		"a.service": {Fate: Moves, Starts: []string{"n2"}, Stops: []string{"n1"}, Sure: true, Why: "metadata role=front, needs role=back"},
		"b.service": {Fate: Unplaced, Sure: true, Why: "metadata role=front, needs role=none"},
	}
	got := map[units.Name]Effect{}
	for _, u := range p.Units {
		got[u.Unit] = p.Effect(u)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("effects (-want +got):\n%s", d)
	}
}

func TestMeanwhile(t *testing.T) {
	old := set(
		unit("db", "ExecStart=/bin/db"),
		waits(unit("api", "ExecStart=/bin/api"), "db.service"),
		waits(unit("web", "ExecStart=/bin/web"), "api.service"),
		unit("log", "ExecStart=/bin/log", "[Unit] After=db.service"),
	)
	new := set(
		unit("db", "ExecStart=/bin/db2"),
		waits(unit("api", "ExecStart=/bin/api2"), "db.service"),
		waits(unit("web", "ExecStart=/bin/web"), "api.service"),
		unit("log", "ExecStart=/bin/log", "[Unit] After=db.service"),
	)
	p, _ := PlanBetween(nil, old, new, DiffOptions{})
	m := p.Meanwhile()
	if d := cmp.Diff([][]units.Name{{"db.service"}, {"api.service"}}, m.Order); d != "" {
		t.Errorf("order:\n%s", d)
	}
	if d := cmp.Diff([]units.Name{"api.service", "db.service"}, m.Down); d != "" {
		t.Errorf("down:\n%s", d)
	}
	if len(m.Holding) != 1 || m.Holding[0].Unit != "api.service" || m.Holding[0].For != "db.service" {
		t.Errorf("holding: %+v", m.Holding)
	}
	if d := cmp.Diff([]Without{{"log.service", []units.Name{"db.service"}}, {"web.service", []units.Name{"api.service"}}}, m.Without); d != "" {
		t.Errorf("without:\n%s", d)
	}
}

// On an imagined cluster the machine that fleet chose for a unit is a prediction,
// and so is all that is said of it; one that nothing else fits is not.
func TestPlanBetweenPredicts(t *testing.T) {
	master := "MachineMetadata=role=master"
	free, fixed := fleetUnit("a", "MachineMetadata=role=node"), fleetUnit("b", master)
	beside := fleetUnit("c", "MachineOf=a.service")
	along := fleetUnit("d", "MachineOf=b.service")
	tests := []struct {
		name     string
		new      []units.Unit
		unit     units.Name
		said     string
		sure     bool
		withdraw bool
	}{
		{"restart of a chosen one", []units.Unit{unit("a", "[X-Fleet] MachineMetadata=role=node", "Nice=2"), fixed}, "a.service", "restarts in place on n2/10.0.0.2 (prediction)", false, false},
		{"restart of one that fits nowhere else", []units.Unit{free, unit("b", "[X-Fleet] "+master, "Nice=2")}, "b.service", "restarts in place on n1/10.0.0.1", true, false},
		{"stop", []units.Unit{loaded(free), fixed}, "a.service", "stops on n2/10.0.0.2 (prediction) and stays loaded", false, false},
		{"leave", []units.Unit{inactive(free), fixed}, "a.service", "stops and leaves n2/10.0.0.2 (prediction)", false, false},
		{"restart of its follower", []units.Unit{free, fixed, unit("c", "[X-Fleet] MachineOf=a.service", "Nice=2"), along}, "c.service", "restarts in place on n2/10.0.0.2 (prediction)", false, false},
		{"restart of the follower of a fixed one", []units.Unit{free, fixed, beside, unit("d", "[X-Fleet] MachineOf=b.service", "Nice=2")}, "d.service", "restarts in place on n1/10.0.0.1", true, false},
		{"leave the only one", []units.Unit{free, inactive(fixed)}, "b.service", "stops and leaves n1/10.0.0.1", true, false},
		{"removal", []units.Unit{fixed}, "a.service", "stops on n2/10.0.0.2 (prediction) and is removed", false, true},
		{"move from one of several", []units.Unit{fleetUnit("a", master), fixed}, "a.service", "moves from n2/10.0.0.2 to n1/10.0.0.1 (prediction): metadata role=node, needs role=master", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, refusals := PlanBetween(threeMachines(), set(free, fixed, beside, along), set(tt.new...), DiffOptions{Prune: tt.withdraw})
			if len(refusals) > 0 {
				t.Fatal(refusals)
			}
			u, _ := plan.Unit(tt.unit)
			if len(u.Consequences) == 0 || u.Consequences[0] != tt.said {
				t.Errorf("said %q, want %q", u.Consequences, tt.said)
			}
			if e := plan.Effect(u); e.Sure != tt.sure {
				t.Errorf("sure is %t: %+v", e.Sure, e)
			}
		})
	}
}

// What is to be loaded only is started by who pulls it in, where that starts beside it.
func TestPlanWakes(t *testing.T) {
	asleep := loaded(fleetUnit("a", "MachineMetadata=role=master"))
	beside := unit("b", "[X-Fleet] MachineOf=a.service", "[Unit] Wants=a.service")
	c := func(relation string) units.Unit {
		return unit("c", "[X-Fleet] MachineMetadata=role=master", "[Unit] "+relation)
	}
	oneshot := func(name string, more ...string) units.Unit {
		return unit(name, append(more, "Type=oneshot", "ExecStart=/bin/once", "[X-Fleet] MachineMetadata=role=master")...)
	}
	once, done, runs := oneshot("once"), oneshot("done"), oneshot("runs", "RemainAfterExit=yes")
	tests := []struct {
		name string
		new  []units.Unit
		want []string
	}{
		{"starts beside it", []units.Unit{asleep, beside}, []string{
			"a.service is to be loaded only, and systemd starts it with b.service, which names it in Wants="}},
		{"is loaded too", []units.Unit{asleep, loaded(beside)}, nil},
		{"starts elsewhere", []units.Unit{asleep, unit("b", "[X-Fleet] MachineMetadata=role=node", "[Unit] Wants=a.service")}, nil},
		{"orders only", []units.Unit{asleep, unit("b", "[X-Fleet] MachineOf=a.service", "[Unit] After=a.service")}, nil},
		{"through one that is loaded too", []units.Unit{asleep, loaded(beside), c("Requires=b.service")}, []string{
			"b.service is to be loaded only, and systemd starts it with c.service, which names it in Requires=",
			"a.service is to be loaded only, and systemd starts it with b.service, which names it in Wants="}},
		{"in a ring", []units.Unit{loaded(unit("a", "[X-Fleet] MachineMetadata=role=master", "[Unit] Wants=c.service")), c("Wants=a.service")}, []string{
			"a.service is to be loaded only, and systemd starts it with c.service, which names it in Wants="}},
		{"starts with it", []units.Unit{asleep, once, c("Requires=once.service")}, nil},
		{"has ended", []units.Unit{asleep, done, c("Requires=done.service")}, []string{
			"done.service runs once more if it has ended: systemd starts it with c.service, which names it in Requires="}},
		{"runs on", []units.Unit{asleep, runs, c("Requires=runs.service")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, refusals := PlanBetween(threeMachines(), set(asleep, done, runs), set(tt.new...), DiffOptions{})
			if len(refusals) > 0 {
				t.Error(refusals)
			}
			wantList(t, "warnings", remarks(plan), tt.want...)
		})
	}
}
