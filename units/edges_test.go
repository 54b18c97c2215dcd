package units_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

func TestEdges(t *testing.T) {
	tests := []struct {
		name string
		unit units.Name
		in   []string
		want []units.Edge
	}{
		{"none", "a.service", []string{"Unit.Description=After", "Service.After=b.service"}, nil},
		{"list", "a.service", []string{"Unit.After=b.service  c.target", "Unit.Wants=b.service"}, []units.Edge{
			{Index: 0, Relation: units.After, Target: "b.service"}, {Index: 0, Relation: units.After, Target: "c.target"}, {Index: 1, Relation: units.Wants, Target: "b.service"}}},
		{"an empty assignment resets nothing", "a.service", []string{"Unit.Requires=b.service", "Unit.Requires="}, []units.Edge{{Index: 0, Relation: units.Requires, Target: "b.service"}}},
		{"all of [Unit]", "a.service", []string{"Unit.Before=b", "Unit.Requisite=b", "Unit.BindsTo=b", "Unit.PartOf=b", "Unit.Upholds=b", "Unit.Conflicts=b", "Unit.OnFailure=b", "Unit.OnSuccess=b"}, []units.Edge{
			{Index: 0, Relation: units.Before, Target: "b"}, {Index: 1, Relation: units.Requisite, Target: "b"}, {Index: 2, Relation: units.BindsTo, Target: "b"},
			{Index: 3, Relation: units.PartOf, Target: "b"}, {Index: 4, Relation: units.Upholds, Target: "b"}, {Index: 5, Relation: units.Conflicts, Target: "b"},
			{Index: 6, Relation: units.OnFailure, Target: "b"}, {Index: 7, Relation: units.OnSuccess, Target: "b"}}},
		{"old words", "a.service", []string{"Unit.BindTo=b", "Unit.RequiresOverridable=b", "Unit.RequisiteOverridable=b"}, []units.Edge{
			{Index: 0, Relation: units.BindsTo, Target: "b"}, {Index: 1, Relation: units.Requires, Target: "b"}, {Index: 2, Relation: units.Requisite, Target: "b"}}},
		{"specifiers", "x-web@1.service", []string{"Unit.After=db@%i.service %p.socket %H.service %j.target"}, []units.Edge{
			{Index: 0, Relation: units.After, Target: "db@1.service"}, {Index: 0, Relation: units.After, Target: "x-web.socket"}, {Index: 0, Relation: units.After, Target: "web.target"}}},
		{"sockets", "a.service", []string{"Service.Sockets=b.socket"}, []units.Edge{{Index: 0, Relation: units.Sockets, Target: "b.socket"}}},
		{"timer", "a.timer", []string{"Timer.OnCalendar=daily"}, []units.Edge{{Index: -1, Relation: units.Triggers, Target: "a.service"}}},
		{"timer of another", "a.timer", []string{"Timer.Unit=b.service"}, []units.Edge{{Index: 0, Relation: units.Triggers, Target: "b.service"}}},
		{"timer of one that only the machine knows", "a.timer", []string{"Timer.Unit=%H.service"}, nil},
		{"path", "a@1.path", nil, []units.Edge{{Index: -1, Relation: units.Triggers, Target: "a@1.service"}}},
		{"socket", "a.socket", nil, []units.Edge{{Index: -1, Relation: units.Triggers, Target: "a.service"}}},
		{"accepting socket", "a.socket", []string{"Socket.Accept=yes"}, []units.Edge{{Index: -1, Relation: units.Triggers, Target: "a@.service"}}},
		{"socket of another", "a.socket", []string{"Socket.Service=b.service"}, []units.Edge{{Index: 0, Relation: units.Triggers, Target: "b.service"}}},
		{"automount", "a.automount", nil, []units.Edge{{Index: -1, Relation: units.Triggers, Target: "a.mount"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, units.Edges(tt.unit, opts(tt.in...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRelation(t *testing.T) {
	type nature struct{ Pulls, Needs, Orders, Stops bool }
	want := map[units.Relation]nature{
		units.After:     {Orders: true},
		units.Before:    {Orders: true},
		units.Wants:     {Pulls: true},
		units.Upholds:   {Pulls: true},
		units.Sockets:   {Pulls: true},
		units.Requires:  {Pulls: true, Needs: true, Stops: true},
		units.BindsTo:   {Pulls: true, Needs: true, Stops: true},
		units.Requisite: {Needs: true, Stops: true},
		units.PartOf:    {Stops: true},
		units.Conflicts: {},
		units.OnFailure: {},
		units.Triggers:  {},
	}
	for r, n := range want {
		if got := (nature{r.Pulls(), r.Needs(), r.Orders(), r.Stops()}); got != n {
			t.Errorf("%s: %+v, want %+v", r, got, n)
		}
	}
}
