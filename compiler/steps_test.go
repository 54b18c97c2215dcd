package compiler_test

import (
	"fmt"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units/compare"
)

// preparing has every word that makes the compiler write a command, with what is
// awkward in a shell.
const preparing = `
stack = "s"
allow = ["no-restart"]
[roles]
m = { metadata = "role=m", address = "10.0.0.1" }
n = { metadata = "role=n", address = "10.0.0.2" }
[host.etcd]
unit = "etcd.service"
role = "m"
port = 4001
ready = { http = "/version" }
[unit.all]
role = "m"
global = true
after = ["etcd", "http", "tcp", "file", "contains", "command", "key", "none"]
env = { ADDR = "/etc/it's-100%" }
download = [{ url = "http://h/a?x='1'&y=50%25", to = "/opt/it's a", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  { url = "http://h/b", to = "/opt/b", unverified = true }]
etcd_put = { "/it's" = { a = "b'c$d%e" }, "/plain" = 1 }
[unit.all.Service]
ExecStart = "/bin/x"
[unit.limited]
role = "n"
after = ["etcd"]
wait = "5m"
[unit.limited.Service]
ExecStart = "/bin/x"
`

func prepared() string {
	text := preparing
	port := 80
	for name, ready := range map[string]string{
		"http": `{ http = "/ok?a='b'" }`, "tcp": `{ tcp = true }`, "file": `{ file = "/run/it's" }`, "contains": `{ file = "/run/x", contains = "a'b (c)" }`,
		"command": `{ command = "/bin/test 'a b' = \"$X\"" }`, "key": `{ etcd = "/k" }`, "none": `{ unit = true }`,
	} {
		after := ""
		if name == "key" {
			after = "after = [\"etcd\"]\n"
		}
		port++
		text += fmt.Sprintf("[unit.%s]\nrole = \"m\"\nglobal = true\nport = %d\n", name, port) + after + "ready = " + ready + "\n[unit." + name + ".Service]\nExecStart = \"/bin/" + name + "\"\n"
	}
	return text
}

// TestStepsAreRecognised wants every command of the compiler to be told from its
// text alone, with what the compiler itself says that it waits for.
func TestStepsAreRecognised(t *testing.T) {
	result, findings := compiler.Compile("s.toml", compiler.Options{Opener: source.Map{"s.toml": prepared()}})
	if result.Set == nil {
		t.Fatalf("%+v", findings)
	}
	verbs := map[compare.Verb]int{}
	for _, u := range result.Set.Units {
		waits := u.Waits
		for i, o := range u.Options {
			if o.Name != "ExecStartPre" || result.Origins[u.Name][i].Rule == "" {
				continue
			}
			step, ok := compare.ReadStep(u.Name, o.Value)
			if !ok {
				t.Errorf("%s: not recognised: %s", u.Name, o.Value)
				continue
			}
			verbs[step.Verb]++
			if said := waits[0]; step.Verb == compare.Wait && (step.Subject != said.Subject || step.Probe != said.Probe) {
				t.Errorf("%s: recognised %q %q, the compiler says %q %q", u.Name, step.Subject, step.Probe, said.Subject, said.Probe)
			}
			waits = waits[1:]
		}
	}
	if verbs[compare.Wait] < 9 || verbs[compare.Download] != 2 || verbs[compare.Put] != 2 {
		t.Errorf("recognised %v", verbs)
	}
}
