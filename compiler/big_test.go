package compiler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// The size of the big stack.
const (
	bigUnits     = 300
	bigParams    = 40
	bigLibraries = 3
)

// id names the n-th thing of a kind. It says its number twice, so that no change
// of one character makes the name of another.
func id(kind string, n int) string { return fmt.Sprintf("%s-%03dx%03d", kind, n, n) }

// bigStack is a stack of 300 units with three libraries, two overlays and 40
// parameters, the same each time. It has every way in which units lean on each other,
// and no finding.
func bigStack() compiler.Options {
	files := source.Map{}
	perLibrary := bigUnits / (2 * bigLibraries)
	var head, units strings.Builder
	head.WriteString("# A stack of many units.\nstack = \"bigstack\"\nsystemd = 219\nuse = [\n")
	for i := range bigLibraries {
		fmt.Fprintf(&head, "  { stack = \"lib/%s.toml\", params = { %s = \"${{ %s }}\", %s = %d } }, # the library %d\n",
			id("lib", i), id("level", i), id("word", i), id("size", i), 10+i, i)
		files[fmt.Sprintf("lib/%s.toml", id("lib", i))] = bigLibrary(i, perLibrary)
	}
	head.WriteString("]\n\n[params]\n")
	for i := range bigParams - 2*bigLibraries {
		fmt.Fprintf(&head, "%s = \"value%03dy%03d\"\n", id("word", i), i, i)
	}
	head.WriteString(`
[roles]
master = { metadata = "role=master", address = "10.20.30.40", systemd = 225 }
node   = "role=node"

[host.etcd]
unit  = "etcd.service"
role  = "master"
port  = 4001
ready = { http = "/version" }

[host.docker]
unit = "docker.service"
role = "node"
ready = { command = "/usr/bin/docker version" }
`)
	for i := range bigUnits - bigLibraries*perLibrary {
		units.WriteString(bigUnit(i))
	}
	files[stackFile] = head.String() + units.String()
	files["first.toml"] = bigOverlay(0)
	files["second.toml"] = bigOverlay(7)
	return compiler.Options{Opener: files, Std: stacks.Library{}, Overlays: []string{"first.toml", "second.toml"}}
}

// bigLibrary is a library of n units that wait for one another along a chain.
func bigLibrary(lib, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack = \"%s\"\n[params]\n%s = { type = \"string\", help = \"how much it says\" }\n%s = { type = \"int\", default = 5 }\n",
		id("lib", lib), id("level", lib), id("size", lib))
	for i := range n {
		name := id(fmt.Sprintf("part%dq%d", lib, lib), i)
		fmt.Fprintf(&b, "\n[unit.%s]\nglobal = true\nrole = \"node\"\nport = %d\nready = { http = \"/healthz\" }\n", name, 20000+lib*1000+i*11)
		after := ""
		if i > 0 {
			before := id(fmt.Sprintf("part%dq%d", lib, lib), i-1)
			fmt.Fprintf(&b, "after = [\"%s\"]\n", before)
			after = fmt.Sprintf(" --before=${{ %s.address }}", before)
		}
		fmt.Fprintf(&b, "[unit.%s.Service]\nExecStart = \"\"\"\n  /opt/bin/%s\n  --port=${{ self.port }} --level=${{ %s }}\n  --size=${{ %s }}%s\"\"\"\nRestart = \"always\"\nRestartSec = 10\n",
			name, name, id("level", lib), id("size", lib), after)
	}
	return b.String()
}

// bigUnit is one unit of the stack itself, of one of several kinds.
func bigUnit(i int) string {
	name := id("unit", i)
	word := id("word", i%(bigParams-2*bigLibraries))
	service := fmt.Sprintf("ExecStart = \"/opt/bin/%s --word=${{ %s }}\"\nRestart = \"always\"\n", name, word)
	switch i % 6 {
	case 0:
		return fmt.Sprintf("\n[unit.%s] # with etcd\nrole = \"master\"\nafter = [\"etcd\"]\nport = %d\nready = { tcp = true }\n[unit.%s.Service]\nExecStart = \"/opt/bin/%s --etcd=${{ etcd.url }} --word=${{ %s }}\"\nRestart = \"always\"\nLimitNOFILE = 65536\n",
			name, 30000+i*11, name, name, word)
	case 1:
		return fmt.Sprintf("\n[unit.%s]\nmachine_of = \"%s\"\nafter = [\"%s\"]\n[unit.%s.Service]\nExecStart = \"/opt/bin/%s --of=${{ %s.address }}\"\nRestart = \"on-failure\"\nKillSignal = \"SIGTERM\"\n",
			name, id("unit", i-1), id("unit", i-1), name, name, id("unit", i-1))
	case 2:
		return fmt.Sprintf("\n[unit.%s]\nrole = \"node\"\nglobal = true\nafter = [\"%s\", \"docker\"]\nwait = \"5m\"\nenv = { DEFAULT_IPV4 = \"/etc/network-environment\" }\n[unit.%s.Service]\nExecStart = \"/opt/bin/%s --name=${DEFAULT_IPV4} --at=${{ %s.host }}:${{ %s.port }}\"\nRestart = \"always\"\nEnvironment = [\"A=1\", 'B=two']\n",
			name, id("unit", i-2), name, name, id("unit", i-2), id("unit", i-2))
	case 3:
		return fmt.Sprintf("\n[unit.%s]\nrole = \"master\"\nstate = \"loaded\"\n[unit.%s.Unit]\nDescription = \"job %s\"\n[unit.%s.Service]\nType = \"oneshot\"\nExecStart = [\"/opt/bin/%s one\", \"/opt/bin/%s two\"]\nTimeoutStartSec = \"10min\"\nUser = \"core\"\n",
			name, name, name, name, name, name)
	case 4:
		return fmt.Sprintf("\n[unit.\"%s.timer\"]\nmachine_of = \"%s\"\n[unit.\"%s.timer\".Timer]\nOnCalendar = \"Mon..Fri *-*-* 04:30\"\nUnit = \"%s.service\"\nPersistent = true\n",
			name, id("unit", i-1), name, id("unit", i-1))
	}
	return fmt.Sprintf("\n[unit.%s]\nrole = \"node\"\ncount = 1\nconflicts = [\"%s\"]\n[unit.%s.Service]\n%sWorkingDirectory = \"/var/lib\"\nEnvironmentFile = \"-/etc/default/x\"\nMemoryLimit = \"512M\"\n",
		name, id("unit", i-5), name, service)
}

// bigOverlay changes every seventh unit of the stack and some parameters.
func bigOverlay(from int) string {
	var b strings.Builder
	b.WriteString("# What is different here.\n[params]\n")
	for i := from + 6; i < from+10; i++ {
		fmt.Fprintf(&b, "%s = \"other%03dz%03d\"\n", id("word", i), i, i)
	}
	for i := from; i < bigUnits/2; i += 14 {
		if i%6 != 4 {
			fmt.Fprintf(&b, "\n[unit.%s.Service]\nNice = %d\n", id("unit", i), i%15)
		}
	}
	return b.String()
}

// TestBigStack: it compiles, without a finding, to 300 units, and each time to the same.
func TestBigStack(t *testing.T) {
	result, findings := compiler.Compile(stackFile, bigStack())
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	checkLaws(t, result, findings)
	if len(result.Set.Units) != bigUnits {
		t.Errorf("%d units", len(result.Set.Units))
	}
	params := len(result.Topology.Stack.Params)
	for _, used := range result.Topology.Stack.Used {
		params += len(used.Params)
	}
	if used := len(result.Topology.Stack.Used); used != bigLibraries || params != bigParams {
		t.Errorf("%d libraries and %d parameters", used, params)
	}
	if everything(compiler.Compile(stackFile, bigStack())) != everything(result, findings) {
		t.Error("a second compile gives something else")
	}
}
