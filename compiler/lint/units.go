package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// Units checks the compiled units by fleet's and systemd's own rules, and
// reports what it finds at the lines of the stack file that they come from.
func Units(t *topology.Topology, set *units.Set, origins emit.Origins) diag.List {
	c := &unitChecker{t: t, seen: map[place]bool{}}
	for _, u := range set.Units {
		c.unit(u, origins[u.Name])
	}
	return c.findings
}

// place is where a finding of one kind stands: the instances of a counted unit
// share their lines, and give it once.
type place struct {
	span source.Span
	code diag.Code
}

type unitChecker struct {
	t        *topology.Topology
	findings diag.List
	seen     map[place]bool
}

func (c *unitChecker) unit(u units.Unit, origins []emit.Origin) {
	verbatim := c.t.ByName(u.Name).Unit.Verbatim != nil
	for _, fault := range units.Check(u.Options) {
		if verbatim && (fault.Fault == units.FaultContinuation || fault.Fault == units.FaultNewline) {
			continue // as fleet keeps a continued line; that it reads it again is known
		}
		if named := fault.Fault == units.FaultKey || fault.Fault == units.FaultComment; named && !verbatim && !units.Extension(fault.Option.Section, fault.Option.Name) {
			continue // said of the directive already
		}
		c.at(fault.Option, origins[fault.Index], lineCode(fault.Fault), "%s= cannot be written into the unit: %s", fault.Option.Name, fault.Reason)
	}
	_, losses := units.ParsePlacement(u.Name, u.Options)
	for _, loss := range losses {
		if loss.Kind != units.LossDeprecated {
			c.at(loss.Option, origins[loss.Index], diag.Placement, "%s=%s: %s", loss.Option.Name, loss.Option.Value, loss.Reason)
		}
	}
	if verbatim {
		u.Options = joined(u.Options)
	}
	for _, broken := range units.CheckUnit(u) {
		c.rule(u, broken, origins)
	}
}

// joined gives options as systemd reads them, continued values on one line.
func joined(options []units.Option) []units.Option {
	list := slices.Clone(options)
	for i, o := range list {
		if !strings.Contains(o.Value, "\n") {
			continue
		}
		if file, _ := units.Parse("[Unit]\nX-Value=" + o.Value); len(file.Lines) > 0 {
			list[i].Value = file.Lines[0].Value
		}
	}
	return list
}

func lineCode(f units.Fault) diag.Code {
	if f == units.FaultTooLong {
		return diag.LineTooLong
	}
	return diag.ValueText
}

// at reports a fault of one line where that line comes from.
func (c *unitChecker) at(line units.Option, o emit.Origin, code diag.Code, format string, args ...any) {
	if c.first(o.Pos.Span, code) {
		c.findings.Add(stack.Finding(diag.Error, code, o.Pos, o.Path(line), format, args...))
	}
}

func (c *unitChecker) first(span source.Span, code diag.Code) bool {
	key := place{span, code}
	first := !c.seen[key]
	c.seen[key] = true
	return first
}

// rule reports a rule that a unit breaks. What the stages before this one say
// more exactly is left to them.
func (c *unitChecker) rule(u units.Unit, broken units.RuleError, origins []emit.Origin) {
	node := c.t.ByName(u.Name)
	systemd := c.t.Systemd(node).Version
	if broken.Before > 0 && broken.Before <= systemd {
		return
	}
	code, severity := diag.Code(""), diag.Error
	switch broken.Rule {
	case units.RuleCombination:
		code = diag.PlacementConflict
	case units.RuleEnable:
		code = diag.Unloadable
	case units.RuleTemplate:
		code = diag.UnitName
	case units.RulePeer:
		code = diag.Unplaceable
	case units.RuleSetting, units.RuleExec:
		code = diag.BadSetting
	default:
		return
	}
	if broken.Before > 0 && systemd == 0 {
		severity = diag.Warning
	}
	if broken.Rule == units.RuleSetting && mistyped(node.Unit) || broken.Rule == units.RuleExec && judged(node.Unit, broken, u.Options[broken.Index], origins[broken.Index]) {
		return
	}
	pos, path := node.Pos(), node.Path()
	if broken.Index >= 0 {
		pos, path = origins[broken.Index].Pos, origins[broken.Index].Path(u.Options[broken.Index])
	}
	if c.first(pos.Span, code) {
		text := consequence(code, broken)
		if code != diag.UnitName { // that names the unit itself
			text = fmt.Sprintf("%s: %s", u.Name, text)
		}
		found := stack.Finding(severity, code, pos, path, "%s", text).WithHelp(help(code))
		if broken.Rule == units.RuleSetting && broken.Index < 0 {
			found = stack.Suggest(found, node.Unit.Key, c.t.Stack.UnitsElsewhere(node.Unit), found.Help)
		}
		c.findings.Add(found)
	}
}

// judged reports whether the rules for texts have found the fault already, and at the column:
// in a directive of the stack file in which nothing stands open, or where the fault is in what
// does not.
func judged(u *stack.Unit, broken units.RuleError, line units.Option, o emit.Origin) bool {
	d := u.Directive(line.Section, line.Name)
	if d == nil {
		return false
	}
	return slices.ContainsFunc(d.Values, func(v stack.Text) bool {
		if v.Pos.Span != o.Pos.Span {
			return false
		}
		_, faults := units.CheckExec(v.Line(unknownPart).Text)
		return len(v.Refs()) == 0 || slices.ContainsFunc(faults, func(f units.ExecFault) bool {
			return f.Reason == broken.Reason || f.Unread && strings.HasSuffix(broken.Reason, f.Reason)
		})
	})
}

// consequence says what becomes of a unit that breaks a rule.
func consequence(code diag.Code, broken units.RuleError) string {
	if code == diag.BadSetting {
		return fmt.Sprintf("%s; systemd would refuse to start it", broken.Error())
	}
	return broken.Error()
}

// help says what to do about a rule whose message does not.
func help(code diag.Code) string {
	if code == diag.UnitName {
		return `say state = "inactive": then fleet keeps it for its instances`
	}
	return ""
}
