package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet/gc"
)

// Registry writes what a run over fleet's registry has found and done. age is how old
// contents had to be.
func Registry(r gc.Report, age time.Duration) string {
	if r.Found == 0 && r.Restored == 0 {
		return fmt.Sprintf("nothing to do: all %s contents in fleet's registry have a unit\n", thousands(r.Contents))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s contents in fleet's registry have no unit (%s); reading it takes %s\n",
		thousands(r.Found), thousands(r.Contents), bytesOf(r.FoundBytes), tookOf(r.ListBefore))
	if r.Kept > 0 {
		fmt.Fprintf(&b, "%s stay for the history\n", thousands(r.Kept))
	}
	if r.Spared > 0 {
		fmt.Fprintf(&b, "%s stay: units took them meanwhile\n", thousands(r.Spared))
	}
	if r.Restored > 0 {
		fmt.Fprintf(&b, "%s were written again: units took them while they were removed\n", thousands(r.Restored))
	}
	if r.Young > 0 {
		b.WriteString(young(r, age))
	}
	switch {
	case r.DryRun && r.Found > r.Young+r.Kept:
		fmt.Fprintf(&b, "stackc gc removes %s\n", thousands(r.Found-r.Young-r.Kept))
	case r.Removed > 0:
		fmt.Fprintf(&b, "removed %s (%s)%s\n", thousands(r.Removed), bytesOf(r.RemovedBytes), afterwards(r))
	}
	return b.String()
}

// young tells of contents that are not known to be old enough. That etcd has no times
// is worth a word only where a first run noted one.
func young(r gc.Report, age time.Duration) string {
	if r.ReadyAt.IsZero() {
		return fmt.Sprintf("%s are not known to be older than %s: etcd keeps no times, and the first stackc gc notes one\n", thousands(r.Young), age)
	}
	return fmt.Sprintf("%s are not known to be older than %s: etcd keeps no times, and gc notes them itself; from %s UTC on it removes them, --wait waits for that\n",
		thousands(r.Young), age, moment(r.ReadyAt))
}

// afterwards compares the reading times; there is none of a run that was cut short.
func afterwards(r gc.Report) string {
	if r.ListAfter == 0 {
		return ""
	}
	return fmt.Sprintf("; reading it takes %s now", tookOf(r.ListAfter))
}

// RegistryProgress writes one line about how far a run over the registry is.
func RegistryProgress(p gc.Progress) string {
	left := p.Left.Round(time.Second)
	switch p.Stage {
	case gc.Watching:
		return fmt.Sprintf("following the units for %s before the first is removed", left)
	case gc.Settling:
		return fmt.Sprintf("following the units for %s after the last was removed", left)
	}
	return fmt.Sprintf("%s of %s are done, %s to go", thousands(p.Done), thousands(p.Total), left)
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// bytesOf writes a size as people do.
func bytesOf(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1000/1000)
}

// tookOf writes a short time.
func tookOf(d time.Duration) string {
	if d < time.Second {
		return max(d.Round(time.Millisecond), time.Millisecond).String() // 0s is no time that anything takes
	}
	return d.Round(10 * time.Millisecond).String()
}

// DeadContents says that there are contents which no unit has, by size, and what they
// cost.
func DeadContents(sizes map[string]int, list time.Duration) string {
	var bytes int64
	for _, n := range sizes {
		bytes += int64(n)
	}
	return fmt.Sprintf("fleet's registry has %s contents that no unit has (%s), and a page of its list takes %s: stackc gc removes them",
		thousands(len(sizes)), bytesOf(bytes), tookOf(list))
}

// Mended tells that units had missed contents which a gc had removed.
func Mended(n int) string {
	return fmt.Sprintf("note: units missed %s that a gc had removed before it was cut short: written again; the next stackc gc looks after the rest", count(n, "content"))
}
