package units

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rule is the kind of a [RuleError].
type Rule int

// What a unit may break. The zero Rule is none.
const (
	// RuleCombination is [X-Fleet] options that fleet answers with 400.
	RuleCombination Rule = iota + 1
	// RuleEmpty is a unit without options, which fleet answers with 409.
	RuleEmpty
	// RuleName is a name that fleet rejects or systemd cannot load. In the latter
	// case no other unit of its machine is handled any more.
	RuleName
	// RuleType is a type that fleet's agent starts and then never unloads.
	RuleType
	// RuleTemplate is a template that is to be loaded or launched.
	RuleTemplate
	// RuleEnable is an [Install] that systemd cannot enable: loading the unit fails,
	// and no other unit of its machine is handled any more.
	RuleEnable
	// RuleInstall is any other [Install]: fleet 1.0 enables the unit when it loads
	// it, so that systemd starts what fleet takes for stopped.
	RuleInstall
	// RulePeer is a MachineOf that can never be satisfied: the unit itself, a ring,
	// a unit that stays inactive, or one whose machines are others.
	RulePeer
	// RuleSetting is what systemd refuses to load ("bad-setting").
	RuleSetting
	// RuleExec is a command line systemd cannot read.
	RuleExec
)

// RuleError is one rule that a unit breaks.
type RuleError struct {
	Rule Rule
	// Index is the option at fault, or -1 when it is the unit or what it lacks.
	Index int
	// Before is the systemd version that lifted the rule, 0 if it holds in all.
	Before int
	// Reason is a sentence without a full stop.
	Reason string
}

func (e *RuleError) Error() string {
	if e.Before > 0 {
		return fmt.Sprintf("%s (systemd before %d)", e.Reason, e.Before)
	}
	return e.Reason
}

// rules gathers what one unit breaks.
type rules struct {
	name   Name
	opts   []Option
	errors []RuleError
}

func (r *rules) fail(rule Rule, index int, format string, args ...any) {
	r.errors = append(r.errors, RuleError{Rule: rule, Index: index, Reason: fmt.Sprintf(format, args...)})
}

// at is the last option of that name, or -1.
func (r *rules) at(section, name string) int {
	for i := len(r.opts) - 1; i >= 0; i-- {
		if r.opts[i].Name == name && r.opts[i].Section == section {
			return i
		}
	}
	return -1
}

// CheckFleet returns what keeps a unit of that name from being accepted by fleet
// or loaded by systemd. It judges neither the text of the options, which is for
// [Check], nor what fleet accepts and loses, which is for [ParsePlacement].
func CheckFleet(name Name, opts []Option) []RuleError {
	r := rules{name: name, opts: opts}
	if len(opts) == 0 {
		r.fail(RuleEmpty, -1, "the unit has no options; fleet takes that for a unit it must know already")
		return r.errors
	}
	r.checkName()
	r.checkCombination()
	r.checkInstall()
	r.checkLoad()
	return r.errors
}

// CheckUnit is [CheckFleet] together with what depends on the desired state.
func CheckUnit(u Unit) []RuleError {
	errors := CheckFleet(u.Name, u.Options)
	if u.Name.IsTemplate() && u.Desired != Inactive {
		errors = append(errors, RuleError{Rule: RuleTemplate, Index: -1,
			Reason: fmt.Sprintf("%s is a template: fleet keeps it, but only its instances can be %s", u.Name, u.Desired)})
	}
	return errors
}

func (r *rules) checkName() {
	if reason := nameFault(string(r.name)); reason != "" {
		r.fail(RuleName, -1, "unit name %q %s", shorten(string(r.name), 60), reason)
		return
	}
	if t := r.name.Type(); !FleetType(t) {
		r.fail(RuleType, -1, "fleet starts a %s and then never unloads it: it would stay after the unit is destroyed", t)
	}
}

// checkCombination applies fleet v1.0.0 api/units.go, ValidateOptions. That looks
// at the options before their specifiers are expanded.
func (r *rules) checkCombination() {
	q := readRequirements("", r.opts)
	peers := append(q.oldMachineOf, q.machineOf...)
	conflicts := append(fields(q.oldConflicts), fields(q.conflicts)...)
	r.checkPeers(peers, conflicts, q.replaces)
	_, targeted := q.target()
	global := q.isGlobal()
	pairs := [...]struct {
		both        bool
		first, then string
	}{
		{targeted && len(peers) > 0, KeyMachineID, KeyMachineOf},
		{targeted && len(conflicts) > 0, KeyMachineID, KeyConflicts},
		{targeted && global, KeyMachineID, KeyGlobal},
		{targeted && len(q.replaces) > 0, KeyMachineID, KeyReplaces},
		{global && len(peers) > 0, KeyGlobal, KeyMachineOf},
		{global && len(q.replaces) > 0, KeyGlobal, KeyReplaces},
		{len(conflicts) > 0 && len(q.replaces) > 0, KeyConflicts, KeyReplaces},
	}
	for _, p := range pairs {
		if p.both {
			r.fail(RuleCombination, r.fleetOption(p.then), "fleet rejects %s= together with %s=", p.first, p.then)
		}
	}
}

// checkPeers finds peers that the unit itself keeps away.
func (r *rules) checkPeers(peers, conflicts, replaces []string) {
	for _, peer := range peers {
		if Name(r.name.Expand(peer)) == r.name {
			r.fail(RulePeer, r.fleetOption(KeyMachineOf), "%s waits for its own machine for ever: MachineOf names the unit itself", r.name)
		}
		for _, pattern := range conflicts {
			if matched, _ := path.Match(pattern, peer); matched {
				r.fail(RuleCombination, r.fleetOption(KeyConflicts), "fleet rejects MachineOf=%s together with Conflicts=%s, which matches it", peer, pattern)
			}
		}
		for _, pattern := range replaces {
			if matched, _ := path.Match(pattern, peer); matched {
				r.fail(RuleCombination, r.fleetOption(KeyReplaces), "fleet rejects MachineOf=%s together with Replaces=%s, which matches it", peer, pattern)
			}
		}
	}
}

// fleetOption is the first [X-Fleet] option of that key, in any spelling.
func (r *rules) fleetOption(key string) int {
	return slices.IndexFunc(r.opts, func(o Option) bool {
		return o.Section == FleetSection && (o.Name == key || strings.HasPrefix(o.Name, "X-") && strings.HasSuffix(o.Name, key))
	})
}

// checkInstall judges [Install] as systemctl enable does, which fleet 1.0 runs
// when it loads a unit.
func (r *rules) checkInstall() {
	for i, o := range r.opts {
		if o.Section != "Install" {
			continue
		}
		if reason := r.enableFault(o); reason != "" {
			r.fail(RuleEnable, i, "%s; the unit cannot be loaded and blocks all others of its machine", reason)
			continue
		}
		r.fail(RuleInstall, i, "fleet enables the unit when it loads it, so systemd may start it when fleet does not")
	}
}

func (r *rules) enableFault(o Option) string {
	switch o.Name {
	case "Alias", "WantedBy", "RequiredBy", "UpheldBy", "Also":
	default:
		return ""
	}
	for _, word := range Words(o.Value) {
		name, ok := expandName(r.name, word)
		if !ok {
			continue
		}
		if reason := nameFault(string(name)); reason != "" {
			return fmt.Sprintf("%s=: unit name %q %s", o.Name, shorten(word, 60), reason)
		}
		if o.Name == "Alias" {
			if reason := aliasFault(r.name, name); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// aliasFault follows systemd's unit_type_may_alias and
// unit_validate_alias_symlink.
func aliasFault(name, alias Name) string {
	switch name.Type() {
	case TypeMount, TypeAutomount, TypeSwap, TypeSlice, TypeScope:
		return fmt.Sprintf("a %s cannot have an Alias", name.Type())
	}
	if alias.Type() != name.Type() {
		return fmt.Sprintf("Alias=%s has another suffix than %s", alias, name)
	}
	if alias.IsTemplate() != name.IsTemplate() {
		return fmt.Sprintf("Alias=%s and %s are not both templates", alias, name)
	}
	return ""
}
