package gc

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

// follower knows which contents jobs name and have named since it began, and brings
// back what is named after it was removed.
type follower struct {
	registry *fleetRegistry
	// changed is told of every change of what is below; it holds one.
	changed chan struct{}

	mu sync.Mutex
	// used has each hash that a job has named at any time since the beginning.
	used map[string]bool
	// gone has what this run, or one before it, has removed or is about to.
	gone map[string]*removed
	// since is from when on no change can have been missed; zero while that is not so.
	since time.Time
	// fault is why nothing more may be removed at all.
	fault    error
	restored int
}

// removed is a content that is away, or about to be.
type removed struct {
	value string
	// away is false until etcd has answered: what is written again before that may be
	// removed after it.
	away bool
}

func newFollower(r *fleetRegistry) *follower {
	return &follower{registry: r, changed: make(chan struct{}, 1), used: map[string]bool{}, gone: map[string]*removed{}}
}

// run follows the jobs until ctx ends.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		index, err := f.sync(ctx)
		if err == nil {
			f.mu.Lock()
			f.since = time.Now()
			f.mu.Unlock()
			f.tell()
			f.watch(ctx, index)
		}
		f.mu.Lock()
		f.since = time.Time{}
		if state.KindOf(err) == state.Damaged || state.KindOf(err) == state.Misused {
			f.fault = err
		}
		f.mu.Unlock()
		f.tell()
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// watch takes the changes after an index, until one may have been missed.
func (f *follower) watch(ctx context.Context, index uint64) {
	dir := f.registry.key(jobDir)
	w := f.registry.store.Watch(dir, index)
	for {
		f.registry.requests.Add(1)
		change, err := w.Next(ctx)
		if err != nil {
			return
		}
		if f.take(ctx, dir, change) != nil {
			return
		}
	}
}

// take notes which content a change names. Of other changes there is nothing to know:
// a content that was named once stays.
func (f *follower) take(ctx context.Context, dir string, change *etcd.Response) error {
	_, key, ok := strings.Cut(strings.TrimPrefix(change.Node.Key, dir+"/"), "/")
	switch change.Action {
	case "set", "create", "update", "compareAndSwap":
	default:
		return nil
	}
	if !ok || key != objectKey || !strings.HasPrefix(path.Clean(change.Node.Key), dir+"/") {
		return nil
	}
	hash, err := reference(change.Node)
	if err != nil {
		f.mu.Lock()
		f.fault = &state.Error{Op: "follow the changes of units", Kind: state.Damaged, Err: err}
		f.mu.Unlock()
		return nil
	}
	return f.use(ctx, map[string]bool{hash: true})
}

// sync reads the jobs, and gives etcd's index at that moment.
func (f *follower) sync(ctx context.Context) (uint64, error) {
	hashes, index, err := f.registry.references(ctx)
	if err != nil {
		return 0, err
	}
	return index, f.use(ctx, hashes)
}

// use notes that contents are named, and brings back those that are away.
func (f *follower) use(ctx context.Context, hashes map[string]bool) error {
	back := map[string]string{}
	f.mu.Lock()
	for hash := range hashes {
		f.used[hash] = true
		if g := f.gone[hash]; g != nil && g.away {
			back[hash] = g.value
		}
	}
	f.mu.Unlock()
	for hash, value := range back {
		if err := f.restore(ctx, hash, value); err != nil {
			return err
		}
	}
	return nil
}

// restore writes a content again. It is done even when ctx ends: a unit waits for it.
func (f *follower) restore(ctx context.Context, hash, value string) error {
	made, err := f.registry.restore(context.WithoutCancel(ctx), hash, value)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.gone, hash)
	if made {
		f.restored++
	}
	return nil
}

// may gives those of a list that can be removed now: no job has named them for as long
// as observe, and nobody has reserved to write them. They are noted as being removed.
// wait is how long it takes until that can
// be told; negative when it is not known.
func (f *follower) may(list []content, reserved map[string]bool, observe time.Duration) (allowed []content, wait time.Duration, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.fault != nil:
		return nil, 0, f.fault
	case f.since.IsZero():
		return nil, -1, nil
	case time.Since(f.since) < observe:
		return nil, observe - time.Since(f.since), nil
	}
	for _, c := range list {
		if !f.used[c.hash] && !reserved[c.hash] {
			f.gone[c.hash] = &removed{value: c.value}
			allowed = append(allowed, c)
		}
	}
	return allowed, 0, nil
}

// settle notes how a removal went. When a job has named the content meanwhile it is
// brought back.
func (f *follower) settle(ctx context.Context, c content, away bool) error {
	f.mu.Lock()
	used := f.used[c.hash]
	if away {
		f.gone[c.hash].away = true
	} else {
		delete(f.gone, c.hash)
	}
	f.mu.Unlock()
	if away && used {
		return f.restore(ctx, c.hash, c.value)
	}
	return nil
}

// adopt takes over what an earlier run has removed.
func (f *follower) adopt(e *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for hash, value := range e.values {
		f.gone[hash] = &removed{value: value, away: true}
	}
}

// forget drops what no client can bring a job for any more.
func (f *follower) forget(e *entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for hash := range e.values {
		delete(f.gone, hash)
	}
}

// standing is what can be told of a follower at a moment.
type standing struct {
	since    time.Time
	fault    error
	restored int
}

func (f *follower) standing() standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return standing{f.since, f.fault, f.restored}
}

func (f *follower) unused(c content) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.used[c.hash]
}

func (f *follower) tell() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}
