package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stackc/stackc/units"
)

// unseenFor is after how long a unit that no machine reports is looked into. First
// rows come after 1.5 to 4 seconds, or some more when many units start at once.
const unseenFor = 20 * time.Second

// unseenAfterMove is that time for a unit that has moved: its row has been seen to
// be away for 20 to 40 seconds.
const unseenAfterMove = time.Minute

// movedTo reports whether the unit was on other machines when the run began.
func (t *track) movedTo(machine string) bool {
	now := t.plan.Placement.Now
	return machine != "" && len(now) > 0 && !slices.Contains(now, machine)
}

// warn tells a remark.
func (r *run) warn(unit units.Name, text string) {
	r.tell(Warned{Warning: Warning{Unit: unit, Text: text}})
}

// missMachines tells of machines that have gone since the last look.
func (r *run) missMachines(now []Machine) {
	for _, m := range r.machines {
		if !slices.ContainsFunc(now, func(n Machine) bool { return n.ID == m.ID }) {
			r.warn("", fmt.Sprintf("machine %s is gone; fleet starts its units elsewhere where it can", r.plan.machineName(m.ID)))
		}
	}
}

// hint asks fleet, once for each, where it has units that no machine reports. A
// unit that cannot be loaded ends its agent's pass, and the units after it are
// then not loaded either, without a word.
func (r *run) hint(ctx context.Context, now time.Time) error {
	var names []units.Name
	for _, t := range r.tracks {
		unseen := t.result == NotReached && t.desired != "" && !t.sight.seen() && !t.hinted && !t.watched.IsZero()
		if unseen && !t.idle() && now.Sub(t.watched) >= unseenFor && now.Sub(t.asked) >= unseenFor && len(names) < inFlight {
			t.asked = now
			names = append(names, t.unit)
		}
	}
	list, err := fetch(ctx, r.client, names)
	if err != nil {
		return err
	}
	there := NewSnapshot(nil, list, nil)
	for _, name := range names {
		if text := r.hintText(there, name); text != "" {
			r.byName[name].hinted = true
			r.warn(name, text)
		}
	}
	return nil
}

// hintText tells why a unit is seen on no machine, or "" when it is too early to
// say: after a move the row may be late, and then fleet calls the unit inactive
// although it runs (fleet v1.0.0 registry/job_state.go goes by the row).
func (r *run) hintText(there *Snapshot, name units.Name) string {
	t := r.byName[name]
	live, exists := there.Unit(name)
	switch {
	case !exists:
		return "fleet does not have the unit any more: somebody has removed it"
	case live.Hash != t.hash:
		return "fleet has other content for the unit by now: somebody else has written it"
	case live.Desired != t.desired:
		return fmt.Sprintf("the unit's desired state is %s by now, not %s: somebody else has written it", live.Desired, t.desired)
	case t.movedTo(live.Machine) && time.Since(t.watched) < unseenAfterMove:
		return ""
	case t.where.Global || live.Machine != "":
		return fmt.Sprintf("%s not loaded it in %v; a unit that cannot be loaded blocks all others of its machine",
			r.holder(t, live), unseenFor)
	}
	return fmt.Sprintf("fleet has found no machine for it in %v", unseenFor)
}

// holder names the machines that should report a unit, with their verb.
func (r *run) holder(t *track, live Unit) string {
	ids := []string{live.Machine}
	if t.where.Global {
		ids = t.sight.missing
	}
	if len(ids) > 1 {
		return r.plan.list(ids) + " have"
	}
	return r.plan.list(ids) + " has"
}
