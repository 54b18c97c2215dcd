package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stackc/stackc/compiler/source"
	"github.com/stackc/stackc/fleet/state"
)

// texts remembers what was read, to say later of what units were made.
type texts struct {
	mu   sync.Mutex
	sums []string
}

// note takes a file that was opened.
func (t *texts) note(f *source.File) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sums = append(t.sums, fmt.Sprintf("file %q %x", f.Name(), sha256.Sum256([]byte(f.Text()))))
}

// origin tells of what text the units were made: the stack file, all files that
// were read and all values that were set.
func (in *input) origin(path string) state.Source {
	lines := slices.Clone(in.texts.sums)
	for _, g := range in.settings.given {
		if !g.isFile {
			lines = append(lines, fmt.Sprintf("set %q", g.text))
		}
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\n")))
	return state.Source{File: path, Digest: hex.EncodeToString(sum[:])[:32], Git: gitCommit(path)}
}

// gitCommit returns the commit that is checked out where a file lies, "" when
// there is none. It reads git's files, so that git is not needed.
func gitCommit(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil || path == "-" {
		return ""
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if commit, found := commitIn(filepath.Join(dir, ".git")); found {
			return commit
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// commitIn reads the commit of a .git, which is a folder, or in a further working
// tree a file that names one.
func commitIn(git string) (string, bool) {
	info, err := os.Stat(git)
	if err != nil {
		return "", false
	}
	if !info.IsDir() {
		to, ok := strings.CutPrefix(firstLine(git), "gitdir: ")
		if !ok {
			return "", true
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(git), to)
		}
		git = to
	}
	head := firstLine(filepath.Join(git, "HEAD"))
	ref, symbolic := strings.CutPrefix(head, "ref: ")
	if !symbolic {
		return head, true
	}
	common := git
	if to := firstLine(filepath.Join(git, "commondir")); to != "" {
		common = filepath.Join(git, to)
	}
	for _, dir := range []string{git, common} {
		if commit := firstLine(filepath.Join(dir, filepath.FromSlash(ref))); commit != "" {
			return commit, true
		}
	}
	packed, _ := os.ReadFile(filepath.Join(common, "packed-refs")) // without it there is no commit yet
	for line := range strings.Lines(string(packed)) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return commit, true
		}
	}
	return "", true
}

// firstLine reads the first line of a file, "" when there is none.
func firstLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
