package stack

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units/pattern"
)

// Check is a question that the stack wants answered well once it runs, for a
// person would ask it as well: whether the apiserver lists every node, for example.
// It becomes no part of any unit.
type Check struct {
	Name string
	Pos  Pos
	// Of is the unit or host entry that is asked; no name for a whole URL and for etcd.
	Of Word
	// Port is asked in place of the port of Of, when it is given.
	Port Int
	// HTTP is a path at Of, or a URL; Etcd is a key of etcd. One of them is given.
	HTTP, Etcd Text
	// List says where in the JSON answer the list stands, in the form of listPattern; "" when
	// the answer is not taken for one. Of a key it is the names below it.
	List Word
	// Equals is what the list must hold, in any order; AddressesOf are the roles of
	// whose machines it must hold the addresses. At most one is given.
	Equals      []Word
	AddressesOf []Word
	// Contains is text that the answer must hold.
	Contains Text
	// Help says what to do when the answer is another one, "" for nothing in particular.
	Help string
	// Broken says that the check is at fault, which is reported.
	Broken bool
}

// Lists reports whether the answer is held against a list.
func (c *Check) Lists() bool { return c.Equals != nil || c.AddressesOf != nil }

// listPattern is where a list stands in JSON: keys from the outside in, [] behind
// those that hold an array, of which every element is looked at.
const listPattern = `^[A-Za-z0-9_$-]+(\[\])?(\.[A-Za-z0-9_$-]+(\[\])?)*$`

var listPath = pattern.New(listPattern)

// checkWords are the keys of a check.
var checkWords = []keyword[Check]{
	key("http", text(pathOrURL), func(c *Check) *Text { return &c.HTTP },
		"the path that of is asked for, or a URL; the answer must be below 400", `"/healthz"`),
	key("of", oneName(), func(c *Check) *Word { return &c.Of },
		"the unit or host entry that is asked, on every machine that has it", `"api"`),
	key("port", port(), func(c *Check) *Int { return &c.Port },
		"the port that is asked; that of of when it is not said", `10248`),
	key("etcd", text(slashPattern), func(c *Check) *Text { return &c.Etcd },
		"the key that etcd is asked for; its answer is the names below the key", `"/registry/minions"`),
	key("list", form[Word]{stringShape(listPattern), (*decoder).word}, func(c *Check) *Word { return &c.List },
		"where the list stands in the JSON answer, with [] behind what is an array", `"items[].id"`),
	key("equals", form[[]Word]{manyShape(stringShape(NotEmpty)), (*decoder).entries}, func(c *Check) *[]Word { return &c.Equals },
		"what the list must hold, in any order", `["10.0.0.1", "10.0.0.2"]`),
	key("addresses_of", names(), func(c *Check) *[]Word { return &c.AddressesOf },
		"a role, or several, of whose machines the list must hold the addresses, in any order", `"node"`),
	key("contains", text(NotEmpty), func(c *Check) *Text { return &c.Contains },
		"text that the answer must hold", `"ok"`),
	key("help", form[string]{Shape{Kind: ShapeString}, (*decoder).said}, func(c *Check) *string { return &c.Help },
		"what to do when the answer is another one", `"look at kube-register's journal"`),
}

// entries reads what a list must hold; a list of a parameter may hold numbers.
func (d *decoder) entries(v *syntax.Value) []Word {
	r, ok := d.resolve(v)
	if !ok || r == v || r.Kind != syntax.Array {
		return d.words(v)
	}
	list := make([]Word, 0, len(r.Elems))
	for _, e := range r.Elems {
		list = append(list, Word{Value: paramText(e), Pos: d.pos(v.Span)})
	}
	return list
}

// checkTable is a check as it stands in a file.
func checkTable() Table {
	return Table{Name: "a check", Keys: keywordsOf(checkWords)} // what it asks may stand in the library that it changes
}

// checkShape is a check, or false to take one of a library out.
func checkShape() Shape { return eitherShape(tableShape(checkTable()), Shape{Kind: ShapeFalse}) }

// checks reads [check.*]; `check.X = false` takes out what a library brought. The
// checks of a library that is used with a prefix have that before their names.
func (l *loader) checks(d *decoder, tree *syntax.Table) {
	d = d.at("check")
	for _, e := range d.tableOf(tree, "check").Entries {
		name := d.scope.use.prefix() + e.Key
		l.check(d.at(name), name, e)
	}
}

func (l *loader) check(d *decoder, name string, e *syntax.Entry) {
	i := slices.IndexFunc(l.stack.Checks, func(c *Check) bool { return c.Name == name })
	takenOut := e.Value.Kind == syntax.Bool && !e.Value.Bool
	if takenOut && i < 0 {
		d.errorf(diag.UnknownName, e.KeySpan, "there is no check %q to take out", name).suggest(name, l.checkNames())
		return
	}
	var body *syntax.Table
	if !takenOut {
		if body = d.table(e.Value, "a table, or false to take out the check of a library"); body == nil {
			return
		}
	}
	before := l.agreement.disputed(d.path())
	l.agreeOnCheck(d, e)
	switch c := (&Check{Name: name, Pos: d.pos(e.KeySpan)}); {
	case l.agreement.disputed(d.path()): // which is reported
	case takenOut:
		l.stack.Checks = slices.Delete(l.stack.Checks, i, i+1)
	case i < 0:
		l.stack.Checks = append(l.stack.Checks, c)
		l.readCheck(d, c, e, body)
	case before:
		l.stack.Checks[i] = c // a mix of what libraries say differently was nobody's check
		l.readCheck(d, c, e, body)
	default:
		l.readCheck(d, l.stack.Checks[i], e, body)
	}
}

// agreeOnCheck holds a check against what other libraries say of it, as a whole: one
// half from each would ask what nobody wrote.
func (l *loader) agreeOnCheck(d *decoder, e *syntax.Entry) {
	if text, ok := d.sameText(e.Value); ok {
		now := saying{text: strconv.Quote(d.scope.use.prefix()) + text, pos: d.pos(e.KeySpan)} // names in it begin with the prefix
		l.agreement.note(d.path(), now, l.overlaid)
	}
}

// readCheck reads what a file says of a check over what c holds of it.
func (l *loader) readCheck(d *decoder, c *Check, e *syntax.Entry, body *syntax.Table) {
	before := len(*d.findings)
	read(d, c, body, "a check", checkWords)
	if len(*d.findings) == before && !slices.ContainsFunc(body.Entries, func(e *syntax.Entry) bool { return d.lost(e.Value) }) {
		d.wholeCheck(c, e, elsewhere(c.Pos.Span, l.stack.Checks, func(c *Check) (string, Pos) { return c.Name, c.Pos }))
		c.Broken = len(*d.findings) > before
		return
	}
	c.Broken = true
}

func (l *loader) checkNames() []string {
	list := make([]string, len(l.stack.Checks))
	for i, c := range l.stack.Checks {
		list[i] = c.Name
	}
	return list
}

// wholeCheck reports words of a check that do not go together. One that asks nothing may
// be meant to be one of those that are known.
func (d *decoder) wholeCheck(c *Check, e *syntax.Entry, known []string) {
	for _, t := range []Text{c.HTTP, c.Etcd, c.Contains} {
		if t.Given() {
			if _, ok := d.closed(t); !ok {
				return
			}
		}
	}
	path := strings.HasPrefix(c.HTTP.Source(), "/")
	url := strings.Contains(c.HTTP.Source(), "://")
	switch {
	case !c.HTTP.Given() && !c.Etcd.Given():
		d.errorf(diag.MissingKey, e.KeySpan, "check %q asks nothing", c.Name).suggest(c.Name, known).
			orHelp(`add http = "/path" and of = "UNIT", http = "http://…", or etcd = "/key"`)
	case c.HTTP.Given() && c.Etcd.Given():
		d.errorf(diag.BadValue, c.Etcd.Pos.Span, "check %q asks both http and etcd", c.Name).help("make two checks of it")
	case c.HTTP.Given() && !path && !url:
		d.errorf(diag.BadValue, c.HTTP.Pos.Span, "%q is neither a path nor a URL", c.HTTP.Source()).help("write a path, such as %q, and of = the unit that is asked", "/"+c.HTTP.Source())
	case !sentAsIs(c.HTTP.Source()):
		d.errorf(diag.BadValue, c.HTTP.Pos.Span, "%q cannot be asked over HTTP", c.HTTP.Source()).help("percent-encode what a URL cannot hold")
	case path && c.Of.Value == "":
		d.errorf(diag.MissingKey, e.KeySpan, "check %q has a path and does not say who is asked for it", c.Name).help(`add of = "UNIT"`)
	case c.Of.Value != "" && !path:
		d.errorf(diag.BadValue, c.Of.Pos.Span, "of goes with a path in http").help("leave it out: the check says itself where it asks")
	case c.Port.Given() && !path:
		d.errorf(diag.BadValue, c.Port.Pos.Span, "port goes with a path in http").help("leave it out: the check says itself where it asks")
	case c.Etcd.Given() && !strings.HasPrefix(c.Etcd.Source(), "/"):
		d.errorf(diag.BadValue, c.Etcd.Pos.Span, "%q does not begin with a slash", c.Etcd.Source()).help("write %q", "/"+c.Etcd.Source())
	default:
		d.wholeAnswer(c, e)
	}
}

// wholeAnswer reports words about the answer that do not go together.
func (d *decoder) wholeAnswer(c *Check, e *syntax.Entry) {
	switch {
	case c.List.Value != "" && !listPath().MatchString(c.List.Value):
		d.errorf(diag.BadValue, c.List.Pos.Span, "%q does not say where a list stands", c.List.Value).help(`name the keys from the outside in, like "items[].metadata.name"`)
	case c.Equals != nil && c.AddressesOf != nil:
		d.errorf(diag.BadValue, e.KeySpan, "check %q says both equals and addresses_of", c.Name).help("keep one of them")
	case c.Lists() && c.HTTP.Given() && c.List.Value == "":
		d.errorf(diag.MissingKey, e.KeySpan, "check %q does not say where in the answer the list stands", c.Name).help(`add list = "items[].id", for example`)
	case c.List.Value != "" && c.Etcd.Given():
		d.errorf(diag.BadValue, c.List.Pos.Span, "list goes with http: of a key it is the names below it").help("leave it out")
	case c.List.Value != "" && !c.Lists():
		d.errorf(diag.MissingKey, c.List.Pos.Span, "the list is held against nothing").help(`add equals = ["…"], or addresses_of = "ROLE"`)
	}
}

// sentAsIs reports whether a path or URL can be asked for as it stands.
func sentAsIs(s string) bool {
	_, err := url.ParseRequestURI(s)
	return s == "" || err == nil && !strings.ContainsAny(s, " \t")
}
