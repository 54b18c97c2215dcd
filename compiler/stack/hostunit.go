package stack

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// DropIn is a piece of a unit that is laid over the one that the image has.
type DropIn struct {
	Name     string // "50-insecure-registry.conf"
	Pos      Pos
	Sections []*Section
}

// Variable is an environment variable with its value.
type Variable struct {
	Name  string
	Pos   Pos
	Value Text
}

// Mask says on which machines a unit is masked: all that have it, or those of roles.
type Mask struct {
	Pos        Pos
	Everywhere bool
	Roles      []Word
}

// On reports whether the unit is masked on a machine with those roles.
func (m Mask) On(roles []string) bool {
	return m.Everywhere || slices.ContainsFunc(m.Roles, func(w Word) bool { return slices.Contains(roles, w.Value) })
}

// On reports whether machines with those roles have the host unit.
func (h *Host) On(roles []string) bool {
	return len(h.Roles) == 0 || slices.ContainsFunc(h.Roles, func(w Word) bool { return slices.Contains(roles, w.Value) })
}

// Generated reports whether bootstrap writes anything of the unit.
func (h *Host) Generated() bool {
	return len(h.Sections)+len(h.DropIns)+len(h.Environment)+len(h.Env) > 0 || !h.Mask.Pos.Span.IsZero() || h.Enable.Set || h.Start.Set
}

// dropInPattern is what systemd reads beside a unit (systemd.unit(5)).
const dropInPattern = `^[A-Za-z0-9:_.\\@-]+\.conf$`

var dropInName = pattern.New(dropInPattern)

// hostSections are the sections that a unit of the hosts can have: networkd's too.
func hostSections() []string {
	return append(knownSections()[:len(knownSections())-1], "Swap", "Slice", "Match", "Network", "Link", "Address", "Route", "NetDev")
}

// hostSection reads one raw section into list.
func (d *decoder) hostSection(list *[]*Section, e *syntax.Entry) {
	if !slices.Contains(hostSections(), e.Key) && !strings.HasPrefix(e.Key, "X-") {
		d.errorf(diag.UnknownSection, e.KeySpan, "no unit of a host has a section %q", e.Key).
			suggest(e.Key, hostSections()).orHelp("the sections are %s, and any that begins with X-", oneOf(hostSections()))
		return
	}
	t := d.table(e.Value, "a table of directives")
	if t == nil {
		return
	}
	at := slices.IndexFunc(*list, func(s *Section) bool { return s.Name == e.Key })
	if at < 0 {
		at = len(*list)
		*list = append(*list, &Section{Name: e.Key, Pos: d.pos(e.KeySpan)})
	}
	for _, entry := range t.Entries {
		d.at(entry.Key).directive((*list)[at], entry)
	}
}

// dropIns reads `drop_in = { "50-name.conf" = { Service = { … } } }` over old ones.
func (d *decoder) dropIns(h *Host, v *syntax.Value) {
	t := d.table(v, `a table such as { "50-name.conf" = { Service = { … } } }`)
	if t == nil {
		return
	}
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if !dropInName().MatchString(e.Key) {
			d.errorf(diag.BadValue, e.KeySpan, "systemd reads no drop-in of the name %q", e.Key).help("a name ends in .conf, as 50-%s.conf", strings.TrimSuffix(e.Key, ".conf"))
			continue
		}
		body := d.table(e.Value, "a table of sections")
		if body == nil {
			continue
		}
		at := slices.IndexFunc(h.DropIns, func(o *DropIn) bool { return o.Name == e.Key })
		if at < 0 {
			at = len(h.DropIns)
			h.DropIns = append(h.DropIns, &DropIn{Name: e.Key, Pos: d.pos(e.KeySpan)})
		}
		for _, s := range body.Entries {
			d.at(s.Key).hostSection(&h.DropIns[at].Sections, s)
		}
	}
}

// dropInsShape is what dropIns reads.
func dropInsShape() Shape {
	return mapShape(dropInPattern, tableShape(Table{Name: "a drop-in", Sections: hostSections()}))
}

// variables reads `environment = { NAME = "value" }`.
func (d *decoder) variables(v *syntax.Value) []Variable {
	t := d.table(v, `a table such as { HTTP_PROXY = "http://10.0.0.1:3128" }`)
	if t == nil {
		return nil
	}
	var list []Variable
	for _, e := range t.Entries {
		d := d.at(e.Key)
		if !envName(e.Key) {
			d.errorf(diag.BadValue, e.KeySpan, "%q is not the name of an environment variable", e.Key)
			continue
		}
		if t := d.scalar(e.Value); t.Given() {
			list = append(list, Variable{Name: e.Key, Pos: d.pos(e.KeySpan), Value: t})
		}
	}
	return list
}

func variableShape() Shape {
	return mapShape(envPattern, eitherShape(stringShape(""), Shape{Kind: ShapeNumber}, Shape{Kind: ShapeBool}))
}

// mask reads true, or roles.
func (d *decoder) mask(v *syntax.Value) Mask {
	m := Mask{Pos: d.pos(v.Span)}
	if r, ok := d.resolve(v); ok && r.Kind == syntax.Bool {
		m.Everywhere = r.Bool
		return m
	}
	m.Roles = d.words(v)
	return m
}

func maskForm() form[Mask] {
	return form[Mask]{eitherShape(append(names().shape.Either, Shape{Kind: ShapeBool})...), (*decoder).mask}
}

// hostUnitName reads the name of a unit of the hosts; networkd's files are given to
// machines as units are.
func (d *decoder) hostUnitName(v *syntax.Value) units.Name {
	quiet := &decoder{scope: d.scope, findings: &diag.List{}}
	name := quiet.name(v)
	for _, suffix := range []string{".network", ".netdev", ".link"} {
		if strings.HasSuffix(name, suffix) && len(name) > len(suffix) && !strings.ContainsAny(name, "/ \t\n") {
			return units.Name(name)
		}
	}
	return d.unitName(v)
}

// checkHosts reports what the hosts' own units cannot have.
func (l *loader) checkHosts() {
	for _, h := range l.stack.Hosts {
		path := "host." + Key(h.Key)
		if h.Unit == "" && h.Generated() && !h.StandIn {
			l.findings.Add(Finding(diag.Error, diag.MissingKey, h.Pos, path, "host %q says what is written for a unit, and names none", h.Key).
				WithHelp("add unit = " + quote(units.Complete(h.Key))))
		}
		l.knownRoles(path+".mask", h.Mask.Roles)
		on := func(m *Machine) bool { return h.On(m.roleNames()) }
		for _, v := range h.Environment {
			l.hostText(path+".environment."+v.Name, v.Value, on)
		}
		for _, v := range h.Env {
			l.hostText(path+".env."+v.Name, v.File, on)
		}
		lists := [][]*Section{h.Sections}
		for _, in := range h.DropIns {
			lists = append(lists, in.Sections)
		}
		for _, s := range slices.Concat(lists...) {
			for _, dir := range s.Directives {
				for _, v := range dir.Values {
					l.hostText(path+"."+s.Name+"."+dir.Name, v, on)
				}
			}
		}
	}
}

// saidOfUnit is what the entry says under a key that is about writing the unit.
func (h *Host) saidOfUnit(key string) string {
	var b strings.Builder
	sections := func(list []*Section) {
		for _, s := range list {
			for _, dir := range s.Directives {
				b.WriteString(s.Name + "." + dir.Name + "=" + sources(dir.Values) + "\n")
			}
		}
	}
	switch key {
	case "drop_in":
		for _, in := range h.DropIns {
			b.WriteString(in.Name + "\n")
			sections(in.Sections)
		}
	case "environment":
		for _, v := range h.Environment {
			b.WriteString(v.Name + "=" + v.Value.Source() + "\n")
		}
	case "env":
		for _, v := range h.Env {
			b.WriteString(v.Name + "=" + v.File.Source() + "\n")
		}
	case "mask":
		for _, w := range h.Mask.Roles {
			b.WriteString(w.Value + "\n")
		}
		if h.Mask.Everywhere {
			b.WriteString("true")
		}
	case "enable":
		return flagText(h.Enable)
	case "start":
		return flagText(h.Start)
	default:
		if isSection(key) {
			sections(h.Sections)
		}
	}
	return b.String()
}

func flagText(f Flag) string {
	if f.Pos.Span.IsZero() {
		return ""
	}
	return map[bool]string{true: "true", false: "false"}[f.Set]
}

// fillUnit takes what h does not say of how its unit is written from another entry.
func (h *Host) fillUnit(again *Host) {
	if h.Sections == nil {
		h.Sections = again.Sections
	}
	if h.DropIns == nil {
		h.DropIns = again.DropIns
	}
	if h.Environment == nil {
		h.Environment = again.Environment
	}
	if h.Env == nil {
		h.Env = again.Env
	}
	if h.Mask.Pos.Span.IsZero() {
		h.Mask = again.Mask
	}
	if h.Enable.Pos.Span.IsZero() {
		h.Enable = again.Enable
	}
	if h.Start.Pos.Span.IsZero() {
		h.Start = again.Start
	}
}
