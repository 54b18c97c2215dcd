package check

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/units/expect"
)

// declared adds a check that the file says itself.
func (l *lister) declared(c *stack.Check) {
	if c.Broken {
		return
	}
	check := expect.Check{Kind: expect.Declared, Name: c.Name, Help: c.Help, Want: l.want(c)}
	ask, ok := l.askDeclared(c)
	if !ok {
		return
	}
	check.Ask = ask
	l.add(check)
}

func (l *lister) askDeclared(c *stack.Check) (expect.Ask, bool) {
	path := "check." + c.Name
	switch target := c.HTTP.Literal(); {
	case c.Etcd.Given():
		ask, ok := l.askEtcd()
		if !ok {
			l.findings.Add(stack.Finding(diag.Error, diag.NoAddress, c.Etcd.Pos, path+".etcd", "check %q needs to know where etcd is", c.Name).
				WithHelp(`declare it: [host.etcd] unit = "etcd.service", port = 4001 (2379 for etcd2), role = "…"`))
		}
		ask.Key = c.Etcd.Literal()
		return ask, ok && ask.Key != ""
	case strings.Contains(target, "://"):
		scheme, _, _ := strings.Cut(target, "://")
		return expect.Ask{Scheme: scheme, URL: target}, true
	case target == "" || c.Of.Value == "" || c.Of.Hidden:
		return expect.Ask{}, false // which is reported
	default:
		return l.askOne(c, path, target)
	}
}

// askOne asks the unit or host entry that the check names.
func (l *lister) askOne(c *stack.Check, path, target string) (expect.Ask, bool) {
	n := l.t.Resolve(c.Of.Value)
	if n == nil {
		var keys []string
		for _, other := range l.t.Nodes() {
			keys = append(keys, other.Key)
		}
		l.findings.Add(stack.Suggest(stack.Finding(diag.Error, diag.UnknownUnit, c.Of.Pos, path+".of", "%q is neither a unit of the stack nor a host entry", c.Of.Value),
			c.Of.Value, keys, "name one of the stack, or ask a whole URL"))
		return expect.Ask{}, false
	}
	port := n.Port().Value
	if c.Port.Given() {
		port = c.Port.Value
	}
	if port == 0 {
		l.findings.Add(stack.Finding(diag.Error, diag.NoAddress, c.Of.Pos, path+".of", "%q declares no port to ask at", n.Key).
			WithNote(n.Pos().Span, "declared here").WithHelp("add port = … to it"))
		return expect.Ask{}, false
	}
	for _, of := range l.targets(n) {
		ask := l.askOf(n, of)
		ask.Scheme, ask.Port, ask.Path = emit.Scheme(n), port, target
		return ask, true
	}
	l.findings.Add(stack.Finding(diag.Error, diag.NeverReady, c.Of.Pos, path+".of", "%q is not to run, so check %q never gets an answer", n.Key, c.Name).
		WithNote(n.Pos().Span, "declared here").WithHelp("take the check out: check." + stack.Key(c.Name) + " = false"))
	return expect.Ask{}, false
}

// want is what the answer must be.
func (l *lister) want(c *stack.Check) expect.Want {
	w := expect.Want{Contains: c.Contains.Literal(), Listed: c.Lists(), List: c.List.Value}
	for _, e := range c.Equals {
		w.Set = append(w.Set, e.Value)
	}
	for _, r := range c.AddressesOf {
		role := l.t.Stack.Role(r.Value)
		if role == nil {
			var names []string
			for _, other := range l.t.Stack.Roles {
				names = append(names, other.Name)
			}
			l.findings.Add(stack.Suggest(stack.Finding(diag.Error, diag.UnknownRole, r.Pos, "check."+c.Name+".addresses_of", "there is no role %q", r.Value),
				r.Value, names, "declare it in [roles]"))
			continue
		}
		w.Roles = append(w.Roles, role.Metadata)
		w.Set = l.addresses(role, w.Set)
	}
	return w
}

// addresses adds those of a role's machines to a list, as the inventory has them; nil
// when there is none, and fleet must be asked.
func (l *lister) addresses(role *stack.Role, list []string) []string {
	for _, m := range l.t.Stack.Machines {
		a := m.Address.Literal()
		if m.Matches(role.Metadata) && a != "" && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}
