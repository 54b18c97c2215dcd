package topology

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/diag"
)

// TestWatcherPlace holds where the unit runs that learns an announced address: on
// every machine of a follower, whatever their order, and on all when fleet cannot
// say which.
func TestWatcherPlace(t *testing.T) {
	const head = `
stack = "s"
[roles]
master = "role=master"
node   = "role=node"
ssd    = ["role=node", "disk=ssd"]
hdd    = ["role=node", "disk=hdd"]
other  = "disk=ssd"
[unit.api]
role     = "master"
announce = true
`
	for _, c := range []struct {
		followers []string // their words
		want      string   // metadata, "none" for no such unit
	}{
		{nil, "none"},
		{[]string{`machine_of = "api"`}, "none"},
		{[]string{`role = "node"`}, "role=node"},
		{[]string{`role = "node"`, `role = "master"`}, "role=master role=node"},
		{[]string{`role = "node"`, `role = "ssd"`, `role = "hdd"`}, "role=node"},
		{[]string{`role = "ssd"`, `role = "hdd"`}, "disk=hdd disk=ssd role=node"},
		{[]string{`role = "ssd"`, `role = "other"`}, "disk=ssd"},
		{[]string{`role = "node"`, `role = "other"`}, ""},
		{[]string{`role = "node"`, ``}, ""},
		{[]string{`role = "node"
count = 2`, "role = \"ssd\"\nglobal = true"}, "role=node"},
		{[]string{`machine_id = "01234567"`}, ""},
	} {
		for _, reverse := range []bool{false, true} {
			var b strings.Builder
			b.WriteString(head)
			for i, words := range c.followers {
				if reverse {
					words = c.followers[len(c.followers)-1-i]
				}
				fmt.Fprintf(&b, "[unit.f%d]\nafter = [\"api\"]\n%s\n", i, words)
			}
			topo, findings := build(t, b.String())
			if len(findings) > 0 {
				t.Errorf("%q: %s", c.followers, diag.Short(findings))
			}
			got := "none"
			if n := topo.Node("api-follow"); n != nil {
				got = strings.Join(pairWords(n.Metadata()), " ")
				if !n.where.global || n.Made == nil || n.Made.For != topo.Node("api") || !n.Made.Follows {
					t.Errorf("%q: it is %+v", c.followers, n)
				}
			}
			if got != c.want {
				t.Errorf("%q: it runs on %q, want %q", c.followers, got, c.want)
			}
		}
	}
}

// TestReaders holds that those are started again that take the address in a
// command, and nobody else.
func TestReaders(t *testing.T) {
	topo, findings := build(t, `
stack = "s"
[unit.api]
announce = true
port = 1
[unit.beside]
machine_of = "api"
after = ["api"]
Service = { ExecStart = "/bin/x ${{ api.address }}" }
[unit.waits]
after = ["api"]
Service = { ExecStart = "/bin/x ${{ api.name }} ${{ api.port }}" }
[unit.z]
after = ["api"]
Service = { ExecStart = "/bin/x", ExecReload = "/bin/x ${{ api.service.host }}" }
[unit.a]
after = ["api"]
Service = { ExecStart = ["/bin/x", "/bin/x ${{ api.url }} ${{ api.host }}"] }
`)
	if len(findings) > 0 {
		t.Fatal(diag.Short(findings))
	}
	var got []string
	for _, n := range topo.Node("api-follow").Made.Readers {
		got = append(got, n.Key)
	}
	if want := []string{"a", "z"}; !slices.Equal(got, want) {
		t.Errorf("readers are %q, want %q", got, want)
	}
	if topo.Node("api-announce").Path() != "unit.api.announce" {
		t.Errorf("its path is %s", topo.Node("api-announce").Path())
	}
}
