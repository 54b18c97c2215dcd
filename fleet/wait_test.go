package fleet

import (
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

func TestWait(t *testing.T) {
	phase := func(d time.Duration, state string) fleettest.Phase { return fleettest.Phase{For: d, State: state} }
	last := func(state string) fleettest.Phase { return fleettest.Phase{State: state} }
	tests := []struct {
		name   string
		unit   units.Unit
		phases []fleettest.Phase
		want   Result
		// min and max bound how long the wait lasts.
		min, max time.Duration
		reason   string
	}{
		{name: "up at once", unit: unit("a"), phases: []fleettest.Phase{last("active/running")}, want: IsUp, max: 2 * time.Second},
		{name: "long start-pre", unit: unit("a"), phases: []fleettest.Phase{phase(20*time.Minute, "activating/start-pre"), last("active/running")}, want: IsUp, min: 20 * time.Minute, max: 20*time.Minute + 5*time.Second},
		{name: "slow notify", unit: unit("a", "Type=notify", "ExecStart=/x"), phases: []fleettest.Phase{phase(5*time.Minute, "activating/start"), last("active/running")}, want: IsUp, min: 5 * time.Minute, max: 6 * time.Minute},
		{name: "failed", unit: unit("a"), phases: []fleettest.Phase{phase(3*time.Second, "active/running"), last("failed/failed")}, want: IsUp, max: 3 * time.Second},
		{name: "fails at once", unit: unit("a"), phases: []fleettest.Phase{last("failed/failed")}, want: HasFailed, max: 3 * time.Second, reason: "it has failed on n1 (loaded/failed/failed)"},
		{name: "fails after waiting", unit: unit("a"), phases: []fleettest.Phase{phase(time.Minute, "activating/start-pre"), last("failed/failed")}, want: HasFailed, min: time.Minute, max: time.Minute + 5*time.Second, reason: "it has failed"},
		{name: "bad setting", unit: unit("a"), phases: []fleettest.Phase{last("bad-setting/inactive/dead")}, want: HasFailed, max: 3 * time.Second, reason: "systemd cannot load it"},
		{name: "some tries", unit: unit("a"), phases: []fleettest.Phase{phase(10*time.Second, "activating/auto-restart"), last("active/running")}, want: IsUp, min: 14 * time.Second, max: 20 * time.Second},
		{name: "tries for ever", unit: unit("a"), phases: []fleettest.Phase{last("activating/auto-restart")}, want: HasFailed, min: DefaultPatience, max: DefaultPatience + 5*time.Second, reason: "again and again for 1m"},
		{name: "tries for ever, up for seconds", unit: unit("a"), phases: flapping, want: HasFailed, min: DefaultPatience, max: 3 * time.Minute, reason: "again and again"},
		{name: "ends after half a second", unit: unit("a"), phases: []fleettest.Phase{phase(500*time.Millisecond, "active/running"), last("activating/auto-restart")}, want: HasFailed, min: DefaultPatience, max: DefaultPatience + 5*time.Second, reason: "again and again"},
		{name: "oneshot seen at work", unit: unit("a", "Type=oneshot", "ExecStart=/x"), phases: []fleettest.Phase{phase(time.Minute, "activating/start"), last("inactive/dead")}, want: IsUp, min: time.Minute, max: time.Minute + 3*time.Second},
		{name: "oneshot never seen at work", unit: unit("a", "Type=oneshot", "ExecStart=/x"), phases: []fleettest.Phase{last("inactive/dead")}, want: IsUp, min: 5 * time.Second, max: 8 * time.Second},
		{name: "oneshot that remains", unit: unit("a", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=/x"), phases: []fleettest.Phase{phase(time.Second, "activating/start"), last("active/exited")}, want: IsUp, max: 4 * time.Second},
		{name: "oneshot fails", unit: unit("a", "Type=oneshot", "ExecStart=/x"), phases: []fleettest.Phase{phase(time.Second, "activating/start"), last("failed/failed")}, want: HasFailed, max: 4 * time.Second},
		{name: "exits cleanly", unit: unit("a"), phases: []fleettest.Phase{phase(200*time.Millisecond, "active/running"), last("inactive/dead")}, want: HasFailed, min: 10 * time.Second, max: time.Minute + 10*time.Second, reason: "dead"},
		{name: "never starts", unit: unit("a"), phases: []fleettest.Phase{last("inactive/dead")}, want: HasFailed, min: DefaultPatience, max: DefaultPatience + 5*time.Second, reason: "it has been dead for 1m"},
		{name: "to be loaded", unit: loaded(unit("a")), want: IsSet, max: 3 * time.Second},
		{name: "to be stored", unit: inactive(unit("a")), want: IsSet, max: time.Second},
		{name: "timer", unit: unit("a.timer", "[Timer] OnCalendar=daily", "[Timer] Unit=sshd.service"), want: IsUp, max: 3 * time.Second, phases: []fleettest.Phase{last("active/waiting")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Submit(marked(loaded(unit("sshd")), "host"))
				c.Settle()
				if tt.phases != nil {
					c.Behave(tt.unit.Name, fleettest.Phases(tt.phases...))
				}
				began := time.Now()
				out, _ := apply(t, conn, planFor(t, conn, set(tt.unit), DiffOptions{}), ApplyOptions{Timeout: time.Hour})
				u := out.Units[0]
				if u.Result != tt.want || !strings.Contains(u.Reason, tt.reason) {
					t.Errorf("%s: %s, want %s %q", u.Result, u.Reason, tt.want, tt.reason)
				}
				if took := time.Since(began); took < tt.min || took > tt.max {
					t.Errorf("took %v, want %v to %v", took, tt.min, tt.max)
				}
			})
		})
	}
}

// flapping is a unit that runs for four seconds and then waits for ten.
var flapping = func() []fleettest.Phase {
	var list []fleettest.Phase
	for range 30 {
		list = append(list, fleettest.Phase{For: 10 * time.Second, State: "activating/auto-restart"}, fleettest.Phase{For: 4 * time.Second, State: "active/running"})
	}
	return list
}()

func TestWaitNamesWhatIsWaitedFor(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("api.service", fleettest.Phases(fleettest.Phase{For: 30 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		c.Behave("kubelet.service", fleettest.WaitsFor("api.service"))
		kubelet := waits(unit("kubelet"), "api.service")
		kubelet.Waits = append([]units.Wait{{Subject: "docker", Probe: "command docker version"}}, kubelet.Waits...)
		out, r := apply(t, conn, planFor(t, conn, set(unit("api"), kubelet), DiffOptions{}), ApplyOptions{})
		if results(out) != "api.service up, kubelet.service up" {
			t.Error(results(out))
		}
		wantList(t, "waiting", r.waiting("kubelet.service"), "not on a machine yet", "waits for api (tcp 10.0.0.1:80) on n2/10.0.0.2", "up on n2/10.0.0.2, not for long yet")
		wantList(t, "states", r.states("kubelet.service"), "loaded/activating/start-pre", "loaded/active/running")
		wantList(t, "api", r.waiting("api.service"), "not on a machine yet", "starting on n1/10.0.0.1", "up on n1/10.0.0.1, not for long yet")
	})
}

func TestWaitForGlobal(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", func(v fleettest.View) string {
			if v.Machine == "n3" && v.Since < 40*time.Second {
				return "activating/start-pre"
			}
			return "active/running"
		})
		began := time.Now()
		u := waits(fleetUnit("a", "Global=true", "MachineMetadata=role=node"))
		out, r := apply(t, conn, planFor(t, conn, set(u), DiffOptions{}), ApplyOptions{})
		if took := time.Since(began); results(out) != "a.service up" || took < 40*time.Second {
			t.Errorf("%s after %v", results(out), took)
		}
		wantList(t, "machines", out.Units[0].Machines, "n2", "n3")
		wantList(t, "waiting", r.waiting("a.service"), "not there yet on n2/10.0.0.2 and n3/10.0.0.3",
			"waits for a command before its start (start-pre) on n3/10.0.0.3", "up on n2/10.0.0.2, not for long yet")
	})
}

func TestWaitForMachineThatJoins(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{For: 30 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		time.AfterFunc(20*time.Second, func() {
			c.AddMachine(fleettest.Machine{ID: "n9", Metadata: map[string]string{"role": "node"}})
		})
		began := time.Now()
		out, _ := apply(t, conn, planFor(t, conn, set(fleetUnit("a", "Global=true")), DiffOptions{}), ApplyOptions{})
		if took := time.Since(began); results(out) != "a.service up" || took < 50*time.Second {
			t.Errorf("%s after %v", results(out), took)
		}
		wantList(t, "machines", out.Units[0].Machines, "n1", "n2", "n9")
	})
}

func TestVanishedRowsAreNotBelieved(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("b.service", fleettest.Phases(fleettest.Phase{For: 30 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		time.AfterFunc(10*time.Second, func() { c.Hide("a.service", 6*time.Second) })
		time.AfterFunc(15*time.Second, func() { c.Hide("b.service", 6*time.Second) })
		out, r := apply(t, conn, planFor(t, conn, set(fleetUnit("a", "Global=true"), unit("b")), DiffOptions{}), ApplyOptions{})
		if results(out) != "a.service up, b.service up" {
			t.Error(results(out))
		}
		wantList(t, "states of b", r.states("b.service"), "loaded/activating/start", "", "loaded/activating/start", "loaded/active/running")
	})
}

func TestMachineDiesWhileWaiting(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{For: 30 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		c.Behave("b.service", fleettest.Phases(fleettest.Phase{For: 30 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		time.AfterFunc(10*time.Second, func() { c.KillMachine("n2") })
		out, r := apply(t, conn, planFor(t, conn, set(unit("a"), unit("b")), DiffOptions{}), ApplyOptions{Timeout: time.Hour})
		if results(out) != "a.service up, b.service up" {
			t.Errorf("%+v", out.Units)
		}
		wantList(t, "warned", warned(r), ": machine n2/10.0.0.2 is gone; fleet starts its units elsewhere where it can")
		wantList(t, "machines of b", out.Units[1].Machines, "n1")
	})
}

func TestLastMachineOfARoleDiesWhileWaiting(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{State: "activating/start-pre"}))
		time.AfterFunc(10*time.Second, func() { c.KillMachine("n1") })
		began := time.Now()
		out, _ := apply(t, conn, planFor(t, conn, set(fleetUnit("a", "MachineMetadata=role=master"), unit("b")), DiffOptions{}), ApplyOptions{})
		if took := time.Since(began); results(out) != "a.service unplaceable, b.service up" || took > 30*time.Second {
			t.Errorf("%s after %v", results(out), took)
		}
	})
}

func TestTimeout(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{State: "activating/start-pre"}))
		began := time.Now()
		out, _ := apply(t, conn, planFor(t, conn, set(waits(unit("a"), "b.service"), unit("b")), DiffOptions{}), ApplyOptions{Timeout: 5 * time.Minute})
		if took := time.Since(began); took < 5*time.Minute || took > 5*time.Minute+2*time.Second {
			t.Errorf("took %v", took)
		}
		if results(out) != "a.service timeout, b.service up" || out.Units[0].Reason != "waits for b (tcp 10.0.0.1:80) on n1/10.0.0.1" {
			t.Errorf("%+v", out.Units)
		}
	})
}

func TestTimeoutAtAGate(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Hide("b.service", time.Hour)
		out, _ := apply(t, conn, planFor(t, conn, set(unit("a", "[Unit] Wants=b.service", "ExecStart=/x"), unit("b")), DiffOptions{}), ApplyOptions{Timeout: time.Minute})
		if results(out) != "a.service timeout, b.service timeout" || len(out.Left) != 1 {
			t.Errorf("%s, left %v", results(out), out.Left)
		}
	})
}

func TestGateStopsAtBadUnits(t *testing.T) {
	for _, broken := range []units.Name{"a.service", "b.service"} {
		t.Run(string(broken), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Unloadable(broken)
				began := time.Now()
				out, _ := apply(t, conn, planFor(t, conn, set(unit("a", "[Unit] Wants=b.service", "ExecStart=/x"), unit("b")), DiffOptions{}), ApplyOptions{})
				if took := time.Since(began); took > 10*time.Second || len(out.Bad()) != 1 || out.Bad()[0].Unit != broken || len(out.Left) != 1 {
					t.Errorf("%s after %v, left %v", results(out), took, out.Left)
				}
			})
		})
	}
}

func TestNoWait(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{State: "activating/start"}))
		out, _ := apply(t, conn, planFor(t, conn, set(unit("a")), DiffOptions{}), ApplyOptions{NoWait: true})
		if results(out) != "a.service unknown" || len(out.Bad()) != 0 || len(out.Done) != 1 {
			t.Errorf("%+v", out)
		}
	})
}

func TestUpUnitThatFailsLater(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{For: 20 * time.Second, State: "active/running"}, fleettest.Phase{State: "failed/failed"}))
		c.Behave("b.service", fleettest.Phases(fleettest.Phase{State: "activating/start-pre"}))
		out, _ := apply(t, conn, planFor(t, conn, set(unit("a"), unit("b")), DiffOptions{}), ApplyOptions{})
		if results(out) != "a.service failed, b.service unknown" {
			t.Error(results(out))
		}
	})
}

func TestPollsStatesOnly(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{For: 100 * time.Second, State: "activating/start"}, fleettest.Phase{State: "active/running"}))
		p := planFor(t, conn, set(unit("a")), DiffOptions{})
		before := conn.Counts()
		apply(t, conn, p, ApplyOptions{})
		after := conn.Counts()
		if after.UnitPages != before.UnitPages || after.Gets != before.Gets || after.Writes() != 1 {
			t.Errorf("before %+v, after %+v", before, after)
		}
		if n := after.StatePages - before.StatePages; n < 100 || n > 150 {
			t.Errorf("%d looks in 100 seconds", n)
		}
		if n := after.MachinePages - before.MachinePages; n < 20 || n > 35 {
			t.Errorf("%d looks at the machines", n)
		}
	})
}

// TestLastLookComesWhenItIsDue holds the wait for a unit that is running to one
// more look, at the moment from which it is believed.
func TestLastLookComesWhenItIsDue(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{State: "active/running"}))
		var seen time.Time
		var looks int
		tell := func(e Event) {
			if u, ok := e.(UnitChanged); ok && seen.IsZero() && strings.Contains(u.To, "running") {
				seen, looks = time.Now(), conn.Counts().StatePages
			}
		}
		if _, err := Apply(t.Context(), conn, planFor(t, conn, set(unit("a")), DiffOptions{}), ApplyOptions{}, tell); err != nil {
			t.Fatal(err)
		}
		if more := conn.Counts().StatePages - looks; seen.IsZero() || time.Since(seen) != published || more != 1 {
			t.Errorf("%d more looks, over after %v", more, time.Since(seen))
		}
	})
}

// TestTellsNews lists the states that are told of units that were there before.
func TestTellsNews(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		needy := unit("b", "[Unit] Requires=a.service", "ExecStart=/bin/b")
		submit(t, conn, set(unit("a"), needy, unit("c")))
		out, r := apply(t, conn, planFor(t, conn, set(unit("a", "ExecStart=/bin/new"), needy, unit("c")), DiffOptions{}), ApplyOptions{})
		if len(out.Bad()) > 0 {
			t.Fatal(results(out))
		}
		wantList(t, "replaced", r.states("a.service"), "loaded/active/running")
		wantList(t, "restarted", r.states("b.service"), "loaded/inactive/dead", "loaded/active/running")
		wantList(t, "left", r.states("c.service"))
	})
}

func warned(r *recorder) []string {
	var list []string
	for _, e := range r.events {
		if w, ok := e.(Warned); ok {
			list = append(list, string(w.Warning.Unit)+": "+w.Warning.Text)
		}
	}
	return list
}

func TestHints(t *testing.T) {
	tests := []struct {
		name   string
		unit   units.Unit
		meddle func(*fleettest.Cluster)
		want   string
	}{
		{"removed", unit("a"), func(c *fleettest.Cluster) { c.Remove("a.service") }, "somebody has removed it"},
		{"other content", unit("a"), func(c *fleettest.Cluster) { c.Submit(unit("a", "ExecStart=/theirs")) }, "fleet has other content"},
		{"other state", unit("a"), func(c *fleettest.Cluster) { c.Submit(inactive(unit("a"))) }, "desired state is inactive by now"},
		{"not loaded", unit("a"), func(c *fleettest.Cluster) { c.Hide("a.service", time.Hour) }, "n1/10.0.0.1 has not loaded it in 20s"},
		{"global not loaded", fleetUnit("a", "Global=true"), func(c *fleettest.Cluster) { c.Hide("a.service", time.Hour) }, "n1/10.0.0.1 and n2/10.0.0.2 have not loaded it"},
		{"not placed", fleetUnit("a", "Conflicts=x@*"), func(c *fleettest.Cluster) {
			for _, name := range []string{"x@1", "x@2"} {
				c.Submit(fleetUnit(name, "MachineID=n"+name[2:]))
			}
			c.Submit(inactive(unit("a")))
			c.Settle()
			c.Submit(fleetUnit("a", "Conflicts=x@*"))
		}, "fleet has found no machine for it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				p := planFor(t, conn, set(tt.unit), DiffOptions{})
				time.AfterFunc(100*time.Millisecond, func() { tt.meddle(c) })
				out, r := apply(t, conn, p, ApplyOptions{Timeout: time.Minute})
				if results(out) != "a.service timeout" {
					t.Error(results(out))
				}
				if got := warned(r); len(got) != 1 || !strings.Contains(got[0], tt.want) {
					t.Errorf("warned %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestQueuedIsNotDead: systemd shows a unit as dead that is queued behind another
// by After=, for as long as that one waits; and so on down a chain.
func TestQueuedIsNotDead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		const late = 10 * time.Minute
		behave := func(name units.Name, first string, d time.Duration) {
			c.Behave(name, fleettest.Phases(fleettest.Phase{For: d, State: first}, fleettest.Phase{State: "active/running"}))
		}
		behave("a.service", "activating/start-pre", late)
		behave("b.service", "inactive/dead", late+2*time.Second)
		behave("c.service", "inactive/dead", late+4*time.Second)
		wanted := set(unit("a"), unit("b", "[Unit] After=a.service", "ExecStart=/x"), unit("c", "[Unit] After=b.service", "ExecStart=/x"))
		out, events := apply(t, conn, planFor(t, conn, wanted, DiffOptions{}), ApplyOptions{Timeout: time.Hour})
		for _, u := range out.Units {
			if u.Result != IsUp {
				t.Errorf("%s: %s, %s", u.Unit, u.Result, u.Reason)
			}
		}
		if said := strings.Join(events.waiting("c.service"), "\n"); !strings.Contains(said, "queued behind b.service") {
			t.Errorf("of c.service it is said:\n%s", said)
		}
	})
}

// TestLeftoverRows: the rows of a unit that was removed a moment ago are no proof
// that the one created in its place is up.
func TestLeftoverRows(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Submit(marked(unit("a"), "s"))
		c.Settle()
		c.Remove("a.service")
		c.Behave("a.service", fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
		plan := planFor(t, conn, set(unit("a")), DiffOptions{})
		if u, _ := plan.Unit("a.service"); !u.Leftover {
			t.Fatalf("the plan does not see the rows of the removed unit: %+v", u)
		}
		out, _ := apply(t, conn, plan, ApplyOptions{Timeout: time.Hour})
		if results(out) != "a.service failed" {
			t.Error(results(out))
		}
	})
}
