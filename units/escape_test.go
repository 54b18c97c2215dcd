package units_test

import (
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// The wanted values are what systemd-escape of systemd 252 prints.
func TestEscape(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Ab0:_.", "Ab0:_."},
		{"slashes", "a/b", "a-b"},
		{"leading slash", "/a", "-a"},
		{"dash and backslash", `a-b\c`, `a\x2db\x5cc`},
		{"leading dot only", ".a.b", `\x2ea.b`},
		{"at sign", "a@b", `a\x40b`},
		{"byte below 16", "a\tb", `a\x09b`},
		{"byte 1", "\x01", `\x01`},
		{"byte above 127", "é", `\xc3\xa9`},
		{"blank", "a b", `a\x20b`},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := units.Escape(tt.in); got != tt.want {
				t.Errorf("Escape(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestUnescapeErrors(t *testing.T) {
	for _, in := range []string{`\`, `\x`, `\x4`, `\xg0`, `\x00`, `\n`, `a\X41`} {
		if got, err := units.Unescape(in); err == nil {
			t.Errorf("Unescape(%q) = %q, want an error", in, got)
		}
	}
	if got, err := units.Unescape(`\x4A\x4a`); got != "JJ" || err != nil {
		t.Errorf(`Unescape(\x4A\x4a) = %q, %v`, got, err)
	}
}

func TestEscapePath(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"path", "/var/lib/docker", "var-lib-docker"},
		{"slashes", "//a///b//", "a-b"},
		{"dots", "/a/./b/.", "a-b"},
		{"hidden", "/a/.b", "a-.b"},
		{"hidden at first", "/.b", `\x2eb`},
		{"root", "/", "-"},
		{"nothing", "", "-"},
		{"dash", "/a-b", `a\x2db`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := units.EscapePath(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("EscapePath(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
			}
		})
	}
	if got, err := units.EscapePath("/a/../b"); err == nil {
		t.Errorf("EscapePath(/a/../b) = %q, want an error", got)
	}
}

func TestPathName(t *testing.T) {
	tests := []struct {
		path  string
		want  units.Name
		fault string
	}{
		{"/var/lib/docker", "var-lib-docker.mount", ""},
		{"/", "-.mount", ""},
		{"relative", "", "not absolute"},
		{"/a/..", "", `".."`},
		{"/" + strings.Repeat("é", 40), "", "at most 255"},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			got, err := units.PathName(tt.path, units.TypeMount)
			if got != tt.want || (err == nil) != (tt.fault == "") {
				t.Fatalf("PathName(%q) = %q, %v, want %q", tt.path, got, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("PathName(%q) error = %v, want one with %q", tt.path, err, tt.fault)
			}
		})
	}
}

// Where go-systemd is right, that is for text without bytes below 16, both agree.
func TestEscapeAgreesWithGoSystemd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[ -~é]{0,12}`).Draw(t, "text")
		if got, want := units.Escape(s), unit.UnitNameEscape(s); got != want {
			t.Fatalf("Escape(%q) = %q, go-systemd has %q", s, got, want)
		}
	})
}

func TestPathNameAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[a-zA-Z.@ \-]{1,6}`).Filter(func(s string) bool { return s != "." && s != ".." }), 0, 4).Draw(t, "parts")
		path := "/" + strings.Join(parts, "/")
		escaped, err := units.EscapePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := units.UnescapePath(escaped); back != path || err != nil {
			t.Fatalf("UnescapePath(%q) = %q, %v, want %q", escaped, back, err, path)
		}
	})
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "/", ".", "a-b\\c/\x00d", "\t\xff", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		escaped := units.Escape(s)
		if len(escaped) > 0 && len(escaped) < 200 {
			if _, err := units.ParseName(escaped + ".service"); err != nil {
				t.Fatalf("Escape(%q) = %q is not part of a name: %v", s, escaped, err)
			}
		}
		back, err := units.Unescape(escaped)
		if strings.Contains(s, "\x00") {
			if err == nil {
				t.Fatalf("Unescape(%q) took NUL", escaped)
			}
			return
		}
		if back != s || err != nil {
			t.Fatalf("Unescape(Escape(%q)) = %q, %v", s, back, err)
		}
	})
}
