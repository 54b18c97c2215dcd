package syntax

import (
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/source"
)

const (
	keyHelp     = " -> a line is written key = value; a key with blanks stands in quotes"
	numberHint  = " -> numbers are written 42, -1, 1_000, 0xff, 0o755, 1.5 and 1e9; a string stands in quotes"
	oneThing    = " -> a line holds one header or one key = value"
	dateHint    = " -> a date is written 1979-05-27, a time 07:32:00; a string stands in quotes"
	noZeros     = " -> a number has no leading zeros; a string stands in quotes"
	doubleSlash = ` -> write \\ for a backslash, or put the text in single quotes`
)

func TestFaultsInKeys(t *testing.T) {
	checkFindings(t, []findingCase{
		{"no equals sign", "key\n", `1:4-4 syntax: expected "=" behind the key, found the end of the line` + keyHelp},
		{"end of the file", "key", `1:4-4 syntax: expected "=" behind the key, found the end of the file` + keyHelp},
		{"colon", "stack: k8s\n", `1:6-7 syntax: expected "=" behind the key, found ":"` + keyHelp},
		{"two words", "foo bar = 1\n", `1:5-8 syntax: expected "=" behind the key, found "bar"` + keyHelp},
		{"character that needs quotes", "[unit.app@1]\nrole = 'a'\n", `1:7-12 syntax: a key outside quotes holds only letters, digits, - and _, found "app@1" -> write "app@1"`},
		{"letter that needs quotes", "größe = 1", `1:1-6 syntax: a key outside quotes holds only letters, digits, - and _, found "größe" -> write "größe"`},
		{"no key", " = 1", `1:2-3 syntax: expected a key, found "="`},
		{"two dots", "a..b = 1", `1:3-4 syntax: expected a key, found "."`},
		{"multi-line", "\"\"\"a\"\"\" = 1", `1:1-4 syntax: a key cannot be a multi-line string`},
		{"open quote", "\"a = 1\nb = 2\n", `1:1-7 syntax: the string is not closed by " on its line`},
		{"control character", "\fa = 1", `1:1-2 syntax: expected a key, found the control character U+000C`},
		{"open header", "[a\nx = 1\n", `1:3-3 syntax: expected "]" behind the header's name, found the end of the line`},
		{"half-open array header", "[[a]\n", `1:4-5 syntax: expected "]]" behind the header's name, found "]"`},
		{"one bracket more", "[a]]\n", `1:4-5 syntax: expected the end of the line behind the header, found "]"` + oneThing},
		{"empty header", "[]\n", `1:1-3 syntax: a header needs a name between its brackets`},
		{"key behind a header", "[a] b = 1 # c\n", `1:5-10 syntax: expected the end of the line behind the header, found "b"` + oneThing},
	})
}

func TestFaultsInValues(t *testing.T) {
	checkFindings(t, []findingCase{
		{"no value", "a = \nb = 1\n", `1:4-4 syntax: expected a value behind "=" -> the value stands on the line of its key`},
		{"comment for a value", "a = # x\n", `1:4-4 syntax: expected a value behind "=" -> the value stands on the line of its key`},
		{"value on the next line", "a =\n  'x'\nb = 1\n", `1:4-4 syntax: expected a value behind "=" -> the value stands on the line of its key`},
		{"two equals signs", "a == 1\n", `1:4-5 syntax: expected a value, found "="`},
		{"word", "a = value\n", `1:5-10 syntax: a string must stand in quotes -> write "value"`},
		{"quotes of a text processor", "a = “value”\n", `1:5-12 syntax: a string must stand in quotes, " or ' -> write "value"`},
		{"command line", "ExecStart = /bin/x --a=1 \"b\" # c\n", `1:13-29 syntax: a string must stand in quotes -> write '/bin/x --a=1 "b"'`},
		{"word with an equals sign", "node = role=node # c\n", `1:8-17 syntax: a string must stand in quotes -> write "role=node"`},
		{"two equals signs apart", "a = b = 1\n", `1:5-6 syntax: a string must stand in quotes -> write "b"`},
		{"template", "a = [${{ port }}, 1]\n", `1:6-17 syntax: a string must stand in quotes -> write "${{ port }}"`},
		{"address", "a = 10.0.0.1\n", `1:5-13 syntax: a string must stand in quotes -> write "10.0.0.1"`},
		{"duration", "a = 10s\n", `1:5-8 syntax: a string must stand in quotes -> write "10s"`},
		{"boolean of YAML", "a = yes\nb = OFF\n", `1:5-8 syntax: "yes" is not a value -> write true` + "\n" + `2:5-8 syntax: "OFF" is not a value -> write false`},
		{"null", "a = null\n", `1:5-9 syntax: "null" is not a value -> leave the key out where there is no value`},
		{"underscore", "a = 1_\n", `1:5-7 syntax: "1_" is not a number` + numberHint},
		{"signed hexadecimal", "a = -0xff\n", `1:5-10 syntax: "-0xff" is not a number` + numberHint},
		{"leading zero", "a = 0644\n", `1:5-9 syntax: "0644" is not a number` + noZeros},
		{"too large", "a = 99999999999999999999\n", `1:5-25 syntax: "99999999999999999999" is not a number -> a number has at most 64 bits`},
		{"no such day", "a = 2024-02-30\n", `1:5-15 syntax: "2024-02-30" is not a date or time` + dateHint},
		{"no such minute", "a = 2024-02-03 10:00:00+01:60\n", `1:5-30 syntax: "2024-02-03 10:00:00+01:60" is not a date or time` + dateHint},
		{"no such time", "a = 1:32:00\n", `1:5-12 syntax: "1:32:00" is not a date or time` + dateHint},
		{"two values", "a = 1 2\n", `1:7-8 syntax: expected the end of the line behind the value, found "2"` + oneThing},
		{"two on a line", "a = 1 b = 2 # c\n", `1:7-12 syntax: expected the end of the line behind the value, found "b"` + oneThing},
	})
}

func TestFaultsInStrings(t *testing.T) {
	checkFindings(t, []findingCase{
		{"open", "a = \"x\nb = 1\n", `1:5-7 syntax: the string is not closed by " on its line`},
		{"open, CRLF", "a = 'x\r\nb = 1\r\n", `1:5-7 syntax: the string is not closed by ' on its line`},
		{"escaped quote", `a = "x\"`, `1:5-9 syntax: the string is not closed by " on its line`},
		{"backslash at the end", "a = \"x\\\nb = 1\n", `1:5-8 syntax: the string is not closed by " on its line`},
		{"open multi-line", "a = \"\"\"x\n[b]\nc = 1\n", `1:5-8 syntax: the multi-line string is not closed by """`},
		{"unknown escape", `a = "C:\data"`, `1:8-10 syntax: "\\d" is no escape of a string` + doubleSlash},
		{"unknown escape in a multi-line string", "a = \"\"\"\nx = \\d\n\"\"\"\nb = 1\n", `2:5-7 syntax: "\\d" is no escape of a string` + doubleSlash},
		{"short escape", `a = "\u00e"`, `1:6-11 syntax: \u must be followed by 4 hexadecimal digits of a Unicode character`},
		{"half a surrogate pair", `a = "\ud800"`, `1:6-12 syntax: \u must be followed by 4 hexadecimal digits of a Unicode character`},
		{"control character", "a = 'x\x01'", `1:7-8 syntax: the control character U+0001 cannot stand in a string -> write \u0001 in a "…" string where it is meant`},
		{"carriage return", "a = \"\"\"x\ry\"\"\"", `1:9-10 syntax: a carriage return cannot stand in a string -> a line ends in \n or \r\n`},
		{"in a comment", "a = 1 # x\x7f\n", `1:10-11 syntax: the control character U+007F cannot stand in a comment -> write \u007F in a "…" string where it is meant`},
		{"too many quotes", `a = """x""""""`, `1:9-15 syntax: 6 quotes in a row at the end of a multi-line string; 5 are the most`},
		{"behind a string", `a = "x" "y"`, `1:9-12 syntax: expected the end of the line behind the value, found "\"y\""` + oneThing},
	})
}

func TestFaultsInBrackets(t *testing.T) {
	checkFindings(t, []findingCase{
		{"no comma", "a = [1, 'x' 'y']\n", `1:13-16 syntax: expected "," or "]", found "'y'"`},
		{"no comma at the end of a line", "a = [\n  1\n  2 ]\n", `2:4-4 syntax: expected "," or "]" behind the element (1:5 the array begins here)`},
		{"two commas", "a = [1,,2]\n", `1:8-9 syntax: expected an element or "]", found ","`},
		{"open at the end of the file", "a = [1,\n", `1:5-6 syntax: the array is not closed`},
		{"open before a key", "a = [1, 2\nb = yes\n", `1:5-6 syntax: the array is not closed (2:1 this line is no part of it)` + "\n" + `2:5-8 syntax: "yes" is not a value -> write true`},
		{"open before a header", "a = [\n  1,\n[unit.b]\nc = yes\n", `1:5-6 syntax: the array is not closed (3:1 this line is no part of it)` + "\n" + `4:5-8 syntax: "yes" is not a value -> write true`},
		{"wrong bracket", "a = { b = 1 ]\nc = 1\n", `1:13-14 syntax: expected "," or "}", found "]"`},
		{"no comma in an inline table", "a = { b = 1 c = 2 }\n", `1:13-14 syntax: expected "," or "}", found "c"`},
		{"open inline table", "a = { b = 1\nc = yes\n", `1:12-12 syntax: expected "," or "}" behind the element` + "\n" + `2:5-8 syntax: "yes" is not a value -> write true`},
		{"no value in an inline table", "a = { b = }\n", `1:11-12 syntax: expected a value, found "}"`},
		{"fault in a long array", "a = [\n  1,\n  yes,\n  'x]',\n] # ]\nb = off\n", `3:3-6 syntax: "yes" is not a value -> write true` + "\n" + `6:5-8 syntax: "off" is not a value -> write false`},
	})
}

// TestManyFaults holds that another language than TOML gives few findings, and
// that there is an end to them.
func TestManyFaults(t *testing.T) {
	checkFindings(t, []findingCase{
		{"YAML", "stack: k8s\nparams:\n  port: 80\n  list:\n  - a\n  - b\n", `1:6-7 syntax: expected "=" behind the key, found ":"` + keyHelp},
	})
	_, findings := Parse(source.NewFile("t", strings.Repeat("a = yes\n", 1000)))
	if len(findings) != maxFaults {
		t.Errorf("%d findings, want %d", len(findings), maxFaults)
	}
}

// TestDeepNesting holds that neither the parser nor the finder runs out of stack.
func TestDeepNesting(t *testing.T) {
	open := func(what string, n int) string { return "a = " + strings.Repeat(what, n) }
	want := "brackets stand more than 10000 deep in each other"
	for _, text := range []string{open("[", 1<<21), open("{a=", 1<<21), open("[{a=", 1<<20) + "\nb = 1\n"} {
		if _, findings := Parse(source.NewFile("t", text)); len(findings) != 1 || findings[0].Message != want {
			t.Errorf("%.10s…:\n%s", text, lines(findings))
		}
	}
	text := open("[", maxNesting) + strings.Repeat("]", maxNesting) + "\n"
	if _, findings := Parse(source.NewFile("t", text)); len(findings) > 0 {
		t.Errorf("as deep as may be:\n%s", lines(findings))
	}
}

// TestFinderAgrees holds the finder against the TOML suite: it finds nothing in
// what is valid, and something wherever go-toml does.
func TestFinderAgrees(t *testing.T) {
	for name, text := range suite(t, "valid/") {
		text = source.NewFile(name, text).Text() // without byte order mark
		if f := findFault(text, 0, len(text)); f.message != "" || f.at < len(text) {
			t.Errorf("%s: at %d: %s", name, f.at, f.message)
		}
	}
	for name, text := range suite(t, "invalid/") {
		_, findings := Parse(source.NewFile(name, text))
		for _, d := range findings {
			if strings.Contains(d.Message, "unexpected") || strings.Contains(d.Message, "invalid") {
				t.Errorf("%s: the message is go-toml's: %s", name, d.Message)
			}
		}
	}
}

// TestResumeAddsNothing holds that a fault in front does not make findings in a
// file that has none.
func TestResumeAddsNothing(t *testing.T) {
	for name, text := range suite(t, "valid/") {
		if !strings.HasPrefix(name, "valid/spec-") {
			continue
		}
		for _, fault := range []string{"x_ = yes\n", "x_ = [1 2]\n", "x_ = 'a\n", "x_ =\n"} {
			_, findings := Parse(source.NewFile(name, fault+text))
			if len(findings) != 1 {
				t.Errorf("%s behind %q:\n%s", name, fault, lines(findings))
			}
		}
	}
}
