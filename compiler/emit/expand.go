package emit

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// selfFields are the words a unit may ask of itself, nodeFields those of another.
var (
	selfFields = []string{"name", "unit", "port", "listen", "instance"}
	nodeFields = []string{"name", "unit", "port", "host", "address", "url", "scheme", "ca", "cert", "key"}
)

// expand puts in what every open expression of t is, seen from this unit; path
// is the logical place of the text in the unit.
func (w *writer) expand(t stack.Text, path string) string {
	return w.expandWith(t, path, w.addressOf)
}

// addresser gives the word of another unit that says where that is.
type addresser func(t stack.Text, r stack.Ref, to *topology.Node, path string) string

func (w *writer) expandWith(t stack.Text, path string, address addresser) string {
	t, whole := t.WithoutLines(w.lacks)
	if whole != nil {
		if to := w.t.Resolve(whole.Subject); to.Host == nil || !to.Host.StandIn {
			w.add(stack.LacksFile(t.Pos, w.path(path), *whole))
		}
	}
	return t.Expand(func(r stack.Ref) string {
		if r.Subject == "self" {
			return w.self(t, r, path)
		}
		return w.other(t, r, path, address)
	})
}

// lacks reports whether an expression stands for a file that another unit's readiness
// does not name.
func (w *writer) lacks(r stack.Ref) bool {
	if _, ok := new(stack.Ready).File(r.Field); !ok || r.Subject == "self" {
		return false
	}
	to := w.t.Resolve(r.Subject)
	if to == nil {
		return false
	}
	file, _ := to.Ready().File(r.Field)
	return !file.Given()
}

func (w *writer) problem(code diag.Code, t stack.Text, r stack.Ref, path, format string, args ...any) diag.Diagnostic {
	return stack.Finding(diag.Error, code, stack.Pos{Span: r.Span, Via: t.Pos.Via}, w.path(path), format, args...)
}

// self returns a word of this unit.
func (w *writer) self(t stack.Text, r stack.Ref, path string) string {
	missing := func(what string) string {
		w.add(w.problem(diag.UnknownName, t, r, path, "%q says no %s", w.node.Key, what).WithHelp("declare it in the unit: " + what + " = …"))
		return ""
	}
	switch r.Field {
	case "name":
		return w.node.Key
	case "unit":
		return string(w.name)
	case "port":
		if !w.unit.Port.Given() {
			return missing("port")
		}
		return strconv.Itoa(w.unit.Port.Value)
	case "listen":
		if !w.unit.Listen.Given() || len(w.unit.Listen.Refs()) > 0 {
			return missing("listen")
		}
		return w.unit.Listen.Expand(nil)
	case "instance":
		if w.instance == "" && w.unit.Counted() {
			w.add(w.problem(diag.UnknownName, t, r, path, "which instance of %q this is cannot be told from a unit that is not beside one", w.node.Key).
				WithHelp("say machine_of and the same count in the unit that waits, or leave the instance out"))
			return ""
		}
		if w.instance == "" {
			return missing("count")
		}
		return w.instance
	}
	w.add(stack.Suggest(w.problem(diag.UnknownName, t, r, path, "a unit has no word %q to put in", r.Field), r.Field, selfFields,
		"a unit's own words are self.name, self.unit, self.port, self.listen and self.instance"))
	return ""
}

// other returns a word of another unit, as this unit sees it.
func (w *writer) other(t stack.Text, r stack.Ref, path string, address addresser) string {
	to := w.t.Resolve(r.Subject)
	if to == nil && r.Subject == "stack" {
		w.add(w.problem(diag.UnknownName, t, r, path, "the stack has no word %q to put in", r.Field).WithHelp("its only word is stack.name"))
		return ""
	}
	if to == nil && r.Subject == "machine" {
		help := "read it from a file of the machine: env = { COREOS_PRIVATE_IPV4 = \"/etc/environment\" }"
		if r.Field == "pods" || r.Field == "bridge" {
			help = fmt.Sprintf(`write it into a file of the machine and read that: [file."/etc/pods.env"] content = "PODS=${{ machine.%s }}\n", and here env = { PODS = "/etc/pods.env" }`, r.Field)
		}
		w.add(w.problem(diag.BadExpression, t, r, path, "a unit is for whichever machine fleet chooses, and machine.%s is for one", r.Field).WithHelp(help))
		return ""
	}
	if to == nil {
		w.add(stack.Suggest(w.problem(diag.UnknownName, t, r, path, "%q is neither a unit of the stack nor a host entry", r.Subject), r.Subject, w.keys(),
			"a parameter is written without a dot"))
		return ""
	}
	if file, ok := to.Ready().File(r.Field); ok {
		return ReadyText(w.t, to, "", file)
	}
	switch r.Field {
	case "name":
		return to.Key
	case "unit":
		return string(to.Name())
	case "port":
		return w.portOf(t, r, to, path)
	case stack.SchemeField:
		return schemeOf(to)
	case "host", "address", "url":
		if !w.awaits(t, r, to, path) {
			return ""
		}
		return address(t, r, to, path)
	}
	w.add(stack.Suggest(w.problem(diag.UnknownName, t, r, path, "%q has no word %q to put in", r.Subject, r.Field), r.Field, nodeFields,
		"the words are "+r.Subject+".address, .url, .scheme, .host, .port, .unit, .name, .ca, .cert and .key"))
	return ""
}

func (w *writer) portOf(t stack.Text, r stack.Ref, to *topology.Node, path string) string {
	if p := to.Port(); p.Given() {
		return strconv.Itoa(p.Value)
	}
	w.add(w.problem(diag.NoAddress, t, r, path, "%q declares no port", to.Key).
		WithNote(to.Pos().Span, "declared here").WithHelp("add port = … to it, or use " + to.Key + ".host"))
	return ""
}

// awaits reports whether this unit waits for the one whose address it takes.
func (w *writer) awaits(t stack.Text, r stack.Ref, to *topology.Node, path string) bool {
	if w.node.Waits(to) != nil || to == w.node {
		return true
	}
	if !w.node.Unresolved {
		w.add(w.problem(diag.AddressWithoutAfter, t, r, path, "%q uses the address of %q and does not wait for it", w.node.Key, to.Key).
			WithNote(to.Pos().Span, "declared here").WithHelp("add " + strconv.Quote(to.Key) + " to after"))
	}
	return false
}

// addressOf returns where this unit finds another.
func (w *writer) addressOf(t stack.Text, r stack.Ref, to *topology.Node, path string) string {
	if w.t.AddressOf(w.node, to).Announced {
		w.announcedElsewhere(t, r, to, path)
		return ""
	}
	hosts, ok := w.hostsOf(to, stack.Pos{Span: r.Span, Via: t.Pos.Via}, path)
	if !ok {
		return ""
	}
	if r.Field == "host" {
		return strings.Join(hosts, ",")
	}
	port := w.portOf(t, r, to, path)
	if port == "" {
		return ""
	}
	for i, host := range hosts {
		hosts[i] = net.JoinHostPort(host, port)
		if r.Field == "url" {
			hosts[i] = schemeOf(to) + "://" + hosts[i]
		}
	}
	return strings.Join(hosts, ",")
}

// hostsOf returns the addresses of to without a port, of which any will do, or
// reports that there is none.
func (w *writer) hostsOf(to *topology.Node, pos stack.Pos, path string) ([]string, bool) {
	a := w.t.AddressOf(w.node, to)
	if a.Announced { // only etcd is asked for without a look whether it is
		a.Why = fmt.Sprintf("%q is announced in etcd, and is what has to be known for that", to.Key)
		a.Help, a.Note = "give it an address that stays: take announce out", to.Unit.Announce.Pos.Span
	}
	if a.Host == "" {
		if w.nowhere[to] {
			return nil, false
		}
		if w.nowhere == nil {
			w.nowhere = map[*topology.Node]bool{}
		}
		w.nowhere[to] = true
		d := stack.Finding(diag.Error, diag.NoAddress, pos, w.path(path), "%s", a.Why)
		if !a.Note.IsZero() {
			d = d.WithNote(a.Note, "declared here")
		}
		w.add(d.WithHelp(a.Help))
		return nil, false
	}
	if a.Role != "" {
		if role := w.t.Stack.Role(a.Role); !w.t.Stack.Balanced(role) { // no machine is to publish that of a balancer
			w.addresses[a.Role] = units.Address{Role: a.Role, Host: a.Host, Metadata: role.Metadata}
		}
	}
	return append([]string{a.Host}, a.Others...), true
}

func schemeOf(n *topology.Node) string { return n.Ready().Scheme() }
