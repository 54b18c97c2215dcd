package state

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	etcd "go.etcd.io/etcd/client/v2"
)

func TestLock(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	if l, err := s.Lock(ctx, "shop/eu"); l != nil || err != nil {
		t.Fatalf("a lock nobody has: %v, %v", l, err)
	}
	lease := acquire(t, s, "shop/eu")
	held, err := s.Lock(ctx, "shop/eu")
	if err != nil || held == nil || held.ID != lease.Holder().ID || held.Who != "anna" || held.Left <= 0 || held.Left > DefaultTTL {
		t.Fatalf("the lock is %+v, %v", held, err)
	}
	_, err = s.Acquire(ctx, "shop/eu", Holder{Who: "bert", Host: "n2"})
	wantKind(t, err, Held)
	var e *Error
	if !errors.As(err, &e) || e.Lock.Who != "anna" || !strings.Contains(err.Error(), "anna on n1 (submit, process 4711)") {
		t.Errorf("%v", err)
	}
	other := acquire(t, s, "shop")
	if lease.Err() != nil || other.Err() != nil {
		t.Errorf("%v, %v", lease.Err(), other.Err())
	}
	if err := lease.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if l, err := s.Lock(ctx, "shop/eu"); l != nil || err != nil {
		t.Errorf("after its release: %v, %v", l, err)
	}
	acquire(t, s, "shop/eu")
}

// TestSteal: whoever has the lock learns at once that it is taken away, and does
// not take it from the next one when it is released.
func TestSteal(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	held, err := s.Lock(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Steal(ctx, held); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the holder learns of it", func() bool { return lease.Err() != nil })
	wantKind(t, lease.Err(), Lost)
	wantKind(t, s.Steal(ctx, held), Missing)
	next := acquire(t, s, "shop")
	err = s.Steal(ctx, held)
	wantKind(t, err, Held)
	if err := lease.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if now, err := s.Lock(ctx, "shop"); err != nil || now == nil || now.ID != next.Holder().ID {
		t.Errorf("the lock is %+v, %v", now, err)
	}
	_, err = s.Begin(ctx, lease, Revision{}, nil)
	wantKind(t, err, Lost)
}

// TestRefresh: a lease outlives its TTL, and ends with a holder that is gone.
func TestRefresh(t *testing.T) {
	s, ctx := open(t, Config{TTL: 3 * time.Second}), context.Background()
	lease := acquire(t, s, "shop")
	first, err := s.Lock(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is refreshed for longer than it lasts", func() bool {
		now, err := s.Lock(ctx, "shop")
		if err != nil || now == nil || lease.Err() != nil {
			t.Fatalf("the lock is %v, %v, %v", now, err, lease.Err())
		}
		return now.Refreshed.Sub(first.Refreshed) > 6*time.Second
	})
	lease.cancel() // as if the program were killed
	lease.ended.Wait()
	eventually(t, "it runs out", func() bool {
		now, err := s.Lock(ctx, "shop")
		return err == nil && now == nil
	})
	if lease.Err() == nil {
		t.Error("the holder takes it for its own after it has run out")
	}
}

// TestExpired: a lock that ran out by itself is told of as such.
func TestExpired(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	// Somebody else's clock, so to say: the TTL is made short behind its back.
	if _, err := s.keys.Set(ctx, lease.key, encode(lease.holder), &etcd.SetOptions{TTL: time.Second}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the holder learns of it", func() bool { return lease.Err() != nil })
	if !strings.Contains(lease.Err().Error(), "it ran out") {
		t.Error(lease.Err())
	}
}

// TestRefreshAnswerLost: a refresh that went through unheard is no loss.
func TestRefreshAnswerLost(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	lease := acquire(t, s, "shop")
	h := lease.holder
	h.Refreshed = h.Refreshed.Add(time.Second)
	if _, err := s.keys.Set(ctx, lease.key, encode(h), &etcd.SetOptions{TTL: s.ttl}); err != nil {
		t.Fatal(err)
	}
	lease.mu.Lock()
	lease.index = 1
	lease.mu.Unlock()
	lease.prolong(ctx)
	lease.prolong(ctx)
	if err := lease.Err(); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if l, err := s.Lock(ctx, "shop"); l != nil || err != nil {
		t.Errorf("after its release: %v, %v", l, err)
	}
}

// TestOneHolder: of many that want a lock at once, one has it at any time.
func TestOneHolder(t *testing.T) {
	s, ctx := open(t, Config{}), context.Background()
	var inside, won atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				l, err := s.Acquire(ctx, "shop", anna)
				if KindOf(err) == Held {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two have the lock")
				}
				won.Add(1)
				inside.Add(-1)
				if err := l.Release(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if won.Load() == 0 {
		t.Error("nobody ever had it")
	}
}

func TestNames(t *testing.T) {
	s := open(t, Config{})
	for _, name := range []string{"", ".", "..", "../x", "_hidden", "a~b", "a\x00"} {
		if _, err := s.Lock(context.Background(), name); KindOf(err) != Misused {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, endpoint := range []string{"", "127.0.0.1:2379", "unix:///run/etcd", "http://", "ftp://x:1"} {
		_, err := Open(Config{Endpoints: []string{endpoint}})
		wantKind(t, err, Misused)
	}
}

func TestUnreachable(t *testing.T) {
	s, ctx := open(t, Config{Endpoints: []string{"http://127.0.0.1:1"}}), context.Background()
	wantKind(t, s.Ping(ctx), Unreachable)
	_, err := s.Acquire(ctx, "shop", anna)
	wantKind(t, err, Unreachable)
	if !strings.Contains(err.Error(), "http://127.0.0.1:1") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q", err)
	}
	not := open(t, Config{Endpoints: []string{shared.control}})
	if KindOf(not.Ping(ctx)) == "" {
		t.Error("what is no etcd answers as one")
	}
	// Of two, one is enough.
	two := open(t, Config{Endpoints: []string{"http://127.0.0.1:1", shared.etcd}})
	if err := two.Ping(ctx); err != nil {
		t.Error(err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := two.Lock(canceled, "shop"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestOutage: an etcd that is away for some seconds costs no lock; one that is away
// for longer than the lease lasts does.
func TestOutage(t *testing.T) {
	s, ctx := open(t, Config{TTL: 9 * time.Second, Timeout: 500 * time.Millisecond}), context.Background()
	lease := acquire(t, s, "shop")
	shared.call(t, "POST", "/etcd/cut")
	time.Sleep(3 * time.Second)
	shared.call(t, "POST", "/etcd/heal")
	eventually(t, "it is refreshed again", func() bool {
		lease.mu.Lock()
		defer lease.mu.Unlock()
		return time.Until(lease.until) > 7*time.Second
	})
	if err := lease.Err(); err != nil {
		t.Fatal(err)
	}
	shared.call(t, "POST", "/etcd/cut")
	eventually(t, "the holder takes it for lost", func() bool { return lease.Err() != nil })
	shared.call(t, "POST", "/etcd/heal")
	eventually(t, "it is free", func() bool { l, err := s.Lock(ctx, "shop"); return err == nil && l == nil })
}
