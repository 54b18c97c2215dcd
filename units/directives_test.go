package units_test

import (
	"path"
	"slices"
	"testing"

	"github.com/stackc/stackc/units"
)

func TestLookupDirective(t *testing.T) {
	tests := []struct {
		section, key        string
		kind                units.Kind
		many                bool
		since, last, unused int
	}{
		{"Service", "ExecStart", units.KindExec, true, 0, 0, 0},
		{"Service", "ExecCondition", units.KindExec, true, 243, 0, 0},
		{"Service", "Restart", units.KindEnum, false, 0, 0, 0},
		{"Service", "TimeoutStartSec", units.KindSeconds, false, 0, 0, 0},
		{"Service", "RemainAfterExit", units.KindBool, false, 0, 0, 0},
		{"Service", "RuntimeMaxSec", units.KindSeconds, false, 229, 0, 0},
		{"Service", "DynamicUser", units.KindBool, false, 232, 0, 0},
		{"Service", "MemoryMax", units.KindBytes, false, 231, 0, 0},
		{"Service", "Environment", units.KindEnviron, true, 0, 0, 0},
		{"Service", "EnvironmentFile", units.KindPath, true, 0, 0, 0},
		{"Unit", "StartLimitIntervalSec", units.KindSeconds, false, 230, 0, 0},
		{"Unit", "After", units.KindUnits, true, 0, 0, 0},
		{"Timer", "OnCalendar", units.KindCalendar, true, 0, 0, 0},
		{"Timer", "Unit", units.KindUnit, false, 0, 0, 0},
		{"Install", "WantedBy", units.KindUnits, true, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.section+"."+tt.key, func(t *testing.T) {
			d, ok := units.LookupDirective(tt.section, tt.key)
			if !ok || d.Section != tt.section || d.Key != tt.key || d.Kind != tt.kind || d.Many != tt.many ||
				d.Since != tt.since || d.LastIn != tt.last || d.IgnoredSince != tt.unused {
				t.Errorf("%+v, %v", d, ok)
			}
		})
	}
	for _, absent := range [][2]string{{"Unit", "ExecStart"}, {"service", "ExecStart"}, {"Service", "execstart"}, {"X-Fleet", "Global"}, {"", ""}} {
		if d, ok := units.LookupDirective(absent[0], absent[1]); ok {
			t.Errorf("found %+v", d)
		}
	}
}

func TestDirectiveIn(t *testing.T) {
	tests := []struct {
		name    string
		in      units.Directive
		version int
		want    bool
	}{
		{"always", units.Directive{}, 100, true},
		{"before it came", units.Directive{Since: 230}, 229, false},
		{"when it came", units.Directive{Since: 230}, 230, true},
		{"last version", units.Directive{LastIn: 234}, 234, true},
		{"after it went", units.Directive{LastIn: 234}, 235, false},
		{"once ignored", units.Directive{IgnoredSince: 229}, 229, false},
		{"before it was ignored", units.Directive{IgnoredSince: 229}, 228, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.In(tt.version); got != tt.want {
				t.Errorf("In(%d) = %v", tt.version, got)
			}
		})
	}
}

func TestSuggestDirective(t *testing.T) {
	tests := []struct {
		section, key string
		want         units.Suggestion
	}{
		{"Service", "ExecStrat", units.Suggestion{Section: "Service", Key: "ExecStart"}},
		{"Service", "execstart", units.Suggestion{Section: "Service", Key: "ExecStart"}},
		{"Unit", "Restart", units.Suggestion{Section: "Service", Key: "Restart", Moved: true}},
		{"Service", "After", units.Suggestion{Section: "Unit", Key: "After", Moved: true}},
		{"Unit", "Restrat", units.Suggestion{Section: "Service", Key: "Restart", Moved: true}},
		{"Unit", "WantedBy", units.Suggestion{Section: "Install", Key: "WantedBy", Moved: true}},
		{"Unit", "MachineOf", units.Suggestion{Section: "X-Fleet", Key: "MachineOf", Moved: true}},
		{"Service", "RestartSecs", units.Suggestion{Section: "Service", Key: "RestartSec"}},
		{"Service", "StartLimitIntervalSec", units.Suggestion{Section: "Unit", Key: "StartLimitIntervalSec", Moved: true}},
		{"Service", "Zzzzzzzzzzzz", units.Suggestion{}},
	}
	for _, tt := range tests {
		t.Run(tt.section+"."+tt.key, func(t *testing.T) {
			if got := units.SuggestDirective(tt.section, tt.key); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestSections(t *testing.T) {
	for unit, want := range map[units.Type][]string{
		units.TypeService: {"Unit", "Service", "Install"}, units.TypeAutomount: {"Unit", "Automount", "Install"},
		units.TypeTarget: {"Unit", "Install"}, units.TypeDevice: {"Unit", "Install"},
	} {
		if got := units.Sections(unit); !slices.Equal(got, want) {
			t.Errorf("Sections(%s) = %q, want %q", unit, got, want)
		}
	}
	for key, want := range map[[2]string]bool{{"X-Fleet", "A"}: true, {"Service", "X-A"}: true, {"Service", "A"}: false, {"x-fleet", "A"}: false} {
		if got := units.Extension(key[0], key[1]); got != want {
			t.Errorf("Extension(%q) = %v", key, got)
		}
	}
}

// Every directive in the guides' units is known, with a value that is right,
// but for what those guides are known to get wrong.
func TestGuidesUseKnownDirectives(t *testing.T) {
	for file, text := range unitFiles(t) {
		name, err := units.ParseName(path.Base(file))
		if err != nil {
			continue
		}
		parsed, _ := units.Parse(text)
		for _, l := range parsed.Lines {
			if units.Extension(l.Section, l.Name) {
				continue
			}
			d, ok := units.LookupDirective(l.Section, l.Name)
			if !ok || !slices.Contains(units.Sections(name.Type()), l.Section) {
				t.Errorf("%s:%d: [%s] %s= is not known", file, l.Line, l.Section, l.Name)
				continue
			}
			for _, fault := range d.CheckValue(l.Value) {
				t.Errorf("%s:%d: %s", file, l.Line, fault.Reason)
			}
		}
	}
}

func TestSuggest(t *testing.T) {
	candidates := []string{"kube-apiserver", "kube-scheduler", "kube-proxy", "etcd", "flannel", "ab", "ba", ""}
	tests := []struct{ word, want string }{
		{"kube-apiservr", "kube-apiserver"},
		{"kube-apisevrer", "kube-apiserver"},
		{"kubeapiserver", "kube-apiserver"},
		{"Etcd", "etcd"},
		{"ecd", "etcd"},
		{"flanel", "flannel"},
		{"flannle", "flannel"},
		{"docker", ""},
		{"etcd", ""},
		{"aa", "ab"},
		{"x", ""},
		{"", ""},
	}
	for _, tt := range tests {
		got, ok := units.Suggest(tt.word, candidates)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Suggest(%q) = %q, %v, want %q", tt.word, got, ok, tt.want)
		}
		reversed := slices.Clone(candidates)
		slices.Reverse(reversed)
		if again, _ := units.Suggest(tt.word, reversed); again != got {
			t.Errorf("Suggest(%q) depends on the order: %q, then %q", tt.word, got, again)
		}
	}
}
