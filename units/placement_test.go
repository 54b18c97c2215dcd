package units_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/coreos/fleet/job"
	"github.com/coreos/fleet/machine"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// fleet makes [X-Fleet] options of "Key=value" lines.
func fleetOpts(lines ...string) []units.Option {
	for i := range lines {
		lines[i] = "X-Fleet." + lines[i]
	}
	return opts(lines...)
}

func TestParsePlacement(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	tests := []struct {
		name string
		in   []string
		want units.Placement
	}{
		{"none", nil, units.Placement{}},
		{"id", []string{"MachineID=" + id}, units.Placement{MachineID: id}},
		{"metadata on lines", []string{"MachineMetadata=role=node", "MachineMetadata=role=master", "MachineMetadata=disk=ssd"},
			units.Placement{Metadata: units.Metadata{"role": {"node", "master"}, "disk": {"ssd"}}}},
		{"metadata in quotes", []string{`MachineMetadata="role=node" "disk=ssd"`},
			units.Placement{Metadata: units.Metadata{"role": {"node"}, "disk": {"ssd"}}}},
		{"metadata once", []string{"MachineMetadata=role=node", `MachineMetadata="role=node"`},
			units.Placement{Metadata: units.Metadata{"role": {"node"}}}},
		{"peers", []string{"MachineOf=a.service", `MachineOf="b.service" "%p.socket"`},
			units.Placement{MachineOf: []string{"a.service", "b.service", "web.socket"}}},
		{"conflicts", []string{"Conflicts=%p@*.service a*.service"}, units.Placement{Conflicts: []string{"web@*.service", "a*.service"}}},
		{"global", []string{"Global=false", "Global=YES"}, units.Placement{Global: true}},
		{"last global wins", []string{"Global=true", "Global=no"}, units.Placement{}},
		{"specifiers", []string{"MachineOf=%n-%N-%p-%i"}, units.Placement{MachineOf: []string{"web@1.service-web@1-web-1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, losses := units.ParsePlacement("web@1.service", fleetOpts(tt.in...))
			if tt.name != "last global wins" && tt.name != "specifiers" && len(losses) > 0 {
				t.Errorf("losses: %v", losses)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlacementLosses(t *testing.T) {
	tests := []struct {
		name, in   string
		want       units.Loss
		suggestion string
	}{
		{"good metadata", "X-Fleet.MachineMetadata=role=node", 0, ""},
		{"another section", "X-Other.MachineID=x", 0, ""},
		{"lower-case section", "x-fleet.Global=true", units.LossSection, "X-Fleet"},
		{"half lower-case section", "X-fleet.Global=true", units.LossSection, "X-Fleet"},
		{"section without X", "Fleet.Global=true", units.LossSection, "X-Fleet"},
		{"lower-case key", "X-Fleet.machinemetadata=role=node", units.LossKey, "MachineMetadata"},
		{"typo", "X-Fleet.MachineMetaData=role=node", units.LossKey, "MachineMetadata"},
		{"typo in conflicts", "X-Fleet.Conflict=a.service", units.LossKey, "Conflicts"},
		{"unprefixed boot id", "X-Fleet.MachineBootID=12345678", units.LossKey, "MachineID"},
		{"unknown key", "X-Fleet.Something=1", units.LossKey, ""},
		{"two pairs unquoted", "X-Fleet.MachineMetadata=role=node disk=hdd", units.LossUnquoted, `"role=node" "disk=hdd"`},
		{"tab between", "X-Fleet.MachineMetadata=role=node\tdisk=hdd", units.LossUnquoted, `"role=node" "disk=hdd"`},
		{"comma between", "X-Fleet.MachineMetadata=role=node,disk=hdd", units.LossUnquoted, `"role=node" "disk=hdd"`},
		{"one quoted of two", `X-Fleet.MachineMetadata="role=node" disk=hdd`, units.LossUnquoted, `"role=node" "disk=hdd"`},
		{"two equals", "X-Fleet.MachineMetadata=a=b=c", units.LossMetadata, ""},
		{"no value", "X-Fleet.MachineMetadata=a=", units.LossMetadata, ""},
		{"no key", "X-Fleet.MachineMetadata==a", units.LossMetadata, ""},
		{"no equals", "X-Fleet.MachineMetadata=node", units.LossMetadata, ""},
		{"empty", "X-Fleet.MachineMetadata=", units.LossMetadata, ""},
		{"two blanks between quotes", `X-Fleet.MachineMetadata="a=b"  "c=d"`, units.LossMetadata, ""},
		{"single quotes", "X-Fleet.MachineMetadata='a=b'", units.LossBlank, "a=b"},
		{"blanks around the equals", "X-Fleet.MachineMetadata=a = b", units.LossBlank, "a=b"},
		{"semicolon", "X-Fleet.MachineMetadata=a=b;", units.LossBlank, "a=b"},
		{"comma after quotes", `X-Fleet.MachineMetadata="a=b",`, units.LossBlank, "a=b"},
		{"short id", "X-Fleet.MachineID=12345678", 0, ""},
		{"7 digits", "X-Fleet.MachineID=1234567", units.LossMachineID, ""},
		{"upper case id", "X-Fleet.MachineID=ABCDEF01", units.LossMachineID, "abcdef01"},
		{"quoted id in single quotes", "X-Fleet.MachineID='abcdef01'", units.LossMachineID, "abcdef01"},
		{"empty id", "X-Fleet.MachineID=", units.LossMachineID, ""},
		{"hostname", "X-Fleet.MachineID=core-01", units.LossMachineID, ""},
		{"enabled", "X-Fleet.Global=enabled", units.LossGlobal, "true"},
		{"y", "X-Fleet.Global=y", units.LossGlobal, "true"},
		{"false", "X-Fleet.Global=false", 0, ""},
		{"quoted true", `X-Fleet.Global="true"`, 0, ""},
		{"peer without suffix", "X-Fleet.MachineOf=kube-apiserver", units.LossName, "kube-apiserver.service"},
		{"empty peer", "X-Fleet.MachineOf=", units.LossName, ""},
		{"two peers unquoted", "X-Fleet.MachineOf=a.service b.service", units.LossUnquoted, `"a.service" "b.service"`},
		{"conflict with comma", "X-Fleet.Conflicts=a.service, b.service", units.LossBlank, "a.service"},
		{"conflicts unquoted", "X-Fleet.Conflicts=a.service b.service", 0, ""},
		{"bad pattern", "X-Fleet.Conflicts=a[.service", units.LossPattern, ""},
		{"empty conflicts", "X-Fleet.Conflicts=", units.LossPattern, ""},
		{"unknown specifier", "X-Fleet.MachineMetadata=host=%H", units.LossSpecifier, ""},
		{"percent at the end", "X-Fleet.MachineMetadata=a=%", units.LossSpecifier, ""},
		{"replaces", "X-Fleet.Replaces=a.service", units.LossReplaces, ""},
		{"old spelling", "X-Fleet.X-ConditionMachineOf=a.service", units.LossDeprecated, "MachineOf"},
		{"old conflicts", "X-Fleet.X-Conflicts=a.service", units.LossDeprecated, "Conflicts"},
		{"old metadata", "X-Fleet.X-ConditionMachineMetadata=a=b", units.LossDeprecated, "MachineMetadata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, losses := units.ParsePlacement("web.service", append(opts("Unit.A=b"), opts(tt.in)...))
			if tt.want == 0 {
				if len(losses) > 0 {
					t.Fatalf("losses %v, want none", losses)
				}
				return
			}
			if len(losses) == 0 || losses[0].Kind != tt.want || losses[0].Suggestion != tt.suggestion || losses[0].Index != 1 || losses[0].Reason == "" {
				t.Fatalf("losses %+v, want kind %d with suggestion %q", losses, tt.want, tt.suggestion)
			}
		})
	}
}

func TestPlacementSecondMachineID(t *testing.T) {
	place, losses := units.ParsePlacement("a.service", fleetOpts("MachineID=12345678", "MachineID=87654321"))
	if place.MachineID != "12345678" || len(losses) != 1 || losses[0].Kind != units.LossRepeated || losses[0].Index != 1 {
		t.Errorf("place %+v, losses %+v", place, losses)
	}
}

func genFleetOptions() *rapid.Generator[[]units.Option] {
	value := rapid.OneOf(
		rapid.SampledFrom([]string{"", "true", "YES", "on", "y", "false", `"true"`, "12345678", "a.service", "b@1.service", "%n", "%p@*.service", "*", "[", "a.service b*",
			"role=node", "role=master", "disk=ssd", "a=b=c", "a=", "=b", "a", `"role=node" "disk=ssd"`, `"role=node"  "x=y"`, `"a=b`, `"`, `"" ""`, "%i=%N", "%%n=1"}),
		genText(),
	)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) units.Option {
		return units.Option{
			Section: rapid.SampledFrom([]string{"X-Fleet", "X-Fleet", "X-Fleet", "x-fleet", "Unit"}).Draw(t, "section"),
			Name: rapid.SampledFrom([]string{"MachineID", "MachineOf", "MachineMetadata", "Conflicts", "Replaces", "Global", "MachineBootID",
				"X-ConditionMachineID", "X-ConditionMachineBootID", "X-ConditionMachineOf", "X-ConditionMachineMetadata", "X-Conflicts", "X-Replaces", "X-Global", "global"}).Draw(t, "key"),
			Value: value.Draw(t, "value"),
		}
	}), 0, 5)
}

// ParsePlacement reads whatever fleet reads, for any options.
func TestPlacementIsFleets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genFleetOptions().Draw(t, "options")
		name := rapid.SampledFrom([]string{"a.service", "b@1.service", "b@.timer", "", "x"}).Draw(t, "name")
		got, _ := units.ParsePlacement(units.Name(name), o)
		theirs := &job.Unit{Name: name, Unit: *fleetFile(o)}
		want := units.Placement{MachineOf: theirs.Peers(), Conflicts: theirs.Conflicts(), Replaces: theirs.Replaces(), Global: theirs.IsGlobal()}
		want.MachineID, _ = theirs.RequiredTarget()
		for key, values := range theirs.RequiredTargetMetadata() {
			for _, v := range values.Values() {
				if want.Metadata == nil {
					want.Metadata = units.Metadata{}
				}
				want.Metadata.Add(key, v)
			}
		}
		sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), sorted); diff != "" {
			t.Fatalf("fleet reads otherwise: %s", diff)
		}
		if !slices.Equal(want.MachineOf, got.MachineOf) || !slices.Equal(want.Conflicts, got.Conflicts) {
			t.Fatalf("order: fleet has %q %q, got %q %q", want.MachineOf, want.Conflicts, got.MachineOf, got.Conflicts)
		}
	})
}

func genPlacement() *rapid.Generator[units.Placement] {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a.service", "b@1.service", "c.timer"}), 0, 2)
	return rapid.Custom(func(t *rapid.T) units.Placement {
		p := units.Placement{
			MachineID: rapid.SampledFrom([]string{"", "12345678"}).Draw(t, "id"),
			MachineOf: names.Draw(t, "peers"),
			Conflicts: rapid.SliceOfN(rapid.SampledFrom([]string{"x@*.service", "y.service"}), 0, 2).Draw(t, "conflicts"),
			Global:    rapid.Bool().Draw(t, "global"),
			Metadata:  units.Metadata{},
		}
		for _, pair := range rapid.SliceOfN(rapid.SampledFrom([][2]string{{"role", "node"}, {"role", "master"}, {"disk", "ssd"}, {"a b", "c"}}), 0, 4).Draw(t, "metadata") {
			p.Metadata.Add(pair[0], pair[1])
		}
		return p
	})
}

func TestPlacementOptionsAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPlacement().Draw(t, "placement")
		got, _ := units.ParsePlacement("n.service", p.Options())
		if diff := cmp.Diff(p, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if faults := units.Check(p.Options()); len(faults) > 0 {
			t.Fatalf("options cannot be written: %v", faults)
		}
	})
}

func TestPlacementOptionsOrder(t *testing.T) {
	p := units.Placement{MachineID: "12345678", MachineOf: []string{"b.service", "a.service"}, Conflicts: []string{"x"}, Replaces: []string{"r"}, Global: true,
		Metadata: units.Metadata{"role": {"node", "master"}, "disk": {"ssd"}}}
	want := fleetOpts("MachineID=12345678", "MachineOf=b.service", "MachineOf=a.service", "MachineMetadata=disk=ssd", "MachineMetadata=role=node",
		"MachineMetadata=role=master", "Conflicts=x", "Replaces=r", "Global=true")
	if diff := cmp.Diff(want, p.Options()); diff != "" {
		t.Error(diff)
	}
	if got, want := p.Metadata.String(), "disk=ssd,role=node|master"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

func TestMetadataMatchesLikeFleet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := fleetOpts(rapid.SliceOfN(rapid.SampledFrom([]string{"MachineMetadata=role=node", "MachineMetadata=role=master", "MachineMetadata=disk=ssd", "MachineMetadata=disk=SSD"}), 0, 4).Draw(t, "options")...)
		metadata := rapid.MapOfN(rapid.SampledFrom([]string{"role", "disk", "Role"}), rapid.SampledFrom([]string{"node", "master", "ssd", ""}), 0, 3).Draw(t, "machine")
		place, _ := units.ParsePlacement("a.service", o)
		theirs := &job.Unit{Name: "a.service", Unit: *fleetFile(o)}
		want := machine.HasMetadata(&machine.MachineState{Metadata: maps.Clone(metadata)}, theirs.RequiredTargetMetadata())
		if got := place.Metadata.Matches(metadata); got != want {
			t.Fatalf("Matches = %v, fleet says %v", got, want)
		}
	})
}
