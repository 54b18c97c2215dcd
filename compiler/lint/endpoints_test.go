package lint

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// TestEndpoints holds the search word by word against the pattern on the whole text.
func TestEndpoints(t *testing.T) {
	part := rapid.SampledFrom([]string{"localhost", "127.0.0.1", "[::1]", "a.b", "x-y", ":80", ":4001", ":", " ", "/", "http://", "_", "=", ",", "é", "1"})
	rapid.Check(t, func(t *rapid.T) {
		s := ""
		for _, p := range rapid.SliceOfN(part, 0, 12).Draw(t, "parts") {
			s += p
		}
		want := endpoint().FindAllStringSubmatchIndex(s, -1)
		if got := endpoints(s); !reflect.DeepEqual(got, want) {
			t.Fatalf("endpoints(%q) = %v, the pattern finds %v", s, got, want)
		}
	})
}
