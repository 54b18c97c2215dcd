package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// TestGateHearsSilentAgents restarts a failed unit that fleet takes for loaded although
// its agent has launched it: launched before the agent looks, it would stay down.
func TestGateHearsSilentAgents(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		submit(t, conn, set(unit("a")))
		c.StayFailed("a.service")
		c.Silent("a.service")
		p := planFor(t, conn, set(unit("a")), DiffOptions{})
		c.Forget()
		out, _ := apply(t, conn, p, ApplyOptions{Timeout: 10 * time.Minute})
		wantList(t, "writes", writes(c), "PUT a.service loaded", "PUT a.service launched")
		if results(out) != "a.service up" {
			t.Errorf("%s: %s", results(out), out.Units[0].Reason)
		}
	})
}

// TestGateSeesEarlyStart replaces two units of which one leans on the other, and has
// an agent look between the two writes that fleet makes of a request: it starts the
// new content, since the desired state is still the old one. It is not launched before
// the agent has taken that back.
func TestGateSeesEarlyStart(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		version := func(v string) *units.Set {
			return set(unit("a", "ExecStart=/bin/a "+v), unit("b", "[Unit] BindsTo=a.service", "ExecStart=/bin/b "+v))
		}
		submit(t, conn, version("one"))
		early := version("two").Units[1]
		c.Forget()
		sent := 0
		out, err := Apply(context.Background(), conn, planFor(t, conn, version("two"), DiffOptions{}), ApplyOptions{Timeout: 10 * time.Minute}, func(e Event) {
			if done, ok := e.(StepDone); ok && done.Step.Do == PutUnit {
				if sent++; sent == 2 {
					c.Submit(early)
					c.Settle()
					c.Submit(loaded(early))
				}
			}
		})
		if err != nil || len(out.Bad()) > 0 {
			t.Fatalf("%s, %v", results(out), err)
		}
		list := c.Writes()
		if last := list[len(list)-1]; last.String() != "PUT b.service launched" || last.At.Sub(list[0].At) < fleettest.Pass/2 {
			t.Errorf("%s comes %v after the first request", last, last.At.Sub(list[0].At))
		}
	})
}
