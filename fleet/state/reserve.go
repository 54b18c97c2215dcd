package state

import (
	"context"
	"encoding/json"
	"path"

	etcd "go.etcd.io/etcd/client/v2"
)

// reservation is the value of what a run has reserved. It has no time: it counts as
// long as the lock of its stack is that run's, however long that may be.
type reservation struct {
	// ID is that of the lock's holder.
	ID     string   `json:"id"`
	Hashes []string `json:"hashes"`
}

// Reserve says which contents, by their hashes, the lease's stack may write into
// fleet's registry from now on, until Withdraw. Whoever removes contents from it reads
// that with Reserved and leaves those alone.
func (s *Store) Reserve(ctx context.Context, lease *Lease, hashes []string) error {
	if err := lease.Err(); err != nil {
		return err
	}
	_, err := s.set(ctx, "reserve what "+lease.stack+" writes", s.reservedKey(lease.stack),
		encode(reservation{lease.holder.ID, hashes}), etcd.SetOptions{NoValueOnSuccess: true})
	return err
}

// Withdraw takes back what Reserve has said. It does so when ctx has ended, too.
func (s *Store) Withdraw(ctx context.Context, lease *Lease) error {
	if lease.Err() != nil {
		return nil // it may be another run's by now
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	return s.remove(ctx, "tell that "+lease.stack+" writes nothing any more", s.reservedKey(lease.stack), etcd.DeleteOptions{})
}

// Reserved gives the hashes that runs have reserved. Those of a run that has ended,
// or has lost its lock and so writes nothing any more, are cleared away.
func (s *Store) Reserved(ctx context.Context) (map[string]bool, error) {
	const op = "read what is about to be written"
	answer, err := s.get(ctx, op, s.reservedKey(), true)
	switch {
	case KindOf(err) == Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	all := map[string]bool{}
	for _, node := range answer.Node.Nodes {
		var a reservation
		if err := json.Unmarshal([]byte(node.Value), &a); err != nil {
			return nil, fail(op, Damaged, "the value of %s in etcd cannot be read", node.Key)
		}
		stack := deep(path.Base(node.Key))
		lock, err := s.Lock(ctx, stack)
		switch {
		case err != nil:
			return nil, err
		case lock == nil || lock.ID != a.ID:
			// It is gone by now, or another's, perhaps.
			err := s.remove(ctx, op, s.reservedKey(stack), etcd.DeleteOptions{PrevIndex: node.ModifiedIndex})
			if err != nil && KindOf(err) != conflict {
				return nil, err
			}
			continue
		}
		for _, hash := range a.Hashes {
			all[hash] = true
		}
	}
	return all, nil
}

func (s *Store) reservedKey(stack ...string) string {
	for i := range stack {
		stack[i] = flat(stack[i])
	}
	return path.Join(append([]string{s.prefix, "v1", "reserved"}, stack...)...)
}
