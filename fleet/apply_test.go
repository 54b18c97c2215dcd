package fleet

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

func TestCreateAndNothingAgain(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		want := set(unit("a"), unit("b"), unit("c", "ExecStart=/bin/c", "[X-Fleet] Global=true"))
		out := submit(t, conn, want)
		wantList(t, "writes", writes(c), "PUT a.service content launched", "PUT b.service content launched", "PUT c.service content launched")
		if len(out.Done) != 3 || len(out.Left) != 0 {
			t.Errorf("done %v, left %v", out.Done, out.Left)
		}
		wantList(t, "machines of c", out.Units[2].Machines, "n1", "n2", "n3")
		c.Forget()
		p := planFor(t, conn, want, DiffOptions{})
		if !p.Empty() {
			t.Errorf("second plan has waves: %+v", p.Waves)
		}
		before := conn.Counts().Total()
		out, _ = apply(t, conn, p, ApplyOptions{})
		if n := conn.Counts().Total() - before; n != 0 {
			t.Errorf("an empty plan made %d requests", n)
		}
		if got := results(out); got != "a.service up, b.service up, c.service up" {
			t.Error(got)
		}
		if n := len(c.Writes()); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}

func TestReplaceInPlace(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("a"), unit("b"), unit("c")))
		where := c.MachinesOf("b.service")
		c.Forget()
		changed := unit("b", "ExecStart=/bin/b --new")
		p := planFor(t, conn, set(unit("a"), changed, unit("c")), DiffOptions{})
		u, _ := p.Unit("b.service")
		wantList(t, "consequences", u.Consequences, "restarts in place on n2/10.0.0.2")
		out, _ := apply(t, conn, p, ApplyOptions{})
		wantList(t, "writes", writes(c), "PUT b.service content launched")
		if got := c.MachinesOf("b.service"); !slices.Equal(got, where) {
			t.Errorf("moved from %v to %v", where, got)
		}
		if results(out) != "a.service up, b.service up, c.service up" {
			t.Error(results(out))
		}
	})
}

func TestReplaceOnServersThatIgnoreIt(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("a")))
		c.Deaf()
		c.Forget()
		changed := unit("a", "ExecStart=/bin/new")
		out, r := apply(t, conn, planFor(t, conn, set(changed), DiffOptions{}), ApplyOptions{})
		if results(out) != "a.service up" || len(warned(r)) != 1 || !strings.Contains(warned(r)[0], "before 0.13") {
			t.Errorf("%s, warned %q", results(out), warned(r))
		}
		wantList(t, "writes", writes(c), "DELETE a.service", "PUT a.service content launched", "PUT a.service content launched")
		if live, _ := conn.Unit(t.Context(), "a.service"); live.Hash != changed.Hash() {
			t.Error("the unit was not replaced")
		}
	})
}

func TestReplaceMeetsAnotherWriter(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("a")))
		p := planFor(t, conn, set(unit("a", "ExecStart=/bin/new")), DiffOptions{})
		puts := 0
		c.Fail(func(r fleettest.Request) *fleettest.Fault {
			if puts++; isGet(r) && r.Unit == "a.service" {
				c.Overwrite(unit("a", "ExecStart=/bin/theirs"))
			}
			return nil
		})
		_, err := Apply(t.Context(), conn, p, ApplyOptions{}, nil)
		if KindOf(err) != Conflict || !strings.Contains(err.Error(), "somebody else") {
			t.Errorf("error %v", err)
		}
	})
}

func TestStateChanges(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("a"), unit("b"), unit("c")))
		c.Forget()
		out := submit(t, conn, set(loaded(unit("a")), inactive(unit("b")), unit("c")))
		wantList(t, "writes", writes(c), "PUT a.service loaded", "PUT b.service inactive")
		if results(out) != "a.service set, b.service set, c.service up" {
			t.Error(results(out))
		}
		c.Settle()
		if got := c.MachinesOf("b.service"); len(got) != 0 {
			t.Errorf("b is on %v", got)
		}
	})
}

// TestHeldBack creates units that pull others in: they are loaded first.
func TestHeldBack(t *testing.T) {
	tests := []struct {
		name string
		set  []units.Unit
		held []string
	}{
		{"wants", []units.Unit{unit("a", "[Unit] Wants=b.service", "ExecStart=/bin/a"), unit("b")}, []string{"a.service"}},
		{"requires", []units.Unit{unit("a", "[Unit] Requires=b.service", "ExecStart=/bin/a"), unit("b")}, []string{"a.service"}},
		{"a waiter covers it", []units.Unit{waits(unit("a", "[Unit] Wants=b.service", "ExecStart=/bin/a"), "b.service"), unit("b")}, nil},
		{"order alone needs nothing", []units.Unit{unit("a", "[Unit] After=b.service", "ExecStart=/bin/a"), unit("b")}, nil},
		{"timer and its service", []units.Unit{unit("a.timer", "[Timer] OnCalendar=daily"), loaded(unit("a"))}, []string{"a.timer"}},
		{"both ways", []units.Unit{unit("a", "[Unit] Wants=b.service", "ExecStart=/bin/a"), unit("b", "[Unit] Wants=a.service", "ExecStart=/bin/b")}, []string{"a.service", "b.service"}},
		{"not to run", []units.Unit{loaded(unit("a", "[Unit] Wants=b.service", "ExecStart=/bin/a")), unit("b")}, nil},
		{"host unit", []units.Unit{unit("a", "[Unit] Requires=docker.service", "ExecStart=/bin/a")}, nil},
		{"certainly apart", []units.Unit{
			unit("a", "[Unit] Wants=b.service", "ExecStart=/bin/a", "[X-Fleet] MachineMetadata=role=master"),
			unit("b", "ExecStart=/bin/b", "[X-Fleet] MachineID=n2")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				var launched []string
				p := planFor(t, conn, set(tt.set...), DiffOptions{})
				for _, w := range p.Waves {
					for _, s := range w.Steps {
						if w.When == WhenLoaded {
							launched = append(launched, string(s.Unit))
						}
					}
				}
				wantList(t, "held", launched, tt.held...)
				for _, name := range tt.held {
					u, _ := p.Unit(units.Name(name))
					if u.Held == "" || p.Waves[0].When != AtOnce {
						t.Errorf("%s is not held: %+v", name, p.Waves)
					}
				}
			})
		})
	}
}

func TestHeldUnitsStart(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		needy := unit("a", "[Unit] Requires=b.service", "ExecStart=/bin/a")
		out := submit(t, conn, set(needy, unit("b")))
		wantList(t, "writes", writes(c), "PUT a.service content loaded", "PUT b.service content launched", "PUT a.service launched")
		if results(out) != "a.service up, b.service up" {
			t.Error(results(out))
		}
	})
}

// TestNeighboursAreRestarted replaces a unit that others cannot be without.
func TestNeighboursAreRestarted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		needs := unit("b", "[Unit] Requires=a.service", "ExecStart=/bin/b")
		part := unit("c", "[Unit] PartOf=b.service", "ExecStart=/bin/c")
		wants := unit("d", "[Unit] Wants=a.service", "ExecStart=/bin/d")
		theirs := marked(unit("z", "[Unit] BindsTo=a.service", "ExecStart=/bin/z"), "other")
		submit(t, conn, set(unit("a"), needs, part, wants))
		c.Submit(theirs)
		time.Sleep(time.Minute)
		c.Forget()
		p := planFor(t, conn, set(unit("a", "ExecStart=/bin/a --new"), needs, part, wants), DiffOptions{})
		got := map[string]string{}
		for _, u := range p.Units {
			got[string(u.Unit)] = string(u.Action) + ": " + strings.Join(u.Consequences, "; ")
		}
		for name, want := range map[string]string{
			"a.service": `replace: restarts in place on n1/10.0.0.1; takes down z.service of stack "other", which names it in BindsTo= and is not started again`,
			"b.service": "restart: restarts on n1/10.0.0.1: it goes down with a.service, which it names in Requires=",
			"c.service": "restart: restarts on n1/10.0.0.1: it goes down with b.service, which it names in PartOf=",
			"d.service": "none: ",
		} {
			if got[name] != want {
				t.Errorf("%s:\n got %s\nwant %s", name, got[name], want)
			}
		}
		out, _ := apply(t, conn, p, ApplyOptions{})
		wantList(t, "writes", writes(c), "PUT a.service content launched", "PUT b.service loaded", "PUT c.service loaded",
			"PUT b.service launched", "PUT c.service launched")
		if results(out) != "a.service up, b.service up, c.service up, d.service up" {
			t.Error(results(out))
		}
	})
}

func TestFailedUnitIsRestarted(t *testing.T) {
	for _, kind := range []string{"one machine", "global"} {
		t.Run(kind, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				u := unit("a")
				if kind == "global" {
					u = fleetUnit("a", "Global=true")
				}
				c.Behave("a.service", fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
				out, _ := apply(t, conn, planFor(t, conn, set(u), DiffOptions{}), ApplyOptions{})
				if results(out) != "a.service failed" || !strings.Contains(out.Units[0].Reason, "loaded/failed/failed") {
					t.Fatalf("%+v", out.Units)
				}
				c.Behave("a.service", nil)
				c.StayFailed("a.service")
				c.Forget()
				p := planFor(t, conn, set(u), DiffOptions{})
				out, _ = apply(t, conn, p, ApplyOptions{})
				wantList(t, "writes", writes(c), "PUT a.service loaded", "PUT a.service launched")
				if results(out) != "a.service up" {
					t.Errorf("%+v", out.Units)
				}
			})
		})
	}
}

func TestPrune(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		leader, follower := unit("a"), unit("b", "[Unit] After=a.service", "[Unit] Requires=a.service", "ExecStart=/bin/b")
		submit(t, conn, set(leader, follower, unit("c")))
		c.Submit(marked(unit("x"), "other"))
		c.Forget()
		out := submit(t, conn, set(unit("c")))
		wantList(t, "writes", writes(c))
		if results(out) != "a.service set, b.service set, c.service up" {
			t.Error(results(out))
		}
		out, _ = apply(t, conn, planFor(t, conn, set(unit("c")), DiffOptions{Prune: true}), ApplyOptions{})
		wantList(t, "order", requestOrder(c), "DELETE b.service", "DELETE a.service")
		if results(out) != "a.service removed, b.service removed, c.service up" {
			t.Error(results(out))
		}
	})
}

// requestOrder lists the writes as they came.
func requestOrder(c *fleettest.Cluster) []string {
	var list []string
	for _, r := range c.Writes() {
		list = append(list, r.String())
	}
	return list
}

func TestDestroy(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("a"), unit("b", "[Unit] After=a.service", "ExecStart=/bin/b"), unit("c", "ExecStart=/bin/c", "[X-Fleet] MachineOf=b.service")))
		c.Submit(marked(unit("x"), "other"))
		c.Submit(marked(unit("y"), ""))
		c.Forget()
		s, err := TakeAll(t.Context(), conn, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := apply(t, conn, PlanDestroy(s, "s"), ApplyOptions{})
		wantList(t, "order", requestOrder(c), "DELETE c.service", "DELETE b.service", "DELETE a.service")
		if results(out) != "a.service removed, b.service removed, c.service removed" {
			t.Error(results(out))
		}
		if got := c.Names(); !slices.Equal(got, []units.Name{"x.service", "y.service"}) {
			t.Errorf("left are %v", got)
		}
		if s, _ := TakeAll(t.Context(), conn, nil); !PlanDestroy(s, "s").Empty() {
			t.Error("a second destroy has something to do")
		}
	})
}

func TestUnplaceableIsKnownBeforeAnyWrite(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		p := planFor(t, conn, set(unit("a"), fleetUnit("b", "MachineMetadata=disk=tape")), DiffOptions{})
		out, _ := apply(t, conn, p, ApplyOptions{})
		if results(out) != "a.service unknown, b.service unplaceable" || !out.Has(NoMachine) {
			t.Error(results(out))
		}
		want := "no machine can run it; n1/10.0.0.1: no metadata disk, needs disk=tape; n2/10.0.0.2: no metadata disk, needs disk=tape"
		if out.Units[1].Reason != want {
			t.Errorf("reason %q, want %q", out.Units[1].Reason, want)
		}
		wantList(t, "writes", writes(c))
	})
	bubble(t, 0, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		out, _ := apply(t, conn, planFor(t, conn, set(unit("a")), DiffOptions{}), ApplyOptions{})
		if out.Units[0].Reason != "the cluster has no machines" {
			t.Errorf("%+v", out.Units)
		}
	})
}

func TestVerify(t *testing.T) {
	tests := []struct {
		name   string
		meddle func(*fleettest.Cluster)
		fault  string
	}{
		{"nothing", func(*fleettest.Cluster) {}, ""},
		{"content", func(c *fleettest.Cluster) { c.Submit(unit("a", "ExecStart=/bin/theirs")) }, "a.service: the plan is out of date: the unit was"},
		{"state", func(c *fleettest.Cluster) { c.Submit(loaded(unit("a"))) }, "desired state was launched and is loaded"},
		{"removed", func(c *fleettest.Cluster) { c.Remove("a.service") }, "somebody has removed"},
		{"created", func(c *fleettest.Cluster) { c.Submit(unit("b")) }, "b.service: the plan is out of date: it creates the unit"},
		{"all at once", func(c *fleettest.Cluster) { c.Submit(loaded(unit("a"))); c.Submit(unit("b")) }, "and is loaded\napply b.service: the plan is out of date"},
		{"machine gone", func(c *fleettest.Cluster) { c.KillMachine(fleettest.Machines(1)[0].ID); c.Settle() }, "machine n1/10.0.0.1 is gone"},
		{"machine joined", func(c *fleettest.Cluster) { c.AddMachine(fleettest.Machine{ID: "n9"}) }, "machine n9 has joined"},
		{"not of the stack", func(c *fleettest.Cluster) { c.Submit(unit("z")) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				submit(t, conn, set(unit("a")))
				p := planFor(t, conn, set(unit("a", "ExecStart=/bin/new"), unit("b")), DiffOptions{})
				tt.meddle(c)
				c.Forget()
				_, err := Apply(t.Context(), conn, p, ApplyOptions{Verify: true}, nil)
				switch {
				case tt.fault == "" && err != nil:
					t.Errorf("error %v", err)
				case tt.fault != "" && (KindOf(err) != Stale || !strings.Contains(err.Error(), tt.fault) || len(c.Writes()) > 0):
					t.Errorf("error %v of kind %q, want %q; %d writes", err, KindOf(err), tt.fault, len(c.Writes()))
				}
			})
		})
	}
}

func TestInterrupted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		var list []units.Unit
		for i := range 20 {
			list = append(list, unit(string(rune('a'+i))))
		}
		c.Fail(fleettest.Times(-1, isPut, fleettest.Fault{Delay: 3 * time.Second}))
		p := planFor(t, conn, set(list...), DiffOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		out, err := Apply(ctx, conn, p, ApplyOptions{}, nil)
		if KindOf(err) != Canceled {
			t.Errorf("error %v", err)
		}
		if len(out.Done) != 8 || len(out.Left) != 12 || len(c.Names()) != 8 {
			t.Errorf("%d done, %d left, %d in the cluster", len(out.Done), len(out.Left), len(c.Names()))
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v; what was on its way should be finished", took)
		}
		c.Fail(func(fleettest.Request) *fleettest.Fault { return nil })
		submit(t, conn, set(list...))
	})
}

func TestInterruptedWhileNothingAnswers(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Fail(fleettest.Times(-1, isPut, fleettest.Fault{Hang: true}))
		p := planFor(t, conn, set(unit("a")), DiffOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := Apply(ctx, conn, p, ApplyOptions{}, nil)
		if took := time.Since(began); KindOf(err) != Canceled || took > grace+2*time.Second {
			t.Errorf("error %v after %v", err, took)
		}
	})
}

func TestFirstFaultEndsTheRun(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		var list []units.Unit
		for i := range 20 {
			list = append(list, unit(string(rune('a'+i))))
		}
		c.Fail(fleettest.Times(-1, func(r fleettest.Request) bool { return isPut(r) && r.Unit == "c.service" }, fleettest.Fault{Status: 400, Message: "bad options"}))
		c.Fail(fleettest.Times(-1, isPut, fleettest.Fault{Delay: time.Second}))
		r := &recorder{}
		out, err := Apply(t.Context(), conn, planFor(t, conn, set(list...), DiffOptions{}), ApplyOptions{}, r.tell)
		if KindOf(err) != Rejected || !strings.Contains(err.Error(), "put c.service") {
			t.Errorf("error %v", err)
		}
		if len(out.Done)+len(out.Left) != 20 || !slices.ContainsFunc(out.Left, func(s Step) bool { return s.Unit == "c.service" }) || len(out.Left) < 11 {
			t.Errorf("%d done, %d left", len(out.Done), len(out.Left))
		}
		told := 0
		for _, e := range r.events {
			if s, ok := e.(StepDone); ok && s.Err != nil {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told of %d faults", told)
		}
	})
}

// TestFaultsDoNotHurt has each kind of fault meet each kind of request, once.
func TestFaultsDoNotHurt(t *testing.T) {
	faults := map[string]fleettest.Fault{
		"500": {Status: 500}, "500 after": {Status: 500, After: true}, "503": {Status: 503}, "cut": {Cut: true}, "reset": {Reset: true},
		"hang": {Hang: true}, "hang after": {Hang: true, After: true}, "slow": {Delay: 8 * time.Second},
	}
	matches := map[string]func(fleettest.Request) bool{
		"put": isPut, "delete": func(r fleettest.Request) bool { return r.Method == "DELETE" },
		"state": func(r fleettest.Request) bool { return r.Kind == "state" }, "machines": func(r fleettest.Request) bool { return r.Kind == "machines" },
		"unit": func(r fleettest.Request) bool { return isGet(r) && r.Kind == "units" },
	}
	for what, match := range matches {
		for how, fault := range faults {
			t.Run(what+" "+how, func(t *testing.T) {
				bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
					submit(t, conn, set(unit("a"), unit("b"), unit("gone")))
					want := set(unit("a", "ExecStart=/bin/new"), unit("b"), unit("n", "[Unit] Requires=b.service", "ExecStart=/bin/n", "[X-Fleet] MachineOf=b.service"))
					c.Fail(fleettest.Times(1, match, fault))
					out, _ := apply(t, conn, planFor(t, conn, want, DiffOptions{Prune: true}), ApplyOptions{Timeout: time.Hour})
					if got := results(out); got != "a.service up, b.service up, gone.service removed, n.service up" {
						t.Error(got)
					}
					if p := planFor(t, conn, want, DiffOptions{Prune: true}); !p.Empty() {
						t.Errorf("second plan: %+v", p.Waves)
					}
				})
			})
		}
	}
}

// TestNeighboursThatGo removes and stops units that others name.
func TestNeighboursThatGo(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		part := unit("b", "[Unit] PartOf=a.service", "ExecStart=/bin/b")
		submit(t, conn, set(unit("a"), part))
		c.Forget()
		p := planFor(t, conn, set(part), DiffOptions{Prune: true})
		out, _ := apply(t, conn, p, ApplyOptions{})
		wantList(t, "writes", writes(c), "DELETE a.service", "PUT b.service loaded", "PUT b.service launched")
		if results(out) != "a.service removed, b.service up" {
			t.Error(results(out))
		}
	})
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		needy := unit("b", "[Unit] Requires=a.service", "ExecStart=/bin/b")
		bound := unit("c", "[Unit] BindsTo=b.service", "ExecStart=/bin/c")
		submit(t, conn, set(unit("a"), needy, bound))
		p := planFor(t, conn, set(needy, bound), DiffOptions{Prune: true})
		for name, lost := range map[units.Name]units.Name{"b.service": "a.service", "c.service": "b.service"} {
			if u, _ := p.Unit(name); !slices.Equal(u.Loses, []units.Name{lost}) {
				t.Errorf("%s loses %v, want %s", name, u.Loses, lost)
			}
		}
		if len(p.Warnings) != 2 || p.Warnings[0].Unit != "b.service" || p.Warnings[1].Unit != "c.service" {
			t.Errorf("warnings %v", p.Warnings)
		}
		out, _ := apply(t, conn, p, ApplyOptions{})
		if results(out) != "a.service removed, b.service failed, c.service failed" {
			t.Error(results(out))
		}
	})
}
