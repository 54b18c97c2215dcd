package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// Listening is one entry of `ports`: ports on which a program listens beside its
// `port`, or more about that one. It becomes no part of any unit: followers know
// `port` alone, and these are for whoever keeps a firewall.
type Listening struct {
	Pos Pos
	// First and Last are the ports, the same one twice for a single port; 0 for one
	// that is at fault, which is reported.
	First, Last int
	// Protocol is "tcp" or "udp".
	Protocol string
	// From are those who use it: units, host entries, roles, [FromOperator] and
	// [FromAnyone]. Without any nobody on another machine does.
	From []Word
	// For says what it is for, "" for nothing in particular.
	For string
}

// Words in `from` that name nothing of the stack.
const (
	// FromOperator is whoever runs stackc and logs in on machines.
	FromOperator = "operator"
	// FromAnyone is everybody, inside and outside of the cluster.
	FromAnyone = "anyone"
)

// rangePattern is several ports in a row.
const rangePattern = `^[0-9]+-[0-9]+$`

var portRange = pattern.New(rangePattern)

// listeningWords are the keys of an entry of `ports`.
var listeningWords = []keyword[Listening]{
	{Keyword{Name: "port", Help: "the port, or the first and the last of several", Required: true,
		Shape: eitherShape(numberShape(1, 65535), stringShape(rangePattern)), Example: `10250`},
		func(d *decoder, p *Listening, v *syntax.Value) { p.First, p.Last = d.portsInARow(v) }},
	key("protocol", form[string]{choiceShape(protocols()...), (*decoder).protocol}, func(p *Listening) *string { return &p.Protocol },
		"tcp, as without it, or udp", `"udp"`),
	key("from", names(), func(p *Listening) *[]Word { return &p.From },
		"who uses it: units, host entries or roles, operator or anyone; nobody on another machine when it is not said", `["api", "operator"]`),
	key("for", form[string]{Shape{Kind: ShapeString}, (*decoder).said}, func(p *Listening) *string { return &p.For },
		"what it is for, for those who read the list", `"health"`),
}

func protocols() []string { return []string{"tcp", "udp"} }

// listenings are the further ports of a program.
func listenings() form[[]Listening] {
	return form[[]Listening]{manyShape(tableShape(Table{Name: "a port", Keys: keywordsOf(listeningWords)})), (*decoder).listenings}
}

func (d *decoder) listenings(v *syntax.Value) []Listening {
	elems := []*syntax.Value{v}
	if v.Kind == syntax.Array {
		elems = v.Elems
	}
	var list []Listening
	for i, e := range elems {
		d := d.index(i)
		t := d.table(e, "a table such as { port = 10250, from = \"api\" }")
		if t == nil {
			continue
		}
		p := Listening{Pos: d.pos(e.Span), Protocol: "tcp"}
		read(d, &p, t, "a port", listeningWords)
		if t.Get("port") == nil && !mistyped(t, keywordsOf(listeningWords).Names(), "port") {
			d.errorf(diag.MissingKey, e.Span, "an entry of ports needs %q", "port").help(`write { port = 10250, from = "…" }`)
		}
		list = append(list, p)
	}
	return list
}

func (d *decoder) protocol(v *syntax.Value) string {
	s := d.name(v)
	if s != "" && !slices.Contains(protocols(), s) {
		d.errorf(diag.BadValue, v.Span, "ports are not of protocol %q", s).suggest(s, protocols()).orHelp("the protocols are %s", oneOf(protocols()))
	}
	if s != "udp" {
		return "tcp"
	}
	return s
}

// portsInARow reads one port, or "30000-32767"; 0 when it is at fault.
func (d *decoder) portsInARow(v *syntax.Value) (first, last int) {
	r, ok := d.resolve(v)
	if !ok || r.Kind != syntax.String {
		n := d.number(v, 1, 65535).Value
		return n, n
	}
	if portRange().MatchString(r.Str) {
		from, to, _ := strings.Cut(r.Str, "-")
		first, _ = strconv.Atoi(from)
		last, _ = strconv.Atoi(to)
		if first >= 1 && first <= last && last <= 65535 {
			return first, last
		}
	}
	d.errorf(diag.BadValue, v.Span, "%q is no range of ports", r.Str).help(`write a number, or the first and the last: "30000-32767"`)
	return 0, 0
}

// saidPorts is what entries of `ports` say, to hold those of one layer against another's.
func saidPorts(list []Listening) string {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%d-%d/%s %q", p.First, p.Last, p.Protocol, p.For)
		for _, w := range p.From {
			b.WriteString(" " + w.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// ports gives the names in entries of `ports` their meaning. Words that name
// nothing of the stack, and roles, stay as they are.
func (n *resolver) ports(path string, list []Listening) {
	for i := range list {
		if from := list[i].From; len(from) > 0 {
			list[i].From = slices.Clone(from) // a library that is used twice shares none
			n.words(fmt.Sprintf("%s.ports[%d].from", path, i), list[i].From)
		}
	}
}
