package units_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// opts reads "Section.Key=value" lines of a test.
func opts(lines ...string) []units.Option {
	var result []units.Option
	for _, line := range lines {
		head, value, _ := strings.Cut(line, "=")
		section, key, _ := strings.Cut(head, ".")
		result = append(result, units.Option{Section: section, Name: key, Value: value})
	}
	return result
}

func TestCanonical(t *testing.T) {
	tests := []struct {
		name     string
		in, want []units.Option
	}{
		{"none", nil, nil},
		{"grouped", opts("Unit.A=1", "Unit.B=2", "Service.A=3"), opts("Unit.A=1", "Unit.B=2", "Service.A=3")},
		{"sections in first-seen order", opts("Service.A=1", "Unit.B=2", "Service.C=3", "Unit.B=4"), opts("Service.A=1", "Service.C=3", "Unit.B=2", "Unit.B=4")},
		{"three sections", opts("A.a=", "B.a=", "C.a=", "A.b=", "C.b=", "B.b="), opts("A.a=", "A.b=", "B.a=", "B.b=", "C.a=", "C.b=")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, units.Canonical(tt.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genOption(genText())
		a := rapid.SliceOfN(o, 0, 5).Draw(t, "a")
		b := rapid.OneOf(rapid.Permutation(a), rapid.SliceOfN(o, 0, 5)).Draw(t, "b")
		text := func(opts []units.Option) string { return fleetFile(opts).String() }
		// A newline in a value can make different options the same text; those are
		// refused long before anybody compares them.
		if got, want := units.Equal(a, b), text(a) == text(b); got && !want || want && !got && len(units.Check(a))+len(units.Check(b)) == 0 {
			t.Fatalf("Equal = %v, fleet's text equal: %v", got, want)
		}
	})
}

func TestReading(t *testing.T) {
	o := opts("Service.E=a", "Unit.E=x", "Service.E=", "Service.E=b", "Service.E=c", "Service.L=1", "Service.L=")
	if got, want := units.Get(o, "Service", "E"), []string{"a", "", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("Get = %q, want %q", got, want)
	}
	if got, want := units.Values(o, "Service", "E"), []string{"b", "c"}; !slices.Equal(got, want) {
		t.Errorf("Values = %q, want %q", got, want)
	}
	if got, ok := units.Last(o, "Service", "E"); got != "c" || !ok {
		t.Errorf("Last = %q, %v", got, ok)
	}
	if got, ok := units.Last(o, "Service", "L"); got != "" || ok {
		t.Errorf("Last of a reset = %q, %v, want none", got, ok)
	}
	if got, ok := units.Last(o, "Unit", "L"); got != "" || ok {
		t.Errorf("Last of an absent key = %q, %v, want none", got, ok)
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{" a\tb  c ", []string{"a", "b", "c"}},
		{`"a b" c`, []string{"a b", "c"}},
		{`a"b c"d 'e"f'`, []string{"ab cd", `e"f`}},
		{`var-a\x2db.mount`, []string{`var-a\x2db.mount`}},
	}
	for _, tt := range tests {
		if got := units.Words(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("Words(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestParseBool(t *testing.T) {
	for in, want := range map[string][2]bool{
		"yes": {true, true}, "Y": {true, true}, "1": {true, true}, "ON": {true, true}, "t": {true, true},
		"no": {false, true}, "F": {false, true}, "0": {false, true}, "off": {false, true},
		"": {false, false}, "2": {false, false}, "enabled": {false, false},
	} {
		if value, ok := units.ParseBool(in); value != want[0] || ok != want[1] {
			t.Errorf("ParseBool(%q) = %v, %v", in, value, ok)
		}
	}
}
