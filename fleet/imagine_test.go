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
		"b.service": {Fate: Unplaced, Why: "metadata role=front, needs role=none"},
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
