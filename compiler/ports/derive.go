package ports

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/expect"
)

// Of returns the ports of a compiled stack. checks are those that the compiler made
// of it: what "stackc verify" asks an operator must reach.
func Of(t *topology.Topology, checks []expect.Check) *List {
	b := &builder{t: t, s: t.Stack, list: &List{Stack: t.Stack.Name, roles: t.Stack.Roles}}
	b.group()
	b.ranges()
	for _, g := range b.list.Groups {
		b.use([]*Group{g}, tcp(22), "ssh", Use{Kind: Operator})
	}
	b.bootstrap()
	for _, n := range t.Nodes() {
		b.listens(n)
		b.flannelOf(n)
	}
	for _, n := range t.Nodes() {
		b.edges(n)
		b.keys(n)
		b.written(n)
	}
	for _, c := range checks {
		b.check(c)
	}
	b.pxe()
	for _, g := range b.list.Groups {
		g.sort()
	}
	return b.list
}

type builder struct {
	t    *topology.Topology
	s    *stack.Stack
	list *List
}

func tcp(n int) port { return port{n, n, "tcp"} }
func udp(n int) port { return port{n, n, "udp"} }

// listen notes what listens on a port of the machines of some groups.
func (b *builder) listen(groups []*Group, p port, what string, loopback bool) {
	if p.first == 0 {
		return
	}
	for _, g := range groups {
		o := g.opening(p)
		o.Loopback = o.Loopback && loopback
		if what != "" && !slices.Contains(o.What, what) {
			o.What = append(o.What, what)
		}
	}
}

// use notes who must reach a port of the machines of some groups. A machine that is
// alone in its group reaches itself without any network.
func (b *builder) use(groups []*Group, p port, what string, u Use) {
	if p.first == 0 {
		return
	}
	for _, g := range groups {
		o := g.opening(p)
		if what != "" && len(o.What) == 0 {
			o.What = []string{what}
		}
		switch {
		case u.Kind == Machines && u.Group == g && len(g.Machines) == 1:
			o.here(u.Who)
		case !slices.Contains(o.Uses, u):
			o.Uses = append(o.Uses, u)
		}
	}
}

func (o *Opening) here(who string) {
	if who != "" && !slices.Contains(o.Here, who) {
		o.Here = append(o.Here, who)
	}
}

// label is what a node is called in the list.
func label(n *topology.Node) string {
	switch name := string(n.Name()); {
	case name == "":
		return n.Key
	case n.Host != nil && isEtcd(name):
		return name + ", for clients"
	default:
		return name
	}
}

// who is what a node is called that asks.
func who(n *topology.Node) string {
	if name := n.Name(); name != "" {
		return strings.TrimSuffix(string(name), ".service")
	}
	return n.Key
}

// listens notes the ports that a node says itself, and whom it names as their users.
func (b *builder) listens(n *topology.Node) {
	if n.Host != nil && n.Host.StandIn {
		return
	}
	groups, loopback := b.on(n), stack.Loopback(n.Listen())
	own := b.portOf(n)
	b.listen(groups, own, label(n), loopback)
	told := map[port]bool{} // entries that say what they are for
	for _, p := range n.Ports() {
		if at := (port{p.First, p.Last, p.Protocol}); p.For != "" {
			told[at] = true
			b.listen(groups, at, who(n)+": "+p.For, loopback && at == own)
		}
	}
	for _, p := range n.Ports() {
		at := port{p.First, p.Last, p.Protocol}
		if !told[at] && at != own {
			b.listen(groups, at, label(n), false)
		}
		for _, w := range p.From {
			b.from(n, groups, at, w)
		}
	}
	for _, s := range b.sockets(n) {
		b.listen(groups, s.port, label(n), s.loopback)
		if n.Name() == fleetSocket && !s.loopback {
			b.use(groups, s.port, "", Use{Kind: Operator, Who: "stackc"})
		}
	}
}

// from notes one who is named as the user of a port.
func (b *builder) from(n *topology.Node, groups []*Group, at port, w stack.Word) {
	switch w.Value {
	case stack.FromOperator:
		b.use(groups, at, "", Use{Kind: Operator})
		return
	case stack.FromAnyone:
		b.use(groups, at, "", Use{Kind: Anyone})
		return
	}
	if asker := b.t.Resolve(w.Value); asker != nil {
		// Who uses what is on several machines uses all of them, not the one beside it.
		local, _ := b.t.Local(asker, n)
		b.asks(asker, groups, at, label(n), local && n.Unit != nil && !n.Unit.Global.Set)
		return
	}
	for _, g := range b.list.WithRole(w.Value) {
		b.use(groups, at, "", Use{Kind: Machines, Group: g})
	}
}

// asks notes that a node uses a port of machines, local for one that is on its own
// machine wherever that is.
func (b *builder) asks(from *topology.Node, groups []*Group, at port, what string, local bool) {
	name := who(from)
	if local {
		for _, g := range groups {
			if o := g.by[at]; o != nil {
				o.here(name)
			}
		}
		return
	}
	sources := b.on(from)
	for _, g := range sources {
		b.use(groups, at, what, Use{Kind: Machines, Group: g, Who: name})
	}
	if len(sources) == 0 && from.External() {
		for _, a := range from.Host.Addresses {
			if text := a.Literal(); text != "" {
				b.use(groups, at, what, Use{Kind: Address, Address: text, Who: name})
			}
		}
	}
}

// edges notes that a node uses what it waits for.
func (b *builder) edges(n *topology.Node) {
	for _, e := range n.Edges {
		groups := b.on(e.To)
		b.asks(n, groups, b.portOf(e.To), label(e.To), e.Local)
		r := e.To.Ready()
		if r == nil || r.Broken || r.Kind != stack.ReadyHTTP && r.Kind != stack.ReadyHTTPS {
			continue
		}
		if host, p, ok := hostAndPort(emit.ReadyText(b.t, e.To, "", r.Target)); ok && !stack.Loopback(host) && p != e.To.Port().Value {
			if at := b.at(host); len(at) > 0 {
				groups = at
			}
			b.asks(n, groups, tcp(p), label(e.To), e.Local)
		}
	}
}

// etcdKey is the node that holds keys: the host entry or unit called etcd.
const etcdKey = "etcd"

// keys notes that a node uses etcd: it puts keys, is made for one that is announced,
// or waits for a key.
func (b *builder) keys(n *topology.Node) {
	etcd := b.t.Node(etcdKey)
	if etcd == nil || etcd.Port().Value == 0 || n == etcd {
		return
	}
	uses := n.Made != nil || n.Unit != nil && len(n.Unit.Puts) > 0
	for _, e := range n.Edges {
		r := e.To.Ready()
		uses = uses || r != nil && r.Kind == stack.ReadyEtcd || !e.Local && e.To.Announces()
	}
	if uses {
		local, _ := b.t.Local(n, etcd)
		b.asks(n, b.on(etcd), tcp(etcd.Port().Value), label(etcd), local)
	}
}

// check notes what "stackc verify" asks from where it runs.
func (b *builder) check(c expect.Check) {
	ask := c.Ask
	if ask.Loopback || ask.Beside || ask.Port == 0 && ask.URL == "" {
		return
	}
	what, u := "check "+c.Name, Use{Kind: Operator, Who: "stackc verify"}
	if ask.URL != "" {
		if host, p, ok := hostAndPort(ask.URL); ok {
			b.use(b.at(host), tcp(p), what, u)
		}
		return
	}
	b.use(b.asked(ask.Where, b.subject(c)), tcp(ask.Port), what, u)
}

// asked are the groups of the machines that a question about a node goes to: those that
// have the address that is asked, else all on which the node can be.
func (b *builder) asked(w expect.Where, n *topology.Node) []*Group {
	var groups []*Group
	for _, host := range w.Hosts {
		groups = append(groups, b.at(host)...)
	}
	switch {
	case len(groups) > 0:
		return groups
	case n != nil:
		return b.on(n)
	}
	return nil
}

// subject is the node that a check asks.
func (b *builder) subject(c expect.Check) *topology.Node {
	switch {
	case c.Kind == expect.Etcd:
		return b.t.Node(etcdKey)
	case c.Unit != "":
		return b.t.ByName(c.Unit)
	case c.Kind == expect.Ready:
		return b.t.Node(c.Name)
	}
	for _, of := range b.s.Checks {
		switch {
		case of.Name != c.Name:
		case of.Etcd.Given():
			return b.t.Node(etcdKey)
		default:
			return b.t.Resolve(of.Of.Value)
		}
	}
	return nil
}

// hostAndPort is where a URL leads to.
func hostAndPort(text string) (host string, port int, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", 0, false
	}
	port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	if u.Port() != "" {
		port, err = strconv.Atoi(u.Port())
	}
	return u.Hostname(), port, err == nil && port > 0
}
