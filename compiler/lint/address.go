package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units/pattern"
)

// endpoint finds host:port in a command line.
var endpoint = pattern.New(`(localhost|\[::1\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+):([0-9]{1,5})\b`)

// addresses holds the endpoints written by hand against what the stack says
// listens there: a loopback address is right only beside its provider, and
// nobody is talked to who is not waited for.
func addresses(c *checker, x text) {
	if !x.exec() && x.directive != "Environment" || !hasPort(x.source) {
		return
	}
	for _, at := range endpoints(x.source) {
		word, host := x.source[at[0]:at[1]], x.source[at[2]:at[3]]
		port, err := strconv.Atoi(x.source[at[4]:at[5]])
		if err != nil || port == x.node.Port().Value || ownEndpoint().MatchString(x.source[:at[0]]) {
			continue
		}
		if stack.Loopback(strings.Trim(host, "[]")) {
			c.loopback(x, word, port)
		} else if role := c.roleAt(host); role != nil {
			c.atRole(x, word, role, port)
		}
	}
}

// endpoints finds what [endpoint] matches. It shows the pattern the words that may hold
// one only: most of a command line does not.
func endpoints(s string) [][]int {
	var found [][]int
	for start := 0; start < len(s); {
		end := start
		for end < len(s) && endpointByte(s[end]) {
			end++
		}
		if hasPort(s[start:end]) {
			for _, at := range endpoint().FindAllStringSubmatchIndex(s[start:end], -1) {
				for i := range at {
					at[i] += start
				}
				found = append(found, at)
			}
		}
		start = end + 1
	}
	return found
}

// endpointByte reports whether a byte can stand in an endpoint, or, as the underscore,
// keeps a number beside it from ending.
func endpointByte(c byte) bool {
	return c == '.' || c == ':' || c == '[' || c == ']' || optionByte(c)
}

func optionByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// ownEndpoint matches what stands before an address that the program itself
// listens on, by what such flags are called.
var ownEndpoint = pattern.New(`(?i)(?:\s-H|(?:listen|bind|advertise)[\w.-]*)(?:=|\s)\S*$`)

// hasPort reports whether a colon with a digit behind it stands in s.
func hasPort(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == ':' && s[i+1] >= '0' && s[i+1] <= '9' {
			return true
		}
	}
	return false
}

func (c *checker) roleAt(host string) *stack.Role {
	for _, r := range c.t.Stack.Roles {
		if r.Address.Given() && r.Address.Expand(nil) == host {
			return r
		}
	}
	return nil
}

func (c *checker) loopback(x text, word string, port int) {
	providers := c.t.Listeners(port)
	if len(providers) == 0 {
		c.undeclaredPort(x, word, port)
		return
	}
	for _, p := range providers {
		if local, _ := c.t.Local(x.node, p); local {
			c.waited(x, word, p)
			return
		}
	}
	p := providers[0]
	_, why := c.t.Local(x.node, p)
	c.add(x.report(diag.Error, diag.LoopbackAddress, word, "%q is the unit's own machine, and %q is not certainly there: %s", word, p.Key, why).
		WithNote(p.PortPos(port).Span, fmt.Sprintf("%q listens on port %d", p.Key, port)).
		WithHelp(fmt.Sprintf("write ${{ %s.address }}, or keep both together with machine_of = %q", p.Key, p.Key)))
}

func (c *checker) undeclaredPort(x text, word string, port int) {
	c.stray[x.node] = true
	c.add(x.report(diag.Error, diag.UndeclaredPort, word, "nothing that the stack or its hosts declare listens on %s", word).
		WithHelp(fmt.Sprintf("declare port = %d where it belongs, or correct the port; then write ${{ NAME.address }} instead", port)))
}

func (c *checker) atRole(x text, word string, role *stack.Role, port int) {
	for _, p := range c.t.Listeners(port) {
		if c.runsIn(p, role) {
			c.waited(x, word, p)
			return
		}
	}
	c.undeclaredPort(x, word, port)
}

func (c *checker) runsIn(n *topology.Node, role *stack.Role) bool {
	for key, values := range role.Metadata {
		have, ok := n.Metadata()[key]
		if !ok || !slices.ContainsFunc(have, func(v string) bool { return slices.Contains(values, v) }) {
			return false
		}
	}
	return true
}

// waited warns of an address that is used without waiting for who answers there.
func (c *checker) waited(x text, word string, p *topology.Node) {
	if p == x.node || x.node.Unresolved || x.node.Waits(p) != nil {
		return
	}
	c.add(x.report(diag.Warning, diag.MissingDependency, word, "%q talks to %q at %s and does not wait for it", x.node.Key, p.Key, word).
		WithNote(p.Pos().Span, "declared here").
		WithHelp(fmt.Sprintf("add %q to after, and write ${{ %s.address }} for the address", p.Key, p.Key)))
}

// files warns of a file that another unit makes and this one reads without waiting for that.
func files(c *checker, x text) {
	if !x.exec() && x.directive != "EnvironmentFile" {
		return
	}
	for _, p := range c.makers {
		file := p.Ready().Target.Expand(nil)
		if p != x.node && !x.node.Unresolved && strings.Contains(x.source, file) && x.node.Waits(p) == nil {
			c.add(x.report(diag.Warning, diag.MissingDependency, file, "%q reads %s, which %q makes, and does not wait for it", x.node.Key, file, p.Key).
				WithNote(p.Pos().Span, "declared here").WithHelp(fmt.Sprintf("add %q to after", p.Key)))
		}
	}
}

// makers returns the nodes that tell by a file that they are ready.
func makers(t *topology.Topology) []*topology.Node {
	var list []*topology.Node
	for _, n := range t.Nodes() {
		if r := n.Ready(); r != nil && r.Kind == stack.ReadyFile && len(r.Target.Refs()) == 0 {
			list = append(list, n)
		}
	}
	return list
}

// socketDescriptors: fd:// takes sockets that a socket unit hands over.
func socketDescriptors(c *checker, x text) {
	if !x.exec() || !strings.Contains(x.source, "fd://") {
		return
	}
	for _, e := range x.node.Edges {
		if e.To.Name().Type() == "socket" {
			return
		}
	}
	u := x.node.Unit
	if strings.Contains(u.Value("Service", "Sockets")+u.Value("Unit", "Requires")+u.Value("Unit", "After"), ".socket") {
		return
	}
	c.add(x.report(diag.Warning, diag.MissingDependency, "fd://", "fd:// takes descriptors from a socket unit, and %q waits for none", x.node.Key).
		WithHelp(fmt.Sprintf("declare the socket as a host entry or a unit (%s.socket) and add it to after", u.Name.Base())))
}
