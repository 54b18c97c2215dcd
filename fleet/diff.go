package fleet

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stackc/stackc/units"
)

// Action is what is to happen to one unit.
type Action string

// The actions.
const (
	// None leaves the unit as it is: content and state are what is wanted.
	None Action = "none"
	// Create submits a unit that fleet does not have.
	Create Action = "create"
	// Replace gives a unit other options. It restarts on the machine it is on.
	Replace Action = "replace"
	// SetState changes the desired state alone.
	SetState Action = "state"
	// Restart brings up a unit whose content and desired state are right but which
	// failed or was left dead: fleet never restarts one by itself, and a second
	// "launched" is no news to it.
	Restart Action = "restart"
	// Adopt takes over a unit whose content is equal but for its owner. Nothing is
	// written, so that it runs on.
	Adopt Action = "adopt"
	// Delete removes a unit of this stack that the set does not have.
	Delete Action = "delete"
	// Orphan names such a unit and leaves it.
	Orphan Action = "orphan"
)

// Writes reports whether the action sends anything to fleet.
func (a Action) Writes() bool {
	switch a {
	case Create, Replace, SetState, Restart, Delete:
		return true
	}
	return false
}

// Change is the difference between a unit of the cluster and the wanted one.
type Change struct {
	Unit   units.Name `json:"unit"`
	Action Action     `json:"action"`
	// From and To are the desired states before and after. From is empty for a
	// unit that is created, To for one that is removed.
	From units.State `json:"from,omitempty"`
	To   units.State `json:"to,omitempty"`
	// OldHash and NewHash identify the content before and after.
	OldHash string `json:"old_hash,omitempty"`
	NewHash string `json:"new_hash,omitempty"`
	// Options are the differences of a Replace.
	Options []OptionChange `json:"options,omitempty"`
	// Reordered says that the same options come in another order, which is
	// another unit for fleet.
	Reordered bool `json:"reordered,omitempty"`
	// Owner is whom the unit belongs to when it is taken over, or "" for nobody.
	Owner string `json:"owner,omitempty"`
	// Claimed says of a unit that goes, or is an orphan, that its text does not say
	// whose it is: it is the stack's by what was recorded.
	Claimed bool `json:"claimed,omitempty"`
	// Reason says why a Restart is needed.
	Reason string `json:"reason,omitempty"`
}

// OptionChange is one directive that differs: all its values before and after,
// in order. Old is empty for one that is new, New for one that is gone.
type OptionChange struct {
	Section string   `json:"section"`
	Name    string   `json:"name"`
	Old     []string `json:"old,omitempty"`
	New     []string `json:"new,omitempty"`
}

// DiffOptions says what Diff may propose.
type DiffOptions struct {
	// Prune removes units of the stack that are not in the set.
	Prune bool
	// Adopt takes over units of the same name that belong to others.
	Adopt bool
}

// Refusal is a unit that must not be touched. It is an error of the request, not
// of fleet.
type Refusal struct {
	Unit units.Name `json:"unit,omitempty"`
	// Stack is who wants the unit, Owner who has it; "" is nobody.
	Stack string `json:"stack"`
	Owner string `json:"owner,omitempty"`
	// Text is the whole message.
	Text string `json:"text"`
}

// Error returns the message.
func (r Refusal) Error() string { return r.Text }

// Diff compares the cluster with the set: one Change for every unit of the set
// and for every orphan, in the order of names. Where it may not touch a unit it
// gives a Refusal instead.
func Diff(s *Snapshot, set *units.Set, options DiffOptions) ([]Change, []Refusal) {
	if options.Prune && len(set.Units) == 0 {
		return nil, []Refusal{{Stack: set.Stack, Text: fmt.Sprintf(
			"stack %q has no units, and pruning to nothing would remove all it has in the cluster; destroy does that", set.Stack)}}
	}
	var changes []Change
	var refusals []Refusal
	for _, want := range set.Units {
		live, exists := s.Unit(want.Name)
		if exists && !mayTouch(s, set.Stack, live, want, options) {
			refusals = append(refusals, foreign(set.Stack, live, s.OwnerOf(live)))
			continue
		}
		changes = append(changes, compare(s, set.Stack, live, exists, want))
	}
	changes = append(changes, orphans(s, set, options.Prune)...)
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Unit, b.Unit) })
	return changes, refusals
}

// mayTouch tells whether the set may have a live unit.
func mayTouch(s *Snapshot, stack string, live Unit, want units.Unit, options DiffOptions) bool {
	return options.Adopt || ours(s.OwnerOf(live), stack, live, want)
}

// ours tells whether a live unit is the stack's. One of nobody's that is the same
// to the byte is taken as ours even without a mark: that is how imported units look.
func ours(owner, stack string, live Unit, want units.Unit) bool {
	return owner == stack || owner == "" && live.Hash == want.Hash()
}

func foreign(stack string, live Unit, owner string) Refusal {
	r := Refusal{Unit: live.Name, Stack: stack, Owner: owner}
	whose := fmt.Sprintf("belongs to stack %q", r.Owner)
	if r.Owner == "" {
		whose = "is in the cluster and belongs to no stack"
	}
	r.Text = fmt.Sprintf("unit %s of stack %q %s; rename one of them, or take it over with --adopt", live.Name, stack, whose)
	return r
}

func compare(s *Snapshot, stack string, live Unit, exists bool, want units.Unit) Change {
	change := Change{Unit: want.Name, Action: None, From: live.Desired, To: want.Desired, OldHash: live.Hash, NewHash: want.Hash()}
	if !exists {
		change.Action = Create
		return change
	}
	same := change.OldHash == change.NewHash
	if !same && live.Owner() != ownerOf(want.Options) {
		same = units.Equal(unmarked(live.Options), unmarked(want.Options))
	}
	if owner := s.OwnerOf(live); !ours(owner, stack, live, want) {
		change.Owner = owner
		if same {
			return adopt(change)
		}
	}
	if same {
		change.NewHash = change.OldHash // only the mark differs, if anything
	}
	switch {
	case change.OldHash != change.NewHash:
		change.Action = Replace
		change.Options = optionChanges(live.Options, want.Options)
		change.Reordered = len(change.Options) == 0
	case change.From != change.To:
		change.Action = SetState
	default:
		if change.Reason = deadReason(s, live, want); change.Reason != "" {
			change.Action = Restart
		}
	}
	return change
}

// adopt keeps the content that is there, so that the unit runs on; only another
// desired state needs a write.
func adopt(change Change) Change {
	change.NewHash = change.OldHash
	change.Action = Adopt
	if change.From != change.To {
		change.Action = SetState
	}
	return change
}

func unmarked(options []units.Option) []units.Option {
	return slices.DeleteFunc(slices.Clone(options), func(o units.Option) bool { return o.Section == ownerSection })
}

// optionChanges compares directive by directive, in the order of the wanted unit
// and then of the live one.
func optionChanges(live, want []units.Option) []OptionChange {
	type key struct{ section, name string }
	seen := map[key]bool{}
	var changes []OptionChange
	for _, o := range slices.Concat(want, live) {
		k := key{o.Section, o.Name}
		if seen[k] {
			continue
		}
		seen[k] = true
		before, after := units.Get(live, k.section, k.name), units.Get(want, k.section, k.name)
		if !slices.Equal(before, after) {
			changes = append(changes, OptionChange{Section: k.section, Name: k.name, Old: before, New: after})
		}
	}
	return changes
}

// foundDead begins the reason of a Restart of a unit that was found failed or dead.
const foundDead = "it is "

// deadReason tells why a unit that should run needs a restart, or "". A global
// unit is restarted only if it is dead on every machine: a restart concerns them
// all.
func deadReason(s *Snapshot, live Unit, want units.Unit) string {
	if want.Desired != units.Launched {
		return ""
	}
	rows := s.StatesOf(live.Name)
	rule := units.UpRule(want.Name, want.Options)
	reason := ""
	for _, row := range rows {
		verdict := rule.Judge(row.Load, row.Active, row.Sub)
		dead := verdict == units.Down && row.Load == "loaded" && row.Active == "inactive"
		if row.Hash != live.Hash || verdict != units.Failed && !dead {
			return ""
		}
		reason = fmt.Sprintf("%s%s on %s", foundDead, row, short(row.Machine))
	}
	return reason
}

// orphans are the units that are the stack's and are not wanted any more.
func orphans(s *Snapshot, set *units.Set, prune bool) []Change {
	action := Orphan
	if prune {
		action = Delete
	}
	var changes []Change
	for _, live := range s.Owned(set.Stack) {
		if _, wanted := set.Lookup(live.Name); !wanted {
			change := Change{Unit: live.Name, Action: action, From: live.Desired, OldHash: live.Hash, Claimed: live.Owner() != set.Stack}
			if group := extraOf(live.Options); group != "" { // nobody wants it, whatever becomes of orphans
				change.Action, change.Reason = Delete, "left by a rollout of "+group
			}
			changes = append(changes, change)
		}
	}
	return changes
}
