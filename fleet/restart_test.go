package fleet

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// withSide adds to each instance of web one of side, which goes down with it.
func withSide(s *units.Set, update *units.Update) *units.Set {
	list := slices.Clone(s.Units)
	for _, web := range s.Units {
		n := units.Name("side@" + string(web.Name)[len("web@"):])
		u := tied(string(n), web.Name)
		u.Group, u.Update = "side", update
		list = append(list, u)
	}
	return set(list...)
}

// tied makes a unit that goes down with another.
func tied(name string, to units.Name) units.Unit {
	return unit(name, "ExecStart=/bin/side", "[X-Fleet] MachineOf="+string(to), "[Unit] BindsTo="+string(to), "[Unit] After="+string(to))
}

func TestRestartWaves(t *testing.T) {
	all := []units.Name{"web@1.service", "web@2.service", "web@3.service"}
	sides := []units.Name{"side@1.service", "side@2.service", "side@3.service"}
	db := unit("db", "ExecStart=/bin/db")
	two := units.Update{MaxUnavailable: 2}
	one := units.Update{MaxUnavailable: 1}
	tests := []struct {
		name string
		set  *units.Set
		pick []units.Name
		want string
	}{
		{"one by one", instances(3, "", one), all, `
when-healthy: state web@1 loaded
when-loaded: state web@1 launched
when-healthy: state web@2 loaded
when-loaded: state web@2 launched
when-healthy: state web@3 loaded
when-loaded: state web@3 launched`},
		{"two by two", instances(3, "", two), all, `
when-healthy: state web@1 loaded, state web@2 loaded
when-loaded: state web@1 launched, state web@2 launched
when-healthy: state web@3 loaded
when-loaded: state web@3 launched`},
		{"one, then two", instances(3, "", units.Update{MaxUnavailable: 2, First: 1}), all, `
when-healthy: state web@1 loaded
when-loaded: state web@1 launched
when-healthy: state web@2 loaded, state web@3 loaded; asks after [web]
when-loaded: state web@2 launched, state web@3 launched`},
		{"nothing runs meanwhile", instances(3, "", units.Update{MaxExtra: 2}), all[1:], `
when-healthy: state web@2 loaded
when-loaded: state web@2 launched
when-healthy: state web@3 loaded
when-loaded: state web@3 launched`},
		{"after what has no update", set(append(instances(3, "", two).Units, db)...), append([]units.Name{"db.service"}, all...), `
at-once: state db loaded
when-loaded: state db launched
when-healthy: state web@1 loaded, state web@2 loaded
when-loaded: state web@1 launched, state web@2 launched
when-healthy: state web@3 loaded
when-loaded: state web@3 launched`},
		{"what goes down with them", withSide(instances(3, "", two), nil), all, `
when-healthy: state side@1 loaded, state side@2 loaded, state web@1 loaded, state web@2 loaded
when-loaded: state side@1 launched, state side@2 launched, state web@1 launched, state web@2 launched
when-healthy: state side@3 loaded, state web@3 loaded
when-loaded: state side@3 launched, state web@3 launched`},
		{"what goes down with them has less room", withSide(instances(2, "", two), &one), all[:2], `
when-healthy: state side@1 loaded, state web@1 loaded
when-loaded: state side@1 launched, state web@1 launched
when-healthy: state side@2 loaded, state web@2 loaded
when-loaded: state side@2 launched, state web@2 launched`},
		{"both at once", withSide(instances(3, "", one), &two), append(sides, all...), `
when-healthy: state side@1 loaded, state web@1 loaded
when-loaded: state side@1 launched, state web@1 launched
when-healthy: state side@2 loaded, state web@2 loaded
when-loaded: state side@2 launched, state web@2 launched
when-healthy: state side@3 loaded, state web@3 loaded
when-loaded: state side@3 launched, state web@3 launched`},
		{"what goes down with what goes down", set(append(instances(2, "", one).Units, tied("a", "b.service"), tied("b", "web@2.service"))...), all[:2], `
when-healthy: state web@1 loaded
when-loaded: state web@1 launched
when-healthy: state a loaded, state b loaded, state web@2 loaded
when-loaded: state a launched, state b launched, state web@2 launched`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				submit(t, conn, tt.set)
				names := slices.Sorted(slices.Values(tt.pick))
				p := PlanSteer(takeAll(t, conn), "s", names, Again, tt.set)
				if got := "\n" + wavesText(p); got != tt.want {
					t.Errorf("waves:%s\nwant:%s", got, tt.want)
				}
				for _, o := range p.Rollouts {
					if !o.Restarts || o.RollBack || len(o.Extra) > 0 {
						t.Errorf("rollout %+v", o)
					}
				}
				out, _ := apply(t, conn, p, ApplyOptions{Timeout: 10 * time.Minute})
				if len(out.Bad()) > 0 || len(out.Left) > 0 {
					t.Errorf("outcome %s, left %v", results(out), out.Left)
				}
			})
		})
	}
}

// TestRestartWithoutUpdate makes the same plan whether the stack file is known or not,
// if it says nothing of how units are rolled out; nor does a start take notice of it.
func TestRestartWithoutUpdate(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		plain := withSide(instances(3, "", units.Update{}), nil)
		for i := range plain.Units {
			plain.Units[i].Update = nil
		}
		submit(t, conn, plain)
		s := takeAll(t, conn)
		names := []units.Name{"web@1.service", "web@2.service", "web@3.service"}
		said := withSide(instances(3, "", units.Update{MaxUnavailable: 2}), nil)
		for _, how := range []Steer{Start, Stop, Unload, Again} {
			want := wavesText(PlanSteer(s, "s", names, how, nil))
			if got := wavesText(PlanSteer(s, "s", names, how, plain)); got != want {
				t.Errorf("%s: %s\nwithout the file: %s", how, got, want)
			}
			if got := PlanSteer(s, "s", names, how, said); how != Again && (wavesText(got) != want || len(got.Rollouts) > 0) {
				t.Errorf("%s with an update: %s\nwithout: %s", how, wavesText(got), want)
			}
		}
	})
}

// TestRestartHealthyFor measures from a start to the next stop.
func TestRestartHealthyFor(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		all := instances(3, "", units.Update{MaxUnavailable: 1, HealthyFor: 30000})
		submit(t, conn, all)
		c.Forget()
		began := time.Now()
		apply(t, conn, PlanSteer(takeAll(t, conn), "s", all.Names(), Again, all), ApplyOptions{Timeout: 10 * time.Minute})
		list := c.Writes()
		for i := 2; i < len(list); i += 2 {
			if gap := list[i].At.Sub(list[i-1].At); gap < 30*time.Second || gap > 45*time.Second {
				t.Errorf("%v between %s and %s", gap, list[i-1], list[i])
			}
		}
		if len(list) != 6 || time.Since(began) < 90*time.Second {
			t.Errorf("%d writes in %v", len(list), time.Since(began))
		}
	})
}

// TestRestartOfSome counts the instances that are not restarted.
func TestRestartOfSome(t *testing.T) {
	web := func(n ...units.Name) []units.Name { return n }
	tests := []struct {
		name   string
		update units.Update
		before func(*testing.T, *fleettest.Cluster, *Conn, *units.Set)
		pick   []units.Name
		want   string
		writes int
	}{
		{"all are up", units.Update{MaxUnavailable: 1}, nil, web("web@1.service"), "web@1.service up", 2},
		{"another has failed", units.Update{MaxUnavailable: 1}, fails, web("web@1.service"), "web@1.service unknown, web@3.service failed", 0},
		{"another is stopped", units.Update{MaxUnavailable: 1}, steers(Stop), web("web@1.service"), "web@1.service unknown, web@3.service failed", 0},
		{"another is unloaded", units.Update{MaxUnavailable: 1}, steers(Unload), web("web@1.service"), "web@1.service unknown, web@3.service failed", 0},
		{"there is room for it", units.Update{MaxUnavailable: 2}, fails, web("web@1.service", "web@2.service"), "web@1.service up, web@2.service up", 4},
		{"the one that is stopped", units.Update{MaxUnavailable: 1}, steers(Stop), web("web@3.service"), "web@3.service up", 1},
		{"the one that is stopped first", units.Update{MaxUnavailable: 1}, steers(Stop), web("web@1.service", "web@3.service"), "web@1.service up, web@3.service up", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				all := instances(3, "", tt.update)
				submit(t, conn, all)
				if tt.before != nil {
					tt.before(t, c, conn, all)
				}
				c.Forget()
				began := time.Now()
				out, err := Apply(context.Background(), conn, PlanSteer(takeAll(t, conn), "s", tt.pick, Again, all), ApplyOptions{Timeout: 10 * time.Minute}, nil)
				if err != nil || results(out) != tt.want || len(c.Writes()) != tt.writes {
					t.Errorf("%s, %v, %v", results(out), writes(c), err)
				}
				if time.Since(began) > time.Minute {
					t.Errorf("it took %v", time.Since(began))
				}
			})
		})
	}
}

func fails(t *testing.T, c *fleettest.Cluster, _ *Conn, _ *units.Set) {
	c.StayFailed("web@3.service")
	c.Settle()
}

func steers(how Steer) func(*testing.T, *fleettest.Cluster, *Conn, *units.Set) {
	return func(t *testing.T, c *fleettest.Cluster, conn *Conn, all *units.Set) {
		apply(t, conn, PlanSteer(takeAll(t, conn), "s", []units.Name{"web@3.service"}, how, all), ApplyOptions{Timeout: 10 * time.Minute})
		c.Settle()
	}
}

// TestRestartPauses ends where somebody is to look, and says what is left.
func TestRestartPauses(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		all := instances(3, "", units.Update{MaxUnavailable: 2, First: 1})
		submit(t, conn, all)
		no := func(context.Context, []string) (bool, error) { return false, nil }
		out, _ := apply(t, conn, PlanSteer(takeAll(t, conn), "s", all.Names(), Again, all), ApplyOptions{Timeout: 10 * time.Minute, Confirm: no})
		if out.Paused == nil || out.Paused.After != 2 || len(out.Done) != 2 || len(out.Left) != 4 {
			t.Errorf("paused %+v, done %v, left %v", out.Paused, out.Done, out.Left)
		}
	})
}

// TestRestartStopsAtFailure leaves the next batch alone, and takes nothing back.
func TestRestartStopsAtFailure(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		all := instances(4, "", units.Update{MaxUnavailable: 2, OnFailure: units.RollBackOnFailure})
		submit(t, conn, all)
		c.Behave("web@2.service", fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
		c.Forget()
		out, err := Apply(context.Background(), conn, PlanSteer(takeAll(t, conn), "s", all.Names(), Again, all), ApplyOptions{Timeout: 10 * time.Minute}, nil)
		if err != nil || out.Back != nil || !out.Has(HasFailed) || len(out.Done) != 4 {
			t.Errorf("%s, done %v, back %+v, %v", results(out), out.Done, out.Back, err)
		}
	})
}

// TestRestartAfterCut begins with an instance that a run has stopped before it was cut
// off, although its machine does not say so yet.
func TestRestartAfterCut(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		all := instances(3, "", units.Update{MaxUnavailable: 1})
		submit(t, conn, all)
		if err := conn.SetState(t.Context(), "web@2.service", units.Loaded); err != nil {
			t.Fatal(err)
		}
		p := PlanSteer(takeAll(t, conn), "s", all.Names(), Again, all)
		want := [][]units.Name{{"web@2.service"}, {"web@1.service"}, {"web@3.service"}}
		if !slices.EqualFunc(p.Rollouts[0].Batches, want, slices.Equal) {
			t.Errorf("batches %v", p.Rollouts[0].Batches)
		}
	})
}
