package fleet

import (
	"testing"

	"github.com/stackc/stackc/units"
)

// TestCondition goes through what fleet and systemd can say together.
func TestCondition(t *testing.T) {
	tests := []struct {
		name    string
		desired units.State
		current units.State
		machine string
		row     string // load/active/sub, "" for none
		old     bool
		options []string
		want    Condition
	}{
		{"up", "launched", "launched", "n1", "loaded/active/running", false, nil, Runs},
		{"done", "launched", "launched", "n1", "loaded/inactive/dead", false, []string{"Type=oneshot", "ExecStart=/x"}, IsDone},
		{"oneshot not begun", "launched", "loaded", "n1", "loaded/inactive/dead", false, []string{"Type=oneshot", "ExecStart=/x"}, IsPending},
		{"starting", "launched", "launched", "n1", "loaded/activating/start", false, nil, IsStarting},
		{"in its waiter", "launched", "launched", "n1", "loaded/activating/start-pre", false, nil, IsWaiting},
		{"between tries", "launched", "launched", "n1", "loaded/activating/auto-restart", false, nil, IsRetrying},
		{"failed", "launched", "launched", "n1", "loaded/failed/failed", false, nil, HasBroken},
		{"bad file", "launched", "launched", "n1", "bad-setting/inactive/dead", false, nil, IsUnloadable},
		{"never started", "launched", "launched", "n1", "loaded/inactive/dead", false, nil, IsDead},
		{"not started yet", "launched", "loaded", "n1", "loaded/inactive/dead", false, nil, IsPending},
		{"being stopped", "launched", "launched", "n1", "loaded/deactivating/stop", false, nil, IsStopping},
		{"old content", "launched", "launched", "n1", "loaded/active/running", true, nil, IsOld},
		{"no row yet", "launched", "loaded", "n1", "", false, nil, IsPending},
		{"no row any more", "launched", "launched", "n1", "", false, nil, IsUnseen},
		{"no machine", "launched", "inactive", "", "", false, nil, IsHomeless},
		{"machine gone", "launched", "launched", "n9", "", false, nil, IsLost},
		{"global, no row", "launched", "inactive", "", "", false, []string{"ExecStart=/x", "[X-Fleet] Global=true"}, IsPending},
		{"global, dead", "launched", "inactive", "", "loaded/inactive/dead", false, []string{"ExecStart=/x", "[X-Fleet] Global=true"}, IsDead},
		{"loaded only", "loaded", "loaded", "n1", "loaded/inactive/dead", false, nil, IsLoaded},
		{"loaded after a failure", "loaded", "loaded", "n1", "loaded/failed/failed", false, nil, IsLoaded},
		{"pulled in by another", "loaded", "loaded", "n1", "loaded/active/running", false, nil, RunsUnasked},
		{"loaded, bad file", "loaded", "loaded", "n1", "bad-setting/inactive/dead", false, nil, IsUnloadable},
		{"inactive", "inactive", "inactive", "", "", false, nil, IsStopped},
		{"inactive, old row", "inactive", "inactive", "", "loaded/inactive/dead", false, nil, IsStopped},
		{"not inactive yet", "inactive", "inactive", "", "loaded/active/running", false, nil, IsStopping},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := unit("a", tt.options...)
			live := Unit{Name: u.Name, Options: u.Options, Hash: u.Hash(), Desired: tt.desired, Current: tt.current, Machine: tt.machine}
			s := NewSnapshot([]Machine{{ID: "n1"}}, []Unit{live}, nil)
			if got := s.Condition(u.Name, rowOf(u, tt.row, tt.old)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := NewSnapshot(nil, nil, nil).Condition("a.service", UnitState{}); got != IsMissing {
		t.Errorf("got %q of a unit that is not there", got)
	}
}

// rowOf makes a row of n1 of "load/active/sub".
func rowOf(u units.Unit, text string, old bool) UnitState {
	if text == "" {
		return UnitState{}
	}
	row := UnitState{Unit: u.Name, Machine: "n1", Hash: u.Hash()}
	if old {
		row.Hash = "old"
	}
	row.Load, row.Active, row.Sub = splitState(text)
	return row
}
