package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// group makes n instances of web with that update and content.
func instances(n int, version string, update units.Update) *units.Set {
	make := func(i int) units.Unit {
		u := unit(fmt.Sprintf("web@%d.service", i), "ExecStart=/bin/web "+version)
		u.Group, u.Update = "web", &update
		return u
	}
	var list, spares []units.Unit
	for i := range n {
		list = append(list, make(i+1))
	}
	for i := range update.MaxExtra {
		u := make(n + i + 1)
		u.Options = append(u.Options, units.Option{Section: units.MarkSection, Name: units.MarkExtra, Value: "web"})
		spares = append(spares, u)
	}
	return set(list...).WithSpares(spares)
}

// waveText writes the waves of a plan, one a line.
func wavesText(p *Plan) string {
	var lines []string
	for _, w := range p.Waves {
		var steps []string
		for _, s := range w.Steps {
			steps = append(steps, strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Do, strings.TrimSuffix(string(s.Unit), ".service"), s.State)))
		}
		line := fmt.Sprintf("%s: %s", w.When, strings.Join(steps, ", "))
		if len(w.AskAfter) > 0 {
			line += fmt.Sprintf("; asks after %v", w.AskAfter)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestRolloutWaves(t *testing.T) {
	tests := []struct {
		name   string
		update units.Update
		want   string
	}{
		{"one by one", units.Update{MaxUnavailable: 1}, `
when-healthy: put web@1 launched
when-healthy: put web@2 launched
when-healthy: put web@3 launched`},
		{"two by two", units.Update{MaxUnavailable: 2}, `
when-healthy: put web@1 launched, put web@2 launched
when-healthy: put web@3 launched`},
		{"one, then two", units.Update{MaxUnavailable: 2, First: 1}, `
when-healthy: put web@1 launched
when-healthy: put web@2 launched, put web@3 launched; asks after [web]`},
		{"first are all", units.Update{MaxUnavailable: 1, First: 3}, `
when-healthy: put web@1 launched
when-healthy: put web@2 launched
when-healthy: put web@3 launched`},
		{"one more", units.Update{MaxExtra: 1}, `
at-once: put web@4 launched
when-healthy: put web@1 launched
when-healthy: put web@2 launched
when-healthy: put web@3 launched
when-healthy: delete web@4`},
		{"two more and one less", units.Update{MaxExtra: 2, MaxUnavailable: 1, First: 1}, `
at-once: put web@4 launched, put web@5 launched
when-healthy: put web@1 launched
when-healthy: put web@2 launched, put web@3 launched; asks after [web]
when-healthy: delete web@4, delete web@5`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				submit(t, conn, instances(3, "one", tt.update))
				p := planFor(t, conn, instances(3, "two", tt.update), DiffOptions{})
				if got := "\n" + wavesText(p); got != tt.want {
					t.Errorf("waves:%s\nwant:%s", got, tt.want)
				}
				out, _ := apply(t, conn, p, ApplyOptions{Timeout: 10 * time.Minute})
				if len(out.Bad()) > 0 || len(out.Left) > 0 {
					t.Errorf("outcome %s, left %v", results(out), out.Left)
				}
				if again := planFor(t, conn, instances(3, "two", tt.update), DiffOptions{}); !again.Empty() {
					t.Errorf("left to do: %s", wavesText(again))
				}
			})
		})
	}
}

// TestRolloutHealthyFor measures from request to request.
func TestRolloutHealthyFor(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxUnavailable: 1, HealthyFor: 30000}
		submit(t, conn, instances(3, "one", update))
		c.Forget()
		began := time.Now()
		apply(t, conn, planFor(t, conn, instances(3, "two", update), DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute})
		list := c.Writes()
		for i := 1; i < len(list); i++ {
			if gap := list[i].At.Sub(list[i-1].At); gap < 30*time.Second || gap > 45*time.Second {
				t.Errorf("%v between %s and %s", gap, list[i-1], list[i])
			}
		}
		if len(list) != 3 || time.Since(began) < 90*time.Second {
			t.Errorf("%d writes in %v", len(list), time.Since(began))
		}
	})
}

// TestRolloutStops leaves the others alone when one does not come up, and the next
// run begins with it.
func TestRolloutStops(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxUnavailable: 1}
		submit(t, conn, instances(3, "one", update))
		c.Forget()
		out, err := Apply(context.Background(), conn, planFor(t, conn, instances(3, "two", update), DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute}, func(e Event) {
			if done, ok := e.(StepDone); ok && done.Step.Unit == "web@2.service" {
				c.Behave("web@2.service", fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if results(out) != "web@1.service up, web@2.service failed, web@3.service unknown" || out.Back != nil {
			t.Errorf("outcome %s, back %v", results(out), out.Back)
		}
		wantList(t, "writes", writes(c), "PUT web@1.service content launched", "PUT web@2.service content launched")
		p := planFor(t, conn, instances(3, "three", update), DiffOptions{})
		if want := []units.Name{"web@2.service"}; !slices.Equal(p.Rollouts[0].Batches[0], want) {
			t.Errorf("batches %v", p.Rollouts[0].Batches)
		}
	})
}

// TestRolloutGoesBack brings back what was changed, the failed one first.
func TestRolloutGoesBack(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxExtra: 1, OnFailure: units.RollBackOnFailure}
		one := instances(3, "one", update)
		submit(t, conn, one)
		two := instances(3, "two", update)
		bad := two.Units[1]
		c.Forget()
		p, back := planFor(t, conn, two, DiffOptions{}), false
		out, err := Apply(context.Background(), conn, p, ApplyOptions{Timeout: 10 * time.Minute}, func(e Event) {
			switch e := e.(type) {
			case StepDone:
				if e.Step.Unit == bad.Name && !back {
					c.Behave(bad.Name, fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
				}
			case GoingBack:
				back = true
				c.Behave(bad.Name, nil)
			}
		})
		if err != nil || out.Back == nil || len(out.Back.Outcome.Bad()) > 0 {
			t.Fatalf("outcome %s, back %+v, %v", results(out), out.Back, err)
		}
		var order []string
		for _, r := range c.Writes() {
			order = append(order, r.String())
		}
		wantList(t, "writes", order, "PUT web@4.service content launched", "PUT web@1.service content launched", "PUT web@2.service content launched",
			"PUT web@2.service content launched", "PUT web@1.service content launched", "DELETE web@4.service")
		if again := planFor(t, conn, one, DiffOptions{}); !again.Empty() {
			t.Errorf("it is not as it was: %s", wavesText(again))
		}
	})
}

// TestRolloutPauses ends a run on purpose, and the next goes on from there.
func TestRolloutPauses(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxUnavailable: 1, First: 1}
		submit(t, conn, instances(3, "one", update))
		var asked []string
		no := func(_ context.Context, groups []string) (bool, error) {
			asked = append(asked, groups...)
			return false, nil
		}
		two := instances(3, "two", update)
		out, _ := apply(t, conn, planFor(t, conn, two, DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute, Confirm: no})
		if out.Paused == nil || out.Paused.After != 1 || out.Paused.Of != 3 || len(out.Done) != 1 {
			t.Errorf("paused %+v, done %v", out.Paused, out.Done)
		}
		out, _ = apply(t, conn, planFor(t, conn, two, DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute, Confirm: no, PauseAfter: 1})
		if out.Paused == nil || out.Paused.After != 1 || out.Paused.Of != 2 || len(out.Done) != 1 {
			t.Errorf("paused %+v, done %v", out.Paused, out.Done)
		}
		out, _ = apply(t, conn, planFor(t, conn, two, DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute, Confirm: no, PauseAfter: 1})
		if out.Paused != nil || len(out.Bad()) > 0 || len(asked) != 1 {
			t.Errorf("paused %+v, %s, asked %v", out.Paused, results(out), asked)
		}
	})
}

// TestRolloutWithoutRoom finds at once that there is no machine for one more.
func TestRolloutWithoutRoom(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxExtra: 1}
		spread := func(s *units.Set) *units.Set {
			for _, list := range [][]units.Unit{s.Units, s.Spares} {
				for i := range list {
					list[i].Options = append(list[i].Options, units.Option{Section: "X-Fleet", Name: "Conflicts", Value: "web@*.service"})
				}
			}
			return s
		}
		submit(t, conn, spread(instances(3, "one", update)))
		p := planFor(t, conn, spread(instances(3, "two", update)), DiffOptions{})
		none := p.Unplaceable()
		if len(none) != 1 || none[0].Unit != "web@4.service" || len(none[0].Placement.Refused) != 3 {
			t.Errorf("unplaceable %+v", none)
		}
	})
}

// TestRolloutLeftover goes on from where a run was killed: what that has started
// beside the instances is used, and removed at the end.
func TestRolloutLeftover(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxExtra: 1}
		submit(t, conn, instances(3, "one", update))
		two := instances(3, "two", update)
		for stop := 1; stop <= 4; stop++ {
			p := planFor(t, conn, two, DiffOptions{})
			out, err := Apply(context.Background(), conn, p, ApplyOptions{Timeout: 10 * time.Minute, PauseAfter: 1}, nil)
			if err != nil || len(out.Bad()) > 0 {
				t.Fatalf("%s, %v", results(out), err)
			}
			c.Settle()
		}
		out, _ := apply(t, conn, planFor(t, conn, two, DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute})
		if got := results(out); got != "web@1.service up, web@2.service up, web@3.service up, web@4.service removed" {
			t.Error(got)
		}
		c.Settle()
		if len(c.MachinesOf("web@4.service")) > 0 {
			t.Error("web@4 is still there")
		}
	})
}

// TestRolloutWaitsForPeers does not take one more down while another is away.
func TestRolloutWaitsForPeers(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxUnavailable: 1}
		submit(t, conn, instances(3, "one", update))
		p := planFor(t, conn, instances(3, "two", update), DiffOptions{})
		c.StayFailed("web@3.service")
		c.Forget()
		out, _ := apply(t, conn, p, ApplyOptions{Timeout: 10 * time.Minute})
		if results(out) != "web@1.service unknown, web@2.service unknown, web@3.service failed" || len(c.Writes()) != 0 {
			t.Errorf("%s, %v", results(out), writes(c))
		}
	})
}

// TestRolloutSeesWhatIsUnderWay does not take an instance down while another is up
// only because its machine has not seen yet what an earlier run has sent.
func TestRolloutSeesWhatIsUnderWay(t *testing.T) {
	first := func(t *testing.T, c *fleettest.Cluster, conn *Conn, next *units.Set) {
		t.Helper()
		p := planFor(t, conn, next, DiffOptions{})
		c.Forget()
		began := time.Now()
		if _, err := Apply(context.Background(), conn, p, ApplyOptions{Timeout: 10 * time.Minute}, nil); err != nil {
			t.Fatal(err)
		}
		if list := c.Writes(); len(list) == 0 || list[0].At.Sub(began) < time.Minute {
			t.Errorf("the first request comes before the machine is back: %v", writes(c))
		}
	}
	t.Run("instances", func(t *testing.T) {
		bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
			update := units.Update{MaxUnavailable: 1}
			submit(t, conn, instances(3, "one", update))
			c.Stall(c.MachinesOf("web@3.service")[0], time.Minute)
			c.Submit(instances(3, "two", update).Units[2])
			first(t, c, conn, instances(3, "three", update))
		})
	})
	t.Run("stand-ins", func(t *testing.T) {
		bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
			submit(t, conn, daemon("one"))
			id := c.MachinesOf("agent.service")[1]
			c.Stall(id, time.Minute)
			two := daemon("two")
			c.Submit(units.Unit{Name: standIn("agent.service", id), Desired: units.Launched, Options: standInOptions(two.Stack, "agent.service", id, two.Units[0].Options)})
			first(t, c, conn, daemon("three"))
		})
	})
}

// daemon is a global unit that changes machine by machine.
func daemon(version string) *units.Set {
	u := unit("agent.service", "ExecStart=/bin/agent "+version)
	u.Options = append(u.Options, units.Option{Section: "X-Fleet", Name: "Global", Value: "true"})
	u.Update = &units.Update{OneMachine: true}
	return set(u)
}

// TestRolloutBetweenWrites changes a global unit machine by machine while agents look
// at the worst moment, between the new content and the desired state of a request.
func TestRolloutBetweenWrites(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, daemon("one"))
		p := planFor(t, conn, daemon("two"), DiffOptions{})
		c.Eager()
		c.Watch(func(running map[string][]units.Name) {
			served := func(name units.Name) bool {
				return name == "agent.service" || strings.HasPrefix(string(name), "agent.on-")
			}
			for _, id := range []string{"n1", "n2", "n3"} {
				if !slices.ContainsFunc(running[id], served) {
					t.Errorf("nothing serves %s: %v", id, running)
				}
			}
		})
		out, _ := apply(t, conn, p, ApplyOptions{Timeout: 10 * time.Minute})
		if len(out.Bad()) > 0 || len(out.Left) > 0 {
			t.Error(results(out), out.Left)
		}
	})
}

// TestRolloutDroppedStandIn ends when systemd does not start a stand-in, however long
// the unit runs on in whose place it was to come.
func TestRolloutDroppedStandIn(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, daemon("one"))
		c.Drop(standIn("agent.service", "n1"))
		out, _ := apply(t, conn, planFor(t, conn, daemon("two"), DiffOptions{}), ApplyOptions{Timeout: time.Hour})
		if got := results(out); !strings.Contains(got, "agent.on-n1.service failed") {
			t.Error(got)
		}
		if out, _ := apply(t, conn, planFor(t, conn, daemon("two"), DiffOptions{}), ApplyOptions{Timeout: time.Hour}); len(out.Bad()) > 0 || len(out.Left) > 0 {
			t.Error(results(out), out.Left)
		}
	})
}

// TestRolloutOutOfTime tells of units that are up, and not for long enough, when the time
// for a rollout is over.
func TestRolloutOutOfTime(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		update := units.Update{MaxUnavailable: 2, HealthyFor: 60_000}
		submit(t, conn, instances(2, "one", update))
		out, _ := apply(t, conn, planFor(t, conn, instances(2, "two", update), DiffOptions{}), ApplyOptions{Timeout: 20 * time.Second})
		if got := results(out); got != "web@1.service timeout, web@2.service timeout" {
			t.Error(got)
		}
	})
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, daemon("one"))
		full := planFor(t, conn, daemon("two"), DiffOptions{})
		for limit := time.Second; ; limit += time.Second {
			out, _ := apply(t, conn, planFor(t, conn, daemon("two"), DiffOptions{}), ApplyOptions{Timeout: limit})
			if len(out.Left) == 0 {
				return
			}
			if len(out.Bad()) == 0 {
				t.Fatalf("of %d waves this is left after %s, and nothing is said: %v", len(full.Waves), limit, out.Left)
			}
		}
	})
}

// TestRolloutEndsRead removes stand-ins only when every agent has read that the unit is
// launched: one that starts it later would stop the stand-in of the next rollout.
func TestRolloutEndsRead(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, daemon("one"))
		c.Forget()
		submit(t, conn, daemon("two"))
		list := c.Writes()
		launch := slices.IndexFunc(list, func(r fleettest.Request) bool { return r.String() == "PUT agent.service launched" })
		removal := slices.IndexFunc(list, func(r fleettest.Request) bool { return r.Method == "DELETE" })
		if launch < 0 || removal < launch || list[removal].At.Sub(list[launch].At) < reconciled {
			t.Errorf("launched by request %d, the first removal is request %d: %v", launch, removal, writes(c))
		}
	})
}
