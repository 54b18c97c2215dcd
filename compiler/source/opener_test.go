package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDirTooLarge: a file of more than Limit bytes is refused, one of Limit is not.
func TestDirTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.toml")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]string{Limit: "", Limit + 1: "more than 64 MiB"} {
		if err := os.Truncate(path, size); err != nil { // a hole, not so many bytes
			t.Fatal(err)
		}
		f, err := Dir{}.Open(path)
		switch {
		case want == "" && (err != nil || len(f.Text()) != int(size)):
			t.Errorf("%d bytes: %v", size, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%d bytes: %v, want %q", size, err, want)
		}
	}
}
