package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	out, err := g.about(name, "show")
	if err != nil {
		return nil, err
	}
	return source.NewFile(name, out), nil
}

// list returns the paths of the files in a folder, not those in folders below.
func (g gitFiles) list(dir string) ([]string, error) {
	out, err := g.about(dir, "ls-tree", "--name-only", "-z")
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
	out, err := g.about(name, "cat-file", "-t")
	return strings.TrimSpace(out) == "tree", err
}

// about runs git with a file of the revision as the last argument. git reads the
// name as one from the top unless it begins with "./", which is the working
// directory (gitrevisions(7)); where there is no working tree only the top is left.
func (g gitFiles) about(name string, args ...string) (string, error) {
	name, err := fromHere(name)
	if err != nil {
		return "", err
	}
	out, err := g.git(append(args, g.revision+":./"+name)...)
	if err != nil && strings.Contains(err.Error(), "outside working tree") {
		out, err = g.git(append(args, g.revision+":"+strings.TrimPrefix(name, "."))...)
	}
	return out, err
}

// fromHere gives a path as one from the working directory, for git knows no other
// of a revision: it takes an absolute one for a file that is not there.
func fromHere(name string) (string, error) {
	if filepath.IsAbs(name) {
		here, err := os.Getwd()
		if err != nil {
			return "", err
		}
		if here, err = filepath.EvalSymlinks(here); err != nil {
			return "", err
		}
		dir, base := filepath.Split(name)
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			name = filepath.Join(real, base)
		}
		if name, err = filepath.Rel(here, name); err != nil {
			return "", err
		}
	}
	return filepath.ToSlash(filepath.Clean(name)), nil
}

func (g gitFiles) git(args ...string) (string, error) {
	cmd := exec.CommandContext(g.ctx, "git", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // its messages are read below
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
