package review

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/compare"
)

// Side is one side of a comparison.
type Side struct {
	Source Source
	Set    *units.Set
	// Locate tells where the line of that index of a unit comes from, nil for a
	// side that has no files; index -1 stands for the unit itself.
	Locate func(name units.Name, index int) *Place
}

func (s Side) place(name units.Name, index int) *Place {
	if s.Locate == nil || name == "" {
		return nil
	}
	return s.Locate(name, index)
}

// Options say how much a Report tells.
type Options struct {
	// Context is how many lines that do not differ stand around a directive.
	Context int
	// ShowSecrets leaves secrets as they are.
	ShowSecrets bool
}

// Build makes the report about bringing a cluster from old to new, which plan
// does.
func Build(old, new Side, plan *fleet.Plan, findings diag.List, o Options) *Report {
	b := &builder{old: old, new: new, plan: plan, options: o}
	r := &Report{
		Version: Version, Stack: plan.Stack, Old: old.Source, New: new.Source,
		Machines: orEmpty(plan.Machines), Units: []Unit{}, Meanwhile: b.meanwhile(), Waves: orEmpty(plan.Waves),
		Warnings: orEmpty(plan.Warnings), Findings: diag.Findings(findings),
		Summary: Summary{Units: len(new.Set.Units), Fates: map[fleet.Fate]int{}},
	}
	changes := map[units.Name]compare.Unit{}
	renamed := map[units.Name]bool{}
	for _, c := range compare.Sets(old.Set, new.Set) {
		changes[c.Name] = c
		if c.Kind == compare.Renamed {
			renamed[c.Old.Name] = true
		}
		r.Summary.count(c.Kind)
	}
	for _, u := range plan.Units {
		effect := plan.Effect(u)
		r.Summary.Fates[effect.Fate]++
		c, differs := changes[u.Unit]
		switch {
		case renamed[u.Unit]: // it stands with its new name
		case differs || effect.Touched() || u.Action != fleet.None || effect.Fate == fleet.Unplaced:
			r.Units = append(r.Units, b.unit(u, c, effect))
		}
	}
	return r
}

// meanwhile is the plan's, without the secrets that a URL may hold.
func (b *builder) meanwhile() fleet.Meanwhile {
	m := b.plan.Meanwhile()
	for i, h := range m.Holding {
		m.Holding[i].Probe = b.mask(h.Probe)
	}
	return m
}

func (s *Summary) count(kind compare.Kind) {
	switch kind {
	case compare.Added:
		s.Added++
	case compare.Removed:
		s.Removed++
	case compare.Changed:
		s.Changed++
	case compare.Rewritten:
		s.Rewritten++
	case compare.Renamed:
		s.Renamed++
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

type builder struct {
	old, new Side
	plan     *fleet.Plan
	options  Options
}

func (b *builder) unit(u fleet.UnitPlan, c compare.Unit, effect fleet.Effect) Unit {
	out := Unit{
		Unit: u.Unit, Change: compare.Same, Action: u.Action, From: u.From, To: u.To, Effect: effect,
		Consequences: slices.Clone(u.Consequences), Now: u.Placement.Now, Then: u.Placement.Then,
	}
	if c.Kind != "" {
		out.Change = c.Kind
	}
	if out.Place = b.new.place(u.Unit, -1); out.Place == nil {
		out.Place = b.old.place(u.Unit, -1)
	}
	if effect.Fate == fleet.Unplaced {
		out.Refused = u.Placement.Refused
	}
	if c.Kind == compare.Renamed {
		out.Was = c.Old.Name
		if was, ok := b.plan.Unit(c.Old.Name); ok {
			out.Now, out.From = was.Placement.Now, was.From
			for _, said := range was.Consequences {
				out.Consequences = append(out.Consequences, string(out.Was)+" "+said)
			}
		}
	}
	out.Consequences = append(out.Consequences, b.remarks(u, c)...)
	if len(out.Consequences) == 0 {
		out.Consequences = []string{b.plain(u)}
	}
	for _, d := range c.Directives {
		out.Directives = append(out.Directives, b.directive(c, d))
	}
	return out
}

// plain says what happens to a unit of which the plan says nothing.
func (b *builder) plain(u fleet.UnitPlan) string {
	for _, w := range b.plan.Warnings {
		if w.Unit == u.Unit {
			return w.Text
		}
	}
	return "stays as it is"
}

// remarks are consequences that follow from the kind of difference.
func (b *builder) remarks(u fleet.UnitPlan, c compare.Unit) []string {
	var said []string
	if c.Kind == compare.Rewritten && u.Action == fleet.Replace && !u.Reordered {
		said = append(said, "its text changes and its meaning does not; fleet restarts it all the same")
	}
	if c.Kind != compare.Changed && c.Kind != compare.Renamed {
		return said
	}
	for _, d := range c.Directives {
		for _, e := range d.Edits {
			if e.Op != compare.Add || u.To != units.Launched {
				continue
			}
			switch {
			case e.NewStep != nil:
				said = append(said, "first: "+b.mask(e.NewStep.String()))
			case d.Section == units.FleetSection && d.Name == units.KeyMachineOf:
				said = append(said, "first needs "+e.New+" on a machine, and goes there")
			case d.Section == "Unit" && (d.Name == "Requires" || d.Name == "BindsTo" || d.Name == "Requisite"):
				said = append(said, "first needs "+e.New+" on its machine ("+d.Name+"=)")
			}
		}
	}
	return said
}

func (b *builder) directive(c compare.Unit, d compare.Directive) Directive {
	out := Directive{Section: d.Section, Name: d.Name, Compared: d.How}
	for _, e := range d.Edits {
		out.Edits = append(out.Edits, b.edit(c, e))
	}
	if b.options.Context > 0 && c.Old != nil && c.New != nil {
		out.Before, out.After = b.around(c, d)
	}
	return out
}

func (b *builder) edit(c compare.Unit, e compare.Edit) Edit {
	out := Edit{Op: e.Op, Old: b.mask(e.Old), New: b.mask(e.New)}
	out.Masked = out.Old != e.Old || out.New != e.New
	if e.OldStep != nil {
		out.OldStep = b.mask(e.OldStep.String())
	}
	if e.NewStep != nil {
		out.NewStep = b.mask(e.NewStep.String())
	}
	for _, a := range e.Args {
		out.Args = append(out.Args, b.arg(a))
	}
	if e.OldAt >= 0 && c.Old != nil {
		out.OldPlace = b.old.place(c.Old.Name, e.OldAt)
	}
	if e.NewAt >= 0 && c.New != nil {
		out.NewPlace = b.new.place(c.New.Name, e.NewAt)
	}
	return out
}

func (b *builder) arg(a compare.Arg) Arg {
	out := Arg{Name: a.Name, Moved: !a.Gone && !a.Fresh && a.Old == a.New}
	hide := func(value string) *string {
		if a.Name == "" {
			value = b.mask(value)
			return &value
		}
		// The name may be what makes it a secret.
		fields := strings.Fields(a.Name)
		prefix := fields[len(fields)-1] + "="
		value = strings.TrimPrefix(b.mask(prefix+value), prefix)
		return &value
	}
	if !a.Fresh {
		out.Old = hide(a.Old)
	}
	if !a.Gone {
		out.New = hide(a.New)
	}
	return out
}

func (b *builder) mask(s string) string {
	if b.options.ShowSecrets {
		return s
	}
	return units.MaskSecrets(s)
}

// around gives lines of the new unit next to a directive that do not differ, or of
// the old one when the directive is gone.
func (b *builder) around(c compare.Unit, d compare.Directive) (before, after []string) {
	options, first, last := c.New.Options, -1, -1
	for _, e := range d.Edits {
		if e.NewAt >= 0 {
			first, last = extend(first, last, e.NewAt)
		}
	}
	if first < 0 {
		options = c.Old.Options
		for _, e := range d.Edits {
			first, last = extend(first, last, e.OldAt)
		}
	}
	differs := func(o units.Option) bool {
		return slices.ContainsFunc(c.Directives, func(d compare.Directive) bool { return d.Section == o.Section && d.Name == o.Name })
	}
	for i := first - 1; i >= 0 && len(before) < b.options.Context && options[i].Section == d.Section && !differs(options[i]); i-- {
		before = append(before, b.contextLine(c.Name, options[i]))
	}
	slices.Reverse(before)
	for i := last + 1; i < len(options) && len(after) < b.options.Context && options[i].Section == d.Section && !differs(options[i]); i++ {
		after = append(after, b.contextLine(c.Name, options[i]))
	}
	return before, after
}

func (b *builder) contextLine(name units.Name, o units.Option) string {
	if step, ok := compare.ReadStep(name, o.Value); ok {
		return o.Name + "=(" + b.mask(step.String()) + ")"
	}
	return b.mask(o.Name + "=" + o.Value)
}

func extend(first, last, at int) (int, int) {
	if first < 0 {
		return at, at
	}
	return min(first, at), max(last, at)
}
