package pxe_test

import (
	"flag"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/pxe"
	"github.com/stackc/stackc/compiler/source"
)

var update = flag.Bool("update", false, "write the differences anew, their reasons by hand")

const guide = "../../testdata/guides/offline-v0.15/pxe/"

// room is the guide's own: one master and two nodes behind a PXE server.
const room = `
stack = "offline"
[roles]
master = "role=master"
node   = "role=node"
[machine]
core-os-master = { role = "master", address = "10.20.30.40", mac = "d0:00:67:13:0d:00" }
core-os-slave  = { role = "node", address = "10.20.30.41", mac = "d0:00:67:13:0d:01" }
core-os-slave2 = { role = "node", address = "10.20.30.42", mac = "d0:00:67:13:0d:02" }
[bootstrap]
address = "platform"
[pxe]
server  = "10.20.30.242"
router  = "10.20.30.1"
subnet  = "10.20.30.0/24"
version = "717.3.0"
by      = "role"
root    = "LABEL=ROOT"
`

// made are the files of a stack, links by what they point to.
func made(t *testing.T, text string) (files, links map[string]string) {
	t.Helper()
	result, findings := compiler.Compile("room.toml", compiler.Options{Opener: source.Map{"room.toml": text}})
	if findings.HasErrors() {
		t.Fatal(diag.Short(findings))
	}
	s := result.Topology.Stack
	hosts := map[string]*bootstrap.Host{}
	for _, name := range pxe.Configs(s) {
		o := bootstrap.Options{Format: bootstrap.CloudConfig, Machine: name}
		if s.PXE.ByRole() {
			o.Machine, o.Role = "", name
		}
		list, found := bootstrap.Hosts(s, o)
		if found.HasErrors() {
			t.Fatal(diag.Short(found))
		}
		hosts[name] = list[0]
	}
	list, err := pxe.Files(s, hosts)
	if err != nil {
		t.Fatal(err)
	}
	files, links = map[string]string{}, map[string]string{}
	for _, f := range list {
		if f.Link != "" {
			links[path.Base(f.Path)] = f.Link
		} else {
			files[f.Path] = f.Text
		}
	}
	return files, links
}

func guides(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(guide + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dhcpFacts takes a fragment apart: what holds for the subnet, and for each host by
// its hardware address, of which the name is free.
func dhcpFacts(text string) []string {
	var facts, host []string
	where := "dhcp"
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSpace(line), ";")
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "host "):
			host = []string{}
		case line == "}" && host != nil:
			mac := ""
			for _, f := range host {
				if m, ok := strings.CutPrefix(f, "hardware ethernet "); ok {
					mac = m
				}
			}
			for _, f := range host {
				facts = append(facts, where+" "+mac+": "+f)
			}
			host = nil
		case line == "}":
		case host != nil:
			host = append(host, line)
		default:
			facts = append(facts, where+": "+strings.TrimSuffix(line, " {"))
		}
	}
	return facts
}

// bootFacts takes a configuration of PXELINUX apart, the words of append one by one.
// Its directives know no case.
func bootFacts(where, text string) []string {
	var facts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch word = strings.ToLower(word); word {
		case "":
		case "menu":
			sub, rest, _ := strings.Cut(rest, " ")
			facts = append(facts, strings.TrimSpace(where+": menu "+strings.ToLower(sub)+" "+rest))
		case "append":
			for _, w := range strings.Fields(rest) {
				facts = append(facts, where+": append "+w)
			}
		default:
			facts = append(facts, strings.TrimSpace(where+": "+word+" "+rest))
		}
	}
	return facts
}

// TestGuide holds what is made against what the guide has, fact by fact: each
// difference stands in a file, with its reason.
func TestGuide(t *testing.T) {
	files, links := made(t, room)
	want := dhcpFacts(guides(t, "dhcpd.conf.fragment"))
	got := dhcpFacts(files["dhcpd.conf"])
	for _, m := range regexp.MustCompile(`ln -s (\S+) (01-\S+)`).FindAllStringSubmatch(guides(t, "06-link-macs.sh"), -1) {
		want = append(want, bootFacts(m[2], guides(t, "pxelinux.cfg/"+m[1]))...)
		got = append(got, bootFacts(m[2], files["tftp/pxelinux.cfg/"+links[m[2]]])...)
	}
	want = append(want, bootFacts("menu", guides(t, "pxelinux.cfg/default"))...)
	got = append(got, bootFacts("menu", files["tftp/pxelinux.cfg/default"])...)
	var differences []string
	for _, f := range want {
		if !slices.Contains(got, f) {
			differences = append(differences, "- "+f)
		}
	}
	for _, f := range got {
		if !slices.Contains(want, f) {
			differences = append(differences, "+ "+f)
		}
	}
	slices.Sort(differences)
	differences = slices.Compact(differences)
	if *update {
		if err := os.WriteFile(guide+"differences", []byte(strings.Join(differences, "\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var known []string
	for line := range strings.Lines(guides(t, "differences")) {
		fact, reason, _ := strings.Cut(strings.TrimSpace(line), "  # ")
		if known = append(known, fact); reason == "" {
			t.Errorf("no reason is given for %q", fact)
		}
	}
	slices.Sort(known)
	if d := cmp.Diff(known, differences); d != "" {
		t.Errorf("differences to the guide (-told +there):\n%s", d)
	}
}

// TestPathsMeet: what a machine asks for under its hardware address leads to a
// configuration that is there, at the place that the kernel is told.
func TestPathsMeet(t *testing.T) {
	for _, text := range []string{room, strings.Replace(room, `by      = "role"`, `by = "machine"
folder = "a/b"
console = "ttyS1"`, 1)} {
		files, links := made(t, text)
		if len(links) != 3 {
			t.Fatalf("links are %v", links)
		}
		for mac, target := range links {
			boot, there := files["tftp/pxelinux.cfg/"+target]
			m := regexp.MustCompile(`cloud-config-url=http://10\.20\.30\.242/(\S+)`).FindStringSubmatch(boot)
			if !there || m == nil {
				t.Fatalf("%s leads to %q, which is\n%s", mac, target, boot)
			}
			if !strings.HasPrefix(files["http/"+m[1]], "#cloud-config\n") {
				t.Errorf("%s is told of %s, and that is %q", mac, m[1], files["http/"+m[1]])
			}
			if !strings.Contains(files["dhcpd.conf"], strings.ReplaceAll(strings.TrimPrefix(mac, "01-"), "-", ":")+";") {
				t.Errorf("DHCP does not know %s", mac)
			}
		}
	}
}
