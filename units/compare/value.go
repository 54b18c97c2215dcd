package compare

import (
	"strings"

	"znkr.io/diff"

	"github.com/stackc/stackc/units"
)

// unfold joins a value that is continued over several lines, as systemd does: the
// blanks before each line stay, and comments between them go.
func unfold(value string) string {
	if !strings.ContainsAny(value, "\n\r") {
		return value
	}
	file, _ := units.Parse("[Unit]\nValue=" + value)
	if len(file.Lines) == 0 {
		return value
	}
	return file.Lines[0].Value
}

// comparison is one directive of two units.
type comparison struct {
	oldName, newName units.Name
	key              key
	old, new         []line
}

func (c comparison) directive() Directive {
	d := Directive{Section: c.key.section, Name: c.key.name, How: c.how()}
	switch d.How {
	case AsSet:
		d.Edits = setEdits(c.words(c.old), c.words(c.new))
	case AsVariables:
		d.Edits = variableEdits(variables(c.old), variables(c.new))
	case AsValue:
		d.Edits = c.valueEdits()
	default:
		d.Edits = c.listEdits(d.How)
	}
	return d
}

// how tells in which way the values of a directive count (systemd.unit(5),
// systemd.exec(5), fleet v1.0.0 job/job.go).
func (c comparison) how() How {
	if c.key.section == units.FleetSection {
		switch c.key.name {
		case units.KeyGlobal, units.KeyMachineID:
			return AsList
		}
		return AsSet
	}
	known, ok := units.LookupDirective(c.key.section, c.key.name)
	switch {
	case !ok:
		return AsList
	case known.Kind == units.KindExec:
		return AsCommands
	case known.Kind == units.KindUnits:
		return AsSet
	case known.Kind == units.KindEnviron:
		return AsVariables
	case known.Many:
		return AsList
	}
	return AsValue
}

// words are the words of a set with the line that says each first.
func (c comparison) words(lines []line) []line {
	var list []line
	seen := map[string]bool{}
	for _, l := range lines {
		for _, word := range c.split(l.value) {
			if !seen[word] {
				seen[word] = true
				list = append(list, line{word, l.at})
			}
		}
	}
	return list
}

// split cuts a value into words: those of [X-Fleet] at blanks only where fleet
// does, in Conflicts and between quotes (fleet v1.0.0 unit/unit.go).
func (c comparison) split(value string) []string {
	quoted := strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) && len(value) > 1
	if c.key.section == units.FleetSection && c.key.name != units.KeyConflicts && !quoted {
		return []string{value}
	}
	return units.Words(value)
}

func setEdits(old, new []line) []Edit {
	var edits []Edit
	has := func(list []line, word string) bool {
		for _, l := range list {
			if l.value == word {
				return true
			}
		}
		return false
	}
	for _, l := range old {
		if !has(new, l.value) {
			edits = append(edits, Edit{Op: Remove, Old: l.value, OldAt: l.at, NewAt: -1})
		}
	}
	for _, l := range new {
		if !has(old, l.value) {
			edits = append(edits, Edit{Op: Add, New: l.value, OldAt: -1, NewAt: l.at})
		}
	}
	return edits
}

// variables are the assignments in force: an empty value forgets those before it,
// and of two for one name the last counts (systemd.exec(5), Environment=).
func variables(lines []line) []line {
	var list []line
	for _, l := range lines {
		if l.value == "" {
			list = nil
			continue
		}
		for _, word := range assignmentWords(l.value) {
			list = setVariable(list, line{word, l.at})
		}
	}
	return list
}

// assignmentWords splits as systemd splits Environment=, which is as it splits a
// command.
func assignmentWords(value string) []string {
	commands, err := units.SplitExec("/x " + value)
	if err != nil || len(commands) != 1 {
		return []string{value}
	}
	var words []string
	for _, w := range commands[0].Words[1:] {
		words = append(words, w.Text)
	}
	return words
}

func setVariable(list []line, v line) []line {
	name, _, _ := strings.Cut(v.value, "=")
	for i, l := range list {
		if had, _, _ := strings.Cut(l.value, "="); had == name {
			list[i] = v
			return list
		}
	}
	return append(list, v)
}

func variableEdits(old, new []line) []Edit {
	var edits []Edit
	find := func(list []line, name string) (line, bool) {
		for _, l := range list {
			if had, _, _ := strings.Cut(l.value, "="); had == name {
				return l, true
			}
		}
		return line{}, false
	}
	for _, l := range old {
		name, was, _ := strings.Cut(l.value, "=")
		now, ok := find(new, name)
		_, is, _ := strings.Cut(now.value, "=")
		switch {
		case !ok:
			edits = append(edits, Edit{Op: Remove, Old: l.value, OldAt: l.at, NewAt: -1})
		case was != is:
			edits = append(edits, Edit{Op: Change, Old: l.value, New: now.value, OldAt: l.at, NewAt: now.at,
				Args: []Arg{{Name: name, Old: was, New: is}}})
		}
	}
	for _, l := range new {
		name, _, _ := strings.Cut(l.value, "=")
		if _, had := find(old, name); !had {
			edits = append(edits, Edit{Op: Add, New: l.value, OldAt: -1, NewAt: l.at})
		}
	}
	return edits
}

// valueEdits compares what counts: the last assignment.
func (c comparison) valueEdits() []Edit {
	was, is := lastOf(c.old), lastOf(c.new)
	switch {
	case c.canonical(was.value) == c.canonical(is.value):
		return nil
	case was.value == "":
		return []Edit{{Op: Add, New: is.value, OldAt: -1, NewAt: is.at}}
	case is.value == "":
		return []Edit{{Op: Remove, Old: was.value, OldAt: was.at, NewAt: -1}}
	}
	return []Edit{{Op: Change, Old: was.value, New: is.value, OldAt: was.at, NewAt: is.at}}
}

func lastOf(lines []line) line {
	if len(lines) == 0 {
		return line{at: -1}
	}
	return lines[len(lines)-1]
}

// canonical writes a value so that two that mean the same are equal.
func (c comparison) canonical(value string) string {
	known, ok := units.LookupDirective(c.key.section, c.key.name)
	if !ok {
		return value
	}
	switch known.Kind {
	case units.KindBool:
		if yes, ok := units.ParseBool(value); ok {
			return map[bool]string{true: "yes", false: "no"}[yes]
		}
	case units.KindExec:
		return canonicalCommand(value)
	case units.KindWords, units.KindPaths:
		return strings.Join(units.Words(value), "\x00")
	}
	return value
}

// inForce leaves out what an empty assignment takes away again.
func inForce(lines []line) []line {
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].value == "" {
			return lines[i+1:]
		}
	}
	return lines
}

// item is a value of a list, with what it is compared by.
type item struct {
	line
	key  string
	step *Step
}

func (c comparison) items(how How, name units.Name, lines []line) []item {
	if how == AsCommands || c.isMany() {
		lines = inForce(lines)
	}
	list := make([]item, len(lines))
	for i, l := range lines {
		list[i] = item{line: l, key: c.canonical(l.value)}
		if how == AsCommands {
			if step, ok := ReadStep(name, l.value); ok {
				list[i].step = &step
				list[i].key = step.key()
			}
		}
	}
	return list
}

func (c comparison) isMany() bool {
	known, ok := units.LookupDirective(c.key.section, c.key.name)
	return ok && known.Many
}

// listEdits compares values whose order counts.
func (c comparison) listEdits(how How) []Edit {
	old, new := c.items(how, c.oldName, c.old), c.items(how, c.newName, c.new)
	var gone, came []item
	var edits []Edit
	flush := func() {
		edits = append(edits, pairUp(how, gone, came)...)
		gone, came = nil, nil
	}
	for _, e := range diff.EditsFunc(old, new, func(a, b item) bool { return a.key == b.key }) {
		switch e.Op {
		case diff.Delete:
			gone = append(gone, e.X)
		case diff.Insert:
			came = append(came, e.Y)
		default:
			flush()
		}
	}
	flush()
	return moved(edits)
}

// pairUp makes edits of what went and what came at one place of a list: first
// those that are recognisably one thing, then the rest in their order.
func pairUp(how How, gone, came []item) []Edit {
	partner := make([]int, len(gone))
	taken := make([]bool, len(came))
	for i := range gone {
		partner[i] = -1
	}
	match := func(same func(a, b item) bool) {
		for i, a := range gone {
			for j, b := range came {
				if partner[i] < 0 && !taken[j] && same(a, b) {
					partner[i], taken[j] = j, true
				}
			}
		}
	}
	match(sameThing)
	if how != AsCommands || len(gone) == len(came) {
		match(func(a, b item) bool { return a.step == nil && b.step == nil })
	}
	var edits []Edit
	for i, a := range gone {
		if partner[i] < 0 {
			edits = append(edits, Edit{Op: Remove, Old: a.value, OldAt: a.at, NewAt: -1, OldStep: a.step})
			continue
		}
		b := came[partner[i]]
		e := Edit{Op: Change, Old: a.value, New: b.value, OldAt: a.at, NewAt: b.at, OldStep: a.step, NewStep: b.step}
		if how == AsCommands {
			e.Args = argsOf(a, b)
		}
		edits = append(edits, e)
	}
	for j, b := range came {
		if !taken[j] {
			edits = append(edits, Edit{Op: Add, New: b.value, OldAt: -1, NewAt: b.at, NewStep: b.step})
		}
	}
	return edits
}

// sameThing reports whether two values are versions of one: steps of the compiler
// about the same, commands of the same program.
func sameThing(a, b item) bool {
	if a.step != nil && b.step != nil {
		return a.step.Verb == b.step.Verb && a.step.Subject == b.step.Subject
	}
	return a.step == nil && b.step == nil && programOf(a.value) != "" && programOf(a.value) == programOf(b.value)
}

// moved makes one Move of an Add and a Remove of the same value.
func moved(edits []Edit) []Edit {
	for i := range edits {
		for j := range edits {
			a, b := &edits[i], &edits[j]
			if a.Op == Remove && b.Op == Add && canonicalCommand(a.Old) == canonicalCommand(b.New) {
				b.Op, b.Old, b.OldAt, b.OldStep = Move, a.Old, a.OldAt, a.OldStep
				a.Op = ""
			}
		}
	}
	kept := edits[:0]
	for _, e := range edits {
		if e.Op != "" {
			kept = append(kept, e)
		}
	}
	return kept
}
