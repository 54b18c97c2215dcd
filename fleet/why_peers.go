package fleet

import (
	"slices"

	"github.com/stackc/stackc/units"
)

// peers lists the units that it leans on or waits for.
func (w *why) peers() {
	where, _ := units.ParsePlacement(w.live.Name, w.live.Options)
	for _, name := range where.MachineOf {
		w.peer(Peer{Unit: units.Name(name), By: "MachineOf"})
	}
	for _, edge := range units.Edges(w.live.Name, w.live.Options) {
		if edge.Relation != units.Before && edge.Relation != units.Conflicts && edge.Relation != units.OnFailure && edge.Relation != units.OnSuccess {
			w.peer(Peer{Unit: edge.Target, By: string(edge.Relation)})
		}
	}
	if w.want == nil {
		return
	}
	for _, wait := range w.want.Waits {
		w.peer(Peer{Unit: wait.Unit, By: "waits for", Probe: wait.Probe})
	}
}

// peer looks at another unit and at what about it is wrong.
func (w *why) peer(p Peer) {
	live, exists := w.snapshot.Unit(p.Unit)
	if exists {
		p.State = w.conditionOf(p.Unit)
		p.Machines = w.machinesOf(live)
	}
	needs := units.Relation(p.By).Needs()
	together := slices.ContainsFunc(w.now, func(id string) bool { return slices.Contains(p.Machines, id) })
	switch {
	case p.By == "MachineOf" && !exists:
		p.Wrong = "it is not in the cluster"
	case p.By == "MachineOf" && live.Desired == units.Inactive:
		p.Wrong = "it is inactive, and so on no machine"
	case needs && exists && len(w.now) > 0 && !together:
		p.Wrong = "it is not on that machine, and systemd does not start the unit without it"
	case needs && exists && live.Desired == units.Inactive:
		p.Wrong = "it is inactive, and systemd does not start the unit without it"
	case p.By == "waits for" && exists && !p.State.good():
		p.Wrong = "it is " + string(p.State)
	case p.By == "waits for" && p.Unit != "" && !exists && w.inStack(p.Unit):
		p.Wrong = "it is not in the cluster"
	}
	w.d.Peers = append(w.d.Peers, p)
}

// inStack reports whether a unit that is waited for is one of the file, and not of the
// hosts.
func (w *why) inStack(name units.Name) bool {
	_, ok := w.set.Lookup(name)
	return ok
}

// conditionOf is how a unit is where it is worst.
func (w *why) conditionOf(name units.Name) Condition {
	rows := w.snapshot.StatesOf(name)
	worst := w.snapshot.Condition(name, UnitState{})
	for i, row := range rows {
		if c := w.snapshot.Condition(name, row); i == 0 || !c.good() {
			worst = c
		}
	}
	return worst
}

func (w *why) machinesOf(u Unit) []string {
	var ids []string
	for _, row := range w.snapshot.StatesOf(u.Name) {
		ids = append(ids, row.Machine)
	}
	if _, alive := w.snapshot.Machine(u.Machine); alive && !slices.Contains(ids, u.Machine) {
		ids = append(ids, u.Machine)
	}
	return ids
}
