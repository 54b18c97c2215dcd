package fleet

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
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
		text := strings.Join(remarks(p), "\n")
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

// TestRowLate: after a move the row may be away for long; that its agent has loaded
// it all the same is told by fleet, and nobody is blamed.
func TestRowLate(t *testing.T) {
	bubble(t, 2, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		m := fleettest.Machines(2)
		submit(t, conn, set(unit("a", "[X-Fleet] MachineID="+m[0].ID)))
		p := planFor(t, conn, set(unit("a", "[X-Fleet] MachineID="+m[1].ID)), DiffOptions{})
		c.Hide("a.service", 50*time.Second)
		began := time.Now()
		out, r := apply(t, conn, p, ApplyOptions{Timeout: time.Hour})
		if results(out) != "a.service up" || time.Since(began) < 50*time.Second {
			t.Errorf("%s after %v", results(out), time.Since(began))
		}
		for _, e := range r.events {
			if w, ok := e.(Warned); ok {
				t.Errorf("warned: %s", w.Warning.Text)
			}
		}
	})
}

// TestGoesIdle: a unit that is put to inactive is done when its machine has
// stopped it, or does not say for long that it has.
func TestGoesIdle(t *testing.T) {
	for _, global := range []bool{false, true} {
		bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
			a := unit("a")
			if global {
				a = unit("a", "[X-Fleet] Global=true")
			}
			submit(t, conn, set(a))
			out := submit(t, conn, set(inactive(a)))
			if results(out) != "a.service set" {
				t.Error(results(out))
			}
			rows, err := conn.States(t.Context())
			for _, row := range rows {
				if row.Unit == "a.service" && row.Active != "inactive" {
					t.Errorf("global %v: %s", global, row)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGuard: when the guard says no, nothing more is sent, and waiting ends.
func TestGuard(t *testing.T) {
	for _, allowed := range []int{0, 3, 13} {
		bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
			var list []units.Unit
			for i := range 12 {
				list = append(list, unit(string(rune('a'+i))))
			}
			p := planFor(t, conn, set(list...), DiffOptions{})
			c.Forget()
			var asked atomic.Int32
			_, err := Apply(t.Context(), conn, p, ApplyOptions{Guard: func() error {
				if asked.Add(1) > int32(allowed) {
					return errors.New("somebody has taken the lock")
				}
				return nil
			}}, nil)
			if KindOf(err) != Lost || !strings.Contains(err.Error(), "somebody has taken the lock") || len(c.Writes()) != min(allowed, 12) {
				t.Errorf("%d allowed: %d writes, error %v of kind %q", allowed, len(c.Writes()), err, KindOf(err))
			}
		})
	}
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

// TestSwapping: a run that was killed has replaced a unit, and its machine has not
// noticed yet. What is bound to that goes down with it still, so it is launched once
// the new one is there and not before.
func TestSwapping(t *testing.T) {
	a, b := unit("a", "ExecStart=/bin/new"), unit("b", "[Unit] BindsTo=a.service", "[X-Fleet] MachineOf=a.service")
	for _, state := range []units.State{units.Loaded, units.Launched} {
		for _, old := range []bool{false, true} {
			row := UnitState{Unit: "a.service", Machine: "n1", Hash: a.Hash(), Load: "loaded", Active: "active", Sub: "running"}
			if old {
				row.Hash = unit("a", "ExecStart=/bin/old").Hash()
			}
			held := UnitState{Unit: "b.service", Machine: "n1", Hash: b.Hash(), Load: "loaded", Active: "active", Sub: "running"}
			s := NewSnapshot([]Machine{{ID: "n1"}}, []Unit{
				{Name: a.Name, Options: a.Options, Hash: a.Hash(), Desired: units.Launched, Machine: "n1"},
				{Name: b.Name, Options: b.Options, Hash: b.Hash(), Desired: state, Machine: "n1"},
			}, []UnitState{row, held})
			changes, _ := Diff(s, set(a, b), DiffOptions{})
			p := NewPlan(s, set(a, b), changes, Place(s, set(a, b), changes))
			got := ""
			for _, w := range p.Waves {
				got += string(w.When)
				for _, step := range w.Steps {
					got += " " + string(step.Unit) + " " + string(step.State)
				}
				got += "; "
			}
			want := map[bool]string{true: "at-once b.service loaded; when-loaded b.service launched; ", false: ""}[old]
			if state == units.Loaded && !old {
				want = "at-once b.service launched; "
			}
			if got != want {
				t.Errorf("b is %s, a's row is old: %v: %q, want %q", state, old, got, want)
			}
		}
	}
}
