package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/cmd/stackc/view"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// TestStandings looks at two units of which fleet says more than is so: its list
// calls a global unit inactive, and a machine that is gone leaves its rows behind.
func TestStandings(t *testing.T) {
	live := func(name units.Name, current units.State, machine string, options ...units.Option) fleet.Unit {
		options = append(options, units.Option{Section: "X-Stackc", Name: "Stack", Value: "shop"})
		return fleet.Unit{Name: name, Options: options, Hash: string(name), Desired: units.Launched, Current: current, Machine: machine}
	}
	row := func(name units.Name, machine string) fleet.UnitState {
		return fleet.UnitState{Unit: name, Machine: machine, Hash: string(name), Load: "loaded", Active: "active", Sub: "running"}
	}
	s := fleet.NewSnapshot(
		[]fleet.Machine{{ID: "m1"}},
		[]fleet.Unit{
			live("all.service", units.Inactive, "", units.Option{Section: "X-Fleet", Name: "Global", Value: "true"}),
			live("one.service", units.Launched, "m1"),
		},
		[]fleet.UnitState{row("all.service", "m1"), row("all.service", "gone"), row("one.service", "gone")},
	)
	got := standings(s, "shop", nil)
	for i := range got {
		got[i].Right = false // what is right depends on fleet's hash, which these units make up
	}
	want := []view.Standing{
		{Unit: "all.service", State: fleet.Runs, Desired: units.Launched, Global: true, Hash: "all.service", Systemd: "loaded/active/running", Machine: "m1"},
		{Unit: "one.service", State: fleet.IsUnseen, Desired: units.Launched, Current: units.Launched, Hash: "one.service", Machine: "m1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
