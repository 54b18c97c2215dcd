package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// EventLine writes one event of carrying out p as a line for a log, or "" for an
// event that brings nothing new.
func EventLine(p *fleet.Plan, e fleet.Event) string {
	switch e := e.(type) {
	case fleet.WaveBegun:
		if e.Of < 2 {
			return ""
		}
		return fmt.Sprintf("step %d of %d: %s", e.Number, e.Of, clean(waveText(e.Wave)))
	case fleet.StepDone:
		return stepLine(e)
	case fleet.UnitChanged:
		if e.From == "" && e.Verdict == units.Up && untouched(p, e.Unit) {
			return ""
		}
		return changeLine(p, e)
	case fleet.UnitDone:
		if e.Outcome.Result == fleet.IsUp || e.Outcome.Result == fleet.IsSet {
			return "" // its last change has told so
		}
		return doneLine(p.Machines, e.Outcome)
	case fleet.Warned:
		return strings.TrimSuffix(Warning(e.Warning, 0), "\n")
	case fleet.GoingBack:
		return goingBack(e)
	}
	return ""
}

// goingBack tells that what was changed is taken back.
func goingBack(e fleet.GoingBack) string {
	return bad("going back") + ": " + clean(names(e.Units))
}

// untouched reports whether the plan leaves a unit as it is.
func untouched(p *fleet.Plan, name units.Name) bool {
	u, ok := p.Unit(name)
	return ok && !u.Action.Writes()
}

func stepLine(e fleet.StepDone) string {
	text := strong(clean(string(e.Step.Unit))) + " "
	if e.Err != nil {
		return text + bad("not sent") + ": " + clean(e.Err.Error())
	}
	if e.Step.Do == fleet.DeleteUnit {
		return text + "sent, to be removed"
	}
	return text + "sent, to be " + string(e.Step.State)
}

func changeLine(p *fleet.Plan, e fleet.UnitChanged) string {
	machines := p.Machines
	text := strong(clean(string(e.Unit))) + " "
	if e.To == "" {
		return text + "has left " + machineName(machines, e.Machine)
	}
	word := verdictWord(e.Verdict)
	switch u, _ := p.Unit(e.Unit); {
	case u.To == units.Loaded && e.Verdict == units.Up:
		word = good("loaded")
	case e.Verdict == units.Down && e.From == "" && e.Behind == "":
		word = "not started yet"
	case e.Verdict == units.Down && e.Behind == "":
		word = "not running"
	}
	text += word + " on " + machineName(machines, e.Machine)
	if e.Verdict == units.Waiting && len(e.WaitingFor) > 0 {
		return text + " for " + clean(waitText(e.WaitingFor))
	}
	if e.Behind != "" {
		return text + ", queued behind " + clean(string(e.Behind))
	}
	return text + faint(" ("+clean(e.To)+")")
}

// waitText says what a waiter may be holding out for.
func waitText(waits []fleet.PlanWait) string {
	var parts []string
	for _, w := range waits {
		text := w.Subject
		if w.Probe != "" {
			text += " (" + w.Probe + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " or ")
}

func verdictWord(v units.Verdict) string {
	switch v {
	case units.Up:
		return good("up")
	case units.Failed, units.Unloadable:
		return bad(v.String())
	case units.Waiting, units.Starting, units.Restarting:
		return busy(v.String())
	}
	return v.String()
}

func doneLine(machines []fleet.Machine, o fleet.UnitOutcome) string {
	text := strong(clean(string(o.Unit))) + " " + resultWord(o.Result)
	if len(o.Machines) > 0 {
		text += " on " + machineNames(machines, o.Machines)
	}
	if o.Reason != "" {
		text += ": " + clean(o.Reason)
	}
	return text
}

func resultWord(r fleet.Result) string {
	switch r {
	case fleet.IsUp, fleet.IsSet:
		return good(string(r))
	case fleet.HasFailed, fleet.TimedOut, fleet.NoMachine:
		return bad(string(r))
	case fleet.NotReached:
		return wary("unfinished")
	}
	return string(r)
}

// Heartbeat writes one line about a long silence: how far it is, and what is
// waited for.
func Heartbeat(p fleet.Progress) string {
	text := fmt.Sprintf("%d of %d done after %s", p.Done, p.Total, seconds(p.Elapsed))
	if len(p.Waiting) > 0 {
		text += ", " + clean(string(p.Waiting[0].Unit)+" "+p.Waiting[0].For)
	}
	if n := len(p.Waiting) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// seconds writes a length of time in whole seconds: "41s", "2m3s".
func seconds(d time.Duration) string { return d.Truncate(time.Second).String() }

// took writes how long something took, with tenths where they matter.
func took(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return seconds(d)
}

// Try writes one request to fleet, as it ended.
func Try(t fleet.Try) string {
	text := fmt.Sprintf("%s %s", t.Method, t.Path)
	if t.Number > 1 {
		text += fmt.Sprintf(" (try %d)", t.Number)
	}
	took := t.Took.Round(100 * time.Microsecond)
	if t.Err != nil {
		return faint(clean(fmt.Sprintf("%s: %v, %s", text, t.Err, took)))
	}
	return faint(clean(fmt.Sprintf("%s: %d, %s", text, t.Status, took)))
}
