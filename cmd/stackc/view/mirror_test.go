package view

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

func TestMirror(t *testing.T) {
	needs := []MirrorNeed{{Unit: "a.service", To: "/opt/a"}, {Unit: "b.service", To: "/opt/b"}, {Host: "role node", To: "/etc/a\x1b[2J"}, {Host: "nobody in the stack"}}
	const sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	files := []MirrorFile{
		{Path: "bin/a", URL: "http://10.0.0.9/bin/a", Origin: "https://example.com/a\x1b[2J", SHA256: sum, Needs: needs, Size: 123456789},
		{Path: "b", URL: "http://10.0.0.9/b", Needs: needs[1:2]},
	}
	golden(t, "mirror.txt", MirrorList(files))
	var lines strings.Builder
	for _, f := range []MirrorFile{
		{State: "fetched", SHA256: sum, Size: 999}, {State: "kept", SHA256: sum, Size: 1000}, {State: "right", SHA256: sum, Size: 999_949},
		{State: "fetched", Size: 999_950}, {State: "loose", Size: 12_345_678_901_234_567}, {State: "written", Found: sum},
		{State: "left", Found: sum, Reason: "lib.toml:3:1 says it"}, {State: "wrong", SHA256: sum, Reason: "its sha256 is another\x1b[2J"},
		{State: "missing", Reason: "there is no such file"}, {State: "away", Reason: "connection refused"}, {State: "failed", Reason: "no room"},
	} {
		f.Path, f.Needs = "bin/a", needs[:2]
		lines.WriteString(MirrorLine(f, 8) + "\n")
	}
	golden(t, "mirror-lines.txt", lines.String())
}

// TestFetching holds that the picture fits into any terminal, and that its last
// line is always there.
func TestFetching(t *testing.T) {
	files := []Incoming{{"kubelet", 25_000_000, 100_000_000}, {"a/very/long/" + strings.Repeat("path/", 30), 10, -1}, {"empty", 0, 0}, {"proxy", 7, 7}}
	golden(t, "fetching.txt", strings.Join(Fetching(files, 3, 9, 25_000_017, 75*time.Second+time.Millisecond, 80, 10), "\n"))
	for width := range 100 {
		for height := range 8 {
			for n := range files {
				lines := Fetching(files[:n], 3, 9, 0, 0, width, height)
				if len(lines) > max(height, 1) || !strings.HasPrefix(lines[len(lines)-1], "3 of 9 files"[:12]) {
					t.Fatalf("%d files in %dx%d: %q", n, width, height, lines)
				}
				for _, l := range lines {
					if ansi.StringWidth(l) > max(width-1, narrow) {
						t.Fatalf("%d columns in a terminal of %d: %q", ansi.StringWidth(l), width, l)
					}
				}
			}
		}
	}
}
