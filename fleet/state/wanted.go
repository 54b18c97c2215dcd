package state

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"time"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/units"
)

// wantedFor is how long names stay wanted by a run that was killed. A unit belongs
// to one stack, so that this keeps nobody from anything that could go well.
const wantedFor = time.Hour

// Want says which units the lease's stack is about to have, before the cluster is
// looked at, and returns those that another stack wants at the same time, with that
// stack. Of two that want one unit at least one learns of it: each writes first and
// then reads.
func (s *Store) Want(ctx context.Context, lease *Lease, names []units.Name) (map[units.Name]string, error) {
	op := "tell which units " + lease.stack + " wants"
	if err := lease.Err(); err != nil {
		return nil, err
	}
	if _, err := s.set(ctx, op, s.wantedKey(lease.stack), encode(names), etcd.SetOptions{TTL: wantedFor, NoValueOnSuccess: true}); err != nil {
		return nil, err
	}
	answer, err := s.get(ctx, op, s.wantedKey(), true)
	if err != nil {
		return nil, err
	}
	others := map[units.Name]string{}
	for _, node := range answer.Node.Nodes {
		stack := deep(path.Base(node.Key))
		var theirs []units.Name
		if err := json.Unmarshal([]byte(node.Value), &theirs); err != nil {
			return nil, fail(op, Damaged, "the value of %s in etcd cannot be read", node.Key)
		}
		for _, name := range theirs {
			if stack != lease.stack && slices.Contains(names, name) {
				others[name] = stack
			}
		}
	}
	return others, nil
}

// Unwant takes back what Want has said. It does so when ctx has ended, too.
func (s *Store) Unwant(ctx context.Context, lease *Lease) error {
	if lease.Err() != nil {
		return nil // it may be another run's by now
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	return s.remove(ctx, "tell that "+lease.stack+" wants nothing", s.wantedKey(lease.stack), etcd.DeleteOptions{})
}

func (s *Store) wantedKey(stack ...string) string {
	for i := range stack {
		stack[i] = flat(stack[i])
	}
	return path.Join(append([]string{s.prefix, "v1", "wanted"}, stack...)...)
}
