package fleet

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// describe writes down what the plan does to each unit, in words.
func (d *dependents) describe() {
	for i := range d.plan.Units {
		u := &d.plan.Units[i]
		effects := d.plan.effects
		if d.unknown {
			effects = d.plan.unknownEffects
		}
		u.Consequences = append(u.Consequences, effects(u)...)
		if u.Temporary && u.Action != Delete && !u.Placement.Unplaceable() {
			u.Consequences = append(u.Consequences, "is there while "+extraOf(u.options())+" is rolled out, and is removed after that")
		}
		if u.Held != "" && u.Action != Restart {
			u.Consequences = append(u.Consequences, "is loaded first and launched after that: "+u.Held)
		}
		u.Consequences = append(u.Consequences, d.collateral(u)...)
		d.follow(u)
	}
	for i := range d.plan.Units {
		d.wake(&d.plan.Units[i])
	}
}

// follow notes a unit that the plan does not write and that fleet moves because of
// it: fleet unschedules a unit whose neighbour in MachineOf= has left, or that a
// new one conflicts with (fleet v1.0.0 agent/state.go AbleToRun).
func (d *dependents) follow(u *UnitPlan) {
	if d.unknown {
		d.followSomewhere(u)
		return
	}
	if u.Action.Writes() || u.To != units.Launched || d.plan.Empty() || u.Placement.Global || !u.Placement.Moves() {
		return
	}
	u.Follows, u.Settled = true, false
	text := fmt.Sprintf("moves too, from %s to %s%s", d.plan.list(u.Placement.Now), d.plan.list(u.Placement.Then), d.plan.choice(u))
	for _, refused := range u.Placement.Refused {
		if slices.Contains(u.Placement.Now, refused.Machine) {
			text += ": " + refused.Reason
		}
	}
	d.plan.Warnings = append(d.plan.Warnings, Warning{Unit: u.Unit, Text: text})
}

// followSomewhere is follow where no machine is known.
func (d *dependents) followSomewhere(u *UnitPlan) {
	if u.Action.Writes() || u.To != units.Launched || !u.Placement.Moves() {
		return
	}
	u.Follows, u.Settled = true, false
	d.plan.Warnings = append(d.plan.Warnings, Warning{Unit: u.Unit, Text: "moves too, with the unit whose machine it shares (MachineOf=)"})
}

// effects tells what happens to the unit itself.
func (p *Plan) effects(u *UnitPlan) []string {
	switch u.Action {
	case Create:
		return []string{p.arrival(u)}
	case Replace:
		return p.replacement(u)
	case SetState:
		return []string{p.transition(u)}
	case Restart:
		return []string{fmt.Sprintf("restarts %s%s: %s", p.on(u.Placement.Then), prediction(u), u.Reason)}
	case Adopt:
		return []string{fmt.Sprintf("is taken over from %s as it is, and runs on", owner(u.Owner))}
	case Delete:
		why := ""
		if u.Reason != "" {
			why = ": " + u.Reason
		}
		if len(u.Placement.Now) == 0 {
			return []string{"is removed" + why}
		}
		if u.From != units.Launched {
			return []string{p.departure(u) + " and is removed" + why}
		}
		return []string{"stops " + p.on(u.Placement.Now) + guess(u) + " and is removed" + why}
	case Orphan:
		return []string{"is not in the stack any more and stays; pruning removes it"}
	}
	return nil
}

func owner(stack string) string {
	if stack == "" {
		return "nobody"
	}
	return fmt.Sprintf("stack %q", stack)
}

// arrival tells of a unit that comes to a machine.
func (p *Plan) arrival(u *UnitPlan) string {
	verb := "starts"
	switch {
	case u.Placement.Idle:
		return "is stored, on no machine"
	case u.Placement.Unplaceable():
		return "no machine can run it"
	case u.To == units.Loaded:
		verb = "is loaded, not started,"
	}
	return verb + " " + p.on(u.Placement.Then) + p.choice(u)
}

// choice is prediction with the other machines that may have the unit, if they are few.
func (p *Plan) choice(u *UnitPlan) string {
	others := without(u.Placement.Maybe, u.Placement.Then)
	if len(others) == 0 || u.Placement.Global {
		return prediction(u)
	}
	said := fmt.Sprintf("or one of %d others", len(others))
	if len(others) < 4 {
		said = "or " + p.machineName(others[0])
		for _, id := range others[1:] {
			said += " or " + p.machineName(id)
		}
	}
	if u.Placement.MayWait {
		said += " or none"
	}
	return " (prediction, " + said + ")"
}

func prediction(u *UnitPlan) string {
	if u.Placement.Sure {
		return ""
	}
	if u.Placement.MayWait {
		return " (prediction, or on none)"
	}
	return " (prediction)"
}

// guess is prediction for a unit that will be on no machine: which one it leaves is
// known wherever a cluster was asked.
func guess(u *UnitPlan) string {
	if !u.Placement.Imagined {
		return ""
	}
	return " (prediction)"
}

// replacement tells of a unit that gets other options.
func (p *Plan) replacement(u *UnitPlan) []string {
	place := u.Placement
	was, is := u.From == units.Launched, u.To == units.Launched
	stays := both(place.Now, place.Then)
	switch {
	case place.Idle && len(place.Now) > 0:
		return []string{p.departure(u)}
	case place.Idle || place.Unplaceable() || len(place.Now) == 0 || is && !was:
		return []string{p.arrival(u)}
	case !is:
		return []string{p.reload(u)}
	case len(stays) == 0:
		return []string{fmt.Sprintf("moves from %s to %s%s%s", p.list(place.Now), p.list(place.Then), p.choice(u), because(u))}
	case place.Global:
		return p.globalReplacement(u, stays)
	}
	said := "restarts in place " + p.on(stays)
	if left := without(place.Now, stays); len(left) > 0 { // it was global
		said += " and stops " + p.on(left)
	}
	return append([]string{said + prediction(u)}, despite(u)...)
}

// departure tells of a unit that leaves its machines.
func (p *Plan) departure(u *UnitPlan) string {
	if u.From == units.Launched {
		return "stops and leaves " + p.list(u.Placement.Now) + guess(u)
	}
	return "leaves " + p.list(u.Placement.Now) + guess(u)
}

// reload tells of a unit that comes to be loaded, or is loaded and gets other
// options.
func (p *Plan) reload(u *UnitPlan) string {
	place := u.Placement
	said := "is loaded anew, not started, " + p.on(place.Then) + prediction(u)
	if u.From == units.Launched {
		said = "stops " + p.on(place.Now) + prediction(u) + " and stays loaded"
		if place.Moves() {
			said = fmt.Sprintf("stops %s and is loaded, not started, %s%s", p.on(place.Now), p.on(place.Then), prediction(u))
		}
	}
	return said
}

// because is the reason of a move, behind a colon.
func because(u *UnitPlan) string {
	if why := whyNot(*u); why != "" {
		return ": " + why
	}
	return ""
}

// despite tells of a restart that the change itself would not need.
func despite(u *UnitPlan) []string {
	switch {
	case u.Reordered:
		return []string{"the same lines stand in another order; fleet restarts it all the same"}
	case onlyIn(u.Options, units.FleetSection, ownerSection):
		return []string{"only where it may run changes; fleet restarts it all the same"}
	case onlyOrder(u.Options):
		return []string{"only its order changes, which counts when both start at one time; fleet restarts it all the same"}
	}
	return nil
}

func onlyOrder(changes []OptionChange) bool {
	return len(changes) > 0 && !slices.ContainsFunc(changes, func(c OptionChange) bool {
		return c.Section != "Unit" || c.Name != "After" && c.Name != "Before"
	})
}

// globalReplacement tells of a global unit, which fleet changes on all machines
// within a fraction of a second; stays are those that it runs on before and after.
func (p *Plan) globalReplacement(u *UnitPlan, stays []string) []string {
	place := u.Placement
	said := []string{"restarts in place " + p.on(stays)}
	if n := len(stays); n > 1 {
		said[0] = fmt.Sprintf("restarts in place on %d machines at once: %s", n, p.list(stays))
		if p.oneByOne(u.Unit) {
			said[0] = fmt.Sprintf("changes on %d machines, one after the other: %s", n, p.list(stays))
		}
	}
	if left := without(place.Now, place.Then); len(left) > 0 {
		said = append(said, "leaves "+p.list(left))
	}
	if added := without(place.Then, place.Now); len(added) > 0 {
		said = append(said, "starts newly "+p.on(added))
	}
	return append(said, despite(u)...)
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(some, id) })
}

func onlyIn(changes []OptionChange, sections ...string) bool {
	return len(changes) > 0 && !slices.ContainsFunc(changes, func(c OptionChange) bool { return !slices.Contains(sections, c.Section) })
}

// transition tells of a unit whose desired state alone changes.
func (p *Plan) transition(u *UnitPlan) string {
	switch {
	case u.To == units.Launched || u.From == units.Inactive:
		return p.arrival(u)
	case u.To == units.Loaded:
		return "stops " + p.on(u.Placement.Now) + prediction(u) + " and stays loaded"
	case len(u.Placement.Now) == 0:
		return "is stored, on no machine"
	}
	return p.departure(u)
}

// collateral tells what happens to other units of the cluster, which the plan does
// not put right: those of other stacks, and those that lean on a removed one.
func (d *dependents) collateral(u *UnitPlan) []string {
	removed := u.Action == Delete || u.Action == SetState && u.To != units.Launched
	if !placed(u) || !removed && u.Action != Replace && u.Action != Restart {
		return nil
	}
	var said []string
	for _, name := range d.leaning[u.Unit] {
		live, outside := d.others[name]
		if outside && live.Desired == units.Launched && slices.Contains(u.Placement.Now, live.Machine) {
			said = append(said, d.stops(u.Unit, name, d.owners[name]))
		}
		if other := d.unit(name); !outside && removed && other.To == units.Launched && meet(u, other) {
			said = append(said, d.stops(u.Unit, name, ""))
		}
	}
	return said
}

// stops tells that stopping name takes other with it.
func (d *dependents) stops(name, other units.Name, stack string) string {
	i := slices.IndexFunc(d.edges[other], func(e units.Edge) bool { return e.Target == name && e.Relation.Stops() })
	whose := ""
	if stack != "" && stack != d.plan.Stack {
		whose = fmt.Sprintf(" of stack %q", stack)
	}
	return fmt.Sprintf("takes down %s%s, which names it in %s= and is not started again", other, whose, d.edges[other][i].Relation)
}

// on writes machines as "on a and b".
func (p *Plan) on(ids []string) string { return "on " + p.list(ids) }

func (p *Plan) list(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = p.machineName(id)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// machineName writes a machine as fleetctl does, its short ID and its address.
func (p *Plan) machineName(id string) string {
	for _, m := range p.Machines {
		if m.ID == id && m.IP != "" {
			return m.Short() + "/" + m.IP
		}
	}
	return short(id)
}

// addressWarnings compares the constant addresses that units rely on with what the
// machines publish. Each machine publishes one address only, so that a mismatch
// is not an error.
func addressWarnings(s *Snapshot, set *units.Set) []Warning {
	var warnings []Warning
	if s.NoMachines {
		return nil
	}
	for _, a := range set.Addresses {
		if text := addressWarning(s, a); text != "" {
			warnings = append(warnings, Warning{Text: text})
		}
	}
	return warnings
}

func addressWarning(s *Snapshot, a units.Address) string {
	p := Plan{Machines: s.Machines}
	var match, have []string
	for _, m := range s.Machines {
		if !a.Metadata.Matches(m.Metadata) {
			continue
		}
		match = append(match, m.ID)
		if m.IP == a.Host {
			have = append(have, m.ID)
		}
	}
	switch {
	case len(match) == 0:
		return fmt.Sprintf("role %s has the address %s, and no machine has its metadata %s", a.Role, a.Host, a.Metadata)
	case len(match) > 1:
		return fmt.Sprintf("role %s has the one address %s, and %d machines have its metadata: %s; fleet may choose another than the address says",
			a.Role, a.Host, len(match), p.list(match))
	case len(have) == 0 && net.ParseIP(a.Host) != nil:
		return fmt.Sprintf("role %s has the address %s, and its machine publishes another: %s", a.Role, a.Host, p.list(match))
	}
	return ""
}
