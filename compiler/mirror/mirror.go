// Package mirror lists the files that a mirror of a stack holds: everything that
// its units and hosts download, each once, with where it comes from, what it must be and
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
	// Asks are the places of the stack that ask for it, units first.
	Asks []Ask
}

// Ask is one place of a stack that asks for a file: a download of a unit, a file
// that the machines have before fleet, or one that the stack only knows of.
type Ask struct {
	// Unit fetches the file; "" for one that others do, who are told of in Host.
	Unit units.Name
	Host string
	// To is its place on the machine, "" when that is not said.
	To string

	path   string // logical place in the stack
	pos    stack.Pos
	in     string // the key of the table at pos in which the sha256 would stand, "" for that table
	sum    stack.Text
	url    string
	origin string
	sha256 string
}

// Who names the unit or the machines that fetch the file.
func (a Ask) Who() string { return cmp.Or(string(a.Unit), a.Host) }

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
		l.add(Ask{
			Unit: d.Unit, To: d.To, path: d.Path, pos: d.Source.Pos, sum: d.Source.SHA256,
			url: d.URL, origin: d.Origin, sha256: d.SHA256,
		})
	}
	for _, a := range hostAsks(t.Stack) {
		l.add(a)
	}
	for _, a := range imagesOf(t.Stack) {
		l.add(a)
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

func (l *listing) add(a Ask) {
	place, why := placeOf(a.url)
	if why != "" {
		l.fault(a, nil, "a mirror cannot hold %q: %s", a.url, why)
		return
	}
	i, there := l.at[place]
	if !there {
		i = len(l.files)
		l.at[place] = i
		l.files = append(l.files, File{Path: place, URL: a.url, Origin: a.url})
	}
	f := &l.files[i]
	if there && !l.agree(f, a) {
		return
	}
	f.SHA256 = cmp.Or(f.SHA256, a.sha256)
	f.Asks = append(f.Asks, a)
	if a.origin != "" {
		f.Origin = a.origin
	}
}

// agree reports whether what a place asks for can be a file that is in the list.
func (l *listing) agree(f *File, a Ask) bool {
	said := func(word, one, other string) bool {
		if one == "" || other == "" || one == other {
			return true
		}
		l.fault(a, &f.Asks[0], "the mirror has one file %q, and its %s is %q here and %q elsewhere", f.Path, word, one, other)
		return false
	}
	origin := ""
	if f.Origin != f.URL {
		origin = f.Origin
	}
	return said("URL", a.url, f.URL) && said("sha256", a.sha256, f.SHA256) && said("origin", a.origin, origin)
}

// fault reports a place that asks, with the other one that it is at odds with, if there is one.
func (l *listing) fault(a Ask, other *Ask, format string, args ...any) {
	finding := stack.Finding(diag.Error, diag.MirrorFile, a.pos, a.path, format, args...)
	if other != nil {
		finding = finding.WithNote(other.pos.Span, "the other one").WithHelp("let both say the same, or give one of them another path")
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
