package fleet

import (
	"fmt"
	"slices"

	"github.com/stackc/stackc/units"
)

// wake notes the units that systemd starts because u, which starts beside them, pulls
// them in: those that are to be loaded only, and those that end by themselves. fleet
// does not see it. Such a unit pulls in others in turn; one that runs on does not, for
// systemd drops its start and what hangs on that (transaction.c,
// transaction_drop_redundant).
func (d *dependents) wake(u *UnitPlan) {
	if d.unknown {
		return
	}
	e := d.plan.Effect(*u)
	d.wakeFrom(u, slices.Concat(e.Restarts, e.Starts), []units.Name{u.Unit})
}

// wakeFrom does that on some machines, for a unit that is pulled in by the path to it.
func (d *dependents) wakeFrom(u *UnitPlan, on []string, path []units.Name) {
	for _, edge := range d.edges[u.Unit] {
		other := d.unit(edge.Target)
		if other == nil || !edge.Relation.Pulls() || slices.Contains(path, edge.Target) {
			continue
		}
		said, there := "", both(on, other.Placement.Then)
		switch {
		case len(there) == 0:
		case other.To == units.Loaded:
			said = "is to be loaded only, and systemd starts it"
		case d.rests(other):
			said = "runs once more if it has ended: systemd starts it"
		}
		if said == "" {
			continue
		}
		w := Warning{Unit: other.Unit, Text: fmt.Sprintf("%s with %s, which names it in %s=", said, u.Unit, edge.Relation)}
		if !slices.Contains(d.plan.Warnings, w) {
			d.plan.Warnings = append(d.plan.Warnings, w)
		}
		d.wakeFrom(other, there, append(slices.Clone(path), edge.Target))
	}
}

// rests reports whether a unit that the plan leaves alone may have ended by itself.
func (d *dependents) rests(u *UnitPlan) bool {
	e := d.plan.Effect(*u)
	return u.To == units.Launched && len(e.Restarts)+len(e.Starts) == 0 && units.UpRule(u.Unit, u.options()).EndsInactive()
}
