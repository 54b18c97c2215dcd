package fleet

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// three instances, one of which has a unit that is bound to it.
func rollingSet() *units.Set {
	names := []string{"web@1.service", "web@2.service", "web@3.service"}
	var list []units.Unit
	for _, n := range names {
		list = append(list, unit(n, "ExecStart=/bin/web"))
	}
	return set(append(list, tied("log", "web@2.service"))...)
}

// TestRestartRolls restarts instances one after the other, and looks at every request
// that none is touched while another is down.
func TestRestartRolls(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, rollingSet())
		s := takeAll(t, conn)
		p := PlanSteer(s, "s", []units.Name{"web@1.service", "web@2.service", "web@3.service"}, Again, nil)
		if len(p.Waves) != 6 || p.Waves[2].When != WhenUp || p.Waves[3].When != WhenLoaded {
			t.Fatalf("waves %+v", p.Waves)
		}
		c.Forget()
		began := time.Now()
		out, _ := apply(t, conn, p, ApplyOptions{Timeout: 10 * time.Minute})
		if results(out) != "log.service up, web@1.service up, web@2.service up, web@3.service up" {
			t.Errorf("results %s", results(out))
		}
		var order []string
		for _, r := range c.Writes() {
			order = append(order, r.String())
		}
		wantList(t, "first", order[:2], "PUT web@1.service loaded", "PUT web@1.service launched")
		wantList(t, "last", order[6:], "PUT web@3.service loaded", "PUT web@3.service launched")
		second := slices.Sorted(slices.Values(order[2:6]))
		wantList(t, "second", second, "PUT log.service launched", "PUT log.service loaded", "PUT web@2.service launched", "PUT web@2.service loaded")
		if time.Since(began) < 3*published {
			t.Errorf("took %v: nothing was waited for", time.Since(began))
		}
	})
}

// TestRestartStops leaves the others alone when one does not come back.
func TestRestartStops(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, rollingSet())
		c.Behave("web@1.service", fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
		c.Forget()
		p := PlanSteer(takeAll(t, conn), "s", []units.Name{"web@1.service", "web@2.service"}, Again, nil)
		out, err := Apply(context.Background(), conn, p, ApplyOptions{Timeout: 10 * time.Minute}, nil)
		if err != nil || !out.Has(HasFailed) {
			t.Errorf("outcome %s, %v", results(out), err)
		}
		wantList(t, "writes", writes(c), "PUT web@1.service loaded", "PUT web@1.service launched")
	})
}

func TestSteer(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, rollingSet())
		tests := []struct {
			how    Steer
			names  []units.Name
			writes []string
			want   string
		}{
			{Start, []units.Name{"log.service"}, nil, "log.service up"},
			{Stop, []units.Name{"web@1.service"}, []string{"PUT web@1.service loaded"}, "web@1.service set"},
			{Stop, []units.Name{"web@1.service"}, nil, "web@1.service set"},
			{Unload, []units.Name{"web@3.service"}, []string{"PUT web@3.service inactive"}, "web@3.service set"},
			{Again, []units.Name{"web@1.service", "web@3.service"}, []string{"PUT web@1.service launched", "PUT web@3.service launched"}, "web@1.service up, web@3.service up"},
		}
		for _, tt := range tests {
			c.Forget()
			out, _ := apply(t, conn, PlanSteer(takeAll(t, conn), "s", tt.names, tt.how, nil), ApplyOptions{Timeout: 10 * time.Minute})
			if results(out) != tt.want {
				t.Errorf("%s %v: %s", tt.how, tt.names, results(out))
			}
			wantList(t, string(tt.how), writes(c), tt.writes...)
		}
	})
}

func takeAll(t *testing.T, conn Client) *Snapshot {
	t.Helper()
	s, err := TakeAll(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
