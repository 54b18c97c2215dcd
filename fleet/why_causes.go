package fleet

import (
	"slices"
	"strings"

	"github.com/stackc/stackc/units"
)

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
