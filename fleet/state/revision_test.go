package state

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	etcd "go.etcd.io/etcd/client/v2"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

func begin(t *testing.T, s *Store, l *Lease, list []Unit) *Record {
	t.Helper()
	r, err := s.Begin(context.Background(), l, Revision{Doing: "submit", Who: "anna", Host: "n1", Source: Source{File: "shop.toml"}}, list)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func finish(t *testing.T, r *Record, o Outcome, keep int) {
	t.Helper()
	if err := r.Finish(context.Background(), o, "", keep); err != nil {
		t.Fatal(err)
	}
}

func history(t *testing.T, s *Store) string {
	t.Helper()
	list, err := s.Revisions(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, r := range list {
		words = append(words, fmt.Sprintf("%d %s", r.Number, r.Outcome))
	}
	return strings.Join(words, ", ")
}

func TestRevisions(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	if got := history(t, s); got != "" {
		t.Errorf("before the first: %q", got)
	}
	one := begin(t, s, lease, someUnits("a", "b"))
	if got := history(t, s); got != "1 pending" {
		t.Errorf("while the first goes on: %q", got)
	}
	finish(t, one, Done, 20)
	finish(t, begin(t, s, lease, someUnits("b", "c")), Failed, 20)
	if got := history(t, s); got != "2 failed, 1 done" {
		t.Errorf("after two: %q", got)
	}
	list, err := s.Revisions(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if r := list[1]; r.Who != "anna" || r.Source.File != "shop.toml" || r.Units != 2 || r.Ended.IsZero() || r.Run != lease.Holder().ID {
		t.Errorf("%+v", r)
	}
	got, err := s.Read(ctx, list[1])
	if err != nil || cmp.Diff(someUnits("a", "b"), got) != "" {
		t.Errorf("the units of 1: %v, %v", got, err)
	}
	if one.Digest == list[0].Digest || one.Digest != Digest(someUnits("a", "b")) {
		t.Errorf("digests %s and %s", one.Digest, list[0].Digest)
	}
}

// TestKeep: the oldest go, the newest that is done stays, and nothing is left of
// what has gone.
func TestKeep(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	finish(t, begin(t, s, lease, someUnits("a")), Done, 3)
	for range 5 {
		finish(t, begin(t, s, lease, someUnits("b")), Failed, 3)
	}
	if got := history(t, s); got != "6 failed, 5 failed, 4 failed, 1 done" {
		t.Errorf("kept: %q", got)
	}
	finish(t, begin(t, s, lease, nil), Done, 1)
	if got := history(t, s); got != "7 done" {
		t.Errorf("kept: %q", got)
	}
	answer, err := s.keys.Get(ctx, s.prefix+"/v1/stacks/shop/texts", &etcd.GetOptions{})
	if err != nil || len(answer.Node.Nodes) != 1 {
		t.Errorf("texts left: %v, %v", answer, err)
	}
	list, err := s.Revisions(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(ctx, list[0]); err != nil || len(got) != 0 {
		t.Errorf("a revision without units: %v, %v", got, err)
	}
}

// TestPieces: units of some megabytes are kept in values of a bounded size.
func TestPieces(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	noise := rand.New(rand.NewPCG(1, 2))
	var list []Unit
	for i := range 300 {
		value := make([]byte, 8000)
		for j := range value {
			value[j] = byte(' ' + noise.IntN(95))
		}
		list = append(list, Unit{Name: units.Name(fmt.Sprintf("u%03d.service", i)), Desired: units.Launched,
			Options: [][3]string{{"Service", "ExecStart", string(value)}}})
	}
	r := begin(t, s, lease, list)
	finish(t, r, Done, 20)
	if r.Pieces < 8 {
		t.Errorf("%d pieces", r.Pieces)
	}
	answer, err := s.keys.Get(ctx, path.Join(s.prefix, "v1/stacks/shop/texts", r.folder()), &etcd.GetOptions{Recursive: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range answer.Node.Nodes {
		if len(node.Value) > pieceSize {
			t.Errorf("%s has %d bytes", node.Key, len(node.Value))
		}
	}
	got, err := s.Read(ctx, r.Revision)
	if err != nil || cmp.Diff(list, got) != "" {
		t.Errorf("read back: %v", err)
	}
	// A piece that is gone, or another's, is noticed.
	if _, err := s.keys.Set(ctx, answer.Node.Nodes[0].Key, "x", nil); err != nil {
		t.Fatal(err)
	}
	_, err = s.Read(ctx, r.Revision)
	wantKind(t, err, Damaged)
	if _, err := s.keys.Delete(ctx, answer.Node.Nodes[0].Key, nil); err != nil {
		t.Fatal(err)
	}
	_, err = s.Read(ctx, r.Revision)
	wantKind(t, err, Damaged)
}

// TestKilled: pieces without a head are cleared away by the next run, a pending
// head stays to be seen, and numbers go on.
func TestKilled(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	torn := Revision{Number: 1, Stack: "shop", Run: "killed"}
	if err := s.writePieces(ctx, torn, []string{"half"}); err != nil {
		t.Fatal(err)
	}
	begin(t, s, lease, someUnits("a")) // killed as well
	if _, err := s.keys.Get(ctx, path.Join(s.prefix, "v1/stacks/shop/texts", torn.folder()), nil); kindOfCode(err.(etcd.Error).Code) != Missing {
		t.Errorf("torn pieces are left: %v", err)
	}
	finish(t, begin(t, s, lease, someUnits("b")), Done, 20)
	if got := history(t, s); got != "2 done, 1 pending" {
		t.Errorf("history: %q", got)
	}
}

// TestStolenWhileRecording: two that write the same number do not mix.
func TestStolenWhileRecording(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	r := begin(t, s, lease, someUnits("a"))
	if _, err := s.keys.Set(ctx, r.head, encode(Revision{Number: 1, Run: "other"}), nil); err != nil {
		t.Fatal(err)
	}
	wantKind(t, r.Finish(ctx, Done, "", 20), Lost)
}

func TestDamagedHead(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	r := begin(t, s, lease, someUnits("a"))
	if _, err := s.keys.Set(ctx, r.head, "{", nil); err != nil {
		t.Fatal(err)
	}
	_, err := s.Revisions(ctx, "shop")
	wantKind(t, err, Damaged)
}

func TestClaims(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	shop, blog := acquire(t, s, "shop"), acquire(t, s, "blog/x")
	claim := func(l *Lease, c Claims) {
		t.Helper()
		before, err := s.Claims(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Claim(ctx, l, before, c); err != nil {
			t.Fatal(err)
		}
	}
	want := func(w map[string]Claims) {
		t.Helper()
		got, err := s.Claims(ctx)
		if d := cmp.Diff(w, got); d != "" || err != nil {
			t.Errorf("claims (-want +got): %v\n%s", err, d)
		}
	}
	want(map[string]Claims{})
	claim(shop, Claims{"a.service": "1", "b.service": "2"})
	claim(blog, Claims{"c.service": "3"})
	want(map[string]Claims{"shop": {"a.service": "1", "b.service": "2"}, "blog/x": {"c.service": "3"}})
	claim(blog, Claims{"c.service": "3", "a.service": "1", "b.service": "other"})
	want(map[string]Claims{"shop": {"b.service": "2"}, "blog/x": {"c.service": "3", "a.service": "1", "b.service": "other"}})
	claim(blog, Claims{})
	want(map[string]Claims{"shop": {"b.service": "2"}})
}

// TestUnitsLaw: what is recorded of a set is all that a plan needs of it, and
// survives the packing.
func TestUnitsLaw(t *testing.T) {
	text := rapid.String()
	wait := rapid.Custom(func(t *rapid.T) units.Wait {
		return units.Wait{Unit: units.Name(text.Draw(t, "unit")), Subject: text.Draw(t, "subject"), Probe: text.Draw(t, "probe")}
	})
	option := rapid.Custom(func(t *rapid.T) units.Option {
		return units.Option{Section: text.Draw(t, "section"), Name: text.Draw(t, "name"), Value: text.Draw(t, "value")}
	})
	unit := rapid.Custom(func(t *rapid.T) units.Unit {
		return units.Unit{Name: units.Name(text.Draw(t, "name")), Desired: units.State(rapid.SampledFrom([]string{"launched", "loaded", "inactive"}).Draw(t, "state")),
			Group: text.Draw(t, "group"), Options: rapid.SliceOfN(option, 1, 5).Draw(t, "options"), Waits: rapid.SliceOfN(wait, 1, 3).Draw(t, "waits")}
	})
	rapid.Check(t, func(t *rapid.T) {
		set := units.NewSet("shop", rapid.SliceOfN(unit, 1, 5).Draw(t, "units"))
		list, err := unpack(strings.Join(pack(Units(set)), ""))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(set, Set("shop", list)); d != "" {
			t.Fatal(d)
		}
		if Digest(list) != Digest(Units(set)) {
			t.Fatal("another digest")
		}
	})
}

// TestWant: of two stacks that want one unit at least one learns of it.
func TestWant(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	for round := range 50 {
		stacks := []string{fmt.Sprintf("a%d/x", round), fmt.Sprintf("b%d", round)}
		learned := make(chan int, 2)
		for i, stack := range stacks {
			lease := acquire(t, s, stack)
			go func() {
				others, err := s.Want(ctx, lease, []units.Name{"both.service", units.Name(fmt.Sprintf("own%d.service", i))})
				if err != nil {
					t.Error(err)
				}
				if len(others) > 1 || len(others) == 1 && others["both.service"] != stacks[1-i] {
					t.Errorf("others are %v", others)
				}
				learned <- len(others)
			}()
			defer func() {
				if err := s.Unwant(ctx, lease); err != nil {
					t.Error(err)
				}
			}()
		}
		if n := <-learned + <-learned; n == 0 {
			t.Fatalf("round %d: nobody has learned of it", round)
		}
		for _, stack := range stacks { // for the next round
			if err := s.remove(ctx, "", s.wantedKey(stack), etcd.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
