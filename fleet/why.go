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

// place asks fleet's own rules where the unit is and could be.
func (w *why) place() {
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
	w.d.Good = len(w.d.Causes) == 0 && !slices.ContainsFunc(w.d.Spots, func(p Spot) bool { return !p.State.good() })
}

// good reports whether a condition is what fleet was asked for.
func (c Condition) good() bool {
	return c == Runs || c == IsDone || c == IsLoaded || c == IsStopped
}

// peers lists the units that it leans on or waits for.
func (w *why) peers() {
	where, _ := units.ParsePlacement(w.live.Name, w.live.Options)
	for _, name := range where.MachineOf {
		w.peer(Peer{Unit: units.Name(name), By: "MachineOf"})
	}
	for _, edge := range units.Edges(w.live.Name, w.live.Options) {
		if edge.Relation != units.Before && edge.Relation != units.Conflicts && edge.Relation != units.OnFailure && edge.Relation != units.OnSuccess {
			w.peer(Peer{Unit: edge.Target, By: string(edge.Relation)})
		}
	}
	if w.want == nil {
		return
	}
	for _, wait := range w.want.Waits {
		w.peer(Peer{Unit: wait.Unit, By: "waits for", Probe: wait.Probe})
	}
}

// peer looks at another unit and at what about it is wrong.
func (w *why) peer(p Peer) {
	live, exists := w.snapshot.Unit(p.Unit)
	if exists {
		p.State = w.conditionOf(p.Unit)
		p.Machines = w.machinesOf(live)
	}
	needs := units.Relation(p.By).Needs()
	together := slices.ContainsFunc(w.now, func(id string) bool { return slices.Contains(p.Machines, id) })
	switch {
	case p.By == "MachineOf" && !exists:
		p.Wrong = "it is not in the cluster"
	case p.By == "MachineOf" && live.Desired == units.Inactive:
		p.Wrong = "it is inactive, and so on no machine"
	case needs && exists && len(w.now) > 0 && !together:
		p.Wrong = "it is not on that machine, and systemd does not start the unit without it"
	case needs && exists && live.Desired == units.Inactive:
		p.Wrong = "it is inactive, and systemd does not start the unit without it"
	case p.By == "waits for" && exists && !p.State.good():
		p.Wrong = "it is " + string(p.State)
	case p.By == "waits for" && p.Unit != "" && !exists && w.inStack(p.Unit):
		p.Wrong = "it is not in the cluster"
	}
	w.d.Peers = append(w.d.Peers, p)
}

// inStack reports whether a unit that is waited for is one of the file, and not of the
// hosts.
func (w *why) inStack(name units.Name) bool {
	_, ok := w.set.Lookup(name)
	return ok
}

// conditionOf is how a unit is where it is worst.
func (w *why) conditionOf(name units.Name) Condition {
	rows := w.snapshot.StatesOf(name)
	worst := w.snapshot.Condition(name, UnitState{})
	for i, row := range rows {
		if c := w.snapshot.Condition(name, row); i == 0 || !c.good() {
			worst = c
		}
	}
	return worst
}

func (w *why) machinesOf(u Unit) []string {
	var ids []string
	for _, row := range w.snapshot.StatesOf(u.Name) {
		ids = append(ids, row.Machine)
	}
	if _, alive := w.snapshot.Machine(u.Machine); alive && !slices.Contains(ids, u.Machine) {
		ids = append(ids, u.Machine)
	}
	return ids
}

// explain finds the causes of one condition.
func (w *why) explain(at Spot) {
	where := ""
	if at.Machine != "" {
		where = " on " + w.machine(at.Machine)
	}
	switch at.State {
	case IsStopped, IsLoaded:
		w.cause("it was asked to be %s", w.live.Desired)
		w.next("stackc start " + shellWord(string(w.live.Name)))
	case IsHomeless:
		w.homeless()
	case IsLost:
		w.cause("its machine %s is gone; fleet notices that after half a minute and finds another", short(at.Machine))
	case IsPending, IsUnseen, IsOld:
		w.pending(at, where)
	case IsUnloadable:
		w.cause("systemd cannot load it%s (%s), and the units after it on that machine are not started either", where, at.Systemd)
		w.next("stackc submit " + FileWord)
	case IsWaiting:
		w.waiting(where)
	case IsStarting:
		w.cause("it is starting%s (%s): systemd waits for it to say that it is ready", where, at.Systemd)
	case IsRetrying:
		w.cause("its process ends again and again%s, and Restart= tries once more", where)
	case HasBroken:
		w.cause("its process has failed%s and systemd has given up; fleet never starts a failed unit again", where)
		w.next("stackc restart " + shellWord(string(w.live.Name)))
	case IsDead:
		w.dead(at, where)
	case IsStopping:
		w.cause("it is being stopped%s", where)
	case RunsUnasked:
		w.cause("fleet was asked to load it only, and another unit has started it%s", where)
	}
}

func (w *why) homeless() {
	fits := slices.ContainsFunc(w.d.Machines, func(e Eligible) bool { return e.Next })
	switch {
	case len(w.snapshot.Machines) == 0:
		w.cause("the cluster has no machines")
	case fits:
		w.cause("fleet has not chosen a machine yet; it does so every two seconds, so if this lasts no machine leads the cluster")
	default:
		w.cause("no machine can run it")
	}
}

// pending looks for what holds up the machine's agent.
func (w *why) pending(at Spot, where string) {
	var stuck []string
	for _, row := range w.snapshot.States {
		if other, ok := w.snapshot.Unit(row.Unit); ok && row.Machine == at.Machine && row.Unit != w.live.Name && judge(other, row) == units.Unloadable {
			stuck = append(stuck, string(row.Unit))
		}
	}
	switch {
	case len(stuck) > 0:
		w.cause("%s cannot be loaded%s, which ends each pass of that machine's agent before the units after it", strings.Join(stuck, ", "), where)
	case at.State == IsUnseen:
		w.cause("fleet has started it, and nothing is reported of it%s; that happens for some seconds", where)
	case at.State == IsOld:
		w.cause("the agent%s has not taken over its new content yet", where)
	case at.Systemd == "":
		w.cause("the agent%s has not loaded it yet; if this lasts, another unit that cannot be loaded may hold it up", where)
	default:
		w.cause("the agent%s has not started it yet", where)
	}
	for _, p := range w.d.Peers {
		if p.By == string(units.After) && p.State != "" && !p.State.good() && slices.Contains(p.Machines, at.Machine) {
			w.cause("it may be queued behind %s, which is %s", p.Unit, p.State)
		}
	}
}

// waiting names the waiter that it sits in.
func (w *why) waiting(where string) {
	var open []string
	for _, p := range w.d.Peers {
		if p.By != "waits for" {
			continue
		}
		text := string(p.Unit)
		if p.Probe != "" {
			text = strings.TrimSpace(text + " (" + p.Probe + ")")
		}
		if p.Wrong != "" {
			w.cause("it waits%s for %s, which is %s", where, text, strings.TrimPrefix(p.Wrong, "it is "))
			w.next("stackc why " + shellWord(string(p.Unit)))
			return
		}
		open = append(open, text)
	}
	switch {
	case len(open) > 0:
		w.cause("it waits%s for %s", where, strings.Join(open, " or "))
	case w.want == nil:
		w.cause("a command before its start (ExecStartPre=) has not ended%s; with its FILE the waiters are named", where)
	default:
		w.cause("a command before its start (ExecStartPre=) has not ended%s", where)
	}
}

// dead looks for the neighbour without which systemd does not start it.
func (w *why) dead(at Spot, where string) {
	found := false
	for _, p := range w.d.Peers {
		switch {
		case p.Wrong != "" && units.Relation(p.By).Needs():
			w.cause("it names %s in %s=: %s", p.Unit, p.By, p.Wrong)
			found = true
		case units.Relation(p.By).Stops() && p.State != "" && !p.State.good():
			w.cause("it goes down with %s (%s=), which is %s", p.Unit, p.By, p.State)
			found = true
		}
	}
	if !found {
		w.cause("fleet has started it and it does not run%s (%s): it has ended by itself, a condition of it does not hold, or it went down with a neighbour", where, at.Systemd)
	}
	w.next("stackc restart " + shellWord(string(w.live.Name)))
}

// commands adds what shows the journal, unless all is well.
func (w *why) commands() {
	if w.d.Good {
		return
	}
	for _, at := range w.d.Spots {
		m, alive := w.snapshot.Machine(at.Machine)
		if alive && m.IP != "" && !at.State.good() {
			w.next(fmt.Sprintf("ssh %s@%s journalctl --no-pager -n 50 -u %s", "core", m.IP, shellWord(string(w.live.Name))))
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
