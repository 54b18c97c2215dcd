package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
	"github.com/stackc/stackc/units/pattern"
)

// role is a role of the stack: a pair of metadata under the name of its value.
type role struct{ name, pair string }

// roleKey is the metadata that makes roles: the one called so, or else the one that
// most units have, if it is the only one or more than one unit has it.
func (i *importer) roleKey() string {
	count := map[string]int{}
	for _, u := range i.units {
		p, _ := units.ParsePlacement(u.name, u.want)
		for _, key := range p.Metadata.Keys() {
			count[key]++
		}
	}
	if count["role"] > 0 {
		return "role"
	}
	best := ""
	for _, key := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[key] > count[best] {
			best = key
		}
	}
	return best
}

// chooseRoles names the roles of the stack.
func (i *importer) chooseRoles() {
	key := i.roleKey()
	if key == "" {
		return
	}
	var values []string
	for _, u := range i.units {
		p, _ := units.ParsePlacement(u.name, u.want)
		if u.idiom != nil {
			values = append(values, p.Metadata[key]...)
		}
	}
	slices.Sort(values)
	for _, v := range slices.Compact(values) {
		if bareKey().MatchString(v) {
			i.roles = append(i.roles, role{name: v, pair: key + "=" + v})
		}
	}
}

// liftPlacement says [X-Fleet] in stackc's words.
func (i *importer) liftPlacement(u *unit) {
	p, losses := units.ParsePlacement(u.name, u.want)
	for _, l := range losses {
		if l.Kind != units.LossDeprecated {
			i.asItWas(u, u.lineWith(l.Option), fmt.Sprintf("%s=%s: %s", l.Option.Name, l.Option.Value, l.Reason))
			return
		}
	}
	if !slices.ContainsFunc(u.want, func(o units.Option) bool { return o.Section == units.FleetSection }) {
		u.idiom.words = []word{}
		return
	}
	if o, found := u.ofInstance(); found {
		i.asItWas(u, u.lineWith(o), fmt.Sprintf("%s=%s is another for each instance", o.Name, o.Value))
		return
	}
	words := i.placementWords(p)
	if len(words) == 0 {
		i.asItWas(u, u.parsed.Lines[u.fleetLines()[0]].Line, "its [X-Fleet] places it nowhere in particular")
		return
	}
	u.idiom.words = words
	names := make([]string, len(words))
	for n, w := range words {
		names[n] = w.name
	}
	u.idiom.lifts = append(u.idiom.lifts, &lift{word: "placement", lines: u.fleetLines(), message: fmt.Sprintf("%s says [X-Fleet]", strings.Join(names, ", "))})
}

// placementWords are those that say a placement, in the order in which they are written.
func (i *importer) placementWords(p units.Placement) []word {
	var words []word
	if p.Global {
		words = append(words, word{name: "global"})
	}
	add := func(name string, values ...string) {
		if len(values) > 0 {
			words = append(words, word{name: name, values: values})
		}
	}
	if p.MachineID != "" {
		add("machine_id", p.MachineID)
	}
	roles, pairs := i.splitMetadata(p.Metadata)
	add("role", roles...)
	add("metadata", pairs...)
	add("machine_of", i.keysFor(p.MachineOf)...)
	add("conflicts", i.keysFor(p.Conflicts)...)
	return words
}

// splitMetadata tells the roles of the stack from other metadata, which stays KEY=VALUE.
func (i *importer) splitMetadata(m units.Metadata) (roles, pairs []string) {
	for _, key := range m.Keys() {
		for _, value := range m[key] {
			pair := key + "=" + value
			if k := slices.IndexFunc(i.roles, func(r role) bool { return r.pair == pair }); k >= 0 {
				roles = append(roles, i.roles[k].name)
			} else {
				pairs = append(pairs, pair)
			}
		}
	}
	return roles, pairs
}

// role is the one role of a unit, "" for none or several.
func (u *unit) role() string {
	if u.idiom == nil {
		return ""
	}
	k := slices.IndexFunc(u.idiom.words, func(w word) bool { return w.name == "role" })
	if k < 0 || len(u.idiom.words[k].values) != 1 {
		return ""
	}
	return u.idiom.words[k].values[0]
}

// ofInstance finds an option of a template's [X-Fleet] that only an instance gives
// its value: fleet puts %i, %n and %N in for each, and stackc's words would have
// those of the template.
func (u *unit) ofInstance() (units.Option, bool) {
	if u.name.IsTemplate() {
		for _, o := range u.want {
			if o.Section == units.FleetSection && perInstance().MatchString(o.Value) {
				return o, true
			}
		}
	}
	return units.Option{}, false
}

var perInstance = pattern.New(`%[inN]`)

// fleetLines are the lines of [X-Fleet], which words take the place of.
func (u *unit) fleetLines() (lines []int) {
	for n, l := range u.parsed.Lines {
		if l.Section == units.FleetSection {
			lines = append(lines, n)
		}
	}
	return lines
}

// keysFor are the keys of units of the stack, and the names of others.
func (i *importer) keysFor(names []string) []string {
	list := slices.Clone(names)
	for n, name := range list {
		for _, u := range i.units {
			if string(u.name) == name {
				list[n] = u.key
			}
		}
	}
	return list
}
