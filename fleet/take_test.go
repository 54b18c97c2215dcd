package fleet

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

func TestNewSnapshot(t *testing.T) {
	s := NewSnapshot(
		[]Machine{{ID: "n2"}, {ID: "n1"}},
		[]Unit{{Name: "b.service"}, {Name: "a.service", Hash: "1"}, {Name: "b.service"}},
		[]UnitState{{Unit: "a.service", Machine: "n2"}, {Unit: "a.service", Machine: "gone"}, {Unit: "a.service", Machine: "n1"}},
	)
	if len(s.Units) != 2 || s.Units[0].Name != "a.service" {
		t.Errorf("units %+v", s.Units)
	}
	rows := s.StatesOf("a.service")
	if len(rows) != 2 || rows[0].Machine != "n1" || rows[1].Machine != "n2" {
		t.Errorf("rows %+v, those of a machine that is gone are not to be believed", rows)
	}
	if _, ok := s.Unit("c.service"); ok {
		t.Error("found a unit that is not there")
	}
	names := []units.Name{"a.service", "b.service"}
	if s.Digest(names) != s.Digest([]units.Name{"b.service", "a.service", "a.service"}) {
		t.Error("the digest depends on the order of names")
	}
	s.Units[0].Desired = units.Loaded
	if before := NewSnapshot(nil, []Unit{{Name: "a.service", Hash: "1"}, {Name: "b.service"}}, nil); before.Digest(names) == s.Digest(names) {
		t.Error("the digest does not see the desired state")
	}
}

func TestSinglesCheaper(t *testing.T) {
	tests := []struct {
		n, size int
		want    bool
	}{
		{1, 0, false}, {3, 10, false}, {1, 50, true}, {100, 100, false}, {10, 200, true}, {200, 200, false}, {100, 1000, true}, {1000, 1000, false},
	}
	for _, tt := range tests {
		if got := singlesCheaper(tt.n, tt.size); got != tt.want {
			t.Errorf("%d of %d: %v", tt.n, tt.size, got)
		}
	}
}

func TestTakeChoosesTheCheaperWay(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		for i := range 250 {
			c.Submit(unit(fmt.Sprintf("u%03d", i), "ExecStart=/bin/x"))
		}
		c.Settle()
		s, err := Take(t.Context(), conn, []units.Name{"u001.service", "none.service", "u100.service"})
		if err != nil || !s.Partial || len(s.Units) != 2 {
			t.Fatalf("partial %v, %d units, %v", s.Partial, len(s.Units), err)
		}
		if got := conn.Counts(); got.UnitPages != 0 || got.Gets != 3 {
			t.Errorf("%+v", got)
		}
		for name, take := range map[string]func() (*Snapshot, error){
			"without names": func() (*Snapshot, error) { return Take(t.Context(), conn, nil) },
			"all":           func() (*Snapshot, error) { return TakeAll(t.Context(), conn, []units.Name{"u001.service"}) },
		} {
			s, err := take()
			if err != nil || s.Partial || len(s.Units) != 250 || len(s.States) != 250 || len(s.Machines) != 1 {
				t.Errorf("%s: partial %v, %d units, %v", name, s.Partial, len(s.Units), err)
			}
		}
		if got := conn.Counts(); got.UnitPages != 6 || got.Gets != 3 {
			t.Errorf("%+v", got)
		}
	})
}

// TestTakeLooksTwice deletes a unit between two pages, so that the list misses
// the unit that moved to the page before.
func TestTakeLooksTwice(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		for i := range 150 {
			c.Submit(unit(fmt.Sprintf("u%03d", i), "ExecStart=/bin/x"))
		}
		pages := 0
		c.Fail(func(r fleettest.Request) *fleettest.Fault {
			if r.Kind == "units" && r.Unit == "" && r.Method == http.MethodGet {
				if pages++; pages == 2 {
					c.Delete("u000.service")
				}
			}
			return nil
		})
		s, err := TakeAll(t.Context(), conn, []units.Name{"u100.service", "new.service"})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Unit("u100.service"); !ok {
			t.Error("the unit between the pages was missed")
		}
		if _, ok := s.Unit("new.service"); ok {
			t.Error("found a unit that is not there")
		}
	})
}

func TestTakeFails(t *testing.T) {
	for _, kind := range []string{"machines", "state", "units"} {
		t.Run(kind, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Fail(fleettest.Times(-1, func(r fleettest.Request) bool { return r.Kind == kind }, fleettest.Fault{Status: 500, Message: "no"}))
				if _, err := TakeAll(t.Context(), conn, nil); KindOf(err) != Server {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestOwned(t *testing.T) {
	mine, yours := unit("a"), unit("b")
	yours.Options = options("ExecStart=/bin/b", "[X-Stackc] Stack=other")
	s := NewSnapshot(nil, []Unit{{Name: mine.Name, Options: mine.Options}, {Name: yours.Name, Options: yours.Options}, {Name: "c.service"}}, nil)
	for stack, want := range map[string][]units.Name{"s": {"a.service"}, "other": {"b.service"}, "": nil, "third": nil} {
		var got []units.Name
		for _, u := range s.Owned(stack) {
			got = append(got, u.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q owns %v, want %v", stack, got, want)
		}
	}
}
