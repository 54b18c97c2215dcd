package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// liftPairs finds After= together with Wants= of one unit.
func (i *importer) liftPairs(u *unit) {
	waited := u.idiom.after()
	said := map[units.Relation]map[string][]int{}
	for n, l := range u.parsed.Lines {
		relation := units.Relation(l.Name)
		if l.Section != "Unit" || !slices.Contains([]units.Relation{units.After, units.Wants, units.Requires, units.BindsTo, "BindTo", units.Requisite}, relation) || u.idiom.gone(n) {
			continue
		}
		if said[relation] == nil {
			said[relation] = map[string][]int{}
		}
		for name := range strings.FieldsSeq(l.Value) {
			said[relation][name] = append(said[relation][name], n)
		}
	}
	for n, l := range u.parsed.Lines {
		if l.Section != "Unit" || l.Name != "After" || u.idiom.gone(n) {
			continue
		}
		names := strings.Fields(l.Value)
		var takes []int
		var keys []string
		why := ""
		for _, name := range names {
			key, reason := i.keyFor(name)
			switch {
			case reason == "target":
				why = "target"
			case reason != "":
				why = fmt.Sprintf("After=%s: %s", name, reason)
			case slices.Contains(waited, key):
				keys, takes = append(keys, key), append(takes, said[units.Wants][name]...)
			case len(said[units.Wants][name]) == 0 && len(said[units.Requires][name])+len(said[units.BindsTo][name])+len(said["BindTo"][name])+len(said[units.Requisite][name]) > 0:
				why = fmt.Sprintf("After=%s with Requires= or the like: after wants the other and does not require it, which is weaker", name)
			case len(said[units.Wants][name]) == 0:
				why = fmt.Sprintf("After=%s without Wants=: after would start it too", name)
			default:
				keys, takes = append(keys, key), append(takes, said[units.Wants][name]...)
			}
		}
		takes = slices.Compact(slices.Sorted(slices.Values(takes)))
		for _, w := range takes { // a line goes as a whole, or stays
			for name := range strings.FieldsSeq(u.parsed.Lines[w].Value) {
				if !slices.Contains(names, name) && why == "" {
					why = fmt.Sprintf("After=%s: Wants= on line %d names more than it", l.Value, u.parsed.Lines[w].Line)
				}
			}
		}
		switch {
		case why == "target":
		case why != "":
			i.leave(u, l.Line, "%s", why)
		case len(keys) > 0:
			for _, key := range keys {
				u.idiom.lifts = append(u.idiom.lifts, &lift{
					word: "after", target: key, lines: append([]int{n}, takes...),
					message: fmt.Sprintf("after = [%s] says After=%s and Wants= of the same", quote(key), l.Value),
				})
			}
		}
	}
}

// keyFor is the key under which the stack knows a unit. Targets, slices and what
// else every system has are systemd's own.
func (i *importer) keyFor(name string) (key, reason string) {
	if strings.Contains(name, "%") {
		return "", "after takes no specifiers"
	}
	switch units.Name(name).Type() {
	case units.TypeTarget, units.TypeSlice, units.TypeDevice, units.TypeMount, units.TypeSwap:
		return "", "target"
	}
	for _, u := range i.units {
		if string(u.name) == name {
			return u.key, ""
		}
	}
	for _, h := range i.hosts {
		if string(h.name) == name {
			return h.key, ""
		}
	}
	return "", "target"
}
