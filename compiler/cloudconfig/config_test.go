package cloudconfig_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler/cloudconfig"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
)

func read(text string) (*cloudconfig.Config, string) {
	c, findings := cloudconfig.Read(source.NewFile("c.yml", text))
	return c, diag.Short(findings)
}

// told writes what was read in few words.
func told(c *cloudconfig.Config) string {
	var b strings.Builder
	for _, u := range c.Units {
		fmt.Fprintf(&b, "%s at %d:", u.Name, u.Place.Position().Line)
		for _, word := range []struct {
			is   bool
			name string
		}{{u.Enable, "enable"}, {u.Mask, "mask"}, {u.Runtime, "runtime"}, {u.Command != "", u.Command}, {u.Path != "", u.Path}} {
			if word.is {
				b.WriteString(" " + word.name)
			}
		}
		if u.Content != nil {
			fmt.Fprintf(&b, " %q%v+%d", u.Content.Text, u.Content.Lines, u.Content.Indent)
		}
		for _, d := range u.DropIns {
			fmt.Fprintf(&b, " <%s %q>", d.Name, d.Content.Text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestRead reads what coreos-cloudinit reads, with the lines of every text.
func TestRead(t *testing.T) {
	for name, tt := range map[string]struct{ text, units, findings string }{
		"header only":    {"#cloud-config\n", "", "c.yml:1:1: error: there is nothing in the cloud-config [syntax]\n"},
		"other sections": {"#cloud-config\nhostname: a\nusers:\n  - name: b\ncoreos:\n  etcd2:\n    name: c\n", "", ""},
		"content": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      command: start\n      content: |\n        [Service]\n          ExecStart=/a\n",
			"a.service at 4: start \"[Service]\\n  ExecStart=/a\\n\"[7 8 9]+8\n", ""},
		"blank line first": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      content: |\n\n        [Service]\n",
			"a.service at 4: \"\\n[Service]\\n\"[6 7 8]+8\n", ""},
		"indent told": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      content: |2-\n          [Service]\n",
			"a.service at 4: \"  [Service]\"[6]+8\n", ""},
		"carriage returns": {"#cloud-config\r\ncoreos:\r\n  units:\r\n    - name: a.service\r\n      content: |\r\n        [Service]\r\n        ExecStart=/a\r\n",
			"a.service at 4: \"[Service]\\nExecStart=/a\\n\"[6 7 8]+8\n", ""},
		"quoted": {"#cloud-config\ncoreos:\n  units:\n    - name: \"a.service\"\n      content: \"[Service]\\nExecStart=/a\\n\"\n",
			"a.service at 4: \"[Service]\\nExecStart=/a\\n\"[]+0\n", ""},
		"folded": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      content: >\n        [Service]\n        ExecStart=/a\n",
			"a.service at 4: \"[Service] ExecStart=/a\\n\"[]+0\n",
			"c.yml:5:16: warning: > joins the lines of the text, and a unit file needs them [value-text]\n  help: write | in place of >\n"},
		"plain": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      content: x[Service]\n        ExecStart=/a\n",
			"a.service at 4: \"x[Service] ExecStart=/a\"[]+0\n",
			"c.yml:5:16: warning: a text without | or quotes becomes one line, and a unit file needs its lines [value-text]\n  help: begin it with | on the line of the key\n"},
		"drop-ins, in both spellings, and two entries": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      drop-ins:\n        - name: 1.conf\n          content: |\n            [Service]\n    - name: a.service\n      drop_ins:\n        - name: 2.conf\n          content: x\n",
			"a.service at 4: <1.conf \"[Service]\\n\"> <2.conf \"x\">\n", ""},
		"anchors": {"#cloud-config\ncoreos:\n  units:\n    - &a\n      name: a.service\n      content: &t |\n        [Service]\n    - name: b.service\n      content: *t\n    - *a\n",
			"a.service at 5: \"[Service]\\n\"[7 8]+8\nb.service at 8: \"[Service]\\n\"[7 8]+8\n", ""},
		"two contents": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      content: a\n    - name: a.service\n      content: b\n",
			"a.service at 4: \"b\"[]+0\n", "c.yml:7:16: warning: a.service has another content before; the last one counts [duplicate-unit]\n  c.yml:5:16: note: the first one\n"},
		"typos": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      comand: start\n      command: begin\n",
			"a.service at 4: begin\n",
			"c.yml:5:7: warning: an entry of coreos.units has no key \"comand\", and coreos-cloudinit ignores it [unknown-key]\n  help: did you mean \"command\"?\nc.yml:6:16: warning: command \"begin\" is not one of start, stop, restart, reload, try-restart, reload-or-restart, reload-or-try-restart [bad-value]\n"},
		"booleans": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      enable: yes\n      mask: \"true\"\n      runtime: maybe\n",
			"a.service at 4: enable\n",
			"c.yml:5:15: warning: yes is true to YAML 1.1 and a word to YAML 1.2 [bad-value]\n  help: write true, or \"yes\" for the word\nc.yml:6:13: warning: \"true\" is no boolean, and coreos-cloudinit takes it for false; write true or false without quotes [bad-value]\nc.yml:7:16: warning: \"maybe\" is no boolean, and coreos-cloudinit takes it for false; write true or false without quotes [bad-value]\n"},
		"traps": {"#cloud-config\nwrite_files:\n  - path: /a\n    permissions: 0644\ncoreos:\n  update:\n    reboot-strategy: off\nports: [22:22, 1_000, \"0644\"]\n", "",
			"c.yml:4:18: warning: 0644 is an octal number to YAML 1.1 and a decimal one to YAML 1.2 [bad-value]\n  help: write \"0644\"\nc.yml:7:22: warning: off is false to YAML 1.1 and a word to YAML 1.2 [bad-value]\n  help: write false, or \"off\" for the word\nc.yml:8:9: warning: 22:22 is a number of base 60 to YAML 1.1 and text to YAML 1.2 [bad-value]\n  help: write \"22:22\"\nc.yml:8:16: warning: 1_000 is a number to YAML 1.1 and text to YAML 1.2 [bad-value]\n  help: write \"1_000\"\n"},
		"key twice": {"#cloud-config\ncoreos:\n  units:\n    - name: a.service\n      command: start\n      command: stop\n",
			"a.service at 4: stop\n", "c.yml:6:7: warning: \"command\" stands here twice; the last one counts [duplicate-key]\n"},
		"no name":    {"#cloud-config\ncoreos:\n  units:\n    - command: start\n", "", "c.yml:4:7: error: an entry of coreos.units has no name [missing-key]\n"},
		"no list":    {"#cloud-config\ncoreos:\n  units:\n    name: a.service\n", "", "c.yml:4:5: error: coreos.units is a list, each entry behind \"- \" [wrong-type]\n"},
		"no mapping": {"#cloud-config\ncoreos:\n  units:\n    - a.service\n", "", "c.yml:4:7: error: an entry of coreos.units is a mapping of keys to values [wrong-type]\n"},
		"empty list": {"#cloud-config\ncoreos:\n  units:\n", "", ""},
		"tab":        {"#cloud-config\ncoreos:\n\tunits:\n", "-", "c.yml:3:1: error: the YAML cannot be read: while scanning for the next token: found character that cannot start any token [syntax]\n  help: YAML is indented with spaces, never with tabs\n"},
		"two documents": {"#cloud-config\n---\ncoreos:\n  units:\n    - name: a.service\n---\nb: 1\n", "a.service at 5:\n",
			"c.yml:6:1: warning: coreos-cloudinit reads the first document only, and another one begins here [unknown-key]\n"},
		"written": {"#cloud-config\nwrite_files:\n  - path: /etc/systemd/system/a.service\n    content: |\n      [Service]\n  - path: /home/core/b.service\n    encoding: base64\n    content: W1NlcnZpY2VdCg==\n  - path: /etc/systemd/system/docker.service.d/1.conf\n    content: x\n  - path: /opt/run.sh\n  - path: /opt/c.service\n    content: no unit\n  - content: x\n  - path: /d.service\n    encoding: rot13\n    content: x\n",
			"a.service at 3: /etc/systemd/system/a.service \"[Service]\\n\"[5 6]+6\nb.service at 6: /home/core/b.service \"[Service]\\n\"[]+0\ndocker.service at 9: <1.conf \"x\">\n",
			"c.yml:14:5: error: an entry of write_files has no path [missing-key]\nc.yml:16:15: error: the content cannot be decoded as rot13: it is none of base64, gzip and gzip+base64 [bad-value]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c, findings := read(tt.text)
			got := "-"
			if c != nil {
				got = told(c)
			}
			if tt.units == "" && c == nil {
				got = ""
			}
			if diff := cmp.Diff(tt.units, got); diff != "" {
				t.Errorf("units (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.findings, findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestIs tells a cloud-config from a script and from other YAML.
func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"#cloud-config\n": true, "#cloud-config": true, "#cloud-config \r\na: b": true, "\ufeff#cloud-config\n": true,
		"#!/bin/sh\n#cloud-config\n": false, "#cloud-config-x\n": false, "a: b\n": false, "": false,
	} {
		if cloudconfig.Is(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// FuzzRead reads anything: no panic, and no place outside of the file.
func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob("../../testdata/cloud-config/*.yml")
	if err != nil || len(paths) == 0 {
		f.Fatal("no cloud-configs")
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("#cloud-config\ncoreos:\n  units:\n    - &a {name: a.service, content: \"x\\n\"}\n    - *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := source.NewFile("c.yml", text)
		c, findings := cloudconfig.Read(file)
		if c == nil && !findings.HasErrors() {
			t.Error("nothing is read, and nothing is said")
		}
		for _, d := range findings {
			if d.Span.IsZero() || d.Span.End() > len(file.Text()) {
				t.Errorf("a finding without a place: %v", d.Message)
			}
		}
		if c == nil {
			return
		}
		for _, u := range c.Units {
			if u.Content == nil {
				continue
			}
			for i, line := range strings.Split(u.Content.Text, "\n") {
				if i < len(u.Content.Lines) && line != "" && !strings.Contains(file.Line(u.Content.Lines[i]), line) {
					t.Errorf("line %d of %s is %q, and not %q", u.Content.Lines[i], u.Name, file.Line(u.Content.Lines[i]), line)
				}
			}
		}
	})
}
