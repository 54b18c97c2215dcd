package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/expect"
)

// udp tells of the UDP ports of a node, which nobody can ask: an open one and one that
// a firewall keeps shut are both silent. They stand in `ports`, and in a socket's own
// section.
func (l *lister) udp(n *topology.Node) {
	if len(l.targets(n)) == 0 {
		return
	}
	var seen []string
	add := func(ports string) {
		if !slices.Contains(seen, ports) {
			seen = append(seen, ports)
			l.add(expect.Check{Kind: expect.Ready, Name: n.Key, UDP: ports})
		}
	}
	for _, p := range n.Ports() {
		if p.Protocol == "udp" && p.First != 0 {
			add(inARow(p))
		}
	}
	for _, p := range listens(n, "ListenDatagram") {
		add(strconv.Itoa(p))
	}
}

// datagrams reports whether the port of a node is one of UDP alone: a socket that takes
// datagrams there, and no connections.
func datagrams(n *topology.Node) bool {
	port := n.Port().Value
	return slices.Contains(listens(n, "ListenDatagram"), port) && !slices.Contains(listens(n, "ListenStream"), port)
}

// listens are the ports that a section [Socket] names (systemd.socket(5)), in its order.
func listens(n *topology.Node, directive string) (ports []int) {
	var sections []*stack.Section
	if n.Unit != nil {
		sections = n.Unit.Sections
	} else {
		sections = append(sections, n.Host.Sections...)
		for _, d := range n.Host.DropIns {
			sections = append(sections, d.Sections...)
		}
	}
	for _, s := range sections {
		for _, d := range s.Directives {
			if s.Name != "Socket" || d.Name != directive {
				continue
			}
			for _, v := range d.Values {
				text := v.Expand(func(r stack.Ref) string {
					if r.Subject == "self" && r.Field == "port" {
						return strconv.Itoa(n.Port().Value)
					}
					return ""
				})
				if p, err := strconv.Atoi(text[strings.LastIndexByte(text, ':')+1:]); err == nil && p > 0 {
					ports = append(ports, p)
				}
			}
		}
	}
	return ports
}
