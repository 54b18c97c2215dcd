package verify

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units/expect"
)

// spot is one place that is asked.
type spot struct {
	// on is the machine, "" for an address that is none's.
	on string
	// question is what is asked there.
	question string
	// closed says why it cannot be asked from here, "" when it can.
	closed string
}

// spots are the places where a question is asked, with path at the machines.
func (e *eye) spots(a expect.Ask, path string) []spot {
	if a.URL != "" {
		return []spot{{question: a.URL}}
	}
	var list []spot
	if len(a.Where.Hosts) > 0 && !a.Loopback {
		for _, host := range a.Where.Hosts {
			list = append(list, spot{on: e.owner(host), question: question(a, host, path)})
		}
		return list
	}
	for _, m := range e.askedMachines(a.Where) {
		s := spot{on: e.label(m.ID)}
		host := e.addressOf(m)
		switch {
		case a.Loopback && e.isHere(host, m.IP):
			s.question = question(a, "127.0.0.1", path)
		case a.Loopback:
			s.closed = "it listens on 127.0.0.1 only: ask on " + s.on + " itself, or with --tunnel " + host
		case host == "":
			s.closed = "fleet does not say the machine's address"
		default:
			s.question = question(a, host, path)
		}
		list = append(list, s)
	}
	return list
}

// owner is the machine with that address, or the address.
func (e *eye) owner(host string) string {
	for _, m := range e.Snapshot.Machines {
		if m.IP == host || e.addressOf(m) == host {
			return e.label(m.ID)
		}
	}
	return host
}

func (e *eye) isHere(addresses ...string) bool {
	return slices.ContainsFunc(addresses, func(a string) bool { return a != "" && slices.Contains(e.Here, a) })
}

// askedMachines are those that have the unit, or the metadata.
func (e *eye) askedMachines(w expect.Where) []fleet.Machine {
	if w.Unit == "" {
		return e.withMetadata(w.Metadata)
	}
	var list []fleet.Machine
	for _, row := range e.Snapshot.StatesOf(w.Unit) {
		if m, ok := e.Snapshot.Machine(row.Machine); ok {
			list = append(list, m)
		}
	}
	return list
}

func question(a expect.Ask, host, path string) string {
	at := net.JoinHostPort(host, strconv.Itoa(a.Port))
	if a.Scheme == "tcp" {
		return "tcp://" + at
	}
	return a.Scheme + "://" + at + path
}

func (e *eye) ready(c expect.Check) {
	if c.UDP != "" {
		e.tell(c, Result{Result: Unasked, Expected: c.UDP + "/udp is open", Seen: "no answer of UDP tells an open port from a closed one; on the machine: ss -lnu"})
		return
	}
	if c.Range != "" {
		e.tell(c, Result{Result: Unasked, Expected: c.Range + "/tcp is open", Seen: "nothing says at which of them something listens; on the machine: ss -lnt"})
		return
	}
	spots := e.spots(c.Ask, c.Ask.Path)
	if len(spots) == 0 {
		e.tell(c, Result{Result: Unasked, Expected: "an answer", Seen: "it is on no machine"})
	}
	for _, s := range spots {
		r := Result{On: s.on, Expected: "an answer from " + s.question}
		if c.Ask.Scheme == "tcp" {
			r.Expected = strings.TrimPrefix(s.question, "tcp://") + " takes a connection"
		}
		if s.closed != "" {
			r.Result, r.Expected, r.Seen = Unasked, fmt.Sprintf("an answer at port %d", c.Ask.Port), s.closed
			e.tell(c, r)
			continue
		}
		a := e.answer(s.question)
		r.Result, r.Seen = verdict(a.good()), a.String()
		if a.Err != "" && c.Ask.Beside {
			r.Result, r.Seen = Unasked, a.Err+"; all that need it are on its own machine, and it may listen there only"
		}
		r.Help = fmt.Sprintf("on that machine: systemctl status %s, ss -lnt; from elsewhere, is a firewall between? --tunnel asks from inside of the cluster", c.Unit)
		if c.Unit == "" {
			r.Help = "it is outside of the cluster: is it up, and can this machine reach it? --tunnel asks from inside of the cluster"
		}
		e.tell(c, r)
	}
}

// good reports whether it is an answer as curl -f understands it, or a connection.
func (a Answer) good() bool { return a.Err == "" && a.Status < 400 }

func (a Answer) String() string {
	switch {
	case a.Err != "":
		return a.Err
	case a.Status == 0:
		return "it does"
	}
	return "HTTP " + strconv.Itoa(a.Status)
}
