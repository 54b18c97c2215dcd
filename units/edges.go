package units

import "strings"

// Relation is how one unit leans on another: the name of the systemd directive.
type Relation string

// The relations of systemd.unit(5), and what triggers or serves what.
const (
	After     Relation = "After"
	Before    Relation = "Before"
	Wants     Relation = "Wants"
	Requires  Relation = "Requires"
	Requisite Relation = "Requisite"
	BindsTo   Relation = "BindsTo"
	PartOf    Relation = "PartOf"
	Upholds   Relation = "Upholds"
	Conflicts Relation = "Conflicts"
	OnFailure Relation = "OnFailure"
	OnSuccess Relation = "OnSuccess"
	// Sockets is [Service] Sockets=: the service gets these sockets.
	Sockets Relation = "Sockets"
	// Triggers is the unit that a timer, path, socket or automount starts, named
	// or implied.
	Triggers Relation = "Triggers"
)

// Pulls reports whether starting a unit starts the other: it must then be loaded
// on the machine before, or (Wants, Upholds) nothing comes of it and (Requires,
// BindsTo) the unit does not start.
func (r Relation) Pulls() bool {
	switch r {
	case Wants, Requires, BindsTo, Upholds, Sockets:
		return true
	}
	return false
}

// Needs reports whether the unit does not start at all when the other is not
// loaded on its machine or cannot be started. Under fleet it then stays dead for
// ever, also after the other has come.
func (r Relation) Needs() bool {
	return r == Requires || r == BindsTo || r == Requisite
}

// Orders reports whether the relation says who starts first.
func (r Relation) Orders() bool { return r == After || r == Before }

// Stops reports whether stopping the other, as replacing it in place does, stops
// this unit. Nothing starts it again.
func (r Relation) Stops() bool {
	return r == Requires || r == BindsTo || r == Requisite || r == PartOf
}

// Edge is one relation of a unit to another.
type Edge struct {
	// Index is the option that says so, or -1 for an implied Triggers.
	Index    int
	Relation Relation
	Target   Name
}

// Edges lists the relations of the unit of that name, in the order of its
// options. Specifiers that stand for the name (%n %N %p %i %j) are expanded;
// targets with others are left out, for only systemd on the machine knows them.
// The unit that a timer, path or automount, or a socket without Accept=, triggers
// by sharing its name comes last.
func Edges(name Name, opts []Option) []Edge {
	var edges []Edge
	for i, o := range opts {
		relation := relationOf(o.Section, o.Name)
		if relation == "" {
			continue
		}
		for _, word := range Words(o.Value) {
			if target, ok := expandName(name, word); ok {
				edges = append(edges, Edge{Index: i, Relation: relation, Target: target})
			}
		}
	}
	if target := implied(name, opts); target != "" {
		edges = append(edges, Edge{Index: -1, Relation: Triggers, Target: target})
	}
	return edges
}

// relationOf is the relation a directive makes, "" for most. BindTo, and the
// Overridable pair, which systemd 230 dropped, count as what they were.
func relationOf(section, key string) Relation {
	switch section {
	case "Unit":
		return unitRelation(key)
	case "Service":
		if key == "Sockets" {
			return Sockets
		}
	case "Timer", "Path":
		if key == "Unit" {
			return Triggers
		}
	case "Socket":
		if key == "Service" {
			return Triggers
		}
	}
	return ""
}

func unitRelation(key string) Relation {
	switch r := Relation(key); r {
	case After, Before, Wants, Requires, Requisite, BindsTo, PartOf, Upholds, Conflicts, OnFailure, OnSuccess:
		return r
	}
	switch key {
	case "BindTo":
		return BindsTo
	case "RequiresOverridable":
		return Requires
	case "RequisiteOverridable":
		return Requisite
	}
	return ""
}

// expandName expands the specifiers of a target, and is false if others remain.
func expandName(name Name, word string) (Name, bool) {
	if strings.IndexByte(word, '%') < 0 {
		return Name(word), word != ""
	}
	prefix := name.Prefix()
	word = strings.ReplaceAll(name.Expand(word), "%j", prefix[strings.LastIndexByte(prefix, '-')+1:])
	return Name(word), strings.IndexByte(word, '%') < 0
}

// implied is the unit that name triggers without saying so.
func implied(name Name, opts []Option) Name {
	base := name.Base()
	switch name.Type() {
	case TypeSocket:
		accept, _ := Last(opts, "Socket", "Accept")
		if yes, _ := ParseBool(accept); yes {
			return Name(base + "@.service")
		}
		return unless(opts, "Socket", "Service", base+".service")
	case TypeTimer:
		return unless(opts, "Timer", "Unit", base+".service")
	case TypePath:
		return unless(opts, "Path", "Unit", base+".service")
	case TypeAutomount:
		return Name(base + ".mount")
	}
	return ""
}

// unless gives the default where a directive does not name the unit itself.
func unless(opts []Option, section, key, otherwise string) Name {
	if _, said := Last(opts, section, key); said {
		return ""
	}
	return Name(otherwise)
}
