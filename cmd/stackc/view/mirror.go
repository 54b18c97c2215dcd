package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// MirrorFile is one file of a mirror.
type MirrorFile struct {
	// Path is its place below the mirror's folder, URL where the machines ask for it.
	Path string `json:"path"`
	URL  string `json:"url"`
	// Origin is where a mirror gets it, "" when that is the URL.
	Origin string `json:"origin,omitempty"`
	// SHA256 is what its content must have, "" when the stack does not say.
	SHA256 string       `json:"sha256,omitempty"`
	Needs  []MirrorNeed `json:"needs"`
	// State is what has become of it, or how it was found; "" when nobody looked.
	State string `json:"state,omitempty"`
	// Size is its length in bytes and Found the SHA-256 of what is there, as far as
	// that is known.
	Size   int64  `json:"size,omitempty"`
	Found  string `json:"found,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// MirrorNeed is who fetches a file of a mirror, and to where: a unit, or machines
// before fleet runs on them.
type MirrorNeed struct {
	Unit string `json:"unit,omitempty"`
	Host string `json:"host,omitempty"`
	To   string `json:"to,omitempty"`
}

func (n MirrorNeed) who() string { return clean(cmp.Or(n.Unit, n.Host)) }

// MirrorList tells all of each file.
func MirrorList(files []MirrorFile) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(strong(clean(f.Path)))
		if f.Size > 0 {
			b.WriteString("  " + Size(f.Size))
		}
		b.WriteString("\n")
		rows := [][]string{{"  url", clean(f.URL)}}
		if f.Origin != "" {
			rows = append(rows, []string{"  origin", clean(f.Origin)})
		}
		sum := f.SHA256
		if sum == "" {
			sum = wary("none")
		}
		rows = append(rows, []string{"  sha256", sum})
		for _, n := range f.Needs {
			who := n.who()
			if n.To != "" {
				who += " as " + clean(n.To)
			}
			rows = append(rows, []string{"  for", who})
		}
		b.WriteString(columns("", rows, 0))
	}
	return b.String()
}

// MirrorLine tells in one line what has become of a file. path is how wide the
// column of paths is.
func MirrorLine(f MirrorFile, path int) string {
	paint := bad
	switch f.State {
	case "right", "fetched", "kept", "loose":
		if paint = good; f.SHA256 == "" {
			paint = wary
		}
	case "written":
		paint = good
	case "left":
		paint = wary
	}
	return paint(pad(f.State, 8)) + "  " + pad(clean(f.Path), path) + "  " + mirrorNews(f)
}

// mirrorNews is what there is to tell of a file.
func mirrorNews(f MirrorFile) string {
	switch {
	case f.State == "written":
		return f.Found
	case f.State == "left":
		return f.Found + ": " + clean(f.Reason)
	case f.Reason != "":
		var names []string
		for _, n := range f.Needs {
			names = append(names, n.who())
		}
		names = slices.Compact(names)
		return clean(f.Reason) + "; for " + strings.Join(names, ", ")
	case f.SHA256 == "":
		return Size(f.Size) + ", no sha256 says what it must be"
	}
	return Size(f.Size)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// Size writes a length in bytes for people.
func Size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n), ""
	for _, prefix = range []string{"k", "M", "G", "T"} {
		if value /= unit; value < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %sB", value, prefix)
}

// Incoming is a file on its way: how much is there, and of how much; a Total of
// -1 is not known.
type Incoming struct {
	Path        string
	Have, Total int64
}

// Fetching draws the files on their way and below them how far all is: so many of
// all files are done, and so many bytes have come.
func Fetching(files []Incoming, done, all int, came int64, elapsed time.Duration, width, height int) []string {
	rows := [][]string{}
	for _, f := range files {
		share, much := "", Size(f.Have)
		if f.Total > 0 {
			share, much = fmt.Sprintf("%d%%", 100*f.Have/f.Total), much+" of "+Size(f.Total)
		}
		rows = append(rows, []string{"  " + pad("", 4-len(share)) + share, much, busy(clean(f.Path))}) // a path may be cut off
	}
	lines := strings.Split(strings.TrimSuffix(columns("", rows, 0), "\n"), "\n")
	if len(rows) == 0 {
		lines = nil
	}
	if room := max(height-1, 0); len(lines) > room {
		lines = lines[:room]
	}
	lines = append(lines, fmt.Sprintf("%d of %d files, %s in %s", done, all, Size(came), seconds(elapsed)))
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, max(width-1, narrow), "…")
	}
	return lines
}
