package ports

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/pattern"
)

// endpoint finds ADDRESS:PORT, and ownEndpoint what stands before one on which the
// program itself listens, by what such flags are called.
var (
	endpoint    = pattern.New(`\b([0-9]{1,3}(?:\.[0-9]{1,3}){3}):([0-9]{1,5})\b`)
	ownEndpoint = pattern.New(`(?i)(?:\s-H|(?:listen|bind|advertise)[\w.-]*)(?:=|\s)\S*$`)
)

// written notes the ports of machines that a unit names by hand, be they waited for or
// not: its programs are told of them.
func (b *builder) written(n *topology.Node) {
	if n.Unit == nil {
		return
	}
	for _, s := range n.Unit.Sections {
		for _, d := range s.Directives {
			if s.Name == "Service" && (strings.HasPrefix(d.Name, "Exec") || d.Name == "Environment") {
				for _, v := range d.Values {
					b.endpoints(n, v)
				}
			}
		}
	}
}

func (b *builder) endpoints(n *topology.Node, v stack.Text) {
	text := v.Source()
	for _, at := range endpoint().FindAllStringSubmatchIndex(text, -1) {
		host, before := text[at[2]:at[3]], text[:at[0]]
		number, err := strconv.Atoi(text[at[4]:at[5]])
		groups := b.at(host)
		if err != nil || number < 1 || number > 65535 || ownEndpoint().MatchString(before) || number == n.Port().Value && b.meets(groups, n) {
			continue
		}
		b.asks(n, groups, tcp(number), b.listener(groups, number, who(n)), false)
	}
}

// meets reports whether a node can be on machines of one of the groups. There its own
// port is its own, and elsewhere it is another's: that of whoever is behind a balancer.
func (b *builder) meets(groups []*Group, n *topology.Node) bool {
	return slices.ContainsFunc(b.on(n), func(g *Group) bool { return slices.Contains(groups, g) })
}

// listener is who listens on a port of the machines of groups, as far as the stack says.
func (b *builder) listener(groups []*Group, port int, asker string) string {
	for _, n := range b.t.Listeners(port) {
		if b.meets(groups, n) {
			return label(n)
		}
	}
	return "what " + asker + " names"
}
