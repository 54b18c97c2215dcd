package doctor

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// MaxSkew is how much clocks may differ.
const MaxSkew = 2 * time.Second

// setClock makes a machine take the time from its servers at once.
const setClock = "sudo systemctl restart systemd-timesyncd"

// skewed is a clock that differs, and by how much.
type skewed struct {
	Clock
	by time.Duration
}

// clocks compares the clocks that could be seen with that of this machine.
func (e *examination) clocks() {
	if len(e.facts.Clocks) == 0 {
		e.unknown(ClockSkew, "no answer told a time")
		return
	}
	var names []string
	var wrong []skewed
	for _, c := range e.facts.Clocks {
		if !slices.Contains(names, c.Where) {
			names = append(names, c.Where)
		}
		if by := c.Skew().Round(100 * time.Millisecond); by.Abs() > MaxSkew {
			wrong = append(wrong, skewed{c, by})
		}
	}
	e.saw(ClockSkew, "the clocks behind "+list(names)+"; others cannot be seen from here")
	if len(wrong) == len(e.facts.Clocks) && alone(wrong) {
		e.find(Finding{Condition: ClockSkew, Subject: "this machine",
			Evidence:    fmt.Sprintf("its clock is %s those of %s", way(-wrong[0].by), list(names)),
			Consequence: "certificates and the times of history and journals do not agree with the cluster's",
			Repair:      []string{setClock}})
		return
	}
	for _, c := range wrong {
		e.find(Finding{Condition: ClockSkew, Subject: c.Where,
			Evidence:    fmt.Sprintf("its clock is %s this machine's", way(c.by)),
			Consequence: "registrations and leases of etcd end by the clock of its leader, early or late when another member takes over; certificates and the times of history and journals do not agree",
			Repair:      []string{setClockOf(c.Where)}})
	}
}

// alone reports whether the clocks of several machines agree with each other, and
// with that of this machine none: then it is this one that is wrong.
func alone(wrong []skewed) bool {
	hosts := map[string]bool{}
	least, most := wrong[0].by, wrong[0].by
	for _, c := range wrong {
		hosts[hostOf(c.Where)] = true
		least, most = min(least, c.by), max(most, c.by)
	}
	return len(hosts) > 1 && most-least <= MaxSkew
}

// way says how a clock that is ahead by so much, or behind if negative, stands to another.
func way(by time.Duration) string {
	if by < 0 {
		return by.Abs().String() + " behind"
	}
	return by.String() + " ahead of"
}

// setClockOf is the command that sets the clock of the machine behind an endpoint. An
// endpoint on the loopback address or a socket may be this machine, or the end of a
// tunnel: it is named, and the command is for whoever sits there.
func setClockOf(where string) string {
	if host := hostOf(where); host != "" {
		return ssh(host, setClock)
	}
	return "on the machine of " + where + ": " + setClock
}

// hostOf is the host of an endpoint by which others find it, "" for one that only its own
// machine has.
func hostOf(where string) string {
	u, err := url.Parse(where)
	if err != nil || u.Hostname() == "localhost" || strings.HasPrefix(u.Scheme, "unix") {
		return ""
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && (a.IsLoopback() || a.IsUnspecified()) {
		return ""
	}
	return u.Hostname()
}
