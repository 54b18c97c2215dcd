package state

import (
	"context"
	"encoding/json"
	"maps"
	"path"

	etcd "go.etcd.io/etcd/client/v2"

	"github.com/stackc/stackc/units"
)

// Claims are units whose text does not say that they belong to a stack: the hash
// of their content by name. A claim holds as long as the unit has that content.
type Claims map[units.Name]string

func (s *Store) claimsKey(stack ...string) string {
	for i := range stack {
		stack[i] = flat(stack[i])
	}
	return path.Join(append([]string{s.prefix, "v1", "claims"}, stack...)...)
}

// Claims reads those of all stacks.
func (s *Store) Claims(ctx context.Context) (map[string]Claims, error) {
	all := map[string]Claims{}
	op := "read who owns what"
	answer, err := s.get(ctx, op, s.claimsKey(), true)
	switch {
	case KindOf(err) == Missing:
		return all, nil
	case err != nil:
		return nil, err
	}
	for _, node := range answer.Node.Nodes {
		var claims Claims
		if err := json.Unmarshal([]byte(node.Value), &claims); err != nil {
			return nil, fail(op, Damaged, "the value of %s in etcd cannot be read", node.Key)
		}
		all[deep(path.Base(node.Key))] = claims
	}
	return all, nil
}

// Claim makes claims those of the lease's stack, and takes units with the same
// content from other stacks. before is what Claims has given.
func (s *Store) Claim(ctx context.Context, lease *Lease, before map[string]Claims, claims Claims) error {
	if err := lease.Err(); err != nil {
		return err
	}
	if !maps.Equal(before[lease.stack], claims) {
		if err := s.writeClaims(ctx, lease.stack, claims); err != nil {
			return err
		}
	}
	for stack, theirs := range before {
		if stack != lease.stack && overlaps(theirs, claims) {
			if err := s.disclaim(ctx, stack, claims); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) writeClaims(ctx context.Context, stack string, claims Claims) error {
	op := "record the units of " + stack
	if len(claims) == 0 {
		return s.remove(ctx, op, s.claimsKey(stack), etcd.DeleteOptions{})
	}
	_, err := s.set(ctx, op, s.claimsKey(stack), encode(claims), etcd.SetOptions{NoValueOnSuccess: true})
	return err
}

func overlaps(a, b Claims) bool {
	for name, hash := range a {
		if b[name] == hash {
			return true
		}
	}
	return false
}

// disclaim takes units from another stack. That stack's lock is not ours, so the
// value is compared and swapped.
func (s *Store) disclaim(ctx context.Context, stack string, claims Claims) error {
	op := "take units over from " + stack
	for {
		answer, err := s.get(ctx, op, s.claimsKey(stack), false)
		if KindOf(err) == Missing {
			return nil
		}
		if err != nil {
			return err
		}
		var theirs Claims
		if err := json.Unmarshal([]byte(answer.Node.Value), &theirs); err != nil {
			return fail(op, Damaged, "the value of %s in etcd cannot be read", answer.Node.Key)
		}
		maps.DeleteFunc(theirs, func(name units.Name, hash string) bool { return claims[name] == hash })
		_, err = s.set(ctx, op, s.claimsKey(stack), encode(theirs), etcd.SetOptions{PrevIndex: answer.Node.ModifiedIndex})
		if KindOf(err) != conflict {
			return err
		}
	}
}
