package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// ownSection is the section that marks a unit as one of its stack.
const ownSection = "X-Stackc"

// directives checks that every raw section and directive exists, in this type of unit.
func directives(c *checker, n *topology.Node) {
	for _, s := range n.Unit.Sections {
		path := n.Path() + "." + s.Name
		switch {
		case s.Name == units.FleetSection && n.Unit.Verbatim != nil: // judged as fleet reads it
		case s.Name == units.FleetSection:
			c.rawPlacement(n, s)
		case s.Name == ownSection && c.t.Stack.Mark:
			c.add(stack.Finding(diag.Error, diag.BadValue, s.Pos, path, "[%s] says whose unit it is, and the compiler writes it", ownSection).
				WithHelp("leave it out"))
		case strings.HasPrefix(s.Name, "X-"):
		case !slices.Contains(units.Sections(n.Unit.Name.Type()), s.Name):
			c.add(stack.Finding(diag.Error, diag.WrongSection, s.Pos, path, "a %s has no section [%s]", n.Unit.Name.Type(), s.Name).
				WithHelp(fmt.Sprintf("its sections are %s", strings.Join(units.Sections(n.Unit.Name.Type()), ", "))))
		default:
			for _, d := range s.Directives {
				c.directive(n, s, d, path+"."+d.Name)
			}
		}
	}
}

func (c *checker) directive(n *topology.Node, s *stack.Section, d *stack.Directive, path string) {
	known, ok := units.LookupDirective(s.Name, d.Name)
	if !ok {
		c.unknownDirective(s, d, path)
		return
	}
	c.directiveValues(known, d, path)
	have := c.t.Systemd(n)
	var f diag.Diagnostic
	switch {
	case have.Version == 0 || known.In(have.Version):
		return
	case known.Since > have.Version:
		f = stack.Finding(diag.Warning, diag.NeedsSystemd, d.Pos, path, "%s= came with systemd %d, and %s: there it is ignored", d.Name, known.Since, declares(have))
	default:
		f = stack.Finding(diag.Warning, diag.NeedsSystemd, d.Pos, path, "%s= has no effect in systemd %d, and %s", d.Name, have.Version, declares(have))
	}
	if have.Role != nil {
		f = f.WithNote(have.Role.Systemd.Pos.Span, "declared here")
	}
	c.add(f)
}

// declares says who declares a version of systemd.
func declares(s topology.Systemd) string {
	if s.Role != nil {
		return fmt.Sprintf("role %q declares systemd %d", s.Role.Name, s.Version)
	}
	return fmt.Sprintf("the stack declares systemd %d", s.Version)
}

// unknownPart stands for what another unit gives: systemd's own mark for what only it
// can expand, so that nothing is judged that holds it.
const unknownPart = "%i"

// directiveValues checks values by the type of the directive, at the part that is wrong.
func (c *checker) directiveValues(known units.Directive, d *stack.Directive, path string) {
	for _, v := range d.Values {
		found := faults(known, v)
		if len(found) == 0 {
			continue
		}
		line := v.Line(unknownPart)
		for _, fault := range found {
			pos := stack.Pos{Span: line.Span(fault.Start, fault.End), Via: v.Pos.Via}
			if fault.Start == 0 && fault.End == len(line.Text) {
				pos.Span = v.Pos.Span
			}
			c.add(stack.Finding(diag.Error, diag.BadValue, pos, path, "%s=: %s", d.Name, fault.Reason).WithHelp(fault.Help))
		}
	}
}

// faults judges one value of a directive.
func faults(known units.Directive, v stack.Text) []units.ValueFault {
	if len(v.Refs()) > 0 && !known.Specifiers() {
		return nil // there a % is no specifier
	}
	return known.CheckValue(v.Line(unknownPart).Text)
}

func (c *checker) unknownDirective(s *stack.Section, d *stack.Directive, path string) {
	if strings.HasPrefix(d.Name, "X-") {
		return
	}
	hint := units.SuggestDirective(s.Name, d.Name)
	if at := strings.IndexFunc(d.Name, notInName); at >= 0 || d.Name == "" {
		f := stack.Finding(diag.Error, diag.ValueText, d.Pos, path, "%q cannot be the name of a directive, which has letters, digits and hyphens only", d.Name)
		c.add(f.WithHelp(meantHere(hint, s.Name)))
		return
	}
	if hint.Moved && hint.Key == d.Name {
		c.add(stack.Finding(diag.Error, diag.WrongSection, d.Pos, path, "%s= belongs in [%s], not in [%s], where systemd ignores it", d.Name, hint.Section, s.Name).
			WithHelp("move it there"))
		return
	}
	c.add(stack.Finding(diag.Error, diag.UnknownDirective, d.Pos, path, "systemd knows no directive %q in [%s]", d.Name, s.Name).
		WithHelp(meantHere(hint, s.Name)))
}

// notInName reports whether no directive has r in its name.
func notInName(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// meantHere is the help that names the directive that was meant, "" for none.
func meantHere(hint units.Suggestion, section string) string {
	if hint.Key == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q%s?", hint.Key, inSection(hint.Section, section))
}

// mistyped reports whether what a unit seems to lack may stand in it all the
// same: in a section, under a name or as a value that is at fault, which is
// reported. With names only those directives are asked for.
func mistyped(u *stack.Unit, names ...string) bool {
	for _, s := range u.Sections {
		for _, d := range s.Directives {
			if meant, wrong := meantBy(s, d); wrong && (len(names) == 0 || slices.Contains(names, meant)) {
				return true
			}
		}
	}
	return u.Unread
}

// meantBy returns the directive that one at fault was probably meant to be.
func meantBy(s *stack.Section, d *stack.Directive) (name string, wrong bool) {
	directive, known := units.LookupDirective(s.Name, d.Name)
	if known && slices.ContainsFunc(d.Values, func(v stack.Text) bool { return len(faults(directive, v)) > 0 }) {
		return d.Name, true
	}
	if known || strings.HasPrefix(s.Name, "X-") || strings.HasPrefix(d.Name, "X-") {
		return d.Name, d.Broken
	}
	return units.SuggestDirective(s.Name, d.Name).Key, true
}

func inSection(section, here string) string {
	if section == here || section == "" {
		return ""
	}
	return " in [" + section + "]"
}

// placementWords gives stackc's word for each of fleet's keys (fleet v1.0.0 job/job.go).
var placementWords = map[string]string{
	"MachineMetadata": "metadata", "MachineOf": "machine_of", "MachineID": "machine_id",
	"Conflicts": "conflicts", "Global": "global",
	"X-Conflicts": "conflicts", "X-ConditionMachineOf": "machine_of", "X-ConditionMachineMetadata": "metadata",
	"X-ConditionMachineID": "machine_id", "X-ConditionMachineBootID": "machine_id",
}

// rawPlacement: placement that the compiler does not see cannot be reasoned with.
func (c *checker) rawPlacement(n *topology.Node, s *stack.Section) {
	for _, d := range s.Directives {
		path := n.Path() + ".X-Fleet." + d.Name
		word, known := placementWords[d.Name]
		switch {
		case d.Name == "Replaces":
			c.add(stack.Finding(diag.Error, diag.ReplacesForever, d.Pos, path, "two running units that replace each other push each other round for ever").
				WithHelp("say conflicts = [...] to keep units apart"))
		case known:
			c.add(stack.Finding(diag.Error, diag.Placement, d.Pos, path, "placement is said with stackc's own word, so that the compiler can reason with it").
				WithHelp(fmt.Sprintf("write %s = … in [unit.%s]", word, stack.Key(n.Key))))
		default:
			keys := []string{"MachineMetadata", "MachineOf", "MachineID", "Conflicts", "Global"}
			c.add(stack.Suggest(stack.Finding(diag.Error, diag.Placement, d.Pos, path, "fleet knows no %q: it passes over it without a word and places the unit anywhere", d.Name),
				d.Name, keys, "its keys are "+strings.Join(keys, ", ")))
		}
	}
}
