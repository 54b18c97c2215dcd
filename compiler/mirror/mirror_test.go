package mirror_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/mirror"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

const (
	one = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	two = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

// compiled compiles a stack that may have downloads without a sum.
func compiled(t *testing.T, text string) *compiler.Result {
	t.Helper()
	result, findings := compiler.Compile("stack.toml", compiler.Options{Opener: source.Map{"stack.toml": text}, Std: stacks.Library{}})
	for _, d := range findings {
		if d.Severity == diag.Error && d.Code != diag.Unverified {
			t.Fatal(diag.Short(findings))
		}
	}
	return result
}

// shown is a file as the tests compare it: path, URL, origin, sum and who needs it.
func shown(files []mirror.File) []string {
	var list []string
	for _, f := range files {
		line := []string{f.Path, f.URL, f.Origin, f.SHA256}
		for _, a := range f.Asks {
			line = append(line, a.Who()+":"+a.To)
		}
		list = append(list, strings.Join(line, " "))
	}
	return list
}

func TestFiles(t *testing.T) {
	result := compiled(t, `
stack = "s"
[params]
mirror = "http://10.0.0.9"

[unit.b]
global   = true
download = [
  { url = "${{ mirror }}/bin/tool", to = "/opt/bin/tool", sha256 = "`+one+`" },
  { url = "${{ mirror }}/a%20b?v=1", origin = "https://example.com/ab", to = "/etc/ab", unverified = true },
]
Service = { ExecStart = "/opt/bin/tool", Restart = "always" }

[unit.a]
role     = "x"
download = { url = "${{ mirror }}/bin/tool", origin = "https://example.com/tool", to = "/opt/a/tool", unverified = true }
Service  = { ExecStart = "/opt/a/tool", Restart = "always" }

[unit.each]
count    = 2
role     = "x"
download = { url = "http://other:8080/${{ self.instance }}", to = "/opt/${{ self.instance }}", sha256 = "`+two+`" }
Service  = { ExecStart = "/opt/1", Restart = "always" }

[unit.text]
text = """
[Service]
ExecStart=/opt/bin/text
Restart=always
"""

[roles]
x = "role=x"
y = "y=true"

[machine]
m1 = { role = "x", address = "10.0.0.1", mac = "52:54:00:00:00:01", public = "192.0.2.1" }
m2 = { role = ["x", "y"], address = "10.0.0.2", id = "2ec5b0e5f1d34d9e8f6ab7c0d1e2f304", hostname = "two" }

[file."/opt/bin/tool"]
source     = "${{ mirror }}/bin/tool"
unverified = true
[file."/opt/hosts"]
source  = "${{ mirror }}/hosts"
origin  = "https://example.com/hosts"
sha256  = "`+two+`"
role    = "y"
machine = ["m1"]
[file."/etc/own"]
source     = "${{ mirror }}/own/${{ machine.name }}-${{ machine.hostname }}-${{ machine.address }}-${{ machine.public }}-${{ machine.mac }}-${{ machine.id }}"
unverified = true
role       = "x"
[file."/etc/motd"]
content = "hello"

[bootstrap]
setup_network_environment = { url = "${{ mirror }}/sne", origin = "https://example.com/sne", to = "/opt/bin/sne", unverified = true }

[[mirror]]
url    = "${{ mirror }}/vmlinuz"
origin = "https://example.com/766.3.0/vmlinuz"
sha256 = "`+one+`"
for    = "machines that boot over the network"
[[mirror]]
url        = "${{ mirror }}/vmlinuz.sig"
unverified = true
`)
	files, findings := mirror.Files(result.Topology)
	if len(findings) > 0 {
		t.Error(diag.Short(findings))
	}
	want := []string{
		"1 http://other:8080/1 http://other:8080/1 " + two + " each@1.service:/opt/1",
		"2 http://other:8080/2 http://other:8080/2 " + two + " each@2.service:/opt/2",
		"a b http://10.0.0.9/a%20b?v=1 https://example.com/ab  b.service:/etc/ab",
		"bin/tool http://10.0.0.9/bin/tool https://example.com/tool " + one + " b.service:/opt/bin/tool a.service:/opt/a/tool every machine:/opt/bin/tool",
		"hosts http://10.0.0.9/hosts https://example.com/hosts " + two + " role y, machine m1:/opt/hosts",
		"own/m1-m1-10.0.0.1-192.0.2.1-52:54:00:00:00:01- http://10.0.0.9/own/m1-m1-10.0.0.1-192.0.2.1-52:54:00:00:00:01- http://10.0.0.9/own/m1-m1-10.0.0.1-192.0.2.1-52:54:00:00:00:01-  machine m1:/etc/own",
		"own/m2-two-10.0.0.2---2ec5b0e5f1d34d9e8f6ab7c0d1e2f304 http://10.0.0.9/own/m2-two-10.0.0.2---2ec5b0e5f1d34d9e8f6ab7c0d1e2f304 http://10.0.0.9/own/m2-two-10.0.0.2---2ec5b0e5f1d34d9e8f6ab7c0d1e2f304  machine m2:/etc/own",
		"sne http://10.0.0.9/sne https://example.com/sne  every machine:/opt/bin/sne",
		"vmlinuz http://10.0.0.9/vmlinuz https://example.com/766.3.0/vmlinuz " + one + " machines that boot over the network:",
		"vmlinuz.sig http://10.0.0.9/vmlinuz.sig http://10.0.0.9/vmlinuz.sig  nobody in the stack:",
	}
	if d := cmp.Diff(want, shown(files)); d != "" {
		t.Error(d)
	}
	if s := files[0].Server(); s != "http://other:8080" {
		t.Errorf("the server is %q", s)
	}
}

// TestOrigins holds that the libraries say where their files come from, all but
// that of the release which its guide builds by hand.
func TestOrigins(t *testing.T) {
	for library, want := range map[string]int{"kubernetes/0.15": 9, "kubernetes/0.7": 0, "kubernetes/1.11": 2} {
		result := compiled(t, `
stack = "s"
[[use]]
stack = "std:`+library+`"
[use.params]
mirror = "http://10.0.0.9"
`+map[string]string{"kubernetes/0.15": `master = "10.0.0.1"`, "kubernetes/1.11": `master = "10.0.0.1"`, "kubernetes/0.7": `minions = ["10.0.0.1"]`}[library])
		files, findings := mirror.Files(result.Topology)
		elsewhere := 0
		for _, f := range files {
			if f.Server() != "http://10.0.0.9" || f.SHA256 != "" {
				t.Errorf("%s: %+v", library, f)
			}
			if strings.HasPrefix(f.Origin, "https://") {
				elsewhere++
			}
		}
		if len(findings) > 0 || elsewhere != want || len(files) < 2 {
			t.Errorf("%s: of %d files %d come from elsewhere, want %d; %s", library, len(files), elsewhere, want, diag.Short(findings))
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, first, second, want string }{
		{"no file", `url = "http://x/", unverified = true`, `url = "http://x/b", unverified = true`, `a mirror cannot hold "http://x/": it names no file`},
		{"no path", `url = "http://x", unverified = true`, `url = "http://x/b", unverified = true`, `a mirror cannot hold "http://x": it names no file`},
		{"out of the folder", `url = "http://x/../b", unverified = true`, `url = "http://x/b", unverified = true`, `a mirror cannot hold "http://x/../b": its path is none of a folder`},
		{"out of it by escapes", `url = "http://x/%2e%2e/b", unverified = true`, `url = "http://x/b", unverified = true`, `a mirror cannot hold "http://x/%2e%2e/b": its path is none of a folder`},
		{"two sums", `url = "http://x/b", sha256 = "` + one + `"`, `url = "http://x/b", sha256 = "` + two + `"`, `the mirror has one file "b", and its sha256 is "` + two + `" here and "` + one + `" elsewhere`},
		{"two origins", `url = "http://x/b", unverified = true, origin = "http://y/1"`, `url = "http://x/b", unverified = true, origin = "http://y/2"`,
			`the mirror has one file "b", and its origin is "http://y/2" here and "http://y/1" elsewhere`},
		{"two servers", `url = "http://x/b", unverified = true`, `url = "http://y/b", unverified = true`, `the mirror has one file "b", and its URL is "http://y/b" here and "http://x/b" elsewhere`},
		{"two questions", `url = "http://x/b?1", unverified = true`, `url = "http://x/b?2", unverified = true`, `the mirror has one file "b", and its URL is "http://x/b?2" here and "http://x/b?1" elsewhere`},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := compiled(t, `
stack = "s"
[unit.a]
download = [{ to = "/opt/a", `+c.first+` }, { to = "/opt/b", `+c.second+` }]
Service  = { ExecStart = "/opt/a", Restart = "always" }
`)
			files, findings := mirror.Files(result.Topology)
			if len(findings) != 1 || findings[0].Message != c.want || findings[0].Code != diag.MirrorFile || findings[0].Severity != diag.Error {
				t.Errorf("found\n%s", diag.Short(findings))
			}
			if len(files) != 1 {
				t.Errorf("files are %q", shown(files))
			}
		})
	}
}
