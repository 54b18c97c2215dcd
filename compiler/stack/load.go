package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// Input is what a stack is loaded from.
type Input struct {
	Path   string
	Opener source.Opener
	// Std may be nil: then there are no libraries but those on a path.
	Std Library
	// Settings are parameter values from outside, the last one winning.
	Settings []Setting
	// Overlays are the paths of files that are laid over the stack, the last one
	// winning. Settings win over the values that they give.
	Overlays []string
	// Alone is for a library that is looked at without a stack: what it needs is
	// taken to be there, and parameters that must be given have some value.
	Alone bool
	// Unlocked takes the libraries as they are now, whatever the lock file says.
	Unlocked bool
}

// Load reads the stack file at in.Path with everything that it uses. The Stack
// is nil only when the file cannot be read at all; with errors in the list it
// holds what could be understood, so that later checks may go on.
func Load(in Input) (*Stack, diag.List) {
	var findings diag.List
	l := &loader{
		in:       in,
		findings: &findings,
		used:     map[string]*Use{},
		named:    map[string]*Use{},
		from:     map[*Unit]*Use{},
		hostFrom: map[*Host][]*Use{},
		roleFrom: map[*Role][]*Use{},
		doubled:  map[[2]*Use]bool{},
		stack: &Stack{
			Mark:  true,
			roles: map[string]*Role{}, hosts: map[string]*Host{}, units: map[string]*Unit{},
		},
	}
	file, err := in.Opener.Open(in.Path)
	if err != nil {
		findings.Add(notFound(in.Path, err))
		return nil, findings
	}
	l.layers(file)
	return l.stack, findings
}

func notFound(name string, err error) diag.Diagnostic {
	why := err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		why = fmt.Sprintf("there is no file %q", name)
	}
	return diag.Diagnostic{Severity: diag.Error, Code: diag.FileNotFound, Message: why}
}

// loader collects the layers of a stack: libraries first, then the stack file,
// overlays last.
type loader struct {
	in       Input
	findings *diag.List
	stack    *Stack
	used     map[string]*Use // library and parameters that are already in
	named    map[string]*Use // libraries that say their version, by their names
	open     []string        // paths of the files being loaded, outermost first
	overlaid bool            // an overlay is being laid over the rest

	born     []*Unit          // every unit that a file gave, be it removed later
	from     map[*Unit]*Use   // which file first gave a unit
	hostFrom map[*Host][]*Use // the libraries that share a host entry
	roleFrom map[*Role][]*Use
	doubled  map[[2]*Use]bool // uses that bring the same unit, which is reported

	lost     bool // a library could not be read, which is reported
	lock     *Lock
	lockRead bool
}

// file loads one file as a layer over what the stack holds. It returns what names
// mean in it, nil when the file is no TOML.
// of is the decoder of the use entry that names the file, nil for the stack file.
func (l *loader) file(file *source.File, use *Use, settings []Setting, of *decoder) *scope {
	tree, findings := syntax.Parse(file)
	l.findings.Add(findings...)
	if tree == nil || findings.HasErrors() {
		l.lost = true
		return nil
	}
	d := &decoder{scope: &scope{use: use}, findings: l.findings}
	tree = d.onlyKeys(tree, "a stack file", topWords().Names())
	l.header(d, file, tree)
	if l.declaration(d, tree); use != nil && !l.fits(of, use) {
		l.lost = true
		return nil
	}
	l.params(d, tree, settings)
	l.libraries(d, tree)
	l.roles(d, tree)
	l.hosts(d, tree)
	l.units(d, tree)
	return d.scope
}

// declaration reads what the file says of itself as a library.
func (l *loader) declaration(d *decoder, tree *syntax.Table) {
	e := tree.Get("library")
	if e == nil {
		return
	}
	lib := d.at("library").library(e)
	if lib.Name == "" {
		lib.Name = d.scope.name
	}
	if d.scope.use == nil {
		l.stack.Library = lib
	} else {
		d.scope.use.Declared = lib
	}
}

// header reads what the file says of itself.
func (l *loader) header(d *decoder, file *source.File, tree *syntax.Table) {
	top := d.scope.use == nil
	name := tree.Get("stack")
	if name == nil {
		l.nameless(d, file, tree)
	} else {
		d.scope.name = d.at("stack").name(name.Value)
		if s := d.scope.name; s != "" && !validStackName(s) {
			d.at("stack").errorf(diag.BadValue, name.Value.Span, "%q cannot be the name of a stack", s).
				help("use letters, digits, and - _ . / between them, at most 64")
		}
		if top {
			l.stack.Name, l.stack.Pos = d.scope.name, d.pos(name.Value.Span)
		}
	}
	l.wholeStack(d, tree)
}

// nameless reports a file that does not say its stack's name.
func (l *loader) nameless(d *decoder, file *source.File, tree *syntax.Table) {
	if !mistyped(tree, topWords().Names(), "stack") {
		d.errorf(diag.MissingKey, file.Span(0, 0), "the file does not say which stack it is").help(`begin it with stack = "NAME"`)
	}
}

// wholeStack reads the words that hold for all of the stack.
func (l *loader) wholeStack(d *decoder, tree *syntax.Table) {
	top := d.scope.use == nil
	if e := tree.Get("mark"); e != nil && top {
		l.stack.Mark = d.at("mark").flag(e.Value).Set
	}
	if e := tree.Get("systemd"); e != nil {
		if n := systemdVersion().read(d.at("systemd"), e.Value); top {
			l.stack.Systemd = n.Value
		}
	}
	if e := tree.Get("allow"); e != nil {
		l.stack.Allow = append(l.stack.Allow, d.at("allow").allowances(e.Value)...)
	}
}

// systemdVersion is how a stack says which systemd the hosts have.
func systemdVersion() form[Int] { return number(1, 100000) }

func validStackName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(s) <= 64 && strings.Trim(s, letters+"-_./") == "" &&
		strings.ContainsRune(letters, rune(s[0])) && strings.ContainsRune(letters, rune(s[len(s)-1]))
}

func (l *loader) params(d *decoder, tree *syntax.Table, settings []Setting) {
	d = d.at("params")
	var params []*Param
	if e := tree.Get("params"); e != nil {
		if t := d.table(e.Value, "a table of parameters"); t != nil {
			params = d.params(t)
		}
	}
	if l.in.Alone && d.scope.use == nil {
		samples(params)
	}
	d.bind(params, settings)
	d.scope.params = map[string]*Param{}
	for _, p := range params {
		d.scope.params[p.Name] = p
		if p.Type == TypeCIDR && p.Value != nil {
			l.stack.Networks = append(l.stack.Networks, p)
		}
	}
	if d.scope.use == nil {
		l.stack.Params = params
	} else {
		l.stack.Used = append(l.stack.Used, Used{Use: d.scope.use, Stack: d.scope.name, Params: params})
	}
}

// roles reads [roles].
func (l *loader) roles(d *decoder, tree *syntax.Table) {
	d = d.at("roles")
	t := d.tableOf(tree, "roles")
	for _, e := range t.Entries {
		r := d.at(e.Key).role(e, l.overlaidRole(e.Key))
		if old := l.stack.roles[e.Key]; old != nil {
			if l.shares(d, l.roleFrom[old]) {
				l.sharedRole(d.at(e.Key), e, r, old)
				l.roleFrom[old] = append(l.roleFrom[old], d.scope.use)
				continue
			}
			*old = *r
			continue
		}
		l.roleFrom[r] = []*Use{d.scope.use}
		l.stack.roles[e.Key] = r
		l.stack.Roles = append(l.stack.Roles, r)
	}
}

// tableOf returns the table under key, an empty one when there is none.
func (d *decoder) tableOf(tree *syntax.Table, key string) *syntax.Table {
	if e := tree.Get(key); e != nil {
		if t := d.table(e.Value, "a table"); t != nil {
			return t
		}
	}
	return &syntax.Table{}
}

// roleWords are the keys of a role.
var roleWords = []keyword[Role]{
	key("metadata", pairs(), func(r *Role) *[]Word { return &r.Pairs },
		"the key=value pairs of fleet's metadata that its machines have", `"role=master"`).required(),
	key("address", address(), func(r *Role) *Text { return &r.Address },
		"where its one machine is found from others, without a port", `"10.0.0.1"`),
	key("systemd", systemdVersion(), func(r *Role) *Int { return &r.Systemd },
		"version of systemd on its machines", "219"),
}

// role reads one role, over what is known of it unless that is nil.
func (d *decoder) role(e *syntax.Entry, over *Role) *Role {
	r := &Role{Name: e.Key, Pos: d.pos(e.KeySpan), Metadata: units.Metadata{}}
	if over != nil {
		r.Address, r.Systemd = over.Address, over.Systemd
	}
	v := e.Value
	if v.Kind == syntax.KindTable {
		read(d, r, v.Table, "a role", roleWords)
		m := v.Table.Get("metadata")
		if m == nil && over != nil {
			r.Metadata, r.Pairs, r.Broken = over.Metadata, over.Pairs, over.Broken
			return r
		}
		if m == nil {
			if !mistyped(v.Table, keywordsOf(roleWords).Names(), "metadata") {
				d.noMetadata(e)
			}
			r.Broken = true
			return r
		}
		v = m.Value
	} else {
		r.Pairs = d.pairs(v)
	}
	if v.Kind == syntax.Array && len(v.Elems) == 0 {
		d.noMetadata(e)
	}
	for _, p := range r.Pairs {
		key, value, _ := strings.Cut(p.Value, "=")
		r.Metadata[key] = append(r.Metadata[key], value)
	}
	r.Broken = len(r.Pairs) == 0
	return r
}

func (d *decoder) noMetadata(e *syntax.Entry) {
	d.errorf(diag.MissingKey, e.KeySpan, "role %q does not say which machines it means", e.Key).help(`add metadata = "key=value"`)
}

// address reads a host without a port. One at fault counts as given, so that
// nobody misses it.
func (d *decoder) address(v *syntax.Value) Text { return d.checkAddress(v, d.text(v)) }

func (d *decoder) checkAddress(v *syntax.Value, t Text) Text {
	s, ok := d.closed(t)
	if why := checkHost(s); ok && why != "" {
		d.errorf(diag.BadValue, v.Span, "%q is not an address: %s", s, why)
		ok = false
	}
	if !ok {
		return plainText(d.pos(v.Span), nil, "unknown")
	}
	return t
}

// addresses reads one host without a port, or several.
func (d *decoder) addresses(v *syntax.Value) []Text {
	r, ok := d.resolve(v)
	if !ok || r.Kind != syntax.Array {
		return []Text{d.address(v)}
	}
	var list []Text
	for i, e := range r.Elems {
		before := len(*d.findings)
		t := plainText(d.pos(e.Span), nil, paramText(e)) // a list of a parameter may hold numbers
		if v.Kind == syntax.Array {
			t = d.index(i).text(e)
		}
		a := d.index(i).checkAddress(e, t)
		again := slices.ContainsFunc(list, func(b Text) bool { return a.Expand(nil) == b.Expand(nil) })
		if again && len(*d.findings) == before {
			d.index(i).errorf(diag.BadValue, e.Span, "%q stands there twice", a.Expand(nil))
		}
		list = append(list, a)
	}
	return list
}

// hosts reads [host.*].
func (l *loader) hosts(d *decoder, tree *syntax.Table) {
	d = d.at("host")
	t := d.tableOf(tree, "host")
	for _, e := range t.Entries {
		d := d.at(e.Key)
		body := d.table(e.Value, "a table")
		if body == nil {
			continue
		}
		h := l.stack.hosts[e.Key]
		if h != nil && l.shares(d, l.hostFrom[h]) {
			l.shareHost(d, h, body)
			l.hostFrom[h] = append(l.hostFrom[h], d.scope.use)
			continue
		}
		if h != nil && !l.nameable(d, e, e.Key, l.hostFrom[h]...) {
			continue
		}
		if h == nil {
			h = &Host{Key: e.Key, Pos: d.pos(e.KeySpan)}
			l.stack.hosts[e.Key] = h
			l.stack.Hosts = append(l.stack.Hosts, h)
			l.hostFrom[h] = []*Use{d.scope.use}
		}
		d.host(h, body)
		if h.Unit == "" && len(h.Addresses) == 0 && body.Get("unit") == nil && !mistyped(body, keywordsOf(hostWords).Names(), "unit", "address") {
			d.errorf(diag.MissingKey, e.KeySpan, "host %q names no unit", e.Key).
				help(`add unit = %q when it is a unit of the hosts, or address = "…" when it is outside of the cluster`, units.Complete(e.Key))
		}
	}
}

// hostWords are the keys of a host entry.
var hostWords = []keyword[Host]{
	key("unit", form[units.Name]{stringShape(NotEmpty), (*decoder).unitName}, func(h *Host) *units.Name { return &h.Unit },
		"the unit that the hosts have without fleet", `"etcd.service"`),
	key("role", names(), func(h *Host) *[]Word { return &h.Roles },
		"the role on whose machines it is, or several; every machine when it is not said", `"master"`),
	key("port", port(), func(h *Host) *Int { return &h.Port },
		"the port it listens on", `4001`),
	key("ready", readiness(), func(h *Host) **Ready { return &h.Ready },
		"how those that follow it learn that it is up", `{ http = "/version" }`),
	key("address", addresses(), func(h *Host) *[]Text { return &h.Addresses },
		"where it is found from other machines, or several places of which any will do; without a unit it is outside of the cluster", `"registry.example.com"`),
	key("after", names(), func(h *Host) *[]Word { return &h.After },
		"units of the stack that it needs itself", `["api"]`),
}

func (d *decoder) host(h *Host, t *syntax.Table) { read(d, h, t, "a host entry", hostWords) }

// unitName reads the full name of a unit.
func (d *decoder) unitName(v *syntax.Value) units.Name {
	s := d.name(v)
	if s == "" {
		return ""
	}
	d.suffix(s, v.Span)
	name, err := units.ParseName(units.Complete(s))
	if err != nil {
		d.errorf(diag.UnitName, v.Span, "%s", err)
	}
	return name
}

// suffix reports a name that ends almost in a type of units: it would be taken
// for the name of a service with a dot in it.
func (d *decoder) suffix(name string, span source.Span) (mistyped bool) {
	full := units.Complete(name)
	dot := strings.LastIndexByte(name, '.')
	if full == name || dot < 0 {
		return false
	}
	types := []string{"service", "socket", "timer", "path", "mount", "automount", "device", "target"}
	meant, ok := suggestion(name[dot+1:], types)
	if ok {
		d.errorf(diag.UnitName, span, "%q would be the service %q", name, full).
			help("write %q, or %q if that is meant", name[:dot+1]+meant, full)
	}
	return ok
}

// units reads [unit.*]; `unit.X = false` removes what a library brought.
func (l *loader) units(d *decoder, tree *syntax.Table) {
	d = d.at("unit")
	t := d.tableOf(tree, "unit")
	for _, e := range t.Entries {
		key := d.scope.use.prefix() + e.Key
		l.unit(d.at(key), key, e)
	}
	l.stack.Units = slices.DeleteFunc(l.stack.Units, func(u *Unit) bool { return l.stack.units[u.Key] != u })
}

// unit reads what a file says of the unit that has that key in the whole stack.
func (l *loader) unit(d *decoder, key string, e *syntax.Entry) {
	u := l.stack.units[key]
	if e.Value.Kind == syntax.Bool && !e.Value.Bool {
		l.remove(d, key, e, u)
		return
	}
	body := d.table(e.Value, "a table, or false to remove the unit of a library")
	if body == nil {
		return
	}
	if u != nil && !l.mayChange(d, u) {
		l.twice(d, e, u)
		return
	}
	if u != nil && !l.nameable(d, e, key, l.from[u]) {
		return
	}
	if u == nil {
		u = &Unit{Key: key, Pos: d.pos(e.KeySpan), State: units.Launched}
		l.stack.units[key] = u
		l.stack.Units = append(l.stack.Units, u)
		l.from[u] = d.scope.use
		l.born = append(l.born, u)
		if d.scope.use.prefix() != "" && !d.mayRename(key, u.Pos) {
			d.unitNameOf(u)
			u.Unread = true // what it says is about the old name
			return
		}
	}
	d.unit(u, body)
	d.unitNameOf(u)
	d.placeByText(u)
}

// twice reports a unit that comes from two libraries, or twice from one. Of two
// uses the first such unit is told of.
func (l *loader) twice(d *decoder, e *syntax.Entry, u *Unit) {
	first := l.from[u]
	pair := [2]*Use{first, d.scope.use}
	if l.doubled[pair] {
		return
	}
	l.doubled[pair] = true
	if first != nil && d.scope.use != nil && first.Source == d.scope.use.Source {
		d.errorf(diag.DuplicateUnit, e.KeySpan, "library %q is used twice, with different parameters, and unit %q would be there twice", first.Library, u.Key).
			note(first.Span, "used here first").help(`give one of the entries a prefix: prefix = "…-"`)
		return
	}
	f := d.errorf(diag.DuplicateUnit, e.KeySpan, "unit %q comes from two libraries", u.Key).note(u.Pos.Span, "first here")
	for _, n := range UseNotes(first) {
		f.note(n.Span, n.Message)
	}
	f.help("leave it out of one of them with unit.%s = false where that library is used, or give one a prefix", syntax.Key(e.Key))
}

// nameable reports whether the file of d may change what others gave; what a
// library does not export is a finding.
func (l *loader) nameable(d *decoder, e *syntax.Entry, key string, owners ...*Use) bool {
	if slices.ContainsFunc(owners, func(o *Use) bool { return sees(d.scope.use, o, key) }) {
		return true
	}
	message, help := notExported(hider(d.scope.use, owners[0], key), key)
	d.errorf(diag.NotExported, e.KeySpan, "%s", message).help("%s; one of your own needs another name", help)
	return false
}

// remove takes out a unit that a file below this one brought.
func (l *loader) remove(d *decoder, key string, e *syntax.Entry, u *Unit) {
	if u == nil || !l.mayChange(d, u) {
		d.errorf(diag.UnknownUnit, e.KeySpan, "%s", l.removeFrom(key)).suggest(key, l.unitKeys())
		return
	}
	if l.nameable(d, e, key, l.from[u]) {
		delete(l.stack.units, key)
	}
}

func (l *loader) unitKeys() []string {
	keys := make([]string, 0, len(l.stack.Units))
	for _, u := range l.stack.Units {
		keys = append(keys, u.Key)
	}
	return keys
}

// unitNameOf works out the full name of a unit from its key.
func (d *decoder) unitNameOf(u *Unit) {
	u.Unread = d.suffix(u.Key, u.Pos.Span) || u.Unread // its sections are another type's
	full := units.Complete(u.Key)
	if u.Counted() {
		if strings.Contains(full, "@") {
			d.errorf(diag.UnitName, u.Pos.Span, "a unit with count gets its own instances: %q must not hold an @", u.Key)
			return
		}
		dot := strings.LastIndexByte(full, '.')
		full = full[:dot] + "@" + full[dot:]
	}
	name, err := units.ParseName(full)
	if err != nil {
		d.errorf(diag.UnitName, u.Pos.Span, "%s", err)
		return
	}
	if !units.FleetType(name.Type()) {
		f := d.errorf(diag.UnitType, u.Pos.Span, "fleet starts a %s and then never unloads it: %q would stay on its machine for ever", name.Type(), name).
			help("use a service, socket, timer, path, mount, automount or device; what the host needs as a %s belongs to the host's own units", name.Type())
		if u.Verbatim != nil { // as it is on the cluster it came from
			f.d.Severity = diag.Warning
		}
	}
	u.Name = name
}
