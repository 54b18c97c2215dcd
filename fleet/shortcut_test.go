package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stackc/stackc/fleet/fleettest"
)

// TestPastFleet reads long lists on the other way, and goes back when that fails.
func TestPastFleet(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		other := dial(t, c, Config{RetryFor: -1})
		asked := 0
		conn.PastFleet(func(context.Context) *Conn { asked++; return other })
		take := func(units, states int) {
			t.Helper()
			s, err := TakeAll(t.Context(), conn, nil)
			if err != nil || len(s.Units) != units || len(s.States) != states {
				t.Fatalf("%d units, %d states, %v", len(s.Units), len(s.States), err)
			}
		}
		c.Submit(unit("u", "ExecStart=/bin/x"))
		c.Settle()
		take(1, 1)
		if asked != 0 {
			t.Error("the other way was looked for without need")
		}
		for i := range 249 {
			c.Submit(unit(fmt.Sprintf("u%03d", i), "ExecStart=/bin/x"))
		}
		c.Settle()
		before := conn.Counts()
		take(250, 250)
		take(250, 250)
		after := conn.Counts()
		if got := after.StatePages - before.StatePages; asked != 1 || got != 1 || after.UnitPages != before.UnitPages {
			t.Errorf("looked for %d times, %d pages of states, %+v", asked, got, after)
		}
		if there := other.Counts(); there.StatePages != 6 || there.UnitPages != 6 {
			t.Errorf("on the other way %+v", there)
		}
		// A server that is gone: whoever was found cannot be asked any more.
		other.servers[0].transport = silentServer{}
		take(250, 250)
		if got := conn.Counts(); got.StatePages != after.StatePages+3 || got.UnitPages != after.UnitPages+3 || asked != 1 {
			t.Errorf("looked for %d times, %+v", asked, got)
		}
	})
}

// silentServer is a server that does not answer.
type silentServer struct{}

func (silentServer) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("gone") }

// TestNoWayPastFleet reads pages where there is nothing else, and asks for it once.
func TestNoWayPastFleet(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		asked := 0
		conn.PastFleet(func(context.Context) *Conn { asked++; return nil })
		for i := range 250 {
			c.Submit(unit(fmt.Sprintf("u%03d", i), "ExecStart=/bin/x"))
		}
		c.Settle()
		for range 2 {
			if s, err := TakeAll(t.Context(), conn, nil); err != nil || len(s.Units) != 250 || len(s.States) != 250 {
				t.Fatal(err)
			}
		}
		if got := conn.Counts(); got.StatePages != 6 || got.UnitPages != 6 || asked != 1 {
			t.Errorf("looked for %d times, %+v", asked, got)
		}
	})
}
