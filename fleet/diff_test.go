package fleet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

// live makes the unit as fleet holds it, on machine n1.
func live(u units.Unit) Unit {
	return Unit{Name: u.Name, Options: u.Options, Hash: u.Hash(), Desired: u.Desired, Machine: "n1"}
}

func marked(u units.Unit, stack string) units.Unit {
	u.Options = unmarked(u.Options)
	if stack != "" {
		u.Options = append(u.Options, units.Option{Section: ownerSection, Name: "Stack", Value: stack})
	}
	return u
}

func row(u units.Unit, machine, state string) UnitState {
	words := strings.Split(state, "/")
	return UnitState{Unit: u.Name, Machine: machine, Hash: u.Hash(), Load: words[0], Active: words[1], Sub: words[2]}
}

func TestDiff(t *testing.T) {
	a := unit("a", "ExecStart=/bin/a", "Restart=always")
	global := unit("g", "ExecStart=/bin/g", "[X-Fleet] Global=true")
	oneshot := unit("o", "Type=oneshot", "ExecStart=/bin/o")
	tests := []struct {
		name    string
		live    []units.Unit
		states  []UnitState
		want    []units.Unit
		options DiffOptions
		// changes and refusals are one line each.
		changes, refusals []string
	}{
		{name: "create", want: []units.Unit{a}, changes: []string{"a.service create ->launched"}},
		{name: "create inactive", want: []units.Unit{inactive(a)}, changes: []string{"a.service create ->inactive"}},
		{name: "same", live: []units.Unit{a}, want: []units.Unit{a}, changes: []string{"a.service none launched->launched"}},
		{name: "state", live: []units.Unit{a}, want: []units.Unit{loaded(a)}, changes: []string{"a.service state launched->loaded"}},
		{name: "replace", live: []units.Unit{unit("a", "ExecStart=/bin/b", "ExecStartPre=/x", "Environment=A=1", "Environment=B=1")},
			want: []units.Unit{unit("a", "ExecStart=/bin/a", "Environment=A=1", "Environment=B=2", "Nice=5")},
			changes: []string{"a.service replace launched->launched Service.ExecStart [/bin/b]->[/bin/a] Service.Environment [A=1 B=1]->[A=1 B=2]" +
				" Service.Nice []->[5] Service.ExecStartPre [/x]->[]"}},
		{name: "reordered", live: []units.Unit{unit("a", "Restart=always", "ExecStart=/bin/a")}, want: []units.Unit{a},
			changes: []string{"a.service replace launched->launched reordered"}},
		{name: "orphan", live: []units.Unit{a, unit("b")}, want: []units.Unit{a},
			changes: []string{"a.service none launched->launched", "b.service orphan launched->"}},
		{name: "prune", live: []units.Unit{a, unit("b"), marked(unit("c"), "other"), marked(unit("d"), "")}, want: []units.Unit{a}, options: DiffOptions{Prune: true},
			changes: []string{"a.service none launched->launched", "b.service delete launched->"}},
		{name: "prune to nothing", live: []units.Unit{a}, options: DiffOptions{Prune: true},
			refusals: []string{`stack "s" has no units, and pruning to nothing would remove all it has in the cluster; destroy does that`}},
		{name: "another stack's", live: []units.Unit{marked(a, "web")}, want: []units.Unit{a},
			refusals: []string{`unit a.service of stack "s" belongs to stack "web"; rename one of them, or take it over with --adopt`}},
		{name: "nobody's", live: []units.Unit{marked(a, "")}, want: []units.Unit{a},
			refusals: []string{`unit a.service of stack "s" is in the cluster and belongs to no stack; rename one of them, or take it over with --adopt`}},
		{name: "nobody's, to the byte", live: []units.Unit{marked(a, "")}, want: []units.Unit{marked(a, "")},
			changes: []string{"a.service none launched->launched"}},
		{name: "adopt equal", live: []units.Unit{marked(a, "web")}, want: []units.Unit{a}, options: DiffOptions{Adopt: true},
			changes: []string{"a.service adopt launched->launched from web"}},
		{name: "adopt equal with other state", live: []units.Unit{marked(a, "web")}, want: []units.Unit{loaded(a)}, options: DiffOptions{Adopt: true},
			changes: []string{"a.service state launched->loaded from web"}},
		{name: "adopt other content", live: []units.Unit{marked(unit("a", "ExecStart=/bin/b", "Restart=always"), "web")}, want: []units.Unit{a}, options: DiffOptions{Adopt: true},
			changes: []string{"a.service replace launched->launched Service.ExecStart [/bin/b]->[/bin/a] X-Stackc.Stack [web]->[s] from web"}},
		{name: "failed", live: []units.Unit{a}, states: []UnitState{row(a, "n1", "loaded/failed/failed")}, want: []units.Unit{a},
			changes: []string{"a.service restart launched->launched because it is loaded/failed/failed on n1"}},
		{name: "dead", live: []units.Unit{a}, states: []UnitState{row(a, "n1", "loaded/inactive/dead")}, want: []units.Unit{a},
			changes: []string{"a.service restart launched->launched because it is loaded/inactive/dead on n1"}},
		{name: "failed on a machine that is gone", live: []units.Unit{a}, states: []UnitState{row(a, "n9", "loaded/failed/failed")}, want: []units.Unit{a},
			changes: []string{"a.service none launched->launched"}},
		{name: "failed and not to run", live: []units.Unit{loaded(a)}, states: []UnitState{row(a, "n1", "loaded/failed/failed")}, want: []units.Unit{loaded(a)},
			changes: []string{"a.service none loaded->loaded"}},
		{name: "between tries", live: []units.Unit{a}, states: []UnitState{row(a, "n1", "loaded/activating/auto-restart")}, want: []units.Unit{a},
			changes: []string{"a.service none launched->launched"}},
		{name: "bad setting", live: []units.Unit{a}, states: []UnitState{row(a, "n1", "bad-setting/inactive/dead")}, want: []units.Unit{a},
			changes: []string{"a.service none launched->launched"}},
		{name: "oneshot done", live: []units.Unit{oneshot}, states: []UnitState{row(oneshot, "n1", "loaded/inactive/dead")}, want: []units.Unit{oneshot},
			changes: []string{"o.service none launched->launched"}},
		{name: "global failed on one machine", live: []units.Unit{global}, want: []units.Unit{global},
			states:  []UnitState{row(global, "n1", "loaded/failed/failed"), row(global, "n2", "loaded/active/running")},
			changes: []string{"g.service none launched->launched"}},
		{name: "global failed everywhere", live: []units.Unit{global}, want: []units.Unit{global},
			states:  []UnitState{row(global, "n1", "loaded/failed/failed"), row(global, "n2", "loaded/failed/failed")},
			changes: []string{"g.service restart launched->launched because it is loaded/failed/failed on n2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var list []Unit
			for _, u := range tt.live {
				list = append(list, live(u))
			}
			s := NewSnapshot([]Machine{{ID: "n1"}, {ID: "n2"}}, list, tt.states)
			changes, refusals := Diff(s, set(tt.want...), tt.options)
			var gotChanges, gotRefusals []string
			for _, c := range changes {
				gotChanges = append(gotChanges, changeLine(c))
			}
			for _, r := range refusals {
				gotRefusals = append(gotRefusals, r.Error())
			}
			if d := cmp.Diff(tt.changes, gotChanges); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.refusals, gotRefusals); d != "" {
				t.Errorf("refusals (-want +got):\n%s", d)
			}
		})
	}
}

func changeLine(c Change) string {
	words := []string{string(c.Unit), string(c.Action), string(c.From) + "->" + string(c.To)}
	for _, o := range c.Options {
		words = append(words, o.Section+"."+o.Name, "["+strings.Join(o.Old, " ")+"]->["+strings.Join(o.New, " ")+"]")
	}
	if c.Reordered {
		words = append(words, "reordered")
	}
	if c.Owner != "" {
		words = append(words, "from", c.Owner)
	}
	if c.Reason != "" {
		words = append(words, "because", c.Reason)
	}
	return strings.Join(words, " ")
}
