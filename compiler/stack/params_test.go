package stack

import (
	"testing"
	"time"

	"github.com/stackc/stackc/compiler/syntax"
)

func TestCheckTyped(t *testing.T) {
	for _, c := range []struct {
		kind  ParamType
		text  string
		right bool
	}{
		{TypeString, "anything\n at all", true},
		{TypeCIDR, "10.0.0.0/8", true},
		{TypeCIDR, "0.0.0.0/0", true},
		{TypeCIDR, "fd00::/64", true},
		{TypeCIDR, "10.0.0.0", false},
		{TypeCIDR, "10.0.0.1/8", false},
		{TypeCIDR, "fd00::1/64", false},
		{TypeCIDR, "10.0.0.0/33", false},
		{TypeURL, "http://x", true},
		{TypeURL, "https://[fd00::1]:80/a?b=c#d", true},
		{TypeURL, "x", false},
		{TypeURL, "http:/x", false},
		{TypeURL, "//x", false},
		{TypeURL, "http://x/a b", false},
		{TypeURL, "http://x/'a'", false},
		{TypeHost, "a", true},
		{TypeHost, "a.b-c.example", true},
		{TypeHost, "10.0.0.1", true},
		{TypeHost, "::1", true},
		{TypeHost, "fe80::1%eth0", true},
		{TypeHost, "10.0.0.1:80", false},
		{TypeHost, "[::1]", false},
		{TypeHost, "http://a", false},
		{TypeHost, "a_b", false},
		{TypeHost, "a..b", false},
		{TypeHost, "-a", false},
		{TypeHost, "a-", false},
		{TypeHost, "", false},
		{TypeHost, "10.0.0", false},
		{TypeHost, "10.0.0.256", false},
		{TypeDuration, "30s", true},
		{TypeDuration, "1h30m", true},
		{TypeDuration, "infinity", true},
		{TypeDuration, "0", true},
		{TypeDuration, "30", false},
		{TypeDuration, "-1s", false},
		{TypeDuration, "1d", false},
		{TypePath, "/", true},
		{TypePath, "/a/b c", true},
		{TypePath, "a", false},
		{TypePath, "/a/", false},
		{TypePath, "/a/../b", false},
		{TypePath, "", false},
	} {
		if why := checkTyped(c.kind, c.text); (why == "") != c.right {
			t.Errorf("%s %q: %q", c.kind, c.text, why)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"infinity": 0, "0": 0, "5m": 5 * time.Minute, "1h1m1s": time.Hour + time.Minute + time.Second, "1500ms": 1500 * time.Millisecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestParseSetting(t *testing.T) {
	for _, c := range []struct {
		kind ParamType
		text string
		want string // as paramText gives it back
		n    int    // elements
	}{
		{TypeString, "a b", "a b", 0},
		{TypeString, "", "", 0},
		{TypeInt, "-7", "-7", 0},
		{TypeBool, "true", "true", 0},
		{TypeList, "a, b,c", "a,b,c", 3},
		{TypeList, "a", "a", 1},
		{TypePath, "/a", "/a", 0},
	} {
		v, why := parseSetting(c.kind, Setting{Text: c.text})
		if why != "" || paramText(v) != c.want || len(v.Elems) != c.n {
			t.Errorf("%s %q: %+v, %q", c.kind, c.text, v, why)
		}
		if v.Kind != kindOf(c.kind) {
			t.Errorf("%s %q is a %s", c.kind, c.text, v.Kind)
		}
	}
	for _, c := range []struct {
		kind ParamType
		text string
	}{{TypeInt, "1.5"}, {TypeInt, ""}, {TypeInt, "0x10"}, {TypeBool, "yes"}, {TypeBool, ""}} {
		if _, why := parseSetting(c.kind, Setting{Text: c.text}); why == "" {
			t.Errorf("%s %q is taken", c.kind, c.text)
		}
	}
}

func TestOneOf(t *testing.T) {
	for want, words := range map[string][]string{"": nil, `"a"`: {"a"}, `"a" or "b"`: {"a", "b"}, `"a", "b" or "c"`: {"a", "b", "c"}} {
		if got := oneOf(words); got != want {
			t.Errorf("%q: %s", words, got)
		}
	}
}

func TestWithArticle(t *testing.T) {
	for _, kind := range ParamTypes() {
		want := "a " + string(kind)
		if kind == TypeInt {
			want = "an int"
		}
		if got := withArticle(string(kind)); got != want {
			t.Error(got)
		}
	}
	if got := withArticle(syntax.Array.String()); got != "an array" {
		t.Error(got)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"k8s": true, "a.b/c_d-e": true, "A": true, "": false, "-a": false, "a-": false, "a b": false, "é": false,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": false,
	} {
		if name != "" && validStackName(name) != want {
			t.Errorf("stack %q: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"A": true, "_a1": true, "1A": false, "A-B": false, "": false, "É": false, "A B": false} {
		if envName(name) != want {
			t.Errorf("variable %q: %v", name, !want)
		}
	}
	for pair, want := range map[string]bool{
		"a=b": true, "a.b-c=d/e": true, "a": false, "a=": false, "=b": false, "a=b=c": false, "a =b": false, "a=b,": false, `a="b"`: false, "a=b;": false, "a=\tb": false,
	} {
		if (badPair(pair) == "") != want {
			t.Errorf("metadata %q: %s", pair, badPair(pair))
		}
	}
}
