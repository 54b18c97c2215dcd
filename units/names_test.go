package units_test

import (
	"regexp"
	"strings"
	"testing"

	fleetunit "github.com/coreos/fleet/unit"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

func TestParseName(t *testing.T) {
	long := strings.Repeat("a", 247)
	tests := []struct {
		name, in, fault string
	}{
		{"service", "web.service", ""},
		{"template", "web@.service", ""},
		{"instance", "web@1.service", ""},
		{"second at sign belongs to the instance", "web@a@b.service", ""},
		{"escaped path", `var-lib-a\x2db.mount`, ""},
		{"all characters", "aZ0:-_.\\@x.timer", ""},
		{"dots before the suffix", "v1.2.service", ""},
		{"longest", long + ".service", ""},
		{"too long for systemd, accepted by fleet", long + "a.service", "at most 255"},
		{"empty", "", "is empty"},
		{"no suffix", "web", "no suffix"},
		{"nothing but a suffix", ".service", "nothing before"},
		{"ends in a dot", "web.", "unknown suffix"},
		{"unknown suffix", "web.srevice", "unknown suffix"},
		{"suffix in capitals", "web.Service", "unknown suffix"},
		{"snapshot, accepted by fleet", "b.snapshot", "no longer loads"},
		{"busname, accepted by fleet", "b.busname", "no longer loads"},
		{"starts with at", "@1.service", "begins with"},
		{"blank", "we b.service", "' '"},
		{"slash", "a/b.service", "'/'"},
		{"not ASCII", "wéb.service", "'é'"},
		{"not UTF-8", "w\xffb.service", "has the character"},
		{"newline", "web\n.service", `'\n'`},
		{"percent", "web%i.service", "'%'"},
		{"mount template, refused by fleet", "a@b.mount", "not in a mount"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name, err := units.ParseName(tt.in)
			if tt.fault == "" {
				if err != nil || string(name) != tt.in {
					t.Fatalf("ParseName(%q) = %q, %v", tt.in, name, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("ParseName(%q) error = %v, want one with %q", tt.in, err, tt.fault)
			}
		})
	}
}

// fleetName is the grammar of fleet v1.0.0 api/units.go, ValidateName, restated.
var fleetName = regexp.MustCompile(`^[0-9a-zA-Z:\-_.\\@]*\.[a-z]+$`)

func fleetAccepts(s string) bool {
	const all = "automount busname device mount path scope service slice snapshot socket swap target timer"
	const templates = "path service socket target timer"
	if len(s) > 256 || !fleetName.MatchString(s) || s[0] == '@' {
		return false
	}
	suffix := s[strings.LastIndexByte(s, '.')+1:]
	if strings.Contains(s, "@") && !strings.Contains(" "+templates+" ", " "+suffix+" ") {
		return false
	}
	return strings.Contains(" "+all+" ", " "+suffix+" ")
}

func genName() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		base := rapid.StringMatching(`[a-z@.:\\ %A\-]{0,8}`).Draw(t, "base")
		suffix := rapid.SampledFrom([]string{".service", ".socket", ".mount", ".target", ".snapshot", ".busname", ".scope", "", ".", ".x"}).Draw(t, "suffix")
		return base + suffix
	})
}

// Whatever ParseName accepts fleet accepts; the other way round only what systemd
// cannot load is missing.
func TestParseNameIsFleetsAndSystemds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genName().Draw(t, "name")
		_, err := units.ParseName(s)
		unloadable := len(s) > 255 || strings.LastIndexByte(s, '.') == 0 ||
			strings.HasSuffix(s, ".snapshot") || strings.HasSuffix(s, ".busname")
		if want := fleetAccepts(s) && !unloadable; (err == nil) != want {
			t.Fatalf("ParseName(%q) = %v, want accepted: %v", s, err, want)
		}
	})
}

func TestNameParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genName().Filter(func(s string) bool { _, err := units.ParseName(s); return err == nil }).Draw(t, "name")
		n, want := units.Name(s), fleetunit.NewUnitNameInfo(s)
		instance, ok := n.Instance()
		if n.Prefix() != want.Prefix || n.Base() != want.Name || instance != want.Instance ||
			ok != want.IsInstance() || n.IsTemplate() != want.IsTemplate() {
			t.Fatalf("%q: prefix %q base %q instance %q template %v, fleet has %+v", s, n.Prefix(), n.Base(), instance, n.IsTemplate(), want)
		}
		template, ok := n.Template()
		if ok != want.IsInstance() || ok && string(template) != want.Template {
			t.Fatalf("Template(%q) = %q, %v; fleet has %q", s, template, ok, want.Template)
		}
		if ok && template.Of(instance) != n {
			t.Fatalf("%q.Of(%q) = %q, want %q", template, instance, template.Of(instance), n)
		}
		if got := units.FleetType(n.Type()); got != fleetunit.RecognizedUnitType(s) {
			t.Fatalf("FleetType(%q) = %v", n.Type(), got)
		}
	})
}

func TestNameOf(t *testing.T) {
	tests := []struct {
		name       units.Name
		instance   string
		want       units.Name
		unitType   units.Type
		isTemplate bool
	}{
		{"web@.service", "1", "web@1.service", units.TypeService, true},
		{"web@1.service", "2", "web@2.service", units.TypeService, false},
		{"web.timer", "a", "web@a.timer", units.TypeTimer, false},
		{"web@x@y.socket", "", "web@.socket", units.TypeSocket, false},
	}
	for _, tt := range tests {
		t.Run(string(tt.name), func(t *testing.T) {
			if got := tt.name.Of(tt.instance); got != tt.want {
				t.Errorf("Of(%q) = %q, want %q", tt.instance, got, tt.want)
			}
			if got := tt.name.Type(); got != tt.unitType {
				t.Errorf("Type() = %q, want %q", got, tt.unitType)
			}
			if got := tt.name.IsTemplate(); got != tt.isTemplate {
				t.Errorf("IsTemplate() = %v, want %v", got, tt.isTemplate)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	tests := map[string]string{
		"web": "web.service", "web.service": "web.service", "web.timer": "web.timer", "v1.2": "v1.2.service",
		"web@1": "web@1.service", "a.snapshot": "a.snapshot", "": ".service", "x.target": "x.target",
	}
	for in, want := range tests {
		if got := units.Complete(in); got != want {
			t.Errorf("Complete(%q) = %q, want %q", in, got, want)
		}
	}
}
