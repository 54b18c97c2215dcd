package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/stackc/stackc/compiler/source"
)

// gitFiles are the files of one git revision, by paths from the working directory.
type gitFiles struct {
	ctx      context.Context
	revision string
}

// Open implements source.Opener.
func (g gitFiles) Open(name string) (*source.File, error) {
	out, err := g.git("show", g.object(name))
	if err != nil {
		return nil, err
	}
	return source.NewFile(name, out), nil
}

// list returns the paths of the files in a folder, not those in folders below.
func (g gitFiles) list(dir string) ([]string, error) {
	out, err := g.git("ls-tree", "--name-only", "-z", g.object(dir))
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		names = append(names, path.Join(dir, name))
	}
	return names, nil
}

// isDir reports whether the revision has a folder of that name.
func (g gitFiles) isDir(name string) (bool, error) {
	out, err := g.git("cat-file", "-t", g.object(name))
	return strings.TrimSpace(out) == "tree", err
}

// object names a file as git does; "./" is the working directory (gitrevisions(7)).
func (g gitFiles) object(name string) string {
	if filepath.IsAbs(name) {
		return g.revision + ":" + name
	}
	return g.revision + ":./" + filepath.ToSlash(filepath.Clean(name))
}

func (g gitFiles) git(args ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	said, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
	said = strings.TrimPrefix(said, "fatal: ")
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", &failure{code: exitError, err: errors.New("a revision needs git, which is not installed")}
	case strings.Contains(said, "does not exist in") || strings.Contains(said, "exists on disk, but not in"):
		return "", fmt.Errorf("%s: %w", said, fs.ErrNotExist)
	}
	return "", fmt.Errorf("git: %s", said)
}
