package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// target is what has to be seen of a unit before it is as it should be.
type target struct {
	unit    units.Name
	hash    string
	desired units.State
	rule    units.Readiness
	where   units.Placement
	// refused are machines that match but cannot have the unit, a conflict for
	// example; those of a global unit are not waited for.
	refused []string
	waits   []PlanWait
	// after are the units that systemd starts before it on the same machine.
	after []units.Name
}

func newTarget(u UnitPlan) target {
	options := u.options()
	if u.Action == Delete {
		options = u.old()
	}
	where, _ := units.ParsePlacement(u.Unit, options)
	t := target{unit: u.Unit, hash: u.NewHash, desired: u.To, rule: units.UpRule(u.Unit, options), where: where, waits: u.Waits}
	for _, r := range u.Placement.Refused {
		t.refused = append(t.refused, r.Machine)
	}
	for _, e := range units.Edges(u.Unit, options) {
		if e.Relation == units.After {
			t.after = append(t.after, e.Target)
		}
	}
	return t
}

// sight is one look at a unit.
type sight struct {
	// verdict is the best there is of a unit that runs on one machine, and the
	// worst of a global one.
	verdict units.Verdict
	// row is the one that the verdict is about; empty when there is none.
	row UnitState
	// rows are all rows of machines that are alive, by machine.
	rows []UnitState
	// missing are the machines on which a global unit is expected and not seen.
	missing []string
	// stale says that only rows of an older content were seen.
	stale bool
}

// seen reports whether a row with the wanted content is there.
func (s sight) seen() bool { return s.row != UnitState{} }

// look judges what a snapshot's machines report of the unit.
func (t target) look(s *Snapshot) sight {
	rows := s.StatesOf(t.unit)
	if t.where.Global {
		return t.lookEverywhere(s, rows)
	}
	best := sight{rows: rows}
	for _, row := range rows {
		if row.Hash != t.hash {
			best.stale = true
			continue
		}
		verdict := t.judge(row)
		if !best.seen() || rank(verdict) > rank(best.verdict) {
			best.verdict, best.row = verdict, row
		}
	}
	best.stale = best.stale && !best.seen()
	return best
}

// lookEverywhere wants a row of every machine that matches.
func (t target) lookEverywhere(s *Snapshot, rows []UnitState) sight {
	worst := sight{rows: rows, verdict: units.Up}
	for _, m := range s.Machines {
		if !t.where.Metadata.Matches(m.Metadata) || slices.Contains(t.refused, m.ID) {
			continue
		}
		i := slices.IndexFunc(rows, func(r UnitState) bool { return r.Machine == m.ID })
		if i < 0 || rows[i].Hash != t.hash {
			worst.missing = append(worst.missing, m.ID)
			worst.stale = worst.stale || i >= 0
			continue
		}
		if verdict := t.judge(rows[i]); !worst.seen() || graver(verdict, worst.verdict) {
			worst.verdict, worst.row = verdict, rows[i]
		}
	}
	if len(worst.missing) > 0 && !worst.verdict.Final() || !worst.seen() {
		worst.verdict = units.Down
	}
	return worst
}

// judge is the unit's own rule; of a unit that is only to be loaded it asks no
// more than that.
func (t target) judge(row UnitState) units.Verdict {
	verdict := t.rule.Judge(row.Load, row.Active, row.Sub)
	switch {
	case t.desired != units.Loaded || verdict == units.Unloadable:
		return verdict
	case row.Load == "loaded":
		return units.Up
	}
	return units.Down
}

// rank orders verdicts by how near they are to being up.
func rank(v units.Verdict) int {
	order := []units.Verdict{units.Unloadable, units.Failed, units.Down, units.Restarting, units.Starting, units.Waiting, units.Ended, units.Up}
	return slices.Index(order, v)
}

// graver orders what is worse for a unit on several machines: final faults first.
func graver(a, b units.Verdict) bool { return rank(a) < rank(b) }

// settled reports whether the snapshot alone shows that nothing is to be waited
// for.
func (t target) settled(s *Snapshot) bool {
	switch t.desired {
	case "", units.Inactive:
		return true
	}
	verdict := t.look(s).verdict
	return verdict == units.Up || verdict == units.Ended
}

// missing words what is waited for: "waits for etcd (http://…) on n1". up tells
// which units are up.
func (t target) missingText(p *Plan, s sight, up func(units.Name) bool, first units.Name) string {
	where := ""
	if s.seen() {
		where = " " + p.on([]string{s.row.Machine})
	}
	switch {
	case s.stale:
		return "its old version is still there"
	case !s.seen() && t.where.Global:
		return "not there yet " + p.on(s.missing)
	case !s.seen():
		return "not on a machine yet"
	}
	switch s.verdict {
	case units.Waiting:
		return "waits for " + waitText(t.waitingFor(up)) + where
	case units.Starting:
		return "starting" + where
	case units.Restarting:
		return "failed and tries again" + where
	case units.Ended:
		return "done or not begun" + where
	case units.Down:
		if len(s.missing) > 0 {
			return "not there yet " + p.on(s.missing)
		}
		if first != "" {
			return "is queued behind " + string(first) + where
		}
	case units.Up:
		if t.desired == units.Loaded {
			return "loaded" + where + ", not for long yet"
		}
		return "up" + where + ", not for long yet"
	}
	return fmt.Sprintf("is %s%s", s.row, where)
}

// waitingFor guesses which of its waiters a unit in start-pre sits in: the first
// whose unit is not up itself, or else any.
func (t target) waitingFor(up func(units.Name) bool) []PlanWait {
	for _, w := range t.waits {
		if w.Unit != "" && !up(w.Unit) {
			return []PlanWait{w}
		}
	}
	return t.waits
}

func waitText(waits []PlanWait) string {
	if len(waits) == 0 {
		return "a command before its start (start-pre)"
	}
	words := make([]string, len(waits))
	for i, w := range waits {
		words[i] = w.Subject
		if w.Probe != "" {
			words[i] += " (" + w.Probe + ")"
		}
	}
	return strings.Join(words, " or ")
}
