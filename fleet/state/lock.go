package state

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	etcd "go.etcd.io/etcd/client/v2"
)

// Holder is who has a lock.
type Holder struct {
	// ID is of one run of a program, and nobody else's.
	ID   string `json:"id"`
	Who  string `json:"who"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Doing is the command: "submit", "rollback".
	Doing string `json:"doing"`
	// Since and Refreshed are times of the holder's clock.
	Since     time.Time `json:"since"`
	Refreshed time.Time `json:"refreshed"`
}

// String names the holder: "anna on n1 (submit, process 4711)".
func (h Holder) String() string {
	return fmt.Sprintf("%s on %s (%s, process %d)", h.Who, h.Host, h.Doing, h.PID)
}

// Lock is a stack's lock as it is found.
type Lock struct {
	Stack string `json:"stack"`
	Holder
	// Left is how long it lasts unless it is refreshed, in whole seconds of etcd's
	// clock.
	Left time.Duration `json:"left"`
	// index is etcd's of the last change.
	index uint64
}

// Lock reads who has the lock of a stack, nil when nobody has.
func (s *Store) Lock(ctx context.Context, stack string) (*Lock, error) {
	key, err := s.key(stack, "lock")
	if err != nil {
		return nil, err
	}
	return s.lockAt(ctx, stack, key)
}

// lockAt reads the lock at a key.
func (s *Store) lockAt(ctx context.Context, stack, key string) (*Lock, error) {
	answer, err := s.get(ctx, "read the lock of "+called(stack), key, false)
	switch {
	case KindOf(err) == Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return lockOf(stack, answer.Node), nil
}

// lockOf reads a lock. One that cannot be read is somebody's all the same.
func lockOf(stack string, node *etcd.Node) *Lock {
	l := &Lock{Stack: stack, Left: node.TTLDuration(), index: node.ModifiedIndex}
	if err := json.Unmarshal([]byte(node.Value), &l.Holder); err != nil {
		l.Holder = Holder{ID: "unreadable", Who: "somebody", Host: "an unknown machine", Doing: "unknown"}
	}
	return l
}

// Steal takes the lock away from the holder that l tells of, and gives it to
// nobody. That it is free already, or has gone over to somebody else, is an error
// of Kind Missing or Held.
func (s *Store) Steal(ctx context.Context, l *Lock) error {
	op := "steal the lock of " + l.Stack
	key, err := s.key(l.Stack, "lock")
	if err != nil {
		return err
	}
	for {
		now, err := s.Lock(ctx, l.Stack)
		switch {
		case err != nil:
			return err
		case now == nil:
			return fail(op, Missing, "it is free by now")
		case now.ID != l.ID:
			return &Error{Op: op, Kind: Held, Lock: now, Err: fmt.Errorf("it has gone over to %s", now.Holder)}
		}
		// The holder refreshes it meanwhile, perhaps; then it is tried again.
		err = s.remove(ctx, op, key, etcd.DeleteOptions{PrevIndex: now.index})
		if KindOf(err) != conflict {
			return err
		}
	}
}

// Acquire takes the lock of a stack, and keeps it until Release. When somebody
// has it the error is of Kind Held. Of h, the ID and the times are filled in.
func (s *Store) Acquire(ctx context.Context, stack string, h Holder) (*Lease, error) {
	key, err := s.key(stack, "lock")
	if err != nil {
		return nil, err
	}
	return s.acquire(ctx, stack, key, h)
}

// AcquireRegistry is Acquire for the one lock that is no stack's: that of fleet's
// registry as a whole, for whoever tidies it up. The Lock of an error has no Stack.
func (s *Store) AcquireRegistry(ctx context.Context, h Holder) (*Lease, error) {
	return s.acquire(ctx, registry, s.Place("registry", "lock"), h)
}

// RegistryLock is Lock for the lock of the registry.
func (s *Store) RegistryLock(ctx context.Context) (*Lock, error) {
	return s.lockAt(ctx, registry, s.Place("registry", "lock"))
}

// registry stands in place of a stack's name for the lock of the registry.
const registry = ""

// called words whose lock it is.
func called(stack string) string {
	if stack == registry {
		return "the registry"
	}
	return stack
}

func (s *Store) acquire(ctx context.Context, stack, key string, h Holder) (*Lease, error) {
	op := "lock " + called(stack)
	h.ID = rand.Text()
	h.Since = time.Now().UTC().Truncate(time.Second)
	h.Refreshed = h.Since
	sent := time.Now()
	answer, err := s.set(ctx, op, key, encode(h), etcd.SetOptions{PrevExist: etcd.PrevNoExist, TTL: s.ttl})
	if err == nil {
		return s.lease(stack, key, h, sent, answer.Node.ModifiedIndex), nil
	}
	if KindOf(err) != conflict {
		return nil, err
	}
	now, err := s.lockAt(ctx, stack, key)
	switch {
	case err != nil:
		return nil, err
	case now == nil: // it has become free between the two requests
		return s.acquire(ctx, stack, key, h)
	case now.ID == h.ID: // an earlier try of the request has gone through
		return s.lease(stack, key, h, sent, now.index), nil
	}
	return nil, &Error{Op: op, Kind: Held, Lock: now, Err: fmt.Errorf(
		"%s has the lock since %s; unless refreshed it ends in %s", now.Holder, now.Since.Format("2006-01-02 15:04:05 UTC"), now.Left)}
}

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // only plain data is encoded
	}
	return string(text)
}
