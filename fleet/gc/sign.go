package gc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/fleet/state"
)

// sign is what a run says of itself in etcd from its first removal until nothing can
// miss any more what it has removed. A sign whose run has not got the registry's lock
// any more is that of a run which was cut short.
type sign struct {
	// ID is that of the lock's holder.
	ID string `json:"id"`
	// Prefix is fleet's directory in etcd.
	Prefix string `json:"prefix"`
	// Batch says that contents are removed just now.
	Batch bool `json:"batch,omitempty"`
}

func signKey(store *state.Store) string { return store.Place("registry", "sign") }

// raise writes the sign.
func (r *fleetRegistry) raise(ctx context.Context, s sign) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = r.store.Do(ctx, "tell others that contents are removed", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Set(ctx, signKey(r.store), string(text), &etcd.SetOptions{NoValueOnSuccess: true})
	})
	return err
}

// lower takes the sign away.
func (r *fleetRegistry) lower(ctx context.Context) error {
	_, err := r.store.Do(ctx, "tell others that no contents are removed", func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		r.requests.Add(1)
		return keys.Delete(ctx, signKey(r.store), nil)
	})
	if state.KindOf(err) == state.Missing {
		return nil
	}
	return err
}

// readSign reads the sign, nil when there is none.
func readSign(ctx context.Context, store *state.Store) (*sign, error) {
	const op = "read whether contents are removed"
	answer, err := store.Do(ctx, op, func(ctx context.Context, keys etcd.KeysAPI) (*etcd.Response, error) {
		return keys.Get(ctx, signKey(store), &etcd.GetOptions{Quorum: true})
	})
	switch {
	case state.KindOf(err) == state.Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	s := &sign{}
	if err := json.Unmarshal([]byte(answer.Node.Value), s); err != nil {
		return nil, &state.Error{Op: op, Kind: state.Damaged, Err: fmt.Errorf("the value of %s in etcd cannot be read", answer.Node.Key)}
	}
	return s, nil
}

// removing reports whether a batch of removals goes on.
func removing(ctx context.Context, store *state.Store) (bool, error) {
	s, err := readSign(ctx, store)
	if err != nil || s == nil || !s.Batch {
		return false, err
	}
	lock, err := store.RegistryLock(ctx)
	return lock != nil && lock.ID == s.ID, err
}

// Mend brings back what units miss since a run was cut short, and gives how many
// contents that were. Anybody may call it at any time: beside a run that goes on it does
// what that does as well, and only sooner than one whose lock has to end first. The
// journal stays for the next run, which alone can tell when nobody can miss anything any
// more.
func Mend(ctx context.Context, store *state.Store) (int, error) {
	s, err := readSign(ctx, store)
	if err != nil || s == nil {
		return 0, err
	}
	r := newRegistry(store, s.Prefix)
	entries, err := r.journal(ctx)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	f := newFollower(r)
	for _, e := range entries {
		f.adopt(e)
	}
	_, err = f.sync(ctx)
	return f.standing().restored, err
}

// askAgain is how often Reserve looks whether a batch is over.
const askAgain = 20 * time.Millisecond

// Reserve keeps contents, by their hashes, from being removed until the lease's run
// withdraws them: those that it may write. From its return on no gc removes any of them,
// for each side first writes what it does and then reads what the other one does.
// waiting, when given, is told once that a batch of removals has to end first, which
// takes a fraction of a second.
func Reserve(ctx context.Context, store *state.Store, lease *state.Lease, hashes []string, waiting func()) error {
	if err := store.Reserve(ctx, lease, hashes); err != nil {
		return err
	}
	for told := false; ; told = true {
		wait, err := removing(ctx, store)
		switch {
		case err != nil:
			return err
		case !wait:
			return lease.Err()
		}
		if !told && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(askAgain):
		}
	}
}
