package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestUnified applies differences as patch(1) does: they lead from the old text
// to the new one, at the lines that they name, with no more than they say.
func TestUnified(t *testing.T) {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a = 1\n", "b = 2\n", "\n", "[c]\n", "x\r\n", "é\n"}), 0, 12)
	end := rapid.SampledFrom([]string{"", "last"})
	rapid.Check(t, func(r *rapid.T) {
		text := func(name string) string {
			return strings.Join(lines.Draw(r, name), "") + end.Draw(r, name+" end")
		}
		old, fresh := text("old"), text("new")
		if old == fresh {
			return
		}
		diff := unified("my file", old, fresh, false)
		hunks, ok := strings.CutPrefix(diff, "--- my file\t\n+++ my file\t\n")
		if !ok {
			r.Fatalf("the header is missing:\n%s", diff)
		}
		got, err := patched(old, hunks)
		if err != nil || got != fresh {
			r.Fatalf("%v: %q, want %q\n%s", err, got, fresh, diff)
		}
	})
}

var hunkHeader = regexp.MustCompile(`^@@ -([0-9]+),([0-9]+) \+([0-9]+),([0-9]+) @@\n$`)

// patched applies hunks, strictly.
func patched(old, hunks string) (string, error) {
	from := strings.SplitAfter(old, "\n")
	var out []string
	at, left, added := 0, 0, 0
	list := strings.SplitAfter(hunks, "\n")
	for i, line := range list[:len(list)-1] {
		text := line[1:]
		if i+1 < len(list) && strings.HasPrefix(list[i+1], `\ `) {
			text = strings.TrimSuffix(text, "\n")
		}
		if m := hunkHeader.FindStringSubmatch(line); m != nil {
			start, _ := strconv.Atoi(m[1])
			first, _ := strconv.Atoi(m[3])
			if left+added != 0 {
				return "", fmt.Errorf("the hunk before %q is too short", line)
			}
			left, _ = strconv.Atoi(m[2])
			added, _ = strconv.Atoi(m[4])
			for begin := max(0, start-1); at < begin; at++ {
				out = append(out, from[at])
			}
			if (added > 0 || first > 0) && len(out) != first-1 {
				return "", fmt.Errorf("%q begins at line %d", line, len(out)+1)
			}
			continue
		}
		if line[0] == '\\' {
			continue
		}
		if line[0] != '+' {
			if at >= len(from) || from[at] != text {
				return "", fmt.Errorf("line %d is not %q", at+1, text)
			}
			at++
			left--
		}
		if line[0] != '-' {
			out = append(out, text)
			added--
		}
	}
	if left+added != 0 {
		return "", fmt.Errorf("the last hunk is too short")
	}
	return strings.Join(append(out, from[at:]...), ""), nil
}

func TestUnifiedColours(t *testing.T) {
	if diff := unified("f", "a=1\n", "a = 1\n", true); !strings.Contains(diff, "\x1b[") || !strings.HasPrefix(diff, "--- f\n+++ f\n") {
		t.Errorf("got %q", diff)
	}
}

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a.toml"), filepath.Join(dir, "link.toml")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.toml", link); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(link, "new"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "new" {
		t.Errorf("the file has %q, %v", text, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	if target, err := os.Readlink(link); err != nil || target != "a.toml" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
	for name, path := range map[string]string{"a folder": dir, "no file": filepath.Join(dir, "none")} {
		if err := replaceFile(path, "new"); err == nil {
			t.Errorf("%s was replaced", name)
		}
	}
}
