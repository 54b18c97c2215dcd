package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	etcd "go.etcd.io/etcd/client/v2"
)

// refreshes is how many tries a lease has before it ends.
const refreshes = 6

// margin is how much earlier than etcd the holder takes its lease for ended.
const margin = 2 * time.Second

// Lease is a lock that is held. It is refreshed and watched in the background.
type Lease struct {
	store  *Store
	stack  string
	key    string
	holder Holder
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu sync.Mutex
	// until is when the lease ends unless refreshed, index etcd's of the last
	// change that was ours.
	until time.Time
	index uint64
	lost  error
}

func (s *Store) lease(stack, key string, h Holder, sent time.Time, index uint64) *Lease {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Lease{store: s, stack: stack, key: key, holder: h, cancel: cancel, until: sent.Add(s.ttl), index: index}
	l.ended.Go(func() { l.refresh(ctx) })
	l.ended.Go(func() { l.watch(ctx, index) })
	return l
}

// Stack returns the stack that is locked, "" for the registry.
func (l *Lease) Stack() string { return l.stack }

// Holder returns who holds it: the caller of Acquire.
func (l *Lease) Holder() Holder { return l.holder }

// Err returns nil while the lock is held, then an error of Kind Lost. It asks
// nobody: that the lock was taken away is told by a watch within a round trip,
// that it could not be refreshed by the clock.
func (l *Lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == nil && time.Until(l.until) < margin {
		l.lost = fail("hold the lock of "+called(l.stack), Lost, "it could not be refreshed in time, and may be somebody else's by now")
	}
	return l.lost
}

// Until returns when Err says that the lock is lost unless it is refreshed before. What
// must not be done without the lock has to be done by then.
func (l *Lease) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until.Add(-margin)
}

// Release gives the lock back, and ends what goes on in the background. It does
// so when ctx has ended, too. A lock that is lost is left alone.
func (l *Lease) Release(ctx context.Context) error {
	l.cancel()
	l.ended.Wait()
	if l.Err() != nil {
		return nil
	}
	// Time enough for all three requests at an etcd that is slow.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*l.store.timeout)
	defer cancel()
	l.mu.Lock()
	index := l.index
	l.mu.Unlock()
	err := l.store.remove(ctx, "unlock "+called(l.stack), l.key, etcd.DeleteOptions{PrevIndex: index})
	if KindOf(err) != conflict {
		return err
	}
	// The answer to the last refresh was not heard, perhaps.
	now, err := l.store.lockAt(ctx, l.stack, l.key)
	if err != nil || now == nil || now.ID != l.holder.ID {
		return err
	}
	return l.store.remove(ctx, "unlock "+called(l.stack), l.key, etcd.DeleteOptions{PrevIndex: now.index})
}

// lose notes once that the lock is lost.
func (l *Lease) lose(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == nil {
		l.lost = fail("hold the lock of "+called(l.stack), Lost, format, args...)
	}
}

// refresh prolongs the lease until ctx ends or it is lost.
func (l *Lease) refresh(ctx context.Context) {
	every := l.store.ttl / refreshes
	timer := time.NewTicker(every)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		l.prolong(ctx)
		if l.Err() != nil {
			return
		}
	}
}

// prolong refreshes once. That etcd does not answer is no fault yet.
func (l *Lease) prolong(ctx context.Context) {
	l.mu.Lock()
	index := l.index
	l.mu.Unlock()
	h := l.holder
	sent := time.Now()
	h.Refreshed = sent.UTC().Truncate(time.Second)
	inner, cancel := context.WithTimeout(ctx, l.store.timeout)
	defer cancel()
	answer, err := l.store.keys.Set(inner, l.key, encode(h), &etcd.SetOptions{PrevIndex: index, PrevExist: etcd.PrevExist, TTL: l.store.ttl})
	switch kind := KindOf(l.store.classify(ctx, "", err)); {
	case err == nil:
		l.prolonged(sent, answer.Node.ModifiedIndex)
	case kind == conflict:
		l.compare(inner)
	case kind == Missing:
		l.lose("somebody has taken it away, or it ran out")
	}
}

func (l *Lease) prolonged(sent time.Time, index uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.index = sent.Add(l.store.ttl), index
}

// compare finds out whether the lock is still ours after a comparison that did
// not hold: an earlier refresh whose answer was lost changes the index.
func (l *Lease) compare(ctx context.Context) {
	answer, err := l.store.keys.Get(ctx, l.key, &etcd.GetOptions{Quorum: true})
	var told etcd.Error
	switch {
	case errors.As(err, &told) && told.Code == etcd.ErrorCodeKeyNotFound:
		l.lose("somebody has taken it away, or it ran out")
	case err != nil:
	default:
		l.meet(answer.Node)
	}
}

// meet takes note of the lock as it is in etcd.
func (l *Lease) meet(node *etcd.Node) {
	now := lockOf(l.stack, node)
	if now.ID != l.holder.ID {
		l.lose("%s has it now", now.Holder)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index = max(l.index, now.index)
}

// watch waits for what others do with the lock.
func (l *Lease) watch(ctx context.Context, index uint64) {
	for ctx.Err() == nil {
		w := l.store.keys.Watcher(l.key, &etcd.WatcherOptions{AfterIndex: index})
		for {
			answer, err := w.Next(ctx)
			if err != nil {
				break
			}
			switch answer.Action {
			case "expire":
				l.lose("it ran out")
				return
			case "delete", "compareAndDelete":
				l.lose("somebody has taken it away")
				return
			}
			l.meet(answer.Node)
		}
		if l.Err() != nil || pause(ctx, time.Second) != nil {
			return
		}
		// What happened meanwhile is not told again; it is looked up.
		inner, cancel := context.WithTimeout(ctx, l.store.timeout)
		l.compare(inner)
		cancel()
		l.mu.Lock()
		index = l.index
		l.mu.Unlock()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("paused: %w", ctx.Err())
	}
}
