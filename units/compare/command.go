package compare

import (
	"slices"
	"strings"

	"znkr.io/diff"

	"github.com/stackc/stackc/units"
)

// canonicalCommand writes a command line so that two with the same words are
// equal, however they are quoted. What systemd cannot read stays as it is.
func canonicalCommand(value string) string {
	commands, err := units.SplitExec(value)
	if err != nil {
		return value
	}
	var b strings.Builder
	for _, c := range commands {
		b.WriteString(c.Prefixes)
		for _, w := range c.Words {
			b.WriteString(w.Text)
			b.WriteByte(0)
		}
		b.WriteByte(1)
	}
	return b.String()
}

// programOf is the program of a command line, "" for what cannot be read or is
// several commands.
func programOf(value string) string {
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 {
		return ""
	}
	return commands[0].Words[0].Text
}

// argsOf lists what differs between two versions of a command, nil when they have
// too little in common to be told so.
func argsOf(old, new item) []Arg {
	if old.step != nil && new.step != nil {
		return old.step.changes(*new.step)
	}
	was, ok := wordsOf(old.value)
	is, ok2 := wordsOf(new.value)
	if !ok || !ok2 || was[0] != is[0] {
		return nil
	}
	edits := diff.Edits(was, is)
	if !mostlyEqual(edits, len(was)+len(is)) {
		return nil
	}
	return argEdits(edits, marked(was), marked(is))
}

// wordsOf are the words of a single command, its prefixes with the program.
func wordsOf(value string) ([]string, bool) {
	commands, err := units.SplitExec(value)
	if err != nil || len(commands) != 1 {
		return nil, false
	}
	words := make([]string, len(commands[0].Words))
	for i, w := range commands[0].Words {
		words[i] = w.Text
	}
	words[0] = commands[0].Prefixes + words[0]
	return words, true
}

// mostlyEqual reports whether two commands are versions of one: a command of few
// words may change all but its program.
func mostlyEqual(edits []diff.Edit[string], total int) bool {
	equal := 0
	for _, e := range edits {
		if e.Op == diff.Match {
			equal += 2
		}
	}
	return total <= 8 || 3*equal >= total
}

// argEdits gathers the words that differ between two equal ones, and gives each
// its name. The words of both versions are was and is.
func argEdits(edits []diff.Edit[string], was, is []word) []Arg {
	var args []Arg
	var gone, came []word
	var before [2]word // the word before the gap, as either version has it
	x, y := 0, 0
	flush := func() {
		args = append(args, namedArgs(before, gone, came)...)
		gone, came = nil, nil
	}
	for i, e := range edits {
		switch e.Op {
		case diff.Delete:
			gone = append(gone, was[x])
			x++
		case diff.Insert:
			came = append(came, is[y])
			y++
		default:
			flush()
			before = [2]word{}
			if i > 0 {
				before = [2]word{was[x], is[y]}
			}
			x, y = x+1, y+1
		}
	}
	flush()
	return paired(args)
}

// namedArgs gives the words of one gap their names: "--port=80" is named by its
// flag, "80" behind "--port" as well.
func namedArgs(before [2]word, gone, came []word) []Arg {
	var args []Arg
	for _, a := range argWords(before[0], gone) {
		args = append(args, Arg{Name: a.name, Old: a.value, Gone: true})
	}
	for _, a := range argWords(before[1], came) {
		args = append(args, Arg{Name: a.name, New: a.value, Fresh: true})
	}
	return args
}

type argument struct{ name, value string }

func argWords(before word, words []word) []argument {
	var list []argument
	named := isFlag(before.text) && !before.alone && !strings.Contains(before.text, "=")
	for i := 0; i < len(words); i++ {
		text := words[i].text
		name, value, assigned := strings.Cut(text, "=")
		switch {
		case assigned && isFlag(text):
			list = append(list, argument{name, value})
		case isFlag(text) && !words[i].alone && i+1 < len(words) && !isFlag(words[i+1].text):
			list = append(list, argument{text, words[i+1].text})
			i++
		case isFlag(text):
			list = append(list, argument{text, ""})
		case i == 0 && named && assigned:
			list = append(list, argument{before.text + " " + name, value})
		case i == 0 && named:
			list = append(list, argument{before.text, text})
		case assigned && plainName(name):
			list = append(list, argument{name, value})
		default:
			list = append(list, argument{"", text})
		}
	}
	return list
}

func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

func plainName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// paired joins what went and what came under one name, wherever they stand, and
// arguments without a name that stand in one gap.
func paired(args []Arg) []Arg {
	var list []Arg
	for _, a := range args {
		i := slices.IndexFunc(list, func(b Arg) bool { return b.Name == a.Name && (a.Fresh && b.Gone || a.Gone && b.Fresh) })
		switch {
		case i < 0:
			list = append(list, a)
		case a.Fresh:
			list[i] = Arg{Name: a.Name, Old: list[i].Old, New: a.New}
		default:
			list[i] = Arg{Name: a.Name, Old: a.Old, New: list[i].New}
		}
	}
	return list
}
