package stack

import (
	"time"

	"github.com/stackc/stackc/compiler/diag"
	"github.com/stackc/stackc/compiler/syntax"
	"github.com/stackc/stackc/units"
)

// Update says how a change of a unit is rolled out. It is no part of the unit's
// text, so that another Update is not another unit.
type Update struct {
	Pos Pos
	// MaxUnavailable is how many instances may be down at a time, MaxExtra how many
	// may run beside them meanwhile, First how many are changed before somebody is asked.
	MaxUnavailable, MaxExtra, First Int
	// HealthyFor is how long a changed unit must be active without a break before
	// the next one follows; 0 asks for no more than that it is up.
	HealthyFor time.Duration
	Order      Word
	OnFailure  Word
	// OneMachine says that a global unit is changed machine by machine.
	OneMachine Flag
	// Broken says that the word is at fault, which is reported.
	Broken bool
}

// The orders: whether an old instance stops before a new one starts, or after that.
const (
	StopFirst  = "stop-first"
	StartFirst = "start-first"
)

// most is more instances than any stack has.
const most = 10000

// updateWords are the keys of an update.
var updateWords = []keyword[Update]{
	key("max_unavailable", number(0, most), func(u *Update) *Int { return &u.MaxUnavailable },
		"how many instances may be down at a time; 1, or with start-first none", `1`),
	key("max_extra", number(0, most), func(u *Update) *Int { return &u.MaxExtra },
		"how many further instances may run meanwhile; none, or with start-first 1", `1`),
	key("healthy_for", form[time.Duration]{durationShape(), (*decoder).span}, func(u *Update) *time.Duration { return &u.HealthyFor },
		"how long systemd must say without a break that a changed unit is active before the next follows, in seconds when it is a number", `"10s"`),
	key("order", oneOfWords(StopFirst, StartFirst), func(u *Update) *Word { return &u.Order },
		"whether a new instance starts when an old one has stopped, or before that; stop-first when nothing is said of max_extra either", `"start-first"`),
	key("on_failure", oneOfWords(string(units.StopOnFailure), string(units.RollBackOnFailure)), func(u *Update) *Word { return &u.OnFailure },
		"what to do when a changed unit fails: leave all as it stands, or bring back the old content of what was changed; stop when it is not said", `"rollback"`),
	key("first", number(1, most), func(u *Update) *Int { return &u.First },
		"so many instances are changed first, and then somebody is asked", `1`),
	key("one_machine_at_a_time", flag(), func(u *Update) *Flag { return &u.OneMachine },
		"true: a global unit is changed machine by machine, by a stand-in on each", `true`),
}

// oneOfWords is one of some words.
func oneOfWords(choices ...string) form[Word] {
	return form[Word]{choiceShape(choices...), func(d *decoder, v *syntax.Value) Word { return d.choice(v, choices) }}
}

// choice reads one of some words.
func (d *decoder) choice(v *syntax.Value, choices []string) Word {
	s := d.name(v)
	for _, c := range choices {
		if s == c {
			return Word{Value: s, Pos: d.pos(v.Span)}
		}
	}
	if s != "" {
		d.errorf(diag.BadValue, v.Span, "it cannot be %q", s).suggest(s, choices).orHelp("it is %s", oneOf(choices))
	}
	return Word{}
}

// span reads a duration that comes to an end.
func (d *decoder) span(v *syntax.Value) time.Duration {
	if r, ok := d.resolve(v); ok && r.Kind == syntax.String && r.Str == "infinity" {
		d.errorf(diag.BadValue, v.Span, "a change that waits for ever never comes to its end").help(`write it like "10s" or "1m"`)
		return 0
	}
	return d.duration(v)
}

func updateForm() form[*Update] {
	return form[*Update]{tableShape(Table{Name: "update", Keys: keywordsOf(updateWords)}), (*decoder).update}
}

// update reads `update = { … }`.
func (d *decoder) update(v *syntax.Value) *Update {
	u := &Update{Pos: d.pos(v.Span)}
	before := len(*d.findings)
	if t := d.table(v, `a table such as { max_unavailable = 1, healthy_for = "10s" }`); t != nil {
		read(d, u, t, "update", updateWords)
	}
	u.Broken = len(*d.findings) > before
	if !u.Broken {
		d.orders(u)
		u.Broken = len(*d.findings) > before
	}
	return u
}

// orders holds the order against the growth that it needs.
func (d *decoder) orders(u *Update) {
	extra := u.MaxExtra
	switch {
	case u.Order.Value == StartFirst && extra.Given() && extra.Value == 0:
		d.at("max_extra").errorf(diag.BadValue, extra.Pos.Span, "start-first starts a further instance before an old one stops, and max_extra = 0 allows none").
			note(u.Order.Pos.Span, "the order is said here").help("write max_extra = 1, or order = \"stop-first\"")
	case u.Order.Value == StopFirst && extra.Value > 0:
		d.at("max_extra").errorf(diag.BadValue, extra.Pos.Span, "stop-first starts nothing beside the old instances, so that max_extra is for nothing").
			note(u.Order.Pos.Span, "the order is said here").help("leave max_extra out, or write order = \"start-first\"")
	}
}

// StartsFirst reports whether further instances start before old ones stop.
func (u *Update) StartsFirst() bool { return u.Order.Value == StartFirst || u.MaxExtra.Value > 0 }

// Extra is how many further instances may run while a change is rolled out.
func (u *Update) Extra() int {
	if u.StartsFirst() && !u.MaxExtra.Given() {
		return 1
	}
	return u.MaxExtra.Value
}

// Unavailable is how many instances may be down at a time.
func (u *Update) Unavailable() int {
	if u.MaxUnavailable.Given() || u.StartsFirst() {
		return u.MaxUnavailable.Value
	}
	return 1
}
