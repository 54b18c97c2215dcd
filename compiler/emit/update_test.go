package emit_test

import (
	"fmt"
	"testing"

	"github.com/stackc/stackc/units"
)

// TestUpdate tells what the words of an update give, and that they are no part of
// what fleet gets.
func TestUpdate(t *testing.T) {
	t.Parallel()
	const web = "stack = \"s\"\n[unit.web]\n%s\n[unit.web.Service]\nExecStart = \"/bin/web ${{ self.name }}\"\nRestart = \"always\"\n"
	for name, c := range map[string]struct {
		words  string
		want   *units.Update
		spares []units.Name
	}{
		"none":         {"count = 3", nil, nil},
		"defaults":     {"count = 3\nupdate = {}", &units.Update{MaxUnavailable: 1, OnFailure: units.StopOnFailure}, nil},
		"all words":    {"count = 3\nupdate = { max_unavailable = 2, healthy_for = \"1m\", first = 1, on_failure = \"rollback\", order = \"stop-first\" }", &units.Update{MaxUnavailable: 2, HealthyFor: 60000, First: 1, OnFailure: units.RollBackOnFailure}, nil},
		"start first":  {"count = 3\nupdate = { order = \"start-first\" }", &units.Update{MaxExtra: 1, OnFailure: units.StopOnFailure}, []units.Name{"web@4.service"}},
		"extra":        {"count = 3\nupdate = { max_extra = 2, max_unavailable = 1 }", &units.Update{MaxUnavailable: 1, MaxExtra: 2, OnFailure: units.StopOnFailure}, []units.Name{"web@4.service", "web@5.service"}},
		"one":          {"update = { healthy_for = 5 }", &units.Update{HealthyFor: 5000, OnFailure: units.StopOnFailure}, nil},
		"one machine":  {"global = true\nupdate = { one_machine_at_a_time = true }", &units.Update{OneMachine: true, OnFailure: units.StopOnFailure}, nil},
		"none of many": {"count = 1\nupdate = {}", &units.Update{MaxUnavailable: 1, OnFailure: units.StopOnFailure}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, _ := compiled(t, fmt.Sprintf(web, c.words))
			if got := set.Units[0].Update; c.want == nil && got != nil || c.want != nil && (got == nil || *got != *c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			var names []units.Name
			for _, u := range set.SparesOf("web") {
				names = append(names, u.Name)
				if extra, _ := units.Last(u.Options, units.MarkSection, units.MarkExtra); extra != "web" {
					t.Errorf("%s is not marked: %v", u.Name, u.Options)
				}
			}
			if len(names) != len(c.spares) || len(names) > 0 && names[0] != c.spares[0] {
				t.Errorf("spares %v, want %v", names, c.spares)
			}
			if set.Units[0].Group != "" && set.Units[0].Hash() != hashWithout(t, c.words) {
				t.Errorf("the hash is another one: %v", set.Units[0].Options)
			}
		})
	}
}

// hashWithout is the hash of the unit when nothing is said of its update.
func hashWithout(t *testing.T, words string) string {
	t.Helper()
	set, _ := compiled(t, "stack = \"s\"\n[unit.web]\n"+words[:len("count = 3")]+"\n[unit.web.Service]\nExecStart = \"/bin/web ${{ self.name }}\"\nRestart = \"always\"\n")
	return set.Units[0].Hash()
}
