package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stackc/stackc/fleet"
	"github.com/stackc/stackc/units"
)

// rollouts tells of each group that changes bit by bit how it does.
func rollouts(p *fleet.Plan, width int) string {
	var rows [][]string
	for _, r := range p.Rollouts {
		if len(r.Batches) > 0 {
			rows = append(rows, []string{strong(clean(r.Group)), clean(rolloutText(r))})
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return "\nbit by bit:\n" + columns("  ", rows, width)
}

// rolloutText is how one group changes, in one line.
func rolloutText(r fleet.Rollout) string {
	var parts []string
	instances := len(r.Units) - len(r.Extra)
	switch {
	case len(r.Machines) > 0:
		parts = append(parts, fmt.Sprintf("machine by machine, twice on each of %d: a stand-in with the new content takes its place, and gives it back", len(r.Machines)))
	case instances > 1:
		most := 0
		for _, b := range r.Batches {
			most = max(most, len(b))
		}
		parts = append(parts, fmt.Sprintf("%d of %d at a time, at least %d stay healthy", most, instances, r.Healthy))
	}
	if len(r.Extra) > 0 && len(r.Machines) == 0 {
		parts = append(parts, names(r.Extra)+" meanwhile")
	}
	if r.HealthyFor > 0 {
		parts = append(parts, fmt.Sprintf("healthy for %v before the next", time.Duration(r.HealthyFor)*time.Millisecond))
	}
	if r.First > 0 {
		parts = append(parts, fmt.Sprintf("asks after the first %d", r.First))
	}
	if r.RollBack {
		parts = append(parts, "goes back when one fails")
	}
	return strings.Join(parts, "; ")
}

// healthyText is what a wave of a rollout waits for.
func healthyText(w fleet.Wave) string {
	text := "enough others are healthy"
	if len(w.Hold) > 0 {
		text = "those before are healthy"
	}
	if len(w.AskAfter) > 0 {
		text += " and somebody has said yes"
	}
	return text
}

func names(list []units.Name) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = string(n)
	}
	return shortList(words, 6)
}

// PartWay tells of each rollout that did not come to its end which units have the
// new content and which the old, or which are restarted; "" when there is none.
func PartWay(p *fleet.Plan, o fleet.Outcome, width int) string {
	var rows [][]string
	for _, r := range p.Rollouts {
		text := ""
		if r.Restarts {
			text = restarted(p, r, o)
		} else {
			text = partWay(p, r, o)
		}
		if text != "" {
			rows = append(rows, []string{strong(clean(r.Group)), clean(text)})
		}
	}
	if len(rows) == 0 {
		return ""
	}
	return "\n" + columns("", rows, width)
}

func partWay(p *fleet.Plan, r fleet.Rollout, o fleet.Outcome) string {
	var fresh, old, back []units.Name
	for _, name := range r.Units {
		u, _ := p.Unit(name)
		sent := slices.ContainsFunc(o.Done, func(s fleet.Step) bool { return s.Unit == name && s.Do == fleet.PutUnit })
		switch {
		case u.Temporary:
		case o.Back != nil && slices.Contains(o.Back.Units, name):
			back = append(back, name)
		case sent || u.OldHash == u.NewHash:
			fresh = append(fresh, name)
		default:
			old = append(old, name)
		}
	}
	var parts []string
	if len(back) > 0 {
		text := " has its old content again"
		if len(back) > 1 {
			text = " have their old content again"
		}
		if len(o.Back.Outcome.Bad())+len(o.Back.Outcome.Left) > 0 {
			text = " should have the old content again, and not all have come up with it"
		}
		parts = append(parts, names(back)+text)
	}
	if len(fresh) > 0 {
		parts = append(parts, "new: "+names(fresh))
	}
	if len(old) > 0 {
		parts = append(parts, "still old: "+names(old))
	}
	if len(back)+len(old) == 0 {
		return ""
	}
	return strings.Join(parts, "; ")
}

// restarted tells how far a restart of a group came.
func restarted(p *fleet.Plan, r fleet.Rollout, o fleet.Outcome) string {
	var done, left []units.Name
	for _, name := range r.Units {
		launches := func(s fleet.Step) bool { return s.Unit == name && s.State == units.Launched }
		switch u, _ := p.Unit(name); {
		case slices.ContainsFunc(o.Done, launches):
			done = append(done, name)
		case u.Action.Writes():
			left = append(left, name)
		}
	}
	var parts []string
	if len(done) > 0 {
		parts = append(parts, "restarted: "+names(done))
	}
	if len(left) == 0 {
		return ""
	}
	return strings.Join(append(parts, "not yet: "+names(left)), "; ")
}

// FirstUnits says what has become of the first units of the groups.
func FirstUnits(p *fleet.Plan, groups []string) string {
	done := "changed"
	if slices.ContainsFunc(p.Rollouts, func(r fleet.Rollout) bool { return r.Restarts }) {
		done = "restarted"
	}
	return "the first units of " + clean(strings.Join(groups, ", ")) + " are " + done + " and healthy"
}

// PausedText tells that a run has ended before a step on purpose.
func PausedText(p *fleet.Plan, at fleet.Paused) string {
	text := fmt.Sprintf("paused after step %d of %d", at.After, at.Of)
	if len(at.Groups) > 0 {
		text += ": " + FirstUnits(p, at.Groups) + ", somebody is to look at them"
	}
	return text
}
