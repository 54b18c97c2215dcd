package stack

import (
	"slices"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
)

// facts are what expressions can ask of the inventory: `${{ ROLE.addresses }}`,
// `${{ ROLE.machines }}` and `${{ network.pods }}`. They are values like
// parameters, so a list stays a list. That asks for all machines to be known when
// an expression is read: a file's machines come before its libraries.
type facts struct {
	stack *Stack
	alone bool           // a library is looked at without a stack
	asked map[string]Pos // where the machines of a role were listed first
}

// roleFacts are the words of a role, networkFacts those of [network].
var (
	roleFacts    = []string{"addresses", "machines"}
	networkFacts = []string{"pods", "services"}
	// unitFields are what a unit called "network" would be asked for.
	unitFields = []string{"name", "unit", "port", "host", "address", "url", SchemeField, "ca", "cert", "key"}
)

// fact returns what an expression asks of the inventory. isFact is false for one
// that asks something else; the value is nil when there is none, which is reported.
func (d *decoder) fact(name string, span source.Span) (value *syntax.Value, isFact bool) {
	subject, field, isRef := cutLast(name)
	f := d.scope.facts
	switch {
	case !isRef || f == nil:
		return nil, false
	case subject == "network" && !slices.Contains(unitFields, field):
		return f.network(d, field, span), true
	case slices.Contains(roleFacts, field) && refName().MatchString(subject):
		return f.role(d, subject, field, span), true
	}
	return nil, false
}

func (f *facts) network(d *decoder, field string, span source.Span) *syntax.Value {
	if !slices.Contains(networkFacts, field) {
		d.errorf(diag.UnknownName, span, "[network] has no word %q to put in", field).suggest(field, networkFacts).orHelp("the words are network.pods and network.services")
		return nil
	}
	p := f.stack.Network.pods()
	if field == "services" {
		p = f.stack.Network.services()
	}
	if p == nil && f.alone {
		n := slices.Index(networkFacts, field)
		return &syntax.Value{Kind: syntax.String, Str: []string{"198.51.100.0/25", "198.51.100.128/25"}[n], Span: span}
	}
	if p == nil {
		d.errorf(diag.UnknownName, span, "the stack has no network %q", field).help("declare it: [network] %s = \"…\"", field)
		return nil
	}
	return p.Value
}

func (f *facts) role(d *decoder, role, field string, span source.Span) *syntax.Value {
	v := &syntax.Value{Kind: syntax.Array, Span: span}
	add := func(s string) { v.Elems = append(v.Elems, &syntax.Value{Kind: syntax.String, Str: s, Span: span}) }
	list := f.stack.MachinesOf(role)
	if len(list) == 0 && f.alone {
		add("192.0.2.1")
		return v
	}
	if len(list) == 0 {
		d.errorf(diag.UnknownName, span, "no machine of the inventory has the role %q", role).
			suggest(role, f.roles()).orHelp("declare its machines: [machine.NAME] role = %q, address = \"…\"", role)
		return nil
	}
	if _, again := f.asked[role]; !again {
		f.asked[role] = d.pos(span)
	}
	for _, m := range list {
		if field == "machines" {
			add(m.Name)
			continue
		}
		if m.Address.known() == "" {
			if !m.Address.Given() {
				d.errorf(diag.NoAddress, span, "machine %q of role %q has no address", m.Name, role).
					note(m.Pos.Span, "declared here").help("add address = \"…\" to it")
			}
			return nil
		}
		add(m.Address.known())
	}
	return v
}

// roles are the names that machines have for their roles.
func (f *facts) roles() []string {
	var list []string
	for _, m := range f.stack.Machines {
		for _, w := range m.Roles {
			if !slices.Contains(list, w.Value) {
				list = append(list, w.Value)
			}
		}
	}
	return list
}

// late reports a machine of a role whose machines were asked for before the file of
// d was read: that text would not know it.
func (f *facts) late(d *decoder, m *Machine, before []Word) {
	had := func(role string) bool {
		return slices.ContainsFunc(before, func(w Word) bool { return w.Value == role })
	}
	for _, w := range m.Roles {
		if listed, early := f.asked[w.Value]; early && !had(w.Value) {
			d.errorf(diag.MachineClash, m.Pos.Span, "machine %q comes too late: the machines of role %q are listed before this file is read", m.Name, w.Value).
				note(listed.Span, "listed here").help("declare the machine in the file that uses both")
			return
		}
	}
}

// hold reports machines that a role means by its metadata, and that do not name it:
// a list of the role's machines would lack them.
func (f *facts) hold(l *loader) {
	for _, r := range l.stack.Roles {
		if pos, listed := f.asked[r.Name]; listed {
			l.unlisted(r, pos)
		}
	}
}

// unlisted reports machines that a list of the role's machines lacks.
func (l *loader) unlisted(r *Role, listed Pos) {
	if r.Broken {
		return
	}
	for _, m := range l.stack.Machines {
		if !m.Has(r.Name) && m.Matches(r.Metadata) {
			l.findings.Add(Finding(diag.Error, diag.MachineClash, listed, "machine."+m.Name+".role", "machine %q has the metadata of role %q, and is not listed: it does not name the role", m.Name, r.Name).
				WithNote(m.Pos.Span, "declared here").WithHelp("add " + quote(r.Name) + " to its role"))
		}
	}
}
