package stacks_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stackc/stackc/compiler"
	"github.com/stackc/stackc/units"
)

// guide is one of the guides, its units as they were printed, and the stack file
// that does the same.
type guide struct {
	dir     string // under testdata/guides
	example string
	// blanks are the guide's own values for what its text leaves to be filled in.
	blanks *strings.Replacer
	// placed units go to fleet: the guide's file and the compiled unit.
	placed map[string]units.Name
	// hosts are units that must be there before fleet: the guide's file and the
	// [host] entry that declares it.
	hosts map[string]string
	// gone are files that no stack needs or that fleet cannot have, and why.
	gone map[string]string
}

func guides() []guide {
	return []guide{
		{
			dir: "digitalocean-v0.7", example: "k8s-0.7.toml", blanks: strings.NewReplacer(),
			placed: map[string]units.Name{
				"apiserver.service":          "apiserver.service",
				"controller-manager.service": "controller-manager.service",
				"scheduler.service":          "scheduler.service",
				"flannel.service":            "flannel.service",
				"proxy.service":              "proxy.service",
				"kubelet.service":            "kubelet.service",
			},
			hosts: map[string]string{"docker.service": "docker"},
		},
		{
			dir: "offline-v0.15", example: "k8s.toml",
			blanks: strings.NewReplacer("<PXE_SERVER_IP>", "10.20.30.242", "<MASTER_SERVER_IP>", "10.20.30.40"),
			placed: map[string]units.Name{
				"master/kube-apiserver.service":          "kube-apiserver.service",
				"master/kube-controller-manager.service": "kube-controller-manager.service",
				"master/kube-scheduler.service":          "kube-scheduler.service",
				"master/kube-register.service":           "kube-register.service",
				"master/get-kube-tools.service":          "get-kube-tools.service",
				"master/flannel.service":                 "flannel.service",
				"node/flannel.service":                   "flannel.service",
				"node/kube-proxy.service":                "kube-proxy.service",
				"node/kube-kubelet.service":              "kube-kubelet.service",
			},
			hosts: map[string]string{
				"master/etcd.service":                      "etcd",
				"master/fleet.service":                     "fleet",
				"master/fleet.socket":                      "fleet-socket",
				"master/setup-network-environment.service": "setup-network-environment",
				"node/fleet.service":                       "fleet",
				"node/setup-network-environment.service":   "setup-network-environment",
				"node/docker.service":                      "docker",
			},
			gone: map[string]string{
				"master/etcd-waiter.service":                      "P01, P02, P06: it closes a cycle; each unit that needs etcd waits for it itself",
				"master/10-eno1.network":                          "P38, P56: the network is there before fleet, and fleet takes no .network file",
				"master/20-nodhcp.network":                        "P38, P56: as 10-eno1.network",
				"node/10-eno1.network":                            "P38, P56: as on the master",
				"node/20-nodhcp.network":                          "P38, P56: as on the master",
				"node/docker.service.d/50-insecure-registry.conf": "P24, P56: docker is the host's unit, and fleet takes no drop-ins",
			},
		},
	}
}

func (g guide) path(file string) string {
	return filepath.Join("..", "testdata", "guides", g.dir, filepath.FromSlash(file))
}

// unit reads a unit of the guide as systemd would, its blanks filled in.
func (g guide) unit(t *testing.T, file string) []units.Option {
	t.Helper()
	text, err := os.ReadFile(g.path(file))
	if err != nil {
		t.Fatal(err)
	}
	parsed, faults := units.Parse(g.blanks.Replace(string(text)))
	if len(faults) > 0 {
		t.Fatalf("%s: %v", file, faults[0])
	}
	return parsed.Options()
}

// eachGuide runs a test for every guide, with its stack compiled.
func eachGuide(t *testing.T, test func(*testing.T, guide, *compiler.Result)) {
	for _, g := range guides() {
		t.Run(g.dir, func(t *testing.T) { test(t, g, compileExample(t, g.example)) })
	}
}

// TestGuideUnits holds the compiled units against the guide's, option by option:
// what differs is listed with its reason, and what is listed differs.
func TestGuideUnits(t *testing.T) {
	eachGuide(t, func(t *testing.T, g guide, result *compiler.Result) {
		for _, file := range slices.Sorted(maps.Keys(g.placed)) {
			t.Run(strings.TrimSuffix(file, ".service"), func(t *testing.T) {
				compiled, ok := result.Set.Lookup(g.placed[file])
				if !ok {
					t.Fatalf("the stack has no unit %s", g.placed[file])
				}
				list := readListed(t, g.path(strings.TrimSuffix(file, ".service")+".differences"))
				want := make([]string, len(list))
				for i, l := range list {
					want[i] = l.difference
				}
				for _, d := range onlyIn(want, differences(t, g.unit(t, file), compiled)) {
					if difference, unlisted := strings.CutPrefix(d, "+ "); unlisted {
						t.Errorf("differs, and no line says why:\n%s", difference)
					} else {
						t.Errorf("listed, and does not differ:\n%s", strings.TrimPrefix(d, "- "))
					}
				}
			})
		}
	})
}

// TestGuideFilesAccountedFor: each file of a guide is a unit for fleet, a host
// entry, or gone for a reason; and the stack makes no unit that the guide does not have.
func TestGuideFilesAccountedFor(t *testing.T) {
	eachGuide(t, func(t *testing.T, g guide, result *compiler.Result) {
		accounted := slices.Concat(slices.Collect(maps.Keys(g.placed)), slices.Collect(maps.Keys(g.hosts)), slices.Collect(maps.Keys(g.gone)))
		slices.Sort(accounted)
		if files := guideFiles(t, g); !slices.Equal(files, accounted) {
			t.Errorf("the guide has\n%q\nand the table\n%q", files, accounted)
		}
		placed := slices.Sorted(maps.Values(g.placed))
		if names := result.Set.Names(); !slices.Equal(names, slices.Compact(placed)) {
			t.Errorf("the stack makes %q, from the guide come %q", names, placed)
		}
	})
}

// guideFiles lists the files of a guide, sorted, without the lists of differences
// of units that fleet places, and without those of its PXE server, which others
// hold against what stackc writes.
func guideFiles(t *testing.T, g guide) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(g.path(".")), ".", func(path string, entry fs.DirEntry, err error) error {
		unit, isList := strings.CutSuffix(path, ".differences")
		if err == nil && !entry.IsDir() && !strings.HasPrefix(path, "pxe/") && !(isList && g.placed[unit+".service"] != "") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// TestGuideHosts: what must be there before fleet is declared under the name that
// it has in the guide, so that it can be waited for and no unit can shadow it.
func TestGuideHosts(t *testing.T) {
	eachGuide(t, func(t *testing.T, g guide, result *compiler.Result) {
		for file, key := range g.hosts {
			host := result.Topology.Stack.Host(key)
			if host == nil {
				t.Errorf("%s: the stack has no [host.%s]", file, key)
			} else if string(host.Unit) != path.Base(file) {
				t.Errorf("%s: [host.%s] is %s", file, key, host.Unit)
			}
		}
		for file, why := range g.gone {
			if !regexp.MustCompile(`^P\d\d(, P\d\d)*: \S`).MatchString(why) {
				t.Errorf("%s is gone without a reason: %q", file, why)
			}
		}
	})
}

// TestGuideDownloads: every file that a unit of the guide fetches is fetched by
// the unit that it became, to the same place.
func TestGuideDownloads(t *testing.T) {
	wget := regexp.MustCompile(`^/usr/bin/wget -N -P (\S+) (\S+/([^/]+))$`)
	count := 0
	eachGuide(t, func(t *testing.T, g guide, result *compiler.Result) {
		for file, name := range g.placed {
			compiled, _ := result.Set.Lookup(name)
			done := preparations(t, compiled)
			for _, command := range units.Get(g.unit(t, file), "Service", "ExecStartPre") {
				m := wget.FindStringSubmatch(command)
				if m == nil {
					continue
				}
				count++
				if want := "Service.ExecStartPre: download " + m[2] + " to " + m[1] + "/" + m[3]; !slices.Contains(done, want) {
					t.Errorf("%s: %q is not among %q", file, want, done)
				}
			}
		}
	})
	if count != 8 {
		t.Errorf("the guides fetch %d files in units that fleet places, want 8", count)
	}
}

// TestPitfalls: every reason is explained beside the guides, and every
// explanation is some difference's reason.
func TestPitfalls(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "guides", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (P\d\d) \| \S`).FindAllStringSubmatch(string(text), -1) {
		explained[m[1]] = true
	}
	used := map[string]bool{}
	use := func(place string, reasons []string) {
		for _, r := range reasons {
			used[r] = true
			if !explained[r] {
				t.Errorf("%s: %s is not explained in testdata/guides/README.md", place, r)
			}
		}
	}
	for _, g := range guides() {
		for file := range g.placed {
			for _, l := range readListed(t, g.path(strings.TrimSuffix(file, ".service")+".differences")) {
				use(l.place, l.reasons)
			}
		}
		for file, why := range g.gone {
			reasons, _, _ := strings.Cut(why, ":")
			use(file, strings.Split(reasons, ", "))
		}
	}
	for _, s := range scratches() {
		for _, l := range readListed(t, s.differencesFile()) {
			use(l.place, l.reasons)
		}
		if !s.isPod() {
			continue
		}
		for _, l := range readListed(t, s.podFile()) {
			use(l.place, l.reasons)
		}
	}
	for r := range explained {
		if !used[r] {
			t.Errorf("%s is explained and is nobody's reason", r)
		}
	}
}
