package fleet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stackc/stackc/fleet/fleettest"
	"github.com/stackc/stackc/units"
)

// bare is a unit that nobody has marked.
func bare(name string, items ...string) units.Unit {
	u := unit(name, items...)
	u.Options = unmarked(u.Options)
	return u
}

// TestOwnership: who may have a unit, what is done with it, and what has to be
// recorded of it.
func TestOwnership(t *testing.T) {
	of := func(u units.Unit, stack string) units.Unit { return marked(u, stack) }
	claim := func(u units.Unit, stack string) []Claim { return []Claim{{u.Name, stack, u.Hash()}} }
	other := unit("a", "ExecStart=/bin/other")
	tests := []struct {
		name   string
		live   units.Unit
		claims []Claim
		want   units.Unit
		adopt  bool
		// result is the action, the owner it is taken from, and whether a claim is
		// left; or the refusal.
		result string
	}{
		{name: "ours by its mark", live: unit("a"), want: other, result: "replace"},
		{name: "another's by its mark", live: of(unit("a"), "t"), want: unit("a"), result: `unit a.service of stack "s" belongs to stack "t"`},
		{name: "nobody's", live: bare("a"), want: unit("a"), result: `unit a.service of stack "s" is in the cluster and belongs to no stack`},
		{name: "nobody's, to the byte the same", live: bare("a"), want: bare("a"), result: "none, claimed"},
		{name: "adopted, equal", live: bare("a"), want: unit("a"), adopt: true, result: `adopt from "", claimed`},
		{name: "adopted from another, equal", live: of(unit("a"), "t"), want: unit("a"), adopt: true, result: `adopt from "t", claimed`},
		{name: "adopted, other content", live: bare("a"), want: other, adopt: true, result: `replace from ""`},
		{name: "adopted before", live: bare("a"), claims: claim(bare("a"), "s"), want: unit("a"), result: "none, claimed"},
		{name: "adopted before from another", live: of(unit("a"), "t"), claims: claim(of(unit("a"), "t"), "s"), want: unit("a"), result: "none, claimed"},
		{name: "adopted before, changes now", live: bare("a"), claims: claim(bare("a"), "s"), want: other, result: "replace"},
		{name: "adopted by another", live: bare("a"), claims: claim(bare("a"), "t"), want: unit("a"), result: `unit a.service of stack "s" belongs to stack "t"`},
		{name: "adopted by another, to the byte the same", live: bare("a"), claims: claim(bare("a"), "t"), want: bare("a"), result: `unit a.service of stack "s" belongs to stack "t"`},
		{name: "ours by its mark and taken by another", live: unit("a"), claims: claim(unit("a"), "t"), want: unit("a"), result: `unit a.service of stack "s" belongs to stack "t"`},
		{name: "and taken back", live: unit("a"), claims: claim(unit("a"), "t"), want: unit("a"), adopt: true, result: `adopt from "t"`},
		{name: "a claim to other content", live: bare("a"), claims: claim(other, "s"), want: unit("a"), result: `belongs to no stack`},
		{name: "a stack without marks", live: bare("a"), claims: claim(bare("a"), "s"), want: bare("a", "ExecStart=/bin/b"), result: "replace, claimed"},
		{name: "an orphan without mark", live: bare("z"), claims: claim(bare("z"), "s"), want: unit("a"), result: "create"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
				c.Submit(tt.live)
				c.Settle()
				s, err := TakeAll(t.Context(), conn, nil)
				if err != nil {
					t.Fatal(err)
				}
				s = s.WithClaims(tt.claims)
				changes, refusals := Diff(s, set(tt.want), DiffOptions{Adopt: tt.adopt})
				if len(refusals) > 0 {
					if !strings.Contains(refusals[0].Text, tt.result) {
						t.Errorf("refused: %s, want %s", refusals[0].Text, tt.result)
					}
					return
				}
				p := NewPlan(s, set(tt.want), changes, Place(s, set(tt.want), changes))
				u := p.Units[0]
				got := string(u.Action)
				if tt.adopt {
					got += fmt.Sprintf(" from %q", u.Owner)
				}
				for _, c := range p.Claims(false) {
					if c.Unit == "a.service" {
						got += ", claimed"
					}
					if live, _ := s.Unit(c.Unit); !u.Action.Writes() && c.Hash != live.Hash {
						t.Errorf("claim to %s, the cluster has %s", c.Hash, live.Hash)
					}
				}
				if got != tt.result {
					t.Errorf("%s, want %s", got, tt.result)
				}
			})
		})
	}
}

// TestClaimedOrphans: pruning and destroying find units that carry no mark, and
// their claims stay until they are gone.
func TestClaimedOrphans(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		c.Submit(bare("old"))
		c.Submit(marked(unit("mine"), "t"))
		c.Settle()
		s, err := TakeAll(t.Context(), conn, nil)
		if err != nil {
			t.Fatal(err)
		}
		s = s.WithClaims([]Claim{{"old.service", "s", bare("old").Hash()}, {"mine.service", "s", marked(unit("mine"), "t").Hash()}, {"none.service", "s", "x"}})
		actions := func(p *Plan) string {
			text := ""
			for _, u := range p.Units {
				text += fmt.Sprintf("%s %s; ", u.Action, u.Unit)
			}
			return text
		}
		for _, prune := range []bool{false, true} {
			changes, _ := Diff(s, set(unit("new")), DiffOptions{Prune: prune})
			p := NewPlan(s, set(unit("new")), changes, Place(s, set(unit("new")), changes))
			want := map[bool]string{false: "orphan mine.service; create new.service; orphan old.service; ", true: "delete mine.service; create new.service; delete old.service; "}[prune]
			if actions(p) != want {
				t.Errorf("prune %v: %s", prune, actions(p))
			}
			if before, after := len(p.Claims(true)), len(p.Claims(false)); before != 2 || after != map[bool]int{false: 2, true: 0}[prune] {
				t.Errorf("prune %v: %d claims, then %d", prune, before, after)
			}
		}
		if p := PlanDestroy(s, "s"); actions(p) != "delete mine.service; delete old.service; " || len(p.Claims(true)) != 2 {
			t.Errorf("destroy: %s, %v", actions(p), p.Claims(true))
		}
		if got := strings.Join(s.Owners(), " "); got != "s" {
			t.Errorf("owners %q", got)
		}
	})
}

// TestPlanSet: what is recorded of a plan gives the same plan again.
func TestPlanSet(t *testing.T) {
	bubble(t, 1, func(t *testing.T, c *fleettest.Cluster, conn *Conn) {
		want := set(waits(unit("a"), "b.service"), loaded(unit("b")))
		p := planFor(t, conn, want, DiffOptions{})
		got := p.Set()
		if got.Stack != "s" || len(got.Units) != 2 || fmt.Sprint(got.Units) != fmt.Sprint(want.Units) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
