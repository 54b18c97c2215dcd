package sim

import (
	"fmt"
	"path"
	"slices"
	"sync"
	"time"
)

// World holds the systemds of all machines, the rules they obey and the journal of what they did.
type World struct {
	mu       sync.Mutex
	machines []*Systemd
	rules    []Rule
	nextRule int
	failures map[failure]int // how many starts a rule has made fail
	journal  []Entry
	nextSeq  int
}

// journalMax is how many entries the journal keeps; the oldest go first.
const journalMax = 100_000

// Entry is one line of the journal.
type Entry struct {
	Seq     int       `json:"seq"` // 1, 2, 3, ...
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"`
	Unit    string    `json:"unit"`
	Event   Event     `json:"event"`
	Hash    string    `json:"hash,omitempty"`   // fleet's hash of the file the unit has
	Detail  string    `json:"detail,omitempty"` // why
}

// Event is what happened to a unit.
type Event string

// The events of the journal.
const (
	Loaded      Event = "load"         // fleet wrote the file and systemd took it
	LoadRefused Event = "load-error"   // systemd did not take it
	Unloaded    Event = "unload"       // fleet removed the file
	Started     Event = "start"        // a start began, also one by Restart=
	Refused     Event = "start-error"  // systemd refused the start
	Waiting     Event = "waiting"      // the start waits in start-pre or start
	Up          Event = "up"           // active
	Done        Event = "done"         // ended well
	Failed      Event = "failed"       // ended badly
	Dropped     Event = "job-failed"   // a start job was dropped before the unit started
	Restarting  Event = "auto-restart" // ended, and Restart= starts it again
	Stopping    Event = "stop"         // a stop began
	Stopped     Event = "stopped"      // and is over
	PoweredOff  Event = "power-off"    // the machine lost its units
)

type failure struct {
	rule          int
	machine, unit string
}

// NewWorld returns a World without machines.
func NewWorld() *World {
	return &World{failures: map[failure]int{}}
}

// Add puts a machine into the world. It has the host units given (names or globs): units that are
// there and running before fleet comes.
func (w *World) Add(name, id string, hostUnits []string) *Systemd {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &Systemd{world: w, name: name, id: id, hostUnits: hostUnits, units: map[string]*simUnit{}}
	w.machines = append(w.machines, s)
	return s
}

// Close powers every machine off.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.machines {
		s.powerOff()
	}
}

// AddRule adds a rule and returns its number.
func (w *World) AddRule(r Rule) (int, error) {
	if err := r.Check(); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nextRule++
	r.ID = w.nextRule
	w.rules = append(w.rules, r)
	return r.ID, nil
}

// Rules lists the rules, oldest first.
func (w *World) Rules() []Rule {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.rules)
}

// RemoveRule removes the rule of that number, or all for 0. Units that wait under a removed rule go on.
func (w *World) RemoveRule(id int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := len(w.rules)
	gone := func(r Rule) bool { return id == 0 || r.ID == id }
	w.rules = slices.DeleteFunc(w.rules, gone)
	w.each("", "", func(_ *Systemd, u *simUnit) {
		if u.wait != nil && gone(u.rule) {
			u.wait.over = true
		}
	})
	w.pump()
	return before - len(w.rules)
}

// Release ends the waiting of the units that match, whatever they wait for, and says how many did.
func (w *World) Release(machine, glob string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	w.each(machine, glob, func(_ *Systemd, u *simUnit) {
		if u.wait != nil {
			u.wait.over = true
			n++
		}
	})
	w.pump()
	return n
}

// Exit ends the main process of the units that match and run, and says how many did.
func (w *World) Exit(machine, glob string, code int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	w.each(machine, glob, func(s *Systemd, u *simUnit) {
		if u.active == active && !u.host && u.def != nil && u.def.kind == "service" {
			s.exit(u, exitResult(code))
			n++
		}
	})
	w.pump()
	return n
}

// Journal returns the entries after the given number for the machine and units that match.
func (w *World) Journal(after int, machine, glob string) []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []Entry{}
	for _, e := range w.journal {
		if e.Seq > after && matches(glob, e.Unit) && w.named(machine, e.Machine) {
			out = append(out, e)
		}
	}
	return out
}

// ClearJournal forgets the entries so far; numbers go on.
func (w *World) ClearJournal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.journal = nil
}

// Status is what one machine's systemd shows of a unit.
type Status struct {
	Machine    string   `json:"machine"`
	Unit       string   `json:"unit"`
	Load       string   `json:"load"`
	Active     string   `json:"active"`
	Sub        string   `json:"sub"`
	Hash       string   `json:"hash"`
	Starts     int      `json:"starts"` // how often it was started since its file was loaded
	WaitingFor []string `json:"waiting_for,omitempty"`
	Problem    string   `json:"problem,omitempty"` // why it is bad-setting
	Text       string   `json:"text"`
}

// Units lists the units that fleet put on the machines that match, by machine and name.
func (w *World) Units(machine, glob string) []Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []Status{}
	w.each(machine, glob, func(s *Systemd, u *simUnit) {
		if u.def != nil {
			out = append(out, u.status(s))
		}
	})
	return out
}

// named reports whether a machine, given by name, answers to wanted: its name, its id or "".
func (w *World) named(wanted, name string) bool {
	i := slices.IndexFunc(w.machines, func(s *Systemd) bool { return s.name == name })
	return i >= 0 && w.machines[i].is(wanted)
}

// each calls f for the units that match, machines in the order they were added, units by name.
func (w *World) each(machine, glob string, f func(*Systemd, *simUnit)) {
	for _, s := range w.machines {
		if !s.is(machine) {
			continue
		}
		for _, u := range s.sorted() {
			if matches(glob, u.name) {
				f(s, u)
			}
		}
	}
}

// activeSomewhere reports whether a unit of that name is active on any machine.
func (w *World) activeSomewhere(name string) bool {
	return slices.ContainsFunc(w.machines, func(s *Systemd) bool {
		u := s.lookup(name)
		return u != nil && u.active == active
	})
}

// pump lets every job and every waiting unit go on that can, until none can.
func (w *World) pump() {
	for progress := true; progress; {
		progress = false
		for _, s := range w.machines {
			for _, u := range s.sorted() {
				progress = s.advance(u) || progress
			}
		}
	}
}

func (w *World) ruleFor(s *Systemd, unit string) Rule {
	for _, r := range slices.Backward(w.rules) {
		if r.matches(s, unit) {
			return r
		}
	}
	return Rule{}
}

func (w *World) record(s *Systemd, unit string, event Event, hash, format string, args ...any) {
	w.nextSeq++
	w.journal = append(w.journal, Entry{
		Seq: w.nextSeq, Time: time.Now(), Machine: s.name, Unit: unit,
		Event: event, Hash: hash, Detail: fmt.Sprintf(format, args...),
	})
	if extra := len(w.journal) - journalMax; extra > 0 {
		w.journal = slices.Delete(w.journal, 0, extra)
	}
}

// hostUnit reports whether one of the globs stands for the unit.
func hostUnit(globs []string, unit string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, unit)
		return err == nil && ok
	})
}
