// Package mirror lists the files that a mirror of a stack holds: everything that
// its units download, each once, with where it comes from, what it must be and
// who needs it. It reads and fetches nothing.
package mirror

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/emit"
	"github.com/stackc/stackc/compiler/stack"
	"github.com/stackc/stackc/compiler/topology"
	"github.com/stackc/stackc/units"
)

// File is one file of a mirror.
type File struct {
	// Path is its place below the mirror's folder, with slashes and none in front.
	Path string
	// URL is where the machines ask for it.
	URL string
	// Origin is where a mirror gets it, the URL itself when the stack names nothing else.
	Origin string
	// SHA256 is what its content must have, "" when the stack does not say.
	SHA256 string
	// Needs are the units that fetch it, in the order of the stack.
	Needs []Need
	// Downloads are the words of the stack that ask for it.
	Downloads []emit.Download
}

// Need is who fetches a file, and to where on its machine.
type Need struct {
	Unit units.Name `json:"unit"`
	To   string     `json:"to"`
}

// Server is the part of the file's URL that names the server: "http://10.0.0.9".
func (f File) Server() string {
	u, err := url.Parse(f.URL)
	if err != nil {
		return f.URL
	}
	return u.Scheme + "://" + u.Host
}

// Files lists the files by their paths. The findings are files of which no folder
// can hold each: they have one path, and differ.
func Files(t *topology.Topology) ([]File, diag.List) {
	l := listing{at: map[string]int{}}
	for _, d := range emit.Downloads(t) {
		l.add(d)
	}
	slices.SortFunc(l.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return l.files, l.findings
}

// listing is a list of files on its way.
type listing struct {
	files    []File
	at       map[string]int // where in files a path is
	findings diag.List
}

func (l *listing) add(d emit.Download) {
	place, why := placeOf(d.URL)
	if why != "" {
		l.fault(d, nil, "a mirror cannot hold %q: %s", d.URL, why)
		return
	}
	i, there := l.at[place]
	if !there {
		i = len(l.files)
		l.at[place] = i
		l.files = append(l.files, File{Path: place, URL: d.URL})
	}
	f := &l.files[i]
	if there && !l.agree(f, d) {
		return
	}
	f.SHA256 = cmp.Or(f.SHA256, d.SHA256)
	f.Downloads = append(f.Downloads, d)
	f.Needs = append(f.Needs, Need{Unit: d.Unit, To: d.To})
	f.Origin = f.URL
	for _, one := range f.Downloads {
		if one.Origin != "" {
			f.Origin = one.Origin
			break
		}
	}
}

// agree reports whether a download can be of a file that is in the list.
func (l *listing) agree(f *File, d emit.Download) bool {
	said := func(word, one, other string) bool {
		if one == "" || other == "" || one == other {
			return true
		}
		l.fault(d, &f.Downloads[0], "the mirror has one file %q, and its %s is %q here and %q elsewhere", f.Path, word, one, other)
		return false
	}
	origin := ""
	if f.Origin != f.URL {
		origin = f.Origin
	}
	return said("URL", d.URL, f.URL) && said("sha256", d.SHA256, f.SHA256) && said("origin", d.Origin, origin)
}

// fault reports a download, with the other one that it is at odds with, if there is one.
func (l *listing) fault(d emit.Download, other *emit.Download, format string, args ...any) {
	finding := stack.Finding(diag.Error, diag.MirrorFile, d.Source.Pos, d.Path, format, args...)
	if other != nil {
		finding = finding.WithNote(other.Source.Pos.Span, "the other one").WithHelp("let both say the same, or give one of them another path")
	}
	l.findings.Add(finding)
}

// placeOf returns the path of a URL's file below the folder of a mirror, or why
// there is none.
func placeOf(address string) (place, why string) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", "it is not a URL"
	case u.Path == "" || strings.HasSuffix(u.Path, "/"):
		return "", "it names no file"
	case path.Clean(u.Path) != u.Path || strings.ContainsAny(u.Path, "\x00\\"):
		return "", "its path is none of a folder"
	}
	return strings.TrimPrefix(u.Path, "/"), ""
}
