package state

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"

	etcd "go.etcd.io/etcd/client/v2"
)

// Outcome says how the run that made a revision ended.
type Outcome string

// The outcomes.
const (
	// Pending is what a revision is until its run has ended. It stays so when the
	// run is killed.
	Pending Outcome = "pending"
	// Done means that every unit got to be as the revision says.
	Done Outcome = "done"
	// Sent means that all was sent, and that the run was told not to wait: nobody
	// has seen whether the units got to be as the revision says.
	Sent Outcome = "sent"
	// Failed means that all was sent and a unit failed or was not up in time.
	Failed Outcome = "failed"
	// Stopped means that the run did not come to its end: it was interrupted, or
	// the cluster could not be reached.
	Stopped Outcome = "stopped"
)

// Well reports whether nothing went wrong as far as the run has looked.
func (o Outcome) Well() bool { return o == Done || o == Sent }

// Source says of what text a revision was made.
type Source struct {
	File string `json:"file,omitempty"`
	// Digest identifies all texts and values that went into the units.
	Digest string `json:"digest,omitempty"`
	// Git is the commit that was checked out where the file lies.
	Git string `json:"git,omitempty"`
}

// Revision is what is kept of one submit beside its units.
type Revision struct {
	Number int    `json:"revision"`
	Stack  string `json:"stack"`
	// Doing is the command: "submit", "rollback to 3", "destroy".
	Doing string `json:"doing"`
	Who   string `json:"who"`
	Host  string `json:"host"`
	// Program is the version of the program.
	Program string `json:"program,omitempty"`
	// Run is the ID of the lock's holder.
	Run   string    `json:"run"`
	Began time.Time `json:"began"`
	// Ended is zero while the revision is pending.
	Ended   time.Time `json:"ended,omitzero"`
	Outcome Outcome   `json:"outcome"`
	// Reason tells why it is not done, in words.
	Reason string `json:"reason,omitempty"`
	Source Source `json:"source"`
	// Changes counts the units by what was to be done with them.
	Changes map[string]int `json:"changes,omitempty"`
	// Units is how many units there are, Digest identifies them: equal digests
	// mean equal units.
	Units  int    `json:"units"`
	Digest string `json:"digest"`
	// Pieces is in how many values the units are stored.
	Pieces int `json:"pieces"`
	// index is etcd's of the last change of the head.
	index uint64
}

// name is a revision's number as a key, which sorts as the numbers do.
func name(number int) string { return fmt.Sprintf("%08d", number) }

// Revisions reads what is kept of a stack, the newest first.
func (s *Store) Revisions(ctx context.Context, stack string) ([]Revision, error) {
	key, err := s.key(stack, "heads")
	if err != nil {
		return nil, err
	}
	op := "read the history of " + stack
	answer, err := s.get(ctx, op, key, true)
	switch {
	case KindOf(err) == Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	var list []Revision
	for _, node := range answer.Node.Nodes {
		number, err := strconv.Atoi(path.Base(node.Key))
		if err != nil {
			continue // not ours
		}
		r := Revision{index: node.ModifiedIndex}
		if err := json.Unmarshal([]byte(node.Value), &r); err != nil || r.Number != number {
			return nil, fail(op, Damaged, "revision %d cannot be read; it lies in etcd under %s", number, node.Key)
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Revision) int { return b.Number - a.Number })
	return list, nil
}

// Stacks names the stacks of which something is kept, in order.
func (s *Store) Stacks(ctx context.Context) ([]string, error) {
	answer, err := s.get(ctx, "list the stacks", s.Place("stacks"), false)
	switch {
	case KindOf(err) == Missing:
		return nil, nil
	case err != nil:
		return nil, err
	}
	var names []string
	for _, node := range answer.Node.Nodes {
		names = append(names, deep(path.Base(node.Key)))
	}
	return names, nil
}

// Record is a revision that is being made.
type Record struct {
	store *Store
	lease *Lease
	head  string
	Revision
}

// Begin writes a revision that is pending, with its units. Of r the number, the
// stack, the times and what is about the units are filled in. What runs that were
// killed have left without a head is cleared away.
func (s *Store) Begin(ctx context.Context, lease *Lease, r Revision, list []Unit) (*Record, error) {
	if err := lease.Err(); err != nil {
		return nil, err
	}
	before, err := s.Revisions(ctx, lease.stack)
	if err != nil {
		return nil, err
	}
	if err := s.sweep(ctx, lease.stack, before); err != nil {
		return nil, err
	}
	r.Number = 1
	if len(before) > 0 {
		r.Number = before[0].Number + 1
	}
	text := pack(list)
	r.Stack, r.Run = lease.stack, lease.holder.ID
	r.Began, r.Ended, r.Outcome, r.Reason = time.Now().UTC().Truncate(time.Second), time.Time{}, Pending, ""
	r.Units, r.Digest, r.Pieces = len(list), Digest(list), len(text)
	if err := s.writePieces(ctx, r, text); err != nil {
		return nil, err
	}
	head, err := s.key(r.Stack, "heads", name(r.Number))
	if err != nil {
		return nil, err
	}
	op := fmt.Sprintf("record revision %d of %s", r.Number, r.Stack)
	answer, err := s.set(ctx, op, head, encode(r), etcd.SetOptions{PrevExist: etcd.PrevNoExist})
	switch {
	case KindOf(err) == conflict:
		if r.index, err = s.mine(ctx, op, head, r.Run); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	default:
		r.index = answer.Node.ModifiedIndex
	}
	return &Record{store: s, lease: lease, head: head, Revision: r}, nil
}

// mine looks up a head that was there when it should be written: an earlier try
// of the request may have made it. It returns its index.
func (s *Store) mine(ctx context.Context, op, head, run string) (uint64, error) {
	answer, err := s.get(ctx, op, head, false)
	if err != nil {
		return 0, err
	}
	var there Revision
	if err := json.Unmarshal([]byte(answer.Node.Value), &there); err != nil || there.Run != run {
		return 0, fail(op, Lost, "somebody else has recorded it meanwhile")
	}
	return answer.Node.ModifiedIndex, nil
}

// Finish says how it ended, and forgets the oldest revisions beyond keep. It does
// so when ctx has ended, too.
func (r *Record) Finish(ctx context.Context, outcome Outcome, reason string, keep int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*retryFor)
	defer cancel()
	done := r.Revision
	done.Ended, done.Outcome, done.Reason = time.Now().UTC().Truncate(time.Second), outcome, reason
	op := fmt.Sprintf("record the end of revision %d of %s", r.Number, r.Stack)
	answer, err := r.store.set(ctx, op, r.head, encode(done), etcd.SetOptions{PrevIndex: r.index, PrevExist: etcd.PrevExist})
	switch {
	case KindOf(err) == conflict:
		if done.index, err = r.store.mine(ctx, op, r.head, r.Run); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		done.index = answer.Node.ModifiedIndex
	}
	r.Revision = done
	if r.lease.Err() != nil {
		return nil // whoever has the lock now tidies up
	}
	return r.store.trim(ctx, r.Stack, keep)
}

// trim removes revisions beyond the newest keep. The newest that is done stays in
// any case.
func (s *Store) trim(ctx context.Context, stack string, keep int) error {
	list, err := s.Revisions(ctx, stack)
	if err != nil {
		return err
	}
	safe := slices.IndexFunc(list, func(r Revision) bool { return r.Outcome == Done })
	for i, r := range list {
		if i < max(keep, 1) || i == safe {
			continue
		}
		if err := s.forget(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// forget removes a revision, its head first: what is left of it when that is
// interrupted counts for nothing.
func (s *Store) forget(ctx context.Context, r Revision) error {
	op := fmt.Sprintf("forget revision %d of %s", r.Number, r.Stack)
	head, err := s.key(r.Stack, "heads", name(r.Number))
	if err != nil {
		return err
	}
	if err := s.remove(ctx, op, head, etcd.DeleteOptions{}); err != nil {
		return err
	}
	pieces, err := s.key(r.Stack, "texts", r.folder())
	if err != nil {
		return err
	}
	return s.remove(ctx, op, pieces, etcd.DeleteOptions{Recursive: true, Dir: true})
}

// sweep removes pieces that belong to no revision.
func (s *Store) sweep(ctx context.Context, stack string, known []Revision) error {
	op := "tidy the history of " + stack
	key, err := s.key(stack, "texts")
	if err != nil {
		return err
	}
	answer, err := s.get(ctx, op, key, false)
	switch {
	case KindOf(err) == Missing:
		return nil
	case err != nil:
		return err
	}
	for _, node := range answer.Node.Nodes {
		folder := path.Base(node.Key)
		if slices.ContainsFunc(known, func(r Revision) bool { return r.folder() == folder }) {
			continue
		}
		if err := s.remove(ctx, op, path.Join(key, folder), etcd.DeleteOptions{Recursive: true, Dir: true}); err != nil {
			return err
		}
	}
	return nil
}

// folder is where the pieces of a revision are. The run is part of it, so that
// what two runs write never gets mixed.
func (r Revision) folder() string { return name(r.Number) + "-" + r.Run }
