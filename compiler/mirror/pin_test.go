package mirror_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/format"
	"github.com/stackc/stackc/compiler/mirror"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// lib is a library that takes its sum from a parameter, uses another that does,
// and has one that it does not let others say.
const lib = `
stack = "lib"
[params]
web-sha256 = ""
unverified = false

[[use]]
stack = "deep.toml"
[use.params]
sha256 = "${{ log-sha256 }}"

[params.log-sha256]
type    = "string"
default = ""

[unit.web]
download = [{ url = "http://x/web", to = "/opt/web", sha256 = "${{ web-sha256 }}", unverified = true }]
Service  = { ExecStart = "/opt/web", Restart = "always" }
`

const deep = `
stack = "deep"
[params]
sha256 = ""
own    = ""
[unit.log]
download = [
  { url = "http://x/log", to = "/opt/log", sha256 = "${{ sha256 }}", unverified = true },
  { url = "http://x/own", to = "/opt/own", sha256 = "${{ own }}", unverified = true },
]
Service  = { ExecStart = "/opt/log", Restart = "always" }
`

const service = `
[unit.a.Service]
ExecStart = "/opt/a"
Restart   = "always"
`

// pinned gives every loose file of a stack the sum one, and compiles what comes of it.
func pinned(t *testing.T, files source.Map) (text string, left []mirror.Left) {
	t.Helper()
	load := func() ([]mirror.File, *compiler.Result) {
		result, findings := compiler.Compile("stack.toml", compiler.Options{Opener: files, Std: stacks.Library{}})
		for _, d := range findings {
			if d.Severity == diag.Error && d.Code != diag.Unverified {
				t.Fatalf("%s\n%s", diag.Short(findings), files["stack.toml"])
			}
		}
		list, found := mirror.Files(result.Topology)
		if len(found) > 0 {
			t.Fatal(diag.Short(found))
		}
		return list, result
	}
	list, result := load()
	sums := map[string]string{}
	for _, f := range list {
		if sums[f.Path] = f.SHA256; f.SHA256 == "" {
			sums[f.Path] = one
		}
		if f.Path == "second" {
			sums[f.Path] = two
		}
	}
	text, left, findings := mirror.Pin(result.Topology.Stack, source.NewFile("stack.toml", files["stack.toml"]), list, sums)
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	files["stack.toml"] = text
	again, _ := load()
	for _, f := range again {
		stays := false
		for _, l := range left {
			stays = stays || l.Path == f.Path
		}
		if f.Loose() != stays || !stays && f.SHA256 != sums[f.Path] {
			t.Errorf("%s has the sum %q now, want %q; left are %q", f.Path, f.SHA256, sums[f.Path], left)
		}
	}
	return text, left
}

func TestPin(t *testing.T) {
	for _, c := range []struct{ name, text, want, left string }{
		{"nothing there", `download = [{ url = "http://x/a", to = "/opt/a" }] # a comment
`, `download = [{ url = "http://x/a", to = "/opt/a", sha256 = "ONE" }] # a comment
`, ""},
		{"unverified", `download = { url = "http://x/a", unverified = true, to = "/opt/a" }
`, `download = { url = "http://x/a", sha256 = "ONE", to = "/opt/a" }
`, ""},
		{"an empty one", `download = { url = "http://x/a", sha256 = "", unverified = true, to = "/opt/a" }
`, `download = { url = "http://x/a", sha256 = "ONE", unverified = true, to = "/opt/a" }
`, ""},
		{"several, one of them pinned", `download = [
  { url = "http://x/a", to = "/opt/a", unverified = true },
  # this one
  { url = "http://x/b", to = "/opt/b", sha256 = "TWO" },
  { url = "http://x/second", to = "/opt/c", unverified = true }, # and that
]
`, `download = [
  { url = "http://x/a", to = "/opt/a", sha256 = "ONE" },
  # this one
  { url = "http://x/b", to = "/opt/b", sha256 = "TWO" },
  { url = "http://x/second", to = "/opt/c", sha256 = "TWO" }, # and that
]
`, ""},
		{"known elsewhere", `download = [
  { url = "http://x/a", to = "/opt/a", unverified = true },
  { url = "http://x/a", to = "/opt/b", sha256 = "TWO" },
]
`, `download = [
  { url = "http://x/a", to = "/opt/a", sha256 = "TWO" },
  { url = "http://x/a", to = "/opt/b", sha256 = "TWO" },
]
`, ""},
		{"a table of its own, in the style", `
[[unit.a.download]]
url  = "http://x/a" # from there
to   = "/opt/a"
mode = "0755"
`, `
[[unit.a.download]]
url    = "http://x/a" # from there
to     = "/opt/a"
mode   = "0755"
sha256 = "ONE"
`, ""},
		{"a table of its own, in another style", `
[[unit.a.download]]
  url="http://x/a"
  unverified   =   true
  to="/opt/a"   # there
`, `
[[unit.a.download]]
  url="http://x/a"
  sha256 = "ONE"
  to="/opt/a"   # there
`, ""},
		{"an addition", `download = { append = [{ url = "http://x/a", to = "/opt/a" }] }
`, `download = { append = [{ url = "http://x/a", to = "/opt/a", sha256 = "ONE" }] }
`, ""},
		{"a parameter", `download = { url = "http://x/a", sha256 = "${{ sum }}", to = "/opt/a", unverified = true }
[params]
sum = ''
`, `download = { url = "http://x/a", sha256 = "${{ sum }}", to = "/opt/a", unverified = true }
[params]
sum = "ONE"
`, ""},
		{"a parameter for two", `download = [
  { url = "http://x/a", sha256 = "${{ sum }}", to = "/opt/a", unverified = true },
  { url = "http://x/second", sha256 = "${{ sum }}", to = "/opt/b", unverified = true },
]
[params]
sum = { type = "string", default = "", help = "sum" }
`, "", "a: stack.toml:14:36 stands for several files with different sums\nsecond: stack.toml:14:36 stands for several files with different sums"},
		{"several parts", `download = { url = "http://x/a", sha256 = "${{ half }}${{ half }}", to = "/opt/a", unverified = true }
[params]
half = ""
`, "", `a: stack.toml:9:43 makes it of several parts`},
		{"instances", `count = 2
download = { url = "http://x/${{ self.instance }}", to = "/opt/a", unverified = true }
`, `count = 2
download = { url = "http://x/${{ self.instance }}", to = "/opt/a", sha256 = "ONE" }
`, ""},
		{"a file of the machines", `download = { url = "http://x/a", to = "/opt/a" }
[file]
"/opt/inline" = { source = "http://x/inline" }
[file."/opt/tool"]
source = "http://x/tool"
mode   = "0755"
[file."/opt/loose"]
source     = "http://x/loose"
unverified = true
[file."/opt/other"]
content = "x"
`, `download = { url = "http://x/a", to = "/opt/a", sha256 = "ONE" }
[file]
"/opt/inline" = { source = "http://x/inline", sha256 = "ONE" }
[file."/opt/tool"]
source = "http://x/tool"
mode   = "0755"
sha256 = "ONE"
[file."/opt/loose"]
source     = "http://x/loose"
sha256 = "ONE"
[file."/opt/other"]
content = "x"
`, ""},
		{"what bootstrap fetches, and what nobody here does", `
[bootstrap]
setup_network_environment = { url = "http://x/sne", to = "/opt/bin/sne", unverified = true }
[[mirror]]
url = "http://x/vmlinuz"
`, `
[bootstrap]
setup_network_environment = { url = "http://x/sne", to = "/opt/bin/sne", sha256 = "ONE" }
[[mirror]]
url = "http://x/vmlinuz"
sha256 = "ONE"
`, ""},
		{"at the end of the text", "\n[unit.a.download]\nurl = \"http://x/a\"\nto = \"/opt/a\"", "\n[unit.a.download]\nurl = \"http://x/a\"\nto = \"/opt/a\"\nsha256 = \"ONE\"\n", ""},
		{"written with dots", `download.url = "http://x/a"
download.to  = "/opt/a"
`, "", `a: the table of stack.toml:9:10 is written with dots: add sha256 = "ONE"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sums := strings.NewReplacer("ONE", one, "TWO", two)
			head := "# A stack.\nstack = \"s\"\n" + service + "\n[unit.a]\n"
			if c.want == "" {
				c.want = c.text
			}
			text, left := pinned(t, source.Map{"stack.toml": head + sums.Replace(c.text)})
			want := head + sums.Replace(c.want)
			if d := cmp.Diff(want, text); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
			var lines []string
			for _, l := range left {
				lines = append(lines, l.Path+": "+l.Why)
			}
			if got := strings.Join(lines, "\n"); got != sums.Replace(c.left) {
				t.Errorf("left: %s", got)
			}
		})
	}
}

// TestPinLibraries holds that a sum goes to the stack file's own words about a library.
func TestPinLibraries(t *testing.T) {
	const head = "stack = \"s\"\n"
	const own = "own: deep.toml:5:10 says that it is empty"
	for _, c := range []struct{ name, text, want, left string }{
		{"an entry without parameters", `use = [{ stack = "lib.toml" }]`, `use = [{ stack = "lib.toml", params = { log-sha256 = "ONE", web-sha256 = "ONE" } }]`, own},
		{"an entry with parameters", `use = [{ stack = "lib.toml", params = { unverified = true } }]`,
			`use = [{ stack = "lib.toml", params = { unverified = true, log-sha256 = "ONE", web-sha256 = "ONE" } }]`, own},
		{"no parameters", `use = [{ stack = "lib.toml", params = {} }]`, `use = [{ stack = "lib.toml", params = { log-sha256 = "ONE", web-sha256 = "ONE" } }]`, own},
		{"an empty one", `use = [{ stack = "lib.toml", params = { web-sha256 = "", log-sha256 = "TWO" } }]`, `use = [{ stack = "lib.toml", params = { web-sha256 = "ONE", log-sha256 = "TWO" } }]`, own},
		{"headers", "\n[[use]]\nstack = \"lib.toml\" # it\n\n[roles]\nx = \"role=x\"\n",
			"\n[[use]]\nstack = \"lib.toml\" # it\n[use.params]\nlog-sha256 = \"ONE\"\nweb-sha256 = \"ONE\"\n\n[roles]\nx = \"role=x\"\n", own},
		{"headers of parameters", "\n[[use]]\nstack = \"lib.toml\"\n[use.params]\nunverified = true\n\n[roles]\nx = \"role=x\"\n",
			"\n[[use]]\nstack = \"lib.toml\"\n[use.params]\nunverified = true\nlog-sha256 = \"ONE\"\nweb-sha256 = \"ONE\"\n\n[roles]\nx = \"role=x\"\n", own},
		{"empty headers of parameters", "\n[[use]]\nstack = \"lib.toml\"\n[use.params]\n\n[roles]\nx = \"role=x\"\n",
			"\n[[use]]\nstack = \"lib.toml\"\n[use.params]\nlog-sha256 = \"ONE\"\nweb-sha256 = \"ONE\"\n\n[roles]\nx = \"role=x\"\n", own},
		{"handed on", "use = [{ stack = \"lib.toml\", params = { web-sha256 = \"${{ web }}\", log-sha256 = \"TWO\" } }]\n\n[params]\nweb = { type = \"string\", default = \"\" }\n",
			"use = [{ stack = \"lib.toml\", params = { web-sha256 = \"${{ web }}\", log-sha256 = \"TWO\" } }]\n\n[params]\nweb = { type = \"string\", default = \"ONE\" }\n", own},
		{"dots", "\n[[use]]\nstack = \"lib.toml\"\nparams.unverified = true\n", "\n[[use]]\nstack = \"lib.toml\"\nparams.unverified = true\n",
			own + "\nlog: the table of stack.toml:5:8 is written with dots: add log-sha256 = \"ONE\" and web-sha256 = \"ONE\"" +
				"\nweb: the table of stack.toml:5:8 is written with dots: add log-sha256 = \"ONE\" and web-sha256 = \"ONE\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sums := strings.NewReplacer("ONE", one, "TWO", two)
			text, left := pinned(t, source.Map{"stack.toml": head + sums.Replace(c.text), "lib.toml": lib, "deep.toml": deep})
			if d := cmp.Diff(head+sums.Replace(c.want), text); d != "" {
				t.Errorf("text (-want +got):\n%s", d)
			}
			var lines []string
			for _, l := range left {
				lines = append(lines, l.Path+": "+l.Why)
			}
			if got := strings.Join(lines, "\n"); got != sums.Replace(c.left) {
				t.Errorf("left: %s", got)
			}
		})
	}
}

// TestPinExamples pins the examples that come with stackc, which stay in the style.
func TestPinExamples(t *testing.T) {
	paths, err := filepath.Glob("../../stacks/k8s*.toml")
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, eol := range []string{"\n", "\r\n"} {
				text, left := pinned(t, source.Map{"stack.toml": strings.ReplaceAll(string(before), "\n", eol)})
				if len(left) > 0 || strings.Count(text, one) == 0 {
					t.Errorf("left: %q\n%s", left, text)
				}
				if want := strings.Count(string(before), "\n"); strings.Count(text, eol) != want {
					t.Errorf("%d lines, want %d", strings.Count(text, eol), want)
				}
				formatted, _ := format.Format(source.NewFile("x", text))
				if string(formatted) != text {
					t.Error("it is not in the style any more")
				}
			}
		})
	}
}
