package format

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

func TestFormat(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"nothing but blanks", " \n\t\n\n", ""},
		{"nothing but a comment", "\n  # c  \n\n", "# c\n"},
		{"byte order mark", "\uFEFFa=1", "a = 1\n"},
		{"no last line end", "a = 1", "a = 1\n"},
		{"CRLF", "a=1\r\n\r\n\r\nb=\"\"\"\r\nx\"\"\"", "a = 1\r\n\r\nb = \"\"\"\r\nx\"\"\"\r\n"},
		{"the first line end holds for all", "a=1\nb=2\r\n", "a = 1\nb = 2\n"},
		{"line ends of a string are its own", "a=\"\"\"\r\nx\"\"\"\nb=2\n", "a = \"\"\"\r\nx\"\"\"\nb = 2\n"},

		{"keys of a block", "a=1\nbcd =  2\n\nefghi=3\n", "a   = 1\nbcd = 2\n\nefghi = 3\n"},
		{"a comment does not end a block", "a=1\n# c\nbcd=2\n", "a   = 1\n# c\nbcd = 2\n"},
		{"characters, not bytes", "\"é\"=1\n\"ab\"=2\n", "\"é\"  = 1\n\"ab\" = 2\n"},
		{"a very long key moves no other", "a=1\nb2=2\n\"01234567890123456789012345678901234567890123456789\"=3\n", "a  = 1\nb2 = 2\n\"01234567890123456789012345678901234567890123456789\" = 3\n"},
		{"dotted keys", "a . \"b.c\" .d=1\n[ x . y ]\n[[ z ]]\n", "a.\"b.c\".d = 1\n\n[x.y]\n\n[[z]]\n"},
		{"indentation", "[a]\n  b = 1\n  [a.c]\n    d = 2\n", "[a]\nb = 1\n[a.c]\nd = 2\n"},
		{"quotes stay", "'a'='b'\n\"c\"=\"\\u0041\"\n", "'a' = 'b'\n\"c\" = \"\\u0041\"\n"},
		{"numbers stay", "a=0xFF\nb=1_000\nc=+1e3\n", "a = 0xFF\nb = 1_000\nc = +1e3\n"},
		{"text of strings stays", "a=\"\"\"  \n  b   \\\n   c  \"\"\"\n", "a = \"\"\"  \n  b   \\\n   c  \"\"\"\n"},

		{"blank lines between keys", "\n\na=1\n\n\n\nb=2\n\n", "a = 1\n\nb = 2\n"},
		{"blank line before a header", "a=1\n[b]\nc=1\n[d]\n", "a = 1\n\n[b]\nc = 1\n\n[d]\n"},
		{"none within the table before", "[[a]]\nb=1\n[a.c]\nd=1\n\n[a.c.e]\n", "[[a]]\nb = 1\n[a.c]\nd = 1\n\n[a.c.e]\n"},
		{"a name that begins alike is another table", "[a]\n[ab]\n", "[a]\n\n[ab]\n"},
		{"none before the first key", "[a]\n\n\nb=1\n", "[a]\nb = 1\n"},
		{"remarks behind a header stay apart", "[a]\n\n# about b and c\n\nb=1\n", "[a]\n\n# about b and c\n\nb = 1\n"},
		{"comment of a header", "[a]\nx=1\n\n# of b\n[b]\n", "[a]\nx = 1\n\n# of b\n[b]\n"},
		{"comment that touches both", "[a]\nx=1\n# y=2\n[b]\n", "[a]\nx = 1\n# y=2\n[b]\n"},

		{"schema line", "#:schema ./stack.json\nstack='a'\n", "#:schema ./stack.json\nstack = 'a'\n"},
		{"comments of a block", "a=1# x\nbc=\"long\"    #y  \nd=3\n\ne=1   # z\n", "a  = 1      # x\nbc = \"long\" #y\nd  = 3\n\ne = 1 # z\n"},
		{"comment of a header is alone", "[abcdefgh]# x\na=1 # y\n", "[abcdefgh] # x\na = 1 # y\n"},
		{
			"a very long line moves no comment", "a=1 # x\nb=\"01234567890123456789012345678901234567890123456789012345678901234567890123456789\" # y\n",
			"a = 1 # x\nb = \"01234567890123456789012345678901234567890123456789012345678901234567890123456789\" # y\n",
		},
		{"comment behind a multi-line string", "a=1 # x\nb='''\nc''' # y\nd=1 # z\n", "a = 1 # x\nb = '''\nc''' # y\nd = 1 # z\n"},

		{"array on a line", "a=[1,2 , [ 'x','y', ], {b=1,c.d=2}, ]\nb=[ ]\n", "a = [1, 2, ['x', 'y'], { b = 1, c.d = 2 }]\nb = []\n"},
		{"array on lines", "a=[1,\n2]\n", "a = [\n  1,\n  2,\n]\n"},
		{"nested arrays", "a=[\n[\n1],[2]]\nb=[[\n1]]\n", "a = [\n  [\n    1,\n  ],\n  [2],\n]\nb = [[\n  1,\n]]\n"},
		{"an array of one multi-line string", "a=['''\nx''']\n", "a = ['''\nx''']\n"},
		{"empty array on lines", "a=[\n\n]\n", "a = []\n"},
		{"blank lines in an array", "a=[\n\n1,\n\n\n2,\n\n]\n", "a = [\n  1,\n\n  2,\n]\n"},
		{"a comma on its line is no blank line", "a=[1\n,\n2]\n", "a = [\n  1,\n  2,\n]\n"},
		{
			"comments in an array", "a=[# all\n# one\n1 # behind one\n,22, # behind two\n\n# end\n] # a\n",
			"a = [ # all\n  # one\n  1,  # behind one\n  22, # behind two\n\n  # end\n] # a\n",
		},
		{"nothing but comments in an array", "a=[\n# b\n]\nc=[# d\n]\n", "a = [\n  # b\n]\nc = [ # d\n]\n"},
		{"comment behind a comma on the next line", "a=[1\n, # x\n2\n# y\n,3 # z\n, # w\n]\n", "a = [\n  1, # x\n  2,\n  # y\n  3, # z\n  # w\n]\n"},
		{"array in an inline table", "a={b=[\n1, # x\n],c={}}\n", "a = { b = [\n  1, # x\n], c = {} }\n"},

		{"new escapes", "a=\"\\e\\x41\\\\x\\\\e\"\n\"\\x42\"='\\e'\n", "a        = \"\\u001B\\u0041\\\\x\\\\e\"\n\"\\u0042\" = '\\e'\n"},
		{"times without seconds", "a=07:32\nb=1979-05-27 07:32Z\nc=1979-05-27T07:32-08:00\nd=07:32:10.5\n", "a = 07:32:00\nb = 1979-05-27 07:32:00Z\nc = 1979-05-27T07:32:00-08:00\nd = 07:32:10.5\n"},
		{"inline table on lines", "a={\n  b=1,\n  c=2,\n}\n", "a = { b = 1, c = 2 }\n"},
		{"comments in an inline table", "# x\na={ # y\n  b=1, # z\n}\n", "# x\n# y\n# z\na = { b = 1 }\n"},
		{"comments in an inline table in an array", "a=[{b=1}, {# x\nc=2}] # y\n", "a = [\n  { b = 1 },\n  # x\n  { c = 2 },\n] # y\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, checkLaws(t, test.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormatFaults(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		code diag.Code
	}{
		"syntax":        {"a  =\n", diag.Syntax},
		"defined twice": {"a  = 1\na=2\n", diag.DuplicateKey},
		"not UTF-8":     {"a  = '\xff'\n", diag.Syntax},
	} {
		t.Run(name, func(t *testing.T) {
			out, findings := Format(source.NewFile("t.toml", test.text))
			if string(out) != test.text || len(findings) != 1 || findings[0].Code != test.code {
				t.Errorf("got %q, %+v", out, findings)
			}
		})
	}
}

// TestSameTable: what the formatter would find in its own output, if it were wrong.
func TestSameTable(t *testing.T) {
	const text = "a = 1\nb = ['x', 2.5]\nc = { d = true }\n"
	for name, test := range map[string]struct {
		other string
		same  bool
	}{
		"itself":         {text, true},
		"blanks":         {"a=1\nb=[ 'x',\n2.5 ]\nc={d=true}\n", true},
		"other quotes":   {"a = 1\nb = [\"x\", 2.5]\nc = { d = true }\n", true},
		"order":          {"b = ['x', 2.5]\na = 1\nc = { d = true }\n", false},
		"key":            {"a = 1\nb = ['x', 2.5]\nc = { e = true }\n", false},
		"missing":        {"a = 1\nb = ['x', 2.5]\n", false},
		"number":         {"a = 2\nb = ['x', 2.5]\nc = { d = true }\n", false},
		"text":           {"a = 1\nb = ['y', 2.5]\nc = { d = true }\n", false},
		"fewer elements": {"a = 1\nb = ['x']\nc = { d = true }\n", false},
		"type":           {"a = '1'\nb = ['x', 2.5]\nc = { d = true }\n", false},
	} {
		if got := sameTable(parsed(t, text), parsed(t, test.other)); got != test.same {
			t.Errorf("%s: %t", name, got)
		}
	}
}
