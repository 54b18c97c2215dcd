package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// liftPairs says After= and Wants= of the same units as after.
func (i *importer) liftPairs(u *unit) {
	waited, said := u.idiom.after(), u.bonds()
	for n, l := range u.parsed.Lines {
		if l.Section != "Unit" || l.Name != string(units.After) || u.idiom.gone(n) {
			continue
		}
		p := i.pairing(l, waited, said)
		if p.stays == "" {
			p.stays = u.sharedWants(l, p.wants)
		}
		switch p.stays {
		case systemsOwn:
		case "":
			for _, key := range p.keys {
				u.idiom.lifts = append(u.idiom.lifts, &lift{
					word: "after", target: key, lines: append([]int{n}, p.wants...),
					message: fmt.Sprintf("after = [%s] says After=%s and Wants= of the same", quote(key), l.Value),
				})
			}
		default:
			i.leave(u, l.Line, "%s", p.stays)
		}
	}
}

// pairing is what becomes of one line of After=.
type pairing struct {
	keys  []string // of the units that it names
	wants []int    // the lines of Wants= that go with it
	stays obstacle
}

// obstacle is why a line stays as it is, "" when nothing keeps it.
type obstacle string

// systemsOwn is the obstacle of units that every system has. Nothing is said of them:
// a stack has no words for them, and needs none.
const systemsOwn obstacle = "the unit is systemd's own"

// pairing reads one line of After=. waited are the keys for which the unit waits
// already, by a loop: with these nothing needs to be wanted.
func (i *importer) pairing(after units.Line, waited []string, said bonds) pairing {
	var p pairing
	for name := range strings.FieldsSeq(after.Value) {
		key, obstacle := i.keyFor(name)
		if obstacle == "" && !slices.Contains(waited, key) {
			obstacle = said.unlikeAfter(name)
		}
		if obstacle != "" {
			p.stays = obstacle
			continue
		}
		p.keys, p.wants = append(p.keys, key), append(p.wants, said[units.Wants][name]...)
	}
	p.wants = slices.Compact(slices.Sorted(slices.Values(p.wants)))
	return p
}

// sharedWants finds a line of Wants= that names units besides those of a line of
// After=: a line goes as a whole, or stays.
func (u *unit) sharedWants(after units.Line, wants []int) obstacle {
	names := strings.Fields(after.Value)
	for _, n := range wants {
		l := u.parsed.Lines[n]
		for name := range strings.FieldsSeq(l.Value) {
			if !slices.Contains(names, name) {
				return obstacle(fmt.Sprintf("After=%s: Wants= on line %d names more than it", after.Value, l.Line))
			}
		}
	}
	return ""
}

// bonds are the lines, counted in unit.parsed, on which a unit asks for others, by
// relation and name.
type bonds map[units.Relation]map[string][]int

// strongBonds are the relations that take a unit down with the other. BindTo is how
// systemd spelt BindsTo before 187.
func strongBonds() []units.Relation {
	return []units.Relation{units.Requires, units.BindsTo, "BindTo", units.Requisite}
}

// bonds collects what lines that are still there ask for.
func (u *unit) bonds() bonds {
	said := bonds{units.Wants: {}}
	for _, r := range strongBonds() {
		said[r] = map[string][]int{}
	}
	for n, l := range u.parsed.Lines {
		by, asks := said[units.Relation(l.Name)]
		if l.Section != "Unit" || !asks || u.idiom.gone(n) {
			continue
		}
		for name := range strings.FieldsSeq(l.Value) {
			by[name] = append(by[name], n)
		}
	}
	return said
}

// unlikeAfter says what is different when after names the unit: after wants it, no less
// and no more.
func (b bonds) unlikeAfter(name string) obstacle {
	required := slices.ContainsFunc(strongBonds(), func(r units.Relation) bool { return len(b[r][name]) > 0 })
	switch {
	case len(b[units.Wants][name]) > 0:
		return ""
	case required:
		return obstacle(fmt.Sprintf("After=%s with Requires= or the like: after wants the other and does not require it, which is weaker", name))
	}
	return obstacle(fmt.Sprintf("After=%s without Wants=: after would start it too", name))
}

// keyFor is the key under which the stack knows a unit. Targets, slices and what
// else every system has are systemd's own.
func (i *importer) keyFor(name string) (string, obstacle) {
	if strings.Contains(name, "%") {
		return "", obstacle(fmt.Sprintf("After=%s: after takes no specifiers", name))
	}
	switch units.Name(name).Type() {
	case units.TypeTarget, units.TypeSlice, units.TypeDevice, units.TypeMount, units.TypeSwap:
		return "", systemsOwn
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
	return "", systemsOwn
}
