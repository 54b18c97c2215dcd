package units_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

func TestShellQuote(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "''"},
		{"/usr/bin/a-b_c.d:e,f@g+h%i", "/usr/bin/a-b_c.d:e,f@g+h%i"},
		{"a b", "'a b'"},
		{"it's", `'it'\''s'`},
		{"$HOME", "'$HOME'"},
		{"a=b", "'a=b'"},
		{"~", "'~'"},
		{"a~b", "a~b"},
		{"*", "'*'"},
		{"#", "'#'"},
		{"é", "'é'"},
	}
	for _, tt := range tests {
		if got := units.ShellQuote(tt.in); got != tt.want {
			t.Errorf("ShellQuote(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// The shell itself gives back the words.
func TestShellQuoteInTheShell(t *testing.T) {
	words := []string{"", "~", "a b", "it's", "$HOME `x` $(y)", "\\", "\"", "*", "a\nb", "é", "\x01", "!", "{a,b}", "-n"}
	var script strings.Builder
	script.WriteString(`printf '%s\0'`)
	for _, w := range words {
		script.WriteString(" " + units.ShellQuote(w))
	}
	out, err := exec.Command("/bin/sh", "-c", script.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, words) {
		t.Errorf("the shell reads %q, want %q", got, words)
	}
}

func TestExecQuote(t *testing.T) {
	tests := []struct {
		name  string
		words []string
		want  string
	}{
		{"nothing needed", []string{"/bin/a", "--b=c", "x;y", "{}", "#"}, "/bin/a --b=c x;y {} #"},
		{"empty", []string{"/bin/a", ""}, `/bin/a ""`},
		{"blank", []string{"a b"}, `"a b"`},
		{"double quote", []string{`{"a":1}`}, `'{"a":1}'`},
		{"single quote", []string{"it's"}, `"it's"`},
		{"as many of both", []string{`'"`}, `"'\""`},
		{"more double quotes", []string{`""'`}, `'""\''`},
		{"backslash", []string{`a\b`}, `"a\\b"`},
		{"dollar", []string{"$A ${B}"}, `"$$A $${B}"`},
		{"percent", []string{"%i"}, "%%i"},
		{"semicolon", []string{"a", ";", "b"}, `a \; b`},
		{"newline and tab", []string{"a\n\tb\r"}, `"a\n\tb\r"`},
		{"control", []string{"\x01\x7f"}, `"\x01\x7f"`},
		{"control above 127", []string{"\u0085"}, `"\xc2\x85"`},
		{"not UTF-8", []string{"\xff"}, `"\xff"`},
		{"no-break space", []string{"a\u00a0"}, "\"a\u00a0\""},
		{"UTF-8", []string{"é"}, "é"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := units.ExecQuote(tt.words...); got != tt.want {
				t.Errorf("ExecQuote(%q) = %s, want %s", tt.words, got, tt.want)
			}
		})
	}
}

func TestQuoteWords(t *testing.T) {
	if got, want := units.QuoteWords("A=$x", "B=a b", ";"), `A=$x "B=a b" ;`; got != want {
		t.Errorf("QuoteWords = %s, want %s", got, want)
	}
	if got, want := units.ShellCommand(`echo "$1" '%d' | cat`), `/bin/sh -c "echo \"$$1\" '%%d' | cat"`; got != want {
		t.Errorf("ShellCommand = %s, want %s", got, want)
	}
	if got, want := units.EscapeSpecifiers("%i 100%"), "%%i 100%%"; got != want {
		t.Errorf("EscapeSpecifiers = %s, want %s", got, want)
	}
}

// shownCommands prints commands as "prefixes[word|word]", variables in braces.
func shownCommands(commands []units.Command) string {
	var b strings.Builder
	for _, c := range commands {
		b.WriteString(c.Prefixes + "[")
		for i, w := range c.Words {
			if i > 0 {
				b.WriteString("|")
			}
			b.WriteString(w.Text)
			for _, v := range w.Variables {
				if v.Split {
					b.WriteString("{split " + v.Name + "}")
				} else {
					b.WriteString("{" + v.Name + "}")
				}
			}
		}
		b.WriteString("]")
	}
	return b.String()
}

func TestSplitExec(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty resets", "", ""},
		{"plain", "/bin/a b  c\td", "[/bin/a|b|c|d]"},
		{"prefixes", "-@/bin/a b", "-@[/bin/a|b]"},
		{"all prefixes", "@-:+!!/bin/a", "@-:+!![/bin/a]"},
		{"a prefix counts once", "--/bin/a", "-[-/bin/a]"},
		{"quoted prefix counts", `"-/bin/a b" c`, "-[/bin/a b|c]"},
		{"quotes", `/bin/a "b c" 'd "e'`, `[/bin/a|b c|d "e]`},
		{"quotes inside a word", `/bin/a b"c d"e`, "[/bin/a|bc de]"},
		{"empty word", `/bin/a ""`, "[/bin/a|]"},
		{"escapes", `/bin/a \x41\102\s\t\u00e9\" '\''`, "[/bin/a|AB \té\"|']"},
		{"unknown escape stays", `/bin/a '\d+' \.`, `[/bin/a|\d+|\.]`},
		{"short escape stays", `/bin/a \x4`, `[/bin/a|\x4]`},
		{"byte escape", `/bin/a \xff`, "[/bin/a|\xff]"},
		{"two commands", "/bin/a b ; /bin/c", "[/bin/a|b][/bin/c]"},
		{"separator at the end", "/bin/a ;", "[/bin/a]"},
		{"escaped separator", `/bin/a \; b`, "[/bin/a|;|b]"},
		{"quoted separator", `/bin/a ";" b`, "[/bin/a|;|b]"},
		{"separator in a word", "/bin/a;b c;", "[/bin/a;b|c;]"},
		{"variables", "/bin/a $A ${B}c${D} x$E $$F $${G}", "[/bin/a|$A{split A}|${B}c${D}{B}{D}|x$E|$$F|$${G}]"},
		{"variable in quotes is a word of its own", `/bin/a "$A" '${B} x'`, "[/bin/a|$A{split A}|${B} x{B}]"},
		{"no variables in the program", "/bin/${A} b", "[/bin/${A}|b]"},
		{"unclosed brace", "/bin/a ${A", "[/bin/a|${A]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := units.SplitExec(tt.in)
			if err != nil || shownCommands(got) != tt.want {
				t.Errorf("SplitExec(%s) = %s, %v, want %s", tt.in, shownCommands(got), err, tt.want)
			}
		})
	}
}

func TestSplitExecErrors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"open quote", `/bin/a "b c`, "at column 8: the quote that begins here is not closed"},
		{"open quote after another", `/bin/a 'b' c'`, "at column 13: the quote that begins here is not closed"},
		{"backslash at the end", `/bin/a \`, `at column 8: the line ends in "\"`},
		{"only prefixes", "-@", "at column 1: there is no program to run"},
		{"empty program", `"" b`, "at column 1: there is no program to run"},
		{"NUL", `/bin/a \x00`, "at column 8: no argument can hold NUL"},
		{"second command", `/bin/a ; -`, "at column 10: there is no program to run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := units.SplitExec(tt.in)
			if err == nil || err.Error() != tt.want {
				t.Errorf("SplitExec(%s) = %v, %v, want %s", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestWordColumns(t *testing.T) {
	commands, err := units.SplitExec(`-/bin/a  "b" ; /bin/c \;`)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, c := range commands {
		for _, w := range c.Words {
			got = append(got, w.Column)
		}
	}
	if want := []int{1, 10, 16, 23}; !slices.Equal(got, want) {
		t.Errorf("columns %v, want %v", got, want)
	}
}

func TestWordLiteral(t *testing.T) {
	tests := []struct {
		in, want string
		ok       bool
	}{
		{"a", "a", true}, {"a$$b%%c", "a$b%c", true}, {"a$b", "a$b", true}, {"$", "$", true},
		{"%i", "", false}, {"100%", "", false}, {"${A}", "", false}, {"$A", "", false}, {"$$$$", "$$", true},
	}
	for _, tt := range tests {
		commands, err := units.SplitExec("/bin/a " + tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := commands[0].Words[1].Literal(); got != tt.want || ok != tt.ok {
			t.Errorf("Literal of %q = %q, %v, want %q, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// execRoundTrip holds the law of ExecQuote: one clean line that gives back the words.
func execRoundTrip(t fataler, words []string) {
	t.Helper()
	line := units.ExecQuote(append([]string{"/bin/a"}, words...)...)
	if fault, reason := units.CheckValue(line); fault != 0 {
		t.Fatalf("ExecQuote(%q) = %q: %s", words, line, reason)
	}
	commands, err := units.SplitExec(line)
	if err != nil || len(commands) != 1 || len(commands[0].Words) != len(words)+1 {
		t.Fatalf("SplitExec(%s) = %s, %v", line, shownCommands(commands), err)
	}
	for i, w := range commands[0].Words[1:] {
		if got, ok := w.Literal(); got != words[i] || !ok {
			t.Fatalf("ExecQuote(%q) = %s, word %d comes back as %q, %v", words, line, i, got, ok)
		}
	}
}

func TestExecQuoteAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.Just(";"), genText()).Filter(func(s string) bool { return !strings.Contains(s, "\x00") })
		execRoundTrip(t, rapid.SliceOfN(text, 0, 5).Draw(t, "words"))
	})
}

func FuzzExecQuote(f *testing.F) {
	f.Add("a b", "$A%i")
	f.Add(";", "\\")
	f.Add("it's", "\"\xff\u0085")
	f.Add("", "\n{\"a\": \"$$\"}")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.Contains(a+b, "\x00") {
			return
		}
		execRoundTrip(t, []string{a, b})
	})
}

// SplitExec takes any text without a panic, and its words stand where it says.
func FuzzSplitExec(f *testing.F) {
	f.Add(`-@/bin/a "b\x4" '\'' ; c $D ${E} \;`)
	f.Add(`\`)
	f.Add("\"\\U0010ffff\\777")
	f.Fuzz(func(t *testing.T, value string) {
		commands, err := units.SplitExec(value)
		if err != nil && commands != nil {
			t.Fatalf("SplitExec(%q) gives commands and the error %v", value, err)
		}
		last := 0
		for _, c := range commands {
			for _, w := range c.Words {
				if w.Column <= last || w.Column > len(value) {
					t.Fatalf("SplitExec(%q): word %q at column %d", value, w.Text, w.Column)
				}
				last = w.Column
			}
		}
	})
}
