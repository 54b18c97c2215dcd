package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/compiler/diag"
)

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"0.9", "0.15", true}, {"0.15", "0.9", false}, {"0.15", "0.15", false}, {"0.15", "0.15.1", true},
		{"1.0", "1", false}, {"1", "1.0", false}, {"1.11", "1.2", false}, {"0.14.2", "0.15", true},
	} {
		if got := older(c.a, c.b); got != c.want {
			t.Errorf("%s before %s: %v", c.a, c.b, got)
		}
	}
}

func TestOwnEndpoint(t *testing.T) {
	for before, want := range map[string]bool{
		"/bin/x --listen=":                      true,
		"/bin/x --web.listen-address=":          true,
		"/bin/x -listen-client-urls http://":    true,
		"/bin/x --bind-addr ":                   true,
		"/bin/x -H tcp://":                      true,
		"/bin/x --initial-advertise-peer-urls=": true,
		"/bin/x --master=":                      false,
		"/bin/x ":                               false,
		"/bin/x --listen=a --master=":           false,
		"/bin/x --bind-addr a --master ":        false,
	} {
		if got := ownEndpoint().MatchString(before); got != want {
			t.Errorf("%q: %v", before, got)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for text, want := range map[string][]string{
		"http://127.0.0.1:80/":           {"127.0.0.1:80"},
		"localhost:1,10.0.0.1:22":        {"localhost:1", "10.0.0.1:22"},
		"[::1]:80":                       {"[::1]:80"},
		"http://a.example:8080":          {"a.example:8080"},
		"name:80 a:b 10.0.0.1 1:2 x::80": nil,
	} {
		if diff := cmp.Diff(want, endpoint().FindAllString(text, -1)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// TestFlagTable holds that the table of flags is whole: each row with a product,
// a program, a limit, a source, and each flag once.
func TestFlagTable(t *testing.T) {
	rows := releaseFlags()
	if got := strings.Count(flagsFile, "[[flag]]"); got != len(rows) {
		t.Errorf("%d rows stand in the file, %d are told apart", got, len(rows))
	}
	for key, r := range rows {
		if r.Product == "" || r.Program == "" || r.Flag == "" || r.Source == "" || r.Since == "" && r.Until == "" {
			t.Errorf("%q is not whole: %+v", key, r)
		}
		if r.Since != "" && r.Until != "" && !older(r.Since, r.Until) {
			t.Errorf("%q goes before it comes", key)
		}
	}
}

// TestAllowableAreKnown holds that what can be allowed are codes of their own, and
// never one of what makes a unit impossible.
func TestAllowableAreKnown(t *testing.T) {
	codes := diag.AllowableCodes()
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("a code stands twice in %v", codes)
	}
	for _, c := range []diag.Code{diag.Syntax, diag.DependencyCycle, diag.ValueText, diag.LineTooLong, diag.Unloadable, diag.Internal, diag.UnusedAllow} {
		if diag.Allowable(c) {
			t.Errorf("%s can be allowed", c)
		}
	}
}
