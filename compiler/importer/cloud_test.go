package importer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler/cloudconfig"
	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/importer"
	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/units"
)

func readConfig(t testing.TB, path, text string) *cloudconfig.Config {
	t.Helper()
	c, findings := cloudconfig.Read(source.NewFile(path, text))
	if c == nil || findings.HasErrors() {
		t.Fatalf("%s cannot be read:\n%s", path, diag.Short(findings))
	}
	return c
}

func loadConfigs(t testing.TB) []*cloudconfig.Config {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/cloud-config/*.yml")
	if err != nil || len(paths) < 11 {
		t.Fatalf("%d cloud-configs: %v", len(paths), err)
	}
	var list []*cloudconfig.Config
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, readConfig(t, path, string(text)))
	}
	return list
}

// TestCloudConfigs imports every real cloud-config: each of its units is in the
// stack with the law held, or told of as the hosts'.
func TestCloudConfigs(t *testing.T) {
	for _, c := range loadConfigs(t) {
		t.Run(filepath.Base(c.File.Name()), func(t *testing.T) {
			r := importer.Import(importer.Request{Stack: "cloud", Configs: []*cloudconfig.Config{c}})
			if r.Findings.HasErrors() {
				t.Fatalf("errors:\n%s", diag.Short(r.Findings))
			}
			set := compile(t, r.Text)
			for _, u := range c.Units {
				if _, ok := set.Lookup(units.Name(u.Name)); ok {
					law(t, importer.File{Name: u.Name, Text: u.Content.Text}, set)
				} else if !strings.Contains(r.Text, "# "+u.Name+" stays with the hosts") {
					t.Errorf("nothing is said of %s:\n%s", u.Name, r.Text)
				}
				for _, d := range u.DropIns {
					if !strings.Contains(r.Text, "# drop-in "+d.Name+":") {
						t.Errorf("nothing is said of the drop-in %s", d.Name)
					}
				}
			}
			for _, d := range r.Findings {
				if d.Span.File() != c.File {
					t.Errorf("a finding is not about the file: %s", diag.Short(diag.List{d}))
				}
			}
		})
	}
}

// TestCloudConfigsIdiomatic holds the same lists against the units of cloud-configs.
func TestCloudConfigsIdiomatic(t *testing.T) {
	for _, c := range loadConfigs(t) {
		r := importer.Import(importer.Request{Stack: "cloud", Configs: []*cloudconfig.Config{c}, Idiomatic: true})
		var files []importer.File
		for _, u := range c.Units {
			if slices.Contains(r.Units, units.Name(u.Name)) {
				files = append(files, importer.File{Path: c.File.Name() + ", " + u.Name, Name: u.Name, Text: u.Content.Text})
			}
		}
		onlyListed(t, files, r)
		for _, l := range r.Lifts {
			if l.Place.File() != c.File || l.Place.Position().Line < 2 {
				t.Errorf("%s: a lift without its place: %s", l.Unit, l.Message)
			}
		}
	}
}

// TestCloudConfigsTogether imports the machines of one cluster at once: what one of
// them has before fleet is the host's everywhere.
func TestCloudConfigsTogether(t *testing.T) {
	var list []*cloudconfig.Config
	for _, c := range loadConfigs(t) {
		if strings.Contains(c.File.Name(), "offline") {
			list = append(list, c)
		}
	}
	r := importer.Import(importer.Request{Stack: "cloud", Configs: list})
	set := compile(t, r.Text)
	if _, ok := set.Lookup("setup-network-environment.service"); ok || !strings.Contains(r.Text, "unit = \"setup-network-environment.service\"") {
		t.Errorf("setup-network-environment is not the hosts':\n%s", r.Text)
	}
	if got := diag.Short(r.Findings); !strings.Contains(got, "offline-v0.15-node.yml:44:13: error: flannel.service is left out: flannel.service is imported from ") {
		t.Errorf("nothing is said of the second flannel.service:\n%s", got)
	}
}

// TestCloudConfigUnits sorts units into fleet's and the hosts'.
func TestCloudConfigUnits(t *testing.T) {
	const service = "      content: |\n        [Service]\n        ExecStart=/bin/a\n        Restart=always\n"
	for name, tt := range map[string]struct {
		entries string
		units   string // name and state
		text    []string
		finding []string
	}{
		"started":      {"    - name: a.service\n      command: start\n" + service, "a.service launched", nil, nil},
		"only written": {"    - name: a.service\n" + service, "a.service loaded", nil, nil},
		"template":     {"    - name: a@.service\n" + service, "a@.service inactive", nil, nil},
		"name only":    {"    - name: a.service\n      command: start\n", "", []string{"# a.service stays with the hosts (c.yml:4): the file has only its name", "[host.a]"}, nil},
		"masked":       {"    - name: a.service\n      mask: true\n", "", []string{"it is masked there, and nothing can start it"}, nil},
		"own":          {"    - name: docker.service\n" + service, "", []string{"# docker.service stays with the hosts (c.yml:4): it comes with the system", "#   ExecStart=/bin/a", "[host.docker]"}, nil},
		"enabled": {"    - name: a.service\n      enable: true\n" + service + "        [Install]\n        WantedBy=multi-user.target\n", "",
			[]string{"systemd starts it at boot, by its [Install]"}, nil},
		"network": {"    - name: a.network\n      content: |\n        [Match]\n", "", []string{"# a.network stays with the hosts (c.yml:4): fleet takes no such unit"}, nil},
		"target":  {"    - name: a.target\n      content: |\n        [Unit]\n        Description=a\n", "", []string{"# a.target stays with the hosts (c.yml:4): fleet takes no such unit"}, nil},
		"needed by etcd": {"    - name: etcd2.service\n      drop-ins:\n        - name: 1.conf\n          content: |\n            [Unit]\n            After=x.service\n    - name: b.service\n      command: start\n" + service +
			"    - name: fleet.service\n      content: |\n        [Unit]\n        Wants=b.service\n", "", []string{"# b.service stays with the hosts (c.yml:10): fleet.service needs it", "# drop-in 1.conf:\n#   [Unit]\n#   After=x.service\n"}, nil},
		"drop-in of one": {"    - name: a.service\n      drop-ins:\n        - name: 1.conf\n          content: |\n            [Service]\n            Environment=A=1\n" + service, "a.service loaded",
			[]string{"# drop-in 1.conf, which fleet cannot have:\n#   [Service]\n#   Environment=A=1\n[unit.a]"},
			[]string{"c.yml:6:17: warning: fleet takes no drop-ins: 1.conf of a.service is kept as a comment only [unit-text]"}},
		"address": {"    - name: a.service\n      command: start\n" + service + "        Environment=IP=$private_ipv4\n", "a.service launched", nil,
			[]string{"c.yml:10:9: warning: coreos-cloudinit puts an address in for $private_ipv4, and fleet does not [unexpanded-variable]\n  help: use ${COREOS_PRIVATE_IPV4} with EnvironmentFile=/etc/environment"}},
		"at its line": {"    - name: a.service\n      command: start\n" + service + "        Restrat=always\n        Type=notfy\n", "a.service launched", nil,
			[]string{`c.yml:10:9: warning: systemd knows no directive "Restrat" in [Service]`, `c.yml:11:14: warning: Type=: "notfy"`}},
		"refused": {"    - name: a.service\n" + service + "        [X-Fleet]\n        Global=true\n        MachineOf=b.service\n", "", nil,
			[]string{"c.yml:4:13: error: a.service is left out: fleet rejects Global= together with MachineOf="}},
	} {
		t.Run(name, func(t *testing.T) {
			c := readConfig(t, "c.yml", "#cloud-config\ncoreos:\n  units:\n"+tt.entries)
			r := importer.Import(importer.Request{Stack: "cloud", Configs: []*cloudconfig.Config{c}})
			var got []string
			for _, u := range compile(t, r.Text).Units {
				got = append(got, string(u.Name)+" "+string(u.Desired))
			}
			if strings.Join(got, ", ") != tt.units {
				t.Errorf("units %v, want %s\n%s", got, tt.units, diag.Short(r.Findings))
			}
			for _, want := range tt.text {
				if !strings.Contains(r.Text, want) {
					t.Errorf("the stack does not have %q:\n%s", want, r.Text)
				}
			}
			for _, want := range tt.finding {
				if findings := diag.Short(r.Findings); !strings.Contains(findings, want) {
					t.Errorf("nothing says %q:\n%s", want, findings)
				}
			}
		})
	}
}

// TestCloudConfigBesideFiles imports a unit file of a name that the hosts have too.
func TestCloudConfigBesideFiles(t *testing.T) {
	c := readConfig(t, "c.yml", "#cloud-config\ncoreos:\n  units:\n    - name: docker.service\n      command: start\n  fleet:\n    metadata: role=node\n")
	f := importer.File{Path: "docker.service", Name: "docker.service", Text: "[Service]\nExecStart=/bin/a\nRestart=always\n"}
	r := importer.Import(importer.Request{Stack: "both", Files: []importer.File{f}, Configs: []*cloudconfig.Config{c}})
	if !slices.Equal(r.Units, []units.Name{"docker.service"}) || !strings.Contains(diag.Short(r.Findings), "c.yml:4:13: warning: docker.service is imported as a unit of fleet's, and the hosts have it too") {
		t.Errorf("units %v:\n%s", r.Units, diag.Short(r.Findings))
	}
	if !strings.Contains(r.Text, "# The machines of c.yml:7 have role=node; with that as metadata a unit stays on them.") {
		t.Errorf("nothing is said of the metadata:\n%s", r.Text)
	}
	law(t, f, compile(t, r.Text))
}
