package state

import (
	"context"
	"maps"
	"slices"
	"testing"

	etcd "go.etcd.io/etcd/client/v2"
)

// TestReserve: what a run has reserved counts as long as it has the lock of its stack,
// and is cleared away after that.
func TestReserve(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	reserved := func(want ...string) {
		t.Helper()
		all, err := s.Reserved(ctx)
		if list := slices.Sorted(maps.Keys(all)); err != nil || !slices.Equal(list, want) {
			t.Errorf("reserved are %v, %v, want %v", list, err, want)
		}
	}
	reserved()
	one, other := acquire(t, s, "shop/eu"), acquire(t, s, "shop")
	for lease, hashes := range map[*Lease][]string{one: {"aa", "bb"}, other: {"bb", "cc"}} {
		if err := s.Reserve(ctx, lease, hashes); err != nil {
			t.Fatal(err)
		}
	}
	reserved("aa", "bb", "cc")
	if err := s.Reserve(ctx, one, []string{"dd"}); err != nil { // in place of the first
		t.Fatal(err)
	}
	reserved("bb", "cc", "dd")
	if err := s.Withdraw(ctx, one); err != nil {
		t.Fatal(err)
	}
	reserved("bb", "cc")

	// A run that was killed has withdrawn nothing, and the next one has reserved nothing.
	if err := other.Release(ctx); err != nil {
		t.Fatal(err)
	}
	next := acquire(t, s, "shop")
	reserved()
	if err := s.Reserve(ctx, next, []string{"ee"}); err != nil {
		t.Fatal(err)
	}
	reserved("ee")

	// Who has lost the lock reserves nothing, and withdraws nothing that is another's.
	held, err := s.Lock(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Steal(ctx, held); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the holder learns of it", func() bool { return next.Err() != nil })
	wantKind(t, s.Reserve(ctx, next, []string{"ff"}), Lost)
	last := acquire(t, s, "shop")
	if err := s.Reserve(ctx, last, []string{"gg"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Withdraw(ctx, next); err != nil {
		t.Fatal(err)
	}
	reserved("gg")
}

// TestReservedDamaged: what cannot be read may reserve anything.
func TestReservedDamaged(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	if _, err := s.set(ctx, "", s.reservedKey("shop"), "{", etcd.SetOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Reserved(ctx)
	wantKind(t, err, Damaged)
	if err := s.remove(ctx, "", s.reservedKey("shop"), etcd.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
