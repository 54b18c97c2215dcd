package main

import (
	"path"
	"strings"
)

// renamed is the path that a file of the working tree had in the revision, by git's own
// detection of renames, "" when git tells of none: a file that was never added is not
// known to it.
func (g gitFiles) renamed(name string) string {
	here, err := fromHere(name)
	if err != nil {
		return ""
	}
	prefix, err := g.git("rev-parse", "--show-prefix")
	if err != nil {
		return ""
	}
	up, err := g.git("rev-parse", "--show-cdup")
	if err != nil {
		return ""
	}
	listed, err := g.git("diff", "--find-renames", "--diff-filter=R", "--name-status", "-z", g.revision, "--")
	if err != nil {
		return ""
	}
	fromTop := path.Join(strings.TrimSuffix(prefix, "\n"), here)
	fields := strings.Split(listed, "\x00") // score, old path, new path; both from the top
	for ; len(fields) >= 3; fields = fields[3:] {
		if fields[2] == fromTop {
			return path.Join(strings.TrimSuffix(up, "\n"), fields[1])
		}
	}
	return ""
}
