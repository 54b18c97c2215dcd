package gc

import (
	"context"
	"testing"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

func hold(t *testing.T, store *state.Store, stack string) *state.Lease {
	t.Helper()
	lease, err := store.Acquire(t.Context(), stack, state.Holder{Who: "anna", Host: "n1", Doing: "submit"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lease.Release(context.Background()) })
	return lease
}

// TestReserved: a dead content that a run has reserved stays, however long its client is
// between the steps of fleet's own code, and goes when the run has withdrawn it, or has
// ended without doing so.
func TestReserved(t *testing.T) {
	for _, ends := range []string{"withdrawn", "killed"} {
		t.Run(ends, func(t *testing.T) {
			b := startBox(t)
			store, keys := b.store(t), b.keys(t)
			create(t, keys, "old.service", text(1))
			create(t, keys, "old.service", text(2))
			destroy(t, keys, "old.service")
			lease := hold(t, store, "shop/web")
			if err := Reserve(t.Context(), store, lease, []string{hashOf(t, 1)}, func() { t.Error("nothing was to be waited for") }); err != nil {
				t.Fatal(err)
			}
			var r Report
			create(t, &gate{KeysAPI: keys, between: func() { r = run(t, store, nil) }}, "new.service", text(1))
			if r.Removed != 1 || r.Spared != 1 || r.Restored != 0 {
				t.Errorf("a run while the client is between its steps: %+v", r)
			}
			if list := missing(t, store); len(list) > 0 {
				t.Errorf("%v is missing", list)
			}
			destroy(t, keys, "new.service")
			if ends == "withdrawn" {
				if err := store.Withdraw(t.Context(), lease); err != nil {
					t.Fatal(err)
				}
			} else if err := lease.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := run(t, store, nil); r.Removed != 1 {
				t.Errorf("after it was %s: %+v", ends, r)
			}
			if list, err := keys.Get(t.Context(), "/stackc/v1/reserved", &etcd.GetOptions{Recursive: true}); err != nil || len(list.Node.Nodes) > 0 {
				t.Errorf("still reserved: %v, %v", list.Node.Nodes, err)
			}
		})
	}
}

// TestReserveWaits: who reserves waits until the batch of removals that goes on is over,
// or until the run that has begun it has lost its lock.
func TestReserveWaits(t *testing.T) {
	for _, ends := range []string{"over", "killed"} {
		t.Run(ends, func(t *testing.T) {
			b := startBox(t)
			store, keys := b.store(t), b.keys(t)
			run, err := store.AcquireRegistry(t.Context(), state.Holder{Who: "anna", Host: "n1", Doing: "gc"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { run.Release(context.Background()) })
			r := newRegistry(store, "")
			own := sign{ID: run.Holder().ID, Prefix: r.prefix, Batch: true}
			if err := r.raise(t.Context(), own); err != nil {
				t.Fatal(err)
			}
			lease := hold(t, store, "shop")
			waits, done := make(chan struct{}), make(chan error, 1)
			go func() { done <- Reserve(t.Context(), store, lease, nil, func() { close(waits) }) }()
			<-waits
			select {
			case err := <-done:
				t.Fatalf("it has not waited: %v", err)
			case <-time.After(5 * askAgain):
			}
			if ends == "over" {
				own.Batch = false
				err = r.raise(t.Context(), own)
			} else {
				freeLock(t, keys)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReserveInterrupted: a wait ends with its context.
func TestReserveInterrupted(t *testing.T) {
	b := startBox(t)
	store := b.store(t)
	run, err := store.AcquireRegistry(t.Context(), state.Holder{Who: "anna", Host: "n1", Doing: "gc"})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Release(context.Background())
	if err := newRegistry(store, "").raise(t.Context(), sign{ID: run.Holder().ID, Batch: true}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := Reserve(ctx, store, hold(t, store, "shop"), nil, stop); err != context.Canceled {
		t.Errorf("it ends with %v", err)
	}
}
