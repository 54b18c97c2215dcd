package fleet

import (
	"strings"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
)

// TestFollowers: units that name a moved one in MachineOf= move with it although
// they are not written; the plan says so, and the run waits for them there.
func TestFollowers(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		side := unit("side", "[X-Fleet] MachineOf=lead.service")
		last := unit("last", "[X-Fleet] MachineOf=side.service")
		m := fleettest.Machines(2)
		lead := unit("lead", "[X-Fleet] MachineID="+m[0].ID)
		submit(t, conn, set(lead, side, last))
		moved := unit("lead", "[X-Fleet] MachineID="+m[1].ID)
		p := planFor(t, conn, set(moved, side, last), DiffOptions{})
		var said []string
		for _, w := range p.Warnings {
			said = append(said, string(w.Unit)+" "+w.Text)
		}
		text := strings.Join(said, "\n")
		for _, want := range []string{"side.service moves too, from ", "last.service moves too, from ", "lead.service (MachineOf) is on "} {
			if !strings.Contains(text, want) {
				t.Errorf("warnings %q have no %q", text, want)
			}
		}
		c.Forget()
		out, _ := apply(t, conn, p, ApplyOptions{Timeout: time.Hour})
		wantList(t, "writes", writes(c), "PUT lead.service content launched")
		for _, u := range out.Units {
			if u.Result != IsUp || len(u.Machines) == 0 || u.Machines[len(u.Machines)-1] != m[1].ID {
				t.Errorf("%s: %s on %v, want it up on %s", u.Unit, u.Result, u.Machines, m[1].ID)
			}
		}
	})
}

// TestLost: a unit that was there is not told as up when its rows have gone while
// others were waited for.
func TestLost(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("old")))
		c.Behave("new.service", fleettest.Phases(fleettest.Phase{For: 20 * time.Second, State: "activating/start-pre"}, fleettest.Phase{State: "active/running"}))
		p := planFor(t, conn, set(unit("old"), unit("new")), DiffOptions{})
		go func() {
			time.Sleep(10 * time.Second)
			c.Hide("old.service", 30*time.Second)
		}()
		began := time.Now()
		out, _ := apply(t, conn, p, ApplyOptions{Timeout: time.Hour})
		for _, u := range out.Units {
			if u.Result != IsUp || len(u.Machines) != 1 {
				t.Errorf("%s: %s on %v, want it up on one machine", u.Unit, u.Result, u.Machines)
			}
		}
		if took := time.Since(began); took < 40*time.Second {
			t.Errorf("took %v, and the row is away until 40s", took)
		}
	})
}
