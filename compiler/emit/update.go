package emit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// updateOf is how a change of the unit is rolled out, nil when the stack does not say.
func updateOf(u *stack.Unit) *units.Update {
	if u.Update == nil || u.Update.Broken {
		return nil
	}
	said := u.Update
	update := &units.Update{HealthyFor: int(said.HealthyFor.Milliseconds()), OnFailure: units.StopOnFailure, OneMachine: said.OneMachine.Set}
	if said.OnFailure.Value != "" {
		update.OnFailure = units.AfterFailure(said.OnFailure.Value)
	}
	if u.Counted() {
		update.MaxUnavailable, update.MaxExtra, update.First = said.Unavailable(), said.Extra(), said.First.Value
	}
	return update
}

// spares compiles the further instances that a rollout may run while it lasts.
// They carry a mark by which a run that finds them knows that nobody wants them.
func (e *emitter) spares(n *topology.Node) []units.Unit {
	update := updateOf(n.Unit)
	if update == nil || update.MaxExtra == 0 || n.Unit.Count.Value == 0 {
		return nil
	}
	aside := &emitter{t: e.t, origins: Origins{}, addresses: e.addresses} // what is wrong with them is wrong with all instances
	var list []units.Unit
	for i := range update.MaxExtra {
		spare := aside.instance(n, strconv.Itoa(n.Unit.Count.Value+i+1))
		if !e.t.Stack.Mark {
			spare.Options = append(spare.Options, units.Option{Section: units.MarkSection, Name: units.MarkStack, Value: e.t.Stack.Name})
		}
		spare.Options = append(spare.Options, units.Option{Section: units.MarkSection, Name: units.MarkExtra, Value: n.Key})
		list = append(list, spare)
	}
	return list
}

// checkUpdate holds an update against the unit that it is about.
func (e *emitter) checkUpdate(n *topology.Node) {
	u := n.Unit.Update
	if u == nil || u.Broken {
		return
	}
	c := updateCheck{emitter: e, node: n, update: u}
	switch {
	case n.Unit.Counted():
		c.counted()
	default:
		c.uncounted()
	}
	if u.OneMachine.Set {
		c.oneMachine()
	}
}

// updateCheck finds what is wrong with one update.
type updateCheck struct {
	*emitter
	node   *topology.Node
	update *stack.Update
}

func (c updateCheck) problem(code diag.Code, pos stack.Pos, key, format string, args ...any) diag.Diagnostic {
	return stack.Finding(diag.Error, code, pos, c.node.Path()+".update."+key, format, args...)
}

// instances are the words that are about instances, with where they are said.
func (c updateCheck) instances() map[string]stack.Pos {
	said := map[string]stack.Pos{}
	for name, n := range map[string]stack.Int{"max_unavailable": c.update.MaxUnavailable, "max_extra": c.update.MaxExtra, "first": c.update.First} {
		if n.Given() {
			said[name] = n.Pos
		}
	}
	if c.update.Order.Value != "" {
		said["order"] = c.update.Order.Pos
	}
	return said
}

// uncounted refuses what only a unit with several instances can do.
func (c updateCheck) uncounted() {
	said := c.instances()
	for _, key := range []string{"max_unavailable", "max_extra", "order", "first"} {
		pos, ok := said[key]
		if !ok {
			continue
		}
		d := c.problem(diag.BadValue, pos, key, "%s is about instances, and %q has no count", key, c.node.Key)
		switch {
		case c.node.Unit.Global.Set && !c.update.OneMachine.Set:
			d = d.WithNote(c.node.Unit.Global.Pos.Span, "it is global").WithHelp("fleet changes a global unit on all machines at once; one_machine_at_a_time = true changes it on one after the other")
		default:
			d = d.WithHelp("add count = N to the unit, or leave " + key + " out")
		}
		c.add(d)
	}
}

// counted checks the numbers of a unit with instances.
func (c updateCheck) counted() {
	u, count := c.update, c.node.Unit.Count
	atOnce := func(d diag.Diagnostic) { c.add(d.WithNote(count.Pos.Span, "counted here")) }
	if u.MaxUnavailable.Given() && u.MaxUnavailable.Value == 0 && u.Extra() == 0 {
		c.add(c.problem(diag.BadValue, u.MaxUnavailable.Pos, "max_unavailable", "no instance may be down and none may be started beside them, so that none can ever be changed").
			WithHelp(`write max_unavailable = 1, or order = "start-first"`))
	}
	if count.Value == 0 {
		return
	}
	if u.MaxUnavailable.Value >= count.Value {
		d := c.problem(diag.BadValue, u.MaxUnavailable.Pos, "max_unavailable", "%d of %d instances may be down at a time, and none would be left", u.MaxUnavailable.Value, count.Value)
		if count.Value > 1 {
			d = d.WithHelp("write at most max_unavailable = " + strconv.Itoa(count.Value-1) + "; without update all change at once")
		} else {
			d = d.WithHelp(`write order = "start-first", or leave max_unavailable out`)
		}
		atOnce(d)
	}
	if u.First.Value > count.Value {
		atOnce(c.problem(diag.BadValue, u.First.Pos, "first", "%d instances are to be changed first, and there are %d", u.First.Value, count.Value).
			WithHelp("write at most first = " + strconv.Itoa(count.Value)))
	}
	c.growth()
}

// growth finds what leaves no machine for a further instance, whatever machines
// there are. What the machines of a cluster leave is found by a plan.
func (c updateCheck) growth() {
	if c.update.Extra() == 0 {
		return
	}
	key, pos := "max_extra", c.update.MaxExtra.Pos
	if !c.update.MaxExtra.Given() {
		key, pos = "order", c.update.Order.Pos
	}
	for i, leader := range c.node.Leaders {
		if leader.Unit != nil && leader.Unit.Counted() {
			c.add(c.problem(diag.Unplaceable, pos, key, "a further instance of %q would belong beside one of %q that is not there", c.node.Key, leader.Key).
				WithNote(c.node.LeaderWords[i].Pos.Span, "each instance goes beside its own").
				WithHelp("write max_unavailable = 1 in place of it"))
		}
	}
}

// oneMachine checks that the unit can be changed machine by machine: fleet
// changes what is not global on one machine anyway, and a stand-in is a service.
func (c updateCheck) oneMachine() {
	pos := c.update.OneMachine.Pos
	switch {
	case !c.node.Unit.Global.Set:
		c.add(c.problem(diag.BadValue, pos, "one_machine_at_a_time", "%q is not global: each of its instances is on one machine", c.node.Key).
			WithHelp("leave it out; max_unavailable says how many instances of a unit with count change at a time"))
	case c.node.Name().Type() != units.TypeService:
		c.add(c.problem(diag.BadValue, pos, "one_machine_at_a_time", "a stand-in runs in place of the unit meanwhile, and only a service can have one, not a %s", c.node.Name().Type()).
			WithHelp("leave it out: all machines change at once"))
	default:
		c.leaning()
	}
}

// leaning refuses units that systemd stops along with one that changes machine by
// machine: fleet would start them again on all machines at once, or not at all.
func (c updateCheck) leaning() {
	for _, n := range c.t.Nodes() {
		if n.Unit == nil || n == c.node {
			continue
		}
		for _, relation := range []string{"Requires", "BindsTo", "PartOf", "Requisite"} {
			d := n.Unit.Directive("Unit", relation)
			if d == nil || !slices.ContainsFunc(d.Values, func(v stack.Text) bool { return slices.Contains(strings.Fields(v.Source()), string(c.node.Name())) }) {
				continue
			}
			c.add(c.problem(diag.BadValue, c.update.OneMachine.Pos, "one_machine_at_a_time", "%q stops with %q, and fleet cannot start it again on one machine", n.Key, c.node.Key).
				WithNote(d.Pos.Span, relation+"= stops it").WithHelp("name it in after = [...], or leave one_machine_at_a_time out"))
		}
	}
}
