package check

import (
	"strconv"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/expect"
)

// further asks the TCP ports that `ports` names beside that of the node. Of several in
// a row a program takes those that it needs, so that they are told of and not asked.
func (l *lister) further(n *topology.Node) {
	seen := map[[2]int]bool{}
	if own := n.Port().Value; !datagrams(n) {
		seen[[2]int{own, own}] = true // which is asked as its followers do
	}
	for _, p := range n.Ports() {
		at := [2]int{p.First, p.Last}
		if p.Protocol != "tcp" || p.First == 0 || seen[at] {
			continue
		}
		seen[at] = true
		for _, of := range l.targets(n) {
			if p.First != p.Last {
				l.add(expect.Check{Kind: expect.Ready, Name: n.Key, Range: inARow(p)})
				break
			}
			c := expect.Check{Kind: expect.Ready, Name: of.name, Unit: of.unit, Ask: l.askOf(n, of)}
			if n.Host != nil {
				c.Unit = n.Host.Unit
			}
			// Its `listen` is about its own port.
			c.Ask.Port, c.Ask.Loopback, c.Ask.Beside = p.First, false, !l.usedElsewhere(n, at)
			l.add(c)
		}
	}
}

// usedElsewhere reports whether an entry for those ports names somebody who may be on
// another machine than the node. What nobody elsewhere uses may listen on the loopback
// address, and a firewall may keep it shut.
func (l *lister) usedElsewhere(n *topology.Node, at [2]int) bool {
	for _, p := range n.Ports() {
		if p.Protocol != "tcp" || at != [2]int{p.First, p.Last} {
			continue
		}
		for _, w := range p.From {
			user := l.t.Resolve(w.Value)
			if user == nil { // operators, anyone, the machines of a role
				return true
			}
			// Who uses what is on several machines uses all of them, not the one beside it.
			if local, _ := l.t.Local(user, n); !local || n.Unit == nil || n.Unit.Global.Set {
				return true
			}
		}
	}
	return false
}

// inARow is one port, or the first and the last of several.
func inARow(p stack.Listening) string {
	if p.First == p.Last {
		return strconv.Itoa(p.First)
	}
	return strconv.Itoa(p.First) + "-" + strconv.Itoa(p.Last)
}
