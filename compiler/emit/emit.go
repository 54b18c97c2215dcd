// Package emit writes the units of a stack: systemd's own words as they stand
// in the stack file, and around them the placement, the ordering and the waiters
// that the topology asks for. It remembers for every line where it comes from.
package emit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// Origin says where one line of a compiled unit comes from.
type Origin struct {
	Pos stack.Pos
	// Rule says why the line is there, "" for a line that the stack file has itself.
	Rule string
	// Why gives the reason of an edge's line, nil for other lines.
	Why *topology.Reason

	unit string // logical path of the unit
	key  string // and of what in it gave the line, "" for its own directive
}

// Path returns the logical place that gave the line o belongs to:
// "unit.web.Service.ExecStart", "unit.web.after[0]".
func (o Origin) Path(line units.Option) string {
	if o.key == "" {
		return o.unit + "." + line.Section + "." + line.Name
	}
	return o.unit + "." + o.key
}

// Origins holds, for each unit, one Origin for each of its options, in their order.
type Origins map[units.Name][]Origin

// Units compiles every unit of the stack.
func Units(t *topology.Topology) (*units.Set, Origins, diag.List) {
	e := &emitter{t: t, origins: Origins{}, addresses: map[string]units.Address{}}
	var list, spares []units.Unit
	for _, n := range t.Nodes() {
		if n.Unit != nil && n.Unit.Name != "" && t.ByName(n.Name()) == n {
			list = append(list, e.unit(n)...)
			spares = append(spares, e.spares(n)...)
		}
	}
	return units.NewSet(t.Stack.Name, list, e.sortedAddresses()...).WithSpares(spares), e.origins, e.findings
}

type emitter struct {
	t         *topology.Topology
	origins   Origins
	addresses map[string]units.Address
	findings  diag.List
}

func (e *emitter) add(d ...diag.Diagnostic) { e.findings.Add(d...) }

// unit compiles the one unit of a node, or its instances.
func (e *emitter) unit(n *topology.Node) []units.Unit {
	e.checkUpdate(n)
	if n.Unit.Counted() && n.Unit.Count.Value == 0 {
		e.check(n)
	}
	names := instances(n.Unit)
	list := make([]units.Unit, 0, len(names))
	for _, name := range names {
		list = append(list, e.instance(n, name))
	}
	return list
}

// instances are the instances of a unit: "1" and on of a counted one, "" for the
// one unit that any other is.
func instances(u *stack.Unit) []string {
	if !u.Counted() {
		return []string{""}
	}
	list := make([]string, u.Count.Value)
	for i := range list {
		list[i] = strconv.Itoa(i + 1)
	}
	return list
}

// check finds what is wrong with a unit that has no instance for now.
func (e *emitter) check(n *topology.Node) {
	aside := &emitter{t: e.t, origins: Origins{}, addresses: map[string]units.Address{}}
	aside.instance(n, "1")
	e.add(aside.findings...)
}

// instance compiles one unit; instance is "" for a unit without count.
func (e *emitter) instance(n *topology.Node, instance string) units.Unit {
	w := &writer{emitter: e, node: n, unit: n.Unit, instance: instance, name: nameOf(n, instance), place: n.Path()}
	lines := w.estimate()
	w.options, w.from = make([]units.Option, 0, lines), make([]Origin, 0, lines)
	if n.Unit.Verbatim != nil {
		w.verbatim()
	} else {
		w.compiled()
	}
	e.origins[w.name] = w.from
	u := units.Unit{Name: w.name, Options: w.options, Desired: n.Unit.State, Waits: w.waits, Update: updateOf(n.Unit)}
	if instance != "" {
		u.Group = n.Key
	}
	return u
}

// verbatim writes a unit as its text says, and nothing else.
func (w *writer) verbatim() {
	for _, l := range w.unit.Verbatim.Lines {
		w.line(l.Section, l.Name, l.Value, w.origin(l.Pos, "", ""))
	}
}

// compiled writes a unit of its tables and words.
func (w *writer) compiled() {
	w.unitSection()
	if w.name.Type() == "service" {
		w.serviceSection()
	} else {
		w.refuseWaiters()
	}
	w.otherSections()
	w.placement()
	w.mark()
}

// estimate is about how many lines the unit will have.
func (w *writer) estimate() int {
	n := 4 + 3*len(w.node.Edges) + len(w.unit.Downloads) + 2*len(w.unit.Env) + len(w.unit.Roles)
	for _, s := range w.unit.Sections {
		for _, d := range s.Directives {
			n += len(d.Values)
		}
	}
	return n
}

// nameOf returns the name of a node's unit, or of one of its instances.
func nameOf(n *topology.Node, instance string) units.Name {
	if instance == "" {
		return n.Name()
	}
	return n.Name().Of(instance)
}

func (e *emitter) sortedAddresses() []units.Address {
	var list []units.Address
	for _, a := range e.addresses {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b units.Address) int { return strings.Compare(a.Role, b.Role) })
	return list
}

// writer compiles one unit.
type writer struct {
	*emitter
	node     *topology.Node
	unit     *stack.Unit
	instance string
	name     units.Name
	place    string // logical path of the unit

	options []units.Option
	from    []Origin
	waits   []units.Wait
	nowhere map[*topology.Node]bool // whose missing address is reported
}

// path returns the logical place of a word of the unit.
func (w *writer) path(key string) string {
	if key == "" {
		return w.node.Path()
	}
	return w.node.Path() + "." + key
}

// origin is where a line comes from that a word of the unit asks for.
func (w *writer) origin(pos stack.Pos, key, rule string) Origin {
	return Origin{Pos: pos, unit: w.place, key: key, Rule: rule}
}

// edgeOrigin is where a line comes from that an entry of after asks for.
func (w *writer) edgeOrigin(e *topology.Edge, i int, rule string) Origin {
	o := w.origin(e.Word.Pos, fmt.Sprintf("after[%d]", i), rule)
	o.Why = &e.Why
	return o
}

// line appends one option.
func (w *writer) line(section, name, value string, o Origin) {
	w.options = append(w.options, units.Option{Section: section, Name: name, Value: value})
	w.from = append(w.from, o)
}

// raw appends the directives of a section as the stack file has them.
func (w *writer) raw(s *stack.Section) {
	if s == nil {
		return
	}
	for _, d := range s.Directives {
		for _, v := range d.Values {
			value := strings.TrimSpace(stack.Fold(w.expandWith(v, s.Name+"."+d.Name, w.addresserIn(s, d, v))))
			w.line(s.Name, d.Name, value, w.origin(v.Pos, "", ""))
		}
	}
}

// unitSection writes [Unit]: what the file says, then Wants and After of local edges.
func (w *writer) unitSection() {
	w.raw(w.unit.Section("Unit"))
	w.madeUnit()
	for i, edge := range w.node.Edges {
		if !edge.Local {
			continue
		}
		o := w.edgeOrigin(edge, i, "ordered by systemd")
		for _, target := range w.targets(edge.To) {
			for _, name := range []string{"Wants", "After"} {
				if !w.says("Unit", name, string(target)) {
					w.line("Unit", name, string(target), o)
				}
			}
		}
	}
}

// targets returns the units at the other end of a local edge: of a unit with the
// same count the instance beside this one, of any other counted unit, all of
// whose instances are then on one machine, every instance.
func (w *writer) targets(to *topology.Node) []units.Name {
	if to.Unit == nil || !to.Unit.Counted() {
		return []units.Name{to.Name()}
	}
	if w.instance != "" && w.unit.Count.Value == to.Unit.Count.Value {
		return []units.Name{nameOf(to, w.instance)}
	}
	names := make([]units.Name, to.Unit.Count.Value)
	for i := range names {
		names[i] = nameOf(to, strconv.Itoa(i+1))
	}
	return names
}

// says reports whether the unit already has that word in a list directive.
func (w *writer) says(section, name, word string) bool {
	for _, o := range w.options {
		if o.Section == section && o.Name == name && slices.Contains(strings.Fields(o.Value), word) {
			return true
		}
	}
	return false
}

// serviceSection writes [Service]: what must come before the program, then what the file says.
func (w *writer) serviceSection() {
	pre := w.preparations()
	if len(pre) > 0 {
		w.refuseReset("ExecStartPre")
	}
	announced := w.t.Reads(w.node)
	if len(w.unit.Env) > 0 || len(announced) > 0 {
		w.refuseReset("EnvironmentFile")
	}
	for _, v := range w.unit.Env {
		file := units.EscapeSpecifiers(w.expand(v.File, "env."+v.Name))
		if !w.says("Service", "EnvironmentFile", "-"+file) {
			w.line("Service", "EnvironmentFile", "-"+file, w.origin(v.Pos, "env."+v.Name, "optional, as a mandatory file is read before any waiter could wait for it"))
		}
	}
	w.announcedFiles(announced)
	if len(pre) > 0 && !w.limitsStart() {
		w.line("Service", "TimeoutStartSec", "0", w.origin(pre[0].origin.Pos, pre[0].origin.key, "waiters and downloads take the time they need"))
	}
	for _, p := range pre {
		w.line("Service", "ExecStartPre", units.ShellCommand(p.script), p.origin)
		if p.wait.Subject != "" {
			w.waits = append(w.waits, p.wait)
		}
	}
	w.raw(w.unit.Section("Service"))
	w.madeService()
}

// refuseReset reports an empty value, which takes away what stands before it
// (systemd.service(5)), the compiler's own lines too.
func (w *writer) refuseReset(name string) {
	d := w.unit.Directive("Service", name)
	if d == nil {
		return
	}
	for _, v := range d.Values {
		if v.Given() && strings.TrimSpace(v.Source()) == "" {
			w.add(stack.Finding(diag.Error, diag.BadValue, v.Pos, w.path("Service."+name), "an empty %s= takes away what the compiler puts there for this unit's own words", name).
				WithHelp("leave the empty value out"))
		}
	}
}

// limitsStart reports whether the file says itself how long a start may take.
func (w *writer) limitsStart() bool {
	return w.unit.Directive("Service", "TimeoutStartSec") != nil || w.unit.Directive("Service", "TimeoutSec") != nil
}

// refuseWaiters reports words that need an ExecStartPre in a unit that has none.
func (w *writer) refuseWaiters() {
	refuse := func(pos stack.Pos, key string) {
		w.add(stack.Finding(diag.Error, diag.NoWaiter, pos, w.path(key), "a %s cannot wait or prepare anything: only a service has ExecStartPre", w.name.Type()).
			WithHelp("say it in the service that this unit starts"))
	}
	for i, edge := range w.node.Edges {
		if !edge.Local || edge.To.Ready() != nil {
			refuse(edge.Word.Pos, fmt.Sprintf("after[%d]", i))
		}
	}
	for _, d := range w.unit.Downloads {
		refuse(d.Pos, "download")
	}
	for _, p := range w.unit.Puts {
		refuse(p.Pos, "etcd_put")
	}
	for _, v := range w.unit.Env {
		refuse(v.Pos, "env")
	}
}

// otherSections writes the raw sections behind [Unit] and [Service].
func (w *writer) otherSections() {
	for _, s := range w.unit.Sections {
		switch {
		case s.Name == "Unit" || s.Name == "Service" && w.name.Type() == "service":
		case s.Name == "X-Fleet":
		default:
			w.raw(s)
		}
	}
}

// placement writes [X-Fleet] (fleet v1.0.0 job/job.go). One pair stands on a
// line: fleet loses pairs that share one without quotes.
func (w *writer) placement() {
	u := w.unit
	put := func(name, value string, pos stack.Pos, key string) {
		w.line("X-Fleet", name, value, w.origin(pos, key, "where fleet may place the unit"))
	}
	if u.Global.Set {
		put("Global", "true", u.Global.Pos, "global")
	}
	if u.MachineID.Value != "" {
		put("MachineID", u.MachineID.Value, u.MachineID.Pos, "machine_id")
	}
	w.metadata(put)
	for i, leader := range w.node.Leaders {
		put("MachineOf", string(w.targets(leader)[0]), w.node.LeaderWords[i].Pos, "machine_of")
	}
	for i, word := range u.Conflicts {
		put("Conflicts", w.conflict(word, i), word.Pos, "conflicts")
	}
	if u.Spread.Set {
		w.spread(put)
	}
}

// metadata writes the pairs of the unit's roles and its own.
func (w *writer) metadata(put func(name, value string, pos stack.Pos, key string)) {
	seen := map[string]bool{}
	for _, word := range w.unit.Roles {
		role := w.t.Stack.Role(word.Value)
		if role == nil {
			continue
		}
		for _, pair := range role.Pairs {
			if !seen[pair.Value] {
				put("MachineMetadata", pair.Value, word.Pos, "role")
			}
			seen[pair.Value] = true
		}
	}
	for _, pair := range w.unit.Metadata {
		if !seen[pair.Value] {
			put("MachineMetadata", pair.Value, pair.Pos, "metadata")
		}
		seen[pair.Value] = true
	}
}

// conflict resolves one word of conflicts: a unit of the stack, or a pattern for names outside of it.
func (w *writer) conflict(word stack.Word, i int) string {
	if n := w.t.Node(word.Value); n != nil && n.Unit != nil {
		if n.Unit.Counted() {
			return string(n.Name().Of("*"))
		}
		return string(n.Name())
	}
	full := units.Complete(word.Value) == word.Value // with the suffix of a unit
	if n := w.t.ByName(units.Name(word.Value)); n == nil && !full && !strings.ContainsAny(word.Value, "*?[") {
		w.add(stack.Suggest(stack.Finding(diag.Error, diag.UnknownUnit, word.Pos, w.path(fmt.Sprintf("conflicts[%d]", i)), "there is no unit %q in the stack", word.Value),
			word.Value, w.keys(), fmt.Sprintf("for a unit of another stack write its full name, %q", units.Complete(word.Value))))
	}
	return units.Complete(word.Value)
}

func (w *writer) spread(put func(name, value string, pos stack.Pos, key string)) {
	if w.instance == "" {
		w.add(stack.Finding(diag.Error, diag.BadValue, w.unit.Spread.Pos, w.path("spread"), "spread keeps instances apart, and %q has no count", w.node.Key).
			WithHelp("add count = N, or leave spread out"))
		return
	}
	put("Conflicts", string(w.node.Name().Of("*")), w.unit.Spread.Pos, "spread")
}

// mark writes the owner. systemd passes over sections that begin with X-, and fleet keeps them.
func (w *writer) mark() {
	if w.t.Stack.Mark {
		w.line("X-Stackc", "Stack", w.t.Stack.Name, w.origin(w.t.Stack.Pos, "stack", "whose unit it is"))
	}
}

func (w *writer) keys() []string {
	keys := make([]string, 0, len(w.t.Nodes()))
	for _, n := range w.t.Nodes() {
		keys = append(keys, n.Key)
	}
	return keys
}
