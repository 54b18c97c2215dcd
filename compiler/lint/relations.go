package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// requirements are the relations with which systemd refuses or stops a unit
// because of another; orders those that only have an effect on one machine.
var (
	requirements = []string{"Requires", "BindsTo", "Requisite", "RequiresOverridable"}
	orders       = []string{"After", "Before", "Wants", "Upholds", "PartOf"}
	// reactions name units that may well be the hosts' own, and are missed by nobody.
	reactions = []string{
		"OnFailure", "OnSuccess", "JoinsNamespaceOf", "PropagatesReloadTo", "ReloadPropagatedFrom", "PropagatesStopTo", "StopPropagatedFrom",
	}
)

// relations checks the raw relations of [Unit] against where the units can be.
func relations(c *checker, n *topology.Node) {
	s := n.Unit.Section("Unit")
	if s == nil {
		return
	}
	for _, d := range s.Directives {
		strong := slices.Contains(requirements, d.Name)
		if d.Name == "Conflicts" || slices.Contains(reactions, d.Name) {
			c.onlyNames(n, d)
		}
		if !strong && !slices.Contains(orders, d.Name) {
			continue
		}
		for _, v := range d.Values {
			for word := range strings.FieldsSeq(v.Source()) {
				c.relation(text{node: n, section: "Unit", directive: d.Name, value: v}, word, strong)
			}
		}
	}
}

// localAfter looks at what the compiler makes Wants= of.
func localAfter(c *checker, n *topology.Node) {
	for i, e := range n.Edges {
		if e.Local && e.To.Unit != nil && n.Unit.State == units.Launched && e.To.Unit.State == units.Loaded {
			c.add(startsLoaded(stack.Finding(diag.Warning, diag.NotLaunched, e.Word.Pos, fmt.Sprintf("%s.after[%d]", n.Path(), i),
				"%q is to be loaded only, and after makes systemd start it with %q: fleet goes on calling it loaded", e.To.Key, n.Key), n, e.To))
		}
	}
}

// notLaunched reports a relation of a launched unit to one beside it that fleet is
// not to launch: systemd starts it with the unit if it is loaded, which neither
// fleet nor a diff sees, and does not find it otherwise.
func (c *checker) notLaunched(x text, word string, other *topology.Node) {
	relation := units.Relation(x.directive)
	if x.node.Unit.State != units.Launched || other.Unit == nil || other == x.node {
		return
	}
	report := func(format string, args ...any) diag.Diagnostic {
		return x.report(diag.Warning, diag.NotLaunched, word, "%s=%s: %s", x.directive, word, fmt.Sprintf(format, args...))
	}
	switch state := other.Unit.State; {
	case state == units.Loaded && relation.Pulls():
		c.add(startsLoaded(report("%q is to be loaded only, and systemd starts it with %q: fleet goes on calling it loaded", other.Key, x.node.Key), x.node, other))
	case state == units.Inactive && relation.Needs():
		c.add(startsInactive(report("%q stays inactive, on no machine, so %q stays dead for ever", other.Key, x.node.Key), other))
	case state == units.Inactive && relation.Pulls():
		c.add(startsInactive(report("%q stays inactive, on no machine, so that systemd has nothing to start", other.Key), other))
	}
}

func startsLoaded(d diag.Diagnostic, n, other *topology.Node) diag.Diagnostic {
	return d.WithNote(other.Pos().Span, "declared here").
		WithHelp(fmt.Sprintf("leave state out of %q if %q is to start it; if something else is, do not name it here", other.Key, n.Key))
}

func startsInactive(d diag.Diagnostic, other *topology.Node) diag.Diagnostic {
	return d.WithNote(other.Pos().Span, "declared here").WithHelp(fmt.Sprintf("leave state out of %q, or do not name it here", other.Key))
}

// onlyNames looks at the names alone: it does no harm when such a unit is not there.
func (c *checker) onlyNames(n *topology.Node, d *stack.Directive) {
	for _, v := range d.Values {
		for word := range strings.FieldsSeq(v.Source()) {
			if _, err := units.ParseName(word); err != nil {
				c.nameless(text{node: n, section: "Unit", directive: d.Name, value: v}, word, err)
			}
		}
	}
}

func (c *checker) relation(x text, word string, strong bool) {
	other := c.t.ByName(units.Name(word))
	if other == nil {
		c.undeclared(x, word)
		return
	}
	local, why := c.t.Local(x.node, other)
	if local {
		c.notLaunched(x, word, other)
	}
	never, apart := c.apart(x.node, other)
	help := fmt.Sprintf("say after = [%q]: the compiler orders what it can and makes a waiter of the rest", other.Key)
	if x.directive == "Before" {
		help = fmt.Sprintf("say after = [%q] in %q: a waiter belongs to the one that waits", x.node.Key, other.Key)
	}
	switch {
	case local && strong:
		c.add(x.report(diag.Warning, diag.WeakRequires, word, "%s=%s: when %q fails once, %q stays dead for good, whatever its Restart=", x.directive, word, other.Key, x.node.Key).WithHelp(help))
	case local:
	case strong && apart:
		c.add(x.report(diag.Error, diag.CrossMachine, word, "%s=%s never holds: %s, so %q would stay dead for ever", x.directive, word, never, x.node.Key).
			WithNote(other.Pos().Span, "declared here").WithHelp(help))
	case strong:
		c.add(x.report(diag.Warning, diag.MaybeCrossMachine, word, "%s=%s can cross machines: %s, and then %q stays dead for ever", x.directive, word, why, x.node.Key).
			WithNote(other.Pos().Span, "declared here").WithHelp(help))
	default:
		c.add(x.report(diag.Warning, diag.MaybeCrossMachine, word, "%s=%s does nothing across machines: %s", x.directive, word, why).
			WithNote(other.Pos().Span, "declared here").WithHelp(help))
	}
}

// triggers checks that what a timer, path, socket or automount starts, and the
// sockets that a service takes over, are on its own machine: systemd refuses to
// start it where the other is not loaded.
func triggers(c *checker, n *topology.Node) {
	named := triggered(n)
	for _, x := range named {
		for word := range strings.FieldsSeq(x.source) {
			if other := c.t.ByName(units.Name(word)); other != nil {
				c.trigger(x, word, other)
			} else {
				c.undeclared(x, word)
			}
		}
	}
	if accept, _ := units.ParseBool(n.Unit.Value("Socket", "Accept")); accept && len(named) == 0 {
		c.accepts(n)
		return
	}
	target, ok := impliedTarget(n)
	if len(named) > 0 || !ok || mistyped(n.Unit, "Unit", "Service", "Accept") {
		return
	}
	other := c.t.ByName(target)
	if other == nil {
		c.add(unitFinding(diag.Error, diag.UndeclaredUnit, n, "%q starts %q, which neither the stack nor its hosts declare", n.Key, target).
			WithHelp(fmt.Sprintf("declare [unit.%q], or name another unit", target)))
		return
	}
	c.trigger(text{node: n, section: "Unit", value: stack.Text{Pos: n.Pos()}}, string(target), other)
}

// accepts checks a socket that starts an instance of a template for each
// connection: fleet puts no template on a machine (fleet v1.0.0 engine and agent
// know instances only), so the hosts must have it.
func (c *checker) accepts(n *topology.Node) {
	template := units.Name(n.Unit.Name.Base() + "@.service")
	if other := c.t.ByName(template); other != nil && other.Host != nil {
		return
	}
	c.add(unitFinding(diag.Error, diag.UndeclaredUnit, n, "with Accept=yes %q starts instances of %q, a template, and fleet puts none on a machine", n.Key, template).
		WithHelp(fmt.Sprintf("leave Accept out, or declare the template of the hosts: [host.%s] unit = %q", stack.Key(n.Unit.Name.Base()), template)))
}

// triggered returns the directives that name what a unit triggers or takes over.
func triggered(n *topology.Node) []text {
	section, directive := "", ""
	switch n.Unit.Name.Type() {
	case units.TypeService:
		section, directive = "Service", "Sockets"
	case units.TypeTimer:
		section, directive = "Timer", "Unit"
	case units.TypePath:
		section, directive = "Path", "Unit"
	case units.TypeSocket:
		section, directive = "Socket", "Service"
	}
	var list []text
	if d := n.Unit.Directive(section, directive); d != nil {
		for _, v := range d.Values {
			list = append(list, text{node: n, section: section, directive: directive, value: v, source: v.Source()})
		}
	}
	return list
}

// impliedTarget is the unit that a unit triggers by sharing its name.
func impliedTarget(n *topology.Node) (units.Name, bool) {
	name := n.Unit.Name
	switch name.Type() {
	case units.TypeTimer, units.TypePath, units.TypeSocket:
		return units.Name(name.Base() + ".service"), true
	case units.TypeAutomount:
		return units.Name(name.Base() + ".mount"), true
	}
	return "", false
}

func (c *checker) trigger(x text, word string, other *topology.Node) {
	local, why := c.t.Local(x.node, other)
	if local {
		if x.directive == string(units.Sockets) {
			c.notLaunched(x, word, other)
		}
		return
	}
	severity, code, reason := diag.Warning, diag.MaybeCrossMachine, why.String()
	if never, ok := c.apart(x.node, other); ok {
		severity, code, reason = diag.Error, diag.CrossMachine, never
	}
	c.add(x.report(severity, code, word, "%q needs %q beside it: %s", x.node.Key, other.Key, reason).
		WithNote(other.Pos().Span, "declared here").
		WithHelp(fmt.Sprintf("say machine_of = %q in %q", other.Key, x.node.Key)))
}

// apart reports whether two nodes are certainly never on one machine, and why.
func (c *checker) apart(a, b *topology.Node) (why string, ok bool) {
	for _, key := range a.Metadata().Keys() {
		values, others := a.Metadata()[key], b.Metadata()[key]
		if len(others) > 0 && !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(others, v) }) {
			return fmt.Sprintf("%q runs where %s=%s and %q where %s=%s", a.Key, key, strings.Join(values, "|"), b.Key, key, strings.Join(others, "|")), true
		}
	}
	if differentMachines(a.MachineID(), b.MachineID()) {
		return fmt.Sprintf("%q runs on machine %s and %q on %s", a.Key, a.MachineID(), b.Key, b.MachineID()), true
	}
	return fmt.Sprintf("%q is outside of the cluster", b.Key), b.External()
}

// differentMachines compares machine ids, each whole or by its first 8 characters.
func differentMachines(a, b string) bool {
	return a != "" && b != "" && !strings.HasPrefix(a, b) && !strings.HasPrefix(b, a)
}

// hostTypes are unit types of the hosts that need no declaration: every systemd has them.
var hostTypes = []units.Type{"target", "slice", "device", "mount", "swap"}

// undeclared reports a unit that neither the stack nor the hosts are known to have.
func (c *checker) undeclared(x text, word string) {
	name, err := units.ParseName(word)
	if err != nil {
		c.nameless(x, word, err)
		return
	}
	if slices.Contains(hostTypes, name.Type()) || strings.HasPrefix(word, "systemd-") || strings.Contains(word, "%") {
		return
	}
	c.add(stack.Suggest(x.report(diag.Error, diag.UndeclaredUnit, word, "%s=%s: neither the stack nor its hosts declare that unit", x.directive, word),
		word, c.names(), fmt.Sprintf("declare it: [host.%s] unit = %q; systemd says nothing when a wanted unit is not there", stack.Key(name.Base()), word)))
}

// nameless reports a word that is the name of no unit.
func (c *checker) nameless(x text, word string, err error) {
	if strings.ContainsAny(word, "%$") {
		return
	}
	d := x.report(diag.Error, diag.UnitName, word, "%s=%s names no unit: %s", x.directive, word, err)
	if full := units.Complete(word); full != word {
		if _, err := units.ParseName(full); err == nil {
			d = d.WithHelp(fmt.Sprintf("systemd adds no suffix here; write %q", full))
		}
	}
	c.add(d)
}

func (c *checker) names() []string {
	var names []string
	for _, n := range c.t.Nodes() {
		if n.Name() != "" {
			names = append(names, string(n.Name()))
		}
	}
	return names
}

// unusedDependencies: a unit that is waited for and then not talked to holds the
// start up for nothing. Only what has a port can be told so: a service without
// one may be needed in ways that do not show.
func unusedDependencies(c *checker, n *topology.Node) {
	if c.stray[n] {
		return // what it refers to is at fault
	}
	for i, e := range n.Edges {
		p := e.To.Port()
		if p.Value == 0 || e.Word.Hidden || c.unaskable(e) || unwaited(n, e) || e.To.Host != nil && e.To.Host.StandIn || e.To.Key == "etcd" && c.usesEtcd(n) || slices.Contains(n.Leaders, e.To) || c.mentions(n, e.To) {
			continue
		}
		c.add(stack.Finding(diag.Warning, diag.UnusedDependency, e.Word.Pos, fmt.Sprintf("%s.after[%d]", n.Path(), i), "%q waits for %q and nothing in it refers to that", n.Key, e.To.Key).
			WithHelp(fmt.Sprintf("leave it out, or use ${{ %s.address }} where its address is needed", e.To.Key)))
	}
}

// unwaited reports whether the edge needs a waiter in a unit that can have none,
// which is an error of its own.
func unwaited(n *topology.Node, e *topology.Edge) bool {
	return n.Unit != nil && n.Name().Type() != units.TypeService && (!e.Local || e.To.Ready() != nil)
}

// unaskable reports whether the edge gives no waiter, which is an error of its own.
func (c *checker) unaskable(e *topology.Edge) bool {
	r := e.To.Ready()
	if e.Local || r != nil && r.Broken {
		return false
	}
	a := c.t.AddressOf(e.From, e.To)
	return !a.Announced && (r == nil || r.Kind.Local() || a.Host == "")
}

// usesEtcd also knows etcd's own client, which finds it without being told.
func (c *checker) usesEtcd(n *topology.Node) bool {
	if len(n.Unit.Puts) > 0 {
		return true
	}
	client := false
	eachValue(n, func(_, _ string, v stack.Text) { client = client || strings.Contains(v.Source(), "etcdctl") })
	if client {
		return true
	}
	return slices.ContainsFunc(n.Edges, func(e *topology.Edge) bool {
		return e.To.Ready() != nil && e.To.Ready().Kind == stack.ReadyEtcd
	})
}

// mentions reports whether a unit's own text refers to another, by expression,
// name or port.
func (c *checker) mentions(n, to *topology.Node) bool {
	found := false
	port := fmt.Sprintf(":%d", to.Port().Value)
	look := func(t stack.Text) {
		if found {
			return
		}
		for _, r := range t.Refs() {
			found = found || c.t.Node(r.Subject) == to || c.t.ByName(units.Name(units.Complete(r.Subject))) == to
		}
		s := t.Source()
		found = found || strings.Contains(s, port) || to.Name() != "" && strings.Contains(s, string(to.Name()))
	}
	eachValue(n, func(_, _ string, v stack.Text) { look(v) })
	for _, d := range n.Unit.Downloads {
		look(d.URL)
	}
	for _, p := range n.Unit.Puts {
		look(p.Value)
	}
	if r := n.Unit.Ready; r != nil {
		look(r.Target)
	}
	return found
}
