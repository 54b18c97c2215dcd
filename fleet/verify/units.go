package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/expect"
)

// unit holds a unit of the cluster against its compiled form.
func (e *eye) unit(c expect.Check) {
	want, _ := e.set.Lookup(c.Unit)
	place, _ := units.ParsePlacement(want.Name, want.Options)
	u := e.plan[c.Unit]
	live, exists := e.Snapshot.Unit(c.Unit)
	r := Result{Expected: fmt.Sprintf("%s%s, content %s", want.Desired, whereTo(place), units.ShortHash(units.Hash(want.Options)))}
	strays := e.strays(c.Unit, place)
	switch {
	case !exists:
		r.Seen, r.Help = "fleet does not have it", "stackc submit brings it"
	case u.OldHash != u.NewHash:
		r.Seen, r.Help = "content "+units.ShortHash(live.Hash), "stackc diff shows what is different, stackc submit brings it"
	case live.Desired != want.Desired:
		r.Seen, r.Help = "fleet was asked for "+string(live.Desired), "stackc submit asks for what the file says"
	case len(strays) > 0:
		r.Seen, r.Help = e.standing(c.Unit, live, u), "it does not belong on "+strings.Join(strays, ", ")+": stackc why "+string(c.Unit)+" tells where fleet may have it"
	case !u.Settled:
		r.Seen, r.Help = e.standing(c.Unit, live, u), "stackc why "+string(c.Unit)+" tells more"
	default:
		r.Result, r.Seen = Holds, e.standing(c.Unit, live, u)
		e.tell(c, r)
		return
	}
	r.Result = Fails
	e.tell(c, r)
}

// whereTo is a placement in words, with a blank before them.
func whereTo(p units.Placement) string {
	var b strings.Builder
	if p.Global {
		b.WriteString(" on every machine")
	}
	if len(p.Metadata) > 0 {
		b.WriteString(" with " + p.Metadata.String())
	}
	if len(p.MachineOf) > 0 {
		b.WriteString(" beside " + strings.Join(p.MachineOf, ", "))
	}
	if p.MachineID != "" {
		b.WriteString(" on " + fleet.Machine{ID: p.MachineID}.Short())
	}
	return b.String()
}

// strays are the machines that have a unit and are not where it belongs. Machines
// can have changed their metadata since fleet placed it.
func (e *eye) strays(name units.Name, place units.Placement) []string {
	var list []string
	for _, row := range e.Snapshot.StatesOf(name) {
		m, _ := e.Snapshot.Machine(row.Machine)
		right := place.Metadata.Matches(m.Metadata) && strings.HasPrefix(m.ID, place.MachineID)
		for _, leader := range place.MachineOf {
			there := e.Snapshot.StatesOf(units.Name(leader))
			right = right && (len(there) == 0 || slices.ContainsFunc(there, func(r fleet.UnitState) bool { return r.Machine == m.ID }))
		}
		if !right {
			list = append(list, e.label(m.ID))
		}
	}
	return list
}

// standing says how a unit is, condition by condition: "up on a, b; failed on c".
func (e *eye) standing(name units.Name, live fleet.Unit, u fleet.UnitPlan) string {
	by := map[fleet.Condition][]string{}
	rows := e.Snapshot.StatesOf(name)
	for _, row := range rows {
		state := e.Snapshot.Condition(name, row)
		by[state] = append(by[state], row.Machine)
	}
	silent := e.Snapshot.Condition(name, fleet.UnitState{})
	if u.Placement.Global {
		for _, id := range u.Placement.Now {
			if !slices.ContainsFunc(rows, func(r fleet.UnitState) bool { return r.Machine == id }) {
				by[silent] = append(by[silent], id)
			}
		}
	}
	if len(by) == 0 && live.Machine != "" {
		by[silent] = []string{live.Machine}
	}
	if len(by) == 0 {
		if u.Placement.Global {
			return "no machine for it"
		}
		return string(silent)
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, string(state)+" on "+e.labels(by[state]))
	}
	return strings.Join(parts, "; ")
}
