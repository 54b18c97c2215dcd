package fleet

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// TestReserve: the contents of a plan are told once, before its first request, and those
// of the way back before that; of a plan that writes none nothing is told.
func TestReserve(t *testing.T) {
	bubble(t, 3, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		var told [][]string
		options := ApplyOptions{Timeout: 10 * time.Minute, Reserve: func(_ context.Context, hashes []string) error {
			told = append(told, hashes)
			return nil
		}}
		carry := func(want *units.Set, tell func(Event)) {
			t.Helper()
			told = nil
			if _, err := Apply(context.Background(), conn, planFor(t, conn, want, DiffOptions{}), options, tell); err != nil {
				t.Fatal(err)
			}
		}
		want := func(what string, list ...[]string) {
			t.Helper()
			if !slices.EqualFunc(told, list, slices.Equal[[]string]) {
				t.Errorf("%s: told %q, want %q", what, told, list)
			}
		}
		update := units.Update{MaxUnavailable: 1, OnFailure: units.RollBackOnFailure}
		one, two := instances(2, "one", update), instances(2, "two", update)
		carry(one, nil)
		before, after := one.Units[0].Hash(), two.Units[0].Hash() // instances of one template have one content
		want("two that are new", []string{before})
		carry(one, nil)
		want("nothing to do")
		carry(set(inactive(one.Units[0]), one.Units[1]), nil)
		want("a desired state")
		carry(one, nil)

		bad := two.Units[1].Name
		carry(two, func(e Event) {
			switch e := e.(type) {
			case StepDone:
				if e.Step.Unit == bad {
					c.Behave(bad, fleettest.Phases(fleettest.Phase{State: "failed/failed"}))
				}
			case GoingBack:
				c.Behave(bad, nil)
			}
		})
		want("one that fails, and the way back", []string{after}, []string{before})

		no := errors.New("no")
		options.Reserve = func(context.Context, []string) error { return no }
		c.Forget()
		if _, err := Apply(t.Context(), conn, planFor(t, conn, two, DiffOptions{}), options, nil); !errors.Is(err, no) {
			t.Errorf("the error is %v", err)
		}
		wantList(t, "writes", writes(c))
	})
}
