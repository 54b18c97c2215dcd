package topology

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units"
)

// Build resolves every name of the stack, decides for every edge whether it is
// local, and finds cycles.
func Build(s *stack.Stack) (*Topology, diag.List) {
	b := &builder{t: &Topology{Stack: s, nodes: map[string]*Node{}, names: map[units.Name]*Node{}, ports: map[int][]*Node{}}}
	b.addNodes()
	for _, n := range b.t.order {
		b.roles(n)
		b.leaders(n)
	}
	b.placed, b.rivals = map[*Node]bool{}, b.rivalsOf()
	for _, n := range b.t.order {
		b.place(n, nil)
	}
	for _, n := range b.t.order {
		b.edges(n)
		b.ports(n)
	}
	b.announcements()
	b.cycles()
	return b.t, b.findings
}

type builder struct {
	t        *Topology
	findings diag.List
	placed   map[*Node]bool
	rivals   rivals
}

func (b *builder) add(d diag.Diagnostic) { b.findings.Add(d) }

func (b *builder) addNodes() {
	for _, h := range b.t.Stack.Hosts {
		b.addNode(&Node{Key: h.Key, Host: h})
	}
	for _, u := range b.t.Stack.Units {
		if old := b.t.nodes[u.Key]; old != nil {
			b.add(stack.Finding(diag.Error, diag.HostUnit, u.Pos, "unit."+u.Key, "%q is both a unit and a host entry", u.Key).
				WithNote(old.Pos().Span, "the host entry").WithHelp("followers could not tell which one they wait for; rename one"))
			continue
		}
		b.addNode(&Node{Key: u.Key, Unit: u})
	}
	for _, n := range b.t.order {
		b.ownInstance(n)
	}
}

// ownInstance reports a unit that a counted unit of the stack makes as well.
func (b *builder) ownInstance(n *Node) {
	template, ok := n.Name().Template()
	counted := b.t.names[template]
	if !ok || n.Unit == nil || counted == nil || counted.Unit == nil || !counted.Unit.Counted() {
		return
	}
	instance, _ := n.Name().Instance()
	if i, err := strconv.Atoi(instance); err != nil || i < 1 || i > counted.Unit.Count.Value {
		return
	}
	delete(b.t.names, n.Name())
	b.add(stack.Finding(diag.Error, diag.DuplicateUnit, n.Pos(), n.Path(), "%q is an instance that the count of %q gives already", n.Name(), counted.Key).
		WithNote(counted.Unit.Count.Pos.Span, "counted here"))
}

func (b *builder) addNode(n *Node) {
	b.t.nodes[n.Key] = n
	b.t.order = append(b.t.order, n)
	if p := n.Port(); p.Value > 0 {
		b.t.ports[p.Value] = append(b.t.ports[p.Value], n)
	}
	name := n.Name()
	if name == "" {
		return
	}
	if old := b.t.names[name]; old != nil {
		b.sameName(n, old, name)
		return
	}
	b.t.names[name] = n
}

// sameName reports two nodes of one unit name.
func (b *builder) sameName(n, old *Node, name units.Name) {
	switch {
	case n.Unit != nil && old.Host != nil:
		b.add(stack.Finding(diag.Error, diag.HostUnit, n.Pos(), n.Path(), "%q is the name of a unit of the hosts: fleet would link its own over it, and bring the host's back when it goes", name).
			WithNote(old.Pos().Span, "declared as a host unit here").
			WithHelp("rename the unit, or change the host's own with a drop-in before fleet starts"))
	case n.Unit != nil:
		b.add(stack.Finding(diag.Error, diag.DuplicateUnit, n.Pos(), n.Path(), "%q and %q are both %q", n.Key, old.Key, name).
			WithNote(old.Pos().Span, "first here"))
	default:
		b.add(stack.Finding(diag.Error, diag.DuplicateUnit, n.Pos(), n.Path(), "host entries %q and %q both name %q", n.Key, old.Key, name).
			WithNote(old.Pos().Span, "first here"))
	}
}

// roles resolves the roles of a node.
func (b *builder) roles(n *Node) {
	words := n.roleWords()
	n.where.unknown = n.where.unknown || n.Unit != nil && n.Unit.Misplaced
	known := make([]string, 0, len(b.t.Stack.Roles))
	for _, r := range b.t.Stack.Roles {
		known = append(known, r.Name)
	}
	for _, w := range words {
		r := b.t.Stack.Role(w.Value)
		if r == nil {
			b.add(stack.Suggest(stack.Finding(diag.Error, diag.UnknownRole, w.Pos, n.Path()+".role", "there is no role %q", w.Value),
				w.Value, known, "declare it: [roles] "+w.Value+` = "key=value"`))
			n.where.unknown = true
			continue
		}
		n.where.unknown = n.where.unknown || r.Broken
		n.roles = append(n.roles, r)
	}
}

func (n *Node) roleWords() []stack.Word {
	if n.Unit != nil {
		return n.Unit.Roles
	}
	return n.Host.Roles
}

// leaders resolves machine_of.
func (b *builder) leaders(n *Node) {
	if n.Unit == nil {
		return
	}
	for _, w := range n.Unit.MachineOf {
		leader := b.find(w.Value)
		path := n.Path() + ".machine_of"
		found := len(b.findings)
		switch {
		case leader == nil:
			b.add(stack.Suggest(stack.Finding(diag.Error, diag.UnknownUnit, w.Pos, path, "there is no unit %q in the stack", w.Value), w.Value, b.unitKeys(),
				"write the key of a unit of the stack; for any other fleet would wait for ever, without a word"))
		case leader == n:
			b.add(stack.Finding(diag.Error, diag.Unplaceable, w.Pos, path, "%q cannot be on the machine of itself", n.Key))
		case leader.Host != nil:
			b.add(stack.Finding(diag.Error, diag.HostUnit, w.Pos, path, "%q is a unit of the hosts, which fleet does not place", w.Value).
				WithNote(leader.Pos().Span, "declared here").WithHelp("give the unit the role of that host instead"))
		case leader.Unit.Counted() && !sameCount(n.Unit, leader.Unit):
			b.add(stack.Finding(diag.Error, diag.Unplaceable, w.Pos, path, "%q has %d instances, and one unit cannot be on the machines of all of them", w.Value, leader.Unit.Count.Value).
				WithNote(leader.Unit.Count.Pos.Span, "counted here").WithHelp("give this unit the same count: then each instance goes beside its own"))
		default:
			b.inactive(n, leader, w)
			n.Leaders = append(n.Leaders, leader)
			n.LeaderWords = append(n.LeaderWords, w)
		}
		n.where.unknown = n.where.unknown || len(b.findings) > found
	}
}

// inactive reports a leader that fleet puts on no machine (fleet v1.0.0
// engine/reconciler.go unschedules what is to be inactive).
func (b *builder) inactive(n, leader *Node, word stack.Word) {
	if leader.Unit.State == units.Inactive && n.Unit.State != units.Inactive {
		b.add(stack.Finding(diag.Error, diag.Unplaceable, word.Pos, n.Path()+".machine_of", "%q stays inactive, so it is on no machine and %q waits for ever", leader.Key, n.Key).
			WithNote(leader.Pos().Span, "declared here").WithHelp(fmt.Sprintf(`say state = "loaded" in %q: that is enough`, leader.Key)))
	}
}

func sameCount(a, b *stack.Unit) bool {
	return a.Counted() && b.Counted() && a.Count.Value == b.Count.Value
}

// find returns the node that a word of the stack file means: a key, or a full unit name.
func (b *builder) find(word string) *Node { return b.t.Resolve(word) }

func (b *builder) unitKeys() []string {
	var keys []string
	for _, n := range b.t.order {
		if n.Unit != nil {
			keys = append(keys, n.Key)
		}
	}
	return keys
}

// wordsLike returns the words that `after` may name: keys, and full names to one
// who wrote such a name.
func (b *builder) wordsLike(word string) []string {
	keys := make([]string, 0, len(b.t.order))
	for _, n := range b.t.order {
		keys = append(keys, n.Key)
		if strings.Contains(word, ".") && n.Name() != "" && !n.Name().IsTemplate() {
			keys = append(keys, string(n.Name()))
		}
	}
	return keys
}

// instanceWord reports whether word names one instance of the counted unit n.
func (n *Node) instanceWord(word string) bool {
	if n.Unit == nil || !n.Unit.Counted() || word == n.Key {
		return false
	}
	instance, ok := units.Name(units.Complete(word)).Instance()
	return ok && instance != ""
}

// declare tells how a word that names nothing is given its meaning.
func (b *builder) declare(word string) string {
	key := stack.Key(strings.TrimSuffix(word, ".service"))
	help := fmt.Sprintf("when it is a unit of the hosts, declare it: [host.%s] unit = %q", key, units.Complete(word))
	if b.t.Stack.Library != nil {
		help += fmt.Sprintf("; when those who use the library have it: [library.needs.host] %s = \"what for\"", key)
	}
	return help
}

// edges resolves `after`.
func (b *builder) edges(n *Node) {
	words, path := n.afterWords()
	for i, w := range words {
		path := fmt.Sprintf("%s[%d]", path, i)
		to := b.find(w.Value)
		switch {
		case to == nil:
			n.Unresolved = true
			d := stack.Finding(diag.Error, diag.UnknownUnit, w.Pos, path, "%q is neither a unit of the stack nor a host entry", w.Value)
			b.add(stack.Suggest(d, w.Value, b.wordsLike(w.Value), b.declare(w.Value)))
		case to.instanceWord(w.Value):
			n.Unresolved = true
			b.add(stack.Finding(diag.Error, diag.UnknownUnit, w.Pos, path, "%q means one instance of %q, and after means all of them", w.Value, to.Key).
				WithNote(to.Unit.Count.Pos.Span, "counted here").WithHelp(fmt.Sprintf("write %q; with the same count and machine_of it is the instance beside", to.Key)))
		case n.Waits(to) != nil:
			b.add(stack.Finding(diag.Warning, diag.UnusedDependency, w.Pos, path, "%q stands in after twice", w.Value))
		default:
			e := &Edge{From: n, To: to, Word: w}
			e.Local, e.Why = b.t.Local(n, to)
			n.Edges = append(n.Edges, e)
			b.neverReady(n, to, w, path)
		}
	}
}

// neverReady reports an edge to a unit that fleet loads on no machine (fleet v1.0.0
// engine/reconciler.go), so that it is never ready.
func (b *builder) neverReady(n, to *Node, w stack.Word, path string) {
	if to.Unit == nil || to.Unit.State != units.Inactive || n.Unit != nil && n.Unit.State == units.Inactive {
		return
	}
	b.add(stack.Finding(diag.Error, diag.NeverReady, w.Pos, path, "%q stays inactive, so %q waits for it for ever", to.Key, n.Key).
		WithNote(to.Pos().Span, "declared here").WithHelp(fmt.Sprintf(`take state = "inactive" out of %q, or %q out of after`, to.Key, w.Value)))
}

func (n *Node) afterWords() ([]stack.Word, string) {
	if n.Unit != nil {
		return n.Unit.After, n.Path() + ".after"
	}
	return n.Host.After, n.Path() + ".after"
}
