package hosttest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/coreos/coreos-cloudinit/config"
	"github.com/coreos/coreos-cloudinit/config/validate"
	ignition2 "github.com/coreos/ignition/config/v2_2"
	ignition3 "github.com/coreos/ignition/v2/config/v3_0"
	yaml2 "gopkg.in/yaml.v2"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/compiler/bootstrap"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/stacks"
)

// hostsOf returns what every machine of every stack in testdata is given.
func hostsOf(t *testing.T, f bootstrap.Format) map[string]*bootstrap.Host {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stacks: %v", err)
	}
	hosts := map[string]*bootstrap.Host{}
	for _, path := range paths {
		result, findings := compiler.Compile(path, compiler.Options{Opener: source.Dir{}, Std: stacks.Library{}})
		if findings.HasErrors() {
			t.Fatal(diag.Short(findings))
		}
		list, findings := bootstrap.Hosts(result.Topology.Stack, bootstrap.Options{Format: f, Opener: source.Dir{}})
		if findings.HasErrors() {
			if f != bootstrap.CloudConfig && strings.Contains(diag.Short(findings), "Ignition puts no address in") {
				continue // only a cloud-config can be written before the address is known
			}
			t.Fatal(diag.Short(findings))
		}
		for _, h := range list {
			hosts[strings.TrimSuffix(filepath.Base(path), ".toml")+" "+h.Name] = h
		}
	}
	return hosts
}

// TestCloudConfig has each cloud-config looked at by coreos-cloudinit's own
// validator, and reads it as coreos-cloudinit does: every text comes back as it is.
func TestCloudConfig(t *testing.T) {
	for name, h := range hostsOf(t, bootstrap.CloudConfig) {
		t.Run(name, func(t *testing.T) {
			text, err := h.CloudConfig()
			if err != nil {
				t.Fatal(err)
			}
			valid(t, text)
			reads(t, h, text)
		})
	}
}

// valid reports what the validator says, but for what this last version of it says
// of everything that came before: that etcd2 and fleet are no longer shipped.
func valid(t *testing.T, text []byte) {
	t.Helper()
	report, err := validate.Validate(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range report.Entries() {
		if !strings.Contains(e.String(), "no longer shipped") {
			t.Errorf("%s\n%s", e, text)
		}
	}
}

// reads holds what coreos-cloudinit reads against what was written.
func reads(t *testing.T, h *bootstrap.Host, text []byte) {
	t.Helper()
	cc, err := config.NewCloudConfig(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := cc.Decode(); err != nil {
		t.Fatal(err)
	}
	same := func(what, got, want string) {
		if got != want {
			t.Errorf("%s: coreos-cloudinit reads %q, written was %q", what, got, want)
		}
	}
	same("hostname", cc.Hostname, h.Hostname)
	same("reboot-strategy", cc.CoreOS.Update.RebootStrategy, h.Update.Reboot)
	same("keys", strings.Join(cc.SSHAuthorizedKeys, "\n"), strings.Join(h.SSHKeys, "\n"))
	same("metadata", cc.CoreOS.Fleet.Metadata, h.Program("fleet").Setting("metadata"))
	same("proxy", cc.CoreOS.Etcd2.Proxy, h.Program("etcd2").Setting("proxy"))
	same("initial-cluster", cc.CoreOS.Etcd2.InitialCluster, h.Program("etcd2").Setting("initial-cluster"))
	same("etcd's certificate", cc.CoreOS.Etcd2.CertFile, h.Program("etcd2").Setting("cert-file"))
	same("client-cert-auth", strconv.FormatBool(cc.CoreOS.Etcd2.ClientCertAuth && cc.CoreOS.Etcd2.PeerClientCertAuth), strconv.FormatBool(h.Program("etcd2").Setting("client-cert-auth") != ""))
	same("fleet's key", cc.CoreOS.Fleet.EtcdKeyFile, h.Program("fleet").Setting("etcd-keyfile"))
	same("flannel's CA", cc.CoreOS.Flannel.EtcdCAFile, h.Program("flannel").Setting("etcd-cafile"))
	same("interface", cc.CoreOS.Flannel.Iface, h.Program("flannel").Setting("interface"))
	if len(cc.CoreOS.Units) != len(h.Units) || len(cc.WriteFiles) != len(h.Files) {
		t.Fatalf("%d units and %d files are read, %d and %d were written", len(cc.CoreOS.Units), len(cc.WriteFiles), len(h.Units), len(h.Files))
	}
	for i, u := range cc.CoreOS.Units {
		w := h.Units[i]
		same("unit", u.Name, w.Name)
		same("content of "+u.Name, u.Content, w.Content)
		if u.Mask != w.Mask || u.Enable != w.Enable || (u.Command == "start") != w.Start || len(u.DropIns) != len(w.DropIns) {
			t.Errorf("unit %s is read as %+v, written was %+v", u.Name, u, w)
			continue
		}
		for j, d := range u.DropIns {
			same("drop-in", d.Name, w.DropIns[j].Name)
			same(u.Name+"/"+d.Name, d.Content, w.DropIns[j].Content)
		}
	}
	for i, f := range cc.WriteFiles {
		same("file", f.Path, h.Files[i].Path)
		same("content of "+f.Path, f.Content, h.Files[i].Content)
		same("mode of "+f.Path, f.RawFilePermissions, h.Files[i].Mode)
		same("owner of "+f.Path, f.Owner, h.Files[i].Owner)
	}
}

// awkward are strings that readers of YAML 1.1 take for something else, or that
// break a careless writer.
var awkward = []string{
	"off", "Off", "on", "no", "yes", "y", "N", "true", "False", "null", "~", "010", "0755", "0o17", "0x1f", "0b1", "1e3", "1_000", ".5", "-.inf", ".NaN", "12:30", "190:20:30",
	"2001-12-14", "2001-12-14t21:59:43.10-05:00", "<<", "=", "", " ", "a: b", "a #b", "#a", "- a", "? a", "[a", "{a", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "'", `"`, `\`,
	"a\n", "\na", " a\n b\n", "a\n\n", "\ta\n", "a\tb", "a:", ":a", "a\r\nb", "a\u0085b", "a\u2028b", "\ufeffa", "é", "日本", "\U0001f600", "a\x00b", "\xff\xfe", "---", "...\n", "--- a\n", "+1", "1.", "-0", "0", "1,000",
	"\n\n  indented\nnot\n", "trailing \n", "$private_ipv4", "{{ .x }}", "tab\t\n",
}

// TestAwkwardStrings writes each string where a string may stand, and reads it back
// with coreos-cloudinit's reader and with another one of YAML 1.1.
func TestAwkwardStrings(t *testing.T) {
	for _, s := range awkward {
		h := &bootstrap.Host{
			Name: "x", Files: []bootstrap.File{{Path: "/x", Content: s, Mode: "0644", Owner: "root"}},
			Update: bootstrap.Update{Reboot: "off", Group: "1e3"},
			Units:  []bootstrap.Unit{{Name: "x.service", Start: true, DropIns: []bootstrap.DropIn{{Name: "no", Content: "[Service]\nA=" + s + "\n"}}}},
		}
		if strings.ContainsAny(s, "\x00\xff\r\u0085\u2028\ufeff") {
			h.Units = nil // no unit can hold them: see units.Check
		}
		text, err := h.CloudConfig()
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		reads(t, h, text)
		var plain map[string]any
		if err := yaml2.Unmarshal(text, &plain); err != nil {
			t.Errorf("%q: %v\n%s", s, err, text)
			continue
		}
		onlyStrings(t, s, plain)
	}
}

// onlyStrings reports values that are no strings, apart from the flags of units.
func onlyStrings(t *testing.T, of string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			onlyStrings(t, of, e)
		}
	case map[any]any:
		for k, e := range v {
			if k != "enable" && k != "mask" {
				onlyStrings(t, of, e)
			}
		}
	case []any:
		for _, e := range v {
			onlyStrings(t, of, e)
		}
	case string:
	default:
		t.Errorf("%q: read as %T %v", of, v, v)
	}
}

// TestIgnition has each file read by Ignition's own packages, which check it down to
// the texts of units.
func TestIgnition(t *testing.T) {
	for name, h := range hostsOf(t, bootstrap.Ignition2) {
		text, err := h.Ignition(bootstrap.Ignition2)
		if err != nil {
			t.Fatal(err)
		}
		cfg, report, err := ignition2.Parse(text)
		if err != nil || len(report.Entries) > 0 {
			t.Errorf("%s, spec 2: %v\n%s\n%s", name, err, report.String(), text)
		}
		if len(cfg.Systemd.Units) == 0 {
			t.Errorf("%s, spec 2: no units are read", name)
		}
	}
	for name, h := range hostsOf(t, bootstrap.Ignition3) {
		text, err := h.Ignition(bootstrap.Ignition3)
		if err != nil {
			t.Fatal(err)
		}
		cfg, report, err := ignition3.Parse(text)
		if err != nil || len(report.Entries) > 0 {
			t.Errorf("%s, spec 3: %v\n%s\n%s", name, err, report.String(), text)
		}
		if len(cfg.Systemd.Units) == 0 {
			t.Errorf("%s, spec 3: no units are read", name)
		}
	}
}

// TestRefusals shows that the readers do refuse what is wrong.
func TestRefusals(t *testing.T) {
	report, err := validate.Validate([]byte("#cloud-config\ncoreos:\n  update:\n    reboot-strategy: never\n"))
	if err != nil || len(report.Entries()) == 0 {
		t.Errorf("the validator takes an unknown strategy: %v", err)
	}
	if _, _, err := ignition2.Parse([]byte(`{"ignition": {"version": "9.9.9"}}`)); err == nil {
		t.Error("Ignition 2 takes an unknown version")
	}
	if _, report, err := ignition3.Parse([]byte(`{"ignition": {"version": "3.0.0"}, "storage": {"files": [{"path": "x"}]}}`)); err == nil && !report.IsFatal() {
		t.Error("Ignition 3 takes a relative path")
	}
	if _, err := os.Stat("testdata"); err != nil {
		t.Error(err)
	}
}
