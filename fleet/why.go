package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

// Diagnosis tells why a unit is as it is, from one reading of the cluster.
type Diagnosis struct {
	Unit units.Name `json:"unit"`
	// Stack is whom it belongs to, "" for nobody.
	Stack string `json:"stack,omitempty"`
	// Good says that it is as fleet was asked, on all its machines, and as the file
	// says if there is one.
	Good bool `json:"good"`
	// Wanted is the state that the file says, "" without a file.
	Wanted  units.State `json:"wanted,omitempty"`
	Desired units.State `json:"desired,omitempty"`
	Current units.State `json:"current,omitempty"`
	Global  bool        `json:"global,omitempty"`
	// Content is "same", "differs" or "missing" beside the file, "" without one.
	Content string `json:"content,omitempty"`
	// Spots are the machines that have it, or one without a machine.
	Spots []Spot `json:"places"`
	// Causes are sentences, the most telling first.
	Causes []string `json:"causes"`
	// Machines tells of each machine whether it can have the unit, by fleet's rules.
	Machines []Eligible `json:"machines,omitempty"`
	// Peers are the units that it leans on or waits for.
	Peers []Peer `json:"peers,omitempty"`
	// Next are commands that tell more, or mend it. One that needs the stack file ends with
	// FileWord.
	Next []string `json:"next,omitempty"`
}

// FileWord stands for the path of the stack file at the end of a command, since that path
// is not known here.
const FileWord = "FILE"

// Spot is the unit on one machine.
type Spot struct {
	Machine string    `json:"machine,omitempty"`
	State   Condition `json:"state"`
	// Systemd is load/active/sub, "" when the machine does not report the unit.
	Systemd string `json:"systemd,omitempty"`
}

// Eligible is whether one machine can have the unit.
type Eligible struct {
	Machine string `json:"machine"`
	// Has says that it has it, Next that fleet would choose it now.
	Has  bool `json:"has,omitempty"`
	Next bool `json:"next,omitempty"`
	// Refused is why it cannot have it, "" if it can.
	Refused string `json:"refused,omitempty"`
}

// Peer is another unit that matters to one.
type Peer struct {
	Unit units.Name `json:"unit,omitempty"`
	// By is the directive that names it, or "waits for" of a waiter.
	By string `json:"by"`
	// Probe is what a waiter asks.
	Probe string `json:"probe,omitempty"`
	// State is how it is; "" for a unit of the hosts, of which fleet knows nothing.
	State    Condition `json:"state,omitempty"`
	Machines []string  `json:"machines,omitempty"`
	// Wrong says what about it keeps the unit from running, "" if nothing does.
	Wrong string `json:"wrong,omitempty"`
}

// Why diagnoses a unit of the cluster. set is what a stack file says, nil when there is
// no file.
func Why(s *Snapshot, name units.Name, set *units.Set) Diagnosis {
	var want *units.Unit
	if set != nil {
		if told, ok := set.Lookup(name); ok {
			want = &told
		}
	}
	live, exists := s.Unit(name)
	d := Diagnosis{Unit: name, Stack: s.OwnerOf(live), Desired: live.Desired, Current: live.Current, Global: exists && isGlobal(live)}
	w := &why{snapshot: s, live: live, set: set, want: want, d: &d}
	if d.Global {
		d.Current = "" // fleet's list says "inactive", wherever it runs
	}
	w.compare(exists)
	if !exists {
		d.Spots = []Spot{{State: IsMissing}}
		w.cause("fleet does not have it")
		if want != nil {
			w.next("stackc submit " + FileWord)
		}
		return d
	}
	w.place()
	w.peers()
	for _, at := range d.Spots {
		w.explain(at)
	}
	w.commands()
	return d
}

// why is a diagnosis in the making.
type why struct {
	snapshot *Snapshot
	live     Unit
	set      *units.Set
	want     *units.Unit // nil when the file does not have it
	now      []string
	d        *Diagnosis
}

func (w *why) cause(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.d.Causes, text) {
		w.d.Causes = append(w.d.Causes, text)
	}
}

func (w *why) next(command string) {
	if !slices.Contains(w.d.Next, command) {
		w.d.Next = append(w.d.Next, command)
	}
}

func (w *why) machine(id string) string {
	return (&Plan{Machines: w.snapshot.Machines}).machineName(id)
}

// compare holds the unit against the file.
func (w *why) compare(exists bool) {
	if w.want == nil {
		return
	}
	w.d.Wanted, w.d.Content = w.want.Desired, "same"
	switch {
	case !exists:
		w.d.Content = "missing"
	case w.live.Hash != w.want.Hash() && !units.Equal(unmarked(w.live.Options), unmarked(w.want.Options)):
		w.d.Content = "differs"
		w.cause("the cluster has another content than the file")
		w.next("stackc diff " + FileWord)
	}
	if exists && w.live.Desired != w.want.Desired {
		w.cause("fleet was asked for %s, and the file says %s", w.live.Desired, w.want.Desired)
		w.next("stackc submit " + FileWord)
	}
}

// place tells where the unit is and could be, and whether all of that is as it should be.
func (w *why) place() {
	w.machines()
	w.spots()
	w.d.Good = len(w.d.Causes) == 0 && !slices.ContainsFunc(w.d.Spots, func(p Spot) bool { return !p.State.good() })
}

// machines asks fleet's own rules which machines have the unit, and which can.
func (w *why) machines() {
	launched := units.Unit{Name: w.live.Name, Options: w.live.Options, Desired: units.Launched}
	change := Change{Unit: w.live.Name, Action: SetState, From: w.live.Desired, To: units.Launched}
	p := Place(w.snapshot, units.NewSet(w.d.Stack, []units.Unit{launched}), []Change{change})[0]
	w.now = p.Now
	for _, m := range w.snapshot.Machines {
		e := Eligible{Machine: m.ID, Has: slices.Contains(p.Now, m.ID), Next: slices.Contains(p.Then, m.ID)}
		for _, r := range p.Refused {
			if r.Machine == m.ID {
				e.Refused = r.Reason
			}
		}
		w.d.Machines = append(w.d.Machines, e)
	}
}

// spots are the machines that report the unit, and those that should and do not.
func (w *why) spots() {
	rows := w.snapshot.StatesOf(w.live.Name)
	for _, row := range rows {
		w.d.Spots = append(w.d.Spots, Spot{Machine: row.Machine, State: w.snapshot.Condition(w.live.Name, row), Systemd: row.String()})
	}
	silent := w.now
	if !w.d.Global {
		silent = []string{w.live.Machine}
	}
	for _, id := range silent {
		if !slices.ContainsFunc(rows, func(r UnitState) bool { return r.Machine == id }) && (w.d.Global || len(rows) == 0) {
			w.d.Spots = append(w.d.Spots, Spot{Machine: id, State: w.snapshot.Condition(w.live.Name, UnitState{})})
		}
	}
	if len(w.d.Spots) == 0 { // a global unit that fits no machine
		w.d.Spots = []Spot{{State: IsHomeless}}
	}
}

// good reports whether a condition is what fleet was asked for.
func (c Condition) good() bool {
	return c == Runs || c == IsDone || c == IsLoaded || c == IsStopped
}

// commands adds what shows the journal, unless all is well.
func (w *why) commands() {
	if w.d.Good {
		return
	}
	for _, at := range w.d.Spots {
		m, alive := w.snapshot.Machine(at.Machine)
		if alive && m.IP != "" && !at.State.good() {
			w.next(fmt.Sprintf("ssh core@%s journalctl --no-pager -n 50 -u %s", m.IP, shellWord(string(w.live.Name))))
		}
	}
}

// shellWord quotes a name that a shell would not take as it is.
func shellWord(name string) string {
	if strings.ContainsAny(name, `\ *?'"$&;|<>()`) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}
